"""The architectures of timm, whose files on the Hugging Face hub are sorted by name.

Wightman, PyTorch Image Models, https://github.com/huggingface/pytorch-image-models.
"""

from kerasnets.weights.architectures.row import Architecture

RESNET = "conv1 bn1 conv2 bn2 conv3 bn3 downsample layer fc"

TIMM = {
    "timm/resnet18": Architecture(net="ResNet18", order=RESNET, names="6f226f9c"),
    "timm/resnet34": Architecture(net="ResNet34", order=RESNET, names="bc31bfad"),
    "timm/resnet50": Architecture(
        net="ResNet50", options=dict(stride_in="3x3"), order=RESNET, names="88f1e680"
    ),
}
