"""The architectures of torchvision, whose files keep the order of definition.

https://github.com/pytorch/vision.
"""

from kerasnets.weights.architectures.forms import BATCH_NORM, COUNTED, LATER, SYMMETRIC
from kerasnets.weights.architectures.row import Architecture

CLASSIFIER = ("classifier",)
# GoogLeNet's table with windows of 2x2 in the last pooling.
GOOGLENET = (
    ("3a", 64, 96, 128, 16, 32, 32),
    ("3b", 128, 128, 192, 32, 96, 64),
    ("pool3",),
    ("4a", 192, 96, 208, 16, 48, 64),
    ("4b", 160, 112, 224, 24, 64, 64),
    ("4c", 128, 128, 256, 24, 64, 64),
    ("4d", 112, 144, 288, 32, 64, 64),
    ("4e", 256, 160, 320, 32, 128, 128),
    ("pool4", 2),
    ("5a", 256, 160, 320, 32, 128, 128),
    ("5b", 384, 192, 384, 48, 128, 128),
)

TORCHVISION = {
    "torchvision/resnet18": Architecture(net="ResNet18", names="c51fee6d"),
    "torchvision/resnet34": Architecture(net="ResNet34", names="a291f9e6"),
    "torchvision/resnet50": Architecture(net="ResNet50", options=LATER, names="7c172f49"),
    "torchvision/resnet101": Architecture(net="ResNet101", options=LATER, names="7a057ba6"),
    "torchvision/resnet152": Architecture(net="ResNet152", options=LATER, names="7b487534"),
    "torchvision/resnext50_32x4d": Architecture(net="ResNeXt50", names="7c172f49"),
    "torchvision/resnext101_64x4d": Architecture(net="ResNeXt101_64x4d", names="7a057ba6"),
    "torchvision/wide_resnet50_2": Architecture(net="WRN50_2", names="7c172f49"),
    "torchvision/wide_resnet101_2": Architecture(net="WRN101_2", names="7a057ba6"),
    "torchvision/densenet121": Architecture(net="DenseNet121", head=CLASSIFIER, names="525603a5"),
    "torchvision/densenet161": Architecture(net="DenseNet161", head=CLASSIFIER, names="61582f0b"),
    "torchvision/densenet169": Architecture(net="DenseNet169", head=CLASSIFIER, names="14cc7790"),
    "torchvision/densenet201": Architecture(net="DenseNet201", head=CLASSIFIER, names="65396d8d"),
    "torchvision/vgg11": Architecture(net="VGG11", head=CLASSIFIER, names="6d61ccef"),
    "torchvision/vgg13": Architecture(net="VGG13", head=CLASSIFIER, names="2d259ce9"),
    "torchvision/vgg16": Architecture(net="VGG16", head=CLASSIFIER, names="d4feb584"),
    "torchvision/vgg19": Architecture(net="VGG19", head=CLASSIFIER, names="9a8db9c6"),
    "torchvision/vgg11_bn": Architecture(net="VGG11", options=BATCH_NORM, head=CLASSIFIER, names="9912d0a1"),
    "torchvision/vgg13_bn": Architecture(net="VGG13", options=BATCH_NORM, head=CLASSIFIER, names="f8c81015"),
    "torchvision/vgg16_bn": Architecture(net="VGG16", options=BATCH_NORM, head=CLASSIFIER, names="452cd366"),
    "torchvision/vgg19_bn": Architecture(net="VGG19", options=BATCH_NORM, head=CLASSIFIER, names="33ee6fd3"),
    "torchvision/mobilenet_v2": Architecture(
        net="MobileNetV2", options=SYMMETRIC, head=CLASSIFIER, names="73aad192"
    ),
    "torchvision/alexnet": Architecture(
        net="AlexNet",
        options=dict(filters=(64, 192, 384, 256, 256), groups=1, lrn=False),
        head=CLASSIFIER,
        names="066fc75a",
    ),
    "torchvision/googlenet": Architecture(
        net="GoogLeNet",
        options=dict(modules=GOOGLENET, **BATCH_NORM),
        aux=("aux1", "aux2"),  # average other windows than ours: only the outputs of these heads differ
        epsilon=1e-3,
        adds=("border",),  # it has kernels of 3x3 where the paper has 5x5
        names="dcff2ea0",
    ),
    "torchvision/inception_v3": Architecture(
        net="InceptionV3", options=COUNTED, aux=("AuxLogits",), epsilon=1e-3, names="0bce7fc7"
    ),
    "torchvision/squeezenet1_0": Architecture(net="SqueezeNet", head=CLASSIFIER, names="aee43075"),
    "torchvision/squeezenet1_1": Architecture(net="SqueezeNet11", head=CLASSIFIER, names="02396de3"),
}
