"""Readers of the files of other frameworks. None of them executes anything that is in a file.

Each gives a list of `kerasnets.weights.units.Unit` in the order of the file. What a file claims to hold is
compared with its size before memory is allocated for it. Other files to which it refers are not read.
"""

import importlib
import os
import pathlib
import struct
from typing import Any

from kerasnets.checks import refuse
from kerasnets.weights.readers.common import CHECKPOINTS, finite
from kerasnets.weights.reading import UNREADABLE
from kerasnets.weights.units import Unit

__all__ = ["SUFFIXES", "check_file", "finite", "read_units"]

PYTORCH = (*CHECKPOINTS, ".zip")
HDF5 = (".h5", ".hdf5")
# Modules of readers: the suffixes of their files, and the packages that they need.
READERS = {
    "safetensors": ((".safetensors",), ("safetensors",)),
    "pytorch": (PYTORCH, ()),
    "hdf5": (HDF5, ()),
    "onnx": ((".onnx",), ("onnx",)),
    "caffe": ((".caffemodel",), ("google.protobuf",)),
}
SUFFIXES = tuple(suffix for suffixes, _ in READERS.values() for suffix in suffixes)
# The first bytes of a file: what it is, and the suffixes that it may have. Files without any are refused.
STARTS = {
    b"PK\x03\x04": ("a zip archive", PYTORCH),
    b"\x89HDF\r\n\x1a\n": ("an HDF5 file", HDF5),
    b"version https://git-lfs": ("a pointer of git-lfs in place of the file", ()),
    b"<!DOCTYPE": ("a page of HTML", ()),
    b"<html": ("a page of HTML", ()),
}
BROKEN = (*UNREADABLE, OverflowError, struct.error)  # what readers raise for a damaged file


def check_file(path: Any, argument: str = "weights") -> None:
    """Refuses what is not the path of an existing file of one of `SUFFIXES`.

    Args:
        path: The path.
        argument: Name of the argument that has the path, for the message.

    Raises:
        ValueError: `path` has another suffix, there is no such file, or its first bytes are those of another
            kind of file.
    """
    if not isinstance(path, (str, os.PathLike)) or not str(path).endswith(SUFFIXES):
        refuse(argument, f"the path of a file that ends in {', '.join(SUFFIXES)}", path)
    if not pathlib.Path(path).is_file():
        refuse(argument, "the path of an existing file", str(path))
    with open(path, "rb") as file:
        start = file.read(max(map(len, STARTS)))
    for first, (what, suffixes) in STARTS.items():
        if start.startswith(first) and not str(path).endswith(suffixes):
            refuse(argument, f"a file of the kind that its name says, not {what}", str(path))


def read_units(path: str | os.PathLike, argument: str = "weights") -> list[Unit]:
    """The layers of a file of weights of PyTorch, Keras, ONNX or Caffe.

    Args:
        path: Path of the file, whose suffix is one of `SUFFIXES`.
        argument: Name of the argument that has the path, for the message.

    Returns:
        A list of units in the order of the file. Some of their arrays are views of the file and are read only
        when they are used; `finite` gives a unit with arrays in float32.

    Raises:
        ValueError: There is no such file, it is damaged, or it has anything but weights of layers of ours.
        ModuleNotFoundError: A package that reads such files is not installed.
    """
    check_file(path, argument)
    name = next(n for n, (suffixes, _) in READERS.items() if str(path).endswith(suffixes))
    try:
        for package in READERS[name][1]:
            importlib.import_module(package)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"`{argument}` {str(path)!r} needs {error.name}: pip install 'kerasnets[weights]'",
            name=error.name,
        ) from error
    reader = importlib.import_module(f"{__name__}.{name}")
    try:
        units = reader.read(path)
        if not units:
            raise ValueError("It has no layers with weights.")
        return units
    except BROKEN as error:
        raise ValueError(
            f"`{argument}` is a file that can be read. Received: {argument}={str(path)!r}, which is damaged "
            f"or no file of trained weights: {error}"
        ) from error
