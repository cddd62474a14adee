"""Convolution, batch normalization and activation, in the orders that papers use.

Padding is symmetric by default: a kernel of 3 reads one pixel beyond each border, whatever the strides. The
published weights of ResNet, DenseNet and related networks expect this. Keras's "same" pads a strided kernel
more on one side than on the other. An even kernel reads one pixel more at the bottom and on the right than at
the top and on the left, as "same" of Keras and of PyTorch does with strides of 1. Strides of s turn n pixels
into n / s, rounded up.

`conv`, `conv_act`, `max_pool` and `pad` also take video clips, (batch, frames, height, width, channels). A
kernel size and strides are one number for all axes, or a tuple with one for each.
"""

from collections.abc import Callable

import keras
from keras import KerasTensor, layers

from kerasnets.layers.mirror_padding import MirrorPadding2D

EPSILON = 1.001e-5  # what published ResNet and DenseNet weights were trained with

Size = int | tuple[int, ...]
Padding = str | int | tuple
Activation = str | Callable | None


def conv(
    x: KerasTensor,
    filters: int,
    kernel: Size,
    strides: Size = 1,
    padding: Padding = "symmetric",
    use_bias: bool = False,
    act: Activation = None,
    groups: int = 1,
    bias: float = 0.0,
    init: str = "he_uniform",
    dtype: str | None = None,
    name: str | None = None,
) -> KerasTensor:
    """A convolution. By default it has no bias, since batch normalization comes before or after it.

    Args:
        x: Feature maps, (batch, height, width, channels).
        filters: Number of filters.
        kernel: Kernel size in pixels.
        strides: Strides in pixels.
        padding: "symmetric", Keras's "same" or "valid", or what ZeroPadding2D takes.
        use_bias: Whether each filter has a bias.
        act: Activation, or None.
        groups: Number of groups of channels that are convolved separately.
        bias: Initial value of the biases.
        init: Initializer of the kernel.
        dtype: Dtype or dtype policy; None for Keras's own.
        name: Name of the layer.

    Returns:
        Feature maps, (batch, height', width', filters).
    """
    x, padding = pad(x, kernel, strides, padding, name=f"{name}_pad")
    return of_rank(x, "Conv")(
        filters,
        kernel,
        strides,
        padding,
        groups=groups,
        activation=act,
        use_bias=use_bias,
        kernel_initializer=init,
        bias_initializer=keras.initializers.Constant(bias) if bias else "zeros",
        dtype=dtype,
        name=name,
    )(x)


def depthwise(
    x: KerasTensor, kernel: Size, strides: Size = 1, padding: Padding = "symmetric", name: str | None = None
) -> KerasTensor:
    """A convolution of each channel separately, without biases.

    Args:
        x: Feature maps, (batch, height, width, channels).
        kernel: Kernel size in pixels.
        strides: Strides in pixels.
        padding: "symmetric", or Keras's "same" or "valid".
        name: Name of the layer.

    Returns:
        Feature maps, (batch, height', width', channels).
    """
    x, padding = pad(x, kernel, strides, padding, name=f"{name}_pad")
    return layers.DepthwiseConv2D(
        kernel, strides, padding, use_bias=False, depthwise_initializer="he_uniform", name=name
    )(x)


def bn(x: KerasTensor, epsilon: float = EPSILON, name: str | None = None) -> KerasTensor:
    """Batch normalization.

    Args:
        x: Feature maps, (batch, height, width, channels).
        epsilon: Added to the variance.
        name: Name of the layer.

    Returns:
        Feature maps of the shape of `x`.
    """
    return layers.BatchNormalization(epsilon=epsilon, name=name)(x)


def bn_act(
    x: KerasTensor, act: Activation = "relu", epsilon: float = EPSILON, name: str | None = None
) -> KerasTensor:
    """Batch normalization, then the activation.

    Args:
        x: Feature maps, (batch, height, width, channels).
        act: Activation.
        epsilon: Added to the variance.
        name: Prefix of the layers' names.

    Returns:
        Feature maps of the shape of `x`.
    """
    x = bn(x, epsilon, name=f"{name}_bn")
    return layers.Activation(act, name=f"{name}_act")(x)


def conv_bn_act(
    x: KerasTensor,
    filters: int,
    kernel: Size,
    strides: Size = 1,
    act: Activation = "relu",
    padding: Padding = "symmetric",
    epsilon: float = EPSILON,
    name: str | None = None,
) -> KerasTensor:
    """Convolution, batch normalization, activation. The arguments are those of `conv` and `bn_act`."""
    x = conv(x, filters, kernel, strides, padding, name=f"{name}_conv")
    return bn_act(x, act, epsilon, name)


