"""The outputs of any model: its heads, logits and last activation, and the layer that classifies."""

import dataclasses
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from kerasnets.checks import refuse
from kerasnets.graph import (
    check_graph,
    distinct,
    functional,
    has_graph,
    lifted,
    module_of,
    no_gradients,
    output_of,
    replaced,
    trail,
    twin,
    with_outputs,
)
from kerasnets.layers import CapsuleLength
from kerasnets.weights import inherit

MAIN = "predictions"  # the main output of a net with auxiliary heads or a decoder
AUX_WEIGHT = 0.3  # of the loss of an auxiliary head: Szegedy et al. 2014, section 5
SQUASHING = ("softmax", "sigmoid")
ACTIVATIONS = (layers.Activation, layers.Lambda, layers.Softmax)
# Layers that leave the values of scores unchanged in inference; shape and precision may change.
NEUTRAL = ("Cast", "Dropout", "ExpandDims", "Flatten", "Identity", "Reshape", "Squeeze")
# Layers that make logits of logits.
MIXING = ("Add", "Average", "Dustbin", "LogMeanProbability", "Rescaling")
FREE_SIDE = 64  # of trial images for a net of any size


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
    outputs_by_name(model)  # refuses other models
    return only_main(model)


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


def are_lengths(scores: keras.KerasTensor) -> bool:
    """Whether scores are lengths of capsules, which are neither logits nor probabilities that add up to 1."""
    return isinstance(end_at(scores).layer, CapsuleLength)


def activation_of(operation: Any) -> str:
    """Name of the activation with which a layer ends, or of the operation that it is, in lower case."""
    while isinstance(operation, layers.Wrapper):  # such as TimeDistributed
        operation = operation.layer
    if has_graph(operation):
        end = end_of(operation)
        return (end and end.activation) or type(operation).__name__.lower()
    if isinstance(operation, layers.RNN):  # its activation is in the recurrence
        return type(operation).__name__.lower()
    function = operation.function if isinstance(operation, layers.Lambda) else None
    named = getattr(operation, "activation", None) or function or operation
    # TensorFlow's softmax is called softmax_v2.
    return getattr(named, "__name__", type(named).__name__.lower()).removesuffix("_v2")


def is_neutral(operation: Any) -> bool:
    """Whether a layer or other operation leaves the values of scores unchanged."""
    alike = type(operation).__name__ in NEUTRAL or activation_of(operation) == "linear"
    return alike and not getattr(operation, "weights", ())


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


def only_main(model: keras.Model, name: str | None = None) -> keras.Model:
    """A functional or sequential model with its main output alone, which shares the weights of `model`.

    Args:
        model: A functional or sequential model.
        name: Name of the new model, or None for the name of `model`.
    """
    net = with_outputs(model, main_of(output_of(model)), name)
    return inherit(net, model, aux_heads=False, decoder=False)


def gives_probabilities(model: keras.Model, scores: keras.KerasTensor | None = None) -> bool:
    """Whether the scores of a model are probabilities of classes, not logits.

    Its last layers tell. If their effect is unknown, as that of a `Lambda` or of a class of the user's own,
    the model is tried on random inputs: probabilities add up to 1.

    Args:
        model: A keras.Model.
        scores: One of its outputs, as a Keras tensor; None for the main one.
    """
    if has_graph(model):
        scores = main_of(output_of(model)) if scores is None else scores
        if end_at(scores).activation:
            return True
        if are_logits(scores):
            return False
        model = with_outputs(model, scores)
    try:
        with no_gradients():
            found = ops.convert_to_numpy(main_of(model(trial_inputs(model), training=False)))
    except Exception:  # whatever a layer says to inputs that are not its own
        return False
    found = np.asarray(found, "float64")
    several = found.ndim > 1 and found.shape[-1] > 1
    return several and bool((found >= 0).all() and np.allclose(found.sum(-1), 1, atol=0.01))


def are_logits(scores: keras.KerasTensor) -> bool:
    """Whether scores certainly are not probabilities, because linear layers of Keras lead to them."""
    for call, _ in trail(scores):
        layer = call.operation
        kind = type(layer).__name__
        if activation_of(layer) in SQUASHING:
            return False
        if getattr(layer, "weights", ()) and isinstance(layer, layers.Layer):
            return bool(module_of(layer))
        if not (is_neutral(layer) or "Pooling" in kind or kind in MIXING):
            return False
        if len(call.input_tensors) != 1:
            return all(are_logits(x) for x in call.input_tensors)
    return False


def trial_inputs(model: keras.Model) -> Any:
    """Random numbers that a model takes: two examples, in the structure of its inputs."""

    def random(shape, dtype):
        shape = [2, *(side or FREE_SIDE for side in shape[1:])]
        values = np.random.default_rng(0).normal(size=shape) if "float" in dtype else np.zeros(shape)
        return ops.convert_to_tensor(values, dtype)

    if has_graph(model):
        inputs = [random(x.shape, x.dtype) for x in model.inputs]
        return keras.tree.pack_sequence_as(functional(model).input, inputs)
    return random(model.get_build_config()["input_shape"], keras.config.floatx())


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
        ValueError: `model` has no graph, gives probabilities by other means, or gives lengths of capsules.
    """
    check_graph(model)
    ends = [end_at(scores) for scores in model.outputs]
    if any(map(are_lengths, model.outputs)):
        refuse("model", "one of logits or their softmax", f"{model.name}, which gives lengths of capsules")
    if not any(end.activation for end in ends):
        if len(ends) == 1 and gives_probabilities(model):
            allowed = "one whose last softmax is a layer of Keras, its activation or an operation"
            refuse("model", allowed, f"{model.name}, whose outputs add up to 1 by other means")
        return model
    made = {}

    def before(call):
        """What a call gives without its activation."""
        (x,) = call.input_tensors
        layer = call.operation
        if id(layer) not in made and (linear := without_activation(layer)):
            made[id(layer)] = linear
        return made[id(layer)](x) if id(layer) in made else x

    outputs = [
        replaced(scores, end.call, end.within, before, made) if end.activation else scores
        for scores, end in zip(model.outputs, ends, strict=True)
    ]
    outputs = keras.tree.pack_sequence_as(output_of(model), distinct(outputs, made))
    return inherit(with_outputs(model, outputs), model, classifier_activation=None)


def without_activation(layer: Any) -> keras.Layer | None:
    """What is left of a layer or operation that ends with an activation; None for nothing.

    Of a layer that is an activation, one without effect is left: the name "predictions" tells `classifier`
    that the layers before it classify.
    """
    if not isinstance(layer, layers.Layer):
        return None
    if isinstance(layer, ACTIVATIONS):
        return layers.Activation("linear", dtype=layer.dtype_policy, name=layer.name)
    if has_graph(layer):
        return as_logits(layer)
    if not isinstance(layer, layers.Wrapper):
        return twin(layer, activation="linear")
    if not isinstance(layer, layers.TimeDistributed):
        refuse("model", "one whose last activation is not inside a wrapper", layer)
    linear = without_activation(layer.layer)
    return linear and layers.TimeDistributed(linear, name=layer.name)


def classifier(scores: keras.KerasTensor, certain: bool = False) -> Any:
    """The call of the layer that classifies, or None.

    Args:
        scores: Keras tensor of the output of a model whose graph is flat.
        certain: Whether these certainly are scores of classes, so that a layer classifies. Otherwise the last
            layers tell, for example pooled feature maps from pooled class maps.

    Returns:
        A call, as in `graph.nodes`, or None.
    """
    if scores.ndim != 2:
        return None
    pooled = False
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
