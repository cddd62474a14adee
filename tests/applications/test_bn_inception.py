"""BN-Inception: what figure 5 prints beside its counts of maps."""

import pytest
from keras import layers

import kerasnets
from kerasnets.graph import no_values


@pytest.fixture(scope="module")
@no_values()
def paper():
    return kerasnets.build("BNInception")


def kinds(model, kind):
    return [layer for layer in model.layers if isinstance(layer, kind)]


def test_pooling_of_each_module(paper):
    maxima = {layer.name: layer.strides for layer in kinds(paper, layers.MaxPooling2D)}
    assert maxima == {
        "pool1": (2, 2),
        "pool2": (2, 2),
        "inception_3c_branch3_1_pool": (2, 2),
        "inception_4e_branch3_1_pool": (2, 2),
        "inception_5b_branch4_1_pool": (1, 1),
    }
    means = [layer.name for layer in kinds(paper, layers.AveragePooling2D)]
    assert sorted(means) == [
        f"inception_{name}_branch4_1_pool" for name in ("3a", "3b", "4a", "4b", "4c", "4d", "5a")
    ]


@pytest.mark.parametrize(("module", "maps"), [("3c", 320), ("4e", 608)])
def test_reductions_pass_their_input_through(paper, module, maps):
    assert paper.get_layer(f"inception_{module}_branch3_1_pool").output.shape[-1] == maps
    strided = [
        layer.name
        for layer in kinds(paper, layers.Conv2D)
        if layer.name.startswith(f"inception_{module}") and layer.strides == (2, 2)
    ]
    assert sorted(strided) == [f"inception_{module}_branch{n}_conv" for n in ("1_2", "2_3")]


def test_no_kernel_is_larger_than_3_behind_the_first(paper):
    first, *others = kinds(paper, layers.Conv2D)
    assert first.kernel_size == (7, 7)
    assert {layer.kernel_size for layer in others} == {(1, 1), (3, 3)}
    assert not any(layer.use_bias for layer in (first, *others))


def test_count_of_the_released_weights(paper):
    """Those have a bias on each convolution too, which batch normalization makes idle: 11,295,240."""
    idle = sum(layer.filters for layer in kinds(paper, layers.Conv2D))
    trainable = sum(layer.count_params() for layer in paper.layers) - sum(
        2 * layer.gamma.shape[0] for layer in kinds(paper, layers.BatchNormalization)
    )
    assert trainable + idle == 11_295_240


def test_separable_stem():
    net = kerasnets.build("BNInception", separable_stem=True)
    stem = net.get_layer("conv1_conv")
    assert stem.depth_multiplier == 8
    assert stem.count_params() == 7 * 7 * 3 * 8 + 3 * 8 * 64
    assert stem.output.shape[1:] == (112, 112, 64)


@pytest.mark.parametrize(
    "row",
    [
        ("3a", 64, 64, 64, 64, 96, "avg"),
        ("3a", 64, 64, 64, 64, 96, "mean", 32),
        ("3a", 64, 64, 64, 64, 96, "avg", 0),
        ("3a", 64, 64, 64, 64, 96, "avg", "pass"),
        ("3a", 64, 0, 64, 64, 96, "avg", 32),
        ("3a",),
    ],
)
def test_rows_that_are_not_figure_5s_are_refused(row):
    with pytest.raises(ValueError, match="`modules` is a tuple of rows.*Received: modules="):
        kerasnets.build("BNInception", modules=(row,))
