"""Specialists for classes that a generalist confuses, trained on a dataset of small images in memory.

    settings = Settings(dataset="digit_pairs", clusters=(5, 10, 20, 40))
    run = train(settings, "runs/pairs", jobs=2)
    labels = committees(run, run.parts.test[0])["logsumexp"].predict()

A generalist is trained. K-means on the covariance of its soft targets finds sets of classes that it confuses.
For each set, a specialist starts from the generalist's weights and is trained on data of which half belongs
to its classes, until it no longer improves on images held out of the training split. Then the predictions of
all nets are combined. Each of several numbers of clusters gives its sets, so a class can have several
specialists or none.

The soft targets are those of the held-out images at a high temperature. At temperature 1 the generalist is so
certain that little but the diagonal of the covariance is left, and k-means finds sets of a single class.

Controls show what else the same training steps are good for: a generalist that is trained from the start for
as many steps more as all specialists of a head took, and an ensemble of as many generalists as can be trained
in these steps.

Hinton, Vinyals, Dean, "Distilling the Knowledge in a Neural Network", 2015, arXiv:1503.02531, section 5, and
the same authors' talk "Dark Knowledge", 2014.
"""

import concurrent.futures
import dataclasses
import functools
import math
import os
import pathlib
from collections.abc import Sequence
from typing import Literal, NamedTuple

import keras
import numpy as np

import kerasnets
from kerasnets import distillation, files, weights
from kerasnets.applications import MLP
from kerasnets.checks import is_int, refuse
from kerasnets.data.datasets import CLASSES
from kerasnets.layers.log_mean import NEVER
from kerasnets.runs import arrays
from kerasnets.runs.arrays import Parts
from kerasnets.runs.folder import prepare, save
from kerasnets.runs.processes import attempt, attempt_apart
from kerasnets.tables import first_of

CARD = "specialists.json"  # the settings of a run
SETS = "sets.json"  # the classes of its specialists
HEADS = ("logsumexp", "reduced", "all-classes")
NET = dict(hidden=(512, 512), dropout=0.3, input_dropout=0.1)  # of the generalist
# Those of other datasets. A net that is small for its images makes many errors, as the paper's does.
NETS = {"digit_pairs": dict(hidden=(32, 32), dropout=0.1, input_shape=(28, 56, 1), classes=100)}
PATIENCE = 3  # epochs without improvement after which a specialist's training ends
HELD_OUT = 6  # one of 6 training images is held out
FEW = 500  # the least number of examples of a split in a tiny run

MEMBER = 1000  # added to the seed for each further generalist


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings that determine the nets.

    Args:
        dataset: "digits", "digit_pairs", "mnist" or "fashion_mnist".
        clusters: Numbers of clusters.
        temperature: Temperature of the soft targets, those that are clustered and those of the head
            "all-classes".
        heads: Kinds of the last layer of specialists; all sets get a specialist of each. "logsumexp" and
            "reduced" have the specialist's classes and a dustbin class, as
            `kerasnets.distillation.specialist` describes. "all-classes" has all classes, and learns examples
            of the others from the generalist's soft targets.
        epochs: Epochs of the generalist.
        specialist_epochs: Largest number of epochs of a specialist.
        specialist_rate: Learning rate of a specialist, a positive number.
        batch_size: Examples in a batch.
        seed: Seed of weights, order and clusters.
        smoke: Whether to read only about 500 images of each split, as a test.

    Raises:
        ValueError: `heads` is not one or more of these, or a number of `clusters` is not allowed.
    """

    dataset: str = "digits"
    clusters: tuple[int, ...] = (3, 4, 5, 6, 7)
    temperature: float = 16.0
    heads: tuple[Literal["logsumexp", "reduced", "all-classes"], ...] = ("logsumexp",)
    epochs: int = 30
    specialist_epochs: int = 30
    specialist_rate: float = 2e-4
    batch_size: int = 128
    seed: int = 0
    smoke: bool = False

    def __post_init__(self):
        if not self.heads or not set(self.heads) <= set(HEADS) or len(set(self.heads)) < len(self.heads):
            refuse("heads", f"one or more of {', '.join(map(repr, HEADS))}", self.heads)
        most = len(self.class_names) - 1
        if not self.clusters or not all(is_int(n, 2) and n <= most for n in self.clusters):
            refuse("clusters", f"one or more whole numbers from 2 to {most}", self.clusters)

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the classes."""
        return CLASSES[self.dataset]


