"""Nets of authors who published weights and no module of PyTorch that can be imported, for make_peers.py."""

from collections import OrderedDict

import torch
from torch import nn
from torch.nn import functional

# Filters, kernel, strides and padding of the convolutions of the release of Network in Network, by their
# names, and the poolings behind them.
NIN = {
    "cifar10": {
        "conv1": (192, 5, 1, 2),
        "cccp1": (160, 1, 1, 0),
        "cccp2": (96, 1, 1, 0),
        "pool1": nn.MaxPool2d(3, 2, ceil_mode=True),
        "conv2": (192, 5, 1, 2),
        "cccp3": (192, 1, 1, 0),
        "cccp4": (192, 1, 1, 0),
        "pool2": nn.AvgPool2d(3, 2, ceil_mode=True),
        "conv3": (192, 3, 1, 1),
        "cccp5": (192, 1, 1, 0),
        "cccp6": (10, 1, 1, 0),
        "pool3": nn.AdaptiveAvgPool2d(1),
    },
    "imagenet": {
        "conv1": (96, 11, 4, 0),
        "cccp1": (96, 1, 1, 0),
        "cccp2": (96, 1, 1, 0),
        "pool0": nn.MaxPool2d(3, 2, ceil_mode=True),
        "conv2": (256, 5, 1, 2),
        "cccp3": (256, 1, 1, 0),
        "cccp4": (256, 1, 1, 0),
        "pool2": nn.MaxPool2d(3, 2, ceil_mode=True),
        "conv3": (384, 3, 1, 1),
        "cccp5": (384, 1, 1, 0),
        "cccp6": (384, 1, 1, 0),
        "pool3": nn.MaxPool2d(3, 2, ceil_mode=True),
        "conv4-1024": (1024, 3, 1, 1),
        "cccp7-1024": (1024, 1, 1, 0),
        "cccp8-1024": (1000, 1, 1, 0),
        "pool4": nn.AdaptiveAvgPool2d(1),
    },
}
C3D = {
    "conv1a": 64,
    "pool1": (1, 2, 2),
    "conv2a": 128,
    "pool2": 2,
    "conv3a": 256,
    "conv3b": 256,
    "pool3": 2,
    "conv4a": 512,
    "conv4b": 512,
    "pool4": 2,
    "conv5a": 512,
    "conv5b": 512,
}


class Nin(nn.Sequential):
    """Network in Network as its authors released it for Caffe; github.com/mavenlin."""

    def __init__(self, data):
        modules, channels = OrderedDict(), 3
        for name, row in NIN[data].items():
            if isinstance(row, nn.Module):
                modules[name] = row
            else:
                modules[name] = nn.Conv2d(channels, *row)
                modules[f"relu_{name}"] = nn.ReLU()
                channels = row[0]
        super().__init__(modules)


def c3d_body(x, layers):
    """The maps of C3D before its last pooling."""
    for name, row in C3D.items():
        x = functional.max_pool3d(x, row, row) if name.startswith("pool") else torch.relu(layers[name](x))
    return x


def c3d_convolutions(rename):
    """C3D's convolutions by the names that a function of the authors' names gives them."""
    channels, layers = 3, {}
    for name, filters in C3D.items():
        if name.startswith("conv"):
            layers[rename(name)] = nn.Conv3d(channels, filters, 3, padding=1)
            channels = filters
    return layers


class KerasC3D(nn.Module):
    """C3D with the names of github.com/adamcasson/c3d, and flattened as in Keras.

    The last pooling is that of the authors' release, in which the weights were trained: the last windows
    extend beyond the border.
    """

    def __init__(self, classes):
        super().__init__()
        one = ("conv1a", "conv2a")
        for name, layer in c3d_convolutions(lambda n: n.removesuffix("a") if n in one else n).items():
            self.add_module(name, layer)
        self.fc6, self.fc7, self.fc8 = nn.Linear(8192, 4096), nn.Linear(4096, 4096), nn.Linear(4096, classes)

    def forward(self, x):
        layers = {
            name: getattr(self, name, None) or getattr(self, name[:-1]) for name in C3D if name[0] == "c"
        }
        x = functional.max_pool3d(c3d_body(x, layers), 2, 2, ceil_mode=True)
        x = x.movedim(1, -1).flatten(1)
        return self.fc8(torch.relu(self.fc7(torch.relu(self.fc6(x)))))


class MMActionC3D(nn.Module):
    """C3D of github.com/open-mmlab/mmaction2, whose last pooling is padded on both sides."""

    def __init__(self, classes):
        super().__init__()
        self.backbone, self.cls_head = nn.Module(), nn.Module()
        for name, layer in c3d_convolutions(str).items():
            unit = nn.Module()
            unit.conv = layer
            self.backbone.add_module(name, unit)
        self.backbone.fc6, self.backbone.fc7 = nn.Linear(8192, 4096), nn.Linear(4096, 4096)
        self.cls_head.fc_cls = nn.Linear(4096, classes)

    def forward(self, x):
        layers = {name: getattr(self.backbone, name).conv for name in C3D if name[0] == "c"}
        x = functional.max_pool3d(c3d_body(x, layers), 2, 2, (0, 1, 1)).flatten(1)
        return self.cls_head.fc_cls(torch.relu(self.backbone.fc7(torch.relu(self.backbone.fc6(x)))))
