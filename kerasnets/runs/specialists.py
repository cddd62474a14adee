"""Specialists for classes that a generalist confuses, trained on a dataset of ten classes of small images.

    settings = Settings(dataset="fashion_mnist")
    run = train(settings, "runs/fashion", data_dir="data", jobs=2)
    labels = predict(run.tasks, run.parts.test[0])["with specialists"]

A generalist is trained. K-means on the covariance of its soft targets finds sets of classes that it confuses.
For each set, a specialist starts from the generalist's weights and is trained on data of which half belongs
to its classes, until it no longer improves on images held out of the training split. Then the predictions of
all nets are combined. Each of several numbers of clusters gives its sets, so a class can have several
specialists or none.

The soft targets are those of the held-out images at a high temperature. At temperature 1 the generalist is so
certain that little but the diagonal of the covariance is left, and k-means finds sets of a single class.

Hinton, Vinyals, Dean, "Distilling the Knowledge in a Neural Network", 2015, arXiv:1503.02531, section 5, and
the same authors' talk "Dark Knowledge", 2014.
"""

import concurrent.futures
import dataclasses
import functools
import math
import multiprocessing
import os
import pathlib
import sys
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import keras
import numpy as np

import kerasnets
from kerasnets import data, distillation
from kerasnets.applications import MLP
from kerasnets.checks import refuse
from kerasnets.data.datasets import CLASSES
from kerasnets.runs import arrays
from kerasnets.runs.folder import prepare, save

