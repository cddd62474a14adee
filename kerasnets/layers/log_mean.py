"""The arithmetic mean of the probabilities of several networks, as logits."""

import math

import keras
from keras import ops

from kerasnets.layers.precision import in_float32


@keras.saving.register_keras_serializable("kerasnets")
class LogMeanProbability(keras.layers.Layer):
    """Logits whose softmax is the mean of the softmaxes of several logits.

    Call:
        A list of logits, each (batch, classes) -> log-probabilities, (batch, classes), computed in float32.
    """

    def call(self, logits):
        logs = ops.stack([ops.log_softmax(in_float32(z)) for z in logits])
        return ops.cast(ops.logsumexp(logs, axis=0) - math.log(len(logits)), self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return tuple(input_shape[0])
