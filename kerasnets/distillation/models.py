"""Checks of the models that distillation takes, and their main outputs."""

from typing import Any

import keras

from kerasnets.assembly.outputs import MAIN, end_at
from kerasnets.checks import refuse
from kerasnets.graph import has_graph, output_of, with_outputs


def check_logits(argument: str, model: Any) -> None:
    """Refuses a model that ends in a softmax or a sigmoid, with its main output or an auxiliary one.

    Args:
        argument: Name of the argument, for the error message.
        model: A keras.Model.

    Raises:
        ValueError: `model` is not a keras.Model, its outputs are not logits, or it is unknown which of them
            is the main one. The message says how to get logits.
    """
    if not isinstance(model, keras.Model):
        refuse(argument, "a keras.Model", model)
    if not has_graph(model):
        return
    scores = main_of(output_of(model), argument)
    if scores.ndim < 2:
        refuse(argument, "a model that gives logits, (batch, classes)", tuple(scores.shape))
    for head in (scores, *auxiliary(output_of(model))):
        activation = end_at(head).activation
        if activation:
            refuse(
                argument,
                "a model that gives logits: build it with classifier_activation=None, or pass "
                "kerasnets.distillation.as_logits(model)",
                f"{model.name} ending in {activation}",
            )


def classes_of(model: keras.Model) -> int | None:
    """Number of a model's main logits, or None if it is unknown before the model is called."""
    return main_of(output_of(model)).shape[-1] if has_graph(model) else None


def main_of(outputs: Any, argument: str = "model") -> Any:
    """The main one of several outputs of a model, or of what belongs to them, such as labels.

    Args:
        outputs: A dict, of which "predictions" is the main output; a list, of which it is the first; or the
            only output.
        argument: Name of the argument that the model is, for the error message.

    Returns:
        The main output.

    Raises:
        ValueError: `outputs` is a dict without "predictions".
    """
    if isinstance(outputs, dict):
        if MAIN not in outputs:
            refuse(argument, f"a model of one output, a list of them, or a dict with {MAIN!r}", list(outputs))
        return outputs[MAIN]
    return outputs[0] if isinstance(outputs, (list, tuple)) else outputs


def auxiliary(outputs: Any) -> list:
    """The outputs of auxiliary heads: all but the main one that have its shape."""
    main = main_of(outputs)
    flat = keras.tree.flatten(outputs)
    return [x for x in flat if x is not main and tuple(x.shape) == tuple(main.shape)]


def only_main(model: keras.Model, name: str | None = None) -> keras.Model:
    """A functional or sequential model with its main output alone, which shares the weights of `model`.

    Args:
        model: A functional or sequential model.
        name: Name of the new model, or None for the name of `model`.
    """
    return with_outputs(model, main_of(output_of(model)), name)
