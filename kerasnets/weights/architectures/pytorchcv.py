"""The architectures of pytorchcv, whose files keep the order of definition.

Semery, https://github.com/osmr/pytorchcv.
"""

from kerasnets.weights.architectures.forms import BATCH_NORM, COUNTED, LATER, PADDED, PROJECTED, SYMMETRIC
from kerasnets.weights.architectures.row import Architecture

OUTPUT = ("output",)
REPEATED = dict(stem_form="repeated")  # batch normalization and ReLU both before and after the first pooling
STEM = dict(keep=0.5, stem=24)  # transitions keep half of the channels, and the stem has 24
LRN = dict(lrn=dict(k=2.0, alpha=2e-5))  # PyTorch divides its alpha of 1e-4 by 5
XCEPTION = (
    "features init_block stage unit body identity_conv block conv dw_conv pw_conv bn final_block output"
)
HRNET = dict(head=OUTPUT, behind_pyramid=("features.final_block",))

PYTORCHCV: dict[str, Architecture] = {
    "pytorchcv/resnet18": Architecture(net="ResNet18", head=OUTPUT, names="562ec3c7"),
    "pytorchcv/resnet34": Architecture(net="ResNet34", head=OUTPUT, names="990964a2"),
    "pytorchcv/resnet50": Architecture(net="ResNet50", head=OUTPUT, names="770e3e72"),
    "pytorchcv/resnet50b": Architecture(net="ResNet50", options=LATER, head=OUTPUT, names="770e3e72"),
    "pytorchcv/resnet101": Architecture(net="ResNet101", head=OUTPUT, names="67f24e4d"),
    "pytorchcv/resnet101b": Architecture(net="ResNet101", options=LATER, head=OUTPUT, names="67f24e4d"),
    "pytorchcv/resnet152": Architecture(net="ResNet152", head=OUTPUT, names="5933c2b9"),
    "pytorchcv/resnet152b": Architecture(net="ResNet152", options=LATER, head=OUTPUT, names="5933c2b9"),
    "pytorchcv/resnet20_cifar10": Architecture(
        net="ResNet20", options=PROJECTED, head=OUTPUT, names="ceca8cb7"
    ),
    "pytorchcv/resnet56_cifar10": Architecture(
        net="ResNet56", options=PROJECTED, head=OUTPUT, names="ac9c5450"
    ),
    "pytorchcv/resnet110_cifar10": Architecture(
        net="ResNet110", options=PROJECTED, head=OUTPUT, names="a5a6b8fd"
    ),
    "pytorchcv/resnet1202_cifar10": Architecture(
        net="ResNet1202", options=PROJECTED, head=OUTPUT, names="6cf05fc1"
    ),
    "pytorchcv/preresnet18": Architecture(net="ResNet18V2", options=REPEATED, head=OUTPUT, names="155da22b"),
    "pytorchcv/preresnet34": Architecture(net="ResNet34V2", options=REPEATED, head=OUTPUT, names="9adc2b11"),
    "pytorchcv/preresnet50b": Architecture(net="ResNet50V2", options=REPEATED, head=OUTPUT, names="4f1eff76"),
    "pytorchcv/preresnet101b": Architecture(
        net="ResNet101V2", options=REPEATED, head=OUTPUT, names="0fe091a4"
    ),
    "pytorchcv/preresnet152b": Architecture(
        net="ResNet152V2", options=REPEATED, head=OUTPUT, names="36af5a82"
    ),
    "pytorchcv/preresnet164bn_cifar10": Architecture(
        net="ResNet164V2", options=LATER, head=OUTPUT, names="57ebfec4"
    ),
    "pytorchcv/preresnet1001_cifar10": Architecture(
        net="ResNet1001V2", options=LATER, head=OUTPUT, names="5c368b7c"
    ),
    "pytorchcv/resnext29_16x64d_cifar10": Architecture(
        net="ResNeXt29", options=dict(cardinality=16), head=OUTPUT, names="1be2c45c"
    ),
    "pytorchcv/resnext50_32x4d": Architecture(net="ResNeXt50", head=OUTPUT, names="770e3e72"),
    "pytorchcv/resnext101_32x4d": Architecture(net="ResNeXt101", head=OUTPUT, names="67f24e4d"),
    "pytorchcv/resnext101_64x4d": Architecture(net="ResNeXt101_64x4d", head=OUTPUT, names="67f24e4d"),
    "pytorchcv/wrn28_10_cifar10": Architecture(net="WRN28_10", head=OUTPUT, names="df04207b"),
    "pytorchcv/wrn50_2": Architecture(
        net="WRN50_2", head=OUTPUT, epsilon=0.0, adds=("norm",), names="4f65e442"
    ),
    "pytorchcv/densenet121": Architecture(net="DenseNet121", head=OUTPUT, names="efef39de"),
    "pytorchcv/densenet161": Architecture(net="DenseNet161", head=OUTPUT, names="38159e07"),
    "pytorchcv/densenet169": Architecture(net="DenseNet169", head=OUTPUT, names="8bdbfeaa"),
    "pytorchcv/densenet201": Architecture(net="DenseNet201", head=OUTPUT, names="048399c9"),
    "pytorchcv/densenet40_k12_cifar10": Architecture(
        net="DenseNet40", options=STEM, head=OUTPUT, names="f23cae4b"
    ),
    "pytorchcv/densenet100_k12_cifar10": Architecture(
        net="DenseNet100", options=STEM, head=OUTPUT, names="05b28dc8"
    ),
    "pytorchcv/densenet100_k12_bc_cifar10": Architecture(net="DenseNetBC100", head=OUTPUT, names="a472fefd"),
    "pytorchcv/densenet190_k40_bc_cifar10": Architecture(net="DenseNetBC190", head=OUTPUT, names="7e3f1265"),
    "pytorchcv/densenet250_k24_bc_cifar10": Architecture(net="DenseNetBC250", head=OUTPUT, names="4ba8a14f"),
    "pytorchcv/hrnetv2_w18": Architecture(net="HRNetV2W18", **HRNET, names="9c73b4b5"),
    "pytorchcv/hrnetv2_w30": Architecture(net="HRNetV2W30", **HRNET, names="9c73b4b5"),
    "pytorchcv/hrnetv2_w32": Architecture(net="HRNetV2W32", **HRNET, names="9c73b4b5"),
    "pytorchcv/hrnetv2_w40": Architecture(net="HRNetV2W40", **HRNET, names="9c73b4b5"),
    "pytorchcv/hrnetv2_w44": Architecture(net="HRNetV2W44", **HRNET, names="9c73b4b5"),
    "pytorchcv/hrnetv2_w48": Architecture(net="HRNetV2W48", **HRNET, names="9c73b4b5"),
    "pytorchcv/hrnetv2_w64": Architecture(net="HRNetV2W64", **HRNET, names="9c73b4b5"),
    "pytorchcv/seresnet18": Architecture(net="SEResNet18", options=PADDED, head=OUTPUT, names="84dd9e49"),
    "pytorchcv/seresnet50": Architecture(net="SEResNet50", options=PADDED, head=OUTPUT, names="bdfab490"),
    "pytorchcv/seresnet101": Architecture(net="SEResNet101", options=PADDED, head=OUTPUT, names="ea80bb73"),
    "pytorchcv/seresnet152": Architecture(net="SEResNet152", options=PADDED, head=OUTPUT, names="fa8d9200"),
    "pytorchcv/seresnext50_32x4d": Architecture(
        net="SEResNeXt50", options=PADDED, head=OUTPUT, names="bdfab490"
    ),
    "pytorchcv/seresnext101_32x4d": Architecture(
        net="SEResNeXt101", options=PADDED, head=OUTPUT, names="ea80bb73"
    ),
    "pytorchcv/vgg11": Architecture(net="VGG11", head=OUTPUT, names="6b2f52b2"),
    "pytorchcv/vgg13": Architecture(net="VGG13", head=OUTPUT, names="5e8e70a4"),
    "pytorchcv/vgg16": Architecture(net="VGG16", head=OUTPUT, names="1eec34a7"),
    "pytorchcv/vgg19": Architecture(net="VGG19", head=OUTPUT, names="f03b83a7"),
    "pytorchcv/bn_vgg11": Architecture(net="VGG11", options=BATCH_NORM, head=OUTPUT, names="61013479"),
    "pytorchcv/bn_vgg11b": Architecture(net="VGG11", options=BATCH_NORM, head=OUTPUT, names="61013479"),
    "pytorchcv/bn_vgg13": Architecture(net="VGG13", options=BATCH_NORM, head=OUTPUT, names="f2680db3"),
    "pytorchcv/bn_vgg13b": Architecture(net="VGG13", options=BATCH_NORM, head=OUTPUT, names="f2680db3"),
    "pytorchcv/bn_vgg16": Architecture(net="VGG16", options=BATCH_NORM, head=OUTPUT, names="c434b79e"),
    "pytorchcv/bn_vgg16b": Architecture(net="VGG16", options=BATCH_NORM, head=OUTPUT, names="c434b79e"),
    "pytorchcv/bn_vgg19": Architecture(net="VGG19", options=BATCH_NORM, head=OUTPUT, names="5a209c85"),
    "pytorchcv/bn_vgg19b": Architecture(net="VGG19", options=BATCH_NORM, head=OUTPUT, names="5a209c85"),
    "pytorchcv/mobilenet_w1": Architecture(
        net="MobileNet", options=dict(act="relu", **SYMMETRIC), head=OUTPUT, names="3900a182"
    ),
    "pytorchcv/mobilenetv2b_w1": Architecture(
        net="MobileNetV2", options=SYMMETRIC, head=OUTPUT, adds=("bias",), names="b91bd2eb"
    ),
    "pytorchcv/alexnet": Architecture(
        net="AlexNet", options=dict(groups=1), head=OUTPUT, input=(227, 227), mends=LRN, names="ac2bc19e"
    ),
    "pytorchcv/alexnetb": Architecture(
        net="AlexNet",
        options=dict(filters=(64, 192, 384, 256, 256), groups=1, lrn=False),
        head=OUTPUT,
        names="ac2bc19e",
    ),
    "pytorchcv/bninception": Architecture(net="BNInception", options=COUNTED, head=OUTPUT, names="9f8cd54c"),
    "pytorchcv/inceptionresnetv1": Architecture(
        net="InceptionResNetV1", options=dict(embedding=512), head=OUTPUT, epsilon=1e-3, names="31d621e7"
    ),
    "pytorchcv/inceptionresnetv2": Architecture(
        net="InceptionResNetV2", head=OUTPUT, epsilon=1e-3, names="9f323e8e"
    ),
    "pytorchcv/inceptionv3": Architecture(
        net="InceptionV3", options=COUNTED, head=OUTPUT, epsilon=1e-3, names="95a66616"
    ),
    "pytorchcv/inceptionv4": Architecture(net="InceptionV4", head=OUTPUT, epsilon=1e-3, names="bf97d0ae"),
    "pytorchcv/nin_cifar10": Architecture(net="NIN", options=PADDED, head=OUTPUT, names="5973cae3"),
    "pytorchcv/squeezenet_v1_0": Architecture(net="SqueezeNet", head=OUTPUT, names="a18d3a88"),
    "pytorchcv/squeezenet_v1_1": Architecture(net="SqueezeNet11", head=OUTPUT, names="720ec2b4"),
    "pytorchcv/squeezeresnet_v1_0": Architecture(
        net="SqueezeNet", options=dict(bypass="simple"), head=OUTPUT, names="a18d3a88"
    ),
    "pytorchcv/xception": Architecture(
        net="Xception", options=PADDED, order=XCEPTION, head=OUTPUT, names="52b18a6d"
    ),
    "pytorchcv/zfnet": Architecture(
        net="ZFNet", options=dict(normalize_first=True), head=OUTPUT, mends=LRN, names="ac2bc19e"
    ),
    "pytorchcv/zfnetb": Architecture(
        net="ZFNet512", options=dict(normalize_first=True), head=OUTPUT, mends=LRN, names="ac2bc19e"
    ),
}
