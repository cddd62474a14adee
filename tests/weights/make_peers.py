"""Writes tests/weights/peers: the layers and the outputs of nets of other packages, filled by a formula.

    pip install torch==2.13.0 torchvision==0.28.0 timm==1.0.31 pytorchcv==0.0.74 facenet-pytorch==2.6.0
    python tests/weights/make_peers.py                     all of them
    python tests/weights/make_peers.py timm/resnet18 ...   some

It needs PyTorch, which the tests do not. Each file is JSON, gzipped: the names and shapes of the weights in
the order of definition, the shape of an image, and scores of some of the classes for it. For the nets of
authors who published no package, the environment variable PEER_SOURCES is a folder that has clones of their
repositories, such as BVLC/caffe; graphs of the ONNX project need `pip install onnx onnxruntime` too.
"""

import gzip
import importlib.util
import json
import os
import pathlib
import re
import sys

import numpy as np
import torch
from authors_nets import KerasC3D, MMActionC3D, Nin
from formula import images, value

# Operators of torchvision that its models do not use, and that builds for the CPU lack.
for schema in (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
):
    torch.library.define(f"torchvision::{schema.partition('(')[0]}", schema[schema.index("(") :])

FOLDER = pathlib.Path(__file__).parent / "peers"
SHOWN = 40  # scores in a file, of classes spread evenly


def timm(name, **options):
    import timm

    return timm.create_model(name, **options)


def torchvision(name, **options):
    import torchvision

    return getattr(torchvision.models, name)(weights=None, **options)


def pytorchcv(name, **options):
    from pytorchcv.model_provider import get_model

    return get_model(name, pretrained=False, **options)


