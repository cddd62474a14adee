"""Checks of the models that distillation takes, and their main outputs."""

from typing import Any

import keras

from kerasnets.assembly.outputs import are_lengths, end_at, gives_probabilities, main_of
from kerasnets.checks import refuse
from kerasnets.graph import has_graph, output_of


def check_logits(argument: str, model: Any) -> None:
    """Refuses a model that ends in a softmax or a sigmoid, with its main output or an auxiliary one.

    Args:
        argument: Name of the argument, for the error message.
        model: A keras.Model.

    Raises:
        ValueError: `model` is not a keras.Model, its outputs are not logits, or it is unknown which of them
            is the main one. The message says how to get logits, where that is possible.
    """
    if not isinstance(model, keras.Model):
        refuse(argument, "a keras.Model", model)
    heads = [None]
    if has_graph(model):
        outputs = output_of(model)
        heads = [main_of(outputs, argument), *auxiliary(outputs)]
        if heads[0].ndim < 2:
            refuse(argument, "a model that gives logits, (batch, classes)", tuple(heads[0].shape))
    for scores in heads:
        if scores is not None and are_lengths(scores):
            lengths = f"{model.name}, which gives lengths of capsules"
            refuse(
                argument, "a model that gives logits, not scores that are trained by a margin loss", lengths
            )
        if gives_probabilities(model, scores):
            end = None if scores is None else end_at(scores).activation
            refuse(
                argument,
                "a model that gives logits: build it with classifier_activation=None, or pass "
                "kerasnets.distillation.as_logits(model)",
                f"{model.name} ending in {end}" if end else f"{model.name}, whose outputs add up to 1",
            )


def count_logits(model: keras.Model) -> int | None:
    """Number of a model's main logits, or None if it is unknown before the model is called."""
    return main_of(output_of(model)).shape[-1] if has_graph(model) else None


def auxiliary(outputs: Any) -> list:
    """The outputs of auxiliary heads: all but the main one that have its shape."""
    main = main_of(outputs)
    flat = keras.tree.flatten(outputs)
    return [x for x in flat if x is not main and tuple(x.shape) == tuple(main.shape)]
