"""ResNet: the output of a unit's convolutions is added to its input, so that very deep networks train.

He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition", CVPR 2016, arXiv:1512.03385.

As in the paper and its release, which trained weights fit, the first 1x1 convolution of a bottleneck has the
strides; `stride_in="3x3"` is the form that later releases train ("v1.5"). Shortcuts are the paper's option B
for ImageNet and option A for CIFAR. The plain networks are the same bodies without shortcuts. `alpha`, the
width multiplier, is not the paper's.

ResNet1202 builds in 17 s and takes 0.4 GiB. On 2 cores, its first training step with 32 images takes 6
minutes, which TensorFlow mostly spends on the graph; each further step takes 5 s, and 8 GiB of memory. Keras
processes a network recursively, layer by layer. `keras.saving.load_model` of its ".keras" file therefore
needs `sys.setrecursionlimit(50_000)` first. Building it here, and `weights=` with a path, do not.
"""

from kerasnets.assembly.family import family, variant
from kerasnets.assembly.options import KEPT, one_of
from kerasnets.assembly.starts import Start
from kerasnets.blocks.conv import conv_bn_act, max_pool
from kerasnets.blocks.residual import basic_rows, bottleneck_rows, residual, survivals, units
from kerasnets.checks import refuse

# Table 1, ImageNet. A row is a variant; its columns are arguments of ResNet.
TABLE = {
    "ResNet18": dict(depths=(2, 2, 2, 2), bottleneck=False),
    "ResNet34": dict(depths=(3, 4, 6, 3), bottleneck=False),
    "ResNet50": dict(depths=(3, 4, 6, 3), bottleneck=True),
    "ResNet101": dict(depths=(3, 4, 23, 3), bottleneck=True),
    "ResNet152": dict(depths=(3, 8, 36, 3), bottleneck=True),
    "PlainNet18": dict(depths=(2, 2, 2, 2), bottleneck=False, shortcut=None),
    "PlainNet34": dict(depths=(3, 4, 6, 3), bottleneck=False, shortcut=None),
}
FILTERS, CIFAR_FILTERS = 64, 16  # filters of the first stage
TINY = dict(depths=(1, 1), alpha=0.0625)

# Table 6 and figure 6, CIFAR-10.
CIFAR_TABLE = {
    "ResNet20": dict(depth=20),
    "ResNet32": dict(depth=32),
    "ResNet44": dict(depth=44),
    "ResNet56": dict(depth=56),
    "ResNet110": dict(depth=110),
    "ResNet1202": dict(depth=1202),
    "PlainNet20": dict(depth=20, shortcut=None),
    "PlainNet56": dict(depth=56, shortcut=None),
}
CIFAR_TINY = dict(depth=8, alpha=0.25)
STARTS = {"paper": Start("sections 3.4 and 4.2: as in He et al. 2015", kernels={"*": ("he", {})})}

CHECKS = dict(shortcut=one_of(None, "project", "pad", "project_all"), stride_in=one_of("1x1", "3x3"))
CIFAR_CHECKS = dict(CHECKS, survival=KEPT, downsampling=one_of("stride", "pool"))


@family(size=224, min_size=32, preprocess="caffe", tiny=TINY, checks=CHECKS, starts=STARTS)
def ResNet(x, depths, bottleneck=True, shortcut="project", stride_in="1x1", alpha=1.0):
    """Stages of residual units. Every stage but the first halves the grid and doubles the channels.

    Source: sections 3.3 and 4.1 and table 1.

    Args:
        depths: Number of units in each stage.
        bottleneck: Whether a unit has convolutions of 1x1, 3x3 and 1x1, instead of two of 3x3.
        shortcut: The shortcut where the grid or the number of channels changes. "project" is a 1x1
            convolution (option B); "pad" takes every second pixel and adds channels of zeros (option A).
            "project_all" makes all other shortcuts 1x1 convolutions too (option C). None removes all
            shortcuts.
        stride_in: "1x1" or "3x3": which convolution of a bottleneck has the strides.
        alpha: Width multiplier: fraction of the filters of each layer.
    """
    filters = max(1, int(alpha * FILTERS))
    x = conv_bn_act(x, filters, 7, strides=2, name="stem")
    x = max_pool(x, 3, strides=2, name="stem_pool")
    for stage, strides, name in units(depths):
        n = filters * 2**stage
        rows = bottleneck_rows(4 * n, strides, stride_in=stride_in) if bottleneck else basic_rows(n, strides)
        x = residual(x, rows, shortcut, name=name)
    return x


