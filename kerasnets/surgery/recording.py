"""The graph of a model as a list of calls, which can be replayed with other layers or on other inputs."""

import dataclasses
import functools
from typing import Any

import keras

from kerasnets.checks import is_ints, refuse
from kerasnets.graph import check_graph, run, tensors


@dataclasses.dataclass(frozen=True)
class Call:
    """One call of one operation.

    Attributes:
        operation: A Keras layer or operation.
        args: What it is called with.
        kwargs: Likewise, by name.
        outputs: Keras tensors, in the structure in which it gives them.
    """

    operation: Any
    args: tuple
    kwargs: dict
    outputs: Any

    @property
    def reads(self):
        """The Keras tensors that it is called with."""
        return tensors((self.args, self.kwargs))

    @property
    def gives(self):
        """The Keras tensors that it gives."""
        return tensors(self.outputs)

    def __str__(self):
        return words(self.operation)


@dataclasses.dataclass(frozen=True)
class Recording:
    """The calls that a model makes.

    Attributes:
        inputs: List of Keras tensors.
        calls: List of a `Call` for each operation, in the order in which data meets them.
        outputs: Keras tensors, in the structure of the model's.
    """

    inputs: list
    calls: list
    outputs: Any

    def readers(self):
        """The calls that read a tensor, by its id."""
        readers = {}
        for call in self.calls:
            for x in call.reads:
                readers.setdefault(id(x), []).append(call)
        return readers

    def replay(self, inputs, make):
        """Makes every call again, on new tensors.

        Args:
            inputs: Tensors in place of the recording's.
            make: Function of a `Call`, and of the new arguments, that gives the new outputs.

        Returns:
            New outputs, in the structure of the model's.
        """
        new = {id(old): x for old, x in zip(self.inputs, inputs, strict=True)}

        def renew(x):
            return new[id(x)] if keras.utils.is_keras_tensor(x) else x

        for call in self.calls:
            args, kwargs = keras.tree.map_structure(renew, (call.args, call.kwargs))
            made = keras.tree.flatten(make(call, *args, **kwargs))
            new.update((id(old), x) for old, x in zip(call.gives, made, strict=True))
        return keras.tree.map_structure(renew, self.outputs)


def record(model, window=None):
    """Follows shapes through the graph of a model, and through the models nested in it.

    Args:
        model: A functional or sequential keras.Model.
        window: Sides of its one input where the model leaves them free, or None.

    Returns:
        A `Recording`. The model is not changed.

    Raises:
        ValueError: `model` has no graph of layers, or `window` does not fit its input.
    """
    check_graph(model)
    inputs = [keras.KerasTensor(x.shape, dtype=x.dtype, name=x.name) for x in model.inputs]
    if window is not None:
        sides = inputs[0].shape[1:-1]
        fits = is_ints(window, 1) and len(window) == len(sides)
        fits = fits and all(old in (None, new) for new, old in zip(window, sides, strict=True))
        if not fits or len(inputs) > 1:
            refuse("window", f"None or whole numbers that fit the sides {sides} of the input", window)
        shape = (None, *window, inputs[0].shape[-1])
        inputs = [keras.KerasTensor(shape, dtype=inputs[0].dtype, name=inputs[0].name)]
    calls = []
    outputs = run(model, inputs, lambda operation: functools.partial(add_call, calls, operation))
    return Recording(inputs, calls, outputs)


def add_call(calls, operation, /, *args, **kwargs):
    """Adds the call of an operation to a list of `Call`s, and gives its outputs as Keras tensors."""
    made = operation.compute_output_spec(*args, **kwargs)
    # New tensors, for some operations give the very ones that they read.
    made = keras.tree.map_structure(lambda x: keras.KerasTensor(x.shape, dtype=x.dtype), made)
    calls.append(Call(operation, args, kwargs, made))
    return made


def words(operation):
    """An operation as messages name it."""
    return f"{operation.name} ({type(operation).__name__})"
