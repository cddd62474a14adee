"""The architectures of pytorchcv, whose files keep the order of definition.

Semery, https://github.com/osmr/pytorchcv.
"""

from kerasnets.weights.architectures.row import Architecture

OUTPUT = ("output",)
LATER = dict(stride_in="3x3")  # the form of the releases after the paper's
PROJECTED = dict(shortcut="project")
REPEATED = dict(stem_form="repeated")

PYTORCHCV: dict[str, Architecture] = {
    "pytorchcv/resnet18": Architecture(net="ResNet18", head=OUTPUT, names="92441b0b"),
    "pytorchcv/resnet34": Architecture(net="ResNet34", head=OUTPUT, names="f2c420d7"),
    "pytorchcv/resnet50": Architecture(net="ResNet50", head=OUTPUT, names="51b899e1"),
    "pytorchcv/resnet50b": Architecture(net="ResNet50", options=LATER, head=OUTPUT, names="51b899e1"),
    "pytorchcv/resnet101": Architecture(net="ResNet101", head=OUTPUT, names="6aed51ad"),
    "pytorchcv/resnet101b": Architecture(net="ResNet101", options=LATER, head=OUTPUT, names="6aed51ad"),
    "pytorchcv/resnet152": Architecture(net="ResNet152", head=OUTPUT, names="7fccc0fc"),
    "pytorchcv/resnet152b": Architecture(net="ResNet152", options=LATER, head=OUTPUT, names="7fccc0fc"),
    "pytorchcv/resnet20_cifar10": Architecture(
        net="ResNet20", options=PROJECTED, head=OUTPUT, names="358bdee1"
    ),
    "pytorchcv/resnet56_cifar10": Architecture(
        net="ResNet56", options=PROJECTED, head=OUTPUT, names="81858c28"
    ),
    "pytorchcv/resnet110_cifar10": Architecture(
        net="ResNet110", options=PROJECTED, head=OUTPUT, names="8c3c80e4"
    ),
    "pytorchcv/resnet1202_cifar10": Architecture(
        net="ResNet1202", options=PROJECTED, head=OUTPUT, names="1b1c76eb"
    ),
    "pytorchcv/preresnet18": Architecture(net="ResNet18V2", options=REPEATED, head=OUTPUT, names="6edb1994"),
    "pytorchcv/preresnet34": Architecture(net="ResNet34V2", options=REPEATED, head=OUTPUT, names="c672a65f"),
    "pytorchcv/preresnet50b": Architecture(net="ResNet50V2", options=REPEATED, head=OUTPUT, names="a92289a4"),
    "pytorchcv/preresnet101b": Architecture(
        net="ResNet101V2", options=REPEATED, head=OUTPUT, names="960a741c"
    ),
    "pytorchcv/preresnet152b": Architecture(
        net="ResNet152V2", options=REPEATED, head=OUTPUT, names="b1af4c7e"
    ),
    "pytorchcv/preresnet164bn_cifar10": Architecture(
        net="ResNet164V2", options=LATER, head=OUTPUT, names="53b483fa"
    ),
    "pytorchcv/preresnet1001_cifar10": Architecture(
        net="ResNet1001V2", options=LATER, head=OUTPUT, names="34976fe4"
    ),
    "pytorchcv/resnext29_16x64d_cifar10": Architecture(
        net="ResNeXt29", options=dict(cardinality=16), head=OUTPUT, names="bb4cb410"
    ),
    "pytorchcv/resnext50_32x4d": Architecture(net="ResNeXt50", head=OUTPUT, names="51b899e1"),
    "pytorchcv/resnext101_32x4d": Architecture(net="ResNeXt101", head=OUTPUT, names="6aed51ad"),
    "pytorchcv/resnext101_64x4d": Architecture(net="ResNeXt101_64x4d", head=OUTPUT, names="6aed51ad"),
    "pytorchcv/wrn28_10_cifar10": Architecture(net="WRN28_10", head=OUTPUT, names="92a16388"),
    "pytorchcv/wrn50_2": Architecture(
        net="WRN50_2", head=OUTPUT, epsilon=0.0, mends=dict(folded_norm={}), names="bd1c1df0"
    ),
}
