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


def no_bias(net: keras.Model, fitted: Fitted) -> None:
    """Biases that the checkpoint lacks are zeros; the pairing adds them."""


def zeros_around(net: keras.Model, fitted: Fitted) -> None:
    """Kernels that are smaller than ours get zeros around them; the pairing adds them."""


def folded_norm(net: keras.Model, fitted: Fitted) -> None:
    """Batch normalization that was folded into convolutions becomes one that adds their biases.

    The pairing adds it.
    """


def zeros_on_both_sides(net: keras.Model, fitted: Fitted) -> None:
    """Shortcuts of option A add as many maps of zeros before the others as behind them; ours add all behind.

    So the maps of the later stages are in another order: the convolutions that read or make them, batch
    normalization and the classifier are permuted.
    """
    order = None  # for each of our maps its number in the checkpoint
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

    Ours of maps that are scaled by a number is theirs scaled by another one. What the first number scales is
    the convolution before it, and what the second one is divided out of are the kernels that read it. ReLU
    and max pooling may be between them.

    Args:
        net: The net.
        fitted: Its weights.
        k: Theirs, which is added to the sum.
        alpha: Theirs, which multiplies the sum. Caffe and PyTorch divide what they call alpha by the window.
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
    """Divides the kernels that read maps, through layers without weights, by a factor of these maps."""
    scaled = {id(maps)}
    for call in nodes(net):
        if any(id(x) in scaled for x in call.input_tensors):
            values = fitted.get(call.operation.name)
            if values is None:
                scaled.update(id(x) for x in call.outputs)
            else:
                values["kernel"] = values["kernel"] / factor
