"""Adds specialists to a generalist, as Hinton, Vinyals and Dean did on JFT.

    python recipes/specialists.py
    python recipes/specialists.py --dataset fashion_mnist --data-dir FOLDER --jobs 2

A generalist is trained; k-means on the covariance of its soft targets finds classes that it confuses; for
each such set a specialist starts from the generalist's weights and learns on data of which half is of its
classes, until it gets no better on images held out of the training split; then generalist and specialists
speak together. Each of several numbers of clusters gives its sets, so that a class can have several
specialists or none. "Distilling the Knowledge in a Neural Network", 2015, arXiv:1503.02531, section 5, and
the same authors' talk "Dark Knowledge", 2014.

The soft targets are those of the held-out images at a high temperature. At temperature 1 the generalist is so
sure that the covariance has little but its diagonal, and k-means sets single classes apart.
"""

import concurrent.futures
import dataclasses
import functools
import multiprocessing
import pathlib
import sys
import time

import numpy as np

import distill_mnist
import pages
import shared
from kerasnets import files

EPOCHS = {"digits": 30, "mnist": 15, "fashion_mnist": 15}  # of the generalist
CLUSTERS = (3, 4, 5, 6, 7)
# What a specialist ends in: its classes and a dustbin, which is all that the generalist says of other classes
# or a unit of its own; or all classes, with the generalist's soft targets for examples of others.
HEADS = ("logsumexp", "reduced", "all-classes")
NET = dict(hidden=(512, 512), dropout=0.3, input_dropout=0.1)
SPECIALIST_RATE = 2e-4  # Adam's
PATIENCE = 3  # epochs without gain that end a specialist's training
HELD = 6  # of so many training images one is held out
# Table 4: relative gain by the number of specialists of the true class, in per cent; the last of 10 and more.
JFT = (0.0, 3.4, 7.4, 8.8, 10.5, 11.1, 11.3, 12.8, 13.6, 16.6, 14.1)
SUMMARY = (
    "Errors on {test_size:,} test images: the generalist {generalist_errors:,}, with specialists "
    "{combined_errors:,}; {mended} mended, {made} made."
)


@dataclasses.dataclass(frozen=True)
class Settings:
    """What decides the nets; a run is resumed with the same alone."""

    dataset: str
    clusters: tuple
    temperature: float
    head: str
    epochs: int
    specialist_epochs: int
    batch_size: int
    seed: int
    smoke: bool


@dataclasses.dataclass(frozen=True)
class Task:
    """One specialist to train; all that its process is told."""

    out: pathlib.Path
    settings: Settings
    data_dir: str | None
    classes: tuple

    @property
    def path(self):
        """The file of the trained specialist."""
        return self.out / f"specialist-{'-'.join(map(str, self.classes))}.keras"

    def __str__(self):
        from kerasnets.data.datasets import CLASSES

        return ", ".join(CLASSES[self.settings.dataset][c] for c in self.classes)


def options():
    """The command line."""
    p = shared.parser(
        "Add specialists of confusable classes to a generalist.",
        epochs=", ".join(f"{name} {epochs}" for name, epochs in EPOCHS.items()),
        batch_size="128",
        out="runs/specialists/DATASET-HEAD-seedSEED",
    )
    p.add_argument("--dataset", choices=tuple(EPOCHS), default="digits", help="(digits)")
    p.add_argument("--data-dir", help="folder of IDX files or of TensorFlow Datasets")
    p.add_argument("--clusters", type=int, choices=range(2, 10), nargs="+", help="numbers of them (3 to 7)")
    p.add_argument("--head", choices=HEADS, default=HEADS[0], help=f"what specialists end in ({HEADS[0]})")
    warm = "of the soft targets that are clustered, and fitted by the head all-classes (16)"
    p.add_argument("--temperature", type=shared.number(above=0), default=16.0, help=warm)
    p.add_argument("--specialist-epochs", type=shared.whole(1), help="passes of a specialist, at most (30)")
    calls = "how many of the generalist's likeliest classes call their specialists (1)"
    p.add_argument("--top", type=int, choices=range(1, 11), default=1, help=calls)
    p.add_argument("--jobs", type=shared.whole(1), default=1, help="specialists trained at a time (1)")
    return p.parse_args()


