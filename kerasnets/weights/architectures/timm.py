"""The architectures of timm, whose files on the Hugging Face hub are sorted by name.

Wightman, PyTorch Image Models, https://github.com/huggingface/pytorch-image-models.
"""

from kerasnets.weights.architectures.row import Architecture

RESNET = "conv1 bn1 conv2 bn2 conv3 bn3 downsample layer fc"
RESNET_V2 = "stem norm1 conv1 norm2 conv2 norm3 conv3 downsample stages norm head"
LATER = dict(stride_in="3x3")  # the form of the releases after the paper's
BARE = dict(stem_form="bare")

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
}
