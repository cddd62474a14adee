"""The features that a net's classifier reads."""

import keras
from keras import layers

from kerasnets.assembly.heads import POOLINGS, pool
from kerasnets.assembly.outputs import classifier, main_output
from kerasnets.checks import nearest, refuse
from kerasnets.graph import check_graph, deep_recursion, flat, nodes, producer, with_outputs
from kerasnets.surgery.strides import strides_of
from kerasnets.weights import inherit


@deep_recursion()
def features(model: keras.Model, layer: str | None = None, pooling: str | None = None) -> keras.Model:
    """Returns the net without its classifier, which gives a vector of features for each image.

    The classifier is the dense layer at the end. Before a softmax, a sigmoid or a layer named "predictions",
    it is the last layer with weights. Dropout in front of it is removed too. A net that ends in any other way
    has no classifier, and its outputs are the features. Feature maps become vectors by pooling. Other outputs
    are flattened.

    Args:
        model: A functional or sequential model of one output, or of a dict of outputs with "predictions",
            of which all others are ignored.
        layer: Name of the layer whose output is used, or None for what the classifier reads.
        pooling: "avg" or "max" pools the last feature maps, and leaves out any dense layers behind them. None
            uses average pooling, and only if the output consists of feature maps.

    Returns:
        A keras.Model, (batch, *grid, channels) -> (batch, features), that shares its weights with `model`.

    Raises:
        ValueError: `model` has no graph of layers or several outputs, there is no such layer, or there are no
            feature maps to pool.
    """
    check_graph(model)
    if pooling not in POOLINGS:
        refuse("pooling", "one of None, 'avg', 'max'", pooling)
    net = body(model) if layer is None else up_to(model, layer)
    if len(net.outputs) != 1:
        refuse("model", "a net of one output, or of a dict with 'predictions'", model)
    (x,), strides = net.outputs, strides_of(net)
    if pooling and id(x) not in strides:
        maps = [y for node in nodes(net) for y in node.outputs if id(y) in strides]
        if not maps:
            refuse("pooling", f"None for {model.name}, which has no feature maps", pooling)
        x = maps[-1]
    if id(x) in strides:
        x = pool(x, pooling or "avg", name="features_")
    elif x.ndim > 2:
        x = layers.Flatten(name="features_flatten")(x)
    vectors = with_outputs(net, x, name=f"{model.name}_features")
    return inherit(vectors, model, "features", names=False)


def body(model: keras.Model) -> keras.Model:
    """A net as one graph, without its classifier and without auxiliary heads beside "predictions".

    Args:
        model: A functional or sequential model.

    Returns:
        A functional model of the same layers. A model of several outputs without "predictions" keeps all of
        them.
    """
    model = main_output(flat(model))
    call = classifier(model.outputs[0]) if len(model.outputs) == 1 else None
    if call is None:
        return model
    (x,) = call.input_tensors
    while isinstance(producer(x).operation, layers.Dropout):
        (x,) = producer(x).input_tensors
    return with_outputs(model, x)


def up_to(model: keras.Model, layer: str) -> keras.Model:
    """A net as one graph, up to and including a layer.

    Args:
        model: A functional or sequential model.
        layer: Name of the layer.

    Returns:
        A functional model of the same layers.

    Raises:
        ValueError: There is no such layer. The message suggests similar names.
    """
    model = flat(model)
    outputs = {node.operation.name: node.outputs for node in nodes(model)}
    if layer not in outputs:
        raise ValueError(
            f"`layer` is None or the name of a layer of {model.name}.{nearest(layer, outputs)} "
            f"Received: layer={layer!r}"
        )
    return with_outputs(model, outputs[layer])
