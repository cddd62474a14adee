"""Units that scale each channel by a weight computed from the feature maps themselves."""

from keras import KerasTensor, layers

from kerasnets.blocks.conv import conv


def squeeze_excite(x: KerasTensor, reduction: int = 16, name: str | None = None) -> KerasTensor:
    """Scales each channel by a weight in (0, 1), which two small layers compute from the channels' means.

    Source: Hu et al. 2018, section 3 and figure 3.

    Args:
        x: Feature maps, (batch, height, width, channels).
        reduction: Number of channels for each unit of the first layer; r in the paper.
        name: Prefix of the layers' names.

    Returns:
        Feature maps of the shape of `x`.
    """
    means = layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}_squeeze")(x)
    return excite(x, means, reduction, name=name)


def excite(
    x: KerasTensor,
    signals: KerasTensor,
    reduction: int = 16,
    use_bias: bool = True,
    name: str | None = None,
) -> KerasTensor:
    """Scales each channel by a weight in (0, 1), which two small layers compute from given signals.

    Args:
        x: Feature maps, (batch, height, width, channels).
        signals: Input of the first layer, (batch, 1, 1, signals).
        reduction: Number of channels of `x` for each unit of the first layer.
        use_bias: Whether the layers have biases.
        name: Prefix of the layers' names.

    Returns:
        Feature maps of the shape of `x`.
    """
    channels = x.shape[-1]
    units = max(1, channels // reduction)
    weights = conv(signals, units, 1, use_bias=use_bias, act="relu", name=f"{name}_reduce")
    weights = conv(weights, channels, 1, use_bias=use_bias, act="sigmoid", name=f"{name}_excite")
    return layers.Multiply(name=f"{name}_scale")([x, weights])
