"""Reading ONNX graphs: the weights of their nodes, in the order of the nodes."""

import math
import os
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from kerasnets.weights.readers.common import AXES, FLOATS, NORM, layer
from kerasnets.weights.units import Unit

INTEGERS = ("int64", "int32")  # of shapes and axes
# Operators whose constants are settings, not weights.
SETTINGS = {
    "Clip",
    "ConstantOfShape",
    "Dropout",
    "Expand",
    "Gather",
    "Pad",
    "Resize",
    "Slice",
    "Tile",
    "Upsample",
}
# The ending of the names of weights: "conv1.weight", "conv1_w_0".
ENDING = re.compile(r"[._](weight|scale|w|s)(_0)?$")
# Operators that change the form of a constant, not its values.
FORMS = {"Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze"}


def read(path: str | os.PathLike) -> list[Unit]:
    """The layers of an ONNX file.

    Raises:
        ValueError: The file is damaged, has weights in other files, or weights of an operator that is no
            layer of ours.
    """
    import onnx
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load(os.fspath(path), format="protobuf", load_external_data=False)
    except DecodeError as error:
        raise ValueError(str(error)) from error
    return list(Graph(model.graph).units())


class Graph:
    """An ONNX graph and its constants."""

    def __init__(self, graph: Any):
        self.nodes = list(graph.node)
        self.constants: dict[str, Any] = {tensor.name: tensor for tensor in graph.initializer}
        self.sources: dict[str, str] = {}  # by constants of other forms, those of which they were made
        self.joined: set[str] = set()  # outputs of operators that are part of the layer before them
        self.readers: dict[str, list[Any]] = {}
        for node in self.nodes:
            for name in node.input:
                self.readers.setdefault(name, []).append(node)
            self.fold(node)

    def fold(self, node: Any) -> None:
        """Records what a node makes, if it is a constant."""
        if not node.output:
            return
        if node.op_type == "Constant":
            self.constants[node.output[0]] = constant(node)
        elif node.op_type in FORMS and all(name in self.constants for name in node.input if name):
            values = [self.value(name) for name in node.input if name]
            self.constants[node.output[0]] = formed(node, *values)
            self.sources[node.output[0]] = self.sources.get(node.input[0], node.input[0])

    def value(self, name: str) -> np.ndarray:
        """The array of a constant."""
        if name not in self.constants:
            raise ValueError(f"{name[:80]!r} is no constant.")
        if not isinstance(self.constants[name], np.ndarray):  # once, however many operators read it
            self.constants[name] = array(self.constants[name])
        return self.constants[name]

    def units(self) -> Iterator[Unit]:
        """The layers in the order of the nodes."""
        for node in self.nodes:
            if node.op_type in LAYERS and self.has_weights(node):
                values = LAYERS[node.op_type](self, node)
                yield layer(self.name_of(node), values)
            elif not any(name in self.joined for name in node.output):
                self.check(node)

    def name_of(self, node: Any) -> str:
        """The name of a node; if it has none, that of its weights without its ending."""
        source = next(self.sources.get(name, name) for name in node.input[1:] if name in self.constants)
        return node.name or ENDING.sub("", source) or node.output[0]

    def has_weights(self, node: Any) -> bool:
        """Whether a node has an output and a constant input, which a product of two maps does not have."""
        return any(name in self.constants for name in node.input) and len(node.output) > 0

    def check(self, node: Any) -> None:
        """Refuses an operator that has weights and is no layer of ours."""
        what = f"Its operator {node.op_type[:80]} {node.name[:80]!r}"
        if any(attribute.HasField("g") or attribute.graphs for attribute in node.attribute):
            raise ValueError(f"{what} contains a graph.")
        if node.op_type in SETTINGS or node.op_type in FORMS:
            return
        for name in node.input:
            if name in self.constants and is_weight(self.constants[name]):
                raise ValueError(f"{what} has weights, {name[:80]!r}, which no layer of ours has.")

    def after(self, output: str, operator: str, channels: int) -> tuple[np.ndarray, str] | None:
        """The next operator after an output, if it has a constant of a number for each channel.

        Args:
            output: Name of what the operator reads.
            operator: Its type, "Mul" or "Add".
            channels: Number of the channels.

        Returns:
            The constant as a vector, and the output of the operator, which counts as part of the layer from
            now on; or None.
        """
        found = self.readers.get(output, [])
        if len(found) != 1 or found[0].op_type != operator or len(found[0].output) != 1:
            return None
        others = [name for name in found[0].input if name != output]
        if len(others) != 1 or others[0] not in self.constants:
            return None
        value = self.value(others[0])
        if value.size != channels or channels not in value.shape or not is_weight(value):
            return None
        self.joined.add(found[0].output[0])
        return value.reshape(-1), found[0].output[0]

    def biased(self, values: dict[str, np.ndarray], output: str) -> dict[str, np.ndarray]:
        """The weights of a layer, with biases that an operator Add behind it adds."""
        if "bias" not in values and values["kernel"].ndim:
            found = self.after(output, "Add", values["kernel"].shape[-1])
            if found:
                values["bias"] = found[0]
        return values


