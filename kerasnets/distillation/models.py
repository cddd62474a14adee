"""Checks of the models that distillation takes."""

import keras

from kerasnets.assembly.outputs import end_of
from kerasnets.checks import refuse


def check_logits(argument, model):
    """Refuses a model that ends in a softmax.

    Args:
        argument: Name of the argument that `model` came as.
        model: A keras.Model.

    Raises:
        ValueError: It is no model, or its output is squashed; the message names the way out.
    """
    if not isinstance(model, keras.Model):
        refuse(argument, "a keras.Model", model)
    end = end_of(model)
    if end and end.activation:
        refuse(
            argument,
            "a model that gives logits: build it with classifier_activation=None, or pass "
            "kerasnets.distillation.as_logits(model)",
            f"{model.name} ending in {end.activation}",
        )


def classes_of(model):
    """Number of a model's logits, or None if it does not tell before it is called."""
    outputs = getattr(model, "outputs", None)
    return outputs[0].shape[-1] if outputs else None
