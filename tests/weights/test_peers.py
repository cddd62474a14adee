"""Nets that are filled with the weights of peers compute what these compute.

The peers' layers and outputs are in the folder peers, as make_peers.py writes them. To compare every one of
them in full size: python tests/weights/test_peers.py [ARCHITECTURE ...]
"""

import dataclasses
import gzip
import json
import math
import pathlib
import sys

import keras
import numpy as np
import pytest
from formula import images, value

import kerasnets
from kerasnets.assembly.catalogue import catalogue
from kerasnets.assembly.registry import find
from kerasnets.graph import no_values
from kerasnets.weights.architectures import ARCHITECTURES
from kerasnets.weights.architectures.row import Architecture
from kerasnets.weights.pairing import checksum, fit_all, in_order, load_units
from kerasnets.weights.units import units_of

FOLDER = pathlib.Path(__file__).parent / "peers"
ROWS = {key: row for key, row in ARCHITECTURES.items() if isinstance(row, Architecture)}
# Of each source and family one, which is filled and run: the smallest. The others are paired only.
RUN = (
    *("timm/resnet18", "timm/resnetv2_18", "torchvision/resnet18", "pytorchcv/resnet20_cifar10"),
    *("akamaster/resnet20", "torchdistill/cifar10-wide_resnet40_4"),
    *("onnx/resnet18-v1-7", "onnx/resnet18-v2-7"),
    *("timm/legacy_seresnet18", "pytorchcv/densenet40_k12_cifar10", "pytorchcv/mobilenet_w1"),
    *("timm/legacy_xception", "pytorchcv/nin_cifar10", "coderx7/simplenetv1_5m_m2"),
    *("caffe/squeezenet_v1.0", "torchvision/googlenet"),
)
# Forms of nets are paired with all that fill them, but not those whose smaller siblings have the same layers.
DEEP = (
    *("ResNet34", "ResNet34V2", "ResNet44", "ResNet56", "SEResNet34", "VGG13", "VGG16", "VGG19", "WRN50_2"),
    *("ResNet101", "ResNet110", "ResNet152", "ResNet1202", "ResNet101V2", "ResNet152V2", "ResNet164V2"),
    *("ResNet1001V2", "ResNeXt101", "ResNeXt101_64x4d", "WRN101_2"),
    *("DenseNet161", "DenseNet169", "DenseNet201", "DenseNetBC190"),
    *("DenseNetBC250", "HRNetV2W30", "HRNetV2W32", "HRNetV2W40", "HRNetV2W44", "HRNetV2W48", "HRNetV2W64"),
    *("SEResNet101", "SEResNet152", "SEResNeXt101"),
)
STATISTICS = ("running_mean", "running_var")  # endings of the names of what is not learned
# Nets of timm whose units define their shortcuts first. The words of their rows give our order instead.
OWN_ORDER = ("timm/resnetv2", "timm/legacy_xception")
FORMS = {}
for key, row in ROWS.items():
    if row.net not in DEEP:
        FORMS.setdefault(f"{row.net} {dict(row.options)} {row.classes} {row.body}", []).append(key)


def peer_of(key):
    """The contents of the file of a peer."""
    return json.loads(gzip.decompress((FOLDER / f"{key}.json.gz").read_bytes()))


def units_without_values(peer):
    """The layers of a peer, filled with ones that take no memory."""
    return units_of((name, np.broadcast_to(np.float32(1), shape)) for name, shape in peer["tensors"])


def built(row, peer, **options):
    """The net that a peer fills."""
    options = {**row.options, **options}
    if "input_shape" not in options:
        options["input_shape"] = tuple(peer["image"])
    options |= {"include_top": False, "pooling": "avg"} if row.body else {}
    classes = row.classes or find(row.net).spec.classes
    return kerasnets.build(row.net, classes=classes, classifier_activation=None, **options)