@dataclasses.dataclass(frozen=True)
class Task:
    """The training of one specialist: all that another process needs to run it.

    Attributes:
        out: Folder of the run.
        settings: Its `Settings`.
        data_dir: Folder of the dataset, or None.
        head: Kind of the last layer.
        number: Number of the specialist, from 1, in the order of the sets.
        classes: Its classes.
    """

    out: pathlib.Path
    settings: Settings
    data_dir: str | None
    head: str
    number: int
    classes: tuple[int, ...]

    @property
    def generalist(self) -> pathlib.Path:
        """The file of the generalist."""
        return self.out / "generalist.keras"

    @property
    def path(self) -> pathlib.Path:
        """The file of the trained specialist."""
        return self.out / f"{self.head}-{self.number:03d}.keras"

    def __str__(self):
        names = [self.settings.class_names[c] for c in self.classes]
        return f"{self.head} {self.number}, of {first_of(names)}"


class Trained(NamedTuple):
    """Results of a run.

    Attributes:
        parts: The images and labels.
        logits: The generalist's logits of the held-out images.
        sets: The classes of each specialist.
        tasks: For each head the `Task` of each specialist.
        failed: The tasks that failed.
        controls: For the title of each control the paths of its nets, whose predictions are averaged.
        steps: Training steps by title: of the generalist, of all specialists of each head, and of the
            controls.
    """

    parts: Parts
    logits: np.ndarray
    sets: list[tuple[int, ...]]
    tasks: dict[str, list[Task]]
    failed: list[Task]
    controls: dict[str, list[pathlib.Path]]
    steps: dict[str, int]


def train(
    settings: Settings,
    out: str | os.PathLike,
    *,
    data_dir: str | None = None,
    resume: bool = False,
    jobs: int = 1,
) -> Trained:
    """Trains a generalist, its specialists and the controls.

    If a specialist fails, the others are trained all the same, but no controls.

    The folder gets specialists.json, the settings; generalist.keras, and its logs in generalist.csv;
    sets.json, the classes of the specialists; a .keras file of each specialist; and longer.keras and
    member-NUMBER.keras, the controls. A run that is resumed trains the missing nets only.

    Args:
        settings: The `Settings`.
        out: Folder of the run.
        data_dir: Folder of the dataset, as `kerasnets.data.load` takes it.
        resume: Whether to resume the run in the folder; otherwise an earlier run is moved aside.
        jobs: Number of processes that train specialists.

    Returns:
        The data, the generalist's logits, the tasks of the specialists and the controls.

    Raises:
        ValueError: The run in the folder had other settings, or the dataset is not found.
    """
    out = pathlib.Path(out)
    parts = read_parts(settings, data_dir)
    sizes = [len(labels) for _, labels in parts]
    print("{}: {:,} images to train on, {:,} held out, {:,} to test on".format(settings.dataset, *sizes))
    prepare(out, dataclasses.asdict(settings), resume, CARD)
    logits = arrays.predict(train_generalist(settings, out, parts), parts.held_out[0])
    sets = find_sets(settings, out, logits)
    tasks = {
        head: [Task(out, settings, data_dir, head, i, classes) for i, classes in enumerate(sets, 1)]
        for head in settings.heads
    }
    failed = train_specialists([task for of_head in tasks.values() for task in of_head], jobs)
    if failed:
        return Trained(parts, logits, sets, tasks, failed, {}, {})
    steps = {"generalist": settings.epochs * steps_of(settings, parts)}
    steps |= {head: sum(map(trained_steps, of_head)) for head, of_head in tasks.items()}
    controls, own = train_controls(settings, out, parts, max(steps[head] for head in settings.heads))
    return Trained(parts, logits, sets, tasks, failed, controls, steps | own)


@functools.cache
def read_parts(settings, data_dir):
    """Reads the `Parts`."""
    few = FEW if settings.smoke else None
    (images, labels), test = (
        arrays.read_images(settings.dataset, split, data_dir, few) for split in ("train", "test")
    )
    held_out = np.arange(len(labels)) % HELD_OUT == 0
    return Parts((images[~held_out], labels[~held_out]), (images[held_out], labels[held_out]), test)


def steps_of(settings, parts):
    """Steps of an epoch of a generalist."""
    return math.ceil(len(parts.train[1]) / settings.batch_size)