def conv_act(
    x: KerasTensor,
    filters: int,
    kernel: Size,
    strides: Size = 1,
    padding: Padding = "symmetric",
    batch_norm: bool = False,
    name: str | None = None,
) -> KerasTensor:
    """A convolution with biases and ReLU, as in networks that are older than batch normalization.

    Args:
        x: Feature maps, (batch, height, width, channels).
        filters: Number of filters.
        kernel: Kernel size in pixels.
        strides: Strides in pixels.
        padding: As in `conv`.
        batch_norm: Whether batch normalization before the ReLU replaces the biases.
        name: Name of the convolution, and prefix of the other layers' names.

    Returns:
        Feature maps, (batch, height', width', filters).
    """
    if batch_norm:
        return bn_act(conv(x, filters, kernel, strides, padding, name=name), name=name)
    return conv(x, filters, kernel, strides, padding, use_bias=True, act="relu", name=name)


def bn_act_conv(
    x: KerasTensor,
    filters: int,
    kernel: Size,
    strides: Size = 1,
    act: Activation = "relu",
    padding: Padding = "symmetric",
    epsilon: float = EPSILON,
    name: str | None = None,
) -> KerasTensor:
    """Batch normalization, activation, convolution. The arguments are those of `conv` and `bn_act`."""
    x = bn_act(x, act, epsilon, name)
    return conv(x, filters, kernel, strides, padding, name=f"{name}_conv")


def separable_bn_act(
    x: KerasTensor,
    filters: int,
    kernel: Size,
    strides: Size = 1,
    act: Activation = "relu",
    padding: Padding = "symmetric",
    epsilon: float = EPSILON,
    name: str | None = None,
) -> KerasTensor:
    """A depthwise and a 1x1 convolution, each followed by batch normalization and activation.

    The arguments are those of `conv` and `bn_act`.

    Source: Howard et al. 2017, figure 3.
    """
    x = depthwise(x, kernel, strides, padding, name=f"{name}_depthwise_conv")
    x = bn_act(x, act, epsilon, name=f"{name}_depthwise")
    return conv_bn_act(x, filters, 1, act=act, epsilon=epsilon, name=f"{name}_pointwise")


def max_pool(
    x: KerasTensor,
    kernel: Size,
    strides: Size,
    padding: Padding = "symmetric",
    signed: bool = False,
    name: str | None = None,
) -> KerasTensor:
    """Max pooling.

    Args:
        x: Feature maps, (batch, height, width, channels).
        kernel: Size of the window in pixels.
        strides: Strides in pixels.
        padding: As in `conv`.
        signed: Whether `x` may be negative. If so, padding changes no maximum, like minus infinity; otherwise
            it counts as zeros.
        name: Name of the layer.

    Returns:
        Feature maps, (batch, height', width', channels).
    """
    x, padding = pad(x, kernel, strides, padding, signed, name=f"{name}_pad")
    # TensorFlow cannot pool clips of float16 on a CPU; in float32 the result is the same.
    dtype = "float32" if x.ndim == 5 and x.dtype == "float16" else None
    return of_rank(x, "MaxPooling")(kernel, strides, padding, dtype=dtype, name=name)(x)


def overlapping_pool(x: KerasTensor, name: str) -> KerasTensor:
    """Max pooling of 3x3 windows with strides of 2. The last window may extend beyond the border.

    Source: Krizhevsky et al. 2012, section 3.4; the border is that of cuda-convnet and Caffe.

    Args:
        x: Feature maps without negative values, (batch, height, width, channels).
        name: Name of the layer.

    Returns:
        Feature maps, (batch, height // 2, width // 2, channels).
    """
    return max_pool(x, 3, 2, padding=((0, 1), (0, 1)), name=name)


def pad(
    x: KerasTensor,
    kernel: Size,
    strides: Size,
    padding: Padding,
    signed: bool = False,
    name: str | None = None,
) -> tuple[KerasTensor, str]:
    """Adds a layer of padding where Keras's own "same" and "valid" do not give the padding asked for.

    Args:
        x: Feature maps, (batch, height, width, channels).
        kernel: Kernel size of the layer that reads them.
        strides: Strides of that layer.
        padding: As in `conv`.
        signed: As in `max_pool`.
        name: Name of the padding layer.

    Returns:
        The feature maps, padded if necessary, and the `padding` for the layer that reads them.
    """
    zeros = MirrorPadding2D if signed else of_rank(x, "ZeroPadding")
    if not isinstance(padding, str):
        return zeros(padding, name=name)(x), "valid"
    if padding != "symmetric":
        return x, padding
    sides, steps = (v if isinstance(v, tuple) else (v,) * (x.ndim - 2) for v in (kernel, strides))
    if set(sides) == {1}:
        return x, "valid"
    if set(steps) == {1}:
        return x, "same"
    return zeros(tuple(((side - 1) // 2, side // 2) for side in sides), name=name)(x), "valid"


def of_rank(x: KerasTensor, layer: str) -> type[layers.Layer]:
    """The Keras layer class for the rank of `x`: for "Conv", Conv2D for images and Conv3D for clips."""
    return getattr(layers, f"{layer}{x.ndim - 2}D")
