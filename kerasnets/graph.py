"""Graphs of layers, which all operations on models use.

All of Keras's private names that this package uses are in this file, and in no other.
"""

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from types import ModuleType
from typing import Any

import keras

from kerasnets.checks import refuse

RECURSION_LIMIT = 50_000  # enough for nets of thousands of layers


@contextlib.contextmanager
def no_values() -> Iterator[None]:
    """Within it, models are built without values of their weights, in a fifth of the time and no memory."""
    from keras.src.backend.common import global_state

    waiting = global_state.get_global_attribute("uninitialized_variables", [], set_to_default=True)
    before = len(waiting)
    try:
        with keras.StatelessScope(initialize_variables=False):
            yield
    finally:
        del waiting[before:]  # else the next such scope would initialize these weights


@contextlib.contextmanager
def deep_recursion() -> Iterator[None]:
    """Raises Python's recursion limit, since Keras traverses graphs recursively."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, RECURSION_LIMIT))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


# Whole models.


def has_graph(model: Any) -> bool:
    """Whether an object is a functional model, or a Sequential with an input shape."""
    return isinstance(model, keras.Model) and bool(getattr(model, "inputs", None))


def check_graph(model: Any) -> None:
    """Refuses an object that has no graph of layers."""
    if not has_graph(model):
        refuse("model", "a functional keras.Model, or a Sequential with an input shape", model)


def functional(model: keras.Model) -> keras.Model:
    """The functional form of a functional or sequential model."""
    if isinstance(model, keras.Sequential):
        return keras.Model(model.inputs[0], model.outputs[0], name=model.name)
    return model


def output_of(model: keras.Model) -> Any:
    """The outputs of a functional or sequential model, in their structure."""
    return model.outputs[0] if isinstance(model, keras.Sequential) else model.output


def tensors(structure: Any) -> list:
    """The Keras tensors in nested tuples, lists and dicts."""
    return [x for x in keras.tree.flatten(structure) if keras.utils.is_keras_tensor(x)]


def named(x: Any, name: str) -> Any:
    """Names the operation that produced a tensor, since the functions of `keras.ops` take no name.

    Args:
        x: A Keras tensor. Other tensors have no operation, and nothing is done.
        name: Name of the operation.

    Returns:
        `x`.
    """
    if keras.utils.is_keras_tensor(x):
        x._keras_history.operation.name = name
    return x


def fresh_inputs(structure: Any) -> Any:
    """New inputs with the shapes, dtypes, names and structure of given Keras tensors."""
    return keras.tree.map_structure(
        lambda x: keras.Input(batch_shape=x.shape, dtype=x.dtype, name=x.name), structure
    )


def run(model: keras.Model, inputs: Any, visit: Callable, spread: bool = True) -> Any:
    """Runs tensors through the graph of a model.

    Args:
        model: A functional or sequential model.
        inputs: Tensors, in the structure of the model's inputs or as a list.
        visit: Function that takes a layer or another operation, and returns what is called in its place.
        spread: Whether the layers of nested models are visited; if not, the nested models themselves are.

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
    """A new model whose inputs have the structure of another model's inputs.

    Args:
        model: The other model.
        inputs: List of Keras tensors.
        outputs: Keras tensors.
        name: Name of the new model, or None for the name of the other.
    """
    inputs = keras.tree.pack_sequence_as(functional(model).input, inputs)
    return keras.Model(inputs, outputs, name=name or model.name)


def with_outputs(model: keras.Model, outputs: Any, name: str | None = None) -> keras.Model:
    """A model with the same inputs and layers that returns other tensors of its graph.

    Args:
        model: A functional or sequential model.
        outputs: Keras tensors of its graph.
        name: Name of the new model, or None for the name of `model`.
    """
    return model_of(model, model.inputs, outputs, name)


def flat(model: keras.Model) -> keras.Model:
    """The same model with the same layers as one graph, in which nested models are inlined."""
    model = functional(model)
    if not any(has_graph(layer) for layer in model.layers):
        return model
    inputs = fresh_inputs(model.input)
    return keras.Model(inputs, run(model, inputs, lambda layer: layer), name=model.name)


