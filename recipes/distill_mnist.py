"""Distils a big net's knowledge of digits into a small one, as Hinton, Vinyals and Dean did.

    python recipes/distill_mnist.py
    python recipes/distill_mnist.py --dataset mnist --data-dir FOLDER
    python recipes/distill_mnist.py --teacher convnet --teachers 2 --passes 20
    python recipes/distill_mnist.py --omit-digit 3
    python recipes/distill_mnist.py --only-digits 7 8
    python recipes/distill_mnist.py --sweep

Three nets are trained: a teacher of 784-1200-1200-10 with dropout, a limit on weights and jittered images; a
plain 784-800-800-10 net on hard labels alone; and a student, the same net on hard labels and the teacher's
soft targets, with neither dropout nor jitter. "Distilling the Knowledge in a Neural Network", 2015,
arXiv:1503.02531, section 3.

The text's surprising experiments leave digits out of what the student sees. Its biases of the classes that
it saw too seldom or too often are then moved until it calls the training images by each of these classes as
often as they are of it; beside that stand the biases that would be best for the test images.
"""

import dataclasses
import itertools
import math
import pathlib
import time
import typing

import numpy as np

import shared
from distill_report import NETS, WORDS, compare, count, report
from kerasnets import files

# A teacher: the model, its options, and the epochs of it in a hundred of the student's.
TEACHERS = {
    "mlp": ("MLP1200", dict(dropout=0.3, input_dropout=0.1, max_norm=3.0), 100),
    "convnet": ("ResNet20", dict(alpha=0.5, input_shape=(28, 28, 1)), 25),
}
# What a run is by default; the epochs of the plain net do not grow with --long.
DEFAULTS = {
    "digits": dict(epochs=100, batch_size=128),
    "mnist": dict(epochs=60, batch_size=256),
    "fashion_mnist": dict(epochs=60, batch_size=256),
}
LONG = 5  # times as many epochs of teacher and student
RATE = 1e-3  # Adam's, brought to 0 by half a cosine
SWEEP = dict(temperature=(1, 2, 4, 8, 20), hard_weight=(0.0, 0.1, 0.5, 0.9))


@dataclasses.dataclass(frozen=True)
class Settings:
    """What decides the result; a run is resumed with the same alone."""

    dataset: str
    temperature: float
    hard_weight: float
    epochs: int
    plain_epochs: int
    batch_size: int
    seed: int
    smoke: bool
    teacher: str = "mlp"
    teachers: int = 1
    passes: int = 0
    omit_digit: int | None = None
    only_digits: tuple = ()
    sweep: bool = False

    def shown(self):
        """The classes of the images that the student sees, and those whose biases are then moved."""
        if self.only_digits:
            return self.only_digits, self.only_digits
        if self.omit_digit is not None:
            return tuple(c for c in range(10) if c != self.omit_digit), (self.omit_digit,)
        return tuple(range(10)), ()


def options():
    """The command line."""
    by_dataset = {
        word: ", ".join(f"{name} {default[word]}" for name, default in DEFAULTS.items())
        for word in ("epochs", "batch_size")
    }
    p = shared.parser(
        "Distil a big net's knowledge of digits into a small one.",
        **by_dataset,
        out="runs/distill_mnist/DATASET-seedSEED",
    )
    p.add_argument("--dataset", choices=tuple(DEFAULTS), default="digits", help="(digits)")
    p.add_argument("--data-dir", help="folder of IDX files or of TensorFlow Datasets")
    p.add_argument("--temperature", type=shared.number(above=0), default=20.0, help="T (20)")
    p.add_argument("--hard-weight", type=shared.number(0, 1), default=0.1, help="of hard labels (0.1)")
    p.add_argument("--long", action="store_true", help=f"{LONG} times the epochs of teacher and student")
    p.add_argument("--teacher", choices=tuple(TEACHERS), default="mlp", help="what teaches (mlp)")
    p.add_argument("--teachers", type=shared.whole(1), default=1, help="so many, as an ensemble (1)")
    p.add_argument(
        "--passes",
        type=shared.whole(0),
        default=0,
        help="jittered copies of the images to distil on; 0 leaves them as they are (0)",
    )
    digits = p.add_mutually_exclusive_group()
    digits.add_argument("--omit-digit", type=int, choices=range(10), help="not shown to the student")
    digits.add_argument("--only-digits", type=int, choices=range(10), nargs="+", help="all that it is shown")
    digits.add_argument("--sweep", action="store_true", help="students of many temperatures and hard weights")
    p.add_argument("--replicas", type=shared.whole(1), default=1, help="GPUs, or parts of the CPU (1)")
    return p.parse_args()