def main():
    """Trains generalist and specialists, joins them and writes the report."""
    args = options()
    smoke = args.smoke
    s = Settings(
        dataset=args.dataset,
        clusters=tuple(sorted(set(args.clusters or ([3] if smoke else CLUSTERS)))),
        temperature=args.temperature,
        head=args.head,
        epochs=args.epochs or (2 if smoke else EPOCHS[args.dataset]),
        specialist_epochs=args.specialist_epochs or (1 if smoke else 30),
        batch_size=args.batch_size or 128,
        seed=args.seed,
        smoke=smoke,
    )
    out = args.out or pathlib.Path("runs/specialists") / f"{s.dataset}-{s.head}-seed{s.seed}"
    started = time.monotonic()

    with shared.quiet():
        import keras

        from kerasnets import runs

        keras.ops.zeros(1)  # starts the devices, which say so
    train, held, test = parts(s, args.data_dir)
    sizes = {f"{name}_size": len(p[1]) for name, p in (("train", train), ("held", held), ("test", test))}
    print("{}: {:,} images to train on, {:,} held out, {:,} to test on".format(s.dataset, *sizes.values()))
    runs.prepare(out, dataclasses.asdict(s), args.resume, "specialists.json")
    generalist = train_generalist(out, s, train, held)
    logits = distill_mnist.predict(generalist, held[0])
    tasks = [Task(out, s, args.data_dir, classes) for classes in confused(s, logits)]
    if failed := train_specialists(tasks, args.jobs):
        print(
            f"{len(failed)} of {len(tasks)} specialists failed: {'; '.join(map(str, failed))}. "
            f"The others are in {out}; the same command with --resume goes on from here",
            file=sys.stderr,
        )
        sys.exit(1)

    guesses = told(out, tasks, args.top, test[0])
    results = {
        **dataclasses.asdict(s),
        "top": args.top,
        **sizes,
        "specialists": [task.classes for task in tasks],
        **compare(guesses, test[1], tasks),
        "seconds": round(time.monotonic() - started, 1),
        "resumed": args.resume,
        "keras": keras.__version__,
    }
    draw(out, tasks, test[1], guesses, logits)
    files.write_text(out / "report.html", page(out, results))
    files.write_json(out / "results.json", results)
    print(SUMMARY.format(**results))
    shared.show(coverage_table(results))
    print(f"{results['seconds']:.0f} s. In {out}: report.html, results.json and the nets, *.keras")


@functools.cache
def parts(settings, data_dir):
    """Images and labels to train on, those held out of the training split, and those to test on."""
    (images, labels), test = (distill_mnist.read(settings, s, data_dir) for s in ("train", "test"))
    held = np.arange(len(labels)) % HELD == 0
    return (images[~held], labels[~held]), (images[held], labels[held]), test


def train_generalist(out, settings, train, held):
    """The generalist, trained, or read from its file if an earlier run was that far."""
    from kerasnets.applications.mlp import MLP

    run = distill_mnist.Run(out, settings, train, held)
    return run.fit(
        "generalist",
        lambda: MLP(classifier_activation=None, name="generalist", **NET),
        run.batches(train, settings.epochs),
        settings.epochs,
        settings.seed,
    )


def confused(settings, logits):
    """Sets of classes that the generalist confuses: those of each number of clusters, each set once.

    Args:
        settings: The `Settings`.
        logits: The generalist's, of held-out images.

    Returns:
        Sorted tuples of two class numbers or more, the longest first.

    Raises:
        ValueError: There is none.
    """
    from kerasnets.distillation import confusable_classes

    found = {
        tuple(classes.tolist())
        for clusters in settings.clusters
        for classes in confusable_classes(logits, clusters, settings.seed, settings.temperature)
        if len(classes) > 1
    }
    if not found:
        raise ValueError("every cluster is of one class: give smaller --clusters or a higher --temperature")
    return sorted(found, key=lambda classes: (-len(classes), classes))


