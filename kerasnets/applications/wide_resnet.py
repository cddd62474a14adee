"""Wide residual networks: fewer units than a ResNet, each with `width` times the channels.

Zagoruyko, Komodakis, "Wide Residual Networks", BMVC 2016, arXiv:1605.07146.

The CIFAR networks have pre-activation units and those for ImageNet do not, as in the paper and its release,
which has the strides of a bottleneck in the 3x3 convolution. Squeeze-and-excitation (`squeeze_excite`) is by
Hu et al. (2018).
"""

from kerasnets.assembly.family import family, variant
from kerasnets.assembly.heads import AVERAGED
from kerasnets.assembly.options import FLAG
from kerasnets.assembly.starts import Start
from kerasnets.blocks.conv import bn_act, conv, conv_bn_act, max_pool
from kerasnets.blocks.residual import basic_rows, bottleneck_rows, preact_residual, residual, units
from kerasnets.checks import refuse

# Tables 4 and 5, CIFAR. A row is a variant; its columns are arguments of WRN.
TABLE = {
    "WRN16_8": dict(depth=16, width=8),
    "WRN28_10": dict(depth=28, width=10),
    "WRN40_4": dict(depth=40, width=4),
}
TINY = dict(depth=10, width=1)

# Table 8, ImageNet.
IMAGENET_TABLE = {
    "WRN50_2": dict(depths=(3, 4, 6, 3), width=2),
    "WRN101_2": dict(depths=(3, 4, 23, 3), width=2),
}
IMAGENET_TINY = dict(depths=(1, 1), width=1)
FILTERS = (16, 32, 64)
# He's scheme with the fan-out. The release leaves the classifier to Torch, whose weights are uniform between
# plus and minus the root of 1 / fan-in.
STARTS = {
    "paper": Start(
        "the release, models/utils.lua; the paper prints nothing",
        kernels={
            "*logits": ("scaled", dict(scale=1 / 3, distribution="uniform")),
            "*": ("he", dict(fan="out")),
        },
    )
}

CHECKS = dict(project_raw=FLAG)


@family(
    size=32,
    min_size=8,
    classes=10,
    preprocess="torch",
    tiny=TINY,
    head=AVERAGED,
    checks=CHECKS,
    starts=STARTS,
)
def WRN(x, depth, width, dropout=0.0, squeeze_excite=None, project_raw=False):
    """Three stages of equal depth, with pre-activation units of two 3x3 convolutions.

    Source: section 2.3 and table 1.

    Args:
        depth: Total number of convolutions: 4 more than a multiple of 6.
        width: Widening factor; k in the paper.
        dropout: Dropout rate between the convolutions of a unit; 0.3 in the paper's networks with dropout.
        squeeze_excite: Reduction of a squeeze-and-excitation unit in each residual unit, or None.
        project_raw: Whether the projections of shortcuts read the input of their unit itself, as the weights
            of torchdistill need, instead of the input after the first batch normalization and ReLU.
    """
    if depth <= 4 or depth % 6 != 4:
        refuse("depth", "4 more than a multiple of 6", depth)
    x = conv(x, FILTERS[0], 3, name="stem_conv")
    for stage, strides, name in units((depth // 6,) * 3):
        rows = basic_rows(width * FILTERS[stage], strides)
        x = preact_residual(
            x, rows, dropout=dropout, squeeze_excite=squeeze_excite, project_raw=project_raw, name=name
        )
    return bn_act(x, name="final")


@family(size=224, min_size=32, preprocess="torch", tiny=IMAGENET_TINY)
def ImageNetWRN(x, depths, width, squeeze_excite=None):
    """Stages of bottlenecks with `width` times the channels inside.

    Source: section 3, "ImageNet and COCO experiments", and table 8.

    Args:
        depths: Number of units in each stage.
        width: Widening factor of the channels inside a bottleneck; k in the paper.
        squeeze_excite: Reduction of a squeeze-and-excitation unit in each residual unit, or None.
    """
    x = conv_bn_act(x, 64, 7, strides=2, name="stem")
    x = max_pool(x, 3, strides=2, name="stem_pool")
    for stage, strides, name in units(depths):
        rows = bottleneck_rows(256 * 2**stage, strides, width=64 * 2**stage * width)
        x = residual(x, rows, squeeze_excite=squeeze_excite, name=name)
    return x


WRN16_8 = variant(WRN, "WRN16_8", TABLE)
WRN28_10 = variant(WRN, "WRN28_10", TABLE)
WRN40_4 = variant(WRN, "WRN40_4", TABLE)
WRN50_2 = variant(ImageNetWRN, "WRN50_2", IMAGENET_TABLE)
WRN101_2 = variant(ImageNetWRN, "WRN101_2", IMAGENET_TABLE)

preprocess_input = WRN.preprocess_input
decode_predictions = WRN.decode_predictions
