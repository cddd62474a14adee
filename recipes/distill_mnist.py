"""Distils a big net's knowledge of digits into a small one, as Hinton, Vinyals and Dean did.

    python recipes/distill_mnist.py
    python recipes/distill_mnist.py --dataset mnist --data-dir FOLDER

Three nets are trained: a teacher of 784-1200-1200-10 with dropout, a limit on weights and jittered images; a
plain 784-800-800-10 net on hard labels alone; and a student, the same net on hard labels and the teacher's
soft targets, with neither dropout nor jitter. "Distilling the Knowledge in a Neural Network", 2015,
arXiv:1503.02531, section 3.
"""

import csv
import dataclasses
import math
import pathlib
import time

import shared

# Net by net: what it is, and its errors of MNIST's 10,000 in the paper.
NETS = {
    "teacher": ("784-1200-1200-10, dropout, jitter", 67),
    "plain": ("784-800-800-10, hard labels", 146),
    "student": ("784-800-800-10, distilled", 74),
}
CLOTHES = ["T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot"]
# What a run is by default; the epochs of the plain net do not grow with --long.
DEFAULTS = {
    "digits": dict(epochs=100, batch_size=128),
    "mnist": dict(epochs=60, batch_size=256),
    "fashion_mnist": dict(epochs=60, batch_size=256),
}
LONG = 5  # times as many epochs of teacher and student
RATE = 1e-3  # Adam's, brought to 0 by half a cosine
REGULARISED = dict(dropout=0.3, input_dropout=0.1, max_norm=3.0)


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
    )
    out = args.out or pathlib.Path("runs/distill_mnist") / f"{args.dataset}-seed{args.seed}"
    started = time.monotonic()

    with shared.quiet():
        import keras

        from kerasnets import data, distillation
        from kerasnets.applications.mlp import MLP800, MLP1200
        from kerasnets.training import distribution

        strategy = distribution.mirrored(args.replicas)
        keras.ops.zeros(1)  # starts the devices, which say so
    train, test = (read(settings, split, args.data_dir) for split in ("train", "test"))
    print(f"{args.dataset}: {len(train[0]):,} images to train on, {len(test[0]):,} to test on")
    shared.prepare(out, "distill_mnist", dataclasses.asdict(settings), args.resume)
    run = Run(out, settings, test)

    with strategy.scope():
        teacher = run.train("teacher", MLP1200, train, augment=data.jitter, **REGULARISED)
        plain = run.train("plain", MLP800, train)
        ordered = data.batches(train, 1000)
        transfer = distillation.add_teacher_logits(ordered, teacher, cache=out / "cache")
        student = run.train("student", MLP800, data.to_arrays(transfer), distil=True)

    nets = {"teacher": teacher, "plain": plain, "student": student}
    logits = {name: net.predict(test[0], batch_size=1000, verbose=0) for name, net in nets.items()}
    errors = {name: int((z.argmax(1) != test[1]).sum()) for name, z in logits.items()}
    results = {
        **dataclasses.asdict(settings),
        "train_size": len(train[0]),
        "test_size": len(test[0]),
        "teacher_errors": errors["teacher"],
        "vanilla_errors": errors["plain"],
        "distilled_errors": errors["student"],
        "seconds": round(time.monotonic() - started, 1),
        "resumed": args.resume,
        "replicas": args.replicas,
        "keras": keras.__version__,
        "files": sorted(p.name for p in out.glob("*.keras")),
    }
    table = compare(errors, len(test[0]))
    report(out, results, table, test, logits)
    shared.write(out / "results.json", results)
    shared.show(table)
    print(f"{results['seconds']:.0f} s. In {out}: report.html, results.json, teacher.keras, student.keras")


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
    test: tuple

    def train(self, name, build, arrays, augment=None, distil=False, **options):
        """A net trained, or read from its file if an earlier run was that far.

        Args:
            name: Key of `NETS`.
            build: Builder of the net.
            arrays: Images and targets.
            augment: Random change of the images.
            distil: Whether targets hold a teacher's logits.
            **options: Options of the builder.

        Returns:
            A model that gives logits.
        """
        import keras

        from kerasnets import data, distillation, training

        path, s = self.out / f"{name}.keras", self.settings
        epochs = s.plain_epochs if name == "plain" else s.epochs
        if path.exists():
            print(f"{name}: trained already")
            return keras.saving.load_model(path, compile=False)
        keras.utils.set_random_seed(len(NETS) * s.seed + list(NETS).index(name))
        net = build(classifier_activation=None, name=name, **options)
        steps = math.ceil(len(arrays[0]) / s.batch_size)
        adam = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(RATE, steps * epochs))
        if distil:
            model = distillation.Distiller(net, None, s.temperature, s.hard_weight)
            model.compile(adam, metrics=["accuracy"])
        else:
            model = net
            loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
            model.compile(adam, loss, metrics=["accuracy"])

        state = self.out / f"{name}.weights.h5"
        order = dict(batch_size=s.batch_size, seed=s.seed, epochs=epochs, augment=augment)
        training.fit(
            model,
            lambda step: data.batches(arrays, first_step=step, **order),
            steps,
            epochs,
            state=state,
            history=self.out / f"{name}.csv",
            validation=data.batches(self.test, 1000),
            callbacks=[training.Progress(f"{name:8}", ("loss", "val_accuracy"), batch_size=s.batch_size)],
        )
        shared.save(net, path)
        state.unlink(missing_ok=True)
        return net


