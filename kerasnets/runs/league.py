"""A league table of the methods of distillation: same teacher, student, images and epochs, another loss.

    methods = ["plain", "kl", "dkd"]
    league = League(Settings(dataset="digits"), "runs/methods/digits", jobs=2)
    league.train(league.tasks(methods, "resnet", seeds=range(3)))
    rows = [league.row(method, "resnet", range(3)) for method in methods]

A part of the training images is held out; the teacher does not see it either. The errors on these images
decide all that is chosen: which methods are combined, and by which factor the published weight of a method is
multiplied. Each student classifies the test images once, after its last epoch, and the errors are counted
when a table is made.

The student learns from several views of each image, which are jittered once. So the teacher runs once on each
view, whatever the number of students: its answers, that is its logits and maps, are kept in files. The
seconds of a method are therefore the cost of its loss; a live teacher would add the same to all methods.
"""

import concurrent.futures
import contextlib
import dataclasses
import functools
import itertools
import math
import os
import pathlib
import statistics
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np

import kerasnets
from kerasnets import data, distillation, files
from kerasnets.checks import nearest
from kerasnets.data.datasets import CLASSES
from kerasnets.distillation.methods import METHODS, look_up
from kerasnets.distillation.replay import KEY, LOGITS, answers, replay
from kerasnets.runs import arrays
from kerasnets.runs.arrays import Parts
from kerasnets.runs.distill import hints_of, published
from kerasnets.runs.folder import prepare
from kerasnets.runs.processes import attempt, attempt_apart
from kerasnets.runs.several import spread
from kerasnets.runs.teachers import fitted

CARD = "methods.json"  # the settings of a run
PARTS = ("held_out", "test")  # on which errors are counted
PREDICTIONS = "predictions.npz"  # of a teacher
PLAIN = "plain"  # the student that has no teacher
HELD_OUT = 5  # one of 5 training images is held out
RATE = 3e-3  # of Adam, with a cosine decay to 0; with few epochs better than 1e-3 on the held-out images
FACTORS = (0.3, 1.0, 3.0)  # by which published weights are multiplied
FEW = 80  # the least number of examples of a split in a tiny run
VIEWS = {"digits": 5}  # views of each image; 1 for other datasets, which have more images
IMAGES_AT_MOST = 10_000  # of a dataset, to train on
SHAPE = (28, 28, 1)  # of the images
SIZES = dict(input_shape=SHAPE, classes=10)
THREADS = dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"), "1")


class Pair(NamedTuple):
    """A teacher and a student.

    Attributes:
        teacher: Name of the teacher's model.
        teacher_options: Its options.
        student: Name of the student's model.
        student_options: Its options.
        published: Names of datasets for which the package has weights of the teacher.
    """

    teacher: str
    teacher_options: dict
    student: str
    student_options: dict
    published: tuple[str, ...] = ()


