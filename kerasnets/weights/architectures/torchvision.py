"""The architectures of torchvision, whose files keep the order of definition.

https://github.com/pytorch/vision.
"""

from kerasnets.weights.architectures.row import Architecture

TORCHVISION = {
    "torchvision/resnet18": Architecture(net="ResNet18", names="6f226f9c"),
}
