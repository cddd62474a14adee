"""Transfer sets: datasets with the teacher's logits, which are computed once."""

import os
import pathlib
from typing import Any

import keras
import numpy as np

from kerasnets import files
from kerasnets.checks import refuse
from kerasnets.distillation.models import check_logits
from kerasnets.weights.state import fingerprint


def add_teacher_logits(dataset: Any, teacher: keras.Model, cache: str | os.PathLike | None = None) -> Any:
    """Adds a teacher's logits to each batch, so that the teacher runs once instead of at every epoch.

    The data must be the same at every pass, neither shuffled nor randomly augmented. Otherwise the logits
    would belong to other images. Shuffle the returned dataset instead. If every epoch has new augmentations,
    pass the teacher to the `Distiller`, where it sees the same batches as the student. Augmentation with a
    fixed seed is allowed: `data.batches(arrays, size, seed=1, epochs=K, augment=data.jitter)` gives the same
    K epochs each time, and they count as one dataset here.

    Args:
        dataset: A finite, batched tf.data.Dataset of (x, y) or (x, y, sample_weight).
        teacher: Model that gives logits, (batch, classes).
        cache: Folder in which the logits are kept for later runs, or None to keep them in memory. The file
            name depends on the teacher's weights and the number of examples. When the file is read, its first
            batch is compared with newly computed logits, to detect other data.

    Returns:
        A tf.data.Dataset of (x, {"labels": y, "teacher_logits": v}) or of the same with sample_weight.

    Raises:
        ValueError: `dataset` is empty or differs from pass to pass, or `teacher` does not give logits.
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


def logits_of(teacher: keras.Model, x: Any) -> np.ndarray:
    """Logits of a teacher for a batch, float32, (batch, classes)."""
    return np.asarray(teacher.predict_on_batch(x), "float32")


def same(a: Any, b: Any) -> bool:
    """Whether two nested structures contain equal arrays."""
    pairs = zip(keras.tree.flatten(a), keras.tree.flatten(b), strict=True)
    return all(np.array_equal(x, y) for x, y in pairs)


def read(path: pathlib.Path, size: int, sample: np.ndarray) -> np.ndarray | None:
    """Reads logits from a file.

    Args:
        path: Path of the file.
        size: Expected number of examples.
        sample: Newly computed logits of the first batch, (batch, classes).

    Returns:
        Logits, float32, (size, classes); None if the file is missing, damaged, or of other data.
    """
    try:
        logits = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    if logits.shape != (size, sample.shape[1]):
        return None
    scale = max(1.0, float(np.abs(sample).max()))
    return logits if np.allclose(logits[: len(sample)], sample, rtol=0, atol=1e-3 * scale) else None