def train_generalist(settings, out, parts, name="generalist", more=1.0, seed=0):
    """A generalist, trained, or loaded if an earlier run has saved it.

    Args:
        settings: The settings.
        out: Folder of the run.
        parts: The images.
        name: Name of its file.
        more: By what factor it is trained longer; the number of epochs is rounded up.
        seed: Added to the seed of the settings.
    """
    s, epochs = settings, math.ceil(more * settings.epochs)
    options = NETS.get(s.dataset, NET)
    return arrays.train_once(
        out / f"{name}.keras",
        lambda: MLP(classifier_activation=None, name="generalist", **options),
        arrays.shuffled(parts.train, s.batch_size, epochs, s.seed + seed),
        epochs,
        seed=s.seed + seed,
        validation=parts.held_out,
        facts=dict(class_names=s.class_names, training={**dataclasses.asdict(s), "net": name}),
    )


def train_controls(settings, out, parts, steps):
    """Trains what the steps of the specialists give to generalists.

    Args:
        settings: The settings.
        out: Folder of the run.
        parts: The images.
        steps: Steps that all specialists of a head took.

    Returns:
        The paths of the nets of each control by its title, and its steps, those of the generalist included.
    """
    of_one = settings.epochs * steps_of(settings, parts)
    more = 1 + steps / of_one
    members = 1 + max(1, round(steps / of_one))
    train_generalist(settings, out, parts, "longer", more)
    names = [f"member-{number}" for number in range(1, members)]
    for number, name in enumerate(names, 1):
        train_generalist(settings, out, parts, name, seed=MEMBER * number)
    paths = {
        "trained longer": [out / "longer.keras"],
        "ensemble": [out / f"{name}.keras" for name in ("generalist", *names)],
    }
    longer = math.ceil(more * settings.epochs) * steps_of(settings, parts)
    return paths, dict(zip(paths, (longer, members * of_one), strict=True))


def find_sets(settings, out, logits):
    """The classes of each specialist, found once and kept in the folder of the run."""
    file = out / SETS
    if not file.exists():
        files.write_json(file, confusable_sets(settings, logits))
    return [tuple(classes) for classes in files.read_json(file)]


def confusable_sets(settings, logits):
    """The sets of two or more classes that the generalist confuses, the largest first, each once."""
    sets = {
        tuple(classes.tolist())
        for clusters in settings.clusters
        for classes in distillation.confusable_classes(logits, clusters, settings.seed, settings.temperature)
        if len(classes) > 1
    }
    return sorted(sets, key=lambda classes: (-len(classes), classes))


def train_specialists(tasks, jobs):
    """Trains the specialists that have no file yet, and returns the tasks that failed."""
    missing = [task for task in tasks if not task.path.exists()]
    if jobs == 1:
        attempt(train_specialist, missing)
    else:
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            list(pool.map(attempt_in_processes, [missing[job::jobs] for job in range(jobs)]))
    return [task for task in tasks if not task.path.exists()]


def attempt_in_processes(tasks):
    """Trains specialists in a process. If it dies, another one continues after the task that killed it."""
    while tasks:
        died = attempt_apart(train_specialist, tasks)
        tasks = [task for task in tasks if not task.path.exists()][1:] if died else []


def train_specialist(task):
    """Trains a specialist from the generalist's weights and saves it.

    A specialist with a dustbin is trained with the dustbin's logit lowered by the log of the oversampling. So
    it starts from what the generalist would predict on the enriched data, and without the shift it is
    corrected. The weights are those of the epoch with the lowest loss on the labels of the held-out images,
    or the generalist's if no epoch is better.

    Returns:
        A description of the loss on held-out images, before and after.
    """
    s = task.settings
    trainer = trainer_of(task.out, s, task.data_dir, task.head)
    before, losses, steps = trainer.fit(task.classes)
    net, best = trainer.specialist(task.classes), least([before, *losses])
    training = {**dataclasses.asdict(s), "net": "specialist", "classes": [*task.classes]}
    save(net, task.path, training=training, results={"held_out_loss": best, "steps": steps})
    after = f"{best:.4f} in epoch {losses.index(best) + 1}" if best < before else "not lower in any epoch"
    return f"held-out loss {before:.4f}, {after}"


def trained_steps(task):
    """The training steps that a specialist took."""
    return weights.read_card(task.path).results["steps"]


@functools.cache
def trainer_of(out, settings, data_dir, head):
    """The `Trainer` of a head, made once in a process."""
    return Trainer(settings, out / "generalist.keras", head, read_parts(settings, data_dir))


