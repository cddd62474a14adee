"""Units that weigh maps by what they themselves contain."""

from keras import layers

from kerasnets.blocks.conv import conv


def squeeze_excite(x, reduction=16, name=None):
    """Each map times a weight in (0, 1) that two small layers compute from the means of all maps.

    Source: Hu et al. 2018, section 3 and figure 3.

    Args:
        x: Maps, (batch, height, width, channels).
        reduction: Maps for each unit of the first of the two layers; r in the paper.
        name: Start of the layers' names.

    Returns:
        The shape of `x`.
    """
    means = layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}_squeeze")(x)
    return excite(x, means, reduction, name=name)


def excite(x, signals, reduction=16, use_bias=True, name=None):
    """Each map times a weight in (0, 1) that two small layers compute from signals.

    Args:
        x: Maps, (batch, height, width, channels).
        signals: What the first layer reads, (batch, 1, 1, signals).
        reduction: Maps for each of its units.
        use_bias: Whether the layers have biases.
        name: Start of the layers' names.

    Returns:
        The shape of `x`.
    """
    maps = x.shape[-1]
    weights = conv(
        signals, max(1, maps // reduction), 1, use_bias=use_bias, act="relu", name=f"{name}_reduce"
    )
    weights = conv(weights, maps, 1, use_bias=use_bias, act="sigmoid", name=f"{name}_excite")
    return layers.Multiply(name=f"{name}_scale")([x, weights])
