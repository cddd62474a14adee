"""The stages of a net: its layers in groups of one resolution, from the images to the classifier."""

import keras

from kerasnets.assembly.outputs import classifier, main_output
from kerasnets.checks import refuse
from kerasnets.graph import check_graph, deep_recursion, flat, nodes
from kerasnets.surgery.strides import strides_of

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
    strides, calls = strides_of(net), nodes(net)
    lasting = {}  # the coarsest stride that all tensors of some path to the output have
    for node in reversed(calls):
        for x in node.outputs:
            lasting[id(x)] = min(strides.get(id(x), NO_MAP), lasting.get(id(x), NO_MAP))
        through = max(lasting[id(x)] for x in node.outputs)
        for x in node.input_tensors:
            lasting[id(x)] = max(through, lasting.get(id(x), 0))
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
