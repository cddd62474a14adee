"""What the outputs of any model are: heads, scores and what squashes these, logits, and the classifier."""

import dataclasses
from typing import Any

import keras
from keras import layers

from kerasnets.checks import refuse
from kerasnets.graph import has_graph, lifted, repeat, share_weights, trail, with_outputs

MAIN = "predictions"  # the output of a net with auxiliary heads, or with a decoder, that its users want
SQUASHING = ("softmax", "sigmoid")
# What passes scores on as they are, outside training, in another shape or precision.
NEUTRAL = ("Cast", "Dropout", "Flatten", "Identity", "Reshape")


def outputs_by_name(model: keras.Model) -> dict[str, keras.KerasTensor]:
    """The outputs of a model with several heads.

    Args:
        model: A functional model whose output is a dict with "predictions".

    Returns:
        Keras tensors by name.

    Raises:
        ValueError: `model` has no such output.
    """
    outputs = getattr(model, "output", None)
    if not isinstance(outputs, dict) or MAIN not in outputs:
        refuse("model", f"a functional model whose output is a dict with {MAIN!r}", model)
    return outputs


def drop_aux_heads(model: keras.Model) -> keras.Model:
    """The net without the auxiliary heads that helped to train it.

    Args:
        model: A functional model whose output is a dict with "predictions".

    Returns:
        A model that shares its weights and gives the predictions alone.

    Raises:
        ValueError: `model` has no such output.
    """
    return with_outputs(model, outputs_by_name(model)[MAIN])


def main_output(model: keras.Model) -> keras.Model:
    """A model without the heads beside "predictions"; a model without a dict of these as it is."""
    outputs = getattr(model, "output", None)
    return drop_aux_heads(model) if isinstance(outputs, dict) and MAIN in outputs else model


@dataclasses.dataclass(frozen=True)
class End:
    """How the one output of a model comes about.

    Attributes:
        call: The last call that does more than pass scores on; None where there is none.
        activation: "softmax" or "sigmoid" if that is what it ends with, else None.
        within: Calls of nested models that it is within, outermost first.
        behind: The calls behind it, in the order of the data.
    """

    call: Any = None
    activation: str | None = None
    within: tuple = ()
    behind: tuple = ()

    @property
    def layer(self) -> Any:
        """The layer or other operation that is called; None where there is none."""
        return self.call and self.call.operation

    @property
    def reads(self) -> keras.KerasTensor:
        """What it reads, as a Keras tensor of the model's own graph."""
        return lifted(self.call.input_tensors[0], self.within)


def end_of(model: keras.Model) -> End | None:
    """How the output of a model comes about.

    Args:
        model: A keras.Model.

    Returns:
        An `End`, or None for a model without a graph of layers or with more than one output.
    """
    if not has_graph(model) or len(model.outputs) != 1:
        return None
    behind = []
    for call, within in trail(model.outputs[0]):
        activation = activation_of(call.operation)
        if activation in SQUASHING or not is_neutral(call.operation):
            return End(call, activation if activation in SQUASHING else None, within, tuple(behind[::-1]))
        behind.append(call)
    return End(behind=tuple(behind[::-1]))


def activation_of(operation: Any) -> str:
    """Name of a layer's activation, or of the operation that it is, in lower case."""
    activation = getattr(operation, "activation", None)
    named = operation if activation is None else activation
    return getattr(named, "__name__", type(named).__name__.lower())


def is_neutral(operation: Any) -> bool:
    """Whether a layer or other operation passes scores on as they are."""
    alike = type(operation).__name__ in NEUTRAL or activation_of(operation) == "linear"
    return alike and not getattr(operation, "weights", ())


def as_logits(model: keras.Model) -> keras.Model:
    """The same net without its last softmax.

    Args:
        model: Functional or sequential model of one output. The softmax, or sigmoid, is a layer, an argument
            `activation` of one, or an operation, within a nested model or not. What only reshapes or casts
            scores may stand behind it, and stays.

    Returns:
        A model that shares every weight with `model` and gives what went into the softmax; `model` itself if
        it gives logits already.

    Raises:
        ValueError: `model` has no graph, or more than one output.
    """
    end = end_of(model)
    if end is None:
        refuse("model", "a functional or sequential model with one output", model)
    if end.activation is None:
        return model
    x = end.reads
    if isinstance(end.layer, layers.Layer) and not isinstance(end.layer, (layers.Softmax, layers.Activation)):
        x = linear_twin(end.layer)(x)
    for call in end.behind:
        x = repeat(call, x)
    return with_outputs(model, x)


def linear_twin(layer: keras.Layer) -> keras.Layer:
    """A layer with the variables of another, and no activation."""
    twin = type(layer).from_config({**layer.get_config(), "activation": "linear"})
    share_weights(twin, layer)
    return twin


def classifier(scores: keras.KerasTensor) -> Any:
    """The call of the layer that classifies, or None where there is none.

    Args:
        scores: Keras tensor of the output of a model whose graph is flat.

    Returns:
        A call, as `graph.nodes` gives them.
    """
    if scores.ndim != 2:
        return None
    certain = pooled = False
    for call, _ in trail(scores):
        layer = call.operation
        if len(call.input_tensors) != 1:
            return None
        squashes = activation_of(layer) in SQUASHING
        normalizes = isinstance(layer, layers.BatchNormalization)
        if getattr(layer, "weights", ()) and not (certain and normalizes):
            ends = isinstance(layer, layers.Dense) and (squashes or activation_of(layer) == "linear")
            return call if certain or ends else None
        pools = "Pooling" in type(layer).__name__
        certain = certain or layer.name == MAIN or (squashes and not pooled)
        if not (certain or pools or is_neutral(layer)):
            return None
        pooled = pooled or pools
    return None
