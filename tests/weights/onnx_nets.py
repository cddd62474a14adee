"""The graphs of the ONNX project as modules of PyTorch, for make_peers.py."""

import pathlib
import re

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import helper, numpy_helper

WEIGHTS = {
    "Conv": {1: "weight", 2: "bias"},
    "Gemm": {1: "weight", 2: "bias"},
    "Mul": {1: "weight"},
    "Add": {1: "bias"},
    "BatchNormalization": {3: "running_mean", 4: "running_var"},
}


class OnnxNet(torch.nn.Module):
    """One of the graphs that the package onnx has without weights, up to its last softmax.

    Its weights have their own names, with the endings of PyTorch. A normalization and the products and sums
    behind it are one: its own scale is 1, and its own shift 0.

    Args:
        name: Name of the graph's file, such as "squeezenet".
        ceil: Whether the last window of a pooling may extend beyond the border, as in Caffe, where the graph
            rounds down.
    """

    def __init__(self, name, ceil=False):
        super().__init__()
        folder = pathlib.Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
        graph = onnx.load(folder / f"light_{name}.onnx").graph
        self.made = {node.output[0]: node for node in graph.node}
        self.arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
        self.tensors, self.sources, layer = {}, {}, None
        for node in graph.node:
            if node.op_type in ("Conv", "Gemm", "BatchNormalization"):
                layer = re.sub(r"_(w|scale)_0$", "", self.origin(node.input[1], all_forms=True))
            for place, weight in WEIGHTS.get(node.op_type, {}).items():
                if place == len(node.input):
                    continue  # no biases
                source = self.origin(node.input[place])
                self.tensors[f"{layer}.{weight}"] = torch.zeros(self.shape(source))
                self.sources[source] = f"{layer}.{weight}"
            if node.op_type == "BatchNormalization":
                self.arrays[node.input[1]] = np.ones(self.shape(node.input[1]), "float32")
                self.arrays[node.input[2]] = np.zeros(self.shape(node.input[2]), "float32")
            if node.op_type in ("MaxPool", "AveragePool") and ceil:
                hang(node)
        self.output = next(node.input[0] for node in graph.node if node.op_type == "Softmax")
        given = {*self.sources, *self.arrays}
        self.nodes = [n for n in graph.node if n.op_type != "Softmax" and n.output[0] not in given]
        self.images = graph.node[[n.op_type for n in graph.node].index("Conv")].input[0]

    def origin(self, name, all_forms=False):
        """The constant that one is made of, before it got more axes or, if asked, another shape."""
        forms = ("Unsqueeze", "Reshape") if all_forms else ("Unsqueeze",)
        while name in self.made and self.made[name].op_type in forms:
            name = self.made[name].input[0]
        return name

    def shape(self, name):
        """The shape of a constant."""
        if name not in self.made:
            return self.arrays[name].shape
        node = self.made[name]
        return [int(n) for n in self.arrays[node.input[node.op_type == "Reshape"]]]

    def state_dict(self):
        return self.tensors

    def forward(self, x):
        arrays = self.arrays | {name: self.tensors[weight].numpy() for name, weight in self.sources.items()}
        read = {name for node in self.nodes for name in node.input}
        graph = helper.make_graph(
            self.nodes,
            "peer",
            [helper.make_tensor_value_info(self.images, onnx.TensorProto.FLOAT, list(x.shape))],
            [helper.make_tensor_value_info(self.output, onnx.TensorProto.FLOAT, None)],
            [numpy_helper.from_array(np.ascontiguousarray(a), n) for n, a in arrays.items() if n in read],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 9)], ir_version=8)
        session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        return torch.from_numpy(session.run([self.output], {self.images: x.numpy()})[0])


def hang(node):
    """Makes a pooling one whose last window may extend beyond the border."""
    settings = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    if settings["strides"] == [2, 2]:
        settings["pads"] = [0, 0, 1, 1]
    elif node.op_type == "AveragePool":
        settings["pads"] = [0, 0, 0, 0]
    del node.attribute[:]
    node.attribute.extend(helper.make_attribute(name, value) for name, value in settings.items())