class Trainer:
    """Trains the specialists of a head one after another in a net with all classes, which is traced once.

    Specialists differ only in the numbers that are added to the logits, once for the outcomes that are right
    for an example, and once for all outcomes. The former numbers are `NEVER` for all classes but that of the
    example; or, if that is in the dustbin, for all classes outside the dustbin. The dustbin's logit is the
    log-sum-exp of the logits of its classes; with the head "reduced" it is the logit of the first of them,
    and the others are not counted.

    Args:
        settings: The settings.
        generalist: The file of the generalist.
        head: Kind of the last layer of the specialists.
        parts: The images.
    """

    def __init__(self, settings, generalist, head, parts):
        s = self.settings = settings
        self.head, self.parts = head, parts
        keras.utils.set_random_seed(s.seed)
        self.generalist = kerasnets.load_model(generalist)
        self.net = self.model = kerasnets.load_model(generalist)
        self.images, self.labels = parts.train
        adam = keras.optimizers.Adam(s.specialist_rate)
        if head == "all-classes":
            self.logits = arrays.predict(self.net, self.images)
            self.model = distillation.Distiller(self.net, None, s.temperature)
            self.model.compile(adam)
        else:
            self.model.compile(adam, outcome_loss)
        adam.build(self.net.trainable_variables)
        self.variables = [*self.model.variables, *adam.variables]
        self.start = [keras.ops.convert_to_numpy(v) for v in self.variables]

    def fit(self, classes):
        """Trains a specialist.

        Args:
            classes: Its classes.

        Returns:
            Its loss on held-out images before the training, the loss after each epoch, and the number of
            training steps. The net then has the weights of the lowest of all losses.
        """
        s = self.settings
        for variable, value in zip(self.variables, self.start, strict=True):
            variable.assign(value)
        if self.head == "reduced":
            small = distillation.specialist(self.generalist, classes, self.head)
            self.set_columns(self.columns(classes), small.layers[-1].get_weights())
        special = np.isin(self.labels, classes)
        terms = self.terms(classes, (~special).sum() / special.sum())
        rng, half = np.random.default_rng(s.seed), max(1, s.batch_size // 2)
        steps = math.ceil(min(special.sum(), (~special).sum()) / half)
        losses, best = [self.held_out_loss(classes, terms)], self.net.get_weights()
        while len(losses) <= min(s.specialist_epochs, losses.index(least(losses)) + PATIENCE):
            for rows in halves(special, half, steps, rng):
                self.model.train_on_batch(self.images[rows], self.targets(rows, special, terms))
            losses.append(self.held_out_loss(classes, terms))
            if losses[-1] < least(losses[:-1]):
                best = self.net.get_weights()
        self.net.set_weights(best)
        return losses[0], losses[1:], steps * (len(losses) - 1)

    def targets(self, rows, special, terms):
        """The targets of training images, as the model takes them."""
        labels = self.labels[rows]
        if self.head != "all-classes":
            return terms[labels]
        weights = special[rows].astype("float32")
        return {"labels": labels, "teacher_logits": self.logits[rows], "hard_weight": weights}

    def terms(self, classes, oversampling):
        """What is added to the logits, for each label: (classes, 2, classes), float32."""
        names = np.arange(len(self.settings.class_names))
        own, every = np.isin(names, classes), np.zeros(len(names), "float32")
        if self.head == "all-classes":
            right = names == names[:, None]
        else:
            every[~own] = -math.log(oversampling)
            right = np.where(own[:, None], names == names[:, None], ~own)
        if self.head == "reduced":
            every[np.setdiff1d(names, self.columns(classes))] = NEVER
        return np.stack([np.where(right, every, NEVER), np.broadcast_to(every, right.shape)], 1)

    def columns(self, classes):
        """The logits that a specialist with the head "reduced" has, its dustbin in place of another class."""
        return [*classes, next(c for c in range(len(self.settings.class_names)) if c not in classes)]

    def held_out_loss(self, classes, terms):
        """The loss on the labels of held-out images, of which the classes of the specialist make up half."""
        images, labels = self.parts.held_out
        special = np.isin(labels, classes)
        shares = np.where(special, 0.5 / special.sum(), 0.5 / (~special).sum())
        losses = outcome_loss(terms[labels], outputs(self.net, images))
        return float(shares @ keras.ops.convert_to_numpy(losses))

    def specialist(self, classes):
        """The specialist that has been trained, a net of its own logits."""
        if self.head == "all-classes":
            return self.net
        if self.head == "logsumexp":
            return distillation.specialist(self.net, classes, self.head)
        net = distillation.specialist(self.generalist, classes, self.head)
        *inner, kernel, bias = self.net.get_weights()
        columns = self.columns(classes)
        net.set_weights([*inner, kernel[:, columns], bias[columns]])
        return net

    def set_columns(self, columns, new):
        """Gives columns of the last layer's kernel and bias new values."""
        *inner, kernel, bias = self.net.get_weights()
        kernel[:, columns], bias[columns] = new
        self.net.set_weights([*inner, kernel, bias])


def least(losses):
    """The lowest of losses, of which the first is never NaN; NaN is the worst value."""
    return min(loss for loss in losses if not math.isnan(loss))


def outcome_loss(terms, logits):
    """Minus the log of the probability of the right outcome, which may be several classes together.

    Args:
        terms: What is added to the logits, those of the right outcome and all: (batch, 2, classes).
        logits: (batch, classes).

    Returns:
        Losses, (batch,).
    """
    right, every = (keras.ops.logsumexp(logits + terms[:, i], axis=-1) for i in (0, 1))
    return every - right


def halves(special, half, steps, rng):
    """Draws batches of which half the examples are special.

    Args:
        special: Whether each example is special, (n,).
        half: Number of examples of each kind in a batch.
        steps: Number of batches.
        rng: Generator of random numbers.

    Returns:
        The numbers of the examples, (steps, 2 * half). None comes again before all of its kind came.
    """
    drawn = []
    for kind in (np.flatnonzero(special), np.flatnonzero(~special)):
        passes = math.ceil(steps * half / len(kind))
        rows = np.concatenate([rng.permutation(kind) for _ in range(passes)])
        drawn.append(rows[: steps * half].reshape(steps, half))
    return np.concatenate(drawn, axis=1)


class Committee:
    """A generalist and its specialists, which predict together.

    Args:
        probs: The generalist's probabilities for the images, (n, classes).
        own: Those of each specialist.
        sets: The classes of each specialist.
        dustbin: Whether the specialists have a dustbin class.
        top: Number of the generalist's most likely classes that call their specialists.
    """

    def __init__(self, probs, own, sets, dustbin, top=1):
        self.probs, self.own, self.sets, self.dustbin = probs, own, sets, dustbin
        member = np.array([np.isin(np.arange(probs.shape[1]), classes) for classes in sets])
        likely = np.argsort(-probs, axis=1)[:, :top]
        called = member[:, likely].any(-1).T  # (n, specialists)
        self.calls, self.call_of = np.unique(called, axis=0, return_inverse=True)
        self.call_of = self.call_of.reshape(-1)
        self.known = {}

    def predict(self, members: Sequence[int] | None = None) -> np.ndarray:
        """Predicts the classes of the images, (n,).

        Args:
            members: Numbers of the specialists that take part, from 0; None for all.
        """
        labels = self.probs.argmax(1)
        numbers = np.arange(len(self.sets))
        takes_part = np.isin(numbers, numbers if members is None else members)
        for i, call in enumerate(self.calls):
            labels[self.call_of == i] = self.predict_for(i, tuple(np.flatnonzero(call & takes_part).tolist()))
        return labels

    def predict_for(self, call, members):
        """The classes of the images that make the same call, which these specialists answer."""
        if (call, members) not in self.known:
            rows = self.call_of == call
            own, sets = [self.own[m][rows] for m in members], [self.sets[m] for m in members]
            both = distillation.combine(self.probs[rows], own, sets, self.probs.shape[1], self.dustbin)
            self.known[call, members] = keras.ops.convert_to_numpy(both).argmax(1)
        return self.known[call, members]


def committees(run: Trained, images: np.ndarray, top: int = 1) -> dict[str, Committee]:
    """The generalist with the specialists of each head.

    Args:
        run: What `train` returned.
        images: The images to predict, (n, height, width, 1), values 0 to 1.
        top: Number of the generalist's most likely classes that call their specialists.

    Returns:
        A `Committee` for each head.
    """
    first, *_ = next(iter(run.tasks.values()))
    probs = probabilities(first.generalist, images)
    own = {head: [probabilities(task.path, images) for task in tasks] for head, tasks in run.tasks.items()}
    return {
        head: Committee(probs, of_head, run.sets, head != "all-classes", top) for head, of_head in own.items()
    }


def predict_controls(run: Trained, images: np.ndarray) -> dict[str, np.ndarray]:
    """Predicts the classes of images with the controls: for the title of each, the classes, (n,)."""
    return {
        title: sum(probabilities(path, images) for path in paths).argmax(1)
        for title, paths in run.controls.items()
    }


def probabilities(path, images):
    """The probabilities that a saved net gives, float64."""
    logits = outputs(kerasnets.load_model(path), images).astype("float64")
    return keras.ops.convert_to_numpy(keras.ops.softmax(logits))


def outputs(net, images):
    """The outputs of a net for images, without tracing, which takes longer than so small a net."""
    pieces = (net(images[i : i + 1000], training=False) for i in range(0, len(images), 1000))
    return np.concatenate([keras.ops.convert_to_numpy(piece) for piece in pieces])
