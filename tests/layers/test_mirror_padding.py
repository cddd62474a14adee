import json

import keras
import numpy as np
import pytest
from keras import ops

from kerasnets.analysis import receptive_field
from kerasnets.layers import MirrorPadding2D
from kerasnets.surgery import widen

RNG = np.random.default_rng(0)
PADDING = ((1, 0), (2, 1))


@pytest.mark.parametrize("grid", [(4, 5), (None, None), (None, 5)])
def test_pixels_are_mirrored_at_the_border(grid):
    inputs = keras.Input((*grid, 2))
    model = keras.Model(inputs, MirrorPadding2D(PADDING)(inputs))
    assert model.output_shape == (None, grid[0] and 5, grid[1] and 8, 2)
    x = RNG.normal(size=(3, 4, 5, 2)).astype("float32")
    expected = np.pad(x, ((0, 0), *PADDING, (0, 0)), mode="symmetric")
    np.testing.assert_array_equal(ops.convert_to_numpy(model(x)), expected)


def test_configuration():
    layer = MirrorPadding2D(PADDING, name="pad")
    config = json.loads(json.dumps(layer.get_config()))
    assert MirrorPadding2D.from_config(config).padding == layer.padding == PADDING


@pytest.mark.parametrize(
    "padding", [1, (1, 1), ((1, 1),), ((1, 1), (1, -1)), ((1, 0.5), (1, 1)), ((1,), (1, 1))]
)
def test_misuse(padding):
    with pytest.raises(ValueError, match="`padding` is two pairs .*Received: padding="):
        MirrorPadding2D(padding)


def test_analysis_and_surgery_know_it():
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, padding="same", name="conv")(inputs)
    x = MirrorPadding2D(((1, 1), (1, 1)))(x)
    x = keras.layers.Conv2D(5, 3, 2, name="next")(x)
    model = keras.Model(inputs, x)
    field = receptive_field(model, "next")
    assert (field.size, field.stride, field.offset) == ((5, 5), (2, 2), (-2, -2))
    wider = widen(model, "conv", 6)
    images = RNG.normal(size=(2, 8, 8, 3)).astype("float32")
    np.testing.assert_allclose(wider(images), model(images), rtol=1e-4, atol=1e-5)
