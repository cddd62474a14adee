"""The features that a net's classifier reads."""

from keras import layers

from kerasnets.assembly.heads import POOLINGS, pool
from kerasnets.assembly.outputs import classifier, main_output
from kerasnets.checks import nearest, refuse
from kerasnets.graph import check_graph, deep_recursion, flat, nodes, producer, with_outputs
from kerasnets.surgery.strides import strides_of


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
    return with_outputs(net, x, name=f"{model.name}_features")


def body(model):
    """A net as one graph without its classifier, and without auxiliary heads beside "predictions".

    Args:
        model: A functional or sequential model.

    Returns:
        A functional model of the same layers; of several outputs, unless these are a dict with "predictions",
        all are kept.
    """
    model = main_output(flat(model))
    call = classifier(model.outputs[0]) if len(model.outputs) == 1 else None
    if call is None:
        return model
    (x,) = call.input_tensors
    while isinstance(producer(x).operation, layers.Dropout):
        (x,) = producer(x).input_tensors
    return with_outputs(model, x)


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
    return with_outputs(model, made[layer])