def main():
    """Trains the three nets, compares them and writes the report."""
    args = options()
    default = DEFAULTS[args.dataset]
    epochs = args.epochs or (2 if args.smoke else default["epochs"])
    settings = Settings(
        dataset=args.dataset,
        temperature=args.temperature,
        hard_weight=args.hard_weight,
        epochs=epochs * (LONG if args.long else 1),
        plain_epochs=epochs,
        batch_size=args.batch_size or default["batch_size"],
        seed=args.seed,
        smoke=args.smoke,
        teacher=args.teacher,
        teachers=args.teachers,
        passes=args.passes,
        omit_digit=args.omit_digit,
        only_digits=tuple(sorted(set(args.only_digits or ()))),
        sweep=args.sweep,
    )
    if len(settings.only_digits) == 10:
        raise ValueError("--only-digits leaves at least one digit out")
    out = args.out or pathlib.Path("runs/distill_mnist") / folder(settings)
    started = time.monotonic()

    with shared.quiet():
        import keras

        from kerasnets import distillation, runs
        from kerasnets.training import distribution

        strategy = distribution.mirrored(args.replicas)
        keras.ops.zeros(1)  # starts the devices, which say so
    train, test = (read(settings, split, args.data_dir) for split in ("train", "test"))
    print(f"{args.dataset}: {len(train[0]):,} images to train on, {len(test[0]):,} to test on")
    runs.prepare(out, dataclasses.asdict(settings), args.resume, "distill_mnist.json")
    run = Run(out, settings, train, test)

    with strategy.scope():
        teachers = [run.teacher(i) for i in range(settings.teachers)]
        teacher = teachers[0] if len(teachers) == 1 else distillation.Ensemble(teachers)
        plain = run.plain()
        transfer = run.transfer(teacher)
        student = run.student("student", transfer, settings.temperature, settings.hard_weight)
        sweep = run.sweep(transfer) if settings.sweep else []

    nets = {"teacher": teacher, "plain": plain, "student": student}
    logits = {name: predict(net, test[0]) for name, net in nets.items()}
    results = {
        **dataclasses.asdict(settings),
        "train_size": len(train[0]),
        "test_size": len(test[0]),
        **{f"{word}_errors": count(logits[name], test[1]) for name, word in WORDS.items()},
        "moved": run.moved(student, logits["student"]),
        "sweep": sweep,
        "seconds": round(time.monotonic() - started, 1),
        "resumed": args.resume,
        "replicas": args.replicas,
        "keras": keras.__version__,
        "files": sorted(p.name for p in out.glob("*.keras")),
    }
    table = compare(results, teacher_of(settings))
    report(out, results, table, test, logits)
    files.write_json(out / "results.json", results)
    shared.show(table)
    print(f"{results['seconds']:.0f} s. In {out}: report.html, results.json and the nets, *.keras")


def folder(settings):
    """The name of a run's folder: what is not the default, and the seed."""
    words = [settings.dataset]
    if settings.omit_digit is not None:
        words.append(f"without{settings.omit_digit}")
    if settings.only_digits:
        words.append("only" + "".join(map(str, settings.only_digits)))
    if settings.sweep:
        words.append("sweep")
    return "-".join([*words, f"seed{settings.seed}"])


