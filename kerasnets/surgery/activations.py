"""What can be told of an activation by trying it."""

import numpy as np
from keras import ops

PROBE = np.linspace(-8, 8, 34, dtype="float32")[None]


def is_elementwise(function):
    """Whether an activation treats each value by itself, as ReLU does and softmax does not."""
    alone, among = (applied(function, x) for x in (PROBE, np.concatenate([PROBE, PROBE + 1], axis=1)))
    return alone.shape == PROBE.shape and np.allclose(among[:, : alone.size], alone, rtol=1e-5, atol=1e-6)


def is_idempotent(function):
    """Whether an activation, elementwise, leaves what it gave as it is when it comes a second time."""
    once = applied(function, PROBE)
    return np.allclose(applied(function, once), once, rtol=1e-6, atol=1e-7)


def applied(function, x):
    """What a function makes of an array, as an array."""
    return ops.convert_to_numpy(function(ops.convert_to_tensor(x)))
