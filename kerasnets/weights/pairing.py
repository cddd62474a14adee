"""Pairs the layers of a checkpoint with those of one of our nets, by the order in which both were made.

Kinds and shapes are compared at each pair, and nothing may be left over. Weights whose form differs, though
the layer computes the same, are converted: see `fit`.
"""

import dataclasses
import math
import re
import zlib
from collections.abc import Collection, Mapping, Sequence
from typing import NoReturn

import keras
import numpy as np

from kerasnets.graph import in_order_of_making, producer, source
from kerasnets.layers import parts
from kerasnets.weights import mends
from kerasnets.weights.architectures.row import Architecture
from kerasnets.weights.readers import finite
from kerasnets.weights.units import Unit

Values = dict[str, np.ndarray]


def load_units(
    net: keras.Model,
    units: Sequence[Unit],
    row: Architecture,
    include_top: bool = True,
    classes: int | None = None,
) -> list[str]:
    """Loads the layers of a checkpoint into a net as its builder has just made it.

    Args:
        net: The net.
        units: The layers of the checkpoint.
        row: Its architecture.
        include_top: Whether the net has the head.
        classes: Number of classes of the checkpoint.

    Returns:
        The names of the layers of the head that stay as they were, since the net has other classes.

    Raises:
        ValueError: The checkpoint is of another net, or has values that are not finite. The net is not
            changed then.
    """
    fitted, fresh = fit_all(net, units, row, include_top, classes)
    layers = {layer.name: layer for layer in slots_of(net)}
    for name, values in fitted.items():
        layers[name].set_weights([values[w.name] for w in layers[name].weights])
    return fresh


def slots_of(net: keras.Model) -> list[keras.Layer]:
    """The layers of a net that have weights, in the order in which they were made."""
    return [part for layer in in_order_of_making(net) for part in parts(layer) if part.weights]


def in_order(
    units: Sequence[Unit], row: Architecture, include_top: bool, outputs: Collection[str] = ()
) -> list[Unit]:
    """The layers of a checkpoint that our net has, in the order of their definition; auxiliary heads last.

    Args:
        units: The layers.
        row: Their architecture.
        include_top: Whether our net has the head.
        outputs: Names of its outputs, if it has several: auxiliary heads, or the maps of a pyramid.
    """
    left_out = row.skip + (() if include_top else row.head)
    left_out += () if "predictions" in outputs else row.aux
    left_out += row.behind_pyramid if outputs and "predictions" not in outputs else ()
    kept = [unit for unit in units if not starts(unit.name, left_out)]
    words = row.order.split()
    kept = sorted(kept, key=lambda unit: place(unit.name, words)) if words else kept
    return sorted(kept, key=lambda unit: starts(unit.name, row.aux))


def classes_in(units: Sequence[Unit], row: Architecture) -> int | None:
    """The number of classes of a checkpoint, which the last layer of its head has; None if it has no head."""
    heads = [unit for unit in in_order(units, row, True) if starts(unit.name, row.head)]
    kernels = [unit.values["kernel"] for unit in heads if "kernel" in unit.values]
    return kernels[-1].shape[-1] if kernels else None


def outputs_of(net: keras.Model) -> Collection[str]:
    """The names of a net's outputs, if it has several."""
    return net.output if isinstance(net.output, dict) else ()


def starts(name: str, beginnings: Sequence[str]) -> bool:
    """Whether the dotted name of a layer begins with one of some dotted names."""
    return any(f"{name}.".startswith(f"{beginning}.") for beginning in beginnings)


def place(name: str, words: Sequence[str]) -> list[tuple[int, int]]:
    """Sort key of the dotted name of a layer: each part by the order of the words, then by its number."""
    key, path = [], name.split(".")
    for i, part in enumerate(path, start=1):
        stem, number = re.fullmatch(r"(.*?)(\d*)", part).groups()
        exact = [word for word in (".".join(path[:i]), part) if word in words]
        known = next((words.index(word) for word in (*exact, stem) if word in words), len(words))
        key.append((known, 0 if exact else int(number or 0)))
    return key


def checksum(units: Sequence[Unit], row: Architecture) -> str:
    """A checksum of the names of a checkpoint's layers, without those of heads; 8 hexadecimal digits.

    Dots do not count: torchvision's files of DenseNets still say "norm.1" where its nets now say "norm1".
    """
    left_out = row.head + row.aux + row.skip
    names = sorted(unit.name.replace(".", "") for unit in units if not starts(unit.name, left_out))
    return f"{zlib.crc32(' '.join(names).encode()):08x}"


