"""Data as tf.data pipelines: datasets by name, batches that can be resumed, and the papers' augmentation."""

from kerasnets.data.datasets import load
from kerasnets.data.pipeline import batches, join, marked, specialize, to_arrays
from kerasnets.data.streams import Stream, stream
from kerasnets.data.transforms import jitter

__all__ = ["Stream", "batches", "jitter", "join", "load", "marked", "specialize", "stream", "to_arrays"]
