"""The state of a model: a fingerprint of its weights, and state that is not part of the weights."""

import hashlib
from typing import Any

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


class RandomStatesSaved:
    """What a class derived from keras.Model needs so that its files have the states of `random_states`.

    Put it before keras.Model among the bases.
    """

    def save_own_variables(self, store: Any) -> None:
        """Puts the states into the file of the model."""
        for i, state in enumerate(random_states(self)):
            store[str(i)] = state

    def load_own_variables(self, store: Any) -> None:
        """Restores the states from the file of the model."""
        for i, state in enumerate(random_states(self)):
            state.assign(store[str(i)])


def fingerprint(model: keras.Model) -> str:
    """A hash of a model's weights and their order.

    Args:
        model: A built keras.Model.

    Returns:
        A string of 16 hexadecimal digits.
    """
    digest = hashlib.sha256()
    for w in model.weights:
        value = np.ascontiguousarray(np.asarray(w))  # one copy; `convert_to_numpy` makes two
        digest.update(f"{value.dtype}{value.shape}".encode())
        digest.update(value.reshape(-1).view(np.uint8))
    return digest.hexdigest()[:16]