def compare(errors, n):
    """Rows of the table: a header, then each net."""
    rows = [["net", f"errors of {n:,}", "error", "paper, MNIST"]]
    for name, (title, paper) in NETS.items():
        rows.append([f"{name}: {title}", str(errors[name]), f"{100 * errors[name] / n:.2f}%", str(paper)])
    return rows


def curve(out, name, n):
    """Test errors after each epoch, from the log of a net."""
    with open(out / f"{name}.csv", newline="") as file:
        return [n * (1 - float(row["val_accuracy"])) for row in csv.DictReader(file)]


def report(out, results, table, test, logits):
    """The figures and the page that shows them."""
    import figures
    import numpy as np
    from keras import ops

    from kerasnets.distillation import soft_targets

    images, labels = test[0][..., 0], test[1]
    guess = {name: z.argmax(1) for name, z in logits.items()}
    n, temperature = len(labels), results["temperature"]
    names = CLOTHES if results["dataset"] == "fashion_mnist" else list("0123456789")
    figures.curves(
        out / "curves.png",
        {f"{name}: {title}": curve(out, name, n) for name, (title, _) in NETS.items()},
        f"errors on {n:,} test images",
    )

    # Of each class, the rightly classified image whose soft targets say most about other classes.
    soft = {t: ops.convert_to_numpy(soft_targets(logits["teacher"], t)) for t in (1.0, temperature)}
    right = guess["teacher"] == labels
    doubt = -(soft[temperature] * np.log(soft[temperature] + 1e-30)).sum(1)
    shown = [
        max((i for i in range(n) if right[i] and labels[i] == c), key=lambda i: doubt[i])
        for c in range(10)
        if (right & (labels == c)).any()
    ]
    figures.beside(
        out / "soft_targets.png",
        images[shown],
        {f"T = {t:g}": p[shown] for t, p in soft.items()},
        names,
        titles=[names[labels[i]] for i in shown],
    )

    rescued = [i for i in range(n) if guess["plain"][i] != labels[i] == guess["student"][i]]
    lost = sum(guess["student"][i] != labels[i] == guess["plain"][i] for i in range(n))
    parts = [
        f"{results['dataset']}: {results['train_size']:,} images to train on, {n:,} to test on. "
        f"Temperature {temperature:g}, hard weight {results['hard_weight']:g}, {results['epochs']} epochs of "
        f"batch {results['batch_size']}, seed {results['seed']}, {results['seconds']:.0f} s. "
        "In this run test images count errors and decide nothing.",
        table,
        (
            "Learning curves",
            out / "curves.png",
            "Errors on the test images after each epoch.",
        ),
        (
            "Soft targets",
            out / "soft_targets.png",
            "What the teacher says of test images that it gets right: for each class the one it doubts most, "
            "with its probabilities at temperature 1 and at the temperature at which the student is shown "
            "them, which brings out the other classes that this image resembles.",
        ),
    ]
    if rescued:
        most = rescued[:60]
        figures.gallery(
            out / "rescued.png",
            images[most],
            [f"{names[labels[i]]},\nnot {names[guess['plain'][i]]}" for i in most],
        )
        parts.append(
            (
                "What distillation gained",
                out / "rescued.png",
                f"{len(rescued)} test images that the plain net gets wrong and the student right"
                + (f", the first {len(most)} of them" if len(most) < len(rescued) else "")
                + f"; on {lost} it is the other way round.",
            )
        )
    shared.write(out / "report.html", shared.page("Distilling a big net into a small one", parts))


if __name__ == "__main__":
    shared.run(main)
