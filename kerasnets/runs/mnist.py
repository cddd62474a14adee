"""Distillation on MNIST: a teacher, a student that it teaches, and the same small net without a teacher.

    settings = Settings(dataset="digits", epochs=100)
    results = distill(settings, "runs/digits", resume=True)

The teacher is a 784-1200-1200-10 net with dropout, a limit on weights and jittered images, or another net.
The plain net and the student are 784-800-800-10 nets, with neither dropout nor jitter. The plain net is
trained on labels only, the student on labels and on the teacher's soft targets.

The student may see no images of some classes. Its biases of the classes that it saw too seldom or too often
are then changed until it predicts each of them as often as the training images have it. For comparison, the
biases with the fewest errors on the test images are found too.

Hinton, Vinyals, Dean, "Distilling the Knowledge in a Neural Network", 2015, arXiv:1503.02531, section 3.
"""

import contextlib
import dataclasses
import itertools
import os
import pathlib
from typing import Any, NamedTuple

import numpy as np

import kerasnets
from kerasnets import data, distillation
from kerasnets.applications import MLP800
from kerasnets.runs import arrays
from kerasnets.runs.folder import prepare

# A teacher: the model, its options, and its epochs in percent of the student's.
TEACHERS = {
    "mlp": ("MLP1200", dict(dropout=0.3, input_dropout=0.1, max_norm=3.0), 100),
    "convnet": ("ResNet20", dict(alpha=0.5, input_shape=(28, 28, 1)), 25),
}
SWEEP = dict(temperature=(1, 2, 4, 8, 20), hard_weight=(0.0, 0.1, 0.5, 0.9))
FEW = 500  # the least number of examples of a split in a tiny run


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings that determine the result of the experiment.

    Args:
        dataset: "digits", "mnist" or "fashion_mnist".
        epochs: Epochs of the student; the teacher's are a share of them.
        plain_epochs: Epochs of the plain net.
        batch_size: Examples in a batch.
        temperature: Temperature of the soft targets.
        hard_weight: Weight of the labels in the student's loss.
        seed: Seed of weights, order and jitter.
        teacher: Key of `TEACHERS`.
        teachers: Number of teachers; several teach as an ensemble.
        passes: Jittered copies of the images for the student; 0 for the images themselves.
        omit_digit: A class that the student does not see, or None.
        only_digits: The classes that the student sees; empty for all.
        sweep: Whether to train a student for each temperature and hard weight of `SWEEP` too.
        smoke: Whether to read only about 500 images of each split, as a test.

    Raises:
        ValueError: `only_digits` holds all classes.
    """

    dataset: str = "mnist"
    temperature: float = 20.0
    hard_weight: float = 0.1
    epochs: int = 60
    plain_epochs: int = 60
    batch_size: int = 256
    seed: int = 0
    smoke: bool = False
    teacher: str = "mlp"
    teachers: int = 1
    passes: int = 0
    omit_digit: int | None = None
    only_digits: tuple[int, ...] = ()
    sweep: bool = False

    def __post_init__(self):
        if len(self.only_digits) == 10:
            raise ValueError(
                f"`only_digits` leaves at least one digit out. Received: only_digits={self.only_digits!r}"
            )

    def seen(self) -> tuple[int, ...]:
        """The classes that the student sees."""
        return self.only_digits or tuple(c for c in range(10) if c != self.omit_digit)

    def misjudged(self) -> tuple[int, ...]:
        """The classes that the student sees too seldom or too often."""
        return self.only_digits or (() if self.omit_digit is None else (self.omit_digit,))


class Results(NamedTuple):
    """Results of the experiment.

    Attributes:
        train_size: Number of training images.
        test: The test images, (n, 28, 28, 1), values 0 to 1, and their labels, (n,).
        logits: Logits of the test images, (n, 10), of "teacher", "plain" and "student".
        moved: The student with changed biases, as JSON: "classes"; and under "matched" and "best" the biases,
            the errors, and the images and errors of these classes. None if the student sees all classes.
        sweep: Dicts of "temperature", "hard_weight" and "errors" of the students of a sweep.
    """

    train_size: int
    test: tuple[np.ndarray, np.ndarray]
    logits: dict[str, np.ndarray]
    moved: dict | None
    sweep: list[dict]


def distill(
    settings: Settings,
    out: str | os.PathLike,
    *,
    data_dir: str | os.PathLike | None = None,
    resume: bool = False,
    strategy: Any = None,
) -> Results:
    """Trains teacher, plain net and student, and tests them.

    The folder gets distill_mnist.json, the settings; a .keras file of each net and a .csv file with the logs
    of its training; and cache, the teacher's logits. A run that is resumed trains the missing nets only.

    Args:
        settings: The `Settings`.
        out: Folder of the run.
        data_dir: Folder of the dataset, as `kerasnets.data.load` takes it.
        resume: Whether to resume the run in the folder; otherwise an earlier run is moved aside.
        strategy: A tf.distribute.Strategy to train with, as `kerasnets.training.distribution.mirrored`
            returns it, or None.

    Returns:
        The `Results`.

    Raises:
        ValueError: The run in the folder had other settings, or the dataset is not found.
    """
    s, few = settings, FEW if settings.smoke else None
    train, test = (arrays.read_images(s.dataset, split, data_dir, few) for split in ("train", "test"))
    print(f"{s.dataset}: {len(train[0]):,} images to train on, {len(test[0]):,} to test on")
    prepare(out, dataclasses.asdict(s), resume, "distill_mnist.json")
    nets = Nets(s, pathlib.Path(out), train, test)
    with strategy.scope() if strategy else contextlib.nullcontext():
        teacher = nets.teacher()
        plain = nets.plain()
        transfer = nets.transfer_set(teacher)
        student = nets.student("student", transfer, s.temperature, s.hard_weight)
        sweep = nets.sweep(transfer) if s.sweep else []
    found = {"teacher": teacher, "plain": plain, "student": student}
    logits = {name: arrays.predict(net, test[0]) for name, net in found.items()}
    moved = move_biases(student, s.misjudged(), train, test) if s.misjudged() else None
    return Results(len(train[0]), test, logits, moved, sweep)


class Nets:
    """The nets of the experiment. Each method trains a net, or loads it if an earlier run has saved it.

    Args:
        settings: The `Settings`.
        out: Folder of the run.
        train: Images and labels to train on.
        test: Images and labels to validate on after every epoch.
    """

    def __init__(self, settings, out, train, test):
        self.settings, self.out, self.train, self.test = settings, out, train, test

    def teacher(self):
        """The teacher, trained on jittered images; an ensemble if there are several."""
        count = self.settings.teachers
        if count == 1:
            return self.one_teacher("teacher", 0)
        return distillation.Ensemble([self.one_teacher(f"teacher{i + 1}", i) for i in range(count)])

    def one_teacher(self, name, index):
        """The teacher with this index, from 0."""
        model, options, percent = TEACHERS[self.settings.teacher]
        epochs = max(1, self.settings.epochs * percent // 100)
        return self.trained(
            name,
            lambda: kerasnets.build(model, classifier_activation=None, name=name, **options),
            self.shuffled(self.train, epochs, data.jitter),
            epochs,
            seed=3 * self.settings.seed + 1000 * index,
        )

    def plain(self):
        """The small net, trained on labels only."""
        epochs = self.settings.plain_epochs
        seed = 3 * self.settings.seed + 1
        return self.trained("plain", small_net, self.shuffled(self.train, epochs), epochs, seed)

    def transfer_set(self, teacher):
        """The batches of the student, with the teacher's logits."""
        s, cache = self.settings, self.out / "cache"
        seen = np.isin(self.train[1], s.seen())
        examples = tuple(a[seen] for a in self.train)
        copies = f", {s.passes} times jittered" if s.passes else ""
        print(f"the student is shown {len(examples[0]):,} images{copies}")
        if not s.passes:
            once = distillation.add_teacher_logits(data.batches(examples, 1000), teacher, cache)
            return self.shuffled(data.to_arrays(once), s.epochs)
        order = dict(seed=s.seed + 1, epochs=s.passes, augment=data.jitter)
        jittered = data.batches(examples, s.batch_size, **order)
        jittered = distillation.add_teacher_logits(jittered, teacher, cache)
        steps = -(-len(examples[0]) // s.batch_size)
        return arrays.Batches(
            lambda step: jittered.repeat().skip(step % (s.passes * steps)), steps, s.batch_size
        )

    def student(self, name, transfer, temperature, hard_weight):
        """The small net, distilled."""
        s, distiller = self.settings, dict(temperature=temperature, hard_weight=hard_weight)
        return self.trained(name, small_net, transfer, s.epochs, 3 * s.seed + 2, distiller)

    def sweep(self, transfer):
        """The errors of a student for each temperature and hard weight."""
        (self.out / "sweep").mkdir(exist_ok=True)
        rows = []
        for temperature, hard_weight in itertools.product(*SWEEP.values()):
            name = f"sweep/T{temperature:g}-w{hard_weight:g}"
            net = self.student(name, transfer, temperature, hard_weight)
            errors = arrays.count_errors(arrays.predict(net, self.test[0]), self.test[1])
            rows.append(dict(temperature=temperature, hard_weight=hard_weight, errors=errors))
        return rows

    def shuffled(self, examples, epochs, augment=None):
        """The shuffled batches of examples."""
        return arrays.shuffled(examples, self.settings.batch_size, epochs, self.settings.seed, augment)

    def trained(self, name, build, batches, epochs, seed, distiller=None):
        """Trains a net and saves it to a file of this name, or loads that file."""
        options = dict(seed=seed, validation=self.test, distiller=distiller)
        return arrays.train_once(self.out / f"{name}.keras", build, batches, epochs, **options)


def small_net():
    """The small net of all experiments: 784-800-800-10."""
    return MLP800(classifier_activation=None)


def move_biases(student, classes, train, test):
    """Changes the student's biases of some classes, as `Results.moved` describes."""
    frequencies = [float(np.mean(train[1] == c)) for c in classes]
    matched = distillation.match_frequencies(arrays.predict(student, train[0]), list(classes), frequencies)
    logits, labels = arrays.predict(student, test[0]), test[1]
    best = best_biases(logits, labels, classes, matched)
    of_classes = np.isin(labels, classes)
    found = {"classes": list(classes)}
    for name, biases in (("matched", matched), ("best", best)):
        z = shifted(logits, classes, biases)
        found[name] = dict(
            biases=[round(float(b), 4) for b in biases],
            errors=arrays.count_errors(z, labels),
            images_of_classes=int(of_classes.sum()),
            errors_of_classes=arrays.count_errors(z[of_classes], labels[of_classes]),
        )
    return found


def best_biases(logits, labels, classes, biases):
    """The biases with the fewest errors, found one class at a time, starting from the given biases."""
    biases = np.array(biases)
    for _ in range(3):
        for i, c in enumerate(classes):
            z = shifted(logits, classes, biases)
            steps = np.linspace(-1, 1, 401) * np.ptp(np.delete(z, c, axis=1).max(1) - z[:, c])
            errors = [arrays.count_errors(shifted(z, [c], [step]), labels) for step in steps]
            biases[i] += steps[min(range(len(steps)), key=lambda k: (errors[k], abs(steps[k])))]
    return biases


def shifted(logits, classes, biases):
    """Logits with a bias added to those of some classes."""
    logits = logits.copy()
    logits[:, list(classes)] += biases
    return logits
