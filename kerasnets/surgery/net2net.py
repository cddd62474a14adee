"""Net2Net: makes a trained net wider or deeper without changing what it computes, for further training.

Chen, Goodfellow, Shlens, "Net2Net: Accelerating Learning via Knowledge Transfer", ICLR 2016,
arXiv:1511.05641.
"""

import functools
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from kerasnets.blocks.conv import of_rank
from kerasnets.checks import is_int, is_number, nearest, refuse
from kerasnets.graph import fresh_inputs, model_of, tensors
from kerasnets.recording import Call, Recording, describe, record
from kerasnets.surgery.activations import is_elementwise, is_idempotent
from kerasnets.surgery.channels import DEPTHWISE, MIXING, Channels
from kerasnets.surgery.copies import Copies
from kerasnets.weights import inherit

WIDENABLE = "one whose number of channels can grow"


def widen(model: keras.Model, layer: str, width: int, noise: float = 0.0, seed: int = 0) -> keras.Model:
    """Net2WiderNet: returns a net with more filters or units in a layer that computes what `model` does.

    The new channels repeat randomly chosen old ones. If a channel then exists n times, the layers that read
    it have their weights for it divided by n. Layers whose outputs are added to those of `layer`, as in
    residual nets, are widened with it.

    Source: Chen, Goodfellow, Shlens 2016, section 2.2, algorithm 1.

    Args:
        model: A functional or sequential model.
        layer: Name of a convolution or dense layer.
        width: New number of its filters or units.
        noise: Standard deviation of the noise added to the incoming weights of the new channels, relative to
            that of the layer's weights. Noise changes the net's outputs slightly. Without noise and without
            dropout, the copies of a channel stay equal during training.
        seed: Seed of the choice of channels and of the noise, a whole number.

    Returns:
        A new keras.Model, uncompiled, with its own weights.

    Raises:
        ValueError: There is no such layer, its number of channels cannot grow, `width` is not above it, or
            `noise` or `seed` is out of range.
    """
    if not (is_number(noise) and noise >= 0):
        refuse("noise", "a number, at least 0", noise)
    if not is_int(seed, 0):
        refuse("seed", "a whole number, at least 0", seed)
    recording = record(model)
    call = find(recording, layer, MIXING)
    channels = Channels(recording)
    group = channels.group(call.output_tensors[0])
    if group.fixed:
        refuse("layer", WIDENABLE, f"{layer}, whose channels {group.fixed}")
    if not is_int(width, group.size + 1):
        refuse("width", f"a whole number above the layer's {group.size}", width)
    rng = np.random.default_rng(seed)
    picks = np.concatenate([np.arange(group.size), rng.integers(group.size, size=width - group.size)])

    sources: dict[Any, list] = {}  # by layer: the sources of its input channels and of its output channels
    for call in recording.calls:
        ends = (call.input_tensors, call.output_tensors)
        new = [channels.sources(xs[0], group, picks) if xs else None for xs in ends]
        old = sources.setdefault(call.operation, new)
        if not all(np.array_equal(a, b) for a, b in zip(old, new, strict=True)):
            refuse("layer", WIDENABLE, f"{layer}, whose channels only some calls of {call} read")

    def changes(operation):
        outputs = sources[operation][1]
        argument = "units" if isinstance(operation, layers.Dense) else "filters"
        return {argument: len(outputs)} if outputs is not None and isinstance(operation, MIXING) else {}

    inputs = fresh_inputs(recording.inputs)
    copies = Copies()

    def replace(call, *args, **kwargs):
        layer = call.operation
        return copies.of(layer, functools.partial(weights, layer), **changes(layer))(*args, **kwargs)

    def weights(layer):
        values = widened(layer, *sources[layer])
        return noisy(layer, values, noise, rng) if noise and changes(layer) else values

    outputs = recording.replay(inputs, replace)
    copies.fill()
    return inherit(model_of(model, inputs, outputs), model, "widen")