def teacher_of(settings):
    """What teaches, in words; None for the paper's teacher."""
    if (settings.teacher, settings.teachers) == ("mlp", 1):
        return None
    many = f"{settings.teachers} of " if settings.teachers > 1 else ""
    return f"{many}{TEACHERS[settings.teacher][0]}, jitter"


def predict(net, images):
    """Logits of images, (n, 10)."""
    return net.predict(images, batch_size=1000, verbose=0)


def read(settings, split, data_dir):
    """Images, float32, (n, 28, 28, 1), values 0 to 1, and labels of a split."""
    from kerasnets import data
    from kerasnets.applications import mlp

    dataset = data.load(settings.dataset, split, data_dir=data_dir)
    if settings.smoke:
        dataset = dataset.shard(max(1, int(dataset.cardinality()) // 500), 0)
    images, labels = data.to_arrays(dataset.batch(1000))
    return mlp.preprocess_input(images), labels


@dataclasses.dataclass
class Run:
    """Trains net after net; each leaves a .keras file, and a curve in a .csv file."""

    out: pathlib.Path
    settings: Settings
    train: tuple
    test: tuple

    def teacher(self, i):
        """Teacher number i, trained on jittered images."""
        import kerasnets

        model, options, share = TEACHERS[self.settings.teacher]
        name = "teacher" if self.settings.teachers == 1 else f"teacher{i + 1}"
        epochs = max(1, self.settings.epochs * share // 100)
        seed = len(NETS) * self.settings.seed + 1000 * i
        return self.fit(
            name,
            lambda: kerasnets.build(model, classifier_activation=None, name=name, **options),
            self.batches(self.train, epochs, kerasnets.data.jitter),
            epochs,
            seed,
        )

    def plain(self):
        """The small net on hard labels alone."""
        epochs = self.settings.plain_epochs
        return self.fit("plain", small, self.batches(self.train, epochs), epochs, self.seed("plain"))

    def transfer(self, teacher):
        """The transfer set: a function of the first step that gives batches with the teacher's logits."""
        from kerasnets import data, distillation

        s, (classes, _) = self.settings, self.settings.shown()
        seen = np.isin(self.train[1], classes)
        arrays = tuple(a[seen] for a in self.train)
        copies = f", {s.passes} times jittered" if s.passes else ""
        print(f"the student is shown {len(arrays[0]):,} images{copies}")
        if not s.passes:
            logits = distillation.add_teacher_logits(data.batches(arrays, 1000), teacher, self.out / "cache")
            return self.batches(data.to_arrays(logits), s.epochs)
        order = dict(seed=s.seed + 1, epochs=s.passes, augment=data.jitter)
        copies = data.batches(arrays, s.batch_size, **order)
        logits = distillation.add_teacher_logits(copies, teacher, self.out / "cache")
        steps = math.ceil(len(arrays[0]) / s.batch_size)
        return Batches(lambda step: logits.repeat().skip(step % (s.passes * steps)), steps)

    def student(self, name, transfer, temperature, hard_weight):
        """The small net, distilled."""
        distil = dict(temperature=temperature, hard_weight=hard_weight)
        return self.fit(name, small, transfer, self.settings.epochs, self.seed("student"), distil)

    def sweep(self, transfer):
        """Errors of students of each temperature and hard weight."""
        rows = []
        (self.out / "sweep").mkdir(exist_ok=True)
        for temperature, hard_weight in itertools.product(*SWEEP.values()):
            name = f"sweep/T{temperature:g}-w{hard_weight:g}"
            net = self.student(name, transfer, temperature, hard_weight)
            errors = count(predict(net, self.test[0]), self.test[1])
            rows.append(dict(temperature=temperature, hard_weight=hard_weight, errors=errors))
        return rows

    def moved(self, student, logits):
        """What moving the biases of classes that the student saw too seldom or too often gives, or None."""
        from kerasnets.distillation import match_frequencies

        classes = list(self.settings.shown()[1])
        if not classes:
            return None
        images, labels = self.train
        matched = match_frequencies(
            predict(student, images), classes, [float(np.mean(labels == c)) for c in classes]
        )
        found = {"classes": classes}
        of_classes = np.isin(self.test[1], classes)
        for word, biases in (("matched", matched), ("best", best(logits, self.test[1], classes, matched))):
            z = shifted(logits, classes, biases)
            found[word] = dict(
                biases=[round(float(b), 4) for b in biases],
                errors=count(z, self.test[1]),
                images_of_classes=int(of_classes.sum()),
                errors_of_classes=count(z[of_classes], self.test[1][of_classes]),
            )
        return found

    def batches(self, arrays, epochs, augment=None):
        """Batches of arrays, shuffled anew every epoch."""
        from kerasnets import data

        order = dict(batch_size=self.settings.batch_size, seed=self.settings.seed, epochs=epochs)
        steps = math.ceil(len(arrays[0]) / self.settings.batch_size)
        return Batches(lambda step: data.batches(arrays, first_step=step, augment=augment, **order), steps)

    def seed(self, name):
        """The seed of a net."""
        return len(NETS) * self.settings.seed + list(NETS).index(name)

    def fit(self, name, build, batches, epochs, seed, distil=None):
        """A net trained, or read from its file if an earlier run was that far.

        Args:
            name: What its files are called.
            build: Function that builds it.
            batches: `Batches`.
            epochs: How often it sees all.
            seed: Of its weights.
            distil: Options of the Distiller, where targets hold a teacher's logits.

        Returns:
            A model that gives logits.
        """
        import keras

        from kerasnets import data, distillation, runs, training

        path = self.out / f"{name}.keras"
        if path.exists():
            print(f"{name}: trained already")
            return keras.saving.load_model(path, compile=False)
        keras.utils.set_random_seed(seed)
        net = build()
        adam = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(RATE, batches.steps * epochs))
        if distil:
            model = distillation.Distiller(net, **distil)
            model.compile(adam, metrics=["accuracy"])
        else:
            model = net
            loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
            model.compile(adam, loss, metrics=["accuracy"])
        state = self.out / f"{name}.weights.h5"
        shown = ("loss", "val_accuracy")
        training.fit(
            model,
            batches.start,
            batches.steps,
            epochs,
            state=state,
            history=self.out / f"{name}.csv",
            validation=data.batches(self.test, 1000),
            callbacks=[training.Progress(f"{name:8}", shown, batch_size=self.settings.batch_size)],
        )
        runs.save(net, path)
        state.unlink(missing_ok=True)
        return net


@dataclasses.dataclass(frozen=True)
class Batches:
    """Batches from any step of a run on.

    Attributes:
        start: Function of the number of a step that gives a tf.data.Dataset of all batches from it on.
        steps: Steps of an epoch.
    """

    start: typing.Callable
    steps: int


def small():
    """The small net of all experiments: 784-800-800-10."""
    from kerasnets.applications import MLP800

    return MLP800(classifier_activation=None)


def shifted(logits, classes, biases):
    """Logits with those of some classes moved."""
    logits = logits.copy()
    logits[:, classes] += biases
    return logits


def best(logits, labels, classes, biases):
    """The biases with the fewest errors on these images, found class by class from those that are given."""
    biases = np.array(biases)
    for _ in range(3):
        for i, c in enumerate(classes):
            z = shifted(logits, classes, biases)
            tried = np.linspace(-1, 1, 401) * np.ptp(np.delete(z, c, axis=1).max(1) - z[:, c])
            errors = [count(shifted(z, [c], [t]), labels) for t in tried]
            biases[i] += tried[min(range(len(tried)), key=lambda k: (errors[k], abs(tried[k])))]
    return biases


if __name__ == "__main__":
    shared.run(main)
