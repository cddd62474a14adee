"""Distillation on MNIST: a teacher, a student that it teaches, and the same small net without a teacher.

    settings = Settings(dataset="digits", epochs=100)
    results = distill(settings, "runs/digits", resume=True)

The teacher is a 784-1200-1200-10 net with dropout, a limit on weights and jittered images, or another net.
The plain net and the student are 784-800-800-10 nets, without dropout. The plain net is trained on the images
themselves and on labels only, the student on labels and on the teacher's soft targets.

The student may learn from changed images, which are shifted, displaced or mixed; the teacher's soft targets
are those of the changed images. Either the teacher runs at every step, and every epoch has other images; or
it runs once on some passes over the images, and its logits are stored.

The student may see no images of some classes. Its biases of the classes that it saw too seldom or too often
are then changed until it predicts each of them as often as the training images have it. (The paper changes
them until the errors on the test images are fewest; here the test images choose nothing.)

A sweep trains students with many temperatures and hard weights. They are compared on images that are held out
of the training images of all nets of the run, and only the best is tested. The test images are used once,
at the end. To choose other settings, `validation` counts errors on training images that are held out instead.

Hinton, Vinyals, Dean, "Distilling the Knowledge in a Neural Network", 2015, arXiv:1503.02531, section 3.
"""

import contextlib
import dataclasses
import itertools
import math
import os
import pathlib
from typing import Any, NamedTuple

import keras
import numpy as np

from kerasnets import data, distillation
from kerasnets.applications import MLP800
from kerasnets.checks import refuse
from kerasnets.data.datasets import CLASSES
from kerasnets.runs import arrays
from kerasnets.runs.folder import prepare
from kerasnets.runs.teachers import check_classes, fitted, load_teacher
from kerasnets.weights.reading import SUFFIXES