class CIFARNet(torch.nn.Module):
    """ResNet for CIFAR with the names and shortcuts of akamaster, chenyaofo and torchdistill."""

    def __init__(self, depth, head="fc", pad=False):
        super().__init__()
        self.conv1, self.bn1 = convolution(3, 16, 3), torch.nn.BatchNorm2d(16)
        filters = (16, 16, 32, 64)
        for stage in (1, 2, 3):
            before, n = filters[stage - 1 : stage + 1]
            blocks = (CIFARUnit(before if i == 0 else n, n, pad) for i in range(depth // 6))
            setattr(self, f"layer{stage}", torch.nn.Sequential(*blocks))
        self.head = head
        setattr(self, head, torch.nn.Linear(64, 10))

    def forward(self, x):
        x = torch.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return getattr(self, self.head)(x.mean((2, 3)))


class CIFARUnit(torch.nn.Module):
    """A residual unit of `CIFARNet`. With `pad`, shortcuts add maps of zeros on both sides of the others."""

    def __init__(self, before, filters, pad):
        super().__init__()
        self.strides, self.added = filters // before, filters - before
        self.conv1, self.bn1 = convolution(before, filters, 3, self.strides), torch.nn.BatchNorm2d(filters)
        self.conv2, self.bn2 = convolution(filters, filters, 3), torch.nn.BatchNorm2d(filters)
        if self.added and not pad:
            projection = convolution(before, filters, 1, self.strides), torch.nn.BatchNorm2d(filters)
            self.downsample = torch.nn.Sequential(*projection)

    def forward(self, x):
        new = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        if hasattr(self, "downsample"):
            x = self.downsample(x)
        elif self.added:
            sides = (0, 0, 0, 0, self.added // 2, self.added // 2)
            x = torch.nn.functional.pad(x[:, :, :: self.strides, :: self.strides], sides)
        return torch.relu(x + new)


class TorchdistillWRN(torch.nn.Module):
    """WRN of torchdistill, whose projections read the input of their unit."""

    def __init__(self, depth, width):
        super().__init__()
        filters = (16, 16 * width, 32 * width, 64 * width)
        self.conv1 = convolution(3, 16, 3)
        for stage in (1, 2, 3):
            before, n = filters[stage - 1 : stage + 1]
            first = WideUnit(before, n, 1 if stage == 1 else 2)
            others = (WideUnit(n, n, 1) for _ in range(depth // 6 - 1))
            setattr(self, f"layer{stage}", torch.nn.Sequential(first, *others))
        self.bn1, self.fc = torch.nn.BatchNorm2d(filters[-1]), torch.nn.Linear(filters[-1], 10)

    def forward(self, x):
        x = self.layer3(self.layer2(self.layer1(self.conv1(x))))
        return self.fc(torch.relu(self.bn1(x)).mean((2, 3)))


class WideUnit(torch.nn.Module):
    """A residual unit of `TorchdistillWRN`."""

    def __init__(self, before, filters, strides):
        super().__init__()
        self.bn1, self.conv1 = torch.nn.BatchNorm2d(before), convolution(before, filters, 3, strides)
        self.bn2, self.conv2 = torch.nn.BatchNorm2d(filters), convolution(filters, filters, 3)
        changes = before != filters
        self.shortcut = torch.nn.Sequential(*[convolution(before, filters, 1, strides)] * changes)

    def forward(self, x):
        new = self.conv1(torch.relu(self.bn1(x)))
        return self.conv2(torch.relu(self.bn2(new))) + self.shortcut(x)


def convolution(before, filters, kernel, strides=1):
    return torch.nn.Conv2d(before, filters, kernel, strides, kernel // 2, bias=False)


class Renamed(torch.nn.Module):
    """A peer whose layers have other names, and another order.

    Args:
        peer: The peer.
        names: Pairs of the name of a layer in its files and of that in `peer`, in the order of the files.
    """

    def __init__(self, peer, names):
        super().__init__()
        self.peer = peer
        state = peer.state_dict()
        self.state = {
            f"{new}.{weight.rpartition('.')[2]}": tensor
            for new, old in names
            for weight, tensor in state.items()
            if weight.rpartition(".")[0] == old
        }

    def state_dict(self):
        return self.state

    def forward(self, x):
        return self.peer(x)


def layers_of(peer):
    """The names of the layers of a peer that have weights, in the order of definition."""
    return list(dict.fromkeys(weight.rpartition(".")[0] for weight in peer.state_dict()))


def gluon_v1(name, prefix):
    """A ResNet with the names of GluonCV's, whose files have projections before their unit's convolutions."""
    peer = torchvision(name)
    names, counts = [], {}
    for layer in layers_of(peer):
        stage, _, rest = layer.partition(".")
        scope = f"{prefix}_stage{stage[5:]}_" if rest else f"{prefix}_"
        kind = "dense" if layer == "fc" else "conv"
        kind = "batchnorm" if "bn" in layer or layer.endswith("downsample.1") else kind
        number = counts[scope + kind] = counts.get(scope + kind, -1) + 1
        pair = (f"{scope}{kind}{number}_fwd", layer)
        names.insert(len(names) - 4 * ("downsample" in layer), pair)
    return Renamed(peer, names)


def gluon_v2(name, prefix):
    """A ResNetV2 with the names of GluonCV's, and its batch normalization of the image."""
    net = pytorchcv(name)
    net.features.final_pool = torch.nn.AdaptiveAvgPool2d(1)
    peer = torch.nn.Sequential(torch.nn.BatchNorm2d(3), net)
    names, counts = [], {}
    for layer in layers_of(peer):
        found = re.search(r"stage\d", layer)
        scope = f"{prefix}_{found[0]}_" if found else f"{prefix}_"
        norm = layer == "0" or layer.endswith(("bn", "post_activ.bn"))
        kind = "batchnorm" if norm else "dense" if layer.endswith("output") else "conv"
        number = counts[scope + kind] = counts.get(scope + kind, -1) + 1
        names.append((f"{scope}{kind}{number}_fwd", layer))
    return Renamed(peer, names)


def caffe2_resnet50():
    """ResNet50 with the names of Caffe2's."""
    peer = torchvision("resnet50")
    names = []
    for layer in layers_of(peer):
        stage, unit, last = (*layer.split("."), "", "")[:3]
        if not unit:
            new = {"conv1": "conv1", "bn1": "res_conv1_bn", "fc": "pred"}[layer]
        else:
            branch = "branch1" if last == "downsample" else f"branch2{'abc'[int(last[-1]) - 1]}"
            norm = "_bn" if last.startswith("bn") or layer.endswith("downsample.1") else ""
            new = f"res{int(stage[5:]) + 1}_{unit}_{branch}{norm}"
        names.append((f"gpu_0/{new}", layer))
    return Renamed(peer, names)


def keras_hub_resnet18():
    """The body of a ResNet18, averaged, with the names of keras-hub's, in the order in which Keras writes."""
    units = [(stage, unit) for stage in range(4) for unit in range(2)]
    names = [("conv1_conv", "conv1"), ("conv1_bn", "bn1")]
    for stage, unit in units:
        new, old = f"stack{stage}_block{unit}", f"layer{stage + 1}.{unit}"
        rows = [("1_conv", "conv1"), ("1_bn", "bn1"), ("2_conv", "conv2"), ("2_bn", "bn2")]
        if stage and not unit:
            rows.insert(2, ("0_conv", "downsample.0"))
            rows.insert(4, ("0_bn", "downsample.1"))
        names += [(f"{new}_{ours}", f"{old}.{theirs}") for ours, theirs in rows]
    return Renamed(timm("resnet18", num_classes=0), names)


def cadene(name):
    """A ResNeXt with the names of Cadene's pretrained-models.pytorch, which are nested numbers."""
    peer = timm(name)
    ends = {
        "conv1": "0.0.0.0",
        "bn1": "0.0.0.1",
        "conv2": "0.0.0.3",
        "bn2": "0.0.0.4",
        "conv3": "0.0.1",
        "bn3": "0.0.2",
        "downsample.0": "0.1.0",
        "downsample.1": "0.1.1",
    }
    names = []
    for layer in layers_of(peer):
        stage, unit, last = (*layer.split(".", 2), "", "")[:3]
        if unit:
            new = f"features.{int(stage[5:]) + 3}.{unit}.{ends[last]}"
        else:
            new = {"conv1": "features.0", "bn1": "features.1", "fc": "last_linear"}[layer]
        names.append((new, layer))
    return Renamed(peer, names)


def torchdistill_densenet(depth, growth):
    """Torchdistill's DenseNet-BC for CIFAR: torchvision's with another stem."""
    from torchvision.models import DenseNet

    peer = DenseNet(growth, ((depth - 4) // 6,) * 3, 2 * growth, num_classes=10)
    peer.features.conv0 = convolution(3, 2 * growth, 3)
    for name in ("norm0", "relu0", "pool0"):
        delattr(peer.features, name)
    return peer


RESNETS = (
    *("resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "resnext50_32x4d", "resnext101_64x4d"),
    *("wide_resnet50_2", "wide_resnet101_2"),
)
TIMM_RESNETS = ("resnext101_32x4d", "resnetv2_18", "resnetv2_34", "resnetv2_50", "resnetv2_101")
PYTORCHCV_RESNETS = (
    *("resnet18", "resnet34", "resnet50", "resnet50b", "resnet101", "resnet101b", "resnet152", "resnet152b"),
    *("preresnet18", "preresnet34", "preresnet50b", "preresnet101b", "preresnet152b", "resnext50_32x4d"),
    *("resnext101_32x4d", "resnext101_64x4d", "wrn50_2"),
)
PYTORCHCV_CIFAR_RESNETS = (
    *("resnet20_cifar10", "resnet56_cifar10", "resnet110_cifar10", "preresnet164bn_cifar10"),
    *("resnext29_16x64d_cifar10", "wrn28_10_cifar10"),
)

DENSENETS = ("densenet121", "densenet161", "densenet169", "densenet201")
VGGS = ("vgg11", "vgg13", "vgg16", "vgg19")
HRNETS = ("hrnet_w18", "hrnet_w30", "hrnet_w32", "hrnet_w40", "hrnet_w44", "hrnet_w48", "hrnet_w64")
HRNETS_SSLD = ("hrnet_w18_ssld", "hrnet_w48_ssld")
TIMM_NETS = ("legacy_seresnet18", "legacy_seresnet34", "mobilenetv1_100")
# Run in float64, since they amplify what float32 rounds.
TIMM_DOUBLE = (
    *("mobilenetv2_050", "mobilenetv2_100", "mobilenetv2_140"),
    *("legacy_seresnet50", "legacy_seresnet101", "legacy_seresnet152", "legacy_seresnext50_32x4d"),
    *("legacy_seresnext101_32x4d", "legacy_senet154", "seresnet50", "seresnext50_32x4d"),
    *("seresnext101_32x4d", "senet154"),
)
VGGS_BN = ("vgg11_bn", "vgg13_bn", "vgg16_bn", "vgg19_bn")
# With the images of pytorchcv's, so that the tests build one net for both.
TIMM_LARGE = (*DENSENETS, *HRNETS, *HRNETS_SSLD, *VGGS, *VGGS_BN)
PYTORCHCV_NETS = (
    *(*DENSENETS, "hrnetv2_w18", "hrnetv2_w30", "hrnetv2_w32", "hrnetv2_w40", "hrnetv2_w44", "hrnetv2_w48"),
    *("hrnetv2_w64", "seresnet18", "mobilenet_w1"),
)
PYTORCHCV_DOUBLE = (
    *("seresnet50", "seresnet101", "seresnet152", "seresnext50_32x4d", "seresnext101_32x4d"),
    "mobilenetv2b_w1",
)
PYTORCHCV_CIFAR_DENSENETS = (
    *("densenet40_k12_cifar10", "densenet100_k12_cifar10", "densenet100_k12_bc_cifar10"),
    *("densenet190_k40_bc_cifar10", "densenet250_k24_bc_cifar10"),
)
PYTORCHCV_VGGS = (
    *(*VGGS, "bn_vgg11", "bn_vgg13", "bn_vgg16", "bn_vgg19"),
    *("bn_vgg11b", "bn_vgg13b", "bn_vgg16b", "bn_vgg19b"),
)


def module_of(path):
    """A Python file of a clone as a module."""
    spec = importlib.util.spec_from_file_location("peer", pathlib.Path(os.environ["PEER_SOURCES"], path))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def bn_inception():
    folder = "Cadene/pretrained-models.pytorch/pretrainedmodels/models"
    return module_of(f"{folder}/bninception.py").BNInception()


def simplenet(path, name, **options):
    return getattr(module_of(f"Coderx7/SimpleNet_Pytorch/{path}/simplenet.py"), name)(**options)


def facenet(**options):
    from facenet_pytorch import InceptionResnetV1

    return InceptionResnetV1(pretrained=None, classify=True, **options)


def caffe(path, output):
    from caffe_nets import CaffeNet

    return CaffeNet(pathlib.Path(os.environ["PEER_SOURCES"], path).read_text(), output)


def onnx(name, **options):
    from onnx_nets import OnnxNet

    return OnnxNet(name, **options)


SIMPNET = "Coderx7/SimpNet/SimpNetV2"
SLIM = f"{SIMPNET}/Experiments/Slim Test"


# For each architecture: the function that makes the peer, its arguments, and the shape of an image.
PEERS = {
    **{f"timm/{name}": (timm, dict(name=name), (64, 64, 3)) for name in (*RESNETS, *TIMM_RESNETS)},
    **{f"torchvision/{name}": (torchvision, dict(name=name), (64, 64, 3)) for name in RESNETS},
    **{f"pytorchcv/{name}": (pytorchcv, dict(name=name), (224, 224, 3)) for name in PYTORCHCV_RESNETS},
    **{f"pytorchcv/{name}": (pytorchcv, dict(name=name), (32, 32, 3)) for name in PYTORCHCV_CIFAR_RESNETS},
    **{
        f"akamaster/resnet{depth}": (CIFARNet, dict(depth=depth, head="linear", pad=True), (32, 32, 3))
        for depth in (20, 32, 44, 56, 110)
    },
    **{
        f"chenyaofo/cifar10_resnet{depth}": (CIFARNet, dict(depth=depth), (32, 32, 3))
        for depth in (20, 32, 44, 56)
    },
    **{
        f"torchdistill/cifar10-resnet{depth}": (CIFARNet, dict(depth=depth), (32, 32, 3))
        for depth in (20, 32, 44, 56, 110)
    },
    # In float64, since so many units, filled at random, give scores that float32 does not have.
    "akamaster/resnet1202": (CIFARNet, dict(depth=1202, head="linear", pad=True), (32, 32, 3), True),
    "pytorchcv/resnet1202_cifar10": (pytorchcv, dict(name="resnet1202_cifar10"), (32, 32, 3), True),
    "pytorchcv/preresnet1001_cifar10": (pytorchcv, dict(name="preresnet1001_cifar10"), (32, 32, 3), True),
    "torchdistill/cifar10-wide_resnet16_8": (TorchdistillWRN, dict(depth=16, width=8), (32, 32, 3)),
    "torchdistill/cifar10-wide_resnet40_4": (TorchdistillWRN, dict(depth=40, width=4), (32, 32, 3)),
    "keras/resnet_18_imagenet": (keras_hub_resnet18, {}, (64, 64, 3)),
    "cadene/resnext101_32x4d": (cadene, dict(name="resnext101_32x4d"), (64, 64, 3)),
    "onnx/resnet18-v1-7": (gluon_v1, dict(name="resnet18", prefix="resnetv15"), (64, 64, 3)),
    "onnx/resnet50-caffe2-v1-9": (caffe2_resnet50, {}, (64, 64, 3)),
    "onnx/resnet18-v2-7": (gluon_v2, dict(name="preresnet18", prefix="resnetv22"), (64, 64, 3)),
    "onnx/resnet34-v2-7": (gluon_v2, dict(name="preresnet34", prefix="resnetv23"), (64, 64, 3)),
    "onnx/resnet50-v2-7": (gluon_v2, dict(name="preresnet50b", prefix="resnetv24"), (64, 64, 3)),
    "onnx/resnet101-v2-7": (gluon_v2, dict(name="preresnet101b", prefix="resnetv25"), (64, 64, 3)),
    "onnx/resnet152-v2-7": (gluon_v2, dict(name="preresnet152b", prefix="resnetv27"), (64, 64, 3)),
    **{f"timm/{name}": (timm, dict(name=name), (64, 64, 3)) for name in TIMM_NETS},
    **{f"timm/{name}": (timm, dict(name=name), (64, 64, 3), True) for name in TIMM_DOUBLE},
    **{f"timm/{name}": (timm, dict(name=name), (224, 224, 3)) for name in TIMM_LARGE},
    "torchvision/mobilenet_v2": (torchvision, dict(name="mobilenet_v2"), (64, 64, 3), True),
    **{
        f"torchvision/{name}": (torchvision, dict(name=name), (224, 224, 3))
        for name in (*DENSENETS, *VGGS, *VGGS_BN)
    },
    **{
        f"pytorchcv/{name}": (pytorchcv, dict(name=name), (224, 224, 3))
        for name in (*PYTORCHCV_NETS, *PYTORCHCV_VGGS)
    },
    **{f"pytorchcv/{name}": (pytorchcv, dict(name=name), (224, 224, 3), True) for name in PYTORCHCV_DOUBLE},
    **{f"pytorchcv/{name}": (pytorchcv, dict(name=name), (32, 32, 3)) for name in PYTORCHCV_CIFAR_DENSENETS},
    "torchdistill/cifar10-densenet_bc_k12_depth100": (
        torchdistill_densenet,
        dict(depth=100, growth=12),
        (32, 32, 3),
    ),
    "torchvision/squeezenet1_0": (torchvision, dict(name="squeezenet1_0"), (64, 64, 3)),
    "torchvision/squeezenet1_1": (torchvision, dict(name="squeezenet1_1"), (64, 64, 3)),
    "pytorchcv/squeezenet_v1_0": (pytorchcv, dict(name="squeezenet_v1_0"), (224, 224, 3)),
    "pytorchcv/squeezenet_v1_1": (pytorchcv, dict(name="squeezenet_v1_1"), (224, 224, 3)),
    "pytorchcv/squeezeresnet_v1_0": (pytorchcv, dict(name="squeezeresnet_v1_0"), (224, 224, 3)),
    "onnx/densenet-12": (onnx, dict(name="densenet121"), (224, 224, 3)),
    "onnx/squeezenet1.0-12": (onnx, dict(name="squeezenet"), (224, 224, 3)),
    "caffe/squeezenet_v1.0": (
        caffe,
        dict(path="forresti/SqueezeNet/SqueezeNet_v1.0/train_val.prototxt", output="pool10"),
        (227, 227, 3),
    ),
    "caffe/squeezenet_v1.1": (
        caffe,
        dict(path="forresti/SqueezeNet/SqueezeNet_v1.1/train_val.prototxt", output="pool10"),
        (227, 227, 3),
    ),
    "timm/inception_v4": (timm, dict(name="inception_v4"), (75, 75, 3)),
    "pytorchcv/inceptionv4": (pytorchcv, dict(name="inceptionv4"), (299, 299, 3)),
    "timm/inception_resnet_v2": (timm, dict(name="inception_resnet_v2"), (75, 75, 3)),
    "pytorchcv/inceptionresnetv2": (pytorchcv, dict(name="inceptionresnetv2"), (299, 299, 3)),
    "timesler/inception_resnet_v1.vggface2": (facenet, dict(num_classes=8631), (75, 75, 3)),
    "timesler/inception_resnet_v1.casia_webface": (facenet, dict(num_classes=10575), (75, 75, 3)),
    "pytorchcv/inceptionresnetv1": (pytorchcv, dict(name="inceptionresnetv1"), (299, 299, 3)),
    "timm/inception_v3": (timm, dict(name="inception_v3"), (75, 75, 3)),
    "torchvision/inception_v3": (
        torchvision,
        dict(name="inception_v3", aux_logits=True, init_weights=False),
        (75, 75, 3),
    ),
    "pytorchcv/inceptionv3": (pytorchcv, dict(name="inceptionv3"), (299, 299, 3)),
    "caffe/googlenet_bn": (
        caffe,
        dict(path="lim0606/caffe-googlenet-bn/train_val.prototxt", output="loss3/classifier"),
        (224, 224, 3),
    ),
    "onnx/inception-v2-9": (onnx, dict(name="inception_v2"), (224, 224, 3)),
    "cadene/bn_inception": (bn_inception, {}, (224, 224, 3)),
    "pytorchcv/bninception": (pytorchcv, dict(name="bninception"), (224, 224, 3)),
    "caffe/bvlc_googlenet": (
        caffe,
        dict(path="BVLC/caffe/models/bvlc_googlenet/train_val.prototxt", output="loss3/classifier"),
        (224, 224, 3),
    ),
    "onnx/googlenet-12": (onnx, dict(name="inception_v1", ceil=True), (224, 224, 3)),
    "torchvision/googlenet": (
        torchvision,
        dict(name="googlenet", aux_logits=True, init_weights=False),
        (64, 64, 3),
    ),
    "timm/legacy_xception": (timm, dict(name="legacy_xception"), (75, 75, 3)),
    "pytorchcv/xception": (pytorchcv, dict(name="xception"), (299, 299, 3)),
    "caffe/bvlc_alexnet": (
        caffe,
        dict(path="BVLC/caffe/models/bvlc_alexnet/train_val.prototxt", output="fc8"),
        (227, 227, 3),
    ),
    "onnx/bvlcalexnet-12": (onnx, dict(name="bvlc_alexnet"), (227, 227, 3)),
    "pytorchcv/alexnet": (pytorchcv, dict(name="alexnet"), (227, 227, 3)),
    "pytorchcv/alexnetb": (pytorchcv, dict(name="alexnetb"), (224, 224, 3)),
    "torchvision/alexnet": (torchvision, dict(name="alexnet"), (224, 224, 3)),
    "pytorchcv/zfnet": (pytorchcv, dict(name="zfnet"), (224, 224, 3)),
    "pytorchcv/zfnetb": (pytorchcv, dict(name="zfnetb"), (224, 224, 3)),
    "pytorchcv/nin_cifar10": (pytorchcv, dict(name="nin_cifar10"), (32, 32, 3)),
    "caffe/nin_cifar10": (Nin, dict(data="cifar10"), (32, 32, 3)),
    "caffe/nin_imagenet": (Nin, dict(data="imagenet"), (224, 224, 3)),
    "caffe/simpnet_5m": (
        caffe,
        dict(path=f"{SIMPNET}/Architectures/CIFAR10/5Mil/test.prototxt", output="ip1"),
        (32, 32, 3),
    ),
    "caffe/simpnet_300k": (
        caffe,
        dict(path=f"{SLIM}/CIFAR10/300K_93.25/cifar10_full_relu_train_test_bn.prototxt", output="ip1"),
        (32, 32, 3),
    ),
    "caffe/simpnet_300k.mnist": (
        caffe,
        dict(path=f"{SLIM}/MNIST/lenet_train_test.prototxt", output="ip1"),
        (28, 28, 1),
    ),
    "caffe/simpnet_600k": (
        caffe,
        dict(path=f"{SLIM}/CIFAR10/600K_94.03/cifar10_full_relu_train_test_bn.prototxt", output="ip1"),
        (32, 32, 3),
    ),
    "coderx7/simplenet_cifar_5m_extra_pool": (
        simplenet,
        dict(path="cifar/models", name="simplenet_cifar_5m_extra_pool", num_classes=10),
        (32, 32, 3),
    ),
    "coderx7/simplenetv1_5m_m2": (simplenet, dict(path="imagenet", name="simplenetv1_5m_m2"), (64, 64, 3)),
    "adamcasson/c3d": (KerasC3D, dict(classes=487), (16, 112, 112, 3)),
    "mmaction2/c3d": (MMActionC3D, dict(classes=101), (16, 112, 112, 3)),
}


def fixture(make, options, shape, double=False):
    """The contents of a file for a peer."""
    peer = make(**options).eval()
    x = torch.from_numpy(np.moveaxis(images(shape), -1, 1).copy())
    if hasattr(peer, "prepare"):
        peer.prepare(x)
    state = peer.state_dict()
    with torch.no_grad():
        for name, tensor in state.items():
            if tensor.dtype.is_floating_point:
                tensor.copy_(torch.from_numpy(value(name, tensor.shape)))
    peer, x = (peer.double(), x.double()) if double else (peer, x)
    with torch.no_grad():
        scores = peer(x)
    scores = (scores[0] if isinstance(scores, (tuple, list)) else scores).numpy().astype("float64")[0].ravel()
    step = max(1, len(scores) // SHOWN)
    return {
        "tensors": [[n, list(t.shape)] for n, t in state.items() if t.dtype.is_floating_point],
        "image": list(shape),
        **({"double": True} if double else {}),
        "classes": len(scores),
        "step": step,
        "largest": float(np.abs(scores).max()),
        "scores": [float(f"{s:.9g}") for s in scores[::step]],
    }


def main(keys):
    """Writes the files of these architectures, or of all."""
    for key in keys or PEERS:
        path = FOLDER / f"{key}.json.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(fixture(*PEERS[key]), separators=(",", ":"))
        path.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
        print(f"{key}: {path.stat().st_size} bytes", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
