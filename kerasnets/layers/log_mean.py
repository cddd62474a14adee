"""The arithmetic mean of the probabilities of several networks, as logits."""

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from kerasnets.layers.precision import in_float32

NEVER = -1e9  # stands for the logarithm of 0, whose gradient would be NaN; times a probability of 0 it is 0


@keras.saving.register_keras_serializable("kerasnets")
class LogMeanProbability(keras.layers.Layer):
    """Logits whose softmax is the mean of the softmaxes of several logits; for one class, of the sigmoids.

    Args:
        shares: For each of the logits its share of the mean, numbers above 0 that add up to 1; None for equal
            ones.

    Call:
        A list of logits, each (batch, classes) -> log-probabilities, (batch, classes), computed in float32;
        of one class the logit, (batch, 1).
    """

    def __init__(self, shares: Sequence[float] | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.shares = shares

    def call(self, logits):
        shares = self.shares or [1 / len(logits)] * len(logits)
        logs = [log_probabilities(z) + math.log(w) for z, w in zip(logits, shares, strict=True)]
        mean = ops.logsumexp(ops.stack(logs), axis=0)
        mean = mean[:, 1:] - mean[:, :1] if logits[0].shape[-1] == 1 else mean
        return ops.cast(mean, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return tuple(input_shape[0])

    def get_config(self):
        return {**super().get_config(), "shares": self.shares}


def log_probabilities(logits: Any) -> Any:
    """Log-probabilities of classes that exclude one another.

    Args:
        logits: Tensor, (..., classes). A single logit is that of the second of two classes: its sigmoid is
            the probability of the label 1.

    Returns:
        Tensor, (..., classes), or (..., 2) for a single logit, at least float32.
    """
    logits = in_float32(logits)
    if logits.shape[-1] == 1:
        return -ops.softplus(ops.concatenate([logits, -logits], axis=-1))
    return ops.log_softmax(logits)
