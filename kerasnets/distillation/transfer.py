"""Transfer sets: datasets with the teacher's logits, which are computed once and kept."""

import hashlib
import math
import os
import pathlib
from collections.abc import Collection, Iterable, Iterator
from typing import Any

import keras
import numpy as np

from kerasnets.assembly.outputs import main_of
from kerasnets.checks import is_folder, refuse
from kerasnets.distillation.models import check_logits
from kerasnets.distillation.records import Form, check_form
from kerasnets.distillation.store import HEADER, Store, check_layout, made
from kerasnets.weights.state import fingerprint

INFINITE, UNKNOWN = -1, -2  # what the cardinality of a tf.data.Dataset may be instead of its length
LIMIT = 2**20  # examples that are read of a dataset of unknown length
COMPARED = 20  # batches that are compared with those of the first pass before they count as ordered
ALLOWED = (
    "the same at every pass, in content and order: shuffle after add_teacher_logits, or give augmented data "
    "to a Distiller with a live teacher"
)


def add_teacher_logits(
    dataset: Any,
    teacher: keras.Model,
    cache: str | os.PathLike | None = None,
    *,
    dtype: str = "float16",
    top: int | None = None,
    shards: int | None = None,
    views: int = 1,
) -> Any:
    """Adds a teacher's logits to each batch, so that the teacher runs once instead of at every epoch.

    The data must be the same at every pass, neither shuffled nor randomly augmented. Otherwise the logits
    would belong to other images. Shuffle the returned dataset instead. If every epoch has new augmentations,
    pass the teacher to the `Distiller`, where it sees the same batches as the student. Augmentation with a
    fixed seed is allowed: `data.batches(arrays, size, seed=1, epochs=K, augment=data.jitter)` gives the same
    K epochs each time, and they count as one dataset here, of K views.

    Each input is recognized by a fingerprint. Passes are compared before the logits are returned, and every
    pass of the returned dataset is compared with the first to its end.

    Args:
        dataset: A finite, batched tf.data.Dataset of (x, y) or (x, y, sample_weight). If its length is
            unknown, it has at most 1,048,576 examples; `tf.data.experimental.assert_cardinality` makes the
            length known.
        teacher: Model that gives logits, (batch, classes). Of several outputs, the main one teaches, as
            described at `Distiller`.
        cache: Folder in which the logits are kept for later runs, or None to keep them in memory. It gets a
            folder for these logits, whose name depends on the teacher's weights and on all inputs, so other
            data never meets old logits. Labels, sample weights and the size of the batches may change. A call
            that was interrupted continues with the missing shards. Before logits are read, those of the first
            batch are compared with newly computed ones, to detect another teacher with the same weights.
            Logits of at most 256 MB are read into memory; larger ones are read batch by batch.
        dtype: Type in which logits are kept, with and without `cache`: "float16", which rounds a logit of 20
            by at most 0.008, or "float32".
        top: Number of the largest logits to keep of each example; None for all. The probability of the other
            classes is spread evenly over them, which suits a temperature near 1: see
            `kerasnets.distillation.records`.
        shards: Largest number of files for the logits of a view; None for one for every 10,000 examples.
        views: Number of views of the same examples that the dataset consists of, one after the other.

    Returns:
        A tf.data.Dataset of (x, {"labels": y, "teacher_logits": v}) or of the same with sample_weight. v is
        float32. A pass whose inputs differ from those of the first ends with tf.errors.InvalidArgumentError.

    Raises:
        ValueError: `dataset` is empty, endless, not batched, or differs from pass to pass, `teacher` does
            not give logits, or not finite ones, or another argument is not allowed.
    """
    from kerasnets import data

    check_form(dtype, top)
    check_layout(shards, views)
    if cache is not None and not is_folder(cache):
        refuse("cache", "None or a folder, which need not exist yet", cache)
    check_logits("teacher", teacher)
    check_batches(dataset, teacher)
    marked = data.marked(dataset)
    first = next(iter(marked.take(1)), None)
    if first is None:
        refuse("dataset", "not empty", "no batch")
    for _ in compared(marked.take(1), np.asarray(first[1])):
        pass
    sample = logits_of(teacher, first[0])
    form = Form(sample.shape[1], dtype, top)
    form.encode(sample)  # refuses logits that it cannot hold
    marks, batches = read_marks(marked, LIMIT if dataset.cardinality() == UNKNOWN else math.inf)
    if len(marks) % views:
        refuse("views", f"a number that divides {len(marks)}, the number of examples", views)
    # A few batches may come in the same order by chance, so they are read several times.
    for _ in range(math.ceil(COMPARED / max(1, batches - 1)) - 1):
        for _ in compared(marked, marks):
            pass

    if cache is None:
        kept = np.concatenate([form.encode(logits_of(teacher, x)) for _, x in compared(marked, marks)])
        values = kept if top is None else lambda rows: form.decode(kept[rows])
    else:
        facts = {"teacher": fingerprint(teacher), "data": digest_of(dataset.element_spec[0], marks)}
        name = name_of(**facts, examples=len(marks), form=form, views=views)
        layout = dict(views=views, shards=shards)
        store = opened_for(
            pathlib.Path(cache).expanduser() / name, form, len(marks) // views, layout, facts, sample
        )
        write_logits(store, compared(marked, marks), teacher, store.missing())
        values = store.values()

    def combine(x, y, *rest):
        *weights, v = rest
        return (x, {"labels": y, "teacher_logits": v}, *weights)

    return data.join(dataset, values, combine, marks, (form.classes,))