def fit_all(
    net: keras.Model, units: Sequence[Unit], row: Architecture, include_top: bool, classes: int | None
) -> tuple[dict[str, Values], list[str]]:
    """The weights of a net's layers by name, in their shapes, and the layers that stay as they are.

    The arguments are those of `load_units`.
    """
    slots, units = both_in_order(net, units, row, include_top)
    for slot, unit in zip(slots, units, strict=False):
        if kind_of(slot) != unit.kind and not {kind_of(slot), unit.kind} <= {"conv", "dense"}:
            refuse_pair(slot, unit)
    if len(slots) != len(units):
        raise ValueError(
            f"{net.name} has {len(slots)} layers with weights, and the checkpoint {len(units)}: "
            f"{', '.join(u.name for u in units[len(slots) :][:3]) or slots[len(units)].name} is left over"
        )
    fitted, fresh, biases = {}, [], {}
    for slot, unit in zip(slots, map(finite, units), strict=True):
        if classes is not None and is_fresh(slot, unit, classes, row):
            fresh.append(slot.name)
        else:
            fitted[slot.name] = fit(slot, unit, row, biases)
    if biases:
        raise ValueError(no_place(next(iter(biases))))
    mend(net, fitted, row)
    return fitted, fresh


def both_in_order(
    net: keras.Model, units: Sequence[Unit], row: Architecture, include_top: bool
) -> tuple[list[keras.Layer], list[Unit]]:
    """The layers of a net and those of a checkpoint, each list in the order of making.

    The checkpoint's have the form of the net's: see `unfolded` and `joined`.
    """
    slots, units = slots_of(net), in_order(units, row, include_top, outputs_of(net))
    if "norm" in row.adds:
        units = [part for unit in units for part in unfolded(unit)]
    return slots, joined(slots, units)


def no_place(slot: keras.Layer) -> str:
    """The message for a bias of the checkpoint for which a layer has no place."""
    return f"the checkpoint has a bias for {slot.name}, which batch normalization does not follow"


def mend(net: keras.Model, fitted: dict[str, Values], row: Architecture) -> None:
    """Changes the weights that were fitted to a net's layers by the mends of an architecture."""
    for name, arguments in row.mends.items():
        getattr(mends, name)(net, fitted, **arguments)


def fit_some(
    net: keras.Model, units: Sequence[Unit], row: Architecture
) -> tuple[dict[str, Values], dict[str, str], dict[str, str]]:
    """The weights of the layers of a net that can be paired with those of a checkpoint beyond doubt.

    Args:
        net: The net that the architecture makes, with its head.
        units: The layers of the checkpoint. Some may be missing, left over or of other shapes.
        row: Its architecture.

    Returns:
        Three dicts by the names of the net's layers: their weights by name; the names of the same layers in
        the checkpoint; and, for the layers that have no weights, the reasons.

    Raises:
        ValueError: A mend needs layers that the checkpoint lacks.
    """
    slots, units = both_in_order(net, units, row, True)
    pairs = align(slots, units)
    fitted, names, biases = {}, {}, {}
    left = dict.fromkeys((slot.name for slot in slots), "no layer of the weights is certainly the same")
    for slot, unit in ((slots[i], finite(units[j])) for i, j in pairs):
        try:
            fitted[slot.name] = fit(slot, unit, row, biases)
        except ValueError as error:
            left[slot.name] = str(error)
            continue
        names[slot.name] = unit.name
        del left[slot.name]
    for slot in biases:
        del fitted[slot.name], names[slot.name]
        left[slot.name] = no_place(slot)
    try:
        mend(net, fitted, row)
    except LookupError as error:
        raise ValueError(f"the checkpoint lacks layers that the mend {', '.join(row.mends)} needs") from error
    return fitted, names, left


