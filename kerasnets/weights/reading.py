"""Reading the cards in files of weights.

A ".weights.h5" file has the card as the attribute `CARD` of the group `GROUP`, which holds the arrays. A
".keras" file, a zip archive, has it as a member in JSON, and the arrays as members in the format of numpy.
Keras reads both kinds of files and ignores the card.
"""

import io
import json
import os
import pathlib
import zipfile
import zlib
from typing import Any, NoReturn

import numpy as np

from kerasnets.checks import refuse
from kerasnets.weights.card import Card

SUFFIXES = (".weights.h5", ".keras")
GROUP, CARD = "kerasnets", "card"
WITH_ARRAYS = ("scaling", "class_names")  # fields of a card
LONG = 50_000  # longest text of an attribute, in bytes; HDF5 allows 64 KiB
# The errors that Keras, h5py and zipfile raise for a damaged file or one of another net.
DAMAGED = (OSError, EOFError, LookupError, json.JSONDecodeError, zipfile.BadZipFile, zlib.error)
UNREADABLE = (ValueError, TypeError, RuntimeError, *DAMAGED)


def check_path(path: str | os.PathLike, argument: str = "weights") -> None:
    """Refuses a path that is not that of an existing file of weights.

    Args:
        path: Path of a ".weights.h5" or ".keras" file.
        argument: Name of the argument that it is, for the message.

    Raises:
        ValueError: `path` has another suffix, or there is no such file.
    """
    if not isinstance(path, (str, os.PathLike)) or not str(path).endswith(SUFFIXES):
        refuse(argument, "the path of a .weights.h5 or .keras file", path)
    if pathlib.Path(path).is_dir():
        refuse(argument, "the path of a file, not of a folder", str(path))
    if not pathlib.Path(path).is_file():
        refuse(argument, "the path of an existing file", str(path))


def read_card(path: str | os.PathLike, argument: str = "weights") -> Card | None:
    """Reads the card of a file of weights.

    Args:
        path: Path of a ".weights.h5" or ".keras" file.
        argument: Name of the argument that it is, for the message.

    Returns:
        The `Card`, or None if the file has none, as files that Keras has saved.

    Raises:
        ValueError: There is no such file, or it is damaged.
    """
    check_path(path, argument)
    try:
        data = read_keras_card(path) if str(path).endswith(".keras") else read_h5_card(path)
        return None if data is None else Card.from_data(data)
    except UNREADABLE as error:
        refuse_damaged(argument, path, error)


def refuse_damaged(argument: str, path: str | os.PathLike, error: Exception) -> NoReturn:
    """Raises the ValueError for a file of weights that cannot be read, given the error of reading it."""
    kind = next(suffix for suffix in SUFFIXES if str(path).endswith(suffix))
    raise ValueError(
        f"`{argument}` is a file that can be read. Received: {argument}={str(path)!r}, which is damaged or "
        f"no {kind} file: {error}"
    ) from error


def read_keras_card(path):
    """The data of the card of a .keras file, or None."""
    with zipfile.ZipFile(path) as archive:
        members = archive.namelist()
        if "class_name" not in json.loads(archive.read("config.json")):
            raise ValueError("Its config.json is not that of a model.")
        if not any(name.startswith("model.weights") for name in members):
            raise ValueError("It has no weights.")
        if f"{GROUP}/{CARD}.json" not in members:
            return None

        def read(name):
            return np.load(io.BytesIO(archive.read(f"{GROUP}/{name}.npy")), allow_pickle=False)

        return card_data(archive.read(f"{GROUP}/{CARD}.json"), read)


def read_h5_card(path):
    """The data of the card of a .weights.h5 file, or None."""
    import h5py

    with h5py.File(path) as file:
        group = file.get(GROUP)
        if group is None or CARD not in group.attrs:
            return None

        def read(name):
            dataset = own_dataset(group, name)
            return dataset.asstr()[()].astype(str) if dataset.dtype.kind == "O" else dataset[()]

        return card_data(group.attrs[CARD], read)


def own_dataset(group, name):
    """A dataset of an HDF5 file, which does not link to other files."""
    import h5py

    dataset = group[name] if isinstance(group.get(name, getlink=True), h5py.HardLink) else None
    if not isinstance(dataset, h5py.Dataset) or dataset.external or dataset.is_virtual:
        raise ValueError("The file links to other files.")
    return dataset


def card_data(text: str | bytes, read: Any) -> Any:
    """The data of a card from its JSON text. `read` is a function of the name of an array."""
    data = json.loads(text)
    if not isinstance(data, dict):
        return data
    return {n: unpacked(v, read) if n in WITH_ARRAYS else v for n, v in data.items()}


def unpacked(data: Any, read: Any) -> Any:
    """Data as `packed` was given it."""
    if isinstance(data, dict):
        if set(data) == {"array"}:
            return read(str(data["array"]))
        return {name: unpacked(value, read) for name, value in data.items()}
    return data
