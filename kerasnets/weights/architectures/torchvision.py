"""The architectures of torchvision, whose files keep the order of definition.

https://github.com/pytorch/vision.
"""

from kerasnets.weights.architectures.row import Architecture

LATER = dict(stride_in="3x3")  # the form of the releases after the paper's
CLASSIFIER = ("classifier",)
BATCH_NORM, SYMMETRIC = dict(batch_norm=True), dict(padding="symmetric")

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
    "torchvision/densenet121": Architecture(net="DenseNet121", head=CLASSIFIER, names="74183e6a"),
    "torchvision/densenet161": Architecture(net="DenseNet161", head=CLASSIFIER, names="75ca1d0b"),
    "torchvision/densenet169": Architecture(net="DenseNet169", head=CLASSIFIER, names="8b75b40f"),
    "torchvision/densenet201": Architecture(net="DenseNet201", head=CLASSIFIER, names="a03f8f5c"),
    "torchvision/vgg11": Architecture(net="VGG11", head=CLASSIFIER, names="c35e1964"),
    "torchvision/vgg13": Architecture(net="VGG13", head=CLASSIFIER, names="d9e27302"),
    "torchvision/vgg16": Architecture(net="VGG16", head=CLASSIFIER, names="e638f3cd"),
    "torchvision/vgg19": Architecture(net="VGG19", head=CLASSIFIER, names="e6bafec6"),
    "torchvision/vgg11_bn": Architecture(net="VGG11", options=BATCH_NORM, head=CLASSIFIER, names="fa10ffd6"),
    "torchvision/vgg13_bn": Architecture(net="VGG13", options=BATCH_NORM, head=CLASSIFIER, names="aac5d48e"),
    "torchvision/vgg16_bn": Architecture(net="VGG16", options=BATCH_NORM, head=CLASSIFIER, names="8f404b7d"),
    "torchvision/vgg19_bn": Architecture(net="VGG19", options=BATCH_NORM, head=CLASSIFIER, names="41516501"),
    "torchvision/mobilenet_v2": Architecture(
        net="MobileNetV2", options=SYMMETRIC, head=CLASSIFIER, names="55616e80"
    ),
}
