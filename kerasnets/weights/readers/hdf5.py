"""Reading Keras's HDF5 files of weights: those of Keras 1 and 2, whole models too, and those of Keras 3.

The files of Keras 1 and 2 list their layers in order, and name the weights. Those of Keras 3 number the
weights of a layer. Their layers are given in the order in which they were written: a part at least of what is
written later, a group or an array, has a higher address than all before.
"""

import math
import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from kerasnets.weights.readers.common import NORM, check_claim, depthwise, layer
from kerasnets.weights.reading import GROUP, own_dataset
from kerasnets.weights.units import Unit

VARIABLES = "vars"  # group of a layer of Keras 3
DEEPEST = 32  # most groups in one another
WHOLE = "model_weights"  # group of a whole model
OTHERS = (GROUP, "optimizer", "optimizer_weights", "seed_generator", "_optimizer")  # groups without weights
SEPARABLE = ("depthwise_kernel", "pointwise_kernel")
KERAS_1 = {"W": "kernel", "b": "bias", "running_mean": "moving_mean", "running_std": "moving_variance"}
NAMES = (*SEPARABLE, "kernel", "bias", *NORM)  # the ends of longer names come later


def read(path: str | os.PathLike) -> list[Unit]:
    """The layers of an HDF5 file of Keras.

    Raises:
        ValueError: The file is damaged, links to other files, or has weights that are not of our layers.
    """
    import h5py

    with h5py.File(path, "r") as file:
        root = member(file, WHOLE) if WHOLE in file else file
        size = os.path.getsize(path)
        listed = "layer_names" in root.attrs or "layer_names0" in root.attrs
        found = list(listed_weights(root, size) if listed else numbered_weights(root))
        check_claim(sum(map(claimed, [d for _, weights in found for d in weights.values()])), size)
        return [unit for name, weights in found for unit in units(name, weights)]


def claimed(dataset: Any) -> int:
    """Number of the bytes that reading a dataset allocates: compressed parts are at most as large."""
    shapes = [shape for shape in (dataset.shape, dataset.chunks) if shape is not None]
    return max(map(math.prod, shapes), default=0) * dataset.dtype.itemsize


def units(name: str, weights: dict[str, Any]) -> Iterator[Unit]:
    """The units of a layer: two of a separable convolution, otherwise one."""
    for weight, dataset in weights.items():
        if dataset.dtype.kind != "f" or dataset.dtype.itemsize > 8:
            raise ValueError(f"The {weight} of {name!r} is no array of floats.")
    values = {weight: dataset[()] for weight, dataset in weights.items()}
    if is_depthwise(name, values):  # in the files of Keras 3
        values = {"depthwise_kernel": values.pop("kernel")} | values
    if "depthwise_kernel" not in values:
        yield layer(name, values)
        return
    first = values.pop("depthwise_kernel")
    if first.ndim not in (4, 5):
        raise ValueError(f"The depthwise kernel of {name[:80]!r} has the shape {first.shape}.")
    kernel = {"kernel": depthwise(first)}
    if "pointwise_kernel" not in values:
        yield layer(name, kernel | values)
        return
    yield layer(name, kernel)
    yield layer(name, {"kernel": values.pop("pointwise_kernel"), **values})


def is_depthwise(name: str, values: dict[str, Any]) -> bool:
    """Whether a kernel is that of a depthwise convolution: its name says so, or the number of its biases."""
    kernel, bias = values.get("kernel"), values.get("bias")
    if kernel is None or kernel.ndim not in (4, 5):
        return False
    return "depthwise" in name or (bias is not None and bias.size == math.prod(kernel.shape[-2:]))


