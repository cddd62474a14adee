"""Nets for inference alone: batch normalization folded, and what only training needs left out."""

import collections
import dataclasses
import functools

import keras
import numpy as np
from keras import layers, ops

from kerasnets.graph import fresh_inputs, model_of, tensors
from kerasnets.layers import DropPathJoin, FrozenBatchNormalization, RecomputedConv2D
from kerasnets.surgery.copies import Copies
from kerasnets.surgery.recording import add_call, record

# Layers that a scale and a shift of their maps can become part of: the weight, and its axis of these maps;
# of a depthwise kernel the maps are the last two axes.
FOLDABLE = {
    layers.Dense: ("kernel", -1),
    **{getattr(layers, f"Conv{rank}D"): ("kernel", -1) for rank in (1, 2, 3)},
    **{getattr(layers, f"Conv{rank}DTranspose"): ("kernel", -2) for rank in (1, 2, 3)},
    **{getattr(layers, f"DepthwiseConv{rank}D"): ("kernel", None) for rank in (1, 2)},
    **{getattr(layers, f"SeparableConv{rank}D"): ("pointwise_kernel", -1) for rank in (1, 2)},
}
NORMS = (layers.BatchNormalization, FrozenBatchNormalization)
# Layers that pass on what they read, but in training.
PASSING = (
    *(getattr(layers, f"SpatialDropout{rank}D") for rank in (1, 2, 3)),
    layers.ActivityRegularization,
    layers.AlphaDropout,
    layers.Dropout,
    layers.GaussianDropout,
    layers.GaussianNoise,
    layers.Identity,
)


def fold_batch_norm(model):
    """The same net for inference, with fewer layers and the same outputs.

    Batch normalization right behind a convolution, a depthwise convolution or a dense layer without an
    activation becomes part of its kernel and bias, where nothing else reads what the layer gives; elsewhere
    it stays. Dropout, noise and drop-path go. Outputs stay as they are, auxiliary heads too, which
    `drop_aux_heads` takes off. A memory-efficient net becomes one of plain layers.

    Source: Jacob et al. 2018, arXiv:1712.05877, section 3.2, equation 14.

    Args:
        model: A functional or sequential model; models nested in it are spread out.

    Returns:
        A keras.Model, uncompiled, with weights of its own, whose layers keep their names; where nested models
        have layers of one name, all but the first get a number. It is not for training.

    Raises:
        ValueError: `model` has no graph of layers.
    """
    recording = for_inference(record(model))
    folds = folds_of(recording)
    norms = {id(norm) for norm in folds.values()}
    copies = Copies()

    def make(call, *args, **kwargs):
        if id(call) in norms:
            return args[0]
        layer, norm = call.operation, folds.get(id(call))
        if norm is None:
            return copies.of(layer)(*args, **kwargs)
        weights = functools.partial(folded, layer, norm.operation)
        return copies.of(layer, weights, use_bias=True)(*args, **kwargs)

    inputs = fresh_inputs(recording.inputs)
    outputs = recording.replay(inputs, make)
    copies.fill()
    return model_of(model, inputs, outputs)


def for_inference(recording):
    """A recording without the calls that only training needs, and without those that nothing reads then."""
    calls = []
    add = functools.partial(add_call, calls)

    def make(call, *args, **kwargs):
        operation = call.operation
        if passes(call):
            return args[0]
        if type(operation) is DropPathJoin:
            mean = layers.Average(dtype=operation.dtype_policy, name=operation.name)
            return add(mean, args[0]) if len(args[0]) > 1 else args[0][0]
        if type(operation) is RecomputedConv2D:
            x = args[0]
            for part in operation.parts:
                x = add(part, x) if part is not operation.join or len(args[0]) > 1 else x[0]
            return x
        return add(operation, *args, **kwargs)

    outputs = recording.replay(recording.inputs, make)
    needed, alive = {id(x) for x in tensors(outputs)}, []
    for call in reversed(calls):
        if any(id(x) in needed for x in call.gives):
            needed |= {id(x) for x in call.reads}
            alive.append(call)
    return dataclasses.replace(recording, calls=alive[::-1], outputs=outputs)


def passes(call):
    """Whether a call gives what it reads, outside training."""
    same = len(call.reads) == 1 and call.reads[0].dtype == call.gives[0].dtype
    return type(call.operation) in PASSING and same and not trains(call)


def trains(call):
    """Whether a call runs as in training whenever the model runs."""
    return bool(call.kwargs.get("training")) or any(x is True for x in call.args)


def folds_of(recording):
    """The calls of batch normalization that can be folded, by the id of the call that each is folded into."""
    readers, ends = recording.readers(), {id(x) for x in tensors(recording.outputs)}
    times = collections.Counter(id(call.operation) for call in recording.calls)
    makers = {id(call.gives[0]): call for call in recording.calls if takes_scale(call.operation)}
    folds = {}
    for norm in recording.calls:
        layer, x = norm.operation, norm.reads[0] if norm.reads else None
        maker = makers.get(id(x))
        if type(layer) not in NORMS or maker is None or layer.axis not in (-1, x.ndim - 1):
            continue
        measures = type(layer) is layers.BatchNormalization and trains(norm)
        alone = id(x) not in ends and len(readers[id(x)]) == times[id(maker.operation)] == 1
        if alone and not measures:
            folds[id(maker)] = norm
    return folds


def takes_scale(layer):
    """Whether a scale and a shift of the maps that a layer gives can become part of its weights."""
    if type(layer) not in FOLDABLE or layer.activation is not keras.activations.linear:
        return False
    changed = getattr(layer, "quantization_mode", None) or getattr(layer, "lora_enabled", False)
    return not changed and getattr(layer, "data_format", None) != "channels_first"


def folded(layer, norm):
    """The weights of a layer of `FOLDABLE`, with a bias, that does what it and batch normalization do.

    Args:
        layer: The layer, linear.
        norm: Batch normalization of the maps that it gives.

    Returns:
        A list of arrays, in the order of the weights of a copy with a bias.
    """
    name, axis = FOLDABLE[type(layer)]
    shift, scale = scale_of(norm)
    kernel = values(getattr(layer, name))
    shape = kernel.shape[-2:] if axis is None else (-1,) + (1,) * (-1 - axis)
    bias = values(layer.bias) if layer.use_bias else 0.0
    before = [values(layer.depthwise_kernel)] if name == "pointwise_kernel" else []
    return [*before, kernel * scale.reshape(shape), bias * scale + shift]


def scale_of(norm):
    """Batch normalization outside training as a shift and a scale of each map, float64, (maps,)."""
    scale = 1 / np.sqrt(values(norm.moving_variance) + norm.epsilon)
    scale = scale * values(norm.gamma) if norm.scale else scale
    shift = -values(norm.moving_mean) * scale
    return (shift + values(norm.beta) if norm.center else shift), scale


def values(weight):
    """A weight as an array, float64."""
    return ops.convert_to_numpy(ops.cast(weight, "float32")).astype("float64")