CARD = "specialists.json"  # the settings of a run
HEADS = ("logsumexp", "reduced", "all-classes")
NET = dict(hidden=(512, 512), dropout=0.3, input_dropout=0.1)  # of the generalist
RATE = 2e-4  # Adam's, for specialists
PATIENCE = 3  # epochs without improvement after which a specialist's training ends
HELD_OUT = 6  # one of 6 training images is held out
FEW = 500  # the least number of examples of a split in a tiny run


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings that determine the nets.

    Args:
        dataset: "digits", "mnist" or "fashion_mnist".
        clusters: Numbers of clusters.
        temperature: Temperature of the soft targets, those that are clustered and those of the head
            "all-classes".
        head: Kind of the last layer of specialists. "logsumexp" and "reduced" have the specialist's classes
            and a dustbin class, as `kerasnets.distillation.specialist` describes. "all-classes" has all
            classes, and learns examples of the others from the generalist's soft targets.
        epochs: Epochs of the generalist.
        specialist_epochs: Largest number of epochs of a specialist.
        batch_size: Examples in a batch.
        seed: Seed of weights, order and clusters.
        smoke: Whether to read only about 500 images of each split, as a test.

    Raises:
        ValueError: `head` is not one of these.
    """

    dataset: str = "digits"
    clusters: tuple[int, ...] = (3, 4, 5, 6, 7)
    temperature: float = 16.0
    head: Literal["logsumexp", "reduced", "all-classes"] = "logsumexp"
    epochs: int = 30
    specialist_epochs: int = 30
    batch_size: int = 128
    seed: int = 0
    smoke: bool = False

    def __post_init__(self):
        if self.head not in HEADS:
            refuse("head", f"one of {', '.join(map(repr, HEADS))}", self.head)

    @property
    def dustbin(self) -> bool:
        """Whether specialists have a dustbin class."""
        return self.head != "all-classes"


class Parts(NamedTuple):
    """Images, (n, 28, 28, 1), values 0 to 1, and labels, (n,), for each purpose."""

    train: tuple[np.ndarray, np.ndarray]
    held_out: tuple[np.ndarray, np.ndarray]
    test: tuple[np.ndarray, np.ndarray]


@dataclasses.dataclass(frozen=True)
class Task:
    """The training of one specialist: all that another process needs to run it."""

    out: pathlib.Path
    settings: Settings
    data_dir: str | None
    classes: tuple[int, ...]

    @property
    def generalist(self) -> pathlib.Path:
        """The file of the generalist."""
        return self.out / "generalist.keras"

    @property
    def path(self) -> pathlib.Path:
        """The file of the trained specialist."""
        return self.out / f"specialist-{'-'.join(map(str, self.classes))}.keras"

    def __str__(self):
        return ", ".join(CLASSES[self.settings.dataset][c] for c in self.classes)


class Trained(NamedTuple):
    """Results of a run.

    Attributes:
        parts: The images and labels.
        logits: The generalist's logits of the held-out images.
        tasks: The `Task` of each specialist.
        failed: Those of `tasks` that failed.
    """

    parts: Parts
    logits: np.ndarray
    tasks: list[Task]
    failed: list[Task]


def train(
    settings: Settings,
    out: str | os.PathLike,
    *,
    data_dir: str | None = None,
    resume: bool = False,
    jobs: int = 1,
) -> Trained:
    """Trains a generalist and its specialists. If a specialist fails, the others are trained all the same.

    The folder gets specialists.json, the settings; generalist.keras, and its logs in generalist.csv; and a
    .keras file of each specialist. A run that is resumed trains the missing nets only.

    Args:
        settings: The `Settings`.
        out: Folder of the run.
        data_dir: Folder of the dataset, as `kerasnets.data.load` takes it.
        resume: Whether to resume the run in the folder; otherwise an earlier run is moved aside.
        jobs: Number of specialists trained at a time, each in a process of its own if it is above 1.

    Returns:
        The data, the generalist's logits and the tasks of the specialists.

    Raises:
        ValueError: The run in the folder had other settings, the dataset is not found, or every cluster holds
            a single class.
    """
    out = pathlib.Path(out)
    parts = read_parts(settings, data_dir)
    sizes = [len(labels) for _, labels in parts]
    print("{}: {:,} images to train on, {:,} held out, {:,} to test on".format(settings.dataset, *sizes))
    prepare(out, dataclasses.asdict(settings), resume, CARD)
    logits = arrays.predict(train_generalist(settings, out, parts), parts.held_out[0])
    tasks = [Task(out, settings, data_dir, classes) for classes in confusable_sets(settings, logits)]
    return Trained(parts, logits, tasks, train_specialists(tasks, jobs))


@functools.cache
def read_parts(settings, data_dir):
    """Reads the `Parts`."""
    few = FEW if settings.smoke else None
    (images, labels), test = (
        arrays.read_images(settings.dataset, split, data_dir, few) for split in ("train", "test")
    )
    held_out = np.arange(len(labels)) % HELD_OUT == 0
    return Parts((images[~held_out], labels[~held_out]), (images[held_out], labels[held_out]), test)


def train_generalist(settings, out, parts):
    """The generalist, trained, or loaded if an earlier run has saved it."""
    s = settings
    return arrays.train_once(
        out / "generalist.keras",
        lambda: MLP(classifier_activation=None, name="generalist", **NET),
        arrays.shuffled(parts.train, s.batch_size, s.epochs, s.seed),
        s.epochs,
        seed=s.seed,
        validation=parts.held_out,
        facts=dict(class_names=CLASSES[s.dataset], training={"net": "generalist", **dataclasses.asdict(s)}),
    )


def confusable_sets(settings, logits):
    """The sets of two or more classes that the generalist confuses, the largest first, each once."""
    sets = {
        tuple(classes.tolist())
        for clusters in settings.clusters
        for classes in distillation.confusable_classes(logits, clusters, settings.seed, settings.temperature)
        if len(classes) > 1
    }
    if not sets:
        raise ValueError("every cluster holds a single class: use smaller clusters or a higher temperature")
    return sorted(sets, key=lambda classes: (-len(classes), classes))


def train_specialists(tasks, jobs):
    """Trains the specialists that have no file yet, and returns the tasks that failed."""
    missing = [task for task in tasks if not task.path.exists()]
    if jobs == 1:
        for task in missing:
            attempt(task)
    else:
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            list(pool.map(attempt_in_a_process, missing))
    return [task for task in tasks if not task.path.exists()]


def attempt_in_a_process(task):
    """Does what `attempt` does, so that whatever happens to one process leaves the others alone."""
    process = multiprocessing.get_context("spawn").Process(target=attempt, args=(task,), daemon=True)
    process.start()
    process.join()


def attempt(task):
    """Trains a specialist and prints the result, or the error."""
    try:
        print(f"specialist of {task}: {train_specialist(task)}", flush=True)
    except KeyboardInterrupt:
        if multiprocessing.parent_process() is None:
            raise
    except Exception as error:
        print(f"specialist of {task} failed: {type(error).__name__}: {error}", file=sys.stderr)


def train_specialist(task):
    """Trains a specialist from the generalist's weights and saves it.

    A specialist with a dustbin is trained with the dustbin's logit lowered by the log of the oversampling. So
    it starts from what the generalist would predict on the enriched data, and without the shift it is
    corrected. The weights are those of the epoch with the lowest loss on the labels of the held-out images,
    or the generalist's if no epoch is better.

    Returns:
        A description of the loss on held-out images, before and after.
    """
    s, parts = task.settings, read_parts(task.settings, task.data_dir)
    keras.utils.set_random_seed(s.seed)
    net = kerasnets.load_model(task.generalist)
    examples = parts.train
    if not s.dustbin:
        images, labels = examples
        examples = images, {"labels": labels, "teacher_logits": arrays.predict(net, images)}
    batches = data.batches(examples, s.batch_size, seed=s.seed)
    batches = batches.shuffle(int(batches.cardinality()), seed=s.seed)  # a new order for each pass
    if s.dustbin:
        net = distillation.specialist(net, task.classes, s.head)
        model = distillation.correct_dustbin(net, 1 / distillation.oversampling(batches, task.classes))
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    else:
        model, loss = distillation.Distiller(net, None, s.temperature), None
    model.compile(keras.optimizers.Adam(RATE), loss)

    validation = data.batches(enriched(parts.held_out, task.classes, s.dustbin), 1000)
    start, before = net.get_weights(), model.evaluate(validation, verbose=0, return_dict=True)["loss"]
    stop = EarlyStopping("val_loss", patience=PATIENCE, mode="min", restore_best_weights=True)
    model.fit(
        distillation.specialist_dataset(batches, task.classes, seed=s.seed, dustbin=s.dustbin),
        validation_data=validation,
        epochs=s.specialist_epochs,
        shuffle=False,
        verbose=0,
        callbacks=[stop],
    )
    better = stop.best < before
    if not better:
        net.set_weights(start)
    training = {**dataclasses.asdict(s), "net": "specialist", "classes": [int(c) for c in task.classes]}
    save(net, task.path, training=training, results={"held_out_loss": min(stop.best, before)})
    after = f"{stop.best:.4f} in epoch {stop.best_epoch + 1}" if better else "not lower in any epoch"
    return f"held-out loss {before:.4f}, {after}"


class EarlyStopping(keras.callbacks.EarlyStopping):
    """Keras's EarlyStopping on a loss, for which NaN is the worst value; Keras never finds a better one."""

    def get_monitor_value(self, logs: Mapping[str, float] | None) -> float:
        """The loss of an epoch, or infinity for NaN."""
        value = super().get_monitor_value(logs)
        return math.inf if math.isnan(value) else value


