"""A model's graph as a list of calls, which can be replayed with other layers or on other inputs."""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any

import keras

from kerasnets.checks import is_ints, refuse
from kerasnets.graph import check_graph, run, tensors


@dataclasses.dataclass(frozen=True)
class Call:
    """One call of one operation.

    Attributes:
        operation: A Keras layer or operation.
        args: Its positional arguments.
        kwargs: Its keyword arguments.
        outputs: The Keras tensors that it returns, in their structure.
    """

    operation: Any
    args: tuple
    kwargs: dict
    outputs: Any

    @property
    def input_tensors(self) -> list:
        """The Keras tensors among the arguments."""
        return tensors((self.args, self.kwargs))

    @property
    def output_tensors(self) -> list:
        """The Keras tensors that the call returns, as a list."""
        return tensors(self.outputs)

    def __str__(self):
        return describe(self.operation)


@dataclasses.dataclass(frozen=True)
class Recording:
    """The calls of a model.

    Attributes:
        inputs: List of Keras tensors.
        calls: List of one `Call` for each call of an operation, in topological order.
        outputs: Keras tensors, in the structure of the model's outputs.
    """

    inputs: list
    calls: list[Call]
    outputs: Any

    def readers(self) -> dict[int, list[Call]]:
        """The calls that read each tensor, by its id."""
        readers: dict[int, list[Call]] = {}
        for call in self.calls:
            for x in call.input_tensors:
                readers.setdefault(id(x), []).append(call)
        return readers

    def replay(self, inputs: Sequence, replace: Callable) -> Any:
        """Repeats every call on new tensors.

        Args:
            inputs: Tensors that replace the recording's inputs.
            replace: Function of a `Call` and of its new arguments that returns the new outputs.

        Returns:
            New outputs, in the structure of the model's outputs.
        """
        new = {id(old): x for old, x in zip(self.inputs, inputs, strict=True)}

        def renew(x):
            return new[id(x)] if keras.utils.is_keras_tensor(x) else x

        for call in self.calls:
            args, kwargs = keras.tree.map_structure(renew, (call.args, call.kwargs))
            outputs = keras.tree.flatten(replace(call, *args, **kwargs))
            new.update((id(old), x) for old, x in zip(call.output_tensors, outputs, strict=True))
        return keras.tree.map_structure(renew, self.outputs)


def record(model: keras.Model, window: Sequence[int] | None = None) -> Recording:
    """Records the calls of a model and of the models nested in it, with the shapes of their outputs.

    Args:
        model: A functional or sequential keras.Model. It is not changed.
        window: Size in pixels of its one input, where the model leaves sides open, or None.

    Returns:
        A `Recording`.

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
    calls: list[Call] = []
    outputs = run(model, inputs, lambda operation: functools.partial(add_call, calls, operation))
    return Recording(inputs, calls, outputs)


def add_call(calls: list[Call], operation: Any, /, *args: Any, **kwargs: Any) -> Any:
    """Appends the call of an operation to `calls`, and returns its outputs as Keras tensors."""
    outputs = operation.compute_output_spec(*args, **kwargs)
    # The tensors are made anew because some operations return the very tensors that they read.
    outputs = keras.tree.map_structure(lambda x: keras.KerasTensor(x.shape, dtype=x.dtype), outputs)
    calls.append(Call(operation, args, kwargs, outputs))
    return outputs


def describe(operation: Any) -> str:
    """Name and class of an operation, for error messages."""
    return f"{operation.name} ({type(operation).__name__})"
