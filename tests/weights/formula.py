"""Values that names of weights determine, with which peers and our nets are filled to compare them."""

import zlib

import numpy as np


def value(name, shape):
    """The values of a weight of PyTorch, as training could have left them; float32."""
    shape = tuple(shape)
    rng = np.random.Generator(np.random.SFC64(zlib.crc32(name.encode())))
    noise = rng.random(shape, "float32") * 2 - 1
    kind = name.rpartition(".")[2]
    if kind == "running_var":
        return 1 + noise / 2
    if len(shape) == 1:
        return 1 + noise / 2 if kind == "weight" else noise / 4
    return noise * np.float32(np.sqrt(6 / np.prod(shape[1:])))


def images(shape):
    """An image, (1, *grid, channels); float32."""
    return np.random.Generator(np.random.SFC64(1)).normal(size=(1, *shape)).astype("float32")
