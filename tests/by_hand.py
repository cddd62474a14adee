"""A small net of convolutions, ReLUs and max pooling, and its ways back by hand, in numpy."""

import keras
import numpy as np
from keras import layers

SIDE, CHANNELS = 8, 2
IMAGES = np.random.default_rng(0).normal(size=(3, SIDE, SIDE, CHANNELS)).astype("float32")
WAYS = {
    "gradients": lambda signal, x: signal * (x > 0),
    "deconvolve": lambda signal, x: np.maximum(signal, 0),
    "guided_backprop": lambda signal, x: np.maximum(signal, 0) * (x > 0),
}


def weights():
    """Kernels and biases of the two convolutions, and of the dense layer."""
    rng = np.random.default_rng(1)
    shapes = (3, 3, CHANNELS, 3), (3,), (2, 2, 3, 4), (4,), (4, 5), (5,)
    return [rng.normal(size=shape).astype("float32") for shape in shapes]


def net(relu=None, last=None):
    """The net in Keras.

    Args:
        relu: Function of a convolution's options that returns a function of Keras tensors: the convolution
            and its ReLU. None for the convolution's argument.
        last: Activation of the last layer.
    """
    relu = relu or (lambda **options: layers.Conv2D(**options, activation="relu"))
    x = inputs = keras.Input((SIDE, SIDE, CHANNELS))
    x = relu(filters=3, kernel_size=3, padding="same", name="conv1")(x)
    x = layers.MaxPooling2D(name="pool1")(x)
    x = relu(filters=4, kernel_size=2, name="conv2")(x)
    x = layers.GlobalAveragePooling2D(name="average")(x)
    model = keras.Model(inputs, layers.Dense(5, activation=last, name="scores")(x))
    model.set_weights(weights())
    return model


def matrix(kernel, side, padding):
    """The matrix of a convolution of flattened images: (outputs, inputs)."""
    k, _, channels, filters = kernel.shape
    before = (k - 1) // 2 if padding == "same" else 0
    out = side if padding == "same" else side - k + 1
    found = np.zeros((out, out, filters, side, side, channels))
    for r, c in np.ndindex(out, out):
        for i, j in np.ndindex(k, k):
            row, column = r + i - before, c + j - before
            if 0 <= row < side and 0 <= column < side:
                found[r, c, :, row, column] = kernel[i, j].T
    return found.reshape(out * out * filters, side * side * channels)


def back(image, way, channel, position):
    """The signal of a unit of conv2 taken back to an image.

    Args:
        image: (SIDE, SIDE, CHANNELS).
        way: A key of `WAYS`.
        channel: Of the unit.
        position: Of the unit.
    """
    k1, b1, k2, b2, _, _ = weights()
    first, second = matrix(k1, SIDE, "same"), matrix(k2, SIDE // 2, "valid")
    x1 = first @ image.ravel() + np.tile(b1, SIDE**2)
    h1 = np.maximum(x1, 0).reshape(SIDE, SIDE, 3)
    blocks = h1.reshape(SIDE // 2, 2, SIDE // 2, 2, 3).transpose(0, 2, 4, 1, 3).reshape(-1, 4)
    switches = blocks.argmax(1)
    x2 = second @ blocks.max(1) + np.tile(b2, (SIDE // 2 - 1) ** 2)
    unit = np.ravel_multi_index((*position, channel), (SIDE // 2 - 1, SIDE // 2 - 1, 4))
    signal = np.zeros_like(x2)
    signal[unit] = max(x2[unit], 0) if way == "deconvolve" else 1
    signal = second.T @ WAYS[way](signal, x2)
    unpooled = np.zeros_like(blocks)
    unpooled[np.arange(len(blocks)), switches] = signal
    unpooled = unpooled.reshape(SIDE // 2, SIDE // 2, 3, 2, 2).transpose(0, 3, 1, 4, 2)
    return (first.T @ WAYS[way](unpooled.ravel(), x1)).reshape(image.shape)


def check_ways_back(visualize, model=None):
    """Checks the three ways back of units of a layer against those by hand."""
    model = model or net()
    layer = next(one.name for one in model.layers if one.name in ("relu2", "conv2"))
    found = visualize.maps(model, IMAGES, layer)
    channels = found.max((1, 2)).argmax(1)
    positions = [
        np.unravel_index(y[..., c].argmax(), y.shape[:2]) for y, c in zip(found, channels, strict=True)
    ]
    for way in WAYS:
        given = {"unit": channels, "layer": layer, "positions": positions}
        images = getattr(visualize, way)(model, IMAGES, **given)
        for image, x, channel, position in zip(images, IMAGES, channels, positions, strict=True):
            expected = back(x, way, channel, position)
            np.testing.assert_allclose(image, expected, atol=1e-5 * np.abs(expected).max(), err_msg=way)


def check_class_maps(visualize):
    """Checks class maps, integrated gradients and occlusion against each other and against the weights."""
    model, k = net(last="softmax"), weights()[-2:]
    features = visualize.maps(model, IMAGES, "conv2")
    maps = visualize.cam(model, IMAGES, [0, 4, 2])
    expected = [y @ k[0][:, unit] for y, unit in zip(features, (0, 4, 2), strict=True)]
    np.testing.assert_allclose(maps, expected, atol=1e-5)
    weighted = visualize.grad_cam(model, IMAGES, [0, 4, 2])
    np.testing.assert_allclose(weighted, np.maximum(maps, 0) / maps[0].size, atol=1e-6)
    scores = features.mean((1, 2)) @ k[0] + k[1]
    black = visualize.maps(model, np.zeros_like(IMAGES), "conv2").mean((1, 2)) @ k[0] + k[1]
    parts = visualize.integrated_gradients(model, IMAGES, 3, steps=200)
    np.testing.assert_allclose(parts.sum((1, 2, 3)), (scores - black)[:, 3], atol=0.05)
    covered = visualize.occlusion(model, IMAGES, size=8, stride=8, fill=0)
    np.testing.assert_allclose(covered[:, 0, 0], black[0][scores.argmax(1)], atol=1e-5)
