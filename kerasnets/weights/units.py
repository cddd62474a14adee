"""The weights of a checkpoint, layer by layer, in the layout of Keras, whatever file they come from."""

import dataclasses
from collections.abc import Iterable, Mapping

import numpy as np

# The weights of PyTorch's layers, and what Keras calls them in a normalization layer.
NORM = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}
COUNTERS = ("num_batches_tracked",)


@dataclasses.dataclass(frozen=True)
class Unit:
    """The weights of one layer of a checkpoint.

    Attributes:
        name: Name of the layer in its file.
        kind: "conv", "dense" or "norm".
        values: Arrays by Keras's names: "kernel" and "bias"; or "gamma", "beta", "moving_mean" and
            "moving_variance". Kernels are (*window, inputs of a group, filters) or (inputs, units).
    """

    name: str
    kind: str
    values: Mapping[str, np.ndarray]


def units_of(tensors: Iterable[tuple[str, np.ndarray]]) -> list[Unit]:
    """The layers of a PyTorch state dict.

    Args:
        tensors: Names such as "layer1.0.conv1.weight", and arrays. Kernels are (filters, inputs of a group,
            *window) or (units, inputs).

    Returns:
        A list of units in the order in which their first tensors come. Arrays are views.

    Raises:
        ValueError: A tensor is none of a convolution, dense layer or batch normalization.
    """
    layers: dict[str, dict[str, np.ndarray]] = {}
    for name, array in tensors:
        layer, _, weight = name.rpartition(".")
        if weight not in COUNTERS:
            layers.setdefault(layer, {})[weight] = array
    return [unit(name, values) for name, values in layers.items()]


def unit(name: str, values: Mapping[str, np.ndarray]) -> Unit:
    """The unit of a layer, given its tensors by PyTorch's names."""
    for weight, array in values.items():
        if weight not in NORM:
            raise ValueError(f"The file has a tensor {weight!r} of {name!r}, which no layer of ours has.")
        if weight != "weight" and array.ndim != 1:
            raise ValueError(f"The file has {name}.{weight} of shape {array.shape}, not of one axis.")
    kernel = values.get("weight")
    if kernel is None or kernel.ndim == 1 or "running_mean" in values:
        return Unit(name, "norm", {NORM[weight]: array for weight, array in values.items()})
    if kernel.ndim not in (2, 4, 5):
        raise ValueError(f"The file has {name}.weight of shape {kernel.shape}, of no layer of ours.")
    bias = {"bias": values["bias"]} if "bias" in values else {}
    axes = (*range(2, kernel.ndim), 1, 0)
    return Unit(name, "dense" if kernel.ndim == 2 else "conv", {"kernel": kernel.transpose(axes), **bias})
