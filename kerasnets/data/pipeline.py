"""Batches of arrays in memory, shuffled so that a run can be resumed at any step."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from kerasnets.checks import is_int, refuse
from kerasnets.data import augment as augmentation

SAME_AT_EVERY_PASS = "`dataset` is the same at every pass, in content and order."


def to_arrays(dataset: tf.data.Dataset) -> Any:
    """Reads all batches of a dataset into memory.

    Args:
        dataset: A finite, batched tf.data.Dataset.

    Returns:
        Numpy arrays of all examples, in the structure of the dataset's elements.
    """
    parts = list(dataset)
    return keras.tree.map_structure(lambda *xs: tf.concat(xs, 0).numpy(), *parts)


def batches(
    arrays: Any,
    batch_size: int,
    *,
    seed: int | None = None,
    epochs: int = 1,
    first_step: int = 0,
    augment: Callable | Sequence[str | tuple[str, dict]] | None = None,
    classes: int | None = None,
) -> tf.data.Dataset:
    """Makes batches of arrays, epoch after epoch.

    Order and augmentation depend only on `seed`, the epoch and the position in it, so a run resumed at
    `first_step` continues with the same batches. The dataset contains all epochs, so tell Keras their length:
    ``model.fit(dataset, epochs=epochs, steps_per_epoch=math.ceil(n / batch_size))``.

    Args:
        arrays: Array of n examples, or tuples and dicts of such arrays.
        batch_size: Examples in a batch; the last batch of an epoch may be smaller.
        seed: Whole number with which every epoch is shuffled differently, or None to keep the order.
        epochs: Number of epochs, counted from the start of the run.
        first_step: Number of batches to skip, over all epochs.
        augment: None, or a function that takes a batch of images and a seed of two whole numbers and returns
            the changed images, such as `kerasnets.data.jitter`. Or rows of `kerasnets.data.augment` that
            change or mix images: ("elastic", ("jitter", {"pixels": 1})). The images are the first of
            `arrays`; with rows, the labels are the second.
        classes: Number of classes, needed for rows that mix images, such as "mixup". The labels then become
            one-hot.

    Returns:
        Dataset of batches in the structure of `arrays`.

    Raises:
        ValueError: An argument is out of range, the arrays differ in length, `augment` is given without
            `seed`, or a row is not allowed.
    """
    sizes = {len(a) for a in keras.tree.flatten(arrays)}
    if len(sizes) != 1 or 0 in sizes:
        refuse("arrays", "arrays of equal length, not empty", sorted(sizes))
    for name, value, least in (
        ("batch_size", batch_size, 1),
        ("epochs", epochs, 1),
        ("first_step", first_step, 0),
    ):
        if not is_int(value, least):
            refuse(name, f"a whole number, at least {least}", value)
    if augment is not None and seed is None:
        refuse("seed", "a whole number if `augment` is given", seed)
    if seed is not None and not is_int(seed, 0):
        refuse("seed", "None or a whole number, at least 0", seed)
    by_rows = augment is not None and not callable(augment)
    augmented = augmentation.of_batches(augment, classes) if by_rows else None

    n = sizes.pop()
    steps = -(-n // batch_size)
    if first_step >= epochs * steps:
        refuse("first_step", f"below {epochs} epochs of {steps} steps", first_step)
    arrays = keras.tree.map_structure(tf.constant, arrays)

    def batch(step):
        start = step % steps * batch_size
        rows = tf.range(start, tf.minimum(start + batch_size, n))
        if seed is not None:
            epoch_seed = tf.stack([tf.constant(seed, tf.int64), step // steps])
            rows = tf.random.experimental.index_shuffle(rows, epoch_seed, tf.constant(n - 1, tf.int64))
        examples = keras.tree.map_structure(lambda a: tf.gather(a, rows), arrays)
        if augment is None:
            return examples
        images, *rest = examples
        seeds = tf.stack([tf.constant(seed, tf.int64), step])
        if not by_rows:
            return (augment(images, seeds), *rest)
        images, labels = augmented(images, rest[0], seeds)
        return (images, labels, *rest[1:])

    ids = tf.data.Dataset.range(first_step, epochs * steps)
    options = tf.data.Options()
    options.autotune.enabled = False  # its thread can delay the end of a pass, up to doubling its time
    return ids.map(batch, num_parallel_calls=1).prefetch(4).with_options(options)


def marked(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """Puts marks beside the inputs of each batch, by which they can be recognized.

    Args:
        dataset: A batched tf.data.Dataset of tuples, of which the inputs are the first.

    Returns:
        Dataset of (inputs, marks), where marks are bytes, (batch, width); see `marks_of`.
    """
    return dataset.map(lambda x, *_: (x, marks_of(x)))


def marks_of(x: Any) -> tf.Tensor:
    """Marks of the examples of a batch: for each of its arrays, a fingerprint of 64 bits and the shape.

    Args:
        x: Tensor, (batch, ...), or tuples and dicts of such tensors.

    Returns:
        Bytes, (batch, width). The marks of an example do not depend on the other examples of the batch.
    """
    marks = []
    for leaf in keras.tree.flatten(x):
        size, sides = tf.shape(leaf)[0], tf.shape(leaf)[1:]
        sides = tf.reshape(tf.bitcast(sides, tf.uint8), (1, -1))
        marks += [tf.fingerprint(leaf), tf.tile(sides, (size, 1))]
    return tf.concat(marks, axis=1)


def join(
    dataset: tf.data.Dataset,
    values: Any,
    combine: Callable,
    marks: Any | None = None,
    shape: tuple[int, ...] | None = None,
) -> tf.data.Dataset:
    """Joins each batch of a dataset with the corresponding rows of an array.

    Args:
        dataset: A batched tf.data.Dataset of n examples in a fixed order.
        values: Array of floats, (n, ...); or for n rows that are not in memory, a function as `rows_of` takes
            it.
        combine: Function that takes the elements of a batch and then its rows of `values`, float32, and
            returns the new batch.
        marks: None, or the marks of the inputs, (n, width), as `marked` gives them. Every pass then compares
            them with those of its inputs, and ends with tf.errors.InvalidArgumentError if they differ.
        shape: Shape of a row, if `values` is a function.

    Returns:
        Dataset of the new batches.
    """
    marks = None if marks is None else tf.constant(marks)
    look_up = rows_of(values, shape)

    def rows(start, *batch):
        end = start + tf.shape(keras.tree.flatten(batch)[0], tf.int64)[0]
        if marks is None:
            return end, combine(*batch, look_up(tf.range(start, end)))
        known = tf.gather(marks, tf.minimum(tf.range(start, end), len(marks) - 1))
        alike = (end <= len(marks)) & tf.reduce_all(marks_of(batch[0]) == known)
        words = f"{SAME_AT_EVERY_PASS} Received: other inputs from example"
        with tf.control_dependencies([tf.debugging.Assert(alike, [words, start])]):
            return tf.identity(end), combine(*batch, look_up(tf.range(start, end)))

    return dataset.scan(tf.constant(0, tf.int64), lambda start, batch: rows(start, *batch))


def rows_of(values: Any, shape: tuple[int, ...] | None = None) -> Callable:
    """Makes a function that looks up rows in a tf.data pipeline.

    Args:
        values: Array of floats, (n, ...), or a function that takes the numbers of rows, a NumPy array, int64,
            (batch,), and returns the rows, float32, (batch, ...).
        shape: Shape of a row, if `values` is a function.

    Returns:
        A function that takes the numbers of rows, a tensor, int64, (batch,), and returns the rows, float32,
        (batch, ...).
    """
    if callable(values):
        return lambda numbers: tf.ensure_shape(
            tf.numpy_function(values, [numbers], tf.float32), (None, *shape)
        )
    table = tf.constant(values)
    return lambda numbers: tf.cast(tf.gather(table, numbers), tf.float32)


def weighted(dataset: tf.data.Dataset, weights: np.ndarray) -> tf.data.Dataset:
    """Adds to each example the weight of its class.

    Args:
        dataset: A batched tf.data.Dataset of (x, labels, ...), class numbers, (batch,), or one-hot or mixed
            labels, (batch, classes).
        weights: The weight of each class, float32, (classes,).

    Returns:
        Dataset of (x, labels, weights, ...), with weights of shape (batch,).
    """
    table = tf.constant(weights)

    def weigh(x, labels, *others):
        one_hot = labels.shape.rank == 2
        return x, labels, tf.linalg.matvec(labels, table) if one_hot else tf.gather(table, labels), *others

    return dataset.map(weigh, num_parallel_calls=1)


def specialize(
    dataset: tf.data.Dataset,
    classes: Sequence[int],
    keep: tuple[float, float],
    steps: int,
    seed: int,
    dustbin: bool,
) -> tf.data.Dataset:
    """Subsamples the examples of some classes and of all others, and labels them for a specialist.

    Args:
        dataset: A finite, batched tf.data.Dataset of (x, y, ...); y are labels, or a dict with "labels".
        classes: Numbers of the specialist's classes.
        keep: Probabilities of keeping an example of these classes, and one of the others.
        steps: Batches in a pass.
        seed: Whole number. Every pass draws different examples.
        dustbin: Whether labels become positions in `classes`, with len(classes) for all other classes. If
            False, the dict y gains "hard_weight", 1 for these classes and 0 for others.

    Returns:
        Dataset of `steps` batches, all of the size of the first one.
    """
    size = len(keras.tree.flatten(next(iter(dataset)))[0])
    index = tf.range(len(classes), dtype=tf.int64)
    places = tf.lookup.StaticHashTable(
        tf.lookup.KeyValueTensorInitializer(tf.constant(classes, tf.int64), index), len(classes)
    )

    def thin(number, batch):
        x, y, *rest = batch
        labels = y["labels"] if isinstance(y, dict) else y
        place = places.lookup(tf.cast(tf.reshape(labels, (-1,)), tf.int64))
        special = place < len(classes)
        draws = tf.random.stateless_uniform(tf.shape(place), tf.stack([tf.constant(seed, tf.int64), number]))
        kept = draws < tf.where(special, *keep)
        y = place if dustbin else {**y, "hard_weight": tf.cast(special, tf.float32)}
        return keras.tree.map_structure(lambda a: tf.boolean_mask(a, kept), (x, y, *rest))

    numbers = tf.data.Dataset.random(seed, rerandomize_each_iteration=True)
    thinned = tf.data.Dataset.zip(numbers, dataset).map(thin).rebatch(size)
    return thinned.repeat().take(steps)
