"""ReLUs with the backward passes of guided backpropagation and of deconvolution.

All three ways back through a ReLU y = max(x, 0) give the signal g from above to the layer below

    gradient                 g where x > 0            Simonyan et al. 2014, arXiv:1312.6034
    deconvolution            g where g > 0            Zeiler and Fergus 2014, arXiv:1311.2901, section 2.1
    guided backpropagation   g where x > 0 and g > 0  Springenberg et al. 2015, arXiv:1412.6806, section 3.4

and zero elsewhere. Convolutions pass the signal back by their transposed filters, and max pooling to where
the maximum was, which ZFNet calls unpooling with switches: both are their gradients.
"""

from collections.abc import Callable
from typing import Any

from keras import layers, ops

from kerasnets.assembly.outputs import activation_of
from kerasnets.graph import twin

RELUS = ("relu", "relu6")


def guided(activation: Callable) -> Callable:
    """An activation through which guided backpropagation goes: only positive signals reach its gradient."""
    return lambda x: rectified_gradient(activation(x))


def deconvolved(activation: Callable) -> Callable:
    """An activation through which deconvolution goes: the signal alone is rectified."""

    @ops.custom_gradient
    def call(x):
        return activation(x), rectified

    return call


@ops.custom_gradient
def rectified_gradient(x):
    """The identity, whose gradient is rectified."""
    return x, rectified


def rectified(*args: Any, upstream: Any = None) -> Any:
    """The positive part of a signal, which TensorFlow and JAX give as the only argument."""
    return ops.relu(args[0] if upstream is None else upstream)


def split(operation: Any) -> tuple[Any, Callable] | None:
    """Splits a layer or operation that ends with a ReLU.

    Args:
        operation: A Keras layer or operation.

    Returns:
        What comes before the ReLU, a layer with the variables of `operation`, or None for nothing; and the
        ReLU. None instead of both if the operation does not end with a ReLU: relu or relu6 as a layer, as the
        argument `activation` of a layer, as a function in a Lambda or as an operation. Leaky ones are others.
    """
    if activation_of(operation) not in RELUS or getattr(operation, "negative_slope", 0):
        return None
    inner = operation
    while isinstance(inner, layers.TimeDistributed):
        inner = inner.layer
    activation = getattr(inner, "activation", None)
    if activation is None or isinstance(inner, layers.Activation):
        return None, operation
    if not isinstance(operation, layers.TimeDistributed):
        return twin(operation, activation="linear"), activation
    return layers.TimeDistributed(twin(inner, activation="linear"), name=operation.name), activation
