"""Copies of a model's layers, for building a modified model."""

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import keras

from kerasnets.graph import finalize, set_weights


class Copies:
    """One copy of each layer, with its own weights and a unique name.

    Operations that are not layers have no state, and are reused unless their name is taken. Lambda layers are
    treated in the same way, because Keras does not safely recreate them from a configuration.
    """

    def __init__(self) -> None:
        self.made = {}  # by the operation's id: the operation, its copy, a function for the copy's weights
        self.names = set()

    def of(
        self,
        operation: Any,
        weights: Callable[[], Sequence] | None = None,
        kind: type | None = None,
        **changes: Any,
    ) -> Any:
        """Returns the copy of an operation, which is made at the first call.

        Args:
            operation: A Keras layer or operation.
            weights: Function that returns the weights of the copy, or None for those of the operation.
            kind: Class of the copy, or None for that of the operation.
            **changes: Arguments of the layer to change. They are ignored for operations that are not layers.
        """
        if id(operation) not in self.made:
            self.made[id(operation)] = (operation, self.copy(operation, kind, changes), weights)
        return self.made[id(operation)][1]

    def copy(self, operation, kind, changes):
        """Returns a new layer, or the same operation where no copy is needed."""
        is_layer = isinstance(operation, keras.Layer) and not isinstance(operation, keras.layers.Lambda)
        changes = changes if is_layer else {}
        if operation.name in self.names:
            numbered = (f"{operation.name}_{i}" for i in itertools.count(2))
            changes |= {"name": next(name for name in numbered if name not in self.names)}
        self.names.add(changes.get("name", operation.name))
        if not is_layer and not changes:
            return operation
        return (kind or type(operation)).from_config({**operation.get_config(), **changes})

    def fill(self) -> None:
        """Sets the weights of the copies, which must be built by now."""
        for operation, copy, weights in self.made.values():
            if copy is not operation and isinstance(copy, keras.Layer):
                if weights:
                    set_weights(copy, weights())
                    continue
                for new, old in zip(copy.weights, operation.weights, strict=True):
                    # This needs no memory in TensorFlow. JAX deletes the arrays of a model that it trains.
                    new.assign(keras.ops.copy(old))
                finalize(copy)