def train_specialists(tasks, jobs):
    """Trains the specialists that have no file yet; one that fails leaves the others alone.

    Args:
        tasks: A `Task` for each.
        jobs: How many to train at a time, each in a process of its own if this is above 1.

    Returns:
        The tasks that failed.
    """
    waiting = [task for task in tasks if not task.path.exists()]
    if jobs == 1:
        for task in waiting:
            attempt(task)
    else:
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            list(pool.map(attempt_apart, waiting))
    return [task for task in tasks if not task.path.exists()]


def attempt_apart(task):
    """Trains a specialist in a process of its own."""
    process = multiprocessing.get_context("spawn").Process(target=attempt, args=(task,), daemon=True)
    process.start()
    process.join()


def attempt(task):
    """Trains a specialist and says how that went."""
    try:
        print(f"specialist of {task}: {train_specialist(task)}", flush=True)
    except KeyboardInterrupt:
        if multiprocessing.parent_process() is None:
            raise
    except Exception as error:
        print(f"specialist of {task} failed: {type(error).__name__}: {error}", file=sys.stderr)


def train_specialist(task):
    """Trains a specialist from the generalist's weights and writes its file.

    A specialist with a dustbin is trained with the dustbin's logit lowered by the log of the oversampling, as
    its enriched data has it: so it starts from what the generalist would say of such data, and without that
    shift it is corrected. The weights are those of the epoch with the least loss on the labels of held-out
    images, or the generalist's if no epoch is better.

    Returns:
        How the loss on held-out images went, in words.
    """
    with shared.quiet():
        import keras

        from kerasnets import data, distillation, runs

    s, (train, held, _) = task.settings, parts(task.settings, task.data_dir)
    keras.utils.set_random_seed(s.seed)
    net = keras.saving.load_model(task.out / "generalist.keras", compile=False)
    dustbin = s.head != "all-classes"
    if not dustbin:
        images, labels = train
        train = images, {"labels": labels, "teacher_logits": distill_mnist.predict(net, images)}
    batches = data.batches(train, s.batch_size, seed=s.seed)
    batches = batches.shuffle(int(batches.cardinality()), seed=s.seed)  # another order at each pass
    if dustbin:
        net = distillation.specialist(net, task.classes, s.head)
        model = distillation.correct_dustbin(net, 1 / distillation.oversampling(batches, task.classes))
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    else:
        model, loss = distillation.Distiller(net, None, s.temperature), None
    model.compile(keras.optimizers.Adam(SPECIALIST_RATE), loss)

    validation = data.batches(enriched(held, task.classes, dustbin), 1000)
    start, before = net.get_weights(), model.evaluate(validation, verbose=0, return_dict=True)["loss"]
    stop = keras.callbacks.EarlyStopping("val_loss", patience=PATIENCE, mode="min", restore_best_weights=True)
    model.fit(
        distillation.specialist_dataset(batches, task.classes, seed=s.seed, dustbin=dustbin),
        validation_data=validation,
        epochs=s.specialist_epochs,
        shuffle=False,
        verbose=0,
        callbacks=[stop],
    )
    better = stop.best < before
    if not better:
        net.set_weights(start)
    runs.save(net, task.path)
    gain = f"{stop.best:.4f} in epoch {stop.best_epoch + 1}" if better else "no less in any epoch"
    return f"held-out loss {before:.4f}, {gain}"


def enriched(arrays, classes, dustbin):
    """Images, labels as a specialist has them, and weights as its enriched data has them."""
    images, labels = arrays
    special = np.isin(labels, classes)
    weights = np.where(special, 0.5 / special.mean(), 0.5 / (1 - special.mean())).astype("float32")
    if dustbin:
        labels = np.where(special, np.searchsorted(classes, labels), len(classes))
    return images, labels, weights


