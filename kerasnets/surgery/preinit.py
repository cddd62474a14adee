"""Initializing a deep net with layers of a trained shallow one."""

import keras
from keras import layers

from kerasnets.checks import is_int, refuse

CONVS = (layers.Conv1D, layers.Conv2D, layers.Conv3D)


def preinitialize(model: keras.Model, source: keras.Model, convs: int = 4, dense: int = 3) -> list[str]:
    """Copies the weights of a shallow net's first convolutions and last dense layers to a deep net.

    Layers are matched by name. This is how the layers of the VGG nets correspond: each block of a shallow net
    holds the first convolutions of the same block of a deep one. All other layers of `model` are unchanged.

    Source: Simonyan and Zisserman 2015, arXiv:1409.1556, section 3.1: "the first four convolutional layers
    and the last three fully-connected layers" with those of net A.

    Args:
        model: The deep net. Its weights are changed in place.
        source: The trained shallow net.
        convs: Number of the first convolutions to copy.
        dense: Number of the last dense layers to copy.

    Returns:
        Names of the layers that were copied, in the order of `source`.

    Raises:
        ValueError: `source` has fewer such layers, or `model` lacks a layer of the same name and shapes.
            Nothing is copied then.
    """
    for argument, net in (("model", model), ("source", source)):
        if not isinstance(net, keras.Model):
            refuse(argument, "a keras.Model", net)
    first, last = ([x for x in source.layers if isinstance(x, kinds)] for kinds in (CONVS, layers.Dense))
    for argument, number, available in (("convs", convs, first), ("dense", dense, last)):
        if not is_int(number, 0) or number > len(available):
            refuse(argument, f"a whole number up to the {len(available)} of `source`", number)
    chosen = first[:convs] + last[len(last) - dense :]
    targets = {layer.name: layer for layer in model.layers}
    for layer in chosen:
        shapes = [tuple(w.shape) for w in layer.weights]
        target = targets.get(layer.name)
        target_shapes = [tuple(w.shape) for w in target.weights] if target else None
        if target_shapes != shapes:
            refuse("model", f"a net whose layer {layer.name} has weights {shapes}", target_shapes)
    for layer in chosen:
        targets[layer.name].set_weights(layer.get_weights())
    return [layer.name for layer in chosen]
