"""Nets for inference only: batch normalization is folded, and what only training needs is left out."""

import collections
import dataclasses
import functools
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from kerasnets.graph import fresh_inputs, model_of, tensors
from kerasnets.layers import DropPathJoin, FrozenBatchNormalization, RecomputedConv2D, StochasticDepth
from kerasnets.recording import Call, Recording, add_call, record
from kerasnets.surgery.copies import Copies
from kerasnets.weights import inherit

# Layers whose weights can absorb a scale and a shift of their output channels: the name of the kernel and its
# axis of these channels. None is for depthwise kernels, where the last two axes are the channels.
FOLDABLE = {
    layers.Dense: ("kernel", -1),
    **{getattr(layers, f"Conv{rank}D"): ("kernel", -1) for rank in (1, 2, 3)},
    **{getattr(layers, f"Conv{rank}DTranspose"): ("kernel", -2) for rank in (1, 2, 3)},
    **{getattr(layers, f"DepthwiseConv{rank}D"): ("kernel", None) for rank in (1, 2)},
    **{getattr(layers, f"SeparableConv{rank}D"): ("pointwise_kernel", -1) for rank in (1, 2)},
}
NORMS = (layers.BatchNormalization, FrozenBatchNormalization)
# Layers that are the identity outside training.
IDENTITIES = (
    *(getattr(layers, f"SpatialDropout{rank}D") for rank in (1, 2, 3)),
    layers.ActivityRegularization,
    layers.AlphaDropout,
    layers.Dropout,
    layers.GaussianDropout,
    layers.GaussianNoise,
    layers.Identity,
)


def fold_batch_norm(model: keras.Model) -> keras.Model:
    """Returns the same net for inference, with fewer layers and the same outputs.

    Batch normalization that directly follows a convolution or a dense layer without activation is folded into
    the layer's kernel and bias, if nothing else reads the layer's output. All other batch normalization is
    kept. Dropout, noise and drop-path are removed; stochastic depth becomes a constant factor. Auxiliary
    heads are kept; `drop_aux_heads` removes them. The layers of a memory-efficient net are replaced by
    ordinary ones.

    Source: Jacob et al. 2018, arXiv:1712.05877, section 3.2, equation 14.

    Args:
        model: A functional or sequential model. Models nested in it are flattened.

    Returns:
        A keras.Model, uncompiled, with its own weights. It is not for training. Layers keep their names. If
        several nested models have layers of the same name, a number is appended to all but the first.

    Raises:
        ValueError: `model` has no graph of layers.
    """
    recording = for_inference(record(model))
    folds = folds_of(recording)
    norms = {id(norm) for norm in folds.values()}
    copies = Copies()

    def replace(call, *args, **kwargs):
        if id(call) in norms:
            return args[0]
        layer, norm = call.operation, folds.get(id(call))
        if norm is None:
            return copies.of(layer)(*args, **kwargs)
        weights = functools.partial(folded, layer, norm.operation)
        return copies.of(layer, weights, use_bias=True)(*args, **kwargs)

    inputs = fresh_inputs(recording.inputs)
    outputs = recording.replay(inputs, replace)
    copies.fill()
    return inherit(model_of(model, inputs, outputs), model, "fold_batch_norm")


def for_inference(recording: Recording) -> Recording:
    """A recording without the calls that only training needs, and without calls that are unused then."""
    calls: list[Call] = []
    add = functools.partial(add_call, calls)

    def replace(call, *args, **kwargs):
        operation = call.operation
        if is_identity(call):
            return args[0]
        if type(operation) is DropPathJoin:
            mean = layers.Average(dtype=operation.dtype_policy, name=operation.name)
            return add(mean, args[0]) if len(args[0]) > 1 else args[0][0]
        if type(operation) is StochasticDepth and not always_trains(call):
            scale = layers.Rescaling(operation.survival, dtype=operation.dtype_policy, name=operation.name)
            return add(scale, args[0])
        if type(operation) is RecomputedConv2D:
            x = args[0]
            for part in operation.parts:
                x = add(part, x) if part is not operation.join or len(args[0]) > 1 else x[0]
            return x
        return add(operation, *args, **kwargs)

    outputs = recording.replay(recording.inputs, replace)
    needed, used = {id(x) for x in tensors(outputs)}, []
    for call in reversed(calls):
        if any(id(x) in needed for x in call.output_tensors):
            needed |= {id(x) for x in call.input_tensors}
            used.append(call)
    return dataclasses.replace(recording, calls=used[::-1], outputs=outputs)


