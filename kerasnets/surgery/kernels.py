"""The kernels of a model, and what their axes mean."""

import math

import keras
from keras import layers

from kerasnets.graph import all_layers
from kerasnets.layers import RoutedCapsules

# Names of weights that are no kernels, although they may have several axes as kernels have.
NO_KERNELS = ("bias", "gamma", "beta", "alpha")
DEPTHWISE = (layers.DepthwiseConv1D, layers.DepthwiseConv2D)
TRANSPOSED = (layers.Conv1DTranspose, layers.Conv2DTranspose, layers.Conv3DTranspose)


def kernels(
    model: keras.Model, depthwise: bool = True, frozen: bool = False
) -> list[tuple[keras.Variable, keras.Layer]]:
    """The kernels of a model: its weights except biases and those of normalization and PReLU.

    Args:
        model: A built keras.Model, which may contain models and wrapped layers.
        depthwise: Whether to include the kernels of depthwise convolutions: those of their own layers, of
            separable convolutions, and of convolutions with a group for each input channel.
        frozen: Whether to include those of layers that are not trainable.

    Returns:
        Pairs of a kernel and the layer whose kernel it is, in the order of the model's weights.
    """
    owners, trained = owners_of(model), {id(v) for v in model.trainable_variables}
    found = [(v, owners[id(v)]) for v in model.weights if frozen or id(v) in trained]
    found = [(v, layer) for v, layer in found if is_kernel(v, layer)]
    return [(v, layer) for v, layer in found if depthwise or not is_depthwise(v, layer)]


def owners_of(model: keras.Model) -> dict[int, keras.Layer]:
    """For the id of each weight of a model, the layer whose weight it is."""
    # Of layers within one another, the innermost comes last and counts.
    return {id(v): layer for layer in all_layers(model) for v in layer.weights}


def is_kernel(variable, layer):
    """Whether a weight of a layer is a kernel; statistics of normalization may have several axes too."""
    axes = len(variable.shape)
    return axes > 1 and variable.name not in NO_KERNELS and not isinstance(layer, layers.Normalization)


def is_depthwise(kernel, layer):
    """Whether a kernel is that of a depthwise convolution."""
    return has_multiplier(kernel, layer) or (getattr(layer, "groups", 1) > 1 and kernel.shape[-2] == 1)


def has_multiplier(kernel, layer):
    """Whether the last axes of a kernel are channels and a multiplier, as in depthwise convolutions."""
    return isinstance(layer, DEPTHWISE) or kernel.name == "depthwise_kernel"


def incoming(kernel, layer):
    """The axes of a kernel along which the incoming weights of one unit lie."""
    last = len(kernel.shape) - 1
    if has_multiplier(kernel, layer):  # (*grid, channels, multiplier)
        return list(range(last - 1))
    if isinstance(layer, TRANSPOSED):  # (*grid, units, channels)
        return [*range(last - 1), last]
    if isinstance(layer, RoutedCapsules):  # (capsules below, values, capsules, dims)
        return [0, 1]
    if isinstance(layer, layers.EinsumDense):
        inputs, outputs = layer.equation.split("->")
        return [i for i, axis in enumerate(inputs.split(",")[1]) if axis not in outputs]
    return list(range(last))


def fans(kernel: keras.Variable, layer: keras.Layer) -> tuple[float, float]:
    """How many values a unit of a layer reads, and how many units read a value.

    Keras's initializers count the channels of a depthwise kernel as values that each unit reads, confuse the
    two sides of a transposed convolution, and let all groups of a convolution read all channels.

    Args:
        kernel: A kernel.
        layer: Its layer. A layer with an attribute `fans` says the two numbers itself.

    Returns:
        The fan-in and the fan-out. Strides count only where a transposed convolution spreads its input. That
        units at borders read less is not counted.
    """
    if hasattr(layer, "fans"):
        return layer.fans
    *window, last_but_one, last = kernel.shape
    taps = math.prod(window)
    if has_multiplier(kernel, layer):
        return taps, taps * last
    if isinstance(layer, TRANSPOSED):
        return taps * last / math.prod(layer.strides), taps * last_but_one
    if isinstance(layer, layers.EinsumDense):
        reads = math.prod(kernel.shape[i] for i in incoming(kernel, layer))
        return reads, math.prod(kernel.shape) / reads
    return taps * last_but_one, taps * last / getattr(layer, "groups", 1)
