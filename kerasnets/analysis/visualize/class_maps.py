"""Where in an image the evidence for a class is: class activation maps and Grad-CAM."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from kerasnets.analysis.visualize.net import Net, at, batches, find, in_batches, opened
from kerasnets.assembly.outputs import activation_of, is_neutral
from kerasnets.checks import refuse
from kerasnets.gradients import with_gradient
from kerasnets.recording import Call

# Layers between the pooled maps and the scores that are linear in inference if their activation is.
LINEAR = (layers.BatchNormalization, layers.Conv1D, layers.Conv2D, layers.Conv3D, layers.Dense)
GLOBAL = (layers.GlobalAveragePooling1D, layers.GlobalAveragePooling2D, layers.GlobalAveragePooling3D)
AVERAGE = (layers.AveragePooling1D, layers.AveragePooling2D, layers.AveragePooling3D)


def cam(model: keras.Model, images: Any, unit: Any = None, batch_size: int = 16) -> np.ndarray:
    """Computes the class activation map of each image, for a net that ends in global average pooling.

    The layers between the pooling and the scores are linear, so they can be applied to the features at each
    position. The mean of a class map over the positions is the score of the class without its bias. Where
    nothing but the pooling follows the maps, as in NIN and SqueezeNet, the class maps are the maps
    themselves.

    Source: Zhou et al. 2016, arXiv:1512.04150, section 2; for nets without a dense layer Lin et al. 2014,
    arXiv:1312.4400, section 4.6.

    Args:
        model: A functional or sequential model of one input, channels last.
        images: Images as the model takes them, (images, *grid, channels).
        unit: Index of a class, or one for each image; None for the strongest of each image.
        batch_size: Number of images that run at once.

    Returns:
        An array, (images, *grid of the last maps).

    Raises:
        ValueError: The model does not take the images, has no such class, or its scores are not a linear
            function of the mean of its last maps; `grad_cam` takes any model with maps.
    """
    net, images = opened(model, images, None, batch_size)
    pooling, head = pooled(net)
    if pooling is None:
        allowed = "one whose scores are a linear function of globally averaged maps; grad_cam takes others"
        refuse("model", allowed, model.name)
    units = net.units(unit, len(images))
    if units is None:
        units, _ = net.choose(images, None, None, batch_size)
    found, before = [], net.until(pooling.input_tensors[0])
    for rows, left in batches(len(images), batch_size):
        features = before.outputs(images[rows], batch_size)[:left]
        flat = features.reshape(-1, *(1,) * (pooling.output_tensors[0].ndim - 2), features.shape[-1])
        scores = ahead(head, np.concatenate([flat, np.zeros_like(flat[:1])]))
        scores = (scores[:-1] - scores[-1:]).reshape(*features.shape[:-1], -1)
        found += [one[..., u] for one, u in zip(scores, units[rows], strict=False)]
    return np.stack(found)


def grad_cam(
    model: keras.Model,
    images: Any,
    unit: Any = None,
    layer: keras.Layer | str | None = None,
    rectify: bool = True,
    batch_size: int = 16,
) -> np.ndarray:
    """Computes Grad-CAM: the maps of a layer, weighted by the mean gradients of a score with respect to them.

    For a net that ends in global average pooling and linear layers, this is the positive part of what `cam`
    returns, divided by the number of positions in a map.

    Source: Selvaraju et al. 2017, arXiv:1610.02391, section 3, equations 1 and 2.

    Args:
        model: A functional or sequential model of one input, channels last.
        images: Images as the model takes them, (images, *grid, channels).
        unit: Index of a class, or one for each image; None for the strongest of each image.
        layer: The layer of the maps or its name, in a nested model "MODEL/LAYER"; None for the maps of `cam`
            if the net has them, or else the last ones that are not those of pooling, padding or dropout.
        rectify: Whether negative values become zero, as in the paper.
        batch_size: Number of images that run at once.

    Returns:
        An array, (images, *grid of the layer).

    Raises:
        ValueError: The model does not take the images, has no such class or layer, the layer has no maps, or
            the scores do not depend on it.
    """
    net, images = opened(model, images, None, batch_size)
    call = last_maps(net) if layer is None else maps_of(net, model, layer)
    units, places = net.choose(images, unit, None, batch_size)

    def score(added, x, units, places):
        seen = []

        def change(one, y):
            if one is not call:
                return y
            seen.append(y + ops.cast(added, y.dtype))
            return seen[0]

        return at(net.run(x, change=change), units, places), seen[0]

    both = with_gradient(score)

    def weighted(x, units, places):
        added = ops.zeros((x.shape[0], *call.output_tensors[0].shape[1:]))
        (_, features), gradient = both(added, x, units, places)
        weights = ops.mean(gradient, axis=tuple(range(1, gradient.ndim - 1)), keepdims=True)
        return ops.sum(weights * ops.cast(features, weights.dtype), -1)

    found = in_batches(net.compiled(weighted), batch_size, images, units, places)
    return np.maximum(found, 0) if rectify else found


def pooled(net: Net) -> tuple[Call | None, list[Call]]:
    """The global average pooling from which linear layers lead to the scores.

    Args:
        net: A model up to its scores.

    Returns:
        The call of the pooling, or None if there is none, and the calls after it.
    """
    made = {id(x): call for call in net.calls for x in call.output_tensors}
    head, call = [], made.get(id(net.end))
    while call is not None and len(call.input_tensors) == 1:
        if averages(call):
            return call, head[::-1]
        if not (is_neutral(call.operation) or is_linear(call.operation)):
            break
        head.append(call)
        call = made.get(id(call.input_tensors[0]))
    return None, []


def averages(call: Call) -> bool:
    """Whether a call averages maps over all of their positions."""
    (x,), operation = call.input_tensors, call.operation
    grid = tuple(x.shape[1:-1])
    if not grid:
        return False
    if isinstance(operation, AVERAGE):
        return operation.pool_size == grid and call.output_tensors[0].shape[1:-1] == (1,) * len(grid)
    axes = getattr(operation, "axis", None)
    if type(operation).__name__ == "Mean" and isinstance(axes, (tuple, list)):
        return sorted(axis % x.ndim for axis in axes) == list(range(1, x.ndim - 1))
    return isinstance(operation, GLOBAL)


def is_linear(operation: Any) -> bool:
    """Whether a layer is linear in inference, but for a constant."""
    return isinstance(operation, LINEAR) and activation_of(operation) in ("linear", "batchnormalization")


def ahead(calls: Sequence[Call], x: np.ndarray) -> np.ndarray:
    """What a chain of calls makes of features in place of those that the first one reads."""
    x = ops.convert_to_tensor(x)
    for call in calls:
        args, kwargs = keras.tree.map_structure(
            lambda y, x=x: x if keras.utils.is_keras_tensor(y) else y, (call.args, call.kwargs)
        )
        x = call.operation(*args, **kwargs)
    return ops.convert_to_numpy(x)


def last_maps(net: Net) -> Call:
    """The call that gives the maps that are globally averaged, or else the last before the scores.

    Pooling, padding and dropout give no maps of their own.
    """
    pooling, _ = pooled(net)
    for call in reversed(net.calls):
        if pooling is not None and call.output_tensors[0] is not pooling.input_tensors[0]:
            continue
        own = not is_neutral(call.operation) and not any(
            word in type(call.operation).__name__ for word in ("Pad", "Pool")
        )
        if pooling is not None or (own and has_maps(net, call)):
            return call
    return refuse("model", "one with a layer of feature maps, (batch, *grid, channels)", net.name)


def maps_of(net: Net, model: keras.Model, layer: keras.Layer | str) -> Call:
    """The first call of a layer of maps on the way to the scores.

    Raises:
        ValueError: There is no such layer, it gives no maps, or the scores do not depend on it.
    """
    path, operation = find(model, layer)
    call = next((call for call in net.calls if call.operation is operation), None)
    if call is None:
        refuse("layer", f"a layer on which the scores of {model.name} depend", path)
    if not has_maps(net, call):
        refuse("layer", "one of feature maps, (batch, *grid, channels)", path)
    return call


def has_maps(net: Net, call: Call) -> bool:
    """Whether a call gives maps of several positions."""
    y = call.output_tensors[0]
    return y.ndim == net.start.ndim and any(side != 1 for side in y.shape[1:-1])
