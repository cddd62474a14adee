"""The stages of a net: its layers in groups of one resolution, from the images to the classifier."""

from collections.abc import Mapping

import keras
from keras import layers

from kerasnets.assembly.outputs import classifier, main_output
from kerasnets.checks import refuse
from kerasnets.graph import check_graph, deep_recursion, flat, nodes
from kerasnets.surgery.strides import strides_of

# Layers that do not end a stage: they prepare the input of the layer behind them.
NO_ENDS = (layers.ZeroPadding1D, layers.ZeroPadding2D, layers.ZeroPadding3D, layers.Dropout)
NO_MAP = float("inf")  # the stride of what has no positions, such as the vectors in front of a classifier


@deep_recursion()
def stages_of(model: keras.Model) -> list[list[keras.Layer]]:
    """Groups the layers of a net into stages: a new one begins where feature maps become coarser.

    A layer belongs to the coarsest stage among those of the layers that it reads from, directly or not, so
    all that a stage reads lies in it or below it. What returns to finer maps alone begins no stage: the gates
    of squeeze-and-excitation and the masks of attention belong to the stage around them. The parallel
    resolutions of HRNet do begin new ones. Dense layers behind the last maps are a stage of their own.

    Args:
        model: A functional or sequential model of one output, or of a dict of outputs with "predictions".

    Returns:
        Lists of the layers with weights, lowest stage first. The last one is the classifier, together with
        auxiliary heads; a net that ends in any other way has no such stage.

    Raises:
        ValueError: `model` has no graph of layers or several outputs.
    """
    check_graph(model)
    whole = flat(model)
    net = main_output(whole)
    if len(net.outputs) != 1:
        refuse("model", "a net of one output, or of a dict with 'predictions'", model)
    calls = nodes(net)
    lasting = lasting_strides(net, strides_of(net))
    head = classifier(net.outputs[0])
    reached, stages = {}, {}
    for node in calls:
        below = [reached.get(id(x), 0) for x in node.input_tensors]
        stage = max([*below, *(lasting[id(x)] for x in node.outputs)])
        reached |= {id(x): stage for x in node.outputs}
        layer = node.operation
        if getattr(layer, "weights", ()) and (head is None or layer is not head.operation):
            stages[id(layer)] = min(stage, stages.get(id(layer), NO_MAP))
    groups = [
        [layer for layer in whole.layers if stages.get(id(layer)) == stage]
        for stage in sorted(set(stages.values()))
    ]
    rest = [layer for layer in whole.layers if layer.weights and id(layer) not in stages]
    return groups + ([rest] if rest else [])


@deep_recursion()
def stage_ends(model: keras.Model) -> list[str]:
    """Names of the layers that give the last feature maps of each stage, lowest stage first.

    Padding and dropout belong to the layer behind them, and maps of class scores are not feature maps.

    Args:
        model: A functional or sequential model of one output, or of a dict of outputs with "predictions".

    Returns:
        A name for each stage that has maps and layers with weights; an empty list for a net without maps.

    Raises:
        ValueError: `model` has no graph of layers.
    """
    check_graph(model)
    net = main_output(flat(model))
    strides = strides_of(net)
    lasting = lasting_strides(net, strides)
    head = classifier(net.outputs[0], certain=True) if len(net.outputs) == 1 else None
    ends, learned = {}, set()
    for node in nodes(net):
        layer, stride = node.operation, strides.get(id(node.outputs[0]))
        if head is not None and layer is head.operation:
            break
        if stride is None or stride != lasting[id(node.outputs[0])] or isinstance(layer, NO_ENDS):
            continue
        ends[stride] = layer.name
        if getattr(layer, "weights", ()):
            learned.add(stride)
    return [ends[stride] for stride in sorted(learned)]


def lasting_strides(net: keras.Model, strides: Mapping[int, int | float]) -> dict[int, int | float]:
    """The stride that lasts, of each tensor: the coarsest that all tensors of some path to the output have.

    Args:
        net: A flat functional model.
        strides: The strides of its feature maps, as `strides_of` gives them.

    Returns:
        Strides in pixels by the ids of Keras tensors, `NO_MAP` where a path without maps leads to the output.
    """
    lasting = {}
    for node in reversed(nodes(net)):
        for x in node.outputs:
            lasting[id(x)] = min(strides.get(id(x), NO_MAP), lasting.get(id(x), NO_MAP))
        through = max(lasting[id(x)] for x in node.outputs)
        for x in node.input_tensors:
            lasting[id(x)] = max(through, lasting.get(id(x), 0))
    return lasting