def flat_with(model: keras.Model) -> tuple[keras.Model, dict[str, Any]]:
    """Flattens a model as `flat` does, and finds the outputs of its layers in the new graph.

    Args:
        model: A functional or sequential model.

    Returns:
        The flat model, and for the name of each layer of `model`, nested models included, the output of the
        layer's first call in the graph of the flat model. Layers inside nested models are left out.
    """
    model, found = functional(model), {}
    inputs = fresh_inputs(model.input)
    found.update({x.name: x for x in tensors(inputs)})

    def visit(operation):
        def call(*xs, **options):
            if has_graph(operation):
                result = run(operation, xs, lambda layer: layer)
            else:
                result = operation(*xs, **options)
            found.setdefault(operation.name, result)
            return result

        return call

    outputs = run(model, inputs, visit, spread=False)
    return keras.Model(inputs, outputs, name=model.name), found


def outputs_of(model: keras.Model) -> dict[str, Any]:
    """The output of each layer in the graph of a model, by the layer's name: that of its first call there.

    `layer.output` is that of the layer's first call anywhere, which may be in another model.
    """
    found = {}
    for node in nodes(functional(model), inputs=True):
        found.setdefault(node.operation.name, node.outputs[0] if len(node.outputs) == 1 else node.outputs)
    return found


# Calls of layers: each has `operation`, `input_tensors` and `outputs`.


def nodes(model: keras.Model, inputs: bool = False) -> list:
    """Calls of layers in a functional model, in topological order.

    Args:
        model: A functional model.
        inputs: Whether to include its inputs, as calls without input tensors.
    """
    depths = sorted(model._nodes_by_depth, reverse=True)
    return [node for d in depths for node in model._nodes_by_depth[d] if inputs or not node.is_input]


def in_order_of_making(model: keras.Model) -> list[keras.Layer]:
    """The layers of a functional model in the order in which they were first called.

    Keras numbers the tensors that layers make. A model that was read from a file or cloned has another order.
    """

    def first(layer):
        numbers = (x.name.removeprefix("keras_tensor") for x in layer._inbound_nodes[0].output_tensors)
        return min(int(number.strip("_") or 0) for number in numbers)

    layers = [layer for layer in functional(model).layers if not isinstance(layer, keras.layers.InputLayer)]
    return sorted(layers, key=first)


def source(layer: keras.Layer) -> Any:
    """The layer that a layer of one input reads; None for a part of a layer that has several."""
    return producer(layer.input).operation if layer._inbound_nodes else None


def producer(tensor: keras.KerasTensor) -> Any:
    """The call of a layer that produced a Keras tensor."""
    operation, index, _ = tensor._keras_history
    return operation._inbound_nodes[index]


