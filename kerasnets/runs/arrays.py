"""Training on arrays in memory: a net is trained and saved once, and loaded after that."""

import math
import os
import pathlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np

import kerasnets
from kerasnets import data, distillation, training, weights
from kerasnets.runs.folder import save
from kerasnets.scaling import MODES

SCALING = MODES["unit"]  # of all nets that are trained on arrays
RATE = 1e-3  # learning rate of Adam; it and that of SGD have a cosine decay to 0
# Of batch normalization, as PyTorch has it. With Keras's 0.99, the statistics lag behind the weights of a run
# of a few thousand steps.
MOMENTUM = 0.9


class Batches(NamedTuple):
    """The batches of a run.

    Attributes:
        start: Function of the number of a step. It returns a tf.data.Dataset of the batches from it on.
        steps: Steps per epoch.
        size: Examples in a batch.
    """

    start: Callable[[int], Any]
    steps: int
    size: int


class Parts(NamedTuple):
    """Images, (n, height, width, 1), values 0 to 1, and labels, (n,), for each purpose."""

    train: tuple[np.ndarray, np.ndarray]
    held_out: tuple[np.ndarray, np.ndarray]
    test: tuple[np.ndarray, np.ndarray]


def read_images(
    dataset: str, split: str, data_dir: str | os.PathLike | None = None, least: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Reads a split of a dataset into memory.

    Args:
        dataset: Name of the dataset, as `kerasnets.data.load` takes it.
        split: "train" or "test".
        data_dir: Folder of the dataset, as `kerasnets.data.load` takes it.
        least: Least number of examples to read: every k-th one, with the largest possible k. None reads all.

    Returns:
        Images, float32, values 0 to 1, (n, height, width, channels), and labels, (n,).
    """
    examples = data.load(dataset, split, data_dir=data_dir)
    if least is not None:
        examples = examples.shard(max(1, int(examples.cardinality()) // least), 0)
    images, labels = data.to_arrays(examples.batch(1000))
    return SCALING(images), labels


def shuffled(
    arrays: Any,
    batch_size: int,
    epochs: int,
    seed: int,
    augment: Callable | Sequence[str | tuple[str, dict]] | None = None,
    classes: int | None = None,
) -> Batches:
    """The batches of arrays, shuffled anew for every epoch.

    Args:
        arrays: Arrays of n examples in tuples and dicts, as `kerasnets.data.batches` takes them.
        batch_size: Examples in a batch.
        epochs: Epochs of the run.
        seed: Seed of order and augmentation.
        augment: Function or rows that augment images, as `kerasnets.data.batches` takes them, or None.
        classes: Number of classes, for rows that mix images.

    Returns:
        The `Batches`.
    """
    steps = math.ceil(len(keras.tree.flatten(arrays)[0]) / batch_size)
    order = dict(seed=seed, epochs=epochs, augment=augment, classes=classes)
    return Batches(lambda step: data.batches(arrays, batch_size, first_step=step, **order), steps, batch_size)


def build(model: str, **options: Any) -> keras.Model:
    """Builds a net that gives logits and whose batch normalization follows a short training.

    Args:
        model: Name of the net.
        options: Its options, as `kerasnets.build` takes them.
    """
    return quick(kerasnets.build(model, classifier_activation=None, **options))


def quick(net: keras.Model) -> keras.Model:
    """The net itself, whose batch normalization now follows a short training."""
    for layer in net.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = MOMENTUM
    return net


def train_once(
    path: str | os.PathLike,
    build: Callable[[], keras.Model],
    batches: Batches,
    epochs: int,
    *,
    seed: int,
    validation: tuple | None,
    facts: dict[str, Any],
    distiller: dict | None = None,
    loss: Callable | None = None,
    accuracy: Callable | str = "accuracy",
    rate: float = RATE,
    momentum: float | None = None,
    eagerly: bool = False,
) -> keras.Model:
    """Trains a net and saves it as `fit_and_save` does, or loads it if an earlier run has saved it.

    Args:
        path: The .keras file.
        build: Function that builds the net, which gives logits.
        batches: Its `Batches`. Targets are labels, or with `distiller` what
            `kerasnets.distillation.add_teacher_logits` gives.
        epochs: Epochs of the training.
        seed: Seed of the weights.
        validation: Images and labels to validate on after every epoch, or None.
        facts: Facts to record in the card of the net, as `kerasnets.weights.describe` takes them.
        distiller: Arguments of the `kerasnets.distillation.Distiller` to train with; None trains on labels.
        loss: Function of labels and logits to train on labels with; None is their cross-entropy.
        accuracy: The metric "accuracy", or a function of this name of labels and logits.
        rate: Initial learning rate.
        momentum: Momentum of SGD to train with; None trains with Adam.
        eagerly: Whether steps run eagerly, which takes less time for a few steps of a deep net.

    Returns:
        The trained net.

    Raises:
        FloatingPointError: The loss is NaN or infinite.
    """
    path = pathlib.Path(path)
    if path.exists():
        print(f"{path.stem}: already trained")
        return kerasnets.load_model(path)
    keras.utils.set_random_seed(seed)
    net = build()
    decay = keras.optimizers.schedules.CosineDecay(rate, batches.steps * epochs)
    optimizer = keras.optimizers.Adam(decay) if momentum is None else keras.optimizers.SGD(decay, momentum)
    options = {"run_eagerly": eagerly, "jit_compile": training.distribution.jit_compile()}
    if distiller is None:
        model = net
        loss = loss or keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(optimizer, loss, metrics=[accuracy], **options)
    else:
        model = distillation.Distiller(net, **distiller)
        model.compile(optimizer, metrics=["accuracy"], **options)
    fit_and_save(model, net, path, batches, epochs, f"{path.stem:8}", facts, validation)
    return net


def fit_and_save(
    model: keras.Model,
    net: keras.Model,
    path: str | os.PathLike,
    batches: Batches,
    epochs: int,
    title: str,
    facts: dict[str, Any],
    validation: tuple | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> None:
    """Trains a compiled model and saves the net in it.

    The logs of each epoch are written beside the net, to a .csv file. During the training a .weights.h5 file
    holds its state, from which a stopped run resumes.

    Args:
        model: The model, which holds the net or is the net.
        net: The net.
        path: The .keras file.
        batches: The `Batches`.
        epochs: Epochs of the training.
        title: Title of the progress.
        facts: Facts to record in the card of the net, as `kerasnets.weights.describe` takes them. Unless they
            say otherwise, its images have values of 0 to 1, as those of `read_images`.
        validation: Images and targets to validate on after every epoch, or None.
        callbacks: Further callbacks.

    Raises:
        FloatingPointError: The loss is NaN or infinite.
    """
    path = pathlib.Path(path)
    weights.describe(net, **{"scaling": SCALING, **facts})
    state = path.with_suffix(".weights.h5")
    measure = "accuracy" if validation is None else "val_accuracy"
    training.fit(
        model,
        batches.start,
        batches.steps,
        epochs,
        state=state,
        history=path.with_suffix(".csv"),
        validation=None if validation is None else data.batches(validation, 1000),
        callbacks=[
            training.Progress(title, ("loss", measure), batch_size=batches.size),
            *callbacks,
        ],
    )
    save(net, path)
    state.unlink(missing_ok=True)


def record(net: keras.Model, path: str | os.PathLike, **results: Any) -> None:
    """Records the results of a net's test in its file, unless they are there."""
    if weights.card_of(net).results != results:
        save(net, path, results=results)


def predict(net: keras.Model, images: np.ndarray) -> np.ndarray:
    """The outputs of a net for images in memory, (n, classes)."""
    return net.predict(images, batch_size=1000, verbose=0)


def count_errors(logits: np.ndarray, labels: np.ndarray) -> int:
    """The number of examples whose largest logit is not that of their label.

    Args:
        logits: (n, classes); or (n, 1), the logit of class 1, where that of class 0 counts as 0.
        labels: Class numbers, (n,).
    """
    found = logits.argmax(1) if logits.shape[1] > 1 else logits[:, 0] > 0
    return int((found != labels).sum())
