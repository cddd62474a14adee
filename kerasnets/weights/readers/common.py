"""What the readers share: mapped files, arrays that are views of them, and layers with Keras's names."""

import math
import mmap
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from kerasnets.weights.units import Unit

MOST = 4  # how many times its own size a file may claim to hold; trained weights hardly compress
FLOATS = ("float32", "float16", "bfloat16", "float64")  # numbers that become weights
AXES = 8  # most axes of an array
CHECKPOINTS = (".pth", ".pt", ".th", ".bin", ".pth.tar")  # suffixes of PyTorch's files
KERNELS = {2: "dense", 4: "conv", 5: "conv"}  # kinds of layers by the number of axes of their kernels
NORM = ("gamma", "beta", "moving_mean", "moving_variance")


def mapped(path: str | os.PathLike) -> mmap.mmap:
    """A file as bytes that are read from the disk when they are used.

    Raises:
        ValueError: The file is empty.
    """
    with open(path, "rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def check_claim(claimed: int, size: int) -> None:
    """Refuses a file of `size` bytes that claims to hold `claimed` bytes, more than it can.

    Raises:
        ValueError: It claims more than `MOST` times its size.
    """
    if claimed > MOST * size:
        raise ValueError(f"It has {size} bytes and claims to hold {claimed}.")


def view(
    name: str,
    buffer: Any,
    kind: str,
    shape: Sequence[int],
    start: int = 0,
    strides: Sequence[int] | None = None,
) -> np.ndarray:
    """An array of numbers in a buffer, without a copy.

    Args:
        name: Name of the tensor, for the message.
        buffer: Bytes, or a mapped file.
        kind: Name of the type of the numbers, such as "float32". They are little-endian.
        shape: Shape of the array.
        start: Place of its first number in the buffer, in bytes.
        strides: Steps along the axes, in numbers; None for those of a contiguous array.

    Raises:
        ValueError: The numbers are of no type in `FLOATS`, or not all of them are in the buffer.
    """
    if kind not in FLOATS:
        raise ValueError(f"{name!r} holds {kind}, where weights are {', '.join(FLOATS)}.")
    dtype = float_type(kind)
    if len(shape) > AXES:
        raise ValueError(f"{name!r} claims to have {len(shape)} axes.")
    whole = [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]
    strides = whole if strides is None else strides
    if len(strides) != len(shape) or min((start, *shape, *strides), default=0) < 0:
        raise ValueError(f"{name!r} claims a shape that no weights have.")
    # The place of the last number, and the count, since a step of 0 repeats numbers.
    last = sum((side - 1) * step for side, step in zip(shape, strides, strict=True)) if 0 not in shape else -1
    if start + max(last + 1, math.prod(shape)) * dtype.itemsize > len(buffer):
        raise ValueError(f"{name!r} of shape {tuple(shape)} claims more numbers than the file has for it.")
    return np.ndarray(shape, dtype, buffer, start, [step * dtype.itemsize for step in strides])


def float_type(kind: str) -> np.dtype:
    """The type of numpy of one of `FLOATS`, little-endian."""
    if kind == "bfloat16":
        import ml_dtypes

        return np.dtype(ml_dtypes.bfloat16)
    return np.dtype(kind).newbyteorder("<")


def finite(unit: Unit) -> Unit:
    """A unit with arrays of float32. It reads the arrays, and so is best called when they are used.

    Raises:
        ValueError: An array has a number that is not finite, or a variance is negative.
    """
    with np.errstate(over="ignore"):
        values = {weight: np.asarray(array, "float32") for weight, array in unit.values.items()}
    for weight, array in values.items():
        if not np.isfinite(array).all():
            raise ValueError(f"The {weight} of {unit.name!r} has numbers that are not finite in float32")
        if weight == "moving_variance" and (array < 0).any():
            raise ValueError(f"The {weight} of {unit.name!r} has negative numbers")
    return Unit(unit.name, unit.kind, values)


def layer(name: str, values: Mapping[str, np.ndarray]) -> Unit:
    """The unit of a layer, given its arrays by Keras's names and in Keras's layout.

    Raises:
        ValueError: They are not those of a convolution, dense layer or batch normalization.
    """
    for weight, array in values.items():
        if array.dtype.name not in FLOATS:
            raise ValueError(f"The {weight} of {name!r} holds {array.dtype}, not one of {', '.join(FLOATS)}.")
    shapes = ", ".join(f"{weight} {array.shape}" for weight, array in values.items())
    if "kernel" in values and set(values) <= {"kernel", "bias"}:
        kernel = values["kernel"]
        if kernel.ndim in KERNELS and all_of(kernel.shape[-1], values, but="kernel"):
            return Unit(name, KERNELS[kernel.ndim], values)
    elif values and set(values) <= set(NORM) and all_of(next(iter(values.values())).size, values):
        return Unit(name, "norm", values)
    raise ValueError(f"{name!r} has weights of no layer of ours: {shapes or 'none'}.")


def all_of(channels: int, values: Mapping[str, np.ndarray], but: str | None = None) -> bool:
    """Whether all arrays, except that of the name `but`, are vectors with a number for each channel."""
    return all(array.shape == (channels,) for weight, array in values.items() if weight != but)


def depthwise(kernel: np.ndarray) -> np.ndarray:
    """The kernel of a depthwise convolution, (*window, inputs, multiplier), as that of one with groups."""
    return kernel.reshape(*kernel.shape[:-2], 1, -1)


def names(found: Iterable[str], most: int = 5) -> str:
    """The first of some names, for a message."""
    found = list(found)
    return ", ".join(repr(name[:80]) for name in found[:most]) + (", ..." if len(found) > most else "")
