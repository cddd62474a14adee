"""Trained weights of keras.applications, fetched by it and fitted into our nets."""

import dataclasses
import math

import keras
import numpy as np

from kerasnets.graph import calls, producer
from kerasnets.layers import parts


@dataclasses.dataclass(frozen=True)
class KerasApplications:
    """That keras.applications has trained weights of a net.

    Attributes:
        options: Options of ours that it takes too, with the values that it has weights for.
        sizes: Square inputs that have weights of their own, largest last; empty if one file serves all.
        name: Its name there, if that is not ours.
        forms: Options of ours, and the value with which the net is the one that was trained.
    """

    options: dict = dataclasses.field(default_factory=dict)
    sizes: tuple = ()
    name: str | None = None
    forms: dict = dataclasses.field(default_factory=dict)

    def load(self, model, name, include_top, options):
        """Fills a model with the weights that were trained on ImageNet.

        The file is fetched through keras.applications once, which checks its hash where it knows one, and
        kept in Keras's cache, from where it is read with no network. A size without a file of its own
        takes that of the largest.

        Args:
            model: One of our models.
            name: Its registered name.
            include_top: Whether it has a classifier.
            options: Its options by name.

        Returns:
            The model.

        Raises:
            OSError: The file is neither in the cache nor to be fetched.
        """
        shape = model.input_shape[1:]
        if self.sizes:
            sides = {s for s in shape[:-1] if s in self.sizes}
            side = sides.pop() if len(sides) == 1 else self.sizes[-1]
            shape = (side, side, 3)
        else:
            shape = None
        name = self.name or name
        try:
            peer = getattr(keras.applications, name)(
                weights="imagenet",
                include_top=include_top,
                input_shape=shape,
                **{option: options[option] for option in self.options},
            )
        except Exception as error:
            # Keras raises a bare Exception for a download that fails.
            if "URL fetch failure" not in str(error):
                raise
            raise OSError(
                f"The trained weights of {name} could not be fetched ({error}). With no network, put the "
                "file into Keras's cache (~/.keras/models), or pass its path as `weights`."
            ) from error
        return from_keras_applications(model, peer)


def from_keras_applications(model, peer):
    """Copies the weights of a keras.applications model into ours.

    Layers are paired by their place in the graph, so their names may differ; the branches that a layer
    joins must come in the same order. A 1x1 convolution fits a dense layer, and a batch normalization
    without scale one whose scale is 1. Where a convolution of the peer has biases and ours has none, the
    batch normalization that reads it takes them away from its moving mean.

    Args:
        model: One of our models.
        peer: The same net from keras.applications, with or without a classifier, as `model` is.

    Returns:
        `model`, its weights equal to `peer`'s.

    Raises:
        ValueError: The two are not the same net; `model` is left as it was.
    """
    ours, theirs = (weighted_layers(m) for m in (model, peer))
    if len(ours) != len(theirs):
        raise ValueError(
            f"`peer` is the net that {model.name} is: {len(ours)} layers with weights. "
            f"Received: peer={peer.name!r} with {len(theirs)}"
        )
    fitted, biases = [], {}
    for layer, other in zip(ours, theirs, strict=True):
        fitted.append((layer, fit(layer, other, biases)))
    if biases:
        layer = next(iter(biases))
        raise ValueError(
            f"`peer` has biases where batch normalization follows. Received: a bias for {layer.name}"
        )
    for layer, values in fitted:
        layer.set_weights(values)
    return model


def weighted_layers(model):
    """The layers of a model that have weights, each after all that it reads, branch by branch."""
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


def fit(layer, other, biases):
    """Weights of a layer of the peer, in the shapes of ours.

    Args:
        layer: One of our layers.
        other: Its like in the peer.
        biases: By layers of ours, biases of the peer's that these have no place for. Those of `layer` are put
            in; those of what `layer` reads are taken out, if it is a batch normalization.

    Returns:
        Arrays, as `layer.set_weights` takes them.

    Raises:
        ValueError: The layers are not alike.
    """
    values = {w.name: w for w in other.weights}
    mismatch = ValueError(
        f"`peer` has at this place what {layer.name} is: {shapes(layer)}. "
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


def source(layer):
    """The layer that one of a single input reads; None within a layer of several parts."""
    return producer(layer.input).operation if calls(layer) else None


def shapes(layer):
    """Weights of a layer as words."""
    return ", ".join(f"{w.name} {tuple(w.shape)}" for w in layer.weights)
