"""Data as tf.data pipelines: datasets by name, batches that can be resumed, and the papers' augmentation."""

from kerasnets.data.contents import Contents, check_folder
from kerasnets.data.datasets import load
from kerasnets.data.pipeline import batches, join, marked, rows_of, specialize, to_arrays, weighted
from kerasnets.data.streams import Stream, Views, stream
from kerasnets.data.transforms import jitter

__all__ = [
    "Contents",
    "Stream",
    "Views",
    "batches",
    "check_folder",
    "jitter",
    "join",
    "load",
    "marked",
    "rows_of",
    "specialize",
    "stream",
    "to_arrays",
    "weighted",
]
