"""Graphs of layers: what every operation on models stands on."""

import contextlib

import keras

from kerasnets.checks import refuse


@contextlib.contextmanager
def no_values():
    """Nets built here have weights of shapes alone, which takes a fifth of the time and no memory."""
    try:
        with keras.StatelessScope(initialize_variables=False):
            yield
    finally:
        keras.backend.clear_session()  # or the next such scope would fill them


def has_graph(model):
    """Whether an object is a functional model, or a Sequential one with an input shape."""
    return isinstance(model, keras.Model) and bool(getattr(model, "inputs", None))


def check_graph(model):
    """Refuses what has no graph of layers."""
    if not has_graph(model):
        refuse("model", "a functional keras.Model, or a Sequential with an input shape", model)


def functional(model):
    """The functional form of a model, which a Sequential one has too."""
    if isinstance(model, keras.Sequential):
        return keras.Model(model.inputs[0], model.outputs[0], name=model.name)
    return model


def tensors(structure):
    """The Keras tensors in nested tuples, lists and dicts."""
    return [x for x in keras.tree.flatten(structure) if keras.utils.is_keras_tensor(x)]


def fresh_inputs(model):
    """New inputs like those of a model, in the same structure."""
    return keras.tree.map_structure(
        lambda x: keras.Input(batch_shape=x.shape, dtype=x.dtype, name=x.name), functional(model).input
    )


def run(model, inputs, visit):
    """Runs tensors through the graph of a model, nets that are nested in it too.

    Args:
        model: A functional or sequential model.
        inputs: Tensors, in the structure of the model's.
        visit: Function of a layer, or of another operation, that gives what is called in its place.

    Returns:
        Tensors, in the structure of the model's outputs.
    """

    def call(operation):
        if has_graph(operation):
            return lambda *xs, **_: run(operation, xs, visit)
        return visit(operation)

    return functional(model)._run_through_graph(inputs, operation_fn=call)


def flat(model):
    """The same net, of the same layers, as one graph: nets that are nested in it are spread out."""
    model = functional(model)
    if not any(has_graph(layer) for layer in model.layers):
        return model
    inputs = fresh_inputs(model)
    return keras.Model(inputs, run(model, inputs, lambda layer: layer), name=model.name)


def nodes(model):
    """Calls of layers in a functional model, each behind all those that it reads."""
    depths = sorted(model._nodes_by_depth, reverse=True)
    return [node for d in depths for node in model._nodes_by_depth[d] if not node.is_input]


def producer(tensor):
    """The call of a layer that made a Keras tensor."""
    operation, index, _ = tensor._keras_history
    return operation._inbound_nodes[index]
