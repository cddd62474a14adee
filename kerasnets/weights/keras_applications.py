"""Trained weights of keras.applications, downloaded by it and copied into our nets."""

import dataclasses
import math
from typing import Any

import keras
import numpy as np

from kerasnets.graph import producer, source
from kerasnets.layers import parts
from kerasnets.weights.fetching import fetching


@dataclasses.dataclass(frozen=True)
class KerasApplications:
    """Declares that keras.applications has trained weights of a net.

    Attributes:
        options: Options of our net that its function in keras.applications accepts too, each with the values
            that have trained weights.
        sizes: Sides in pixels of the square inputs that have their own weights, largest last; empty if the
            same weights serve all sizes.
        name: Name of the net in keras.applications, or None if it is the same as ours.
        forms: Options of our net, each with the value for which the net is the trained one, where this is not
            the default. The weights set them.
    """

    options: dict = dataclasses.field(default_factory=dict)
    sizes: tuple = ()
    name: str | None = None
    forms: dict = dataclasses.field(default_factory=dict)

    def load(self, model: keras.Model, name: str, include_top: bool, options: dict[str, Any]) -> keras.Model:
        """Loads the weights that were trained on ImageNet into a model.

        keras.applications downloads the file once and keeps it in Keras's cache, so that no network is needed
        later. It verifies the file's hash if it knows it. An input size without its own weights uses those of
        the largest size.

        Args:
            model: One of our models.
            name: Its registered name.
            include_top: Whether it has a classifier.
            options: Its options by name.

        Returns:
            `model`.

        Raises:
            OSError: The file is damaged, or neither is in the cache nor can be downloaded.
        """
        shape = model.input_shape[1:]
        if self.sizes:
            sides = {s for s in shape[:-1] if s in self.sizes}
            side = sides.pop() if len(sides) == 1 else self.sizes[-1]
            shape = (side, side, 3)
        else:
            shape = None
        name = self.name or name
        with fetching(f"The trained weights of {name}", "pass a .weights.h5 or .keras file as `weights`"):
            peer = getattr(keras.applications, name)(
                weights="imagenet",
                include_top=include_top,
                input_shape=shape,
                **{option: options[option] for option in self.options},
            )
        return from_keras_applications(model, peer)


def from_keras_applications(model: keras.Model, peer: keras.Model) -> keras.Model:
    """Copies the weights of a keras.applications model into one of ours.

    Layers are paired by their position in the graph, so their names may differ. The branches that a layer
    joins must be in the same order in both models. A 1x1 convolution is paired with a dense layer if need be.
    The scale of our batch normalization is set to 1 if the peer's has none. If a convolution of the peer has
    biases and ours has none, they are subtracted from the moving mean of the batch normalization behind it.

    Args:
        model: One of our models.
        peer: The same net from keras.applications, with or without a classifier, as `model` is.

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
    fitted, biases = [], {}
    for layer, other in zip(ours, theirs, strict=True):
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
