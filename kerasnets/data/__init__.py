"""Data as tf.data pipelines: datasets by name, batches that can be resumed, and the papers' augmentation."""

from kerasnets.data.contents import Contents, check_folder
from kerasnets.data.datasets import load
from kerasnets.data.pipeline import batches, join, marked, specialize, to_arrays, weighted
from kerasnets.data.streams import Stream, stream
from kerasnets.data.transforms import jitter

__all__ = [
    "Contents",
    "Stream",
    "batches",
    "check_folder",
    "jitter",
    "join",
    "load",
    "marked",
    "specialize",
    "stream",
    "to_arrays",
    "weighted",
]