def is_identity(call: Call) -> bool:
    """Whether a call returns its input unchanged outside training."""
    inputs = call.input_tensors
    same = len(inputs) == 1 and inputs[0].dtype == call.output_tensors[0].dtype
    return type(call.operation) in IDENTITIES and same and not always_trains(call)


def always_trains(call: Call) -> bool:
    """Whether a call runs in training mode even when the model does not."""
    return bool(call.kwargs.get("training")) or any(x is True for x in call.args)


def folds_of(recording: Recording) -> dict[int, Call]:
    """The calls of batch normalization that can be folded, by the id of the call that each is folded into."""
    readers, ends = recording.readers(), {id(x) for x in tensors(recording.outputs)}
    times = collections.Counter(id(call.operation) for call in recording.calls)
    foldable = {id(call.output_tensors[0]): call for call in recording.calls if is_foldable(call.operation)}
    folds = {}
    for norm in recording.calls:
        layer, x = norm.operation, norm.input_tensors[0] if norm.input_tensors else None
        call = foldable.get(id(x))
        if type(layer) not in NORMS or call is None or layer.axis not in (-1, x.ndim - 1):
            continue
        uses_batch = type(layer) is layers.BatchNormalization and always_trains(norm)
        is_only_reader = id(x) not in ends and len(readers[id(x)]) == times[id(call.operation)] == 1
        if is_only_reader and not uses_batch:
            folds[id(call)] = norm
    return folds


def is_foldable(layer: Any) -> bool:
    """Whether a layer's weights can absorb a scale and a shift of its output channels."""
    if type(layer) not in FOLDABLE or layer.activation is not keras.activations.linear:
        return False
    changed = getattr(layer, "quantization_mode", None) or getattr(layer, "lora_enabled", False)
    return not changed and getattr(layer, "data_format", None) != "channels_first"


def folded(layer: keras.Layer, norm: keras.Layer) -> list[np.ndarray]:
    """The weights with which a layer computes what it and the batch normalization behind it compute.

    Args:
        layer: A layer of `FOLDABLE` without activation.
        norm: The batch normalization of its output.

    Returns:
        A list of arrays, in the order of the weights of a copy of `layer` with a bias.
    """
    name, axis = FOLDABLE[type(layer)]
    shift, scale = scale_of(norm)
    kernel = values(getattr(layer, name))
    shape = kernel.shape[-2:] if axis is None else (-1,) + (1,) * (-1 - axis)
    bias = values(layer.bias) if layer.use_bias else 0.0
    before = [values(layer.depthwise_kernel)] if name == "pointwise_kernel" else []
    return [*before, kernel * scale.reshape(shape), bias * scale + shift]


def scale_of(norm: keras.Layer) -> tuple[np.ndarray, np.ndarray]:
    """Batch normalization outside training as a shift and a scale, each float64, (channels,)."""
    scale = 1 / np.sqrt(values(norm.moving_variance) + norm.epsilon)
    scale = scale * values(norm.gamma) if norm.scale else scale
    shift = -values(norm.moving_mean) * scale
    return (shift + values(norm.beta) if norm.center else shift), scale


def values(weight: keras.Variable) -> np.ndarray:
    """A weight as a float64 array."""
    return ops.convert_to_numpy(ops.cast(weight, "float32")).astype("float64")