def shuffled(units, row):
    """The layers of a checkpoint as its files have them: by name, if the row says an order."""
    return sorted(units, key=lambda unit: unit.name) if row.order else units


def test_words_restore_the_order_of_definition():
    """Shapes cannot tell layers of equal shapes that are swapped. Words of other sources mean our order."""
    for key, row in ROWS.items():
        units = units_without_values(peer_of(key))
        assert checksum(units, row) == row.names, key
        if key.startswith("timm/") and not key.startswith(OWN_ORDER):
            assert in_order(shuffled(units, row), row, True, ["predictions"]) == units, key


@pytest.mark.parametrize("form", FORMS)
def test_peers_pair_with_nets(form):
    nets = {}
    for key in FORMS[form]:
        row, peer = ROWS[key], peer_of(key)
        if str(peer["image"]) not in nets:
            with no_values():
                nets[str(peer["image"])] = built(row, peer)
        check_paired(nets[str(peer["image"])], key, peer)


def check_paired(net, key, peer):
    """Checks that a net is filled by a peer, without its values."""
    units = shuffled(units_without_values(peer), ROWS[key])
    _, fresh = fit_all(net, units, ROWS[key], not ROWS[key].body, None)
    assert not fresh, key


def test_deep_peers_have_about_the_parameters_of_their_nets():
    """So none is taken for a sibling: options change less than half a percent, depths and widths far more."""
    for key, row in ROWS.items():
        if row.net in DEEP:
            sizes = {name: math.prod(shape) for name, shape in peer_of(key)["tensors"]}
            learned = sum(size for name, size in sizes.items() if not name.endswith(STATISTICS))
            assert learned == pytest.approx(catalogue()[row.net]["params"], rel=0.005), key


@pytest.mark.parametrize(
    ("key", "options", "top"),
    [
        ("timm/hrnet_w18", {"pyramid": True, "include_top": False}, False),
        ("caffe/bvlc_googlenet", {"aux_heads": True}, True),
        ("torchvision/inception_v3", {"aux_heads": True}, True),
    ],
)
def test_nets_of_several_outputs_get_the_same_values(key, options, top):
    row, peer = ROWS[key], peer_of(key)
    units = shuffled(units_without_values(peer), row)
    for number, unit in enumerate(units, start=1):
        marked = {w: np.broadcast_to(np.float32(number), v.shape) for w, v in unit.values.items()}
        units[number - 1] = dataclasses.replace(unit, values=marked)
    with no_values():
        one, _ = fit_all(built(row, peer), units, row, True, None)
        several, _ = fit_all(built(row, peer, **options), units, row, top, None)
    for name, values in several.items():
        for weight, array in values.items() if name in one else ():
            assert array.flat[0] == pytest.approx(one[name][weight].flat[0]), (name, weight)
    assert (len(several) > len(one)) == top


@pytest.mark.parametrize("key", RUN)
def test_nets_filled_as_peers_give_their_scores(key):
    assert difference(key) <= 1e-5


def difference(key):
    """The largest difference of our net's scores from a peer's, as a share of the largest score."""
    row, peer = ROWS[key], peer_of(key)
    units = units_of((name, value(name, shape)) for name, shape in peer["tensors"])
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float64" if peer.get("double") else policy)
    try:
        net = built(row, peer)
    finally:
        keras.config.set_dtype_policy(policy)
    load_units(net, shuffled(units, row), row, not row.body)
    scores = net(images(peer["image"]), training=False)  # no graph of it, which would be run once
    scores = scores["predictions"] if isinstance(scores, dict) else scores
    scores = keras.ops.convert_to_numpy(scores)
    return np.abs(scores[0, :: peer["step"]] - peer["scores"]).max() / peer["largest"]


if __name__ == "__main__":
    for key in sys.argv[1:] or ROWS:
        units = units_of((name, np.empty(shape)) for name, shape in peer_of(key)["tensors"])
        print(f"{key}: {difference(key):.1e}, names={checksum(units, ROWS[key])!r}", flush=True)
