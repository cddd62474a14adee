"""The arithmetic mean of several nets' probabilities, as logits."""

import math

import keras
from keras import ops


@keras.saving.register_keras_serializable("kerasnets")
class LogMeanProbability(keras.layers.Layer):
    """Logits whose softmax is the mean of the softmaxes of several logits.

    Call: a list of logits, (batch, classes) each -> (batch, classes), in float32 at least; log-probabilities.
    """

    def call(self, logits):
        full = keras.backend.result_type(self.compute_dtype, "float32")
        logs = ops.stack([ops.log_softmax(ops.cast(z, full)) for z in logits])
        return ops.cast(ops.logsumexp(logs, axis=0) - math.log(len(logits)), self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return tuple(input_shape[0])
