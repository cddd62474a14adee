"""The architectures of timm, whose files on the Hugging Face hub are sorted by name.

Wightman, PyTorch Image Models, https://github.com/huggingface/pytorch-image-models.
"""

from kerasnets.weights.architectures.row import Architecture

RESNET = "conv1 bn1 conv2 bn2 conv3 bn3 downsample layer fc"
RESNET_V2 = "stem norm1 conv1 norm2 conv2 norm3 conv3 downsample stages norm head"
LATER = dict(stride_in="3x3")  # the form of the releases after the paper's
BARE = dict(stem_form="bare")
DENSENET = dict(
    order="features conv0 norm0 denseblock1 transition1 denseblock2 transition2 denseblock3 transition3 "
    "denseblock4 norm5 denselayer norm norm1 conv conv1 norm2 conv2 classifier",
    head=("classifier",),
)
HRNET = dict(
    order="conv1 bn1 conv2 bn2 conv3 bn3 downsample layer1 transition1 stage2 transition2 stage3 transition3 "
    "stage4 branches fuse_layers incre_modules downsamp_modules final_layer classifier",
    head=("classifier",),
)
LEGACY_SENET = dict(
    order="conv1 bn1 conv2 bn2 conv3 bn3 se_module fc downsample layer last_linear", head=("last_linear",)
)
SENET = "conv1 bn1 conv2 bn2 conv3 bn3 se fc1 fc2 downsample layer fc"
VGG = dict(order="features pre_logits fc head", head=("pre_logits", "head"))
MOBILENET_V1 = dict(order="conv_stem conv_dw bn1 blocks conv_pw bn2 classifier", head=("classifier",))
# The first block has no expansion, and numbers its batch normalizations from its depthwise convolution on.
MOBILENET_V2 = dict(
    order="conv_stem blocks.0.0.conv_dw blocks.0.0.bn1 conv_pw bn1 conv_dw blocks conv_head bn2 conv_pwl bn3 "
    "classifier",
    head=("classifier",),
)
BATCH_NORM, SYMMETRIC = dict(batch_norm=True), dict(padding="symmetric")
PADDED = dict(pool_padding="both")
LATER_PADDED = dict(stride_in="3x3", pool_padding="both")
INCEPTION_V3 = (
    "Conv2d_1a_3x3 Conv2d_2a_3x3 Conv2d_2b_3x3 Conv2d_3b_1x1 Conv2d_4a_3x3 "
    "Mixed_5b Mixed_5c Mixed_5d Mixed_6a Mixed_6b Mixed_6c Mixed_6d Mixed_6e Mixed_7a Mixed_7b Mixed_7c fc "
    "branch1x1 branch5x5_ branch7x7_ branch7x7dbl_ branch3x3 branch3x3_ branch3x3_2a branch3x3_2b "
    "branch3x3dbl_ branch3x3dbl_3a branch3x3dbl_3b branch7x7x3_ branch_pool conv bn"
)
INCEPTION_V4 = (
    "features branch0 branch1 branch1_ branch1_1a branch1_1b branch2 branch2_ branch2_3a branch2_3b branch3 "
    "conv bn last_linear"
)
INCEPTION_RESNET = (
    "conv2d_1a conv2d_2a conv2d_2b conv2d_3b conv2d_4a mixed_5b repeat mixed_6a repeat_1 mixed_7a repeat_2 "
    "block8 conv2d_7b classif branch conv2d conv bn"
)
XCEPTION = "conv1 pointwise bn1 conv2 bn2 block rep skip skipbn conv3 bn3 conv4 bn4 fc"

