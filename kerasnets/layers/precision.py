"""The precision of sums, for which half precision is too coarse."""

import keras
from keras import KerasTensor, ops


def at_least_float32(dtype: str) -> str:
    """The dtype itself if it is float32 or more precise, else "float32"."""
    return keras.backend.result_type(dtype, "float32")


def in_float32(x: KerasTensor) -> KerasTensor:
    """A tensor in float32, or in its own dtype if that is more precise."""
    return ops.cast(x, at_least_float32(keras.backend.standardize_dtype(x.dtype)))