def listed_weights(root: Any, size: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Names of layers and their datasets by Keras's names, of a file of Keras 1 or 2."""
    for name in strings(root, "layer_names", size):
        group, layers = member(root, name), {}
        for path in strings(group, "weight_names", size):
            *folders, last = path.split("/")
            own = group
            for folder in folders:
                own = member(own, folder)
            weight = last.partition(":")[0]
            short = next((s for s in (*NAMES, *KERAS_1) if weight == s or weight.endswith(f"_{s}")), weight)
            short, weights = KERAS_1.get(short, short), layers.setdefault("/".join(folders), {})
            if short in weights:
                raise ValueError(f"{name[:80]!r} has two weights {short[:80]!r}.")
            weights[short] = own_dataset(own, last)
        for prefix, weights in layers.items():
            yield (name if len(layers) == 1 else prefix), weights


def strings(group: Any, name: str, size: int) -> list[str]:
    """A list of strings among the attributes of a group. Keras splits long ones and numbers the parts."""
    found = [name] if name in group.attrs else []
    while f"{name}{len(found)}" in group.attrs and name not in found:
        found.append(f"{name}{len(found)}")
    texts: list[str] = []
    for part in found:
        header = group.attrs.get_id(part)
        if len(header.shape) != 1 or header.shape[0] * header.dtype.itemsize > size:
            raise ValueError(f"Its {name} are no list of strings.")
        texts += [t.decode() if isinstance(t, bytes) else t for t in np.asarray(group.attrs[part]).tolist()]
    if not all(isinstance(text, str) for text in texts):
        raise ValueError(f"Its {name} are no list of strings.")
    return texts


def text(group: Any, name: str) -> str | None:
    """A string among the attributes of a group, or None."""
    if name not in group.attrs or group.attrs.get_id(name).shape != ():
        return None
    found = group.attrs[name]
    return found if isinstance(found, str) else None


def numbered_weights(root: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Names of layers and their datasets by Keras's names, of a file of Keras 3."""
    import h5py

    waiting, seen, found = [("", root, 0)], set(), []
    while waiting:
        path, group, depth = waiting.pop()
        if depth > DEEPEST or address(group) in seen:
            raise ValueError(f"It has a group in itself, or more than {DEEPEST} in one another.")
        seen.add(address(group))
        for name in group:
            if group.get(name, getclass=True) is not h5py.Group or name in OTHERS:
                continue
            if name == VARIABLES:
                found.append((path, group, member(group, name)))
            else:
                waiting.append((f"{path}/{name}", member(group, name), depth + 1))
    layers = []
    for path, group, variables in found:
        order = [str(number) for number in range(len(variables))]
        if set(order) != set(variables):
            raise ValueError(f"{path[-80:]!r} has weights without numbers.")
        arrays = [own_dataset(variables, number) for number in order]
        offsets = [array.id.get_offset() or 0 for array in arrays]
        place = max(*map(address, (group, variables, *arrays)), *offsets, 0)
        if arrays:
            layers.append((place, text(variables, "name") or path.rpartition("/")[2], named(path, arrays)))
    for _, name, weights in sorted(layers, key=lambda layer: layer[0]):
        yield name, weights


def address(item: Any) -> int:
    """The place of a group or dataset in its file."""
    import h5py

    return h5py.h5o.get_info(item.id).addr


def named(path: str, arrays: list[Any]) -> dict[str, Any]:
    """The arrays of a layer of Keras 3 by their names, which their number and their axes tell."""
    axes = [len(array.shape) for array in arrays]
    kernels = sum(count > 1 for count in axes)
    if kernels == 0 and len(arrays) in (3, 4):  # a normalization of 3 has no gamma
        names = NORM[-len(arrays) :]
    elif kernels == 2 and axes[:2] == [4, 4]:
        names = (*SEPARABLE, "bias")
    elif "depthwise_conv" in path.rpartition("/")[2]:
        names = ("depthwise_kernel", "bias")
    else:
        names = ("kernel", "bias")
    if len(arrays) > len(names):
        raise ValueError(f"{path!r} has {len(arrays)} weights, as no layer of ours.")
    return dict(zip(names, arrays, strict=False))


def member(group: Any, name: str) -> Any:
    """A group in another one, which is no link."""
    import h5py

    found = group[name] if isinstance(group.get(name, getlink=True), h5py.HardLink) else None
    if not isinstance(found, h5py.Group):
        raise ValueError(f"It has no group {name[:80]!r} of its own.")
    return found
