"""Weight decay and max-norm constraints: Keras's regularizers and constraints, set on a built model."""

from typing import Any

import keras
import numpy as np
from keras import ops

from kerasnets.checks import is_number, refuse
from kerasnets.layers import PartialConv2D
from kerasnets.surgery.kernels import incoming, kernels


def decay_weights(model: keras.Model, decay: float, depthwise: bool = True) -> None:
    """Adds `decay` / 2 times the squared kernels to a model's loss, which is the papers' weight decay.

    Its gradient passes through the optimizer's momentum. That of the `weight_decay` of Keras's optimizers
    does not: with a momentum of 0.9, the same number has a tenth of the effect there.

    Source: Krizhevsky et al. 2012, section 5, the update rule; Howard et al. 2017, section 3.2: "very
    little or no weight decay (l2 regularization) on the depthwise filters".

    Args:
        model: A built keras.Model, before it is trained.
        decay: Weight decay, at least 0.
        depthwise: Whether the kernels of depthwise convolutions have weight decay too.

    Raises:
        ValueError: `decay` is negative or not a number.
    """
    check(decay, "decay")
    if decay:
        for kernel, _ in kernels(model, depthwise):
            kernel.regularizer = keras.regularizers.L2(decay / 2)


def limit_norms(model: keras.Model, limit: float) -> None:
    """Constrains the norm of the incoming weights of each unit, or of each output channel of a convolution.

    Source: Hinton et al., "Improving neural networks by preventing co-adaptation of feature detectors", 2012.

    Args:
        model: A built keras.Model, before it is trained.
        limit: Largest norm, above 0.

    Raises:
        ValueError: `limit` is not a number above 0.
    """
    check(limit, "limit")
    if not limit:
        refuse("limit", "a number above 0", limit)
    for kernel, layer in kernels(model):
        if isinstance(layer, PartialConv2D):
            kernel.constraint = PartialMaxNorm(limit, layer)
        else:
            kernel.constraint = keras.constraints.MaxNorm(limit, axis=incoming(kernel, layer))


class PartialMaxNorm(keras.constraints.Constraint):
    """Keras's MaxNorm for the kernel of a PartialConv2D, (size, size, pairs), over all pairs of a channel."""

    def __init__(self, limit: float, layer: PartialConv2D):
        self.limit = limit
        of_pair = np.repeat(np.arange(len(layer.connections)), [len(reads) for reads in layer.connections])
        self.together = (of_pair[:, None] == of_pair).astype("float32")

    def __call__(self, w: Any) -> Any:
        """The kernel with smaller weights where the norm is above the limit."""
        together = ops.cast(self.together, w.dtype)
        norms = ops.sqrt(ops.matmul(ops.sum(ops.square(w), axis=(0, 1)), together))
        return w * ops.minimum(1.0, self.limit / (norms + keras.config.epsilon()))


def check(value, name):
    """Refuses a value that is negative or not a number."""
    if not (is_number(value) and value >= 0):
        refuse(name, "a number, at least 0", value)