def conv(graph: Graph, node: Any) -> dict[str, np.ndarray]:
    """The weights of a convolution. ONNX's kernels are (filters, inputs of a group, *window)."""
    _, kernel, bias = (*node.input, "", "", "")[:3]
    value = graph.value(kernel)
    if value.ndim < 3:
        raise ValueError(f"{kernel[:80]!r} has the shape {value.shape}, which no convolution has.")
    values = {"kernel": value.transpose(*range(2, value.ndim), 1, 0)}
    if bias:
        values["bias"] = graph.value(bias)
    return graph.biased(values, node.output[0])


def gemm(graph: Graph, node: Any) -> dict[str, np.ndarray]:
    """The weights of a dense layer."""
    settings = {"alpha": 1.0, "beta": 1.0, "transA": 0, "transB": 0} | attributes(node)
    if (settings["alpha"], settings["beta"], settings["transA"]) != (1, 1, 0):
        raise ValueError(f"Its operator Gemm {node.name[:80]!r} scales or transposes what it reads.")
    return dense(graph, node, transposed=bool(settings["transB"]))


def dense(graph: Graph, node: Any, transposed: bool = False) -> dict[str, np.ndarray]:
    """The weights of a dense layer, whose kernel is (inputs, units) or transposed."""
    _, kernel, bias = (*node.input, "", "", "")[:3]
    value = graph.value(kernel)
    values = {"kernel": value.T if transposed else value}
    if bias:
        values["bias"] = graph.value(bias).reshape(-1)
    return graph.biased(values, node.output[0])


def norm(graph: Graph, node: Any) -> dict[str, np.ndarray]:
    """The weights of a batch normalization, with what operators Mul and Add behind it do to its channels."""
    values = dict(zip(NORM, map(graph.value, list(node.input)[1:]), strict=True))
    output, channels = node.output[0], values["gamma"].size
    if found := graph.after(output, "Mul", channels):
        factor, output = found
        values |= {name: values[name] * factor for name in ("gamma", "beta")}
    if found := graph.after(output, "Add", channels):
        values["beta"] = values["beta"] + found[0]
    return values


# Operators that are layers of ours: what reads their weights.
LAYERS = {"BatchNormalization": norm, "Conv": conv, "Gemm": gemm, "MatMul": dense}


def attributes(node: Any) -> dict[str, Any]:
    """The attributes of a node."""
    from onnx import helper

    return {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}


def constant(node: Any) -> Any:
    """What a node of the operator Constant makes: a tensor, or an array of a few numbers."""
    ((name, value),) = attributes(node).items()
    if name == "value":
        return value
    if name not in ("value_float", "value_floats", "value_int", "value_ints"):
        raise ValueError(f"Its operator Constant {node.name[:80]!r} has a {name[:80]}.")
    return np.asarray(value, "float32" if "float" in name else "int64")


def array(tensor: Any) -> np.ndarray:
    """The array of a tensor."""
    from onnx import TensorProto, helper, numpy_helper

    if tensor.data_location == TensorProto.EXTERNAL:
        raise ValueError(f"It has {tensor.name[:80]!r} in another file.")
    try:
        kind = helper.tensor_dtype_to_np_dtype(tensor.data_type).name
    except KeyError:
        kind = f"type {tensor.data_type}"
    if kind not in (*FLOATS, *INTEGERS):
        raise ValueError(f"{tensor.name[:80]!r} holds {kind}, where weights are {', '.join(FLOATS)}.")
    if len(tensor.dims) > AXES or min(tensor.dims, default=0) < 0:
        raise ValueError(f"{tensor.name[:80]!r} has a shape that no weights have.")
    return numpy_helper.to_array(tensor)


def is_weight(found: Any) -> bool:
    """Whether a constant may be weights: it has several numbers, and is no shape and no list of axes."""
    if isinstance(found, np.ndarray):
        return found.size > 1 and found.dtype.name not in INTEGERS
    from onnx import TensorProto

    return math.prod(found.dims[:AXES]) > 1 and found.data_type not in (TensorProto.INT64, TensorProto.INT32)


def formed(node: Any, value: np.ndarray, axes: np.ndarray | None = None) -> np.ndarray:
    """A constant in the form that one of `FORMS` gives it."""
    settings = attributes(node)
    if node.op_type == "Identity":
        return value
    if node.op_type == "Transpose":
        return value.transpose(settings.get("perm"))
    if node.op_type == "Reshape":
        wanted = settings.get("shape") if axes is None else axes.reshape(-1)
        sides = [value.shape[i] if side == 0 else int(side) for i, side in enumerate(wanted)]
        return value.reshape(sides)
    places = settings.get("axes") if axes is None else axes.reshape(-1)
    places = None if places is None else tuple(map(int, places))
    if node.op_type == "Squeeze":
        return value.squeeze(places)
    return np.expand_dims(value, places)
