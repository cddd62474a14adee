"""Models as distillation wants them: ending in logits."""

import keras
from keras import layers

from kerasnets.checks import refuse
from kerasnets.graph import producer, share_weights


def as_logits(model):
    """The same net without its last softmax.

    Args:
        model: Functional or sequential model of one output. Its last layer is a Softmax, an
            Activation, or a layer with the argument `activation`.

    Returns:
        A model that shares every weight with `model` and gives what went into the softmax; `model` itself if
        it gives logits already.

    Raises:
        ValueError: `model` has no graph, or more than one output.
    """
    if last_activation(model) is None:
        return model
    if last_activation(model) == "unknown":
        refuse("model", "a functional or sequential model with one output", model)
    last = output_layer(model)
    before = last.input
    if isinstance(last, (layers.Softmax, layers.Activation)):
        return keras.Model(model.inputs, before, name=model.name)
    twin = type(last).from_config({**last.get_config(), "activation": "linear"})
    share_weights(twin, last)
    return keras.Model(model.inputs, twin(before), name=model.name)


def last_activation(model):
    """What the output of a model is squashed with.

    Args:
        model: A keras.Model.

    Returns:
        "softmax" or "sigmoid", None for anything else, or "unknown" for a model without a graph or with
        more than one output.
    """
    if not getattr(model, "outputs", None) or len(model.outputs) != 1:
        return "unknown"
    last = output_layer(model)
    if isinstance(last, keras.Model):
        return last_activation(last)
    if isinstance(last, layers.Softmax):
        return "softmax"
    name = getattr(getattr(last, "activation", None), "__name__", None)
    return name if name in ("softmax", "sigmoid") else None


def output_layer(model):
    """The layer that gives the one output of a model, linear activations passed over."""
    last = producer(model.outputs[0]).operation
    linear = isinstance(last, layers.Activation) and last.activation is keras.activations.linear
    return producer(last.input).operation if linear else last


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
    end = last_activation(model)
    if end in ("softmax", "sigmoid"):
        refuse(
            argument,
            "a model that gives logits: build it with classifier_activation=None, or pass "
            "kerasnets.distillation.as_logits(model)",
            f"{model.name} ending in {end}",
        )


def classes_of(model):
    """Number of a model's logits, or None if it does not tell before it is called."""
    outputs = getattr(model, "outputs", None)
    return outputs[0].shape[-1] if outputs else None
