"""Loads the trained weights that come with this package."""

import os

import keras

from kerasnets.layers import parts
from kerasnets.weights.files import h5_arrays


def load_packaged(net: keras.Model, path: str | os.PathLike) -> list[str]:
    """Loads the weights of a file of this package into a net as its builder has just made it.

    Args:
        net: The net, with or without the head.
        path: Path of the file.

    Returns:
        The names of the layers that stay as they were, since the net has other classes.

    Raises:
        ValueError: The file is of another net. The net is not changed then.
    """
    stored = h5_arrays(os.fspath(path))
    slots = [part for layer in net.layers for part in parts(layer) if part.weights]
    fresh = []
    for slot in slots:
        ours = [tuple(w.shape) for w in slot.weights]
        theirs = [value.shape for value in stored.get(slot.name, ())]
        if ours == theirs:
            continue
        if slot is not slots[-1] or not theirs or ours[0][:-1] != theirs[0][:-1]:
            raise ValueError(f"{slot.name} has weights of the shapes {ours}, and in the file {theirs}")
        fresh.append(slot.name)
    for slot in slots:
        if slot.name not in fresh:
            slot.set_weights([value.astype("float32") for value in stored[slot.name]])
    return fresh
