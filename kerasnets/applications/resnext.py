"""ResNeXt: the 3x3 convolution of a bottleneck is a grouped convolution.

Xie, Girshick, Dollár, Tu, He, "Aggregated Residual Transformations for Deep Neural Networks", CVPR 2017,
arXiv:1611.05431.

The units are those of figure 3c, with a grouped convolution, which are equivalent to figures 3a and 3b. The
3x3 convolution has the strides, as in the release.
"""

from kerasnets.assembly.family import family, variant
from kerasnets.assembly.starts import Start
from kerasnets.blocks.conv import conv_bn_act, max_pool
from kerasnets.blocks.residual import bottleneck_rows, residual, units
from kerasnets.checks import refuse

# Tables 1, 3 and 4. A row is a variant; its columns are arguments of ResNeXt.
TABLE = {
    "ResNeXt50": dict(depths=(3, 4, 6, 3), cardinality=32, width=4),
    "ResNeXt101": dict(depths=(3, 4, 23, 3), cardinality=32, width=4),
    "ResNeXt101_64x4d": dict(depths=(3, 4, 23, 3), cardinality=64, width=4),
}
TINY = dict(depths=(1, 1), cardinality=2, width=2)

# Table 7, CIFAR. With cardinality=16 it is the larger network of the table.
CIFAR_TABLE = {"ResNeXt29": dict(depth=29, cardinality=8, width=64)}
CIFAR_TINY = dict(depth=11, cardinality=2, width=2)
STARTS = {"paper": Start("section 4: as in He et al. 2015", kernels={"*": ("he", {})})}


@family(size=224, min_size=32, preprocess="torch", tiny=TINY, starts=STARTS)
def ResNeXt(x, depths, cardinality=32, width=4):
    """Stages of bottlenecks with grouped convolutions. Every stage but the first halves the grid.

    Source: section 3 and table 1.

    Args:
        depths: Number of units in each stage.
        cardinality: Number of groups of each 3x3 convolution; C in the paper.
        width: Number of channels of each group in the first stage, doubled in each later one; d in the paper.
    """
    x = conv_bn_act(x, 64, 7, strides=2, name="stem")
    x = max_pool(x, 3, strides=2, name="stem_pool")
    return stages(x, depths, cardinality, width)


@family(size=32, min_size=8, classes=10, preprocess="torch", tiny=CIFAR_TINY, starts=STARTS)
def CIFARResNeXt(x, depth, cardinality=8, width=64):
    """Three stages of equal depth for small images.

    Source: section 5.3.

    Args:
        depth: Total number of layers with weights: 2 more than a multiple of 9.
        cardinality: Number of groups of each 3x3 convolution; C in the paper.
        width: Number of channels of each group in the first stage, doubled in each later one; d in the paper.
    """
    if depth <= 2 or depth % 9 != 2:
        refuse("depth", "2 more than a multiple of 9", depth)
    x = conv_bn_act(x, 64, 3, name="stem")
    return stages(x, (depth // 9,) * 3, cardinality, width)


def stages(x, depths, cardinality, width):
    """Units of 256 channels in the first stage, doubled in each later one."""
    for stage, strides, name in units(depths):
        inside = cardinality * width * 2**stage
        rows = bottleneck_rows(256 * 2**stage, strides, width=inside, groups=cardinality)
        x = residual(x, rows, name=name)
    return x


ResNeXt50 = variant(ResNeXt, "ResNeXt50", TABLE)
ResNeXt101 = variant(ResNeXt, "ResNeXt101", TABLE)
ResNeXt101_64x4d = variant(ResNeXt, "ResNeXt101_64x4d", TABLE)
ResNeXt29 = variant(CIFARResNeXt, "ResNeXt29", CIFAR_TABLE)

preprocess_input = ResNeXt.preprocess_input
decode_predictions = ResNeXt.decode_predictions
