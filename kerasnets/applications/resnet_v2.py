"""ResNet v2: batch normalization and ReLU precede each convolution, so that shortcuts are identities.

He, Zhang, Ren, Sun, "Identity Mappings in Deep Residual Networks", ECCV 2016, arXiv:1603.05027.

The stem of the ImageNet networks is normalized and activated before the first unit, as the appendix says.
Published weights fit other forms. Those of keras.applications need `released=True`: each stage halves the
grid at its end instead of its start, nothing is between the stem and its pooling, and the last convolutions
of the units have biases. The others need another `stem_form`. For CIFAR, the first 1x1 convolution of a
bottleneck has the strides, as in the authors' code; published weights need `stride_in="3x3"`. The paper
trains networks of 200 layers on ImageNet; 18 to 152 layers have the depths of the first paper's table 1.
`alpha`, the width multiplier, is not the paper's.
"""

from kerasnets.assembly.family import family, variant
from kerasnets.assembly.options import FLAG, one_of
from kerasnets.assembly.starts import Start
from kerasnets.blocks.conv import bn, bn_act, conv, max_pool
from kerasnets.blocks.residual import basic_rows, bottleneck_rows, preact_residual, units
from kerasnets.checks import refuse

# He et al., CVPR 2016, table 1. A row is a variant; its columns are arguments of ResNetV2.
TABLE = {
    "ResNet18V2": dict(depths=(2, 2, 2, 2), bottleneck=False),
    "ResNet34V2": dict(depths=(3, 4, 6, 3), bottleneck=False),
    "ResNet50V2": dict(depths=(3, 4, 6, 3), bottleneck=True),
    "ResNet101V2": dict(depths=(3, 4, 23, 3), bottleneck=True),
    "ResNet152V2": dict(depths=(3, 8, 36, 3), bottleneck=True),
}
TINY = dict(depths=(2, 1), alpha=0.0625)

# Table 4, CIFAR.
CIFAR_TABLE = {
    "ResNet164V2": dict(depth=164),
    "ResNet1001V2": dict(depth=1001),
}
CIFAR_TINY = dict(depth=11, alpha=0.25)
FILTERS, CIFAR_FILTERS = 64, 16  # filters of the stem and inside the first stage
STARTS = {
    "paper": Start("appendix: as in the first paper, so as in He et al. 2015", kernels={"*": ("he", {})})
}

CHECKS = dict(stem_form=one_of("activated", "bare", "repeated"), image_norm=FLAG, released=FLAG)
CIFAR_CHECKS = dict(stride_in=one_of("1x1", "3x3"))


@family(size=224, min_size=32, preprocess="tf", tiny=TINY, checks=CHECKS, starts=STARTS)
def ResNetV2(x, depths, bottleneck=True, stem_form="activated", image_norm=False, released=False, alpha=1.0):
    """Stages of pre-activation residual units; all but the first halve the grid and double the channels.

    Source: sections 3 and 4 and the appendix.

    Args:
        depths: Number of units in each stage.
        bottleneck: Whether a unit has convolutions of 1x1, 3x3 and 1x1, instead of two of 3x3.
        stem_form: Where the first batch normalization and ReLU are: "activated" before the stem's pooling
            and not again in the first unit; "bare" in the first unit only, as the weights of timm need;
            "repeated" in both places, as those of GluonCV and pytorchcv need.
        image_norm: Whether batch normalization of the image comes first, as GluonCV has it.
        released: Whether the network has the form that the weights of keras.applications fit, which the
            docstring of the module describes. With these weights it is True if it is not given. It has its
            own stem, so that `stem_form` and `image_norm` cannot be given with it.
        alpha: Width multiplier: fraction of the filters of each layer.
    """
    if released and stem_form != "activated":
        refuse("stem_form", "'activated' where `released` is True", stem_form)
    if released and image_norm:
        refuse("image_norm", "False where `released` is True", image_norm)
    filters = max(1, int(alpha * FILTERS))
    bare = released or stem_form == "bare"
    if image_norm:
        x = bn(x, name="image_bn")
    x = conv(x, filters, 7, strides=2, use_bias=released, name="stem_conv")
    if not bare:
        x = bn_act(x, name="stem")
    x = max_pool(x, 3, strides=2, signed=bare and not released, name="stem_pool")
    for stage, strides, name in units(depths, stride_last=released):
        n = filters * 2**stage
        x = preact_residual(
            x,
            bottleneck_rows(4 * n, strides) if bottleneck else basic_rows(n, strides),
            shortcut="pad" if released and strides > 1 else "project",
            activated=not released and stem_form == "activated" and name == "stage1_unit1",
            use_bias=released,
            name=name,
        )
    return bn_act(x, name="final")


@family(
    size=32,
    min_size=8,
    classes=10,
    preprocess="torch",
    tiny=CIFAR_TINY,
    checks=CIFAR_CHECKS,
    starts=STARTS,
)
def CIFARResNetV2(x, depth, bottleneck=True, stride_in="1x1", alpha=1.0):
    """Three stages of equal depth for small images.

    Source: section 4 and the appendix.

    Args:
        depth: Total number of layers with weights: 2 more than a multiple of 9, or of 6 without bottlenecks.
        bottleneck: Whether a unit has convolutions of 1x1, 3x3 and 1x1, instead of two of 3x3.
        stride_in: "1x1" or "3x3": which convolution of a bottleneck has the strides.
        alpha: Width multiplier: fraction of the filters of each layer.
    """
    step = 9 if bottleneck else 6
    if depth <= 2 or depth % step != 2:
        refuse("depth", f"2 more than a multiple of {step}", depth)
    filters = max(1, int(alpha * CIFAR_FILTERS))
    x = conv(x, filters, 3, name="stem_conv")
    for stage, strides, name in units((depth // step,) * 3):
        n = filters * 2**stage
        rows = bottleneck_rows(4 * n, strides, stride_in=stride_in) if bottleneck else basic_rows(n, strides)
        x = preact_residual(x, rows, name=name)
    return bn_act(x, name="final")


ResNet18V2 = variant(ResNetV2, "ResNet18V2", TABLE)
ResNet34V2 = variant(ResNetV2, "ResNet34V2", TABLE)
ResNet50V2 = variant(ResNetV2, "ResNet50V2", TABLE)
ResNet101V2 = variant(ResNetV2, "ResNet101V2", TABLE)
ResNet152V2 = variant(ResNetV2, "ResNet152V2", TABLE)
ResNet164V2 = variant(CIFARResNetV2, "ResNet164V2", CIFAR_TABLE)
ResNet1001V2 = variant(CIFARResNetV2, "ResNet1001V2", CIFAR_TABLE)

preprocess_input = ResNetV2.preprocess_input
decode_predictions = ResNetV2.decode_predictions
