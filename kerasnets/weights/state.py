"""The state of a model: a fingerprint of its weights, and state that is not part of the weights."""

import hashlib

import keras
import numpy as np


def random_states(model: keras.Model) -> list[keras.Variable]:
    """The states of a model's random number generators, such as those of dropout, which Keras does not save.

    Args:
        model: A keras.Model.

    Returns:
        A list of variables, in the order of the model's variables.
    """
    return [v for v in model.variables if v.name == "seed_generator_state"]


def fingerprint(model: keras.Model) -> str:
    """A hash of a model's weights and their order.

    Args:
        model: A built keras.Model.

    Returns:
        A string of 16 hexadecimal digits.
    """
    digest = hashlib.sha256()
    for w in model.weights:
        value = np.ascontiguousarray(keras.ops.convert_to_numpy(w))
        digest.update(f"{value.dtype}{value.shape}".encode())
        digest.update(value.tobytes())
    return digest.hexdigest()[:16]