def told(out, tasks, top, images):
    """The class of each image, (n,), told by the generalist, and with its specialists, by title."""
    import keras

    from kerasnets.distillation import combine

    paths = [out / "generalist.keras", *(task.path for task in tasks)]
    nets = [keras.saving.load_model(path, compile=False) for path in paths]
    with shared.quiet():  # TensorFlow warns that net after net is traced
        logits = [distill_mnist.predict(net, images) for net in nets]
    p, *own = (keras.ops.softmax(z.astype("float64")) for z in logits)
    dustbin = tasks[0].settings.head != "all-classes"
    q = combine(p, own, [task.classes for task in tasks], top, dustbin)
    both = {"generalist": p, "with specialists": q}
    return {title: keras.ops.convert_to_numpy(x).argmax(1) for title, x in both.items()}


def compare(guesses, labels, tasks):
    """What specialists change.

    Source: table 4 of the paper.

    Args:
        guesses: Of generalist and combination, as `told` gives them.
        labels: (n,).
        tasks: The `Task` of each specialist.

    Returns:
        A dict: errors of both, errors mended and made; and "coverage", for each number of specialists that
        the true class has a dict: the number, the cases, how many of them the generalist gets right, and how
        many more the combination.
    """
    right, joint = (guess == labels for guess in guesses.values())
    covering = sum(np.isin(labels, task.classes).astype(int) for task in tasks)
    gain = joint.astype(int) - right
    rows = []
    for n in np.unique(covering).tolist():
        here = covering == n
        counts = dict(cases=here.sum(), right=right[here].sum(), gain=gain[here].sum())
        rows.append({"specialists": n, **{word: int(count) for word, count in counts.items()}})
    return {
        "generalist_errors": int((~right).sum()),
        "combined_errors": int((~joint).sum()),
        "mended": int((gain > 0).sum()),
        "made": int((gain < 0).sum()),
        "coverage": rows,
    }


def coverage_table(results):
    """Rows of a table: the text's on JFT, for this run."""
    rows = [["specialists of the true class", "cases", "change in right", "relative accuracy", "paper, JFT"]]
    found = results["coverage"]
    total = {word: sum(row[word] for row in found) for word in ("cases", "right", "gain")}
    for row in [*found, {"specialists": "all", **total}]:
        n = row["specialists"]
        gain = f"{row['gain'] / row['right']:+.2%}" if row["right"] else "-"
        paper = "" if n == "all" else f"{JFT[min(n, len(JFT) - 1)]:+.1f}%"
        rows.append([str(n), f"{row['cases']:,}", f"{row['gain']:+d}", gain, paper])
    return rows


def draw(out, tasks, labels, guesses, logits):
    """The figures: of confusion among test images, and of clusters in logits of the held-out ones."""
    import keras

    import figures
    from kerasnets.data.datasets import CLASSES
    from kerasnets.distillation import soft_targets

    s, sets = tasks[0].settings, [task.classes for task in tasks]
    names = CLASSES[s.dataset]
    soft = keras.ops.convert_to_numpy(soft_targets(logits, s.temperature))
    order = sorted(range(10), key=lambda c: [c not in classes for classes in sets])  # sets stand together
    figures.confusion(out / "confusion.png", labels, guesses, names, order)
    figures.clusters(out / "clusters.png", soft, sets, names, order)


def page(out, results):
    """The report, as HTML."""
    parts = [
        "{dataset}: {train_size:,} images to train on; {held_size:,} held out of the training split, by which"
        " classes are clustered and training is stopped; {test_size:,} to test on, which decide nothing. "
        "Seed {seed}, batch {batch_size}, {epochs} epochs of the generalist, head {head}, top {top}, "
        "temperature {temperature:g}; {seconds:.0f} s.".format(**results),
        SUMMARY.format(**results),
        coverage_table(results),
        pages.Figure(
            "Confusion",
            out / "confusion.png",
            "Test images that are taken for another class, by the generalist and with specialists; and what "
            "changed, red where it got worse. The diagonal, right answers, is left out but for its change.",
        ),
        pages.Figure(
            "Clusters",
            out / "clusters.png",
            "Covariance of the generalist's soft targets of held-out images, the diagonal left out: red "
            "where both classes get weight together, blue where one gets it for the other; and the classes "
            "of each specialist.",
        ),
    ]
    return pages.page("Specialists of confusable classes", parts)


if __name__ == "__main__":
    shared.run(main)
