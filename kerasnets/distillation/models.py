"""Checks of the models that distillation takes."""

from typing import Any

import keras

from kerasnets.assembly.outputs import MAIN, end_of
from kerasnets.checks import refuse


def check_logits(argument: str, model: Any) -> None:
    """Refuses a model that ends in a softmax or a sigmoid.

    Args:
        argument: Name of the argument, for the error message.
        model: A keras.Model.

    Raises:
        ValueError: `model` is not a keras.Model, or its output is not logits. The message says how to get
            logits.
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


def classes_of(model: keras.Model) -> int | None:
    """Number of a model's logits, or None if it is unknown before the model is called."""
    outputs = getattr(model, "outputs", None)
    return outputs[0].shape[-1] if outputs else None


def main_of(outputs: Any) -> Any:
    """The main one of a model's outputs: "predictions" of a dict, the first of a list, or the only one."""
    if isinstance(outputs, dict):
        return outputs[MAIN]
    return outputs[0] if isinstance(outputs, (list, tuple)) else outputs