SMALL_SIMPNET = dict(kernels=((3, 3), (3, 3), (3,)), filters=(8, 12, 16, 24, 32), dropout=0.0)
PAIRS = {
    "resnet": Pair("ResNet56", {}, "ResNet20", dict(alpha=0.5)),
    # A plain net with max pooling.
    "simpnet": Pair("ResNet56", {}, "SimpNetSlim300K", SMALL_SIMPNET),
    "from-simpnet": Pair("SimpNetSlim300K", {}, "ResNet20", dict(alpha=0.5), ("fashion_mnist",)),
}
TINY = Pair("ResNet20", dict(depth=8, alpha=0.25), "DenseNet40", dict(depth=10, growth=4))  # for tests


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings that determine every net of a league.

    Args:
        dataset: "digits", "mnist" or "fashion_mnist".
        epochs: Epochs of each student.
        teacher_epochs: Epochs of a teacher without published weights.
        batch_size: Examples in a batch.
        views: Number of views of each training image, the first of which is the image itself and the others
            are jittered. An epoch has as many views as there are images.
        images: Largest number of training images.
        smoke: Whether to use a few images and tiny nets, as a test.
    """

    dataset: str = "digits"
    epochs: int = 40
    teacher_epochs: int = 30
    batch_size: int = 64
    views: int = 1
    images: int = IMAGES_AT_MOST
    smoke: bool = False


@dataclasses.dataclass(frozen=True)
class Task:
    """The training of one student: all that another process needs to run it.

    Attributes:
        out: Folder of the league.
        settings: Its `Settings`.
        data_dir: Folder of the dataset, or None.
        pair: Key of `PAIRS`.
        method: "plain", or a key of `kerasnets.distillation.METHODS`, or two keys joined by "+".
        factor: By what the published weights of the method are multiplied.
        seed: Seed of weights and order.
    """

    out: pathlib.Path
    settings: Settings
    data_dir: str | None
    pair: str
    method: str
    factor: float
    seed: int

    @property
    def path(self) -> pathlib.Path:
        """The file with the predictions of the trained student, which is written last."""
        name = f"{self.method}-times{self.factor:g}-seed{self.seed}"
        return self.out / self.pair / f"{name}.npz"

    @property
    def is_done(self) -> bool:
        """Whether the student is trained."""
        return self.path.exists()

    def __str__(self):
        factor = "" if self.factor == 1 else f" x {self.factor:g}"
        return f"{self.pair}, {self.method}{factor}, seed {self.seed}"


class League:
    """Students of several methods, in a folder.

    The folder gets methods.json, the settings; a .keras file of each teacher and, below "answers", its
    answers for the training images; and in the folder of each pair of nets a .keras file of each student, a
    .csv file with the logs of its training, and a .npz file with its predictions. Students whose predictions
    are there are not trained again.

    Args:
        settings: The `Settings`.
        out: The folder.
        data_dir: Folder of the dataset, as `kerasnets.data.load` takes it.
        jobs: Number of students trained at a time, each in a process with one thread if it is above 1.
        resume: Whether to resume the league in the folder; otherwise an earlier one is moved aside.

    Raises:
        ValueError: The league in the folder had other settings, or the dataset is not found.
    """

    def __init__(
        self,
        settings: Settings,
        out: str | os.PathLike,
        *,
        data_dir: str | None = None,
        jobs: int = 1,
        resume: bool = False,
    ) -> None:
        self.settings, self.out, self.data_dir, self.jobs = settings, pathlib.Path(out), data_dir, jobs
        self.parts = read_parts(settings, data_dir)
        prepare(out, dataclasses.asdict(settings), resume, CARD)

    def tasks(
        self, methods: Iterable[str], pair: str, seeds: Iterable[int], factors: Sequence[float] = (1.0,)
    ) -> list[Task]:
        """The tasks of some methods, seeds and factors; the method "plain" has no factor but 1."""
        return [
            Task(self.out, self.settings, self.data_dir, pair, method, factor, seed)
            for method, factor, seed in itertools.product(methods, factors, seeds)
            if method != PLAIN or factor == 1
        ]

    def train(self, tasks: Sequence[Task]) -> list[Task]:
        """Trains the students that are not yet trained, and returns the tasks that failed.

        All seeds of a method are trained in one process. If one fails, the others are trained all the same.
        """
        missing = [task for task in tasks if not task.is_done]
        for pair in dict.fromkeys(task.pair for task in missing):
            self.prepare(pair)
        groups = {}
        for task in missing:
            groups.setdefault((task.pair, task.method, task.factor), []).append(task)
        if self.jobs == 1:
            for group in groups.values():
                attempt(train_student, group)
        else:
            with concurrent.futures.ThreadPoolExecutor(self.jobs) as pool, one_thread():
                list(pool.map(functools.partial(attempt_apart, train_student), groups.values()))
        return [task for task in tasks if not task.is_done]

    def prepare(self, pair: str) -> None:
        """Trains the teacher of a pair and computes its answers, unless it is done."""
        nets = nets_of(self.settings, pair)
        hints_file = self.out / pair / "hints.json"
        if hints_file.exists():
            return
        teacher = self.teacher(pair)
        student = arrays.build(nets.student, **SIZES, **nets.student_options)
        hints = {
            name: [dataclasses.asdict(hint) for hint in hints_of(row, teacher, student)]
            for name, row in METHODS.items()
            if row.on_maps
        }
        self.ask(teacher, [hint["teacher_layer"] for rows in hints.values() for hint in rows], pair)
        hints_file.parent.mkdir(parents=True, exist_ok=True)
        files.write_json(hints_file, hints)

    def ask(self, teacher: keras.Model, names: Sequence[str], pair: str) -> None:
        """Computes a teacher's answers for all views, and its predictions for `PARTS`, unless it is done."""
        folder = answers_in(self.out, self.settings, pair)
        if all((folder / file).exists() for file in (PREDICTIONS, *(f"{KEY.format(n)}.npy" for n in names))):
            return
        images = viewed(self.settings, self.parts.train[0])
        print(f"{folder.name}: answers for {len(images):,} images", flush=True)
        whole = np.concatenate([images, self.parts.held_out[0], self.parts.test[0]])
        folder.mkdir(parents=True, exist_ok=True)
        found = answers(teacher, names, whole)
        for name, values in found.items():
            with files.replacing(folder / f"{name}.npy") as part:
                np.save(part, values[: len(images)])
        predicted = found[KEY.format(LOGITS)][len(images) :].argmax(1).astype("uint8")
        held_out, test = np.split(predicted, [len(self.parts.held_out[0])])
        with files.replacing(folder / PREDICTIONS) as part:
            np.savez(part, held_out=held_out, test=test)

    def teacher(self, pair: str) -> keras.Model:
        """The teacher of a pair: published, trained, or loaded if an earlier run has trained it."""
        nets, s = nets_of(self.settings, pair), self.settings
        if s.dataset in nets.published and not s.smoke:
            net = kerasnets.build(nets.teacher, weights=s.dataset, classifier_activation=None)
            return fitted(net, SHAPE, arrays.SCALING)
        path = self.out / f"{nets.teacher}.keras"
        if not path.exists():
            keras.utils.set_random_seed(0)
            net = arrays.build(nets.teacher, **SIZES, **nets.teacher_options)
            batches = arrays.shuffled(self.parts.train, s.batch_size, s.teacher_epochs, 0, data.jitter)
            compile_on_labels(net, batches, s.teacher_epochs)
            facts = dict(class_names=CLASSES[s.dataset], training={"net": "teacher", **dataclasses.asdict(s)})
            arrays.fit_and_save(net, net, path, batches, s.teacher_epochs, nets.teacher, facts)
        return fitted(kerasnets.load_model(path), SHAPE, arrays.SCALING)

    def errors(self, path: pathlib.Path, part: str) -> int:
        """The errors on "held_out" or "test" images, by a file with predictions."""
        return int((np.load(path)[part] != getattr(self.parts, part)[1]).sum())

    def validation(
        self, methods: Iterable[str], pair: str, seeds: Iterable[int], factor: float = 1.0
    ) -> dict[str, float]:
        """The errors on the held-out images by method, means over the seeds."""
        return {
            method: statistics.fmean(
                self.errors(task.path, "held_out") for task in self.tasks([method], pair, seeds, [factor])
            )
            for method in methods
        }

    def factors(self, methods: Iterable[str], pair: str, seeds: Sequence[int]) -> dict[str, float]:
        """For each method, the factor of `FACTORS` with the fewest errors on the held-out images."""
        found = {f: self.validation(methods, pair, seeds, f) for f in sorted(FACTORS, key=is_changed)}
        return {method: least({f: errors[method] for f, errors in found.items()}, 1)[0] for method in methods}

    def row(self, method: str, pair: str, seeds: Sequence[int], factor: float = 1.0) -> dict[str, Any]:
        """The results of a method, as JSON data.

        Returns:
            A dict: "dataset", "pair", "method", "factor" and "seeds"; "held_out" and "test", the errors, each
            with the "mean", the "deviation" and the "values" of all seeds; and "seconds", the same of the
            CPU seconds of an epoch, or None if all were stopped after the last one.
        """
        tasks = self.tasks([method], pair, seeds, [factor])
        seconds = [float(np.load(task.path)["seconds"]) for task in tasks]
        known = [one for one in seconds if not math.isnan(one)]
        return {
            "dataset": self.settings.dataset,
            "pair": pair,
            "method": method,
            "factor": factor,
            "seeds": list(seeds),
            **{
                part: spread([self.errors(task.path, part) for task in tasks])
                for part in ("held_out", "test")
            },
            "seconds": spread(known) if known else None,
        }

    def teacher_errors(self, pair: str) -> dict[str, int]:
        """The errors of the teacher of a pair on held-out and test images."""
        path = answers_in(self.out, self.settings, pair) / PREDICTIONS
        return {part: self.errors(path, part) for part in PARTS}


