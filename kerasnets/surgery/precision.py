"""Nets that compute in another precision."""

import keras

from kerasnets.checks import refuse
from kerasnets.graph import fresh_inputs, model_of, tensors
from kerasnets.surgery.copies import Copies
from kerasnets.surgery.recording import record


def with_precision(model: keras.Model, policy: str) -> keras.Model:
    """Returns a copy of a net that computes in another precision.

    The layers that give the outputs keep their own precision, unless the policy is "float32".

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
    ends = {id(x) for x in tensors(recording.outputs)}
    last = {id(call.operation) for call in recording.calls if any(id(x) in ends for x in call.output_tensors)}
    copies = Copies()

    def replace(call, *args, **kwargs):
        changes = {"dtype": policy} if policy == "float32" or id(call.operation) not in last else {}
        return copies.of(call.operation, **changes)(*args, **kwargs)

    inputs = fresh_inputs(recording.inputs)
    outputs = recording.replay(inputs, replace)
    copies.fill()
    return model_of(model, inputs, outputs)
