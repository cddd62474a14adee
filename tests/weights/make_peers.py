"""Writes tests/weights/peers: the layers and the outputs of nets of other packages, filled by a formula.

    pip install torch==2.13.0 torchvision==0.28.0 timm==1.0.31 pytorchcv==0.0.74 facenet-pytorch==2.6.0
    python tests/weights/make_peers.py                     all of them
    python tests/weights/make_peers.py timm/resnet18 ...   some

It needs PyTorch, which the tests do not. Each file is JSON, gzipped: the names and shapes of the weights in
the order of definition, the shape of an image, and scores of some of the classes for it.
"""

import gzip
import json
import pathlib
import sys

import numpy as np
import torch
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


# For each architecture: the function that makes the peer, its arguments, and the shape of an image.
PEERS = {
    "timm/resnet18": (timm, dict(name="resnet18"), (64, 64, 3)),
    "timm/resnet34": (timm, dict(name="resnet34"), (64, 64, 3)),
    "timm/resnet50": (timm, dict(name="resnet50"), (64, 64, 3)),
    "torchvision/resnet18": (torchvision, dict(name="resnet18"), (64, 64, 3)),
}


def fixture(make, options, shape, double=False):
    """The contents of a file for a peer."""
    peer = make(**options).eval()
    state = peer.state_dict()
    with torch.no_grad():
        for name, tensor in state.items():
            if tensor.dtype.is_floating_point:
                tensor.copy_(torch.from_numpy(value(name, tensor.shape)))
    x = torch.from_numpy(np.moveaxis(images(shape), -1, 1).copy())
    peer, x = (peer.double(), x.double()) if double else (peer, x)
    with torch.no_grad():
        scores = peer(x)
    scores = (scores[0] if isinstance(scores, (tuple, list)) else scores).numpy().astype("float64")[0].ravel()
    step = max(1, len(scores) // SHOWN)
    return {
        "tensors": [[n, list(t.shape)] for n, t in state.items() if t.dtype.is_floating_point],
        "image": list(shape),
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
