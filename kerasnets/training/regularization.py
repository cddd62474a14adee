"""Weight decay and max-norm constraints: Keras's regularizers and constraints, set on a built model."""

import keras
from keras import layers

from kerasnets.checks import is_number, refuse
from kerasnets.layers import parts


def kernels(model: keras.Model, depthwise: bool = True) -> list[keras.Variable]:
    """The kernels of a model: its trainable weights except biases and those of batch normalization.

    Args:
        model: A built keras.Model.
        depthwise: Whether to include the kernels of depthwise convolutions.

    Returns:
        A list of variables.
    """
    excluded = () if depthwise else [p for layer in model.layers for p in parts(layer) if is_depthwise(p)]
    ids = {id(v) for part in excluded for v in part.trainable_variables}
    return [v for v in model.trainable_variables if len(v.shape) > 1 and id(v) not in ids]


def is_depthwise(layer):
    """Whether a layer is a depthwise convolution."""
    return isinstance(layer, (layers.DepthwiseConv1D, layers.DepthwiseConv2D))


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
        for kernel in kernels(model, depthwise):
            kernel.regularizer = keras.regularizers.L2(decay / 2)


def limit_norms(model: keras.Model, limit: float) -> None:
    """Constrains the norm of the incoming weights of each unit, or of the kernel of each channel.

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
    for kernel in kernels(model):
        kernel.constraint = keras.constraints.MaxNorm(limit, axis=list(range(len(kernel.shape) - 1)))


def check(value, name):
    """Refuses a value that is negative or not a number."""
    if not (is_number(value) and value >= 0):
        refuse(name, "a number, at least 0", value)