def least(found: Mapping[Any, float], count: int) -> list:
    """The keys of the smallest values in ascending order; of equal values the first comes first."""
    return sorted(found, key=found.get)[:count]


def is_changed(factor: float) -> tuple[bool, float]:
    """A sort key that puts the published weight first, so that another one is only chosen if it is better."""
    return factor != 1, factor


def combinations(found: Mapping[str, float], count: int) -> list[str]:
    """The most promising pairs of a loss on logits and a loss on maps.

    Args:
        found: Errors by method, on held-out images.
        count: Number of pairs.

    Returns:
        Names such as "dkd+attention": those with the least sum of the errors of their two methods.
    """
    on_logits, on_maps = (
        [name for name in found if name in METHODS and METHODS[name].on_maps == kind]
        for kind in (False, True)
    )
    sums = {f"{a}+{b}": found[a] + found[b] for a, b in itertools.product(on_logits, on_maps)}
    return least(sums, count)


def check_pairs(pairs: Sequence[str]) -> None:
    """Refuses names that are not keys of `PAIRS`."""
    for name in pairs:
        if name not in PAIRS:
            raise ValueError(
                f"`pairs` are among {', '.join(map(repr, PAIRS))}.{nearest(name, PAIRS)} Received: {name!r}"
            )


def check_methods(methods: Sequence[str]) -> None:
    """Refuses names that are neither "plain", nor of a method, nor of methods that can be combined."""
    for method in methods:
        if method != PLAIN:
            look_up(method.split("+"))


