"""Forms of nets from AlexNet to Xception that are not the papers', and that published weights need."""

import keras
import numpy as np
import pytest
from keras import layers

import kerasnets
from kerasnets.graph import no_values
from kerasnets.layers.lrn import LRN
from nets import array, filled, images, tiny

RNG = np.random.default_rng(0)


def part(net, first, last):
    """What the layers of a net from one to another compute."""
    return keras.Model(net.get_layer(first).input, net.get_layer(last).output)


def windows(x, kernel, strides, grid):
    """The windows of maps of one channel, (batch, *grid, *kernel)."""
    found = np.lib.stride_tricks.sliding_window_view(x, kernel, axis=tuple(range(1, 1 + len(kernel))))
    steps = tuple(slice(None, step * size, step) for step, size in zip(strides, grid, strict=True))
    return found[(slice(None), *steps)]


@pytest.mark.parametrize(
    ("name", "pool"), [("InceptionV3", "inception_a1_branch4_1"), ("BNInception", "inception_3a_branch4_1")]
)
def test_means_count_the_padding(name, pool):
    options = dict(input_shape=(75, 75, 3), **getattr(kerasnets.applications, name).spec.tiny)
    with no_values():
        net, plain = (kerasnets.build(name, **options, include_pad=flag) for flag in (True, False))
    counting = part(net, f"{pool}_pad", f"{pool}_pool")
    ones = np.ones((1, *counting.input_shape[1:]), "float32")
    shares = array(counting(ones))[0, ..., 0]
    assert shares[0, 0] == pytest.approx(4 / 9)
    assert shares[0, 1] == pytest.approx(6 / 9)
    assert shares[1:-1, 1:-1] == pytest.approx(1)
    own = plain.get_layer(f"{pool}_pool")
    assert own.padding == "same"
    left_out = keras.Model(own.input, own.output)(ones)
    np.testing.assert_allclose(array(left_out), 1, rtol=1e-6)


def pooled(x, kernel, grid, before):
    """The largest values of windows, some of which begin pixels before the border and end beyond it."""
    strides = tuple(min(2, k) for k in kernel)
    padded = np.pad(x, [(0, 0), *((n, 2) for n in before)], constant_values=-np.inf)
    return windows(padded, kernel, strides, grid).max(tuple(range(-len(kernel), 0)))


@pytest.mark.parametrize(
    ("name", "size", "pool", "kernel", "ends"),
    [
        ("Xception", (49, 49), "entry1_pool", (3, 3), [(0, 0), (1, 1)]),
        ("NIN", (32, 32), "mlpconv1_pool", (3, 3), [(0, 0), (1, 1)]),
        ("C3D", (16, 48, 48), "block5_pool", (2, 2, 2), [(0, 0, 0), (0, 1, 1)]),
    ],
)
def test_padding_of_poolings(name, size, pool, kernel, ends):
    for pool_padding, before in zip(("end", "both"), ends, strict=True):
        net = tiny(name, input_shape=(*size, 3), pool_padding=pool_padding)
        padding = [layer.name for layer in net.layers if layer.name == f"{pool}_pad"]
        inner = part(net, (padding or [pool])[0], pool)
        x = RNG.normal(-3 if name == "Xception" else 3, 0.5, (2, *inner.input_shape[1:])).astype("float32")
        expected = pooled(x[..., 0], kernel, inner.output_shape[1:-1], before)
        np.testing.assert_array_equal(array(inner(x))[..., 0], expected, err_msg=pool_padding)


def test_means_of_nin_count_the_padding_on_both_sides():
    net = tiny("NIN", pool_padding="both")
    inner = part(net, "mlpconv2_pool_pad", "mlpconv2_pool")
    shares = array(inner(np.ones((1, *inner.input_shape[1:]), "float32")))[0, ..., 0]
    assert shares[0, 0] == pytest.approx(4 / 9)


def test_released_squeezenet_averages_a_border():
    net = filled(tiny("SqueezeNet", released=True, classifier_activation=None))
    x = images(net)
    maps = array(keras.Model(net.input, net.get_layer("dropout").output)(x, training=False))
    kernel, bias = net.get_layer("class_maps").get_weights()
    padded = np.pad(maps, ((0, 0), (1, 1), (1, 1), (0, 0)))
    expected = np.maximum(padded @ kernel[0, 0] + bias, 0).mean((1, 2))
    np.testing.assert_allclose(array(net(x, training=False)), expected, rtol=1e-4, atol=1e-5)


def test_alexnet_without_normalization():
    net = tiny("AlexNet", lrn=False)
    assert not any(isinstance(layer, LRN) for layer in net.layers)
    later = dict(filters=(64, 192, 384, 256, 256), groups=1, lrn=False, input_shape=(224, 224, 3))
    with no_values():
        assert kerasnets.build("AlexNet", **later).count_params() == 61_100_840  # as torchvision's


def test_zfnet_normalizes_first():
    names = [layer.name for layer in tiny("ZFNet", normalize_first=True).layers]
    normalized = [name for name in names if name.startswith(("conv1", "conv2")) and "pad" not in name]
    assert normalized == ["conv1", "conv1_lrn", "conv1_pool", "conv2", "conv2_lrn", "conv2_pool"]


def test_embedding():
    net = filled(tiny("InceptionResNetV1", embedding=7, classifier_activation=None))
    embedding = net.get_layer("embedding")
    assert embedding.units == 7
    assert not embedding.use_bias
    x = RNG.normal(size=(3, embedding.input.shape[-1])).astype("float32")
    (kernel,), (gamma, beta, mean, variance) = (
        embedding.get_weights(),
        net.get_layer("embedding_bn").get_weights(),
    )
    normalized = (x @ kernel - mean) / np.sqrt(variance + 1e-3) * gamma + beta
    kernel, bias = net.get_layer("logits").get_weights()
    scores = part(net, "embedding", "logits")(x, training=False)
    np.testing.assert_allclose(array(scores), normalized @ kernel + bias, rtol=1e-4, atol=1e-4)
    with pytest.raises(ValueError, match="`embedding` is None or a whole number.*Received: embedding=0"):
        tiny("InceptionResNetV1", embedding=0)


def test_window_of_googlenets_pooling():
    modules = (("3a", 4, 3, 4, 3, 4, 4), ("pool3", 2), ("4a", 4, 4, 5, 3, 4, 4))
    pool = kerasnets.build("GoogLeNet", modules=modules, input_shape=(65, 65, 3)).get_layer("pool3")
    assert (pool.pool_size, pool.strides) == ((2, 2), (2, 2))


def test_strides_of_simplenet():
    net = tiny("SimpleNet", strides=(2, 1, 2), input_shape=(64, 64, 3))
    strides = [layer.strides[0] for layer in net.layers if isinstance(layer, layers.Conv2D)]
    assert strides == [2, 1, 2, 1, 1, 1]
    with pytest.raises(ValueError, match="`strides` is a tuple of at most 6 .*Received: strides="):
        tiny("SimpleNet", strides=(1,) * 7)
