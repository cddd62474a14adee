"""The architectures of torchvision, whose files keep the order of definition.

https://github.com/pytorch/vision.
"""

from kerasnets.weights.architectures.row import Architecture

LATER = dict(stride_in="3x3")  # the form of the releases after the paper's

TORCHVISION = {
    "torchvision/resnet18": Architecture(net="ResNet18", names="6f226f9c"),
    "torchvision/resnet34": Architecture(net="ResNet34", names="bc31bfad"),
    "torchvision/resnet50": Architecture(net="ResNet50", options=LATER, names="88f1e680"),
    "torchvision/resnet101": Architecture(net="ResNet101", options=LATER, names="10c744de"),
    "torchvision/resnet152": Architecture(net="ResNet152", options=LATER, names="5229501d"),
    "torchvision/resnext50_32x4d": Architecture(net="ResNeXt50", names="88f1e680"),
    "torchvision/resnext101_64x4d": Architecture(net="ResNeXt101_64x4d", names="10c744de"),
    "torchvision/wide_resnet50_2": Architecture(net="WRN50_2", names="88f1e680"),
    "torchvision/wide_resnet101_2": Architecture(net="WRN101_2", names="10c744de"),
}
