"""Properties of activation functions, found by applying them to sample values."""

from collections.abc import Callable
from typing import Any

import numpy as np
from keras import ops

SAMPLES = np.linspace(-8, 8, 34, dtype="float32")[None]  # (1, values)


def is_elementwise(function: Callable) -> bool:
    """Whether an activation acts on each value independently, as ReLU does and softmax does not."""
    more = np.concatenate([SAMPLES, SAMPLES + 1], axis=1)
    alone, with_others = (apply(function, x) for x in (SAMPLES, more))
    if alone.shape != SAMPLES.shape:
        return False
    return np.allclose(with_others[:, : alone.size], alone, rtol=1e-5, atol=1e-6)


def is_idempotent(function: Callable) -> bool:
    """Whether applying an elementwise activation f twice changes nothing: f(f(x)) = f(x)."""
    once = apply(function, SAMPLES)
    return np.allclose(apply(function, once), once, rtol=1e-6, atol=1e-7)


def apply(function: Callable, x: Any) -> np.ndarray:
    """Applies a function of tensors to an array, and returns an array."""
    return ops.convert_to_numpy(function(ops.convert_to_tensor(x)))
