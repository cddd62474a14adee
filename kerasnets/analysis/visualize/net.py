"""A model up to a layer or to its scores, which runs one call after another, forward and back."""

import copy
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from kerasnets.analysis.visualize.backward import split
from kerasnets.analysis.walk import channels_first
from kerasnets.assembly.outputs import are_lengths, as_logits, only_main
from kerasnets.checks import is_int, nearest, refuse
from kerasnets.gradients import compiled, with_gradient
from kerasnets.graph import check_graph, functional, has_graph, no_gradients, output_of, producer
from kerasnets.layers import parts
from kerasnets.recording import Call, record


class Net:
    """A model up to a layer, or up to its scores, for images of a shape.

    Scores are the main output of the model without its last softmax or sigmoid; those of a CapsNet are the
    lengths of its capsules.

    Attributes:
        name: Name of the model.
        layer: The layer or other operation at the end; None for the scores.
        path: Its name, in a nested model "MODEL/LAYER".
        calls: The `Call` objects that lead to it, in the order in which they run.
        start: Keras tensor of the images.
        end: Keras tensor of its output.
        often: Whether it will run more than once, so that it is compiled on TensorFlow too.
    """

    often = True

    def __init__(
        self, model: keras.Model, layer: keras.Layer | str | None = None, shape: Sequence[int] | None = None
    ) -> None:
        """Lists the calls that lead to a layer.

        Args:
            model: A functional or sequential model of one input, channels last.
            layer: The layer or its name, or None for the scores.
            shape: Shape of an image, which counts if the model leaves sides open.

        Raises:
            ValueError: The model is another one, or has no such layer.
        """
        check_model(model)
        self.name = model.name
        self.path, self.layer = (None, None) if layer is None else find(model, layer)
        window = tuple(shape[:-1]) if shape and None in model.inputs[0].shape[1:-1] else None
        recording = record(scored(model) if layer is None else model, window)
        self.start = recording.inputs[0]
        if layer is None:
            self.end = recording.outputs
        else:
            call = next(call for call in recording.calls if call.operation is self.layer)
            self.end = call.outputs
            if not keras.utils.is_keras_tensor(self.end) or self.end.ndim < 2:
                refuse("layer", "one that gives one tensor, (batch, ..., channels)", self.path)
        self.calls = leading_to([self.end], recording.calls)
        self.splits: dict[int, Any] = {}

    def until(self, tensor: keras.KerasTensor) -> "Net":
        """The same up to another Keras tensor on the way."""
        net = copy.copy(self)
        vars(net).pop("forward", None)
        net.end, net.calls = tensor, leading_to([tensor], self.calls)
        return net

    @property
    def shape(self) -> tuple:
        """The shape of the output without the batch: (*grid, channels), or (units,)."""
        return tuple(self.end.shape[1:])

    @property
    def grid(self) -> tuple:
        """The sides of the maps, () for a layer without maps."""
        return self.shape[:-1]

    def run(
        self, x: Any, rule: Callable | None = None, change: Callable | None = None, bare: bool = False
    ) -> Any:
        """Runs a batch.

        Args:
            x: Tensor of images.
            rule: Function of `backward` that gives each ReLU another backward pass, or None.
            change: Function of a `Call` and its output that returns what is used in place of the output.
            bare: Whether to leave out a ReLU at the end.

        Returns:
            The tensor at the end.
        """
        if self.end is self.start:
            return x
        new = {id(self.start): x}
        left = readers(self.calls)

        def renew(x):
            return new[id(x)] if keras.utils.is_keras_tensor(x) else x

        for call in self.calls:
            args, kwargs = keras.tree.map_structure(renew, (call.args, call.kwargs))
            last = bare and call is self.calls[-1]
            outputs = self.apply(call.operation, left_out if last else rule, *args, **kwargs)
            if change is not None:
                outputs = change(call, outputs)
            for old, y in zip(call.output_tensors, keras.tree.flatten(outputs), strict=True):
                new[id(old)] = y
            for old in call.input_tensors:  # forgotten after the last call that reads it
                left[id(old)] -= 1
                if not left[id(old)] and old is not self.end:
                    new.pop(id(old), None)
        return new[id(self.end)]

    def apply(self, operation: Any, rule: Callable | None, *args: Any, **kwargs: Any) -> Any:
        """Calls an operation, with a rule for the backward pass of the ReLUs in it."""
        if rule is None:
            return operation(*args, **kwargs)
        if parts(operation) != (operation,):
            return functools.reduce(lambda x, part: self.apply(part, rule, x), parts(operation), args[0])
        if id(operation) not in self.splits:
            self.splits[id(operation)] = split(operation)
        found = self.splits[id(operation)]
        if found is None:
            return operation(*args, **kwargs)
        before, activation = found
        return rule(activation)(args[0] if before is None else before(*args, **kwargs))

    def compiled(self, function: Callable) -> Callable:
        """Compiles a function of tensors that runs the net."""
        operations = {id(call.operation): call.operation for call in self.calls}.values()
        variables = {id(v): v for one in operations for v in getattr(one, "variables", ())}
        return compiled(function, list(variables.values()), self.often)

    @functools.cached_property
    def forward(self) -> Callable:
        """The compiled function that gives the outputs at the end for a batch."""
        return self.compiled(lambda x: ops.cast(self.run(x), keras.config.floatx()))

    def outputs(self, images: np.ndarray, batch_size: int) -> np.ndarray:
        """The outputs at the end for images."""
        with no_gradients():
            return in_batches(self.forward, batch_size, images)

    def gradient_of(self, score: Callable, rule: Callable | None = None, bare: bool = False) -> Callable:
        """The gradient of scores with respect to images.

        Args:
            score: Function of the tensor at the end and of other tensors that returns a tensor.
            rule: As for `run`.
            bare: As for `run`.

        Returns:
            A compiled function of a batch of images and the other tensors.
        """
        both = with_gradient(lambda x, *others: score(self.run(x, rule, bare=bare), *others))
        return self.compiled(lambda *given: both(*given)[1])

    def units(self, unit: Any, count: int) -> np.ndarray | None:
        """The unit of each image, (count,); None if `unit` is None.

        Raises:
            ValueError: `unit` is not one or one for each image.
        """
        channels = self.shape[-1]
        if unit is None:
            return None
        found = np.asarray(unit)
        whole = np.issubdtype(found.dtype, np.integer) and found.shape in ((), (count,))
        if not whole or (found < 0).any() or (found >= channels).any():
            where = self.path or "the scores"
            allowed = (
                f"None, an index below {channels}, the number of units of {where}, or one for each image"
            )
            refuse("unit", allowed, unit)
        return np.broadcast_to(found, (count,)).astype("int32")

    def positions(self, positions: Any, count: int) -> np.ndarray | None:
        """The position of each image in the maps, (count, axes); None if `positions` is None.

        Raises:
            ValueError: `positions` is not one or one for each image.
        """
        if positions is None:
            return None
        found, axes = np.asarray(positions), len(self.grid)
        fits = axes and found.shape in ((axes,), (count, axes)) and np.issubdtype(found.dtype, np.integer)
        if not fits or (found < 0).any() or (found >= np.array(self.grid)).any():
            where = self.path or "the scores"
            allowed = f"None, a position in the maps of {where}, {self.grid}, or one for each image"
            refuse("positions", allowed if axes else f"None for {where}, which are no maps", positions)
        return np.broadcast_to(found, (count, axes)).astype("int32")

    def choose(
        self, images: np.ndarray, unit: Any, positions: Any, batch_size: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """The unit and the place in the maps of each image: those given, or else the strongest of the image.

        Args:
            images: Images.
            unit: A unit, one for each image or None.
            positions: A position in the maps, one for each image or None.
            batch_size: Number of images that run at once.

        Returns:
            Units, (images,), and places in the flattened maps, (images,).
        """
        units, positions = self.units(unit, len(images)), self.positions(positions, len(images))
        places = np.zeros(len(images), "int32")
        if positions is not None:
            places = np.ravel_multi_index(tuple(positions.T), self.grid).astype("int32")
        if units is None or (positions is None and self.grid):
            found = by_place(self.outputs(images, batch_size))
            if units is None:
                at = found.max(1) if positions is None else found[np.arange(len(found)), places]
                units = at.argmax(-1).astype("int32")
            if positions is None:
                places = found[np.arange(len(found)), :, units].argmax(-1).astype("int32")
        return units, places


def by_place(y: np.ndarray) -> np.ndarray:
    """Outputs, (batch, *grid, channels), as (batch, places, channels); without a grid, there is one place."""
    return y.reshape(len(y), -1, y.shape[-1])


def left_out(activation: Callable) -> Callable:
    """The rule that replaces a ReLU by nothing."""
    return lambda x: x


def at(y: Any, units: Any, places: Any = None) -> Any:
    """The activations of one unit for each image.

    Args:
        y: Outputs of a layer, (batch, *grid, channels).
        units: Units, (batch,).
        places: Places in the flattened maps, (batch,); None for the sum over all.

    Returns:
        A tensor, (batch,).
    """
    y = ops.reshape(ops.cast(y, keras.config.floatx()), (y.shape[0], -1, y.shape[-1]))
    y = ops.sum(y * ops.expand_dims(ops.one_hot(units, y.shape[-1], dtype=y.dtype), 1), -1)
    return ops.sum(y if places is None else y * ops.one_hot(places, y.shape[-1], dtype=y.dtype), -1)


def scored(model: keras.Model) -> keras.Model:
    """A model that gives only its main scores, without a last softmax or sigmoid."""
    net = only_main(model) if isinstance(output_of(model), (dict, list, tuple)) else model
    return net if are_lengths(net.outputs[0]) else as_logits(net)


def named_operations(model: keras.Model, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The layers and other operations of a model with their names, in nested models "MODEL/LAYER"."""
    for operation in functional(model).operations:
        if has_graph(operation):
            yield from named_operations(operation, f"{prefix}{operation.name}/")
        elif not isinstance(operation, keras.layers.InputLayer):
            yield prefix + operation.name, operation


def find(model: keras.Model, layer: keras.Layer | str) -> tuple[str, Any]:
    """Finds a layer of a model.

    Args:
        model: A functional or sequential model.
        layer: The layer, its name, or "MODEL/LAYER" in a nested model, where LAYER alone may do. A nested
            model stands for the layer that gives its first output.

    Returns:
        Its name with those of the nested models, and the layer or other operation.

    Raises:
        ValueError: There is no such layer. The message suggests similar names.
    """
    known = dict(named_operations(model))
    for nested in functional(model).operations:
        if has_graph(nested) and (nested is layer or nested.name == layer):
            name, operation = find(nested, producer(nested.outputs[0]).operation)
            return f"{nested.name}/{name}", operation
    for name, operation in known.items():
        if operation is layer or name == layer:
            return name, operation
    for name, operation in known.items():
        if isinstance(layer, str) and name.endswith(f"/{layer}"):
            return name, operation
    word = getattr(layer, "name", layer)
    raise ValueError(
        f"`layer` is a layer of {model.name}, or its name.{nearest(word, known)} Received: layer={word!r}"
    )


def leading_to(ends: Sequence, calls: Sequence[Call]) -> list[Call]:
    """Those of some calls in topological order that lead to Keras tensors."""
    needed, kept = {id(x) for x in ends}, []
    for call in reversed(calls):
        if needed & {id(x) for x in call.output_tensors}:
            needed |= {id(x) for x in call.input_tensors}
            kept.append(call)
    return kept[::-1]


def readers(calls: Sequence[Call]) -> dict[int, int]:
    """How often calls read each Keras tensor, by its id."""
    counts: dict[int, int] = {}
    for call in calls:
        for x in call.input_tensors:
            counts[id(x)] = counts.get(id(x), 0) + 1
    return counts


def opened(
    model: keras.Model, images: Any, layer: keras.Layer | str | None, batch_size: int, times: int = 1
) -> tuple[Net, np.ndarray]:
    """A model up to a layer, and images for it.

    Args:
        model: A functional or sequential model of one input, channels last.
        images: Images as the model takes them, (images, *grid, channels).
        layer: A layer or its name, or None for the scores.
        batch_size: Number of images that run at once.
        times: How often each image will run.

    Returns:
        The `Net`, and the images as an array of floating-point numbers.

    Raises:
        ValueError: One of them is not as described.
    """
    check_model(model)
    check_batch_size(batch_size)
    shape = tuple(model.inputs[0].shape[1:])
    found = np.asarray(ops.convert_to_numpy(images) if ops.is_tensor(images) else images)
    numeric = np.issubdtype(found.dtype, np.number) or found.dtype == bool
    fits = found.ndim == len(shape) + 1 and all(
        b in (None, a) for a, b in zip(found.shape[1:], shape, strict=True)
    )
    if not (numeric and fits and len(found)):
        sides = ", ".join("any" if side is None else str(side) for side in shape)
        allowed = f"a batch of images as the model takes them, (images, {sides})"
        refuse("images", allowed, found.shape if numeric else images)
    found = found.astype(keras.config.floatx(), copy=False)
    net = Net(model, layer, found.shape[1:])
    net.often = len(found) * times > batch_size
    return net, found


def check_model(model: Any) -> None:
    """Refuses what is not a model of one input with a graph of layers, channels last."""
    check_graph(model)
    if len(model.inputs) != 1 or channels_first(model):
        refuse("model", "one of one input with the channels last", model)


def check_batch_size(batch_size: Any) -> None:
    """Refuses a batch size that is not positive."""
    if not is_int(batch_size, 1):
        refuse("batch_size", "a whole number, at least 1", batch_size)


def batches(count: int, batch_size: int) -> Iterator[tuple[np.ndarray, int]]:
    """The indices of the examples of each batch, and how many of them count.

    The last batch is filled up with the last example, so that a compiled function meets one shape only.
    """
    size = min(batch_size, count)
    for start in range(0, count, size):
        yield np.minimum(np.arange(start, start + size), count - 1), min(size, count - start)


def in_batches(function: Callable, batch_size: int, *arrays: np.ndarray) -> np.ndarray:
    """Applies a function of tensors to batches of arrays, and concatenates what it returns as an array."""
    found = []
    for rows, left in batches(len(arrays[0]), batch_size):
        given = (ops.convert_to_tensor(array[rows]) for array in arrays)
        found.append(ops.convert_to_numpy(function(*given))[:left])
    return np.concatenate(found)
