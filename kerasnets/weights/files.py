"""Weights from files."""

import os
import pathlib
import zipfile

import keras

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
            model.load_weights(path)
        else:
            model.set_weights(keras.saving.load_model(path, compile=False).get_weights())
    except UNREADABLE as error:
        raise ValueError(
            f"`weights` holds the weights of {model.name} as built here: {error} Received: weights={path!r}"
        ) from error
    return model
