"""Nets of Caffe as PyTorch runs them, for make_peers.py: what their prototxt files say, in the phase TEST."""

import re

import torch
from torch.nn import functional


class CaffeNet(torch.nn.Module):
    """A net of a prototxt file.

    Its weights have the names of its layers, and those of PyTorch: "conv1.weight". A normalization and the
    scale behind it are one.

    Args:
        text: The text of the file.
        output: Name of the layer that gives the scores of the classes.
    """

    def __init__(self, text, output):
        super().__init__()
        found = parsed(re.sub(r"#.*", "", text))
        self.layers = [dict(layer) | {"all": layer} for key, layer in found if key in ("layer", "layers")]
        self.output, self.tensors = output, {}

    def prepare(self, x):
        """Makes the weights, given images."""
        with torch.no_grad():
            self(x)

    def state_dict(self):
        return self.tensors

    def forward(self, x):
        maps, norm = {"data": x}, None
        for layer in self.layers:
            kind, name = layer["type"], layer["name"]
            if kind not in OPERATORS or ("phase", "TRAIN") in layer.get("include", ()):
                continue
            bottoms = [maps[top] for key, top in layer["all"] if key == "bottom"]
            settings = dict(next((v for k, v in layer["all"] if k in PARAMETERS), ()))
            norm = name if kind == "BatchNorm" else norm
            made = OPERATORS[kind](self, norm if kind == "Scale" else name, settings, *bottoms)
            maps[layer["top"]] = made
            if name == self.output:
                return made
        raise ValueError(f"no layer {self.output}")

    def weight(self, name, *shape):
        """A weight, which the first call makes."""
        return self.tensors.setdefault(name, torch.zeros(shape))


def parsed(text):
    """The pairs of names and values of a message in protobuf's text format."""
    tokens = iter(re.findall(r'"[^"]*"|[{}]|[^\s{}:]+', text))

    def message():
        pairs = []
        for key in tokens:
            if key == "}":
                break
            value = next(tokens)
            pairs.append((key, message() if value == "{" else value.strip('"')))
        return pairs

    return message()


def convolution(net, name, settings, x):
    filters, kernel, groups = (int(settings.get(k, 1)) for k in ("num_output", "kernel_size", "group"))
    weight = net.weight(f"{name}.weight", filters, x.shape[1] // groups, kernel, kernel)
    bias = net.weight(f"{name}.bias", filters) if settings.get("bias_term") != "false" else None
    strides, padding = int(settings.get("stride", 1)), int(settings.get("pad", 0))
    return functional.conv2d(x, weight, bias, strides, padding, groups=groups)


def dense(net, name, settings, x):
    x, units = x.flatten(1), int(settings["num_output"])
    weight, bias = net.weight(f"{name}.weight", units, x.shape[1]), net.weight(f"{name}.bias", units)
    return functional.linear(x, weight, bias)


def pooling(net, name, settings, x):
    kernel, strides = int(settings.get("kernel_size", 0)), int(settings.get("stride", 1))
    kernel = x.shape[2:] if settings.get("global_pooling") == "true" else kernel
    pool = functional.avg_pool2d if settings["pool"] == "AVE" else functional.max_pool2d
    return pool(x, kernel, strides, int(settings.get("pad", 0)), ceil_mode=True)


def norm(net, name, settings, x):
    net.weight(f"{name}.weight", x.shape[1]), net.weight(f"{name}.bias", x.shape[1])
    mean = net.weight(f"{name}.running_mean", x.shape[1])
    variance = net.weight(f"{name}.running_var", x.shape[1])
    return functional.batch_norm(x, mean, variance, eps=float(settings.get("eps", 1e-5)))


def scale(net, name, settings, x):
    sides = (1,) * (x.ndim - 2)
    weight, bias = net.tensors[f"{name}.weight"], net.tensors[f"{name}.bias"]
    return x * weight.reshape(-1, *sides) + bias.reshape(-1, *sides)


def lrn(net, name, settings, x):
    size, alpha, beta = int(settings["local_size"]), float(settings["alpha"]), float(settings["beta"])
    return functional.local_response_norm(x, size, alpha, beta, float(settings.get("k", 1)))


OPERATORS = {
    "BatchNorm": norm,
    "Concat": lambda net, name, settings, *xs: torch.cat(xs, 1),
    "Convolution": convolution,
    "Dropout": lambda net, name, settings, x: x,
    "Eltwise": lambda net, name, settings, *xs: sum(xs),
    "InnerProduct": dense,
    "LRN": lrn,
    "Pooling": pooling,
    "ReLU": lambda net, name, settings, x: torch.relu(x),
    "Scale": scale,
}
OPERATORS |= {"CONCAT": OPERATORS["Concat"], "CONVOLUTION": convolution, "DROPOUT": OPERATORS["Dropout"]}
OPERATORS |= {"LRN": lrn, "POOLING": pooling, "RELU": OPERATORS["ReLU"]}
PARAMETERS = (
    *("convolution_param", "inner_product_param", "pooling_param", "batch_norm_param", "scale_param"),
    "lrn_param",
)