def widened(layer: keras.Layer, inputs: np.ndarray | None, outputs: np.ndarray | None) -> list[np.ndarray]:
    """The weights of a layer after its input or output channels have been repeated.

    Args:
        layer: A Keras layer.
        inputs: For each new input channel, the index of the old one, (new input channels,); None for no
            change.
        outputs: For each new output channel, the index of the old one, (new output channels,); None for no
            change.

    Returns:
        A list of arrays, in the order of `layer.weights`.
    """
    weights = []
    for w in layer.weights:
        value = ops.convert_to_numpy(w)
        mixes = value.ndim > 1 and isinstance(layer, MIXING) and w.name != "depthwise_kernel"
        if inputs is not None and value.ndim > 1:
            rows = inputs
            if w.name == "pointwise_kernel":
                repeat = layer.depth_multiplier
                rows = (inputs[:, None] * repeat + np.arange(repeat)).ravel()
            value = np.take(value, rows, axis=-2)
            if mixes:
                value = value / np.bincount(rows)[rows][:, None]
        if outputs is not None and (mixes or value.ndim == 1):
            value = np.take(value, outputs, axis=-1)
        weights.append(value)
    return weights


def noisy(
    layer: keras.Layer, weights: list[np.ndarray], noise: float, rng: np.random.Generator
) -> list[np.ndarray]:
    """Adds noise to the incoming weights of the new channels of a widened layer.

    Args:
        layer: The layer before it was widened.
        weights: Arrays, the weights of the widened layer. They are changed in place.
        noise: Standard deviation, relative to that of each weight of `layer`.
        rng: Generator of random numbers.

    Returns:
        A list of arrays, in the same order.
    """
    result = []
    for w, value in zip(layer.weights, weights, strict=True):
        if value.ndim > 1 and w.name != "depthwise_kernel":
            old = w.shape[-1]
            scale = noise * np.std(ops.convert_to_numpy(w))
            value[..., old:] += rng.normal(0, scale, value[..., old:].shape)
        result.append(value)
    return result


def deepen(
    model: keras.Model, layer: str, kernel: int = 3, data: Any = None, name: str | None = None
) -> keras.Model:
    """Net2DeeperNet: returns a net with a new layer behind a layer, initialized to the identity.

    The new layer is inserted behind the batch normalization and the activation of `layer`, and is followed by
    new ones of the same kind. Its batch normalization is initialized to the identity too, for the statistics
    of `data`, or without data for a mean of 0 and a variance of 1. Without data the new net's predictions
    are those of `model`, but its outputs in training mode are not, because these depend on the statistics of
    the batch.

    Source: Chen, Goodfellow, Shlens 2016, section 2.3, algorithm 2.

    Args:
        model: A functional or sequential model.
        layer: Name of a convolution or dense layer with an activation f for which f(f(x)) = f(x), such as
            ReLU.
        kernel: Side of the new convolution's kernel in pixels. It is ignored for a dense layer.
        data: Inputs of the model, as `model.predict` takes them, such as a few hundred training images. They
            are used only if there is batch normalization.
        name: Name of the new layer; None for that of `layer` followed by "_deeper".

    Returns:
        A new keras.Model, uncompiled, with its own weights.

    Raises:
        ValueError: There is no such layer, it is called more than once, its activation is not allowed,
            `kernel` is not a positive whole number, or `name` is taken.
    """
    if not is_int(kernel, 1):
        refuse("kernel", "a whole number of pixels, at least 1", kernel)
    recording = record(model)
    call = find(recording, layer, (*MIXING, *DEPTHWISE))
    if sum(c.operation is call.operation for c in recording.calls) > 1:
        refuse("layer", "one that the model calls once", layer)
    name = name or f"{layer}_deeper"
    unit = unit_of(recording, call)
    new = [same_size(call, kernel, name), *(renamed(c.operation, name) for c in unit[1:])]
    taken = {c.operation.name for c in recording.calls} & {part.name for part in new}
    if taken:
        refuse("name", "one that no layer has", taken.pop())

    copies, ends = Copies(), []  # `ends`: the output of the unit in the new net

    def replace(call, *args, **kwargs):
        x = copies.of(call.operation)(*args, **kwargs)
        if call is unit[-1]:
            ends.append(x)
            for part in new:
                x = part(x)
        return x

    inputs = fresh_inputs(recording.inputs)
    outputs = recording.replay(inputs, replace)
    copies.fill()
    set_identity_kernel(new[0])
    for part in new:
        if isinstance(part, layers.BatchNormalization):
            end = model_of(model, inputs, ends[0])
            set_identity_norm(part, None if data is None else end.predict(data, verbose=0))
    return inherit(model_of(model, inputs, outputs), model, "deepen")