CARD = "distill_mnist.json"  # the settings of a run
# A SimpNet of 127,000 parameters, which takes 4 times the time of the student.
SMALL = dict(kernels=((3, 3), (3, 3), (3, 3)), filters=(12, 24, 32, 48, 64, 128), strides=(1, 2))
# A teacher: the model, its options, and its epochs in percent of the student's.
TEACHERS = {
    "mlp": ("MLP1200", dict(dropout=0.3, input_dropout=0.1, max_norm=3.0), 100),
    "convnet": ("ResNet20", dict(alpha=0.5), 25),
    "simpnet": ("SimpNetSlim300K", dict(**SMALL, dropout=0.0), 25),
    "lenet": ("LeNet1", dict(filters=(24, 48), connections=None, hidden=(200,), act="relu"), 25),
}
SHAPE = (28, 28, 1)  # of the images
SWEEP = dict(temperature=(1, 2, 4, 8, 20), hard_weight=(0.0, 0.1, 0.5, 0.9))
# Rows of kerasnets.data.augment for digits, by name. The fields of `elastic` are the smoother ones of Ciresan
# et al. 2010, section 3. Some of the images stay sharp, as the test images are.
CHANGES = {
    "jitter": ("jitter", {}),
    "elastic": ("elastic", dict(alpha=36.0, sigma=6.0, share=0.8)),
    "affine": ("affine", dict(degrees=15.0, stretch=0.15, shear=0.3, share=0.8)),
    "mixup": ("mixup", {}),
}
HELD_OUT = 6  # one of 6 training images is held out in a sweep
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
        teacher: Keys of `TEACHERS`, names of other nets, or files of trained nets; several teach as an
            ensemble.
        teachers: Number of teachers of each kind, 1 for files.
        augment: How the student's images are changed: names of `CHANGES`, in this order. The teacher is
            trained on images with the same changes except "mixup", or on jittered ones if `augment` is empty.
        passes: Number of passes over the changed images for which the teacher's logits are stored. The images
            stay in memory, a byte for each number, and are shuffled together; they are repeated if there are
            more epochs. 0 lets the teacher run at every step, on other images in each epoch. If `augment` is
            empty, the images are jittered, or with 0 passes not changed.
        validation: Number of training images, evenly spread over their order, on which errors are counted
            instead of on the test images. No net is trained on them.
        omit_digit: A class that the student does not see, or None.
        only_digits: The classes that the student sees; empty for all.
        sweep: Whether to train a student for each temperature and hard weight of `SWEEP` too. Images are
            then held out of the training images of all nets.
        smoke: Whether to read only about 500 images of each split, as a test.

    Raises:
        ValueError: `only_digits` holds all classes, `teacher` or `augment` is not allowed, or there are
            several teachers of one file.
    """

    dataset: str = "mnist"
    temperature: float = 20.0
    hard_weight: float = 0.1
    epochs: int = 60
    plain_epochs: int = 60
    batch_size: int = 256
    seed: int = 0
    smoke: bool = False
    teacher: tuple[str, ...] = ("mlp",)
    teachers: int = 1
    augment: tuple[str, ...] = ()
    passes: int = 0
    validation: int = 0
    omit_digit: int | None = None
    only_digits: tuple[int, ...] = ()
    sweep: bool = False

    def __post_init__(self):
        if len(self.only_digits) == 10:
            raise ValueError(
                f"`only_digits` leaves at least one digit out. Received: only_digits={self.only_digits!r}"
            )
        if isinstance(self.teacher, str) or not self.teacher:
            refuse("teacher", "a tuple of kinds, names or files", self.teacher)
        if self.teachers > 1 and any(map(is_file, self.teacher)):
            refuse("teachers", "1 for the teacher of a file", self.teachers)
        if not set(self.augment) <= set(CHANGES) or "mixup" in self.augment[:-1]:
            refuse("augment", f"names among {', '.join(CHANGES)}, with mixup last", self.augment)

    def changes(self) -> tuple[tuple, ...]:
        """How the student's images are changed, as rows of `CHANGES`."""
        return tuple(CHANGES[name] for name in self.augment or ("jitter",) * bool(self.passes))

    def teacher_changes(self) -> tuple[tuple, ...]:
        """How the teacher's images are changed, as rows of `CHANGES`."""
        return tuple(CHANGES[name] for name in self.augment if name != "mixup") or (CHANGES["jitter"],)

    def seen(self) -> tuple[int, ...]:
        """The classes that the student sees."""
        return self.only_digits or tuple(c for c in range(10) if c != self.omit_digit)

    def misjudged(self) -> tuple[int, ...]:
        """The classes that the student sees too seldom or too often."""
        return self.only_digits or (() if self.omit_digit is None else (self.omit_digit,))


def is_file(teacher):
    """Whether a teacher is there already."""
    return teacher.endswith(SUFFIXES)