def opened_for(
    folder: pathlib.Path,
    form: Form,
    examples: int,
    layout: dict[str, int | None],
    facts: dict[str, Any],
    sample: np.ndarray,
) -> Store:
    """Opens the store of a teacher's logits, or makes it anew if it is damaged or has other logits.

    Args:
        folder: Its folder.
        form: Form of the records.
        examples: Number of examples in a view.
        layout: The views and the shards, arguments of `store.made`.
        facts: What else decides the logits.
        sample: Newly computed logits of the first batch, (batch, classes).

    Returns:
        The Store.
    """
    try:
        store = made(folder, form, examples, **layout, argument="cache", **facts)
    except ValueError:  # nobody else writes here: the name of the folder says what is in it
        (folder / HEADER).unlink()
        store = made(folder, form, examples, **layout, argument="cache", **facts)
    count = min(len(sample), store.place(0)[1])
    if store.is_whole(0):
        difference, allowed, _ = form.difference(store.records(np.arange(count)), sample[:count])
        if difference > allowed:
            store.remove()
            store = made(folder, form, examples, **layout, argument="cache", **facts)
    return store


def write_logits(
    store: Store, batches: Iterable[tuple[int, Any]], teacher: keras.Model, missing: Collection[int]
) -> None:
    """Writes shards of a store.

    Args:
        store: The store.
        batches: The row in the store of the first example of each batch, and its inputs. The batches have all
            rows of the shards to write, in their order.
        teacher: The teacher, which runs on the batches of these shards only.
        missing: Numbers of the shards to write.

    Raises:
        ValueError: A pass over the data differs from the one before, or the store cannot hold the logits.
    """
    if not missing:
        return
    held = np.empty(store.size, store.form.record)
    try:
        for start, x in batches:
            count = len(keras.tree.flatten(x)[0])
            parts = [part for part in store.parts(start, count) if part[0] in missing]
            records = store.form.encode(logits_of(teacher, x)) if parts else None
            for shard, own, rows in parts:
                held[own] = records[rows]
                size = store.place(shard)[1]
                if own.stop == size:
                    store.write(shard, held[:size])
    except ValueError:
        if len(store.missing(thorough=False)) == store.shards:  # there is nothing to go on with
            store.remove()
        raise


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


def compared(marked: Any, marks: np.ndarray) -> Iterator[tuple[int, Any]]:
    """Yields the number of the first example of each batch, and its inputs.

    Raises:
        ValueError: The marks of the pass are not the given ones.
    """
    start = 0
    for x, given in marked:
        end = start + len(given)
        if not np.array_equal(given, marks[start:end]):
            refuse("dataset", ALLOWED, f"other inputs from example {start}")
        yield start, x
        start = end
    if start != len(marks):
        refuse("dataset", ALLOWED, f"{len(marks)} examples, then {start}")


def name_of(teacher: str, data: str, examples: int, form: Form, views: int) -> str:
    """The name of the folder for a teacher's logits for all inputs.

    Args:
        teacher: The fingerprint of the teacher.
        data: The hash of all inputs, as `digest_of` gives it.
        examples: Number of inputs.
        form: How the logits are stored.
        views: Number of views that the inputs consist of.

    Returns:
        The number of examples, hashes of the teacher's weights and of the inputs, and what is stored.
    """
    words = [teacher, str(examples), data[:16], form.dtype]
    words += [f"top{form.top}"] if form.top else []
    words += [f"{views}views"] if views > 1 else []
    return "-".join(["teacher-logits", *words])


def digest_of(inputs: Any, marks: np.ndarray) -> str:
    """A hash of the types and the marks of all inputs."""
    kinds = keras.tree.map_structure(lambda spec: spec.dtype.name, inputs)
    return hashlib.sha256(f"{kinds}{marks.shape}".encode() + marks.tobytes()).hexdigest()


def logits_of(teacher: keras.Model, x: Any) -> np.ndarray:
    """Main logits of a teacher for a batch, float32, (batch, classes)."""
    x = keras.tree.map_structure(np.asarray, x)  # tensors of TensorFlow, whatever the backend
    return np.asarray(main_of(teacher.predict_on_batch(x)), "float32")
