"""The architectures of pytorchcv, whose files keep the order of definition.

Semery, https://github.com/osmr/pytorchcv.
"""

from kerasnets.weights.architectures.row import Architecture

OUTPUT = ("output",)
LATER = dict(stride_in="3x3")  # the form of the releases after the paper's
PROJECTED = dict(shortcut="project")
REPEATED = dict(stem_form="repeated")
BATCH_NORM, SYMMETRIC = dict(batch_norm=True), dict(padding="symmetric")
PADDED = dict(pool_padding="both")
STEM = dict(keep=0.5, stem=24)
LRN = dict(lrn=dict(k=2.0, alpha=2e-5))  # PyTorch divides its alpha of 1e-4 by 5
XCEPTION = (
    "features init_block stage unit body identity_conv block conv dw_conv pw_conv bn final_block output"
)

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
    "pytorchcv/densenet121": Architecture(net="DenseNet121", head=OUTPUT, names="65c27916"),
    "pytorchcv/densenet161": Architecture(net="DenseNet161", head=OUTPUT, names="e68b0c33"),
    "pytorchcv/densenet169": Architecture(net="DenseNet169", head=OUTPUT, names="4895c195"),
    "pytorchcv/densenet201": Architecture(net="DenseNet201", head=OUTPUT, names="f734ca73"),
    "pytorchcv/densenet40_k12_cifar10": Architecture(
        net="DenseNet40", options=STEM, head=OUTPUT, names="1add35d0"
    ),
    "pytorchcv/densenet100_k12_cifar10": Architecture(
        net="DenseNet100", options=STEM, head=OUTPUT, names="dc77aae8"
    ),
    "pytorchcv/densenet100_k12_bc_cifar10": Architecture(net="DenseNetBC100", head=OUTPUT, names="17cb5be9"),
    "pytorchcv/densenet190_k40_bc_cifar10": Architecture(net="DenseNetBC190", head=OUTPUT, names="a353df3c"),
    "pytorchcv/densenet250_k24_bc_cifar10": Architecture(net="DenseNetBC250", head=OUTPUT, names="666a2cf2"),
    "pytorchcv/hrnetv2_w18": Architecture(net="HRNetV2W18", head=OUTPUT, names="f6a9956c"),
    "pytorchcv/hrnetv2_w30": Architecture(net="HRNetV2W30", head=OUTPUT, names="f6a9956c"),
    "pytorchcv/hrnetv2_w32": Architecture(net="HRNetV2W32", head=OUTPUT, names="f6a9956c"),
    "pytorchcv/hrnetv2_w40": Architecture(net="HRNetV2W40", head=OUTPUT, names="f6a9956c"),
    "pytorchcv/hrnetv2_w44": Architecture(net="HRNetV2W44", head=OUTPUT, names="f6a9956c"),
    "pytorchcv/hrnetv2_w48": Architecture(net="HRNetV2W48", head=OUTPUT, names="f6a9956c"),
    "pytorchcv/hrnetv2_w64": Architecture(net="HRNetV2W64", head=OUTPUT, names="f6a9956c"),
    "pytorchcv/seresnet18": Architecture(net="SEResNet18", options=PADDED, head=OUTPUT, names="b72312ee"),
    "pytorchcv/seresnet50": Architecture(net="SEResNet50", options=PADDED, head=OUTPUT, names="32ef625f"),
    "pytorchcv/seresnet101": Architecture(net="SEResNet101", options=PADDED, head=OUTPUT, names="078b6562"),
    "pytorchcv/seresnet152": Architecture(net="SEResNet152", options=PADDED, head=OUTPUT, names="e4254065"),
    "pytorchcv/seresnext50_32x4d": Architecture(
        net="SEResNeXt50", options=PADDED, head=OUTPUT, names="32ef625f"
    ),
    "pytorchcv/seresnext101_32x4d": Architecture(
        net="SEResNeXt101", options=PADDED, head=OUTPUT, names="078b6562"
    ),
    "pytorchcv/vgg11": Architecture(net="VGG11", head=OUTPUT, names="10fed1a2"),
    "pytorchcv/vgg13": Architecture(net="VGG13", head=OUTPUT, names="5726ad48"),
    "pytorchcv/vgg16": Architecture(net="VGG16", head=OUTPUT, names="08d2e10b"),
    "pytorchcv/vgg19": Architecture(net="VGG19", head=OUTPUT, names="51f68299"),
    "pytorchcv/bn_vgg11": Architecture(net="VGG11", options=BATCH_NORM, head=OUTPUT, names="5a19d6d6"),
    "pytorchcv/bn_vgg11b": Architecture(net="VGG11", options=BATCH_NORM, head=OUTPUT, names="5a19d6d6"),
    "pytorchcv/bn_vgg13": Architecture(net="VGG13", options=BATCH_NORM, head=OUTPUT, names="c7a15534"),
    "pytorchcv/bn_vgg13b": Architecture(net="VGG13", options=BATCH_NORM, head=OUTPUT, names="c7a15534"),
    "pytorchcv/bn_vgg16": Architecture(net="VGG16", options=BATCH_NORM, head=OUTPUT, names="3117e447"),
    "pytorchcv/bn_vgg16b": Architecture(net="VGG16", options=BATCH_NORM, head=OUTPUT, names="3117e447"),
    "pytorchcv/bn_vgg19": Architecture(net="VGG19", options=BATCH_NORM, head=OUTPUT, names="fce4bc21"),
    "pytorchcv/bn_vgg19b": Architecture(net="VGG19", options=BATCH_NORM, head=OUTPUT, names="fce4bc21"),
    "pytorchcv/mobilenet_w1": Architecture(
        net="MobileNet", options=dict(act="relu", **SYMMETRIC), head=OUTPUT, names="13ca04e5"
    ),
    "pytorchcv/mobilenetv2b_w1": Architecture(
        net="MobileNetV2", options=SYMMETRIC, head=OUTPUT, mends=dict(no_bias={}), names="5894d866"
    ),
    "pytorchcv/alexnet": Architecture(
        net="AlexNet", options=dict(groups=1), head=("output",), input=(227, 227), mends=LRN, names="6e6b4d22"
    ),
    "pytorchcv/alexnetb": Architecture(
        net="AlexNet",
        options=dict(filters=(64, 192, 384, 256, 256), groups=1, lrn=False),
        head=("output",),
        names="6e6b4d22",
    ),
    "pytorchcv/bninception": Architecture(
        net="BNInception", options=dict(include_pad=True), head=("output",), names="1c2516f1"
    ),
    "pytorchcv/inceptionresnetv1": Architecture(
        net="InceptionResNetV1", options=dict(embedding=512), head=("output",), epsilon=1e-3, names="96f1da7d"
    ),
    "pytorchcv/inceptionresnetv2": Architecture(
        net="InceptionResNetV2", head=("output",), epsilon=1e-3, names="93b77ec5"
    ),
    "pytorchcv/inceptionv3": Architecture(
        net="InceptionV3", options=dict(include_pad=True), head=("output",), epsilon=1e-3, names="05ce750d"
    ),
    "pytorchcv/inceptionv4": Architecture(
        net="InceptionV4", head=("output",), epsilon=1e-3, names="6dc3c0f7"
    ),
    "pytorchcv/nin_cifar10": Architecture(
        net="NIN", options=dict(pool_padding="both"), head=("output",), names="69f92530"
    ),
    "pytorchcv/squeezenet_v1_0": Architecture(net="SqueezeNet", head=("output",), names="391dafff"),
    "pytorchcv/squeezenet_v1_1": Architecture(net="SqueezeNet11", head=("output",), names="4bbdd51e"),
    "pytorchcv/squeezeresnet_v1_0": Architecture(
        net="SqueezeNet", options=dict(bypass="simple"), head=("output",), names="391dafff"
    ),
    "pytorchcv/xception": Architecture(
        net="Xception", options=dict(pool_padding="both"), order=XCEPTION, head=("output",), names="f86d5506"
    ),
    "pytorchcv/zfnet": Architecture(
        net="ZFNet", options=dict(normalize_first=True), head=("output",), mends=LRN, names="6e6b4d22"
    ),
    "pytorchcv/zfnetb": Architecture(
        net="ZFNet512", options=dict(normalize_first=True), head=("output",), mends=LRN, names="6e6b4d22"
    ),
}