@family(
    size=32,
    min_size=8,
    classes=10,
    preprocess="torch",
    tiny=CIFAR_TINY,
    checks=CIFAR_CHECKS,
    starts=STARTS,
)
def CIFARResNet(x, depth, shortcut="pad", alpha=1.0, survival=1.0, downsampling="stride"):
    """Three stages of equal depth for small images.

    Source: section 4.2.

    Args:
        depth: Total number of layers with weights: 6n + 2 in the paper.
        shortcut: The shortcut where the grid or the number of channels changes. "project" is a 1x1
            convolution (option B); "pad" takes every second pixel and adds channels of zeros (option A).
            "project_all" makes all other shortcuts 1x1 convolutions too (option C). None removes all
            shortcuts.
        alpha: Width multiplier: fraction of the filters of each layer.
        survival: Probability that the last unit is kept in training; that of the others falls linearly from 1
            (stochastic depth, Huang et al. 2016). In testing, the convolutions of a unit are scaled by it.
        downsampling: "stride": the first convolution of a stage has strides of 2. "pool": max pooling comes
            before the stage instead, with as many parameters (Hasanpour et al. 2018, table VI).
    """
    if depth < 8 or depth % 6 != 2:
        refuse("depth", "2 more than a multiple of 6, at least 8", depth)
    if shortcut is None and survival < 1:
        refuse("survival", "1 without shortcuts", survival)
    filters = max(1, int(alpha * CIFAR_FILTERS))
    x = conv_bn_act(x, filters, 3, name="stem")
    depths = (depth // 6,) * 3
    for (stage, strides, name), kept in zip(units(depths), survivals(survival, sum(depths)), strict=True):
        if strides > 1 and downsampling == "pool":
            x, strides = max_pool(x, strides, strides, padding="valid", name=f"{name}_pool"), 1
        x = residual(x, basic_rows(filters * 2**stage, strides), shortcut, survival=kept, name=name)
    return x


ResNet18 = variant(ResNet, "ResNet18", TABLE)
ResNet34 = variant(ResNet, "ResNet34", TABLE)
ResNet50 = variant(ResNet, "ResNet50", TABLE)
ResNet101 = variant(ResNet, "ResNet101", TABLE)
ResNet152 = variant(ResNet, "ResNet152", TABLE)
PlainNet18 = variant(ResNet, "PlainNet18", TABLE)
PlainNet34 = variant(ResNet, "PlainNet34", TABLE)
ResNet20 = variant(CIFARResNet, "ResNet20", CIFAR_TABLE)
ResNet32 = variant(CIFARResNet, "ResNet32", CIFAR_TABLE)
ResNet44 = variant(CIFARResNet, "ResNet44", CIFAR_TABLE)
ResNet56 = variant(CIFARResNet, "ResNet56", CIFAR_TABLE)
ResNet110 = variant(CIFARResNet, "ResNet110", CIFAR_TABLE)
ResNet1202 = variant(CIFARResNet, "ResNet1202", CIFAR_TABLE)
PlainNet20 = variant(CIFARResNet, "PlainNet20", CIFAR_TABLE)
PlainNet56 = variant(CIFARResNet, "PlainNet56", CIFAR_TABLE)

preprocess_input = ResNet.preprocess_input
decode_predictions = ResNet.decode_predictions
