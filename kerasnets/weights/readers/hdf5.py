"""Reading Keras's HDF5 files of weights: those of Keras 1 and 2, whole models too, and those of Keras 3.

The files of Keras 1 and 2 name the weights and list their layers in order. Those of Keras 3 number the
weights of a layer and have no list: their layers are given in the order in which they were written. It shows
in the highest address among the groups and arrays of a layer, since later layers reach higher addresses.
"""

import math
import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from kerasnets.weights.readers.common import NORM, check_claim, depthwise, layer, mapped
from kerasnets.weights.readers.hdf5_strings import Strings
from kerasnets.weights.reading import GROUP, own_dataset
from kerasnets.weights.units import Unit

VARIABLES = "vars"  # group of a layer of Keras 3
DEEPEST = 32  # most groups that are nested
WHOLE = "model_weights"  # group of a whole model
OTHERS = (GROUP, "optimizer", "optimizer_weights", "seed_generator", "_optimizer")  # groups of other things
SEPARABLE = ("depthwise_kernel", "pointwise_kernel")
KERAS_1 = {"W": "kernel", "b": "bias", "running_mean": "moving_mean", "running_std": "moving_variance"}
NAMES = (*SEPARABLE, "kernel", "bias", *NORM)  # longer names come before their own endings


def read(path: str | os.PathLike) -> list[Unit]:
    """The layers of an HDF5 file of Keras.

    Raises:
        ValueError: The file is damaged, links to other files, or has weights that are not of our layers.
    """
    import h5py

    with h5py.File(path, "r") as file:
        root = member(file, WHOLE) if WHOLE in file else file
        content = mapped(path)
        texts, size = Strings(content), len(content)
        listed = strings(root, "layer_names", texts)
        found = list(found_weights(root) if listed is None else listed_weights(root, listed, texts))
        check_claim(sum(map(claimed, [d for _, weights in found for d in weights.values()])), size)
        return [unit for name, weights in found for unit in units(name, weights)]


def claimed(dataset: Any) -> int:
    """The bytes that reading a dataset allocates: those of its array, or of a chunk if that is larger."""
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


def listed_weights(root: Any, listed: list[str], texts: Strings) -> Iterator[tuple[str, dict[str, Any]]]:
    """Names of layers and their datasets by Keras's names, of a file that lists them."""
    for name in listed:
        group, layers = member(root, name), {}
        for path in strings(group, "weight_names", texts) or ():
            *folders, last = path.split("/")
            own = group
            for folder in folders:
                own = member(own, folder)
            add(layers.setdefault("/".join(folders), {}), last, own_dataset(own, last))
        for prefix, weights in layers.items():
            yield (name if len(layers) == 1 else prefix), weights


def strings(group: Any, name: str, found: Strings) -> list[str] | None:
    """A list of strings among the attributes of a group, or None if there is none.

    Keras splits long lists, and numbers the parts.
    """
    parts = [name] if name in group.attrs else []
    while f"{name}{len(parts)}" in group.attrs and name not in parts:
        parts.append(f"{name}{len(parts)}")
    texts: list[str] = []
    for part in parts:
        header = group.attrs.get_id(part)
        count = header.shape[0] if len(header.shape) == 1 else -1
        if not 0 <= count * header.dtype.itemsize <= len(found.content):
            raise ValueError(f"Its {name} are no list of strings.")
        if header.dtype.kind == "O":
            texts += found.of_attribute(address(group), part, count)
        elif count:  # an empty list is one of numbers
            texts += [text.decode() for text in np.asarray(group.attrs[part], "S").tolist()]
    return texts if parts else None


def add(weights: dict[str, Any], name: str, dataset: Any) -> None:
    """Adds a dataset to those of a layer by Keras's name of it."""
    weight = name.partition(":")[0]
    short = next((s for s in (*NAMES, *KERAS_1) if weight == s or weight.endswith(f"_{s}")), weight)
    short = KERAS_1.get(short, short)
    if short in weights:
        raise ValueError(f"A layer has two weights {short[:80]!r}.")
    weights[short] = dataset


def found_weights(root: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Names of layers and their datasets by Keras's names, in the order in which they were written."""
    import h5py

    waiting, seen, layers = [("", root, root)], set(), []
    while waiting:
        path, group, parent = waiting.pop()
        if path.count("/") > DEEPEST or address(group) in seen:
            raise ValueError(f"It has a group in itself, or more than {DEEPEST} in one another.")
        seen.add(address(group))
        arrays = {}
        for name in group:
            kind = group.get(name, getclass=True)
            if kind is h5py.Dataset:
                arrays[name] = own_dataset(group, name)
            elif kind is h5py.Group and name not in OTHERS:
                waiting.append((f"{path}/{name.replace('/', '')}", member(group, name), group))
        if not arrays:
            continue
        offsets = [array.id.get_offset() or 0 for array in arrays.values()]
        place = max(*map(address, (group, parent, *arrays.values())), *offsets)
        *_, above, own = path.split("/") if "/" in path else ("", "")
        if own == VARIABLES:
            layers.append((place, above, numbered(path, above, arrays)))
        else:
            weights: dict[str, Any] = {}
            for name, array in arrays.items():
                add(weights, name, array)
            layers.append((place, own, {w: weights[w] for w in (*NAMES, *weights) if w in weights}))
    for _, name, weights in sorted(layers, key=lambda layer: layer[0]):
        yield name, weights


def address(item: Any) -> int:
    """The place of a group or dataset in its file."""
    import h5py

    return h5py.h5o.get_info(item.id).addr


def numbered(path: str, layer: str, arrays: dict[str, Any]) -> dict[str, Any]:
    """The arrays of a layer of Keras 3 by their names, which their number and their axes tell."""
    if set(arrays) != {str(number) for number in range(len(arrays))}:
        raise ValueError(f"{path[-80:]!r} has weights without numbers.")
    ordered = [arrays[str(number)] for number in range(len(arrays))]
    axes = [len(array.shape) for array in ordered]
    kernels = sum(count > 1 for count in axes)
    if kernels == 0 and len(ordered) in (3, 4):  # a normalization of 3 has no gamma
        names = NORM[-len(ordered) :]
    elif kernels == 2 and axes[:2] == [4, 4]:
        names = (*SEPARABLE, "bias")
    elif "depthwise_conv" in layer:
        names = ("depthwise_kernel", "bias")
    else:
        names = ("kernel", "bias")
    if len(ordered) > len(names):
        raise ValueError(f"{path[-80:]!r} has {len(ordered)} weights, as no layer of ours.")
    return dict(zip(names, ordered, strict=False))


def member(group: Any, name: str) -> Any:
    """A group in another one, which is no link."""
    import h5py

    found = group[name] if isinstance(group.get(name, getlink=True), h5py.HardLink) else None
    if not isinstance(found, h5py.Group):
        raise ValueError(f"It has no group {name[:80]!r} of its own.")
    return found
