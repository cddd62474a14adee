"""The forms of the all convolutional nets."""

import keras
import pytest

import kerasnets
from kerasnets.graph import no_values

# Springenberg 2015, tables 1 and 2, added up: the convolutions of each base net; a form with one more
# convolution before or instead of each pooling has 3x3 from 96 to 96 and from 192 to 192 maps more.
LAST = (9 * 192 * 192 + 192) + (192 * 192 + 192) + (192 * 10 + 10)
BASES = {
    "A": (25 * 3 * 96 + 96) + (25 * 96 * 192 + 192) + LAST,
    "B": (25 * 3 * 96 + 96) + (96 * 96 + 96) + (25 * 96 * 192 + 192) + (192 * 192 + 192) + LAST,
    "C": (9 * 3 * 96 + 96) + (9 * 96 * 96 + 96) + (9 * 96 * 192 + 192) + (9 * 192 * 192 + 192) + LAST,
}
MORE = (9 * 96 * 96 + 96) + (9 * 192 * 192 + 192)
FORMS = {"BaseCNN": 0, "StridedCNN": 0, "ConvPoolCNN": MORE, "AllCNN": MORE}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("base", BASES)
@no_values()
def test_parameters(form, base):
    net = kerasnets.build(f"{form}{base}")
    assert net.count_params() == BASES[base] + FORMS[form]


@pytest.mark.parametrize(
    ("form", "pools", "strides"),
    [
        ("BaseCNN", 2, []),
        ("StridedCNN", 0, ["block1_conv2", "block2_conv2"]),
        ("ConvPoolCNN", 2, []),
        ("AllCNN", 0, ["block1_down", "block2_down"]),
    ],
)
@no_values()
def test_what_halves_the_grid(form, pools, strides):
    for base in "BC":
        layers = kerasnets.build(f"{form}{base}", filters=(4, 4)).layers
        assert sum(isinstance(layer, keras.layers.MaxPooling2D) for layer in layers) == pools
        convolutions = [layer for layer in layers if isinstance(layer, keras.layers.Conv2D)]
        assert [layer.name for layer in convolutions if layer.strides == (2, 2)] == strides


@no_values()
def test_dropout_stands_on_the_input_and_behind_each_block():
    # Section 3.1: 20% of the inputs, and 50% behind each pooling layer or what is in its place.
    for form in FORMS:
        net = kerasnets.build(f"{form}C", filters=(4, 4))
        dropouts = [layer for layer in net.layers if isinstance(layer, keras.layers.Dropout)]
        assert [layer.rate for layer in dropouts] == [0.2, 0.5, 0.5]
        sides = [layer.output.shape[1] for layer in dropouts]
        assert sides == [32, 16, 8]
