"""Reading .caffemodel files of Caffe: the layers that have weights, in the order of the file.

Only those fields of Caffe's messages are defined here that say what the weights are. Arrays of numbers are
packed in these files, and so are read as bytes.
"""

import functools
import itertools
import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from kerasnets.weights.readers.common import AXES, layer, view
from kerasnets.weights.units import Unit

# Messages and their fields: number, type, and whether it is repeated. Source: caffe.proto of BVLC's Caffe.
MESSAGES = {
    "Net": {"layers": (2, "OldLayer", True), "layer": (100, "Layer", True)},
    "OldLayer": {
        "oldest": (1, "bytes", False),
        "bottom": (2, "bytes", True),
        "top": (3, "bytes", True),
        "name": (4, "bytes", False),
        "type": (5, "int32", False),
        "blobs": (6, "Blob", True),
        "inner_product_param": (17, "InnerProduct", False),
    },
    "Layer": {
        "name": (1, "bytes", False),
        "type": (2, "bytes", False),
        "bottom": (3, "bytes", True),
        "top": (4, "bytes", True),
        "blobs": (7, "Blob", True),
        "inner_product_param": (117, "InnerProduct", False),
    },
    "InnerProduct": {"transpose": (6, "bool", False)},
    "Blob": {
        "num": (1, "int32", False),
        "channels": (2, "int32", False),
        "height": (3, "int32", False),
        "width": (4, "int32", False),
        "data": (5, "bytes", True),
        "shape": (7, "Shape", False),
        "double_data": (8, "bytes", True),
    },
    "Shape": {"dim": (1, "int64", True)},
}
# Types of layers with weights in files of Caffe's older kind.
OLD_TYPES = {4: "Convolution", 14: "InnerProduct"}
STATISTICS = 3  # arrays of a normalization: mean, variance, and the factor by which both are divided


def read(path: str | os.PathLike) -> list[Unit]:
    """The layers of a .caffemodel file.

    Raises:
        ValueError: The file is damaged, or has a layer with weights that is not one of ours.
    """
    from google.protobuf.message import DecodeError

    net = messages()["Net"]()
    try:
        with open(path, "rb") as file:
            net.MergeFromString(file.read())
    except DecodeError as error:
        raise ValueError(str(error)) from error
    return list(units(net))


@functools.cache
def messages() -> dict[str, Any]:
    """The classes of `MESSAGES`."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    kind, label = descriptor_pb2.FieldDescriptorProto.Type, descriptor_pb2.FieldDescriptorProto.Label
    file = descriptor_pb2.FileDescriptorProto(name="caffe.proto", package="caffe", syntax="proto2")
    for message, fields in MESSAGES.items():
        made = file.message_type.add(name=message)
        for name, (number, of, several) in fields.items():
            field = made.field.add(name=name, number=number)
            field.label = label.Value("LABEL_REPEATED" if several else "LABEL_OPTIONAL")
            field.type = kind.Value("TYPE_MESSAGE" if of in MESSAGES else f"TYPE_{of.upper()}")
            if of in MESSAGES:
                field.type_name = f".caffe.{of}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"caffe.{name}"))
        for name in MESSAGES
    }


def units(net: Any) -> Iterator[Unit]:
    """The units of a net. A normalization and the scale that follows it are one."""
    norm, top = None, None  # a normalization that a scale may follow, and its output
    for part in itertools.chain(net.layers, net.layer):
        name = part.name.decode(errors="replace")
        kind = type_of(part)
        joined = kind == "Scale" and norm is not None and list(part.bottom) == top
        if norm is not None and not joined:
            yield layer(*norm)
            norm = None
        if not part.blobs:
            continue
        if joined:
            names = dict(zip(("gamma", "beta"), arrays(name, part, 2), strict=False))
            yield layer(norm[0], {key: value.reshape(-1) for key, value in names.items()} | norm[1])
            norm = None
        elif kind == "BatchNorm":
            norm, top = (name, statistics(name, part)), list(part.top)
        elif kind in ("Convolution", "InnerProduct"):
            yield layer(name, kernels(name, part, kind))
        else:
            raise ValueError(
                f"Its layer {name[:80]!r} of type {kind[:80]!r} has weights, which no layer of ours has."
            )
    if norm is not None:
        yield layer(*norm)


def type_of(part: Any) -> str:
    """The type of a layer."""
    if isinstance(part.type, bytes):
        return part.type.decode(errors="replace")
    if part.HasField("oldest"):
        raise ValueError("It has layers in the form of Caffe's first version: upgrade it with Caffe's tools.")
    return OLD_TYPES.get(part.type, str(part.type))


def arrays(name: str, part: Any, most: int) -> list[np.ndarray]:
    """The arrays of a layer, of which there may be at most `most`."""
    if len(part.blobs) > most:
        raise ValueError(f"Its layer {name[:80]!r} has {len(part.blobs)} arrays of weights, not {most}.")
    return [array(name, blob) for blob in part.blobs]


def array(name: str, blob: Any) -> np.ndarray:
    """An array of weights."""
    old = (blob.num, blob.channels, blob.height, blob.width)
    shape = blob.shape.dim[: AXES + 1] if blob.HasField("shape") else old
    kind, parts = ("float64", blob.double_data) if blob.double_data else ("float32", blob.data)
    return view(name, parts[0] if len(parts) == 1 else b"".join(parts), kind, tuple(shape))


def kernels(name: str, part: Any, kind: str) -> dict[str, np.ndarray]:
    """The weights of a convolution or dense layer. Kernels are (filters, inputs of a group, *window)."""
    kernel, *bias = arrays(name, part, 2)
    if kind == "InnerProduct":
        kernel = kernel.reshape(kernel.shape[-2:])
        kernel = kernel if part.inner_product_param.transpose else kernel.T
    elif kernel.ndim > 2:
        kernel = kernel.transpose(*range(2, kernel.ndim), 1, 0)
    return {"kernel": kernel} | ({"bias": bias[0].reshape(-1)} if bias else {})


def statistics(name: str, part: Any) -> dict[str, np.ndarray]:
    """The weights of a batch normalization: sums, and the number by which they are divided."""
    found = arrays(name, part, STATISTICS)
    if len(found) != STATISTICS or found[-1].size != 1:
        raise ValueError(f"Its layer {name[:80]!r} has other weights than a batch normalization of Caffe.")
    mean, variance, factor = (value.reshape(-1) for value in found)
    with np.errstate(over="ignore", invalid="ignore"):  # of damaged files, which `finite` refuses
        scale = np.float32(0 if factor[0] == 0 else 1 / factor[0])
        return {"moving_mean": mean * scale, "moving_variance": variance * scale}
