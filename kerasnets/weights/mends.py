"""Mends: changes of a checkpoint's values after which our net computes what its own net computes.

Each takes a net, and the weights that were fitted to its layers: arrays by layer name and weight name, which
it changes. `Architecture.mends` names them, with their arguments.
"""

import math

import keras
import numpy as np

from kerasnets.graph import nodes, source
from kerasnets.layers.lrn import LRN

Fitted = dict[str, dict[str, np.ndarray]]


def zeros_on_both_sides(net: keras.Model, fitted: Fitted) -> None:
    """Shortcuts of option A that add half of the new maps, which are zeros, before the old ones.

    Ours add all of them behind the old ones, so that the maps of the later stages come in another order. In
    the convolutions, batch normalization and classifier that make or read these maps, channels are permuted.
    """
    order = None  # for each of our maps, its number in the checkpoint
    for name, values in fitted.items():
        kernel = values.get("kernel")
        if order is None:
            order = np.arange(kernel.shape[-1])
        elif name.endswith("_1_conv") or (kernel is not None and kernel.ndim == 2):
            values["kernel"] = kernel.take(order, axis=-2)
        elif name.endswith("_2_conv"):
            before, behind = np.split(np.arange(kernel.shape[-1] - len(order)), 2)
            order = np.concatenate([order + len(before), before, behind + len(order)])
            values["kernel"] = kernel.take(order, axis=-1)
        elif name.endswith("_2_bn"):
            values.update({weight: value[order] for weight, value in values.items()})


def lrn(net: keras.Model, fitted: Fitted, k: float, alpha: float) -> None:
    """Local response normalization that was trained with other constants than ours.

    If maps are multiplied by the right factor before our normalization, its output is a multiple of what
    theirs would be. So the convolution before it is multiplied by that factor, and the kernels that read its
    output are divided by that multiple. ReLU and max pooling may come between, since they keep factors.

    Args:
        net: The net.
        fitted: Its weights.
        k: Their constant that is added to the weighted sum of squares.
        alpha: Their weight of the sum of squares. What Caffe and PyTorch call alpha is this times the size of
            the window.
    """
    for layer in net.layers:
        if isinstance(layer, LRN):
            scale = math.sqrt(alpha * layer.k / (layer.alpha * k))
            before = source(layer)
            while before.name not in fitted:
                before = source(before)
            fitted[before.name] = {name: value * scale for name, value in fitted[before.name].items()}
            divide_out(net, fitted, layer.output, scale * (k / layer.k) ** layer.beta)


def divide_out(net: keras.Model, fitted: Fitted, maps: keras.KerasTensor, factor: float) -> None:
    """Divides the kernels that read maps, directly or through layers without weights, by a factor."""
    scaled = {id(maps)}
    for call in nodes(net):
        if any(id(x) in scaled for x in call.input_tensors):
            values = fitted.get(call.operation.name)
            if values is None:
                scaled.update(id(x) for x in call.outputs)
            else:
                values["kernel"] = values["kernel"] / factor
