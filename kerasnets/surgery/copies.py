"""Layers of a new model in place of those of another."""

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import keras


class Copies:
    """Copies of layers, one for each, with weights of their own and under names that are unique.

    Operations that are no layers have no state: unless their name is taken, they are their own copies. So are
    Lambda layers, which Keras does not make from a configuration.
    """

    def __init__(self) -> None:
        self.made = {}  # by id: the operation, its copy and what gives the copy its weights
        self.names = set()

    def of(
        self,
        operation: Any,
        weights: Callable[[], Sequence] | None = None,
        kind: type | None = None,
        **changes: Any,
    ) -> Any:
        """What is called in the place of an operation; the same at every call.

        Args:
            operation: A Keras layer or operation.
            weights: Function that gives the weights of the copy, or None for those of the operation.
            kind: Class of the copy, or None for that of the operation.
            **changes: Arguments of the layer that change; of other operations none do.
        """
        if id(operation) not in self.made:
            self.made[id(operation)] = (operation, self.copy(operation, kind, changes), weights)
        return self.made[id(operation)][1]

    def copy(self, operation, kind, changes):
        """A new layer, or the same operation where it needs no copy."""
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
        """Gives the copies, which are built by now, their weights."""
        for operation, copy, weights in self.made.values():
            if copy is not operation and isinstance(copy, keras.Layer):
                copy.set_weights(weights() if weights else operation.get_weights())