def nets_of(settings, name):
    """The `Pair` of this name; with `smoke` one of tiny nets."""
    return TINY if settings.smoke else PAIRS[name]


def answers_in(out, settings, pair):
    """The folder with the answers of the teacher of a pair."""
    return out / "answers" / nets_of(settings, pair).teacher


@functools.cache
def read_parts(settings, data_dir):
    """Reads the `Parts`."""
    few = FEW if settings.smoke else None
    (images, labels), test = (
        arrays.read_images(settings.dataset, split, data_dir, few) for split in ("train", "test")
    )
    held_out = np.arange(len(labels)) % HELD_OUT == HELD_OUT - 1
    step = max(1, math.ceil(int((~held_out).sum()) / settings.images))
    train = images[~held_out][::step], labels[~held_out][::step]
    most = len(train[0]) // (HELD_OUT - 1)
    return Parts(train, (images[held_out][:most], labels[held_out][:most]), test)


def viewed(settings, images):
    """All views of images: these as they are, and then jittered, (views * n, height, width, 1)."""
    jittered = (np.asarray(data.jitter(images, (0, view))) for view in range(1, settings.views))
    return np.concatenate([images, *jittered])


@contextlib.contextmanager
def one_thread():
    """A context in which processes that are started compute with one thread each."""
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(THREADS)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