def enriched(examples, classes, dustbin):
    """Images, labels of a specialist, and weights that give both kinds of classes half of the total."""
    images, labels = examples
    special = np.isin(labels, classes)
    weights = np.where(special, 0.5 / special.mean(), 0.5 / (1 - special.mean())).astype("float32")
    if dustbin:
        labels = np.where(special, np.searchsorted(classes, labels), len(classes))
    return images, labels, weights


def predict(tasks: Sequence[Task], images: np.ndarray, top: int = 1) -> dict[str, np.ndarray]:
    """Predicts the classes of images.

    Args:
        tasks: The tasks of the specialists, all trained.
        images: The images, (n, 28, 28, 1), values 0 to 1.
        top: Number of the generalist's most likely classes that call their specialists.

    Returns:
        The predicted classes, (n,), of the "generalist" alone and "with specialists".
    """
    nets = [kerasnets.load_model(path) for path in (tasks[0].generalist, *(t.path for t in tasks))]
    logits = [arrays.predict(net, images) for net in nets]
    alone, *own = (keras.ops.softmax(z.astype("float64")) for z in logits)
    sets = [task.classes for task in tasks]
    combined = distillation.combine(alone, own, sets, top, tasks[0].settings.dustbin)
    both = {"generalist": alone, "with specialists": combined}
    return {name: keras.ops.convert_to_numpy(p).argmax(1) for name, p in both.items()}