def align(slots: Sequence[keras.Layer], units: Sequence[Unit]) -> list[tuple[int, int]]:
    """Pairs the layers of a net with those of a checkpoint of which some are missing or of other shapes.

    Returns:
        Pairs of positions in the two lists. The layers of a pair have the same kind and shapes, and the pair
        is in every longest common subsequence of the lists, so that no layer can get the weights of another
        one of the same shape.
    """
    if not slots or not units:
        return []
    forms = [form(kind_of(slot), {w.name: tuple(w.shape) for w in slot.weights}) for slot in slots]
    others = [form(unit.kind, {name: array.shape for name, array in unit.values.items()}) for unit in units]
    same = np.array([[is_same(ours, theirs) for theirs in others] for ours in forms])
    before = common(same)  # lengths of the longest common subsequences before a pair, and behind it
    behind = common(same[::-1, ::-1])[::-1, ::-1]
    possible = same & (before[:-1, :-1] + 1 + behind[1:, 1:] == before[-1, -1])
    sure = possible & (possible.sum(0) == 1) & (possible.sum(1, keepdims=True) == 1)
    return [(int(i), int(j)) for i, j in np.argwhere(sure)]


def form(kind: str, shapes: Mapping[str, tuple[int, ...]]) -> tuple:
    """What two layers of a pair share: kind, shape, and the numbers of inputs and outputs of a kernel."""
    shape = shapes.get("kernel", shapes.get("depthwise_kernel", next(iter(shapes.values()))))
    if kind == "conv" and shape[-1] == 1:
        shape = (*shape[:-2], 1, shape[-2])  # a depthwise convolution
    return kind, shape, (math.prod(shape[:-1]), shape[-1])


def is_same(ours: tuple, theirs: tuple) -> bool:
    """Whether `fit` can convert the weights of a layer into those of another, given their `form`."""
    turned = {ours[0], theirs[0]} == {"conv", "dense"}
    return ours[2] == theirs[2] if turned else ours[:2] == theirs[:2]


def common(same: np.ndarray) -> np.ndarray:
    """Lengths of the longest common subsequences of the first i and the first j elements of two lists.

    Args:
        same: Whether element i of the one is the same as element j of the other, (n, m).

    Returns:
        (n + 1, m + 1).
    """
    lengths = np.zeros(np.add(same.shape, 1), int)
    for i, row in enumerate(same):
        lengths[i + 1, 1:] = np.maximum.accumulate(np.maximum(lengths[i, 1:], lengths[i, :-1] + row))
    return lengths


def unfolded(unit: Unit) -> list[Unit]:
    """A convolution with biases, as one without them and batch normalization that adds them."""
    if unit.kind != "conv" or "bias" not in unit.values:
        return [unit]
    bias = unit.values["bias"]
    norm = {"beta": bias, "moving_mean": np.zeros_like(bias), "moving_variance": np.ones_like(bias)}
    return [
        dataclasses.replace(unit, values={"kernel": unit.values["kernel"]}),
        Unit(unit.name, "norm", norm),
    ]


def joined(slots: Sequence[keras.Layer], units: Sequence[Unit]) -> list[Unit]:
    """The layers of a checkpoint, with two convolutions joined to one layer where ours is a separable one."""
    found, remaining = [], iter(units)
    for slot, unit in zip(slots, remaining, strict=False):
        pointwise = next(remaining, None) if kind_of(slot) == "separable" else None
        if pointwise is None or {unit.kind, pointwise.kind} != {"conv"}:
            found += [unit] if pointwise is None else [unit, pointwise]
            continue
        kernel, shape = unit.values["kernel"], tuple(slot.weights[0].shape)
        kernel = kernel.reshape(shape) if kernel.size == math.prod(shape) else kernel
        values = {"depthwise_kernel": kernel, "pointwise_kernel": pointwise.values["kernel"]}
        others = {**unit.values, **pointwise.values}
        found.append(Unit(unit.name, "separable", values | {n: v for n, v in others.items() if n == "bias"}))
    return [*found, *remaining]


def kind_of(slot: keras.Layer) -> str:
    """The kind of one of our layers: one of those of `Unit`, "separable" or "other"."""
    if any(w.name == "depthwise_kernel" for w in slot.weights):
        return "separable"
    kernels = [w for w in slot.weights if w.name == "kernel"]
    if not kernels:
        return "norm" if any(w.name in ("gamma", "beta", "moving_mean") for w in slot.weights) else "other"
    return "dense" if len(kernels[0].shape) == 2 else "conv"


def is_fresh(slot: keras.Layer, unit: Unit, classes: int, row: Architecture) -> bool:
    """Whether a layer is a classifier, and that of the checkpoint is for another number of classes."""
    kernel = unit.values.get("kernel")
    if kernel is None or not starts(unit.name, row.head + row.aux):
        return False
    return kernel.shape[-1] == classes != slot.weights[0].shape[-1]