class Clock(keras.callbacks.Callback):
    """Measures the CPU seconds of each epoch, which do not count what other programs take.

    Attributes:
        seconds: The CPU seconds of each epoch.
    """

    def __init__(self) -> None:
        super().__init__()
        self.seconds = []

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Notes the time."""
        self.start = time.process_time()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Notes the time since the start of the epoch."""
        self.seconds.append(time.process_time() - self.start)


def train_student(task):
    """Trains a student, and saves it and its predictions.

    Returns:
        A description of its errors on the held-out images, and of the time.
    """
    s, parts = task.settings, read_parts(task.settings, task.data_dir)
    nets = nets_of(s, task.pair)
    keras.backend.clear_session()
    keras.utils.set_random_seed(task.seed)
    net = arrays.build(nets.student, **SIZES, **nets.student_options)
    images, labels = viewed(s, parts.train[0]), np.tile(parts.train[1], s.views)
    batches = passes((images, labels), s, task.seed)
    if task.method == PLAIN:
        model = net
        compile_on_labels(net, batches, s.epochs)
    else:
        model, examples = distiller(task, net, images, labels)
        batches = passes(examples, s, task.seed)
        model.compile(adam(batches, s.epochs), metrics=["accuracy"], jit_compile=False)
    clock, path = Clock(), task.path.with_suffix(".keras")
    path.parent.mkdir(parents=True, exist_ok=True)
    facts = dict(class_names=CLASSES[s.dataset], training={**dataclasses.asdict(s), "student": str(task)})
    arrays.fit_and_save(model, net, path, batches, s.epochs, str(task), facts, callbacks=[clock])
    net.jit_compile = False
    predicted = {
        part: arrays.predict(net, getattr(parts, part)[0]).argmax(1).astype("uint8") for part in PARTS
    }
    # The first epoch traces the model. A student that was stopped after its last one has no time.
    seconds = statistics.median(clock.seconds[1:] or clock.seconds or [math.nan])
    with files.replacing(task.path) as part:
        np.savez(part, **predicted, seconds=seconds)
    errors = int((predicted["held_out"] != parts.held_out[1]).sum())
    return f"{errors} errors on {len(parts.held_out[1])} held-out images, {seconds:.2f} s an epoch"


def distiller(task, net, images, labels):
    """The Distiller of a method, and the examples that it learns from."""
    names = task.method.split("+")
    found = published(names, task.settings.epochs)
    found["soft_weight"] *= task.factor
    saved = files.read_json(task.out / task.pair / "hints.json")
    hints = [distillation.Hint(**row) for name in found.pop("maps") for row in saved[name]]
    hints = [dataclasses.replace(hint, weight=task.factor * hint.weight) for hint in hints]
    folder = answers_in(task.out, task.settings, task.pair)
    wanted = [KEY.format(name) for name in (LOGITS, *(hint.teacher_layer for hint in hints))]
    kept = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in dict.fromkeys(wanted)}
    if not hints:
        return distillation.Distiller(net, None, **found), (images, {"labels": labels, **kept})
    twin, stand_in, own = replay(net, hints, kept)
    return distillation.Distiller(twin, stand_in, hints=own, **found), (
        {net.inputs[0].name: images, **kept},
        labels,
    )


def passes(examples, settings, seed):
    """The shuffled batches of all views. An epoch has as many as there are of the images themselves."""
    size = settings.batch_size
    views = len(keras.tree.flatten(examples)[0])
    steps = math.ceil(views // settings.views / size)
    times = math.ceil(settings.epochs * steps / math.ceil(views / size))
    order = dict(seed=seed, epochs=times)
    return arrays.Batches(lambda step: data.batches(examples, size, first_step=step, **order), steps, size)


def adam(batches, epochs):
    """Adam for a run of so many epochs."""
    return keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(RATE, batches.steps * epochs))


def compile_on_labels(net, batches, epochs):
    """Compiles a net to be trained on labels. Without XLA, convolutions are faster on a CPU."""
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    net.compile(adam(batches, epochs), loss, metrics=["accuracy"], jit_compile=False)
