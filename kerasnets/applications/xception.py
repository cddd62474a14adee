"""Xception: residual modules of depthwise-separable convolutions.

Chollet, "Xception: Deep Learning with Depthwise Separable Convolutions", CVPR 2017, arXiv:1610.02357.

The network is the paper's: each convolution is followed by batch normalization, and nothing is between the
two parts of a separable one. Of the two heads of figure 5, it has the one without a hidden dense layer. The
windows of its poolings begin at the border, as in the author's release. In networks whose weights others
published, they begin one pixel beyond it, which differs on grids of even sides (`pool_padding="both"`).
`alpha`, the width multiplier, is not the paper's. The smallest input leaves a grid of 2x2 pixels at the end.
"""

from keras import layers

from kerasnets.assembly.family import family, variant
from kerasnets.blocks.conv import conv, conv_bn_act, max_pool

# Figure 5: filters of the convolutions of each module.
STEM = ((32, 2), (64, 1))  # and their strides
ENTRY = ((128, 128), (256, 256), (728, 728))
MIDDLE = (728, 728, 728)
EXIT = (728, 1024)
LAST = (1536, 2048)
EPSILON = 1e-3  # what the published weights were trained with

TABLE = {"Xception": dict(depth=8)}
TINY = dict(depth=1, alpha=0.04)
PADDINGS = {"end": "same", "both": "symmetric"}  # of poolings


@family(size=299, min_size=39, preprocess="tf", tiny=TINY, dropout=0.5)
def Xceptions(x, depth, alpha=1.0, pool_padding="end"):
    """The entry flow, a middle flow of equal modules, and the exit flow.

    Source: section 4.2 and figure 5.

    Args:
        depth: Number of modules of the middle flow.
        alpha: Width multiplier: fraction of the filters of each convolution.
        pool_padding: Sides on which windows of a pooling may extend beyond the border: "end" for the bottom
            and the right, "both" for all four.
        dropout: Dropout rate before the classifier.
    """

    def scaled(filters):
        return [max(1, int(alpha * n)) for n in filters]

    for i, (n, strides) in enumerate(STEM, start=1):
        x = conv_bn_act(x, *scaled([n]), 3, strides, padding="valid", epsilon=EPSILON, name=f"stem{i}")
    for i, filters in enumerate(ENTRY, start=1):
        x = module(x, scaled(filters), 2, pool_padding, name=f"entry{i}")
    for i in range(1, depth + 1):
        x = module(x, scaled(MIDDLE), 1, pool_padding, name=f"middle{i}")
    x = module(x, scaled(EXIT), 2, pool_padding, name="exit")
    for i, n in enumerate(scaled(LAST), start=1):
        x = separable_bn(x, n, name=f"last{i}")
        x = layers.Activation("relu", name=f"last{i}_act")(x)
    return x


def module(x, filters, strides, pool_padding, name):
    """Adds separable convolutions, each after a ReLU, to their input; strides of 2 halve the grid."""
    shortcut = x
    for i, n in enumerate(filters, start=1):
        if not (name == "entry1" and i == 1):  # the stem ends with one
            x = layers.Activation("relu", name=f"{name}_unit{i}_act")(x)
        x = separable_bn(x, n, name=f"{name}_unit{i}")
    if strides > 1:
        x = max_pool(x, 3, strides, PADDINGS[pool_padding], signed=True, name=f"{name}_pool")
        shortcut = conv(shortcut, filters[-1], 1, strides, name=f"{name}_shortcut_conv")
        shortcut = layers.BatchNormalization(epsilon=EPSILON, name=f"{name}_shortcut_bn")(shortcut)
    return layers.Add(name=f"{name}_add")([x, shortcut])


def separable_bn(x, filters, name):
    """A depthwise 3x3 and a 1x1 convolution with nothing between them, then batch normalization."""
    x = layers.SeparableConv2D(
        filters,
        3,
        padding="same",
        use_bias=False,
        depthwise_initializer="he_uniform",
        pointwise_initializer="he_uniform",
        name=f"{name}_conv",
    )(x)
    return layers.BatchNormalization(epsilon=EPSILON, name=f"{name}_bn")(x)


Xception = variant(Xceptions, "Xception", TABLE)

preprocess_input = Xception.preprocess_input
decode_predictions = Xception.decode_predictions