def fit(slot: keras.Layer, unit: Unit, row: Architecture, biases: dict) -> Values:
    """The weights of a layer of a checkpoint, in the shapes of our layer.

    - The kernel of a 1x1 convolution, or of one over the whole grid, becomes that of a dense layer, and the
      reverse.
    - The inputs of a dense layer that reads a grid are permuted if the checkpoint flattens it by channels.
    - A bias before batch normalization is subtracted from the moving mean.
    - Another epsilon of batch normalization is compensated by gamma.

    Args:
        slot: One of our layers.
        unit: The layer of the checkpoint.
        row: Its architecture.
        biases: Biases of the checkpoint for which our layers have no place, by our layer. That of `unit` is
            added if `slot` has none; the one of the layer before is removed if `slot` is batch normalization.

    Returns:
        Arrays by the names of the layer's weights.

    Raises:
        ValueError: The two are not the same layer.
    """
    shapes = {w.name: tuple(w.shape) for w in slot.weights}
    values = dict(unit.values)
    if unit.kind in ("conv", "dense"):
        if "kernel" not in shapes:
            refuse_pair(slot, unit)
        values["kernel"] = fit_kernel(slot, unit, row)
        if "bias" in values and "bias" not in shapes:
            biases[slot] = values.pop("bias")
        if "bias" in shapes and "bias" not in values and "bias" in row.adds:
            values["bias"] = np.zeros(shapes["bias"], "float32")
    elif unit.kind == "norm":
        channels = next(iter(shapes.values()))
        values = {"gamma": np.ones(channels, "float32"), "beta": np.zeros(channels, "float32")} | values
        if "moving_variance" in values and slot.epsilon != row.epsilon and "gamma" in shapes:
            variance = values["moving_variance"].astype("float64")
            values["gamma"] = values["gamma"] * np.sqrt((variance + slot.epsilon) / (variance + row.epsilon))
        if "moving_mean" in values:
            bias = biases.pop(source(slot), None)
            values["moving_mean"] = values["moving_mean"] - (0 if bias is None else bias)
    if {name: value.shape for name, value in values.items()} != shapes:
        refuse_pair(slot, unit)
    return values


def fit_kernel(slot: keras.Layer, unit: Unit, row: Architecture) -> np.ndarray:
    """The kernel of a layer of a checkpoint in the shape of that of our layer."""
    kernel = unit.values["kernel"]
    shape = next(tuple(w.shape) for w in slot.weights if w.name == "kernel")
    if kernel.shape == shape:
        grid = grid_of(slot) if unit.kind == "dense" and row.chw else ()
        if math.prod(grid[:-1]) > 1:
            *sides, channels = grid
            by_channel = kernel.reshape(channels, *sides, -1)
            return np.moveaxis(by_channel, 0, -2).reshape(shape)
        return kernel
    if kernel.ndim == len(shape) == 4 and kernel.swapaxes(2, 3).shape == shape and kernel.shape[2] == 1:
        return kernel.swapaxes(2, 3)  # a depthwise convolution
    if kernel.ndim != len(shape) and kernel.size == math.prod(shape) and kernel.shape[-1] == shape[-1]:
        return kernel.reshape(shape)
    if "border" in row.adds and kernel.ndim == len(shape) and kernel.shape[-2:] == shape[-2:]:
        around = [(ours - theirs) // 2 for ours, theirs in zip(shape, kernel.shape, strict=True)]
        if min(around) >= 0:
            return np.pad(kernel, [(n, n) for n in around])
    return refuse_pair(slot, unit)


def grid_of(slot: keras.Layer) -> tuple[int, ...]:
    """The shape of the maps, (*grid, channels), that are flattened before a dense layer; () if none are."""
    flatten = source(slot)
    if not isinstance(flatten, keras.layers.Flatten):
        return ()
    return tuple(producer(flatten.output).input_tensors[0].shape[1:])


def refuse_pair(slot: keras.Layer, unit: Unit) -> NoReturn:
    """Raises the ValueError for two layers that are not the same."""
    ours = ", ".join(f"{w.name} {tuple(w.shape)}" for w in slot.weights)
    theirs = ", ".join(f"{name} {value.shape}" for name, value in unit.values.items())
    raise ValueError(f"{slot.name} has {ours}, and {unit.name} of the checkpoint {theirs}")


def layout_of(units: Sequence[Unit], rows: Mapping[str, Architecture]) -> list[str]:
    """The keys of the architectures whose layers have the names of those of a file."""
    return [key for key, row in rows.items() if row.names and row.names == checksum(units, row)]
