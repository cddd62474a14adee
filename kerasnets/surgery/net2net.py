"""Net2Net: a net made wider or deeper that computes what it did, to be trained on from there.

Chen, Goodfellow, Shlens, "Net2Net: Accelerating Learning via Knowledge Transfer", ICLR 2016,
arXiv:1511.05641.
"""

import functools

import keras
import numpy as np
from keras import layers, ops

from kerasnets.blocks.conv import of_rank
from kerasnets.checks import is_int, is_number, nearest, refuse
from kerasnets.graph import fresh_inputs, model_of, tensors
from kerasnets.surgery.activations import is_elementwise, is_idempotent
from kerasnets.surgery.channels import DEPTHWISE, MAKERS, Channels
from kerasnets.surgery.copies import Copies
from kerasnets.surgery.recording import record, words

CAN_BE_MORE = "one whose maps can be more"


def widen(model, layer, width, noise=0.0, seed=0):
    """A net with more maps, or units, in a layer that computes what `model` does: Net2WiderNet.

    New maps repeat old ones drawn at random. Whatever reads a map that is there n times gets its n-th part
    from each. Layers whose maps are added to those of the layer, as in residual nets, become wider with it.

    Source: Chen, Goodfellow, Shlens 2016, section 2.2, algorithm 1.

    Args:
        model: A functional or sequential model.
        layer: Name of a convolution or dense layer.
        width: Its new number of maps or units.
        noise: Standard deviation of what is added to the incoming weights of new maps, as a share of that of
            the layer's weights. The copies of a map stay alike in training unless there is noise, which
            changes what the net computes a little, or dropout.
        seed: Whole number that draws maps and noise.

    Returns:
        A new keras.Model, uncompiled, with weights of its own.

    Raises:
        ValueError: There is no such layer, its maps cannot be more, `width` is not above their number, or
            `noise` or `seed` is out of range.
    """
    if not (is_number(noise) and noise >= 0):
        refuse("noise", "a number, at least 0", noise)
    if not is_int(seed, 0):
        refuse("seed", "a whole number, at least 0", seed)
    recording = record(model)
    call = find(recording, layer, MAKERS)
    channels = Channels(recording)
    space = channels.space(call.gives[0])
    if space.fixed:
        refuse("layer", CAN_BE_MORE, f"{layer}, whose maps {space.fixed}")
    if not is_int(width, space.size + 1):
        refuse("width", f"a whole number above the layer's {space.size}", width)
    rng = np.random.default_rng(seed)
    picks = np.concatenate([np.arange(space.size), rng.integers(space.size, size=width - space.size)])

    sources = {}  # of the maps that each layer reads and gives
    for call in recording.calls:
        new = [channels.sources(x[0], space, picks) if x else None for x in (call.reads, call.gives)]
        old = sources.setdefault(call.operation, new)
        if not all(np.array_equal(a, b) for a, b in zip(old, new, strict=True)):
            refuse("layer", CAN_BE_MORE, f"{layer}, whose maps only some calls of {call} read")

    def changes(operation):
        gives = sources[operation][1]
        word = "units" if isinstance(operation, layers.Dense) else "filters"
        return {word: len(gives)} if gives is not None and isinstance(operation, MAKERS) else {}

    inputs = fresh_inputs(recording.inputs)
    copies = Copies()

    def make(call, *args, **kwargs):
        layer = call.operation
        return copies.of(layer, functools.partial(weights, layer), **changes(layer))(*args, **kwargs)

    def weights(layer):
        values = picked(layer, *sources[layer])
        return noisy(layer, values, noise, rng) if noise and changes(layer) else values

    outputs = recording.replay(inputs, make)
    copies.fill()
    return model_of(model, inputs, outputs)


def picked(layer, reads, gives):
    """The weights of a layer for maps that are picked from the old ones.

    Args:
        layer: A Keras layer.
        reads: Of each map that it is to read the old one; array, or None for no change.
        gives: Likewise of each map that it is to give.

    Returns:
        A list of arrays, in the order of `layer.weights`.
    """
    weights = []
    for w in layer.weights:
        value = ops.convert_to_numpy(w)
        mixes = value.ndim > 1 and isinstance(layer, MAKERS) and w.name != "depthwise_kernel"
        if reads is not None and value.ndim > 1:
            rows = reads
            if w.name == "pointwise_kernel":
                repeat = layer.depth_multiplier
                rows = (reads[:, None] * repeat + np.arange(repeat)).ravel()
            value = np.take(value, rows, axis=-2)
            if mixes:
                value = value / np.bincount(rows)[rows][:, None]
        if gives is not None and (mixes or value.ndim == 1):
            value = np.take(value, gives, axis=-1)
        weights.append(value)
    return weights


def noisy(layer, weights, noise, rng):
    """The weights of a wider layer, with noise on what its new maps read; arguments as in `widen`."""
    result = []
    for w, value in zip(layer.weights, weights, strict=True):
        if value.ndim > 1 and w.name != "depthwise_kernel":
            old = w.shape[-1]
            scale = noise * np.std(ops.convert_to_numpy(w))
            value[..., old:] += rng.normal(0, scale, value[..., old:].shape)
        result.append(value)
    return result


