"""Loading weights from files."""

import os
import pathlib
import zipfile

import keras
import numpy as np

from kerasnets.graph import set_weights
from kerasnets.layers import parts

SUFFIXES = (".weights.h5", ".keras")
# The errors that Keras, h5py and zipfile raise for a damaged file or one of another net.
UNREADABLE = (ValueError, TypeError, OSError, KeyError, RuntimeError, zipfile.BadZipFile)


def check_path(path: str | os.PathLike) -> None:
    """Refuses a path that is not that of an existing file of weights.

    Args:
        path: Path of a ".weights.h5" or ".keras" file.

    Raises:
        ValueError: `path` has another suffix, or there is no such file.
    """
    if not isinstance(path, (str, os.PathLike)) or not str(path).endswith(SUFFIXES):
        raise ValueError(
            "`weights` is None, 'imagenet' or the path of a .weights.h5 or .keras file. "
            f"Received: weights={path!r}"
        )
    if not pathlib.Path(path).is_file():
        raise ValueError(f"`weights` is the path of an existing file. Received: weights={str(path)!r}")


def load(model: keras.Model, path: str | os.PathLike, net: keras.Model | None = None) -> keras.Model:
    """Loads the weights of a file into a model.

    Args:
        model: A built keras.Model.
        path: Path of a ".weights.h5" or ".keras" file of the same net.
        net: The part of `model` that a file of the net alone fills, if other layers are before it. A file of
            all of `model` fills the other layers too.

    Returns:
        `model`.

    Raises:
        ValueError: The file is missing or damaged, or contains another net.
    """
    check_path(path)
    path, net = str(path), net or model
    try:
        if path.endswith(".weights.h5"):
            load_h5(model if size(path) == model.count_params() else net, path)
        else:
            stored = keras.saving.load_model(path, compile=False)
            part = model if stored.count_params() == model.count_params() else net
            set_weights(part, stored.get_weights())
    except UNREADABLE as error:
        raise ValueError(
            f"`weights` is a file with the weights of {model.name} as built here. Loading failed: {error} "
            f"Received: weights={path!r}"
        ) from error
    return model


def load_h5(model: keras.Model, path: str) -> None:
    """Loads the weights of an HDF5 file into a model.

    Keras matches layers by class and order. A memory-efficient net has layers of other classes, so if Keras
    fails, layers are matched by name.
    """
    try:
        model.load_weights(path)
    except ValueError:
        stored = read_h5(path)
        own = {part.name: part for layer in model.layers for part in parts(layer) if part.weights}
        if set(stored) != set(own):
            raise
        for name, layer in own.items():
            layer.load_own_variables(stored[name])


def size(path: str) -> int:
    """The number of values in the layers of an HDF5 file of weights, without states of random generators."""
    import h5py

    sizes = []

    def add(place, node):
        if isinstance(node, h5py.Dataset) and place.startswith("layers/") and "seed_generator" not in place:
            sizes.append(node.size)

    with h5py.File(path) as file:
        file.visititems(add)
    return sum(sizes)


def read_h5(path: str) -> dict[str, dict[str, np.ndarray]]:
    """Reads an HDF5 file of weights.

    Returns:
        For each layer name, the arrays as `load_own_variables` takes them.
    """
    import h5py

    stored = {}

    def read(place, node):
        if isinstance(node, h5py.Dataset) and "name" in node.parent.attrs:
            if node.external or node.is_virtual:
                raise ValueError("The file links to other files.")
            stored.setdefault(node.parent.attrs["name"], {})[place.rpartition("/")[2]] = node[()]

    with h5py.File(path) as file:
        file.visititems(read)
    return stored
