"""The outputs of any model: its heads, logits and last activation, and the layer that classifies."""

import dataclasses
from typing import Any

import keras
from keras import layers

from kerasnets.checks import refuse
from kerasnets.graph import (
    check_graph,
    distinct,
    has_graph,
    lifted,
    output_of,
    replaced,
    trail,
    twin,
    with_outputs,
)
from kerasnets.weights import inherit

MAIN = "predictions"  # the main output of a net with auxiliary heads or a decoder
AUX_WEIGHT = 0.3  # of the loss of an auxiliary head: Szegedy et al. 2014, section 5
SQUASHING = ("softmax", "sigmoid")
# Layers that leave the values of scores unchanged in inference; shape and precision may change.
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
    """Removes auxiliary heads, which are needed for training only.

    Args:
        model: A functional model whose output is a dict with "predictions".

    Returns:
        A model that shares the weights of `model` and has the predictions as its only output.

    Raises:
        ValueError: `model` has no such output.
    """
    return inherit(with_outputs(model, outputs_by_name(model)[MAIN]), model, "drop_aux_heads")


def main_output(model: keras.Model) -> keras.Model:
    """The model with "predictions" as its only output; a model without such a dict is returned unchanged."""
    outputs = getattr(model, "output", None)
    return drop_aux_heads(model) if isinstance(outputs, dict) and MAIN in outputs else model


@dataclasses.dataclass(frozen=True)
class End:
    """The end of an output of a model.

    Attributes:
        call: The last call that changes the values of the scores, or None.
        activation: "softmax" or "sigmoid" if the call ends with it, else None.
        within: Calls of the nested models that contain the call, outermost first.
    """

    call: Any = None
    activation: str | None = None
    within: tuple = ()

    @property
    def layer(self) -> Any:
        """The layer or other operation that is called, or None."""
        return self.call and self.call.operation

    @property
    def reads(self) -> keras.KerasTensor:
        """The input of the call, as a Keras tensor of the model's own graph."""
        return lifted(self.call.input_tensors[0], self.within)


def end_of(model: keras.Model) -> End | None:
    """Finds the last call and the last activation of a model.

    Args:
        model: A keras.Model.

    Returns:
        An `End`, or None for a model without a graph of layers or with more than one output.
    """
    return end_at(model.outputs[0]) if has_graph(model) and len(model.outputs) == 1 else None


def end_at(scores: keras.KerasTensor) -> End:
    """Finds the last call and the last activation that lead to an output of a model."""
    for call, within in trail(scores):
        activation = activation_of(call.operation)
        if activation in SQUASHING or not is_neutral(call.operation):
            return End(call, activation if activation in SQUASHING else None, within)
    return End()


def activation_of(operation: Any) -> str:
    """Name of a layer's activation, or of the operation that it is, in lower case."""
    activation = getattr(operation, "activation", None)
    named = operation if activation is None else activation
    return getattr(named, "__name__", type(named).__name__.lower())


def is_neutral(operation: Any) -> bool:
    """Whether a layer or other operation leaves the values of scores unchanged."""
    alike = type(operation).__name__ in NEUTRAL or activation_of(operation) == "linear"
    return alike and not getattr(operation, "weights", ())


def as_logits(model: keras.Model) -> keras.Model:
    """Removes the last softmax or sigmoid of each output of a model.

    Args:
        model: Functional or sequential model. The softmax or sigmoid is a layer, the argument `activation` of
            a layer, or an operation, and may be in a nested model. Layers after it that only reshape or cast
            the scores are kept.

    Returns:
        A model that shares all weights with `model` and gives the logits; `model` itself if it already does.
        Layers and nested models keep their names, unless `model` calls them more than once.

    Raises:
        ValueError: `model` has no graph.
    """
    check_graph(model)
    ends = [end_at(scores) for scores in model.outputs]
    if not any(end.activation for end in ends):
        return model
    made = {}

    def before(call):
        """What a call gives without its activation."""
        (x,) = call.input_tensors
        layer = call.operation
        if not isinstance(layer, layers.Layer) or isinstance(layer, (layers.Softmax, layers.Activation)):
            return x
        if id(layer) not in made:
            made[id(layer)] = twin(layer, activation="linear")
        return made[id(layer)](x)

    outputs = [
        replaced(scores, end.call, end.within, before, made) if end.activation else scores
        for scores, end in zip(model.outputs, ends, strict=True)
    ]
    outputs = keras.tree.pack_sequence_as(output_of(model), distinct(outputs, made))
    return inherit(with_outputs(model, outputs), model, classifier_activation=None)


def classifier(scores: keras.KerasTensor) -> Any:
    """The call of the layer that classifies, or None.

    Args:
        scores: Keras tensor of the output of a model whose graph is flat.

    Returns:
        A call, as in `graph.nodes`, or None.
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
