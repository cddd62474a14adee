"""Nets that compute in another precision."""

from collections.abc import Iterator
from typing import Any

import keras

from kerasnets.assembly.outputs import classifier
from kerasnets.checks import refuse
from kerasnets.graph import flat, fresh_inputs, model_of, output_of, trail
from kerasnets.recording import record
from kerasnets.surgery.copies import Copies
from kerasnets.weights import inherit

SCORES = ("logits", "predictions", "probabilities")  # names of outputs


def with_precision(model: keras.Model, policy: str) -> keras.Model:
    """Returns a copy of a net that computes in another precision.

    The layers that give the outputs keep their own precision, from the classifier on where there is one,
    unless the policy is "float32". Outputs named "logits", "predictions" or "probabilities" always have a
    classifier.

    Args:
        model: A functional or sequential model. Models nested in it are flattened.
        policy: Name of a Keras dtype policy, such as "mixed_bfloat16", which keeps the weights in float32 and
            computes in bfloat16.

    Returns:
        A keras.Model, uncompiled, with its own weights.

    Raises:
        ValueError: `model` has no graph of layers, or `policy` is unknown.
    """
    try:
        keras.DTypePolicy(policy if isinstance(policy, str) else "")
    except ValueError:
        refuse("policy", "the name of a dtype policy of Keras", policy)
    recording = record(model)
    last = set() if policy == "float32" else {id(layer) for layer in last_layers(model)}
    copies = Copies()

    def replace(call, *args, **kwargs):
        changes = {} if id(call.operation) in last else {"dtype": policy}
        return copies.of(call.operation, **changes)(*args, **kwargs)

    inputs = fresh_inputs(recording.inputs)
    outputs = recording.replay(inputs, replace)
    copies.fill()
    return inherit(model_of(model, inputs, outputs), model)


def last_layers(model: keras.Model) -> Iterator[Any]:
    """The layers and operations that give a model's outputs: from the classifier on, or only the last."""
    outputs = output_of(flat(model))
    named = outputs if isinstance(outputs, dict) else dict(enumerate(keras.tree.flatten(outputs)))
    for name, scores in named.items():
        last = classifier(scores, certain=name in SCORES)
        for call, _ in trail(scores):
            yield call.operation
            if last is None or call is last:
                break
