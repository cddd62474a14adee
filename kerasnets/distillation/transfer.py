"""Transfer sets: datasets with the teacher's logits, which are computed once."""

import hashlib
import math
import os
import pathlib
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from kerasnets import files
from kerasnets.assembly.outputs import main_of
from kerasnets.checks import refuse
from kerasnets.distillation.models import check_logits
from kerasnets.weights.state import fingerprint

INFINITE, UNKNOWN = -1, -2  # what the cardinality of a tf.data.Dataset may be instead of its length
LIMIT = 2**20  # examples that are read of a dataset of unknown length
COMPARED = 20  # batches that are compared with those of the first pass before they count as ordered
ALLOWED = (
    "the same at every pass, in content and order: shuffle after add_teacher_logits, or give augmented data "
    "to a Distiller with a live teacher"
)


def add_teacher_logits(dataset: Any, teacher: keras.Model, cache: str | os.PathLike | None = None) -> Any:
    """Adds a teacher's logits to each batch, so that the teacher runs once instead of at every epoch.

    The data must be the same at every pass, neither shuffled nor randomly augmented. Otherwise the logits
    would belong to other images. Shuffle the returned dataset instead. If every epoch has new augmentations,
    pass the teacher to the `Distiller`, where it sees the same batches as the student. Augmentation with a
    fixed seed is allowed: `data.batches(arrays, size, seed=1, epochs=K, augment=data.jitter)` gives the same
    K epochs each time, and they count as one dataset here.

    Each input is recognized by a fingerprint. Passes are compared before the logits are returned, and every
    pass of the returned dataset is compared with the first to its end.

    Args:
        dataset: A finite, batched tf.data.Dataset of (x, y) or (x, y, sample_weight). If its length is
            unknown, it has at most 1,048,576 examples; `tf.data.experimental.assert_cardinality` makes the
            length known.
        teacher: Model that gives logits, (batch, classes). Of several outputs, the main one teaches, as
            described at `Distiller`.
        cache: Folder in which the logits are kept for later runs, or None to keep them in memory. The file
            name depends on the teacher's weights and on all inputs, so other data never meets old logits.
            Labels, sample weights and the size of the batches may change. When the file is read, its first
            batch is compared with newly computed logits, to detect another teacher of the same weights.

    Returns:
        A tf.data.Dataset of (x, {"labels": y, "teacher_logits": v}) or of the same with sample_weight. A pass
        whose inputs differ from those of the first ends with tf.errors.InvalidArgumentError.

    Raises:
        ValueError: `dataset` is empty, endless, not batched, or differs from pass to pass, or `teacher` does
            not give logits.
    """
    from kerasnets import data

    check_logits("teacher", teacher)
    check_batches(dataset, teacher)
    marked = data.marked(dataset)
    first = next(iter(marked.take(1)), None)
    if first is None:
        refuse("dataset", "not empty", "no batch")
    for _ in compared(marked.take(1), np.asarray(first[1])):
        pass
    marks, batches = read_marks(marked, LIMIT if dataset.cardinality() == UNKNOWN else math.inf)

    path = known = None
    if cache is not None:
        path = pathlib.Path(cache) / f"{name_of(teacher, dataset.element_spec[0], marks)}.npy"
        known = read(path, len(marks), logits_of(teacher, first[0]))
    logits = known
    if known is None:
        logits = np.concatenate([logits_of(teacher, x) for x in compared(marked, marks)])
    # A few batches may come in the same order by chance, so they are read several times.
    for _ in range(math.ceil(COMPARED / max(1, batches - 1)) - 1):
        for _ in compared(marked, marks):
            pass
    if path is not None and known is None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with files.replacing(path) as part:
            np.save(part, logits)

    def combine(x, y, *rest):
        *weights, v = rest
        return (x, {"labels": y, "teacher_logits": v}, *weights)

    return data.join(dataset, logits, combine, marks)


def check_batches(dataset: Any, teacher: keras.Model) -> None:
    """Refuses data that `add_teacher_logits` does not take, as far as it shows before any batch is read."""
    spec = getattr(dataset, "element_spec", None)
    if spec is None:
        refuse("dataset", "a tf.data.Dataset, such as stream.dataset", type(dataset).__name__)
    if not isinstance(spec, tuple) or len(spec) not in (2, 3):
        refuse("dataset", "of (x, y) or (x, y, sample_weight)", spec)
    if dataset.cardinality() == INFINITE:
        refuse("dataset", "finite: take as many batches of it as there are in a pass", "an endless dataset")
    shapes = [leaf.shape for leaf in keras.tree.flatten(spec)]
    sizes = {shape[0] for shape in shapes if shape.rank} - {None}
    taken, given = getattr(teacher, "inputs", None) or (), shapes[0].rank
    single = len(taken) == len(keras.tree.flatten(spec[0])) == 1
    lacks_one = single and given is not None and given < taken[0].ndim and taken[0].shape[-1] != 1
    if lacks_one or len(sizes) > 1 or 0 in {shape.rank for shape in shapes}:
        refuse("dataset", "batched, for example with dataset.batch(32)", spec)


def read_marks(marked: Any, limit: float) -> tuple[np.ndarray, int]:
    """Reads a dataset once.

    Args:
        marked: A tf.data.Dataset of (inputs, marks), as `kerasnets.data.marked` gives it.
        limit: Largest number of examples.

    Returns:
        The marks of all inputs, (n, width), and the number of batches.

    Raises:
        ValueError: There are more examples than `limit`.
    """
    parts, size = [], 0
    for marks in marked.map(lambda _, marks: marks):
        parts.append(np.asarray(marks))
        size += len(parts[-1])
        if size > limit:
            refuse(
                "dataset",
                f"of a known length, if it has more than {limit:,} examples: "
                "dataset.apply(tf.data.experimental.assert_cardinality(batches))",
                "a dataset whose cardinality() is unknown",
            )
    return np.concatenate(parts), len(parts)


def compared(marked: Any, marks: np.ndarray) -> Iterator[Any]:
    """Yields the inputs of each batch; refuses a pass whose marks are not the given ones."""
    start = 0
    for x, given in marked:
        end = start + len(given)
        if not np.array_equal(given, marks[start:end]):
            refuse("dataset", ALLOWED, f"other inputs from example {start}")
        yield x
        start = end
    if start != len(marks):
        refuse("dataset", ALLOWED, f"{len(marks)} examples, then {start}")


def name_of(teacher: keras.Model, inputs: Any, marks: np.ndarray) -> str:
    """The name of the file for a teacher's logits for all inputs.

    Args:
        teacher: The teacher.
        inputs: Structure of tf.TensorSpecs of the inputs.
        marks: Marks of all inputs, (n, width).

    Returns:
        The number of examples and hashes of the teacher's weights and of the inputs.
    """
    kinds = keras.tree.map_structure(lambda spec: spec.dtype.name, inputs)
    digest = hashlib.sha256(f"{kinds}{marks.shape}".encode() + marks.tobytes()).hexdigest()[:16]
    return f"teacher-logits-{fingerprint(teacher)}-{len(marks)}-{digest}"


def logits_of(teacher: keras.Model, x: Any) -> np.ndarray:
    """Main logits of a teacher for a batch, float32, (batch, classes)."""
    x = keras.tree.map_structure(np.asarray, x)  # tensors of TensorFlow, whatever the backend
    return np.asarray(main_of(teacher.predict_on_batch(x)), "float32")


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
