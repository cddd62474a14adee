"""Heads taken off, and the features that they read."""

import keras
from keras import layers

from kerasnets.assembly.heads import POOLINGS, outputs_of, pool
from kerasnets.checks import nearest, refuse
from kerasnets.graph import check_graph, deep_recursion, flat, nodes, producer
from kerasnets.surgery.strides import strides_of

SQUASHING = ("softmax", "sigmoid")
# What may stand between a classifier and the output, beside pooling and a linear activation.
NEUTRAL = ("Dropout", "Flatten", "Identity", "Reshape")


def drop_aux_heads(model):
    """The net without the auxiliary heads that helped to train it.

    Args:
        model: A functional model whose output is a dict with "predictions".

    Returns:
        A model that shares its weights and gives the predictions alone.

    Raises:
        ValueError: `model` has no such output.
    """
    predictions = outputs_of(model)["predictions"]
    inputs = model.inputs[0] if len(model.inputs) == 1 else model.inputs
    return keras.Model(inputs, predictions, name=model.name)


@deep_recursion()
def features(model, layer=None, pooling=None):
    """The net without its classifier: a vector of features for each image.

    The classifier is the dense layer at the end, or, before a softmax, a sigmoid or a layer "predictions",
    the last layer with weights; dropout before it is left out too. A net that ends otherwise has none, and
    gives its features already. Maps become vectors by pooling, other features by flattening.

    Args:
        model: Any functional or sequential model of one output. Of a dict of outputs, "predictions" count.
        layer: Name of the layer whose output is taken, or None for what the classifier reads.
        pooling: None, or "avg" or "max" for the mean or the largest value of each of the last maps, where
            dense layers that stand on these are left out too. None takes the mean where need be.

    Returns:
        A keras.Model that shares its weights and gives (batch, features).

    Raises:
        ValueError: `model` has no graph of layers or several outputs, it has no such layer, or no maps to
            pool.
    """
    check_graph(model)
    if pooling not in POOLINGS:
        refuse("pooling", "one of None, 'avg', 'max'", pooling)
    net = body(model) if layer is None else up_to(model, layer)
    if len(net.outputs) != 1:
        refuse("model", "a net of one output, or of a dict with 'predictions'", model)
    (x,), steps = net.outputs, strides_of(net)
    if pooling and id(x) not in steps:
        maps = [y for node in nodes(net) for y in node.outputs if id(y) in steps]
        if not maps:
            refuse("pooling", f"None for {model.name}, which has no maps", pooling)
        x = maps[-1]
    if id(x) in steps:
        x = pool(x, pooling or "avg", name="features_")
    elif x.ndim > 2:
        x = layers.Flatten(name="features_flatten")(x)
    return keras.Model(net.input, x, name=f"{model.name}_features")


def body(model):
    """A net as one graph without its classifier, and without auxiliary heads beside "predictions".

    Args:
        model: A functional or sequential model.

    Returns:
        A functional model of the same layers; of several outputs, unless these are a dict with "predictions",
        all are kept.
    """
    model = flat(model)
    outputs = model.output
    if isinstance(outputs, dict) and "predictions" in outputs:
        x = outputs["predictions"]
    elif len(model.outputs) == 1:
        (x,) = model.outputs
    else:
        return model
    call = classifier(x)
    if call:
        (x,) = call.input_tensors
        while isinstance(producer(x).operation, layers.Dropout):
            (x,) = producer(x).input_tensors
    return keras.Model(model.input, x, name=model.name)


def up_to(model, layer):
    """A net as one graph up to the layer of a name.

    Args:
        model: A functional or sequential model.
        layer: Name of one of its layers.

    Returns:
        A functional model of the same layers.

    Raises:
        ValueError: It has no such layer; the message has the nearest names.
    """
    model = flat(model)
    made = {node.operation.name: node.outputs for node in nodes(model)}
    if layer not in made:
        raise ValueError(
            f"`layer` is None or the name of a layer of {model.name}.{nearest(layer, made)} "
            f"Received: layer={layer!r}"
        )
    return keras.Model(model.input, made[layer], name=model.name)


def classifier(scores):
    """The call of the layer that classifies, or None where there is none.

    Args:
        scores: Keras tensor of the output of a model.

    Returns:
        A node of the graph.
    """
    if scores.ndim != 2:
        return None
    x, certain, pooled = scores, False, False
    while True:
        call = producer(x)
        layer = call.operation
        if len(call.input_tensors) != 1:
            return None
        squashes = activation_of(layer) in SQUASHING
        normalises = isinstance(layer, layers.BatchNormalization)
        if getattr(layer, "weights", ()) and not (certain and normalises):
            ends = isinstance(layer, layers.Dense) and (squashes or activation_of(layer) == "linear")
            return call if certain or ends else None
        if layer.name == "predictions" or (squashes and not pooled):
            certain = True
        pools = "Pooling" in type(layer).__name__
        neutral = pools or type(layer).__name__ in NEUTRAL or activation_of(layer) == "linear"
        if not (certain or neutral):
            return None
        pooled = pooled or pools
        (x,) = call.input_tensors


def activation_of(layer):
    """Name of a layer's activation, or of the operation that it is, in lower case."""
    return getattr(getattr(layer, "activation", None), "__name__", type(layer).__name__.lower())
