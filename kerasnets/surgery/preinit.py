"""A deep net that starts from the layers of a shallow one."""

import keras
from keras import layers

from kerasnets.checks import is_int, refuse

CONVS = (layers.Conv1D, layers.Conv2D, layers.Conv3D)


def preinitialize(model, source, convs=4, dense=3):
    """Copies the weights of a shallow net's first convolutions and last dense layers to a deep net.

    A layer's weights go to that of the same name, which is how layers of VGG's nets correspond: of the blocks
    of the deeper nets, the shallow one has the first convolutions. All others stay as they are.

    Source: Simonyan and Zisserman 2015, arXiv:1409.1556, section 3.1: "the first four convolutional layers
    and the last three fully-connected layers" with those of net A.

    Args:
        model: The deep net, whose weights change.
        source: The shallow net, trained.
        convs: How many of its first convolutions are copied.
        dense: How many of its last dense layers are copied.

    Returns:
        Names of the layers that were copied, in the order of `source`.

    Raises:
        ValueError: `source` has fewer such layers, or `model` has none of the same name and shapes; then
            nothing is copied.
    """
    for word, net in (("model", model), ("source", source)):
        if not isinstance(net, keras.Model):
            refuse(word, "a keras.Model", net)
    first, last = ([x for x in source.layers if isinstance(x, kinds)] for kinds in (CONVS, layers.Dense))
    for word, number, there in (("convs", convs, first), ("dense", dense, last)):
        if not is_int(number, 0) or number > len(there):
            refuse(word, f"a whole number up to the {len(there)} of `source`", number)
    chosen = first[:convs] + last[len(last) - dense :]
    own = {layer.name: layer for layer in model.layers}
    for layer in chosen:
        shapes = [tuple(w.shape) for w in layer.weights]
        target = own.get(layer.name)
        theirs = [tuple(w.shape) for w in target.weights] if target else None
        if theirs != shapes:
            refuse("model", f"a net whose layer {layer.name} has weights {shapes}", theirs)
    for layer in chosen:
        own[layer.name].set_weights(layer.get_weights())
    return [layer.name for layer in chosen]