def deepen(model, layer, kernel=3, data=None, name=None):
    """A net with one more layer behind a layer, which passes on what it reads: Net2DeeperNet.

    The new layer stands behind the layer's batch normalization and activation, and has the same. Its kernel
    is the identity. Its batch normalization undoes itself by the statistics of `data`, or without data by a
    mean of 0 and a variance of 1: then the net computes what it did when it predicts, but not in training,
    where the batch's statistics count.

    Source: Chen, Goodfellow, Shlens 2016, section 2.3, algorithm 2.

    Args:
        model: A functional or sequential model.
        layer: Name of a convolution or dense layer with an activation f for which f(f(x)) = f(x), as ReLU.
        kernel: Side of a new convolution's kernel in pixels.
        data: Inputs of the model, as `model.predict` takes them, such as a few hundred training images; only
            read where there is batch normalization.
        name: Name of the new layer; by default that of `layer` with "_deeper" behind it.

    Returns:
        A new keras.Model, uncompiled, with weights of its own.

    Raises:
        ValueError: There is no such layer, it has no such activation, `kernel` is no count, or `name` is
            taken.
    """
    if not is_int(kernel, 1):
        refuse("kernel", "a whole number of pixels, at least 1", kernel)
    recording = record(model)
    call = find(recording, layer, (*MAKERS, *DEPTHWISE))
    if sum(c.operation is call.operation for c in recording.calls) > 1:
        refuse("layer", "one that the model calls once", layer)
    name = name or f"{layer}_deeper"
    unit = unit_of(recording, call)
    new = [identity(call, kernel, name), *(renamed(c.operation, name) for c in unit[1:])]
    taken = {c.operation.name for c in recording.calls} & {part.name for part in new}
    if taken:
        refuse("name", "one that no layer has", taken.pop())

    copies, ends = Copies(), []  # `ends`: what the layer gives in the new net

    def make(call, *args, **kwargs):
        x = copies.of(call.operation)(*args, **kwargs)
        if call is unit[-1]:
            ends.append(x)
            for part in new:
                x = part(x)
        return x

    inputs = fresh_inputs(recording.inputs)
    outputs = recording.replay(inputs, make)
    copies.fill()
    set_identity(new[0])
    for part in new:
        if isinstance(part, layers.BatchNormalization):
            end = model_of(model, inputs, ends[0])
            undo(part, None if data is None else end.predict(data, verbose=0))
    return model_of(model, inputs, outputs)


def unit_of(recording, call):
    """The calls of a layer, of its batch normalization and of its activation, as far as nothing else reads.

    Raises:
        ValueError: There is no activation, or it is not idempotent.
    """
    readers, ends = recording.readers(), {id(x) for x in tensors(recording.outputs)}
    unit, act = [call], call.operation.activation
    while act is keras.activations.linear:
        x = unit[-1].gives[0]
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
        act = words(act) if isinstance(act, layers.Layer) else getattr(act, "__name__", act)
        refuse("layer", allowed, f"{call.operation.name} with {act}")
    return unit


def identity(call, kernel, name):
    """A layer as large as what a call gives; its weights are not set yet."""
    layer, x = call.operation, call.gives[0]
    shared = {
        word: getattr(layer, word, None)
        for word in ("use_bias", "kernel_regularizer", "bias_regularizer", "kernel_constraint")
    }
    shared |= {"activation": layer.activation, "dtype": layer.dtype_policy, "name": name}
    if x.ndim == 2:
        return layers.Dense(x.shape[-1], **shared)
    return of_rank(x, "Conv")(x.shape[-1], kernel, padding="same", **shared)


def set_identity(layer):
    """Makes a layer pass on what it reads."""
    kernel = np.zeros(layer.kernel.shape)
    kernel[tuple((side - 1) // 2 for side in kernel.shape[:-2])] = np.eye(kernel.shape[-1])
    layer.kernel.assign(kernel)


def undo(norm, maps):
    """Sets batch normalization to give what it reads.

    Args:
        norm: The layer.
        maps: What it reads, array, (n, ..., maps), whose statistics it takes; None for mean 0 and variance 1.
    """
    size = norm.gamma.shape[0]
    mean, variance = np.zeros(size), np.ones(size)
    if maps is not None:
        values = np.reshape(maps, (-1, size)).astype("float64")
        mean, variance = values.mean(0), values.var(0)
    norm.gamma.assign(np.sqrt(variance + norm.epsilon))
    norm.beta.assign(mean)
    norm.moving_mean.assign(mean)
    norm.moving_variance.assign(variance)


def renamed(layer, name):
    """A layer for the new unit like one of the old unit."""
    changes = {"name": f"{name}_act"}
    if isinstance(layer, layers.BatchNormalization):
        changes = {"name": f"{name}_bn", "center": True, "scale": True, "trainable": True}
    return type(layer).from_config({**layer.get_config(), **changes})


def find(recording, name, kinds):
    """The first call of a layer.

    Args:
        recording: A `Recording`.
        name: Name of the layer.
        kinds: Classes of layers that it may be of.

    Returns:
        A `Call`.

    Raises:
        ValueError: There is no such layer of these kinds; the message has the closest names.
    """
    calls = {c.operation.name: c for c in reversed(recording.calls) if isinstance(c.operation, kinds)}
    if name not in calls:
        raise ValueError(
            f"`layer` is the name of a convolution or dense layer.{nearest(name, calls)} "
            f"Received: layer={name!r}"
        )
    return calls[name]
