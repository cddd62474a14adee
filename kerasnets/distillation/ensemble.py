"""Several nets as one, that can teach."""

import keras
from keras import layers

from kerasnets.checks import refuse
from kerasnets.distillation.models import check_logits, classes_of
from kerasnets.graph import with_outputs
from kerasnets.layers import LogMeanProbability

MEANS = {"geometric": layers.Average, "arithmetic": LogMeanProbability}


def Ensemble(models, mean="geometric", name="ensemble"):
    """One model that gives the mean of what several say.

    Source: Hinton, Vinyals, Dean 2015, arXiv:1503.02531, section 2: "an arithmetic or geometric mean of their
    individual predictive distributions".

    Args:
        models: Two functional models or more that give logits of the same classes, from inputs of one shape.
            Their weights are shared, not copied.
        mean: "geometric", of probabilities: the mean of the logits; or "arithmetic", of probabilities.
        name: Name of the model.

    Returns:
        A keras.Model of one input that gives logits, (batch, classes).

    Raises:
        ValueError: A model ends in a softmax, inputs or classes differ, or `mean` is another word.
    """
    if mean not in MEANS:
        refuse("mean", f"one of {', '.join(map(repr, MEANS))}", mean)
    if not isinstance(models, (tuple, list)) or len(models) < 2:
        refuse("models", "a list of two models or more", models)
    for model in models:
        check_logits("models", model)
        if not getattr(model, "inputs", None) or len(model.inputs) != 1:
            refuse("models", "functional models of one input", model)
    shapes = {(tuple(model.inputs[0].shape[1:]), classes_of(model)) for model in models}
    if len(shapes) > 1:
        refuse("models", "of one input shape and one number of classes", shapes)
    first = models[0].inputs[0]
    inputs = keras.Input(first.shape[1:], dtype=first.dtype, name=first.name)
    logits = []
    for i, model in enumerate(models):
        # Names in a model are unique.
        member = with_outputs(model, model.outputs[0], name=f"member{i}")
        logits.append(member(inputs))
    return keras.Model(inputs, MEANS[mean](name="logits")(logits), name=name)
