"""Nets that compute in another precision."""

import keras

from kerasnets.checks import refuse
from kerasnets.graph import fresh_inputs, model_of, tensors
from kerasnets.surgery.copies import Copies
from kerasnets.surgery.recording import record


def with_precision(model, policy):
    """The same net, computing in another precision; layers that give its outputs keep theirs, or get float32.

    Args:
        model: A functional or sequential model; models nested in it are spread out.
        policy: Name of a dtype policy of Keras, such as "mixed_bfloat16": weights in float32, the rest not.

    Returns:
        A keras.Model, uncompiled, with weights of its own.

    Raises:
        ValueError: `model` has no graph of layers, or there is no such policy.
    """
    try:
        keras.DTypePolicy(policy if isinstance(policy, str) else "")
    except ValueError:
        refuse("policy", "the name of a dtype policy of Keras", policy)
    recording = record(model)
    ends = {id(x) for x in tensors(recording.outputs)}
    last = {id(call.operation) for call in recording.calls if any(id(x) in ends for x in call.gives)}
    copies = Copies()

    def make(call, *args, **kwargs):
        changes = {"dtype": policy} if policy == "float32" or id(call.operation) not in last else {}
        return copies.of(call.operation, **changes)(*args, **kwargs)

    inputs = fresh_inputs(recording.inputs)
    outputs = recording.replay(inputs, make)
    copies.fill()
    return model_of(model, inputs, outputs)
