"""Rounding that lets gradients pass, for codes of bits in the middle of an autoencoder."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("kerasnets")
class Rounded(keras.layers.Layer):
    """Rounds values from 0 to 1 to bits, 0 or 1; its gradient is that of the values themselves.

    Source: Krizhevsky and Hinton, "Using Very Deep Autoencoders for Content-Based Image Retrieval", ESANN
    2011: code units are rounded in the forward pass, and treated as if they were not in the backward pass.

    Call:
        (batch, *any) -> the same shape.
    """

    def call(self, x):
        bits = ops.cast(ops.greater(x, 0.5), x.dtype)
        return x + ops.stop_gradient(bits - x)

    def compute_output_shape(self, input_shape):
        return input_shape