def unit_of(recording: Recording, call: Call) -> list[Call]:
    """The calls of a layer, its batch normalization and its activation, if nothing else reads between them.

    Raises:
        ValueError: There is no activation, or it is not idempotent.
    """
    readers, ends = recording.readers(), {id(x) for x in tensors(recording.outputs)}
    unit, act = [call], call.operation.activation
    while act is keras.activations.linear:
        x = unit[-1].output_tensors[0]
        following = readers.get(id(x), [])
        if len(following) != 1 or id(x) in ends:
            break
        operation = following[0].operation
        if isinstance(operation, (layers.Activation, layers.ReLU)):
            act = getattr(operation, "activation", operation)
        elif not isinstance(operation, layers.BatchNormalization) or len(unit) > 1:
            break
        unit.append(following[0])
    allowed = "one with an activation f, such as ReLU, for which f(f(x)) = f(x)"
    if act is keras.activations.linear or not (is_elementwise(act) and is_idempotent(act)):
        act = describe(act) if isinstance(act, layers.Layer) else getattr(act, "__name__", act)
        refuse("layer", allowed, f"{call.operation.name} with {act}")
    return unit


def same_size(call: Call, kernel: int, name: str) -> keras.Layer:
    """A new layer with as many channels as the output of a call."""
    layer, x = call.operation, call.output_tensors[0]
    shared = {
        argument: getattr(layer, argument, None)
        for argument in ("use_bias", "kernel_regularizer", "bias_regularizer", "kernel_constraint")
    }
    shared |= {"activation": layer.activation, "dtype": layer.dtype_policy, "name": name}
    if x.ndim == 2:
        return layers.Dense(x.shape[-1], **shared)
    return of_rank(x, "Conv")(x.shape[-1], kernel, padding="same", **shared)


def set_identity_kernel(layer: keras.Layer) -> None:
    """Sets the kernel of a convolution or dense layer to the identity."""
    kernel = np.zeros(layer.kernel.shape)
    kernel[tuple((side - 1) // 2 for side in kernel.shape[:-2])] = np.eye(kernel.shape[-1])
    layer.kernel.assign(kernel)


def set_identity_norm(norm: layers.BatchNormalization, x: np.ndarray | None) -> None:
    """Sets batch normalization to the identity for given statistics.

    Args:
        norm: The layer.
        x: Its inputs, (n, ..., channels), whose statistics are used; None for mean 0 and variance 1.
    """
    size = norm.gamma.shape[0]
    mean, variance = np.zeros(size), np.ones(size)
    if x is not None:
        values = np.reshape(x, (-1, size)).astype("float64")
        mean, variance = values.mean(0), values.var(0)
    norm.gamma.assign(np.sqrt(variance + norm.epsilon))
    norm.beta.assign(mean)
    norm.moving_mean.assign(mean)
    norm.moving_variance.assign(variance)


def renamed(layer: keras.Layer, name: str) -> keras.Layer:
    """A new layer of the same configuration, named after the new convolution or dense layer `name`."""
    changes = {"name": f"{name}_act"}
    if isinstance(layer, layers.BatchNormalization):
        changes = {"name": f"{name}_bn", "center": True, "scale": True, "trainable": True}
    return type(layer).from_config({**layer.get_config(), **changes})


def find(recording: Recording, name: str, kinds: tuple[type, ...]) -> Call:
    """Finds the first call of a layer.

    Args:
        recording: A `Recording`.
        name: Name of the layer.
        kinds: Allowed classes of the layer.

    Returns:
        A `Call`.

    Raises:
        ValueError: There is no such layer of these classes. The message suggests similar names.
    """
    calls = {c.operation.name: c for c in reversed(recording.calls) if isinstance(c.operation, kinds)}
    if name not in calls:
        raise ValueError(
            f"`layer` is the name of a convolution or dense layer.{nearest(name, calls)} "
            f"Received: layer={name!r}"
        )
    return calls[name]
