"""Batch normalization as convolutions, for runtimes that run these in one pass."""

import collections

import keras
from keras import layers

from kerasnets.graph import fresh_inputs, model_of, set_weights, tensors
from kerasnets.recording import Call, Recording, record
from kerasnets.surgery.copies import Copies
from kerasnets.surgery.fold import NORMS, always_trains, scale_of
from kerasnets.weights import inherit


def norms_as_convolutions(model: keras.Model) -> keras.Model:
    """Returns the same net for inference, with depthwise convolutions of 1x1 for batch normalization.

    Batch normalization scales and shifts each channel, and so does such a convolution with its bias.
    TensorFlow fuses it with a ReLU behind it into one pass over the feature maps. Batch normalization itself
    needs a pass to scale, one to shift and one for the ReLU, and computes in float32 even where the layers
    around it are in bfloat16. This matters where it stands before the convolutions, as in DenseNet.

    Args:
        model: A functional or sequential model of images, after `fold_batch_norm`.

    Returns:
        A keras.Model, uncompiled, with its own weights. It is not for training. Layers keep their names.

    Raises:
        ValueError: `model` has no graph of layers.
    """
    recording = record(model)
    norms = norms_of(recording)
    rectified = {id(relu) for relu in norms.values() if relu}
    copies, made = Copies(), {}

    def replace(call, *args, **kwargs):
        layer = call.operation
        if id(call) in rectified:
            return args[0]
        if id(call) not in norms:
            return copies.of(layer)(*args, **kwargs)
        relu = norms[id(call)]
        new = layers.DepthwiseConv2D(
            1,
            activation=relu and activation_of(relu.operation),
            data_format="channels_last",
            dtype=layer.dtype_policy,
            name=layer.name,
        )
        made[id(call)] = (new, layer)
        return new(args[0])

    inputs = fresh_inputs(recording.inputs)
    outputs = recording.replay(inputs, replace)
    copies.fill()
    for new, norm in made.values():
        shift, scale = scale_of(norm)
        set_weights(new, [scale.reshape(1, 1, -1, 1), shift])
    return inherit(model_of(model, inputs, outputs), model, "norms_as_convolutions")


def norms_of(recording: Recording) -> dict[int, Call | None]:
    """The calls of batch normalization that a convolution can replace, by id: the call of a ReLU behind each.

    The call is None where no ReLU is the only reader of the normalized feature maps.
    """
    readers, ends = recording.readers(), {id(x) for x in tensors(recording.outputs)}
    times = collections.Counter(id(call.operation) for call in recording.calls)
    norms = {}
    for call in recording.calls:
        layer = call.operation
        if type(layer) not in NORMS or times[id(layer)] > 1:
            continue
        (x,), (y,) = call.input_tensors, call.output_tensors
        uses_batch = type(layer) is layers.BatchNormalization and always_trains(call)
        if x.ndim != 4 or layer.axis not in (-1, 3) or uses_batch:
            continue
        reads = readers.get(id(y), [])
        alone = len(reads) == 1 and id(y) not in ends and activation_of(reads[0].operation)
        norms[id(call)] = reads[0] if alone else None
    return norms


def activation_of(operation: object) -> str | None:
    """The name of the activation that a layer is, if TensorFlow fuses it with convolutions; else None."""
    if type(operation) is layers.Activation:
        names = {keras.activations.relu: "relu", keras.activations.relu6: "relu6"}
        return names.get(operation.activation)
    if type(operation) is layers.ReLU and not operation.negative_slope and not operation.threshold:
        return {None: "relu", 6: "relu6"}.get(operation.max_value)
    return None