class Results(NamedTuple):
    """Results of the experiment.

    Attributes:
        train_size: Number of training images.
        test: The test images, (n, 28, 28, 1), values 0 to 1, and their labels, (n,).
        logits: Logits of the test images, (n, 10), of "teacher", "plain" and "student".
        moved: The student with changed biases, as JSON: its "classes" and their "biases", its "errors", and
            "images_of_classes" and "errors_of_classes". None if the student sees all classes.
        sweep: Dicts of "temperature", "hard_weight" and "errors" of the students of a sweep, on the images
            that are held out; "test_errors" too of the one with the fewest errors there.
        held_size: Number of images that are held out.
    """

    train_size: int
    test: tuple[np.ndarray, np.ndarray]
    logits: dict[str, np.ndarray]
    moved: dict | None
    sweep: list[dict]
    held_size: int


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
    train = arrays.read_images(s.dataset, "train", data_dir, few)
    if s.validation >= len(train[0]):
        refuse("validation", f"below {len(train[0])}, the number of training images", s.validation)
    if s.validation:
        train, test = held_out_of(train, s.validation)
    else:
        test = arrays.read_images(s.dataset, "test", data_dir, few)
    is_held_out = np.arange(len(train[0])) % HELD_OUT == 0 if s.sweep else np.zeros(len(train[0]), bool)
    held_out, train = (tuple(a[chosen] for a in train) for chosen in (is_held_out, ~is_held_out))
    held = f"{len(held_out[0]):,} to compare students on, " if s.sweep else ""
    use = "validate" if s.validation else "test"
    print(f"{s.dataset}: {len(train[0]):,} images to train on, {held}{len(test[0]):,} to {use} on")
    prepare(out, dataclasses.asdict(s), resume, CARD)
    nets = Nets(s, pathlib.Path(out), train, test, held_out)
    with strategy.scope() if strategy else contextlib.nullcontext():
        teacher = nets.teacher()
        plain = nets.plain()
        transfer = nets.transfer_set(teacher)
        live = teacher if nets.is_live else None
        student = nets.student("student", transfer, s.temperature, s.hard_weight, live)
        sweep = nets.sweep(transfer, live) if s.sweep else []
    found = {"teacher": teacher, "plain": plain, "student": student}
    logits = {name: arrays.predict(net, test[0]) for name, net in found.items()}
    for name, net in found.items():
        if nets.path(name).exists():  # an ensemble and the net of another file are not of this run
            errors = arrays.count_errors(logits[name], test[1])
            arrays.record(net, nets.path(name), test_errors=errors, test_examples=len(test[1]))
    moved = move_biases(student, s.misjudged(), train, test) if s.misjudged() else None
    return Results(len(train[0]), test, logits, moved, sweep, len(held_out[0]))