def trail(tensor: keras.KerasTensor) -> Iterator[tuple[Any, tuple]]:
    """The chain of calls that leads to a Keras tensor, the last call first.

    The chain ends at an input of the model, or with a call that does not have exactly one input tensor.
    Nested models are entered.

    Args:
        tensor: A Keras tensor.

    Yields:
        Tuples of a call and the calls of nested models that contain it, outermost first.
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
    """Computes a tensor of a nested model in the outer graph.

    Args:
        tensor: A Keras tensor of the nested model.
        within: The calls of nested models that contain it, as `trail` yields them.

    Returns:
        The corresponding Keras tensor of the outer graph.
    """
    for outer in reversed(within):
        inner = functional(outer.operation)
        if any(x is tensor for x in inner.inputs):
            tensor = outer.input_tensors[position(tensor, inner.inputs)]
        else:
            tensor = with_outputs(inner, tensor)(*outer.arguments.args, **outer.arguments.kwargs)
    return tensor


def repeat(call: Any, tensor: keras.KerasTensor, instead: Any = None) -> Any:
    """Repeats a call for another tensor in place of the one that it reads, and returns its outputs.

    Args:
        call: A call of a layer.
        tensor: The other tensor.
        instead: The input tensor that it replaces; None for the only one.
    """
    args, kwargs = call.arguments.fill_in({id(call.input_tensors[0] if instead is None else instead): tensor})
    return call.operation(*args, **kwargs)


def replaced(
    tensor: keras.KerasTensor, last: Any, within: tuple, change: Callable, made: dict
) -> keras.KerasTensor:
    """Computes a tensor anew, with a change of one of the calls in the chain that leads to it.

    Nested models stay nested. Each one that contains the call is replaced by a new one, which shares its
    layers. If the old one is called elsewhere too, the new one has layers of its own with the same
    variables, because Keras saves a layer only once.

    Args:
        tensor: A Keras tensor.
        last: A call of the chain that `trail` yields for the tensor.
        within: The calls of nested models that contain it, as `trail` yields them.
        change: Function of that call which returns the Keras tensor to put in the place of its output.
        made: Dict of the new layers, to which new nested models are added.

    Returns:
        A Keras tensor of the same graph as `tensor`.
    """
    call = producer(tensor)
    if call is last:
        return change(call)
    place = position(tensor, call.outputs)
    if any(call is outer for outer in within):
        old, key = call.operation, (id(call.operation), place)
        if key not in made:
            outputs = list(old.outputs)
            outputs[place] = replaced(outputs[place], last, within, change, made)
            outputs = distinct(outputs, made)
            new = with_outputs(old, keras.tree.pack_sequence_as(output_of(old), outputs))
            called_too = any(operation is old for operation in operations(call.input_tensors))
            made[key] = keras.models.clone_model(new, clone_function=twin) if called_too else new
        return keras.tree.flatten(made[key](*call.arguments.args, **call.arguments.kwargs))[place]
    read = next(x for x in call.input_tensors if any(other is last for other, _ in trail(x)))
    return keras.tree.flatten(repeat(call, replaced(read, last, within, change, made), read))[place]


def operations(tensors: Sequence) -> list:
    """All layers and other operations of one graph that lead to Keras tensors."""
    tensors, found = list(tensors), {}
    while tensors:
        call = producer(tensors.pop())
        if id(call) not in found:
            found[id(call)] = call
            tensors += call.input_tensors
    return [call.operation for call in found.values()]


def distinct(outputs: list, made: dict) -> list:
    """Renames new layers whose names other layers of the same graph have.

    Args:
        outputs: Keras tensors, the outputs of the graph.
        made: Dict of new layers, of this and other graphs.

    Returns:
        `outputs`.
    """
    present = operations(outputs)
    for layer in made.values():
        others = {operation.name for operation in present if operation is not layer}
        while layer.name in others and any(operation is layer for operation in present):
            layer.name += "_logits"
    return outputs


def position(tensor: keras.KerasTensor, tensors: Sequence) -> int:
    """The index of a Keras tensor in a sequence, compared by identity."""
    return next(i for i, x in enumerate(tensors) if x is tensor)


def calls(operation: Any) -> list:
    """All calls of a layer or another operation, in the graphs of any models."""
    return operation._inbound_nodes


# Layers.


def all_layers(layer: keras.Layer) -> list[keras.Layer]:
    """A layer or model and all layers inside it, at any depth, each once."""
    return layer._flatten_layers()


def set_weights(layer: keras.Layer, values: Sequence) -> None:
    """Sets the weights of a layer or model, and what Normalization layers compute from theirs.

    Args:
        layer: A built layer or model.
        values: Arrays, in the order of `layer.weights`.
    """
    layer.set_weights(values)
    finalize(layer)


def finalize(layer: keras.Layer) -> None:
    """Makes Normalization layers in a layer or model compute again what they compute from their weights."""
    for part in all_layers(layer):
        if isinstance(part, keras.layers.Normalization) and part.built:
            part.finalize_state()


def share_weights(layer: keras.Layer, other: keras.Layer) -> None:
    """Builds a layer so that it shares the variables of another layer of its class.

    Args:
        layer: A layer that is not built.
        other: A layer that is built.
    """
    for attribute, value in vars(other).items():
        # None stands for a bias that is not there; flags tell whether LoRA is on.
        if isinstance(value, (keras.Variable, bool, type(None))):
            setattr(layer, attribute, value)
    layer.built = True
    layer._build_shapes_dict = other._build_shapes_dict


def twin(layer: keras.Layer, **config: Any) -> keras.Layer:
    """A layer with the variables of another, and with some changes of its configuration."""
    copy = type(layer).from_config({**layer.get_config(), **config})
    share_weights(copy, layer)
    return copy


def module_of(operation: Any) -> str:
    """The module of Keras that defines the class of an operation, such as "ops.numpy"; "" outside Keras."""
    return type(operation).__module__.partition("keras.src.")[2]


def draw_seeds(layer: keras.Layer, generator: keras.random.SeedGenerator) -> None:
    """Makes a random layer of Keras use a seed generator, for layers that take none as an argument."""
    layer._get_seed_generator = lambda backend=None: generator


# Training.


def summed_penalty(model: keras.Model, loss: Any) -> Any:
    """The term that a layer's loss, such as weight decay, adds to a model's loss on each replica."""
    return model._aggregate_additional_loss(loss)


@contextlib.contextmanager
def gradients_as_given(optimizer: keras.Optimizer) -> Iterator[None]:
    """Within it, an optimizer takes gradients as already summed over all replicas, and does not sum them."""
    name = "_all_reduce_sum_gradients"
    if not hasattr(optimizer, name):
        raise RuntimeError(
            f"keras {keras.__version__} is not supported: its optimizers have no method `{name}`"
        )
    setattr(optimizer, name, lambda pairs: pairs)
    try:
        yield
    finally:
        delattr(optimizer, name)


class VariableRates:
    """A mixin that gives each variable its own learning rate; a base class before Keras's optimizer.

    The weight decay of Keras's optimizers is a share of the learning rate, so it is multiplied too. Clipping
    and moving averages are those of the optimizer.

    Args:
        *args: Arguments of the optimizer.
        factors: For each trainable variable, in order, the number by which its learning rate is multiplied.
        **kwargs: Arguments of the optimizer.
    """

    def __init__(self, *args: Any, factors: Sequence[float], **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.factors = tuple(factors)

    def build(self, variables: Sequence) -> None:
        """Builds the optimizer for as many variables as there are factors."""
        if len(variables) != len(self.factors):
            refuse("factors", f"a number for each of {len(variables)} trainable variables", self.factors)
        super().build(variables)

    def _apply_weight_decay(self, variables):
        """Does nothing: `update_step` applies weight decay, on TensorFlow on the device of each variable."""

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Updates a variable at its own rate."""
        factor = self.factors[self._get_variable_index(variable)]
        rate = learning_rate if factor == 1 else learning_rate * factor
        if self.weight_decay is not None and self._use_weight_decay(variable):
            decay = keras.ops.cast(self.weight_decay, variable.dtype) * keras.ops.cast(rate, variable.dtype)
            self.assign_sub(variable, variable * decay)
        super().update_step(gradient, variable, rate)

    def get_config(self) -> dict[str, Any]:
        """The configuration, with the factors."""
        return {**super().get_config(), "factors": list(self.factors)}


@contextlib.contextmanager
def no_gradients() -> Iterator[None]:
    """Within it, PyTorch does not record what is computed; the other backends do not record by themselves."""
    if keras.backend.backend() != "torch":
        yield
        return
    import torch

    with torch.no_grad():
        yield


def keras_home() -> str:
    """The folder in which Keras keeps its settings and what it downloads."""
    from keras.src.backend import config

    return config.keras_home()


def tensorflow_functions() -> ModuleType:
    """Keras's numpy functions for TensorFlow tensors, which tf.data needs under any backend."""
    from keras.src.backend.tensorflow import numpy

    return numpy
