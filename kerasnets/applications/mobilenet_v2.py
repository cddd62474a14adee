"""MobileNetV2: units that expand few channels into many, and reduce them again without an activation.

Sandler, Howard, Zhu, Zhmoginov, Chen, "MobileNetV2: Inverted Residuals and Linear Bottlenecks", CVPR 2018,
arXiv:1801.04381.

As in the authors' release, which trained weights fit, numbers of filters are multiples of 8 at every `alpha`,
and the dropout rate before the classifier is a fifth; the paper mentions neither. `rho`, which sets the side
of the input as in MobileNet, is section 4.1's choice of resolution. Weights that others published need
`padding="symmetric"`.
"""

from keras import layers

from kerasnets.assembly.family import family, variant
from kerasnets.assembly.inputs import resolution
from kerasnets.assembly.options import count, one_of
from kerasnets.blocks.conv import bn, bn_act, conv, conv_bn_act, depthwise
from kerasnets.checks import refuse

# Table 2: n for each stage of bottlenecks; c for the stem, each stage and the last convolution.
TABLE = {
    "MobileNetV2": dict(
        depths=(1, 2, 3, 4, 3, 3, 1),
        filters=(32, 16, 24, 32, 64, 96, 160, 320, 1280),
    ),
}
STRIDES = (1, 2, 2, 2, 1, 2, 1)  # s
DIVISOR = 8
EPSILON = 1e-3  # what the published weights were trained with
TINY = dict(depths=(1, 1, 2, 1, 1, 1, 1), filters=(8, 8, 8, 8, 8, 8, 8, 8, 16), expansion=2)


@family(
    size=resolution,
    min_size=32,
    preprocess="tf",
    tiny=TINY,
    checks=dict(expansion=count(), padding=one_of("same", "symmetric")),
    rho=1.0,
    dropout=0.2,
)
def MobileNetV2s(x, depths, filters, alpha=1.0, expansion=6, padding="same"):
    """Stages of inverted residuals, with a width multiplier `alpha` and a resolution multiplier `rho`.

    Source: sections 3.2 to 3.4 and 4.1 and table 2.

    Args:
        depths: Number of units in each stage; n in the paper.
        filters: Number of filters of the stem, of each stage and of the last convolution; c in the paper.
        alpha: Width multiplier: fraction of the filters of each layer. The last convolution never has fewer
            than the given number.
        expansion: Factor by which a unit expands its channels; t in the paper. The first stage does not
            expand.
        padding: Padding of convolutions with strides: "same" as in Keras, which is more at the bottom and on
            the right if the sides are even, or "symmetric".
        rho: Resolution multiplier: fraction of the input's side of 224 pixels. It replaces `input_shape`.
        dropout: Dropout rate before the classifier.
    """
    if len(depths) != len(STRIDES):
        refuse("depths", f"{len(STRIDES)} whole numbers, one for each stage", depths)
    if len(filters) != len(STRIDES) + 2:
        refuse("filters", f"{len(STRIDES) + 2} whole numbers: stem, stages, last convolution", filters)
    stem, *stages, last = filters
    x = convolve(x, make_divisible(alpha * stem), 3, strides=2, padding=padding, name="stem")
    for s, (depth, n, first) in enumerate(zip(depths, stages, STRIDES, strict=True), start=1):
        for i in range(1, depth + 1):
            t = expansion if s > 1 else 1
            strides = first if i == 1 else 1
            x = inverted_residual(x, make_divisible(alpha * n), t, strides, padding, name=f"stage{s}_unit{i}")
    return convolve(x, make_divisible(max(1.0, alpha) * last), 1, name="last")


def inverted_residual(x, filters, expansion, strides, padding, name):
    """A 1x1 convolution that expands, a depthwise 3x3, and a 1x1 that reduces without activation.

    The output is added to `x` if it has the same shape. Source: figure 4d and table 1.
    """
    new = convolve(x, expansion * x.shape[-1], 1, name=f"{name}_expand") if expansion > 1 else x
    new = depthwise(new, 3, strides, padding, name=f"{name}_depthwise_conv")
    new = bn_act(new, "relu6", EPSILON, name=f"{name}_depthwise")
    new = bn(conv(new, filters, 1, name=f"{name}_project_conv"), EPSILON, name=f"{name}_project_bn")
    alike = strides == 1 and x.shape[-1] == filters
    return layers.Add(name=f"{name}_add")([x, new]) if alike else new


def convolve(x, filters, kernel, strides=1, padding="same", name=None):
    """A convolution with batch normalization and ReLU capped at 6."""
    return conv_bn_act(x, filters, kernel, strides, "relu6", padding, EPSILON, name=name)


def make_divisible(filters):
    """The nearest multiple of 8 that is at least 8 and at least nine tenths of `filters`."""
    nearest = max(DIVISOR, int(filters + DIVISOR / 2) // DIVISOR * DIVISOR)
    return nearest + DIVISOR if nearest < 0.9 * filters else nearest


MobileNetV2 = variant(MobileNetV2s, "MobileNetV2", TABLE)

preprocess_input = MobileNetV2.preprocess_input
decode_predictions = MobileNetV2.decode_predictions