TIMM = {
    "timm/resnet18": Architecture(net="ResNet18", order=RESNET, names="6f226f9c"),
    "timm/resnet34": Architecture(net="ResNet34", order=RESNET, names="bc31bfad"),
    "timm/resnet50": Architecture(net="ResNet50", options=LATER, order=RESNET, names="88f1e680"),
    "timm/resnet101": Architecture(net="ResNet101", options=LATER, order=RESNET, names="10c744de"),
    "timm/resnet152": Architecture(net="ResNet152", options=LATER, order=RESNET, names="5229501d"),
    "timm/resnetv2_18": Architecture(
        net="ResNet18V2", options=BARE, order=RESNET_V2, head=("head",), names="21b6b295"
    ),
    "timm/resnetv2_34": Architecture(
        net="ResNet34V2", options=BARE, order=RESNET_V2, head=("head",), names="7597666f"
    ),
    "timm/resnetv2_50": Architecture(
        net="ResNet50V2", options=BARE, order=RESNET_V2, head=("head",), names="04ba31d9"
    ),
    "timm/resnetv2_101": Architecture(
        net="ResNet101V2", options=BARE, order=RESNET_V2, head=("head",), names="3e97c3e3"
    ),
    "timm/resnext50_32x4d": Architecture(net="ResNeXt50", order=RESNET, names="88f1e680"),
    "timm/resnext101_32x4d": Architecture(net="ResNeXt101", order=RESNET, names="10c744de"),
    "timm/resnext101_64x4d": Architecture(net="ResNeXt101_64x4d", order=RESNET, names="10c744de"),
    "timm/wide_resnet50_2": Architecture(net="WRN50_2", order=RESNET, names="88f1e680"),
    "timm/wide_resnet101_2": Architecture(net="WRN101_2", order=RESNET, names="10c744de"),
    "timm/densenet121": Architecture(net="DenseNet121", **DENSENET, names="74183e6a"),
    "timm/densenet161": Architecture(net="DenseNet161", **DENSENET, names="75ca1d0b"),
    "timm/densenet169": Architecture(net="DenseNet169", **DENSENET, names="8b75b40f"),
    "timm/densenet201": Architecture(net="DenseNet201", **DENSENET, names="a03f8f5c"),
    "timm/hrnet_w18": Architecture(net="HRNetV2W18", **HRNET, names="ecf64eb5"),
    "timm/hrnet_w30": Architecture(net="HRNetV2W30", **HRNET, names="ecf64eb5"),
    "timm/hrnet_w32": Architecture(net="HRNetV2W32", **HRNET, names="ecf64eb5"),
    "timm/hrnet_w40": Architecture(net="HRNetV2W40", **HRNET, names="ecf64eb5"),
    "timm/hrnet_w44": Architecture(net="HRNetV2W44", **HRNET, names="ecf64eb5"),
    "timm/hrnet_w48": Architecture(net="HRNetV2W48", **HRNET, names="ecf64eb5"),
    "timm/hrnet_w64": Architecture(net="HRNetV2W64", **HRNET, names="ecf64eb5"),
    "timm/hrnet_w18_ssld": Architecture(net="HRNetV2W18", **HRNET, mends=dict(no_bias={}), names="ecf64eb5"),
    "timm/hrnet_w48_ssld": Architecture(net="HRNetV2W48", **HRNET, mends=dict(no_bias={}), names="ecf64eb5"),
    "timm/legacy_seresnet18": Architecture(
        net="SEResNet18", options=dict(relu_before_se=True), **LEGACY_SENET, names="7b872592"
    ),
    "timm/legacy_seresnet34": Architecture(
        net="SEResNet34", options=dict(relu_before_se=True), **LEGACY_SENET, names="b6d015a6"
    ),
    "timm/legacy_seresnet50": Architecture(net="SEResNet50", **LEGACY_SENET, names="86a5ab6a"),
    "timm/legacy_seresnet101": Architecture(net="SEResNet101", **LEGACY_SENET, names="e744c7ff"),
    "timm/legacy_seresnet152": Architecture(net="SEResNet152", **LEGACY_SENET, names="ae318774"),
    "timm/legacy_seresnext50_32x4d": Architecture(net="SEResNeXt50", **LEGACY_SENET, names="86a5ab6a"),
    "timm/legacy_seresnext101_32x4d": Architecture(net="SEResNeXt101", **LEGACY_SENET, names="e744c7ff"),
    "timm/legacy_senet154": Architecture(net="SENet154", **LEGACY_SENET, names="30ec8c1b"),
    "timm/seresnet50": Architecture(net="SEResNet50", options=LATER_PADDED, order=SENET, names="6cc4e1ca"),
    "timm/seresnext50_32x4d": Architecture(net="SEResNeXt50", options=PADDED, order=SENET, names="6cc4e1ca"),
    "timm/seresnext101_32x4d": Architecture(
        net="SEResNeXt101", options=PADDED, order=SENET, names="a8245e2f"
    ),
    "timm/senet154": Architecture(net="SENet154", options=PADDED, order=SENET, names="cd2c617f"),
    "timm/vgg11": Architecture(net="VGG11", **VGG, names="c35e1964"),
    "timm/vgg13": Architecture(net="VGG13", **VGG, names="d9e27302"),
    "timm/vgg16": Architecture(net="VGG16", **VGG, names="e638f3cd"),
    "timm/vgg19": Architecture(net="VGG19", **VGG, names="e6bafec6"),
    "timm/vgg11_bn": Architecture(net="VGG11", options=BATCH_NORM, **VGG, names="fa10ffd6"),
    "timm/vgg13_bn": Architecture(net="VGG13", options=BATCH_NORM, **VGG, names="aac5d48e"),
    "timm/vgg16_bn": Architecture(net="VGG16", options=BATCH_NORM, **VGG, names="8f404b7d"),
    "timm/vgg19_bn": Architecture(net="VGG19", options=BATCH_NORM, **VGG, names="41516501"),
    "timm/mobilenetv1_100": Architecture(
        net="MobileNet", options=SYMMETRIC, **MOBILENET_V1, names="3707bfc1"
    ),
    "timm/mobilenetv2_100": Architecture(
        net="MobileNetV2", options=SYMMETRIC, **MOBILENET_V2, names="0c62289f"
    ),
    "timm/mobilenetv2_050": Architecture(
        net="MobileNetV2", options=dict(alpha=0.5, **SYMMETRIC), **MOBILENET_V2, names="0c62289f"
    ),
    "timm/mobilenetv2_140": Architecture(
        net="MobileNetV2", options=dict(alpha=1.4, **SYMMETRIC), **MOBILENET_V2, names="0c62289f"
    ),
    "timm/inception_v3": Architecture(
        net="InceptionV3", options=dict(include_pad=True), order=INCEPTION_V3, epsilon=1e-3, names="15a3202b"
    ),
    "timm/inception_v4": Architecture(
        net="InceptionV4", order=INCEPTION_V4, head=("last_linear",), epsilon=1e-3, names="9b083788"
    ),
    "timm/inception_resnet_v2": Architecture(
        net="InceptionResNetV2", order=INCEPTION_RESNET, head=("classif",), epsilon=1e-3, names="8cb4ad80"
    ),
    "timm/legacy_xception": Architecture(
        net="Xception", options=dict(pool_padding="both"), order=XCEPTION, names="6daeb6b2"
    ),
}
