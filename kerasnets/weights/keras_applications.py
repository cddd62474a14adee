"""Trained weights of keras.applications, downloaded by it and copied into our nets."""

import math
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from kerasnets.graph import producer, source
from kerasnets.layers import parts
from kerasnets.weights.architectures.row import KerasArchitecture
from kerasnets.weights.fetching import fetching


def load_keras(
    net: keras.Model,
    row: KerasArchitecture,
    include_top: bool,
    options: Mapping[str, Any],
    classifier: bool = True,
    weights: str = "imagenet",
) -> None:
    """Loads the weights of keras.applications into a net.

    keras.applications downloads the file once and keeps it in Keras's cache, so that no network is needed
    later. It verifies the file's hash if it knows it. An input size without its own weights uses those of the
    largest size.

    Args:
        net: One of our nets.
        row: Its architecture.
        include_top: Whether it has the head.
        options: Its options by name.
        classifier: Whether the head's last layer is of the 1000 classes of ImageNet, and is loaded too.
        weights: "imagenet", or the path of a file that keras.applications has downloaded.

    Raises:
        OSError: The file is damaged, or neither is in the cache nor can be downloaded.
        ValueError: It is a file of another net.
    """
    shape = None
    if row.sizes:
        sides = {s for s in net.input_shape[1:-1] if s in row.sizes}
        side = sides.pop() if len(sides) == 1 else row.sizes[-1]
        shape = (side, side, 3)
    with fetching(f"The trained weights of {row.net}", "pass a .weights.h5 or .keras file as `weights`"):
        peer = getattr(keras.applications, row.net)(
            weights=weights,
            include_top=include_top,
            input_shape=shape,
            **{option: options[option] for option in row.choices},
        )
    from_keras_applications(net, peer, classifier or not include_top)


def from_keras_applications(model: keras.Model, peer: keras.Model, classifier: bool = True) -> keras.Model:
    """Copies the weights of a keras.applications model into one of ours.

    Layers are paired by their position in the graph, so their names may differ. The branches that a layer
    joins must be in the same order in both models. A 1x1 convolution is paired with a dense layer if need be.
    The scale of our batch normalization is set to 1 if the peer's has none. If a convolution of the peer has
    biases and ours has none, they are subtracted from the moving mean of the batch normalization behind it.

    Args:
        model: One of our models.
        peer: The same net from keras.applications, with or without a classifier, as `model` is.
        classifier: Whether the last layer is copied too; if not, it may have other classes.

    Returns:
        `model`, which now computes what `peer` computes.

    Raises:
        ValueError: The two are not the same net. `model` is not changed then.
    """
    ours, theirs = (weighted_layers(m) for m in (model, peer))
    if len(ours) != len(theirs):
        raise ValueError(
            f"`peer` is the same net as {model.name}, with {len(ours)} layers that have weights. "
            f"Received: peer={peer.name!r} with {len(theirs)}"
        )
    pairs = list(zip(ours, theirs, strict=True))
    fitted, biases = [], {}
    for layer, other in pairs if classifier else pairs[:-1]:
        fitted.append((layer, fit(layer, other, biases)))
    if biases:
        layer = next(iter(biases))
        raise ValueError(
            f"`peer` has biases only where batch normalization follows. Received: a bias for {layer.name}"
        )
    for layer, values in fitted:
        layer.set_weights(values)
    return model


def weighted_layers(model: keras.Model) -> list[keras.Layer]:
    """The layers of a model that have weights, in topological order and branch by branch."""
    order, seen = [], set()
    stack = [(x, False) for x in reversed(model.outputs)]
    while stack:
        tensor, entered = stack.pop()
        node = producer(tensor)
        if entered:
            order.append(node.operation)
        elif node.operation not in seen:
            seen.add(node.operation)
            stack.append((tensor, True))
            stack += [(x, False) for x in reversed(node.input_tensors)]
    return [part for layer in order for part in parts(layer) if part.weights]


def fit(layer: keras.Layer, other: keras.Layer, biases: dict) -> list[np.ndarray]:
    """Returns the weights of a layer of the peer in the shapes of our layer.

    Args:
        layer: One of our layers.
        other: The corresponding layer of the peer.
        biases: Biases of the peer, by those of our layers that have none. A bias of `other` for which `layer`
            has no place is added. If `layer` is batch normalization, the bias of the layer that it reads is
            removed.

    Returns:
        A list of arrays, as `layer.set_weights` takes them.

    Raises:
        ValueError: The layers do not correspond.
    """
    values = {w.name: w for w in other.weights}
    mismatch = ValueError(
        f"`peer` has a layer like {layer.name} in this position: {shapes(layer)}. "
        f"Received: {other.name} with {shapes(other)}"
    )
    names = {w.name for w in layer.weights}
    if names - set(values) - {"gamma"} or set(values) - names - {"bias"}:
        raise mismatch
    fitted = {}
    for w in layer.weights:
        value = keras.ops.convert_to_numpy(values[w.name]) if w.name in values else np.ones(w.shape)
        squeezed = [s for s in value.shape if s > 1]
        if squeezed != [s for s in w.shape if s > 1] or math.prod(w.shape) != value.size:
            raise mismatch
        fitted[w.name] = value.reshape(w.shape)
    if set(values) - names:
        biases[layer] = keras.ops.convert_to_numpy(values["bias"])
    if "moving_mean" in names and biases:
        fitted["moving_mean"] = fitted["moving_mean"] - biases.pop(source(layer), 0)
    return list(fitted.values())


def shapes(layer: keras.Layer) -> str:
    """Names and shapes of a layer's weights, for error messages."""
    return ", ".join(f"{w.name} {tuple(w.shape)}" for w in layer.weights)
