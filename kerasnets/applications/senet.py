"""SENet: each residual unit scales its new channels by weights computed from all of them.

Hu, Shen, Sun, "Squeeze-and-Excitation Networks", CVPR 2018, arXiv:1709.01507.

The paper's tables do not define the networks completely; these are those of the authors' release in Caffe. A
squeeze-and-excitation unit has biases. SE-ResNets have the strides in the first 1x1 convolution, SE-ResNeXts
and SENet-154 in the 3x3. The last window of the pooling after the stem may extend beyond the border.
SENet-154 has a stem of three 3x3 convolutions, half the filters in the first 1x1 convolution of a unit,
projections of 3x3 where the grid is halved, and dropout before the classifier. The authors released no
networks of 18 or 34 layers: these are ResNet's with the same unit. `alpha`, the width multiplier, is not the
paper's. Some weights that others published need another `stride_in`, `pool_padding` or `relu_before_se`.
"""

from kerasnets.assembly.family import family, variant
from kerasnets.assembly.options import FLAG, one_of
from kerasnets.assembly.starts import Start
from kerasnets.blocks.conv import conv_bn_act, max_pool
from kerasnets.blocks.residual import Row, basic_rows, bottleneck_rows, residual, units

# Table 1; SE-ResNet-18 and 34 with the depths of He et al. 2016, table 1. A row is a variant; its columns are
# arguments of SEResNet, SEResNeXt or SENet.
TABLE = {
    "SEResNet18": dict(depths=(2, 2, 2, 2), bottleneck=False),
    "SEResNet34": dict(depths=(3, 4, 6, 3), bottleneck=False),
    "SEResNet50": dict(depths=(3, 4, 6, 3), bottleneck=True),
    "SEResNet101": dict(depths=(3, 4, 23, 3), bottleneck=True),
    "SEResNet152": dict(depths=(3, 8, 36, 3), bottleneck=True),
    "SEResNeXt50": dict(depths=(3, 4, 6, 3), cardinality=32, width=4),
    "SEResNeXt101": dict(depths=(3, 4, 23, 3), cardinality=32, width=4),
    "SENet154": dict(depths=(3, 8, 36, 3), cardinality=64, width=4),  # appendix, and the release
}
FILTERS = 64  # filters of the stem
TINY = dict(depths=(1, 1), reduction=4, alpha=0.125)
GROUPED_TINY = dict(depths=(1, 1), cardinality=2, width=2)

# Of the pooling after the stem: that of Caffe, or that of ResNet.
PADDINGS = {"end": ((0, 1), (0, 1)), "both": "symmetric"}
STARTS = {"paper": Start("section 5.1: as in He et al. 2015", kernels={"*": ("he", {})})}

CHECKS = dict(stride_in=one_of("1x1", "3x3"), relu_before_se=FLAG)


@family(size=224, min_size=32, preprocess="caffe", tiny=TINY, checks=CHECKS, starts=STARTS)
def SEResNet(
    x,
    depths,
    bottleneck=True,
    reduction=16,
    alpha=1.0,
    stride_in="1x1",
    pool_padding="end",
    relu_before_se=False,
):
    """The stages of a ResNet, with a squeeze-and-excitation unit in each residual unit.

    Source: sections 3 and 4, figure 3 and table 1.

    Args:
        depths: Number of units in each stage.
        bottleneck: Whether a unit has convolutions of 1x1, 3x3 and 1x1, instead of two of 3x3.
        reduction: Number of channels for each unit of the first layer of squeeze-and-excitation; r in the
            paper.
        alpha: Width multiplier: fraction of the filters of each layer.
        stride_in: "1x1" or "3x3": which convolution of a bottleneck has the strides.
        pool_padding: Sides on which windows of the pooling after the stem may extend beyond the border: "end"
            for the bottom and the right, "both" for all four.
        relu_before_se: Whether ReLU also precedes squeeze-and-excitation.
    """
    filters = max(1, int(alpha * FILTERS))
    x = conv_bn_act(x, filters, 7, strides=2, name="stem")
    x = max_pool(x, 3, strides=2, padding=PADDINGS[pool_padding], name="stem_pool")
    for stage, strides, name in units(depths):
        n = filters * 2**stage
        rows = bottleneck_rows(4 * n, strides, stride_in=stride_in) if bottleneck else basic_rows(n, strides)
        x = residual(x, rows, squeeze_excite=reduction, relu_before_se=relu_before_se, name=name)
    return x