def held_out_of(examples, count):
    """Examples without some that are evenly spread over them, for data sorted by class; and these."""
    chosen = np.zeros(len(examples[0]), bool)
    chosen[np.arange(count) * len(chosen) // count] = True
    return tuple(a[~chosen] for a in examples), tuple(a[chosen] for a in examples)


class Nets:
    """The nets of the experiment. Each method trains a net, or loads it if an earlier run has saved it.

    Args:
        settings: The `Settings`.
        out: Folder of the run.
        train: Images and labels to train on.
        test: Images and labels to test on.
        held_out: Images and labels to compare the students of a sweep on.
    """

    def __init__(self, settings, out, train, test, held_out):
        self.settings, self.out = settings, out
        self.train, self.test, self.held_out = train, test, held_out

    def teacher(self):
        """The teacher, trained on changed images; an ensemble if there are several."""
        kinds = self.settings.teacher * self.settings.teachers
        if len(kinds) == 1:
            return self.one_teacher("teacher", kinds[0], 0)
        names = (f"teacher{i}" for i in range(1, len(kinds) + 1))
        return distillation.Ensemble(list(map(self.one_teacher, names, kinds, range(len(kinds)))))

    def one_teacher(self, name, kind, index):
        """The teacher of this kind and index, from 0: trained, or that of a file."""
        if is_file(kind):
            net = load_teacher(kind)
            check_classes(net, 10, CLASSES[self.settings.dataset])
            return fitted(net, SHAPE, arrays.SCALING)
        model, options, percent = TEACHERS.get(kind, (kind, {}, 100))
        epochs = max(1, self.settings.epochs * percent // 100)
        return self.trained(
            name,
            lambda: arrays.build(model, name=name, input_shape=SHAPE, classes=10, **options),
            self.shuffled(self.train, epochs, self.settings.teacher_changes()),
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
        rows = s.changes()
        names = " and ".join(name for name, _ in rows)
        how = f", {names} in {s.passes or s.epochs} ways each" if rows else ""
        print(f"the student is shown {len(examples[0]):,} images{how}")
        if self.is_live:
            return self.shuffled(examples, s.epochs, rows)
        if not rows:
            once = distillation.add_teacher_logits(data.batches(examples, 1000), teacher, cache)
            return self.shuffled(data.to_arrays(once), s.epochs)
        changed = arrays.shuffled(examples, s.batch_size, s.passes, s.seed + 1, rows, 10)
        stored = distillation.add_teacher_logits(changed.start(0), teacher, cache)
        parts = [(np.rint(255 * x).astype("uint8"), y) for x, y in stored.as_numpy_iterator()]
        copies = keras.tree.map_structure(lambda *xs: np.concatenate(xs), *parts)
        rounds = math.ceil(s.epochs * changed.steps / math.ceil(len(copies[0]) / s.batch_size))
        start = arrays.shuffled(copies, s.batch_size, rounds, s.seed, lambda x, seed: arrays.SCALING(x)).start
        return arrays.Batches(start, changed.steps, s.batch_size)

    @property
    def is_live(self):
        """Whether the teacher runs on the student's batches."""
        return bool(self.settings.augment) and not self.settings.passes

    def student(self, name, transfer, temperature, hard_weight, teacher=None):
        """The small net, distilled."""
        s = self.settings
        distiller = dict(teacher=teacher, temperature=temperature, hard_weight=hard_weight)
        return self.trained(name, small_net, transfer, s.epochs, 3 * s.seed + 2, distiller)

    def sweep(self, transfer, teacher=None):
        """The errors of a student for each temperature and hard weight, as in `Results`."""
        (self.out / "sweep").mkdir(exist_ok=True)
        rows, best = [], None
        for temperature, hard_weight in itertools.product(*SWEEP.values()):
            name = f"sweep/T{temperature:g}-w{hard_weight:g}"
            net = self.student(name, transfer, temperature, hard_weight, teacher)
            rows.append(
                dict(temperature=temperature, hard_weight=hard_weight, errors=errors(net, self.held_out))
            )
            if best is None or rows[-1]["errors"] < best[0]["errors"]:
                best = rows[-1], net
        row, net = best
        row["test_errors"] = errors(net, self.test)
        return rows

    def shuffled(self, examples, epochs, augment=None):
        """The shuffled batches of examples."""
        return arrays.shuffled(examples, self.settings.batch_size, epochs, self.settings.seed, augment, 10)

    def trained(self, name, build, batches, epochs, seed, distiller=None):
        """Trains a net and saves it to a file of this name, or loads that file."""
        s = self.settings
        facts = dict(class_names=CLASSES[s.dataset], training={"net": name, **dataclasses.asdict(s)})
        validation = self.test if s.validation else None  # nothing is chosen by the test images
        if validation and distiller and "mixup" in s.augment:
            images, labels = validation
            validation = images, np.eye(10, dtype="float32")[labels]  # one form of labels for its accuracy
        options = dict(seed=seed, validation=validation, distiller=distiller, facts=facts)
        return arrays.train_once(self.path(name), build, batches, epochs, **options)

    def path(self, name):
        """The file of the net of this name."""
        return self.out / f"{name}.keras"


def small_net():
    """The small net of all experiments: 784-800-800-10."""
    return MLP800(classifier_activation=None)


def errors(net, examples):
    """The number of errors of a net on images with labels."""
    images, labels = examples
    return arrays.count_errors(arrays.predict(net, images), labels)


def move_biases(student, classes, train, test):
    """Changes the student's biases of some classes, as `Results.moved` describes."""
    frequencies = [float(np.mean(train[1] == c)) for c in classes]
    biases = distillation.match_frequencies(arrays.predict(student, train[0]), list(classes), frequencies)
    logits, labels = shifted(arrays.predict(student, test[0]), classes, biases), test[1]
    of_classes = np.isin(labels, classes)
    return dict(
        classes=list(classes),
        biases=[round(float(b), 4) for b in biases],
        errors=arrays.count_errors(logits, labels),
        images_of_classes=int(of_classes.sum()),
        errors_of_classes=arrays.count_errors(logits[of_classes], labels[of_classes]),
    )


def shifted(logits, classes, biases):
    """Logits with a bias added to those of some classes."""
    logits = logits.copy()
    logits[:, list(classes)] += biases
    return logits
