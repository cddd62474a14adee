"""Transfer sets: data with the teacher's logits, computed once."""

import pathlib

import keras
import numpy as np

from kerasnets import files
from kerasnets.checks import refuse
from kerasnets.distillation.models import check_logits
from kerasnets.weights.state import fingerprint


def add_teacher_logits(dataset, teacher, cache=None):
    """Adds a teacher's logits to each batch, so that the teacher runs once and not at every epoch.

    The data must be the same at every pass: neither shuffled nor randomly augmented, or the logits would
    belong to other images. Shuffle what this gives. For data that is augmented anew for every epoch pass the
    teacher to the `Distiller`, where it sees each batch as the student does. What can be kept is a transfer
    set augmented with a fixed seed: `data.batches(arrays, size, seed=1, epochs=K, augment=data.jitter)` gives
    the same K passes each time, and counts as one dataset here.

    Args:
        dataset: A finite, batched tf.data.Dataset of (x, y) or (x, y, sample_weight).
        teacher: Model that gives logits, (batch, classes).
        cache: Folder that keeps the logits for later runs, or None for memory. The file is named after the
            teacher's weights and the number of examples, written whole or not at all, and checked on the
            first batch when it is read again: a changed teacher or changed data never meets old logits.

    Returns:
        A tf.data.Dataset of (x, {"labels": y, "teacher_logits": v}), with sample_weight as before.

    Raises:
        ValueError: The data differs from pass to pass or is empty, or `teacher` ends in a softmax.
    """
    from kerasnets.data import join

    check_logits("teacher", teacher)
    first, again = (next(iter(dataset.take(1)), None) for _ in range(2))
    if first is None:
        refuse("dataset", "not empty", "no batch")
    if not isinstance(first, tuple) or len(first) not in (2, 3):
        refuse("dataset", "of (x, y) or (x, y, sample_weight)", type(first).__name__)
    if not same(first[0], again[0]):
        refuse(
            "dataset",
            "the same at every pass: shuffle after add_teacher_logits, or give augmented data to a "
            "Distiller with a live teacher",
            "batches that differ from pass to pass",
        )

    sample = logits_of(teacher, first[0])
    logits = None
    if cache is not None:
        size = sum(len(keras.tree.flatten(x)[0]) for x, *_ in dataset)
        path = pathlib.Path(cache) / f"teacher-logits-{fingerprint(teacher)}-{size}.npy"
        logits = read(path, size, sample)
    if logits is None:
        logits = np.concatenate([logits_of(teacher, x) for x, *_ in dataset])
        if cache is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            with files.replacing(path) as part:
                np.save(part, logits)

    def combine(x, y, *rest):
        *weights, v = rest
        return (x, {"labels": y, "teacher_logits": v}, *weights)

    return join(dataset, logits, combine)


def logits_of(teacher, x):
    """A teacher's logits of a batch, float32, (batch, classes)."""
    return np.asarray(teacher.predict_on_batch(x), "float32")


def same(a, b):
    """Whether two nested structures hold equal arrays."""
    pairs = zip(keras.tree.flatten(a), keras.tree.flatten(b), strict=True)
    return all(np.array_equal(x, y) for x, y in pairs)


def read(path, size, sample):
    """Logits from a file, or None if it is missing, damaged, or of other data.

    Args:
        path: Path of the file.
        size: Number of examples.
        sample: Logits of the first batch, computed afresh.

    Returns:
        float32, (size, classes), or None.
    """
    try:
        logits = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    if logits.shape != (size, sample.shape[1]):
        return None
    scale = max(1.0, float(np.abs(sample).max()))
    return logits if np.allclose(logits[: len(sample)], sample, rtol=0, atol=1e-3 * scale) else None