@family(size=224, min_size=32, preprocess="caffe", tiny=GROUPED_TINY, starts=STARTS)
def SEResNeXt(x, depths, cardinality=32, width=4, reduction=16, pool_padding="end"):
    """The stages of a ResNeXt, with a squeeze-and-excitation unit in each residual unit.

    Source: section 4 and table 1.

    Args:
        depths: Number of units in each stage.
        cardinality: Number of groups of each 3x3 convolution.
        width: Number of channels of each group in the first stage, doubled in each later one.
        reduction: Number of channels for each unit of the first layer of squeeze-and-excitation; r in the
            paper.
        pool_padding: Sides on which windows of the pooling after the stem may extend beyond the border: "end"
            for the bottom and the right, "both" for all four.
    """
    x = conv_bn_act(x, FILTERS, 7, strides=2, name="stem")
    x = max_pool(x, 3, strides=2, padding=PADDINGS[pool_padding], name="stem_pool")
    for stage, strides, name in units(depths):
        inside, n = cardinality * width * 2**stage, 4 * FILTERS * 2**stage
        rows = bottleneck_rows(n, strides, width=inside, groups=cardinality)
        x = residual(x, rows, squeeze_excite=reduction, name=name)
    return x


@family(size=224, min_size=32, preprocess="caffe", tiny=GROUPED_TINY, starts=STARTS, dropout=0.2)
def SENet(x, depths, cardinality=64, width=4, reduction=16, pool_padding="end"):
    """An SE-ResNeXt with wider 3x3 convolutions, a deeper stem and larger kernels in its shortcuts.

    Source: appendix, "Details of SENet-154", and the release.

    Args:
        depths: Number of units in each stage.
        cardinality: Number of groups of each 3x3 convolution.
        width: Number of channels of each group in the first stage, doubled in each later one.
        reduction: Number of channels for each unit of the first layer of squeeze-and-excitation; r in the
            paper.
        pool_padding: Sides on which windows of the pooling after the stem may extend beyond the border: "end"
            for the bottom and the right, "both" for all four.
        dropout: Dropout rate before the classifier.
    """
    x = conv_bn_act(x, FILTERS, 3, strides=2, name="stem1")
    x = conv_bn_act(x, FILTERS, 3, name="stem2")
    x = conv_bn_act(x, 2 * FILTERS, 3, name="stem3")
    x = max_pool(x, 3, strides=2, padding=PADDINGS[pool_padding], name="stem_pool")
    for stage, strides, name in units(depths):
        inside, n = cardinality * width * 2**stage, 4 * FILTERS * 2**stage
        rows = Row(max(1, inside // 2), 1), Row(inside, 3, strides, cardinality), Row(n, 1)
        x = residual(x, rows, squeeze_excite=reduction, shortcut_kernel=3 if stage else 1, name=name)
    return x


SEResNet18 = variant(SEResNet, "SEResNet18", TABLE)
SEResNet34 = variant(SEResNet, "SEResNet34", TABLE)
SEResNet50 = variant(SEResNet, "SEResNet50", TABLE)
SEResNet101 = variant(SEResNet, "SEResNet101", TABLE)
SEResNet152 = variant(SEResNet, "SEResNet152", TABLE)
SEResNeXt50 = variant(SEResNeXt, "SEResNeXt50", TABLE)
SEResNeXt101 = variant(SEResNeXt, "SEResNeXt101", TABLE)
SENet154 = variant(SENet, "SENet154", TABLE)

preprocess_input = SENet.preprocess_input
decode_predictions = SENet.decode_predictions
