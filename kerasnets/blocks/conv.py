"""Convolution, batch normalisation and activation, in the orders that papers use.

Padding is symmetric: a kernel of 3 reads one pixel beyond each border, whatever the stride. Published weights
of ResNet, DenseNet and their kin expect that, where Keras's "same" pads a strided kernel on one side only.

`conv`, `conv_act`, `max_pool` and `pad` also take clips, (batch, frames, height, width, channels). A kernel
and strides are one number for all axes, or a tuple of one for each.
"""

import keras
from keras import layers

EPSILON = 1.001e-5  # what published ResNet and DenseNet weights were trained with


def conv(
    x,
    filters,
    kernel,
    strides=1,
    padding="symmetric",
    use_bias=False,
    act=None,
    groups=1,
    bias=0.0,
    init="he_uniform",
    name=None,
):
    """A convolution, by default without bias, for batch normalisation follows or comes before.

    Args:
        x: Maps, (batch, height, width, channels).
        filters: Maps that come out.
        kernel: Side of the kernel in pixels.
        strides: Step in pixels.
        padding: "symmetric", Keras's "same" or "valid", or zeros to add as ZeroPadding2D takes them.
        use_bias: Whether each filter has a bias.
        act: Activation, or None.
        groups: Groups of maps that are convolved apart.
        bias: What the biases are before training.
        init: Initializer of the kernels.
        name: Name of the layer.

    Returns:
        (batch, height', width', filters).
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
        name=name,
    )(x)


def depthwise(x, kernel, strides=1, padding="symmetric", name=None):
    """A convolution of each map by itself, without bias.

    Args:
        x: Maps, (batch, height, width, channels).
        kernel: Side of the kernel in pixels.
        strides: Step in pixels.
        padding: "symmetric", or Keras's "same" or "valid".
        name: Name of the layer.

    Returns:
        (batch, height', width', channels).
    """
    x, padding = pad(x, kernel, strides, padding, name=f"{name}_pad")
    return layers.DepthwiseConv2D(
        kernel, strides, padding, use_bias=False, depthwise_initializer="he_uniform", name=name
    )(x)


def bn(x, epsilon=EPSILON, name=None):
    """Batch normalisation.

    Args:
        x: Maps, (batch, height, width, channels).
        epsilon: Added to the variance.
        name: Name of the layer.

    Returns:
        The shape of `x`.
    """
    return layers.BatchNormalization(epsilon=epsilon, name=name)(x)


def bn_act(x, act="relu", epsilon=EPSILON, name=None):
    """Batch normalisation, then the activation.

    Args:
        x: Maps, (batch, height, width, channels).
        act: Activation.
        epsilon: Added to the variance.
        name: Start of the layers' names.

    Returns:
        The shape of `x`.
    """
    x = bn(x, epsilon, name=f"{name}_bn")
    return layers.Activation(act, name=f"{name}_act")(x)


def conv_bn_act(x, filters, kernel, strides=1, act="relu", padding="symmetric", epsilon=EPSILON, name=None):
    """Convolution, batch normalisation, activation. Arguments as in `conv` and `bn_act`."""
    x = conv(x, filters, kernel, strides, padding, name=f"{name}_conv")
    return bn_act(x, act, epsilon, name)


def conv_act(x, filters, kernel, strides=1, padding="symmetric", batch_norm=False, name=None):
    """Convolution and ReLU as before batch normalisation, with biases; or with it in their place.

    Args:
        x: Maps, (batch, height, width, channels).
        filters: Maps that come out.
        kernel: Side of the kernel in pixels.
        strides: Step in pixels.
        padding: As in `conv`.
        batch_norm: Whether batch normalisation stands between the two, instead of biases.
        name: Name of the convolution, and start of the others.

    Returns:
        (batch, height', width', filters).
    """
    if batch_norm:
        return bn_act(conv(x, filters, kernel, strides, padding, name=name), name=name)
    return conv(x, filters, kernel, strides, padding, use_bias=True, act="relu", name=name)


def bn_act_conv(x, filters, kernel, strides=1, act="relu", padding="symmetric", epsilon=EPSILON, name=None):
    """Batch normalisation, activation, convolution. Arguments as in `conv` and `bn_act`."""
    x = bn_act(x, act, epsilon, name)
    return conv(x, filters, kernel, strides, padding, name=f"{name}_conv")


def separable_bn_act(
    x, filters, kernel, strides=1, act="relu", padding="symmetric", epsilon=EPSILON, name=None
):
    """A depthwise and a 1x1 convolution, each with batch normalisation and activation.

    Source: Howard et al. 2017, figure 3. Arguments as in `conv` and `bn_act`.
    """
    x = depthwise(x, kernel, strides, padding, name=f"{name}_depthwise_conv")
    x = bn_act(x, act, epsilon, name=f"{name}_depthwise")
    return conv_bn_act(x, filters, 1, act=act, epsilon=epsilon, name=f"{name}_pointwise")


def max_pool(x, kernel, strides, padding="symmetric", name=None):
    """The largest value under the kernel. The border counts as zero, so `x` is best not negative.

    Args:
        x: Maps, (batch, height, width, channels).
        kernel: Side of the window in pixels.
        strides: Step in pixels.
        padding: "symmetric", or Keras's "same" or "valid".
        name: Name of the layer.

    Returns:
        (batch, height', width', channels).
    """
    x, padding = pad(x, kernel, strides, padding, name=f"{name}_pad")
    # TensorFlow pools clips of halves on no CPU. The largest of them is the same in full precision.
    dtype = "float32" if x.ndim == 5 and x.dtype == "float16" else None
    return of_rank(x, "MaxPooling")(kernel, strides, padding, dtype=dtype, name=name)(x)


def overlapping_pool(x, name):
    """The largest value of each 3x3 pixels, every 2 pixels; the last window may hang over the border.

    Source: Krizhevsky et al. 2012, section 3.4; the border as cuda-convnet and Caffe have it.

    Args:
        x: Maps, not negative, (batch, height, width, channels).
        name: Name of the layer.

    Returns:
        (batch, height // 2, width // 2, channels).
    """
    return max_pool(x, 3, 2, padding=((0, 1), (0, 1)), name=name)


def pad(x, kernel, strides, padding, name):
    """Padding as a layer of zeros where Keras has no word for it.

    Returns:
        The maps, padded if need be, and Keras's padding for the layer that reads them.
    """
    zeros = of_rank(x, "ZeroPadding")
    if not isinstance(padding, str):
        return zeros(padding, name=name)(x), "valid"
    if padding != "symmetric":
        return x, padding
    sides, steps = (v if isinstance(v, tuple) else (v,) * (x.ndim - 2) for v in (kernel, strides))
    if set(sides) == {1}:
        return x, "valid"
    if set(steps) == {1} and all(side % 2 for side in sides):
        return x, "same"
    return zeros(tuple(side // 2 for side in sides), name=name)(x), "valid"


def of_rank(x, layer):
    """The Keras layer for the axes of `x`: of "Conv", Conv2D for images and Conv3D for clips."""
    return getattr(layers, f"{layer}{x.ndim - 2}D")
