import keras
import numpy as np
import pytest
from keras import ops

import kerasnets
from kerasnets.applications.alexnet import TINY
from kerasnets.graph import no_values


def features(**options):
    return kerasnets.build("AlexNet", include_top=False, **{**TINY, **options})


@pytest.mark.parametrize(("side", "zeros", "grid"), [(223, 0, 54), (224, 2, 55), (225, 1, 55), (227, 0, 55)])
def test_zeros_follow_from_the_side(side, zeros, grid):
    net = features(input_shape=(side, 227, 3))
    x = np.random.default_rng(0).uniform(-1, 1, (1, side, 227, 3)).astype("float32")
    stem = keras.Model(net.input, net.get_layer("conv1").output)
    y = ops.convert_to_numpy(stem(x))
    assert y.shape[1:3] == (grid, 55)
    kernel, bias = net.get_layer("conv1").get_weights()
    padded = np.pad(x, [(0, 0), (zeros, zeros), (0, 0), (0, 0)])
    corner = np.einsum("hwc,hwcf->f", padded[0, :11, :11], kernel) + bias
    np.testing.assert_allclose(y[0, 0, 0], np.maximum(corner, 0), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("free", [(None, None), (None, 90), (227, None)])
def test_free_sides_compute_what_fixed_ones_do(free):
    keras.utils.set_random_seed(0)
    net = features(input_shape=(*free, 3))
    for height, width in ((67, 90), (92, 93), (227, 224), (227, 90), (81, 90)):
        if all(known in (None, side) for known, side in zip(free, (height, width), strict=True)):
            fixed = features(input_shape=(height, width, 3))
            fixed.set_weights(net.get_weights())
            x = np.random.default_rng(0).uniform(-1, 1, (2, height, width, 3)).astype("float32")
            expected = ops.convert_to_numpy(fixed(x))
            np.testing.assert_allclose(ops.convert_to_numpy(net(x)), expected, rtol=1e-4, atol=1e-6)


def test_groups_keep_their_maps_apart():
    net = features(input_shape=(67, 67, 3))
    shapes = {layer.name: layer.kernel.shape for layer in net.layers if hasattr(layer, "kernel")}
    assert [shapes[f"conv{i}"][2] for i in range(1, 6)] == [3, 2, 6, 2, 2]
    # Each map of the second convolution reads the first maps, or the last ones, but never both.
    tail = keras.Model(net.get_layer("conv1_pool").output, net.get_layer("conv2").output)
    x = np.random.default_rng(0).uniform(0, 1, (1, 7, 7, 4)).astype("float32")
    before, after = (ops.convert_to_numpy(tail(v)) for v in (x, x * [1, 1, 0, 0]))
    np.testing.assert_array_equal(before[..., :3], after[..., :3])
    assert not np.array_equal(before[..., 3:], after[..., 3:])


@no_values()
def test_one_group_has_the_kernels_between_the_groups_too():
    joined = kerasnets.build("AlexNet", groups=1)
    assert joined.count_params() == 60_965_224 + 48 * 256 * 25 + 192 * 384 * 9 + 192 * 256 * 9


def test_order_of_normalization_and_pooling():
    names = [layer.name for layer in features().layers]
    assert names[1:7] == ["conv1", "conv1_lrn", "conv1_pool", "conv2", "conv2_lrn", "conv2_pool"]


@no_values()
def test_the_order_of_lectures():
    """Das and Jin: CONV1, MAX POOL1, NORM1, CONV2, ...; Aich: dropout before the first two dense layers."""
    net = kerasnets.build("AlexNet", pool_first=True, dropout_first=True)
    assert [layer.name for layer in net.layers[1:]] == [
        *("conv1", "conv1_pool", "conv1_lrn", "conv2", "conv2_pool", "conv2_lrn"),
        *("conv3", "conv4", "conv5", "conv5_pool", "flatten"),
        *("fc1_dropout", "fc1", "fc2_dropout", "fc2", "logits", "predictions"),
    ]
    assert [net.get_layer(f"conv{i}_lrn").output.shape[1:] for i in (1, 2)] == [(27, 27, 96), (13, 13, 256)]
    assert net.count_params() == kerasnets.build("AlexNet").count_params() == 60_965_224


@no_values()
def test_windows_of_pooling_and_a_removed_convolution():
    pools = [
        layer.pool_size
        for layer in kerasnets.build("AlexNet", window=2, **TINY).layers
        if "pool" in layer.name
    ]
    assert pools == [(2, 2)] * 3
    whole = kerasnets.build("AlexNet", **TINY)
    for removed in range(2, 6):
        left = {layer.name for layer in kerasnets.build("AlexNet", removed=removed, **TINY).layers}
        gone = {layer.name for layer in whole.layers} - left
        assert gone == {f"conv{removed}"} | ({"conv2_lrn"} if removed == 2 else set())
    for wrong in (1, 6, True):
        with pytest.raises(ValueError, match="`removed` is None or 2, 3, 4 or 5"):
            kerasnets.build("AlexNet", removed=wrong)


def test_nets_that_differ_in_dropout_alone_take_each_others_weights(tmp_path):
    options = dict(**TINY, input_shape=(67, 67, 3), classes=3)
    net = kerasnets.build("AlexNet", **options)
    kerasnets.save(net, tmp_path / "net.weights.h5")
    other = kerasnets.build("AlexNet", dropout_first=True, weights=tmp_path / "net.weights.h5", **options)
    x = np.random.default_rng(0).uniform(-1, 1, (1, 67, 67, 3)).astype("float32")
    np.testing.assert_array_equal(ops.convert_to_numpy(other(x)), ops.convert_to_numpy(net(x)))
