"""Graphs of layers, on which every operation on models stands.

All that the package uses of Keras beyond its public names is in this file, and in no other.
"""

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from types import ModuleType
from typing import Any

import keras

from kerasnets.checks import refuse

DEPTH = 50_000  # calls within one another; nets of thousands of layers need that many


@contextlib.contextmanager
def no_values() -> Iterator[None]:
    """Nets built here have weights of shapes alone, which takes a fifth of the time and no memory."""
    try:
        with keras.StatelessScope(initialize_variables=False):
            yield
    finally:
        keras.backend.clear_session()  # or the next such scope would fill them


@contextlib.contextmanager
def deep_recursion() -> Iterator[None]:
    """Raises Python's recursion limit, for Keras walks down a graph by one call within another."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, DEPTH))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


# Whole models.


def has_graph(model: Any) -> bool:
    """Whether an object is a functional model, or a Sequential one with an input shape."""
    return isinstance(model, keras.Model) and bool(getattr(model, "inputs", None))


def check_graph(model: Any) -> None:
    """Refuses what has no graph of layers."""
    if not has_graph(model):
        refuse("model", "a functional keras.Model, or a Sequential with an input shape", model)


def functional(model: keras.Model) -> keras.Model:
    """The functional form of a model, which a Sequential one has too."""
    if isinstance(model, keras.Sequential):
        return keras.Model(model.inputs[0], model.outputs[0], name=model.name)
    return model


def tensors(structure: Any) -> list:
    """The Keras tensors in nested tuples, lists and dicts."""
    return [x for x in keras.tree.flatten(structure) if keras.utils.is_keras_tensor(x)]


def named(x: Any, name: str) -> Any:
    """Names the operation that gives a tensor, since the functions of `keras.ops` take no name.

    Args:
        x: A Keras tensor; any other tensor has no operation, and nothing is done.
        name: Name of the operation.

    Returns:
        `x`.
    """
    if keras.utils.is_keras_tensor(x):
        x._keras_history.operation.name = name
    return x


def fresh_inputs(structure: Any) -> Any:
    """New inputs like Keras tensors, with their names, in the same structure."""
    return keras.tree.map_structure(
        lambda x: keras.Input(batch_shape=x.shape, dtype=x.dtype, name=x.name), structure
    )


def run(model: keras.Model, inputs: Any, visit: Callable, spread: bool = True) -> Any:
    """Runs tensors through the graph of a model.

    Args:
        model: A functional or sequential model.
        inputs: Tensors, in the structure of the model's or as a list.
        visit: Function of a layer, or of another operation, that gives what is called in its place.
        spread: Whether models nested in the model are run through too. If not, they are visited.

    Returns:
        Tensors, in the structure of the model's outputs.
    """

    def call(operation):
        if spread and has_graph(operation):
            return lambda *xs, **_: run(operation, xs, visit)
        return visit(operation)

    return functional(model)._run_through_graph(inputs, operation_fn=call)


@deep_recursion()
def model_of(model: keras.Model, inputs: list, outputs: Any, name: str | None = None) -> keras.Model:
    """A model like another.

    Args:
        model: The other model.
        inputs: List of Keras tensors; the new model takes them in the structure of the other's inputs.
        outputs: Keras tensors.
        name: Name of the model, or None for that of the other.
    """
    inputs = inputs[0] if len(inputs) == 1 else keras.tree.pack_sequence_as(model.input, inputs)
    return keras.Model(inputs, outputs, name=name or model.name)


def with_outputs(model: keras.Model, outputs: Any, name: str | None = None) -> keras.Model:
    """A model of the same inputs and the same layers that gives other tensors of its graph; as `model_of`."""
    return model_of(model, model.inputs, outputs, name)


def flat(model: keras.Model) -> keras.Model:
    """The same net, of the same layers, as one graph: nets that are nested in it are spread out."""
    model = functional(model)
    if not any(has_graph(layer) for layer in model.layers):
        return model
    inputs = fresh_inputs(model.input)
    return keras.Model(inputs, run(model, inputs, lambda layer: layer), name=model.name)


# Calls of layers: each has `operation`, `input_tensors` and `outputs`.


def nodes(model: keras.Model, inputs: bool = False) -> list:
    """Calls of layers in a functional model, each behind all those that it reads.

    Args:
        model: A functional model.
        inputs: Whether its inputs are among them, as calls that read nothing.
    """
    depths = sorted(model._nodes_by_depth, reverse=True)
    return [node for d in depths for node in model._nodes_by_depth[d] if inputs or not node.is_input]


def producer(tensor: keras.KerasTensor) -> Any:
    """The call of a layer that made a Keras tensor."""
    operation, index, _ = tensor._keras_history
    return operation._inbound_nodes[index]


def trail(tensor: keras.KerasTensor) -> Iterator[tuple[Any, tuple]]:
    """The calls that lead to a Keras tensor, the last first, up to the first of several inputs or of none.

    Models that are nested in the graph are entered.

    Args:
        tensor: A Keras tensor.

    Yields:
        (call, the calls of nested models that it is within, outermost first).
    """
    within = ()
    while True:
        call = producer(tensor)
        if has_graph(call.operation):
            within = (*within, call)
            tensor = call.operation.outputs[position(tensor, call.outputs)]
        elif call.is_input and within:
            *within, outer = within
            tensor = outer.input_tensors[position(tensor, outer.operation.inputs)]
        elif not call.is_input:
            yield call, tuple(within)
            if len(call.input_tensors) != 1:
                return
            (tensor,) = call.input_tensors
        else:
            return


def lifted(tensor: keras.KerasTensor, within: tuple) -> keras.KerasTensor:
    """The tensor of a graph that stands for one of a model nested in it.

    Args:
        tensor: A Keras tensor of the inner graph.
        within: The calls of nested models that it is within, as `trail` gives them.
    """
    for outer in reversed(within):
        inner = functional(outer.operation)
        if any(x is tensor for x in inner.inputs):
            tensor = outer.input_tensors[position(tensor, inner.inputs)]
        else:
            tensor = with_outputs(inner, tensor)(*outer.arguments.args, **outer.arguments.kwargs)
    return tensor


def repeat(call: Any, tensor: keras.KerasTensor) -> Any:
    """What a call of one input gives for another tensor."""
    args, kwargs = call.arguments.fill_in({id(call.input_tensors[0]): tensor})
    return call.operation(*args, **kwargs)


def position(tensor: keras.KerasTensor, tensors: Sequence) -> int:
    """Where a Keras tensor is among others."""
    return next(i for i, x in enumerate(tensors) if x is tensor)


def calls(operation: Any) -> list:
    """All calls of a layer, or of another operation, in the graphs of any models."""
    return operation._inbound_nodes


# Layers.


def all_layers(layer: keras.Layer) -> list[keras.Layer]:
    """A layer or model, and the layers within it at any depth, each once."""
    return layer._flatten_layers()


def share_weights(layer: keras.Layer, other: keras.Layer) -> None:
    """Builds a layer with the very variables of another of its class.

    Args:
        layer: A layer that is not built.
        other: A layer that is.
    """
    for attribute, value in vars(other).items():
        if isinstance(value, keras.Variable):
            setattr(layer, attribute, value)
    layer.built = True
    layer._build_shapes_dict = other._build_shapes_dict


def module_of(operation: Any) -> str:
    """Where in Keras the class of an operation is defined, such as "ops.numpy"; "" outside Keras."""
    return type(operation).__module__.partition("keras.src.")[2]


def draw_seeds(layer: keras.Layer, generator: keras.random.SeedGenerator) -> None:
    """Makes a random layer of Keras take its seeds from a generator, where it accepts none as an argument."""
    layer._get_seed_generator = lambda backend=None: generator


# Training.


def summed_penalty(model: keras.Model, loss: Any) -> Any:
    """What a loss of a layer, such as weight decay, adds to a model's loss on each of its replicas."""
    return model._aggregate_additional_loss(loss)


@contextlib.contextmanager
def gradients_as_given(optimizer: keras.Optimizer) -> Iterator[None]:
    """Within it, an optimizer takes gradients as summed over all replicas, and does not sum them itself."""
    name = "_all_reduce_sum_gradients"
    if not hasattr(optimizer, name):
        raise RuntimeError(f"keras {keras.__version__} sums gradients elsewhere than kerasnets expects")
    setattr(optimizer, name, lambda pairs: pairs)
    try:
        yield
    finally:
        delattr(optimizer, name)


def tensorflow_functions() -> ModuleType:
    """Keras's functions of TensorFlow's tensors, named as numpy's, which tf.data needs under any backend."""
    from keras.src.backend.tensorflow import numpy

    return numpy
