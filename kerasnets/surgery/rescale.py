"""A net for images that are scaled in another way."""

import keras

from kerasnets.assembly.preprocessing import taken
from kerasnets.checks import refuse
from kerasnets.graph import check_graph, deep_recursion, flat, fresh_inputs
from kerasnets.scaling import Scaling, agree, scaling_named
from kerasnets.weights import describe, inherit
from kerasnets.weights.card import shape_of


@deep_recursion()
def with_scaling(model: keras.Model, scaling: Scaling | str) -> keras.Model:
    """Returns a net that takes images scaled in another way and shares all weights with the given net.

    Several nets then take the same images, such as the teacher and the student of a `Distiller`:

        teacher = with_scaling(ResNet50(weights="imagenet"), "tf")

    Args:
        model: Functional or sequential model of one input, whose scaling is known.
        scaling: The scaling of the new net, a `kerasnets.scaling.Scaling` or a key of its `MODES`.

    Returns:
        A keras.Model. It undoes `scaling` and scales as `model` needs; `model` itself if these agree.

    Raises:
        ValueError: Nothing says how images are scaled for `model`, or `scaling` cannot be undone.
    """
    check_graph(model)
    ours, theirs = scaling_named(scaling), taken(model).scaling
    if theirs is None:
        allowed = "a net whose scaling is known; kerasnets.weights.describe(model, scaling=...) records it"
        refuse("model", allowed, model)
    if agree(ours, theirs, shape_of(model)):
        return model
    images = fresh_inputs(model.inputs[0])
    new = flat(keras.Model(images, model(theirs(ours.undo(images))), name=model.name))
    inherit(new, model, "with_scaling")
    describe(new, scaling=ours)
    return new
