"""Weights from files."""

import os
import pathlib
import zipfile

import keras

from kerasnets.layers import parts

SUFFIXES = (".weights.h5", ".keras")
# What Keras, h5py and zipfile raise for a file of another net or a damaged one.
UNREADABLE = (ValueError, TypeError, OSError, KeyError, RuntimeError, zipfile.BadZipFile)


def check_path(path):
    """Refuses a path that cannot be a file of weights.

    Args:
        path: Path of a ".weights.h5" or ".keras" file.

    Raises:
        ValueError: Another suffix, or no such file.
    """
    if not isinstance(path, (str, os.PathLike)) or not str(path).endswith(SUFFIXES):
        raise ValueError(
            "`weights` is None, 'imagenet' or the path of a .weights.h5 or .keras file. "
            f"Received: weights={path!r}"
        )
    if not pathlib.Path(path).is_file():
        raise ValueError(f"`weights` names a file that exists. Received: weights={str(path)!r}")


def load(model, path):
    """Fills a model with the weights of a file.

    Args:
        model: A built keras.Model.
        path: Path of a ".weights.h5" or ".keras" file of the same net.

    Returns:
        The model.

    Raises:
        ValueError: The file is missing or damaged, or holds another net.
    """
    check_path(path)
    path = str(path)
    try:
        if path.endswith(".weights.h5"):
            load_h5(model, path)
        else:
            model.set_weights(keras.saving.load_model(path, compile=False).get_weights())
    except UNREADABLE as error:
        raise ValueError(
            f"`weights` holds the weights of {model.name} as built here: {error} Received: weights={path!r}"
        ) from error
    return model


def load_h5(model, path):
    """Fills a model from an HDF5 file, where Keras finds a layer by its place among others of its class.

    A memory-efficient net has other classes, so where that fails, layers are found by their names.
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


def read_h5(path):
    """The arrays of an HDF5 file of weights, as layers take them, by the names of the layers."""
    import h5py

    stored = {}

    def read(place, node):
        if isinstance(node, h5py.Dataset) and "name" in node.parent.attrs:
            if node.external or node.is_virtual:
                raise ValueError("it points to other files.")
            stored.setdefault(node.parent.attrs["name"], {})[place.rpartition("/")[2]] = node[()]

    with h5py.File(path) as file:
        file.visititems(read)
    return stored
