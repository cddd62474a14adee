"""Data: datasets by name, batches that can be resumed, and the papers' augmentation, as tf.data pipelines."""

from kerasnets.data.augment import jitter
from kerasnets.data.datasets import load
from kerasnets.data.pipeline import batches, join, to_arrays

__all__ = ["batches", "jitter", "join", "load", "to_arrays"]
