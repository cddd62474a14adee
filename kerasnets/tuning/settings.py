"""What determines a search, described as JSON data, so that its folder can remember it."""

import hashlib
from typing import Any

import keras
import numpy as np


def described(value: Any) -> Any:
    """Describes an argument of a search.

    Args:
        value: Numbers, texts, arrays, datasets, functions and other objects, in tuples, lists and dicts.

    Returns:
        JSON data. Equal values have equal descriptions, in every process. An array is described by its type,
        its shape and a hash of its content, a dataset by the types and shapes of its batches and their
        number, and a function or another object by its name or that of its class.
    """
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, dict):
        return {str(key): described(v) for key, v in value.items()}
    if isinstance(value, (tuple, list)):
        return [described(v) for v in value]
    if hasattr(value, "element_spec"):
        count = int(value.cardinality())
        kinds = [f"{spec.dtype.name} {spec.shape}" for spec in keras.tree.flatten(value.element_spec)]
        return f"{', '.join(kinds)}, batches: {count if count >= 0 else 'unknown'}"
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        array = keras.ops.convert_to_numpy(value)
        return f"{array.dtype} {array.shape}, hash {hashed([array]):016x}"
    return getattr(value, "__name__", type(value).__name__)


def described_validation(data: Any) -> Any:
    """Describes validation data as `described` does, a finite dataset by a hash of its examples too.

    The order of the examples does not matter. Training data is not read, since it is augmented and shuffled.
    """
    if not hasattr(data, "element_spec") or int(data.cardinality()) < 0:
        return described(data)
    total = 0
    for batch in data:
        leaves = [keras.ops.convert_to_numpy(leaf) for leaf in keras.tree.flatten(batch)]
        total += sum(map(hashed, zip(*leaves, strict=True)))
    return f"{described(data)}, hash {total % 2**64:016x}"


def hashed(arrays: Any) -> int:
    """A hash of the contents of some arrays, a whole number below 2^64."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    return int.from_bytes(digest.digest()[:8], "big")
