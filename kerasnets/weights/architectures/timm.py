"""The architectures of timm, whose files on the Hugging Face hub are sorted by name.

Wightman, PyTorch Image Models, https://github.com/huggingface/pytorch-image-models.
"""

from kerasnets.weights.architectures.forms import BATCH_NORM, COUNTED, LATER, PADDED, SYMMETRIC
from kerasnets.weights.architectures.row import Architecture

RESNET = "conv1 bn1 conv2 bn2 conv3 bn3 downsample layer fc"
RESNET_V2 = "stem norm1 conv1 norm2 conv2 norm3 conv3 downsample stages norm head"
BARE = dict(stem_form="bare")  # nothing between the first convolution and its pooling
DENSENET = dict(
    order="features conv0 norm0 denseblock1 transition1 denseblock2 transition2 denseblock3 transition3 "
    "denseblock4 norm5 denselayer norm norm1 conv conv1 norm2 conv2 classifier",
    head=("classifier",),
)
HRNET = dict(
    order="conv1 bn1 conv2 bn2 conv3 bn3 downsample layer1 transition1 stage2 transition2 stage3 transition3 "
    "stage4 branches fuse_layers incre_modules downsamp_modules final_layer classifier",
    head=("classifier",),
    behind_pyramid=("incre_modules", "downsamp_modules", "final_layer"),
    adds=("bias",),  # the head has none in files of the tag ssld
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
    "timm/resnet18": Architecture(net="ResNet18", order=RESNET, names="c51fee6d"),
    "timm/resnet34": Architecture(net="ResNet34", order=RESNET, names="a291f9e6"),
    "timm/resnet50": Architecture(net="ResNet50", options=LATER, order=RESNET, names="7c172f49"),
    "timm/resnet101": Architecture(net="ResNet101", options=LATER, order=RESNET, names="7a057ba6"),
    "timm/resnet152": Architecture(net="ResNet152", options=LATER, order=RESNET, names="7b487534"),
    "timm/resnetv2_18": Architecture(
        net="ResNet18V2", options=BARE, order=RESNET_V2, head=("head",), names="0a28b631"
    ),
    "timm/resnetv2_34": Architecture(
        net="ResNet34V2", options=BARE, order=RESNET_V2, head=("head",), names="7086fb13"
    ),
    "timm/resnetv2_50": Architecture(
        net="ResNet50V2", options=BARE, order=RESNET_V2, head=("head",), names="05dd9fef"
    ),
    "timm/resnetv2_101": Architecture(
        net="ResNet101V2", options=BARE, order=RESNET_V2, head=("head",), names="4fb2cb9e"
    ),
    "timm/resnext50_32x4d": Architecture(net="ResNeXt50", order=RESNET, names="7c172f49"),
    "timm/resnext101_32x4d": Architecture(net="ResNeXt101", order=RESNET, names="7a057ba6"),
    "timm/resnext101_64x4d": Architecture(net="ResNeXt101_64x4d", order=RESNET, names="7a057ba6"),
    "timm/wide_resnet50_2": Architecture(net="WRN50_2", order=RESNET, names="7c172f49"),
    "timm/wide_resnet101_2": Architecture(net="WRN101_2", order=RESNET, names="7a057ba6"),
    "timm/densenet121": Architecture(net="DenseNet121", **DENSENET, names="525603a5"),
    "timm/densenet161": Architecture(net="DenseNet161", **DENSENET, names="61582f0b"),
    "timm/densenet169": Architecture(net="DenseNet169", **DENSENET, names="14cc7790"),
    "timm/densenet201": Architecture(net="DenseNet201", **DENSENET, names="65396d8d"),
    "timm/hrnet_w18": Architecture(net="HRNetV2W18", **HRNET, names="dade00cf"),
    "timm/hrnet_w30": Architecture(net="HRNetV2W30", **HRNET, names="dade00cf"),
    "timm/hrnet_w32": Architecture(net="HRNetV2W32", **HRNET, names="dade00cf"),
    "timm/hrnet_w40": Architecture(net="HRNetV2W40", **HRNET, names="dade00cf"),
    "timm/hrnet_w44": Architecture(net="HRNetV2W44", **HRNET, names="dade00cf"),
    "timm/hrnet_w48": Architecture(net="HRNetV2W48", **HRNET, names="dade00cf"),
    "timm/hrnet_w64": Architecture(net="HRNetV2W64", **HRNET, names="dade00cf"),
    "timm/hrnet_w18_ssld": Architecture(net="HRNetV2W18", **HRNET, names="dade00cf"),
    "timm/hrnet_w48_ssld": Architecture(net="HRNetV2W48", **HRNET, names="dade00cf"),
    "timm/legacy_seresnet18": Architecture(
        net="SEResNet18", options=dict(relu_before_se=True), **LEGACY_SENET, names="7dfc9faa"
    ),
    "timm/legacy_seresnet34": Architecture(
        net="SEResNet34", options=dict(relu_before_se=True), **LEGACY_SENET, names="b63f4729"
    ),
    "timm/legacy_seresnet50": Architecture(net="SEResNet50", **LEGACY_SENET, names="43a87621"),
    "timm/legacy_seresnet101": Architecture(net="SEResNet101", **LEGACY_SENET, names="f78a62c7"),
    "timm/legacy_seresnet152": Architecture(net="SEResNet152", **LEGACY_SENET, names="a2a92dda"),
    "timm/legacy_seresnext50_32x4d": Architecture(net="SEResNeXt50", **LEGACY_SENET, names="43a87621"),
    "timm/legacy_seresnext101_32x4d": Architecture(net="SEResNeXt101", **LEGACY_SENET, names="f78a62c7"),
    "timm/legacy_senet154": Architecture(net="SENet154", **LEGACY_SENET, names="81b2d1f3"),
    "timm/seresnet50": Architecture(
        net="SEResNet50", options=dict(**LATER, **PADDED), order=SENET, names="f6b57ccf"
    ),
    "timm/seresnext50_32x4d": Architecture(net="SEResNeXt50", options=PADDED, order=SENET, names="f6b57ccf"),
    "timm/seresnext101_32x4d": Architecture(
        net="SEResNeXt101", options=PADDED, order=SENET, names="3ffb2f8f"
    ),
    "timm/senet154": Architecture(net="SENet154", options=PADDED, order=SENET, names="fecd35c9"),
    "timm/vgg11": Architecture(net="VGG11", **VGG, names="6d61ccef"),
    "timm/vgg13": Architecture(net="VGG13", **VGG, names="2d259ce9"),
    "timm/vgg16": Architecture(net="VGG16", **VGG, names="d4feb584"),
    "timm/vgg19": Architecture(net="VGG19", **VGG, names="9a8db9c6"),
    "timm/vgg11_bn": Architecture(net="VGG11", options=BATCH_NORM, **VGG, names="9912d0a1"),
    "timm/vgg13_bn": Architecture(net="VGG13", options=BATCH_NORM, **VGG, names="f8c81015"),
    "timm/vgg16_bn": Architecture(net="VGG16", options=BATCH_NORM, **VGG, names="452cd366"),
    "timm/vgg19_bn": Architecture(net="VGG19", options=BATCH_NORM, **VGG, names="33ee6fd3"),
    "timm/mobilenetv1_100": Architecture(
        net="MobileNet", options=SYMMETRIC, **MOBILENET_V1, names="e68ba2bc"
    ),
    "timm/mobilenetv2_100": Architecture(
        net="MobileNetV2", options=SYMMETRIC, **MOBILENET_V2, names="2b0f31ac"
    ),
    "timm/mobilenetv2_050": Architecture(
        net="MobileNetV2", options=dict(alpha=0.5, **SYMMETRIC), **MOBILENET_V2, names="2b0f31ac"
    ),
    "timm/mobilenetv2_140": Architecture(
        net="MobileNetV2", options=dict(alpha=1.4, **SYMMETRIC), **MOBILENET_V2, names="2b0f31ac"
    ),
    "timm/inception_v3": Architecture(
        net="InceptionV3", options=COUNTED, order=INCEPTION_V3, epsilon=1e-3, names="0bce7fc7"
    ),
    "timm/inception_v4": Architecture(
        net="InceptionV4", order=INCEPTION_V4, head=("last_linear",), epsilon=1e-3, names="bffe8a5e"
    ),
    "timm/inception_resnet_v2": Architecture(
        net="InceptionResNetV2", order=INCEPTION_RESNET, head=("classif",), epsilon=1e-3, names="6958c50d"
    ),
    "timm/legacy_xception": Architecture(net="Xception", options=PADDED, order=XCEPTION, names="2ec5b497"),
}
