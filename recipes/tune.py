"""Searches the width multiplier of a MobileNet, or the growth rate of a DenseNet, with keras-tuner.

    python recipes/tune.py --search alpha
    python recipes/tune.py --search growth --tuner bayesian --trials 20 --budget-mult-adds 10M

Every trial trains a net on four fifths of the training images and tests it on the rest. The folder of the
search gets results.json, the trials and the best of them; front.png, their accuracy against multiply-adds;
best.keras, the best net, trained anew and for longer on all training images, which takes images of 0 to 1 and
gives logits; best.csv, its logs; and search, what keras-tuner keeps. A search that was stopped, in whatever
way, goes on with --resume; what is finished is not trained again.

Several processes, on one machine or on several that share the folder, search together:

    python recipes/tune.py --search alpha --oracle HOST:PORT --chief
    python recipes/tune.py --search alpha --oracle HOST:PORT --worker 1
    python recipes/tune.py --search alpha --oracle HOST:PORT --worker 2

With --teacher, a .keras file of a net that gives logits, such as the teacher.keras of
recipes/distill_mnist.py, every trial's net is distilled; the teacher runs once.
"""

import argparse
import contextlib
import dataclasses
import json
import logging
import math
import os
import pathlib
import re
import sys
import time

import shared
import train
from kerasnets import files

CONFIG = "densenetbc100_cifar10"  # how all nets are trained, but for the rate and the number of epochs
# What is searched: the class of kerasnets.tuning, the net, its rate, its values; and those of a tiny run.
SEARCHES = {
    "alpha": (
        "WidthMultiplier",
        "MobileNet",
        0.03,
        dict(alphas=(0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1.0)),
        dict(alphas=(0.125, 0.25)),
    ),
    "growth": (
        "GrowthRate",
        "DenseNet",
        0.1,
        dict(growths=(8, 12, 16, 24, 32), depths=((2, 4), (3, 6), (2, 4, 4)), keeps=(0.5, 1.0)),
        dict(growths=(4, 8), depths=((1, 2),)),
    ),
}
SMOKE = dict(trials=3, epochs=1, final_epochs=2, examples=320)
EPOCHS, LONGER, TRIALS = 15, 2, 10
HELD_OUT = 5  # of so many training images, one is for validation
UNITS = {"": 1, "k": 1e3, "M": 1e6, "G": 1e9}


def options():
    """The command line."""
    p = shared.parser(
        "Search the width of a MobileNet, or the growth rate of a DenseNet.",
        epochs=f"{EPOCHS}, of a trial",
        batch_size="64",
        out="runs/tune/SEARCH-DATASET-seedSEED",
    )
    p.add_argument("--search", choices=tuple(SEARCHES), required=True, help="what is searched")
    p.add_argument("--model", help="a function of kerasnets.applications (MobileNet, or DenseNet)")
    p.add_argument("--alphas", type=shared.number(above=0), nargs="+", help="with --search alpha")
    p.add_argument("--rhos", type=shared.number(above=0), nargs="+", help="shares of --side, likewise")
    p.add_argument("--growths", type=shared.whole(1), nargs="+", help="with --search growth")
    p.add_argument("--depths", type=depths, nargs="+", metavar="6-12-24-16", help="likewise")
    p.add_argument("--keeps", type=shared.number(0, 1), nargs="+", help="likewise")
    p.add_argument("--tuner", choices=("random", "bayesian", "hyperband"), default="random", help="(random)")
    trials = f"values to try at most ({TRIALS}; with hyperband, as many as it wants)"
    p.add_argument("--trials", type=shared.whole(1), help=trials)
    objectives = ("val_accuracy", "accuracy_per_madd")
    p.add_argument("--objective", choices=objectives, default=objectives[0], help=f"({objectives[0]})")
    p.add_argument("--budget-mult-adds", type=amount, metavar="50M", help="nets that need more are refused")
    p.add_argument("--budget-params", type=amount, metavar="1M", help="likewise, parameters")
    rates = ", ".join(f"{search} {row[2]}" for search, row in SEARCHES.items())
    p.add_argument("--rate", type=shared.number(above=0), help=f"learning rate at the start ({rates})")
    p.add_argument("--final-epochs", type=shared.whole(1), help=f"of the best net ({LONGER} times a trial's)")
    checkpoints = "trials, the best ones, whose weights are kept (1)"
    p.add_argument("--keep-checkpoints", type=shared.whole(0), default=1, metavar="N", help=checkpoints)
    p.add_argument("--dataset", default="digits", help="as kerasnets.data.stream names it (digits)")
    p.add_argument("--data-dir", help="folder of the dataset")
    p.add_argument("--side", type=shared.whole(1), default=32, help="side of the images in pixels (32)")
    p.add_argument("--teacher", type=pathlib.Path, metavar="FILE", help="a .keras file: distil it")
    p.add_argument("--temperature", type=shared.number(above=0), default=4.0, help="T, with it (4)")
    p.add_argument("--hard-weight", type=shared.number(0, 1), default=0.1, help="of hard labels (0.1)")
    p.add_argument("--replicas", type=shared.whole(1), default=1, help="GPUs of a trial, or parts of the CPU")
    p.add_argument("--oracle", metavar="HOST:PORT", help="address of the chief, for several processes")
    p.add_argument("--chief", action="store_true", help="be the one that chooses values and reports")
    p.add_argument("--worker", metavar="NAME", help="be one that trains; one that died goes on by its name")
    return p.parse_args()


def depths(text):
    """An argparse type: 100, or 6-12-24-16."""
    parts = [shared.whole(1)(part) for part in text.split("-")]
    return tuple(parts) if len(parts) > 1 else parts[0]


def amount(text):
    """An argparse type: 500k, 50M, 1.5G or a plain number."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([kMG]?)", text)
    if not found or float(found[1]) * UNITS[found[2]] < 1:
        raise argparse.ArgumentTypeError(f"a number, at least 1, such as 500k, 50M or 1.5G. Received: {text}")
    return round(float(found[1]) * UNITS[found[2]])


def main():
    """Searches, then trains the best net and writes the report."""
    args = options()
    started = time.monotonic()
    role = join(args)
    values = chosen(args)
    args.epochs = args.epochs or (SMOKE["epochs"] if args.smoke else EPOCHS)
    args.final_epochs = args.final_epochs or (SMOKE["final_epochs"] if args.smoke else LONGER * args.epochs)
    args.trials = args.trials or (SMOKE["trials"] if args.smoke else None)
    args.model = args.model or SEARCHES[args.search][1]
    args.rate = args.rate or SEARCHES[args.search][2]
    out = args.out or pathlib.Path("runs/tune") / f"{args.search}-{args.dataset}-seed{args.seed}"
    with shared.quiet():
        import keras

        from kerasnets.training import distribution

        logging.getLogger("tensorflow").setLevel("ERROR")  # each net of a search is traced anew
        recipe = train.read(train.find(CONFIG)).for_epochs(args.epochs)
        recipe = dataclasses.replace(recipe, batch=args.batch_size or recipe.batch, rate=args.rate)
    if args.teacher and not args.teacher.is_file():
        raise ValueError(f"`teacher` is a .keras file that exists. Received: teacher={str(args.teacher)!r}")
    distribution.share(recipe.batch, args.replicas)  # refuses a batch that they cannot share
    with shared.quiet():
        strategy = distribution.mirrored(args.replicas)
        keras.ops.zeros(1)  # starts the devices, which say so
    Tuning(args, out, recipe, values, role, strategy).run(started)


def join(args):
    """Tells keras-tuner, by the environment, what part this process has: None, "chief" or "worker"."""
    names = ("KERASTUNER_TUNER_ID", "KERASTUNER_ORACLE_IP", "KERASTUNER_ORACLE_PORT")
    if args.chief or args.worker or args.oracle:
        if args.chief == (args.worker is not None) or not args.oracle:
            raise ValueError("--oracle HOST:PORT comes with --chief, or with --worker NAME")
        if not re.fullmatch(r"\S+:\d{1,5}", args.oracle):
            raise ValueError(f"`oracle` is HOST:PORT, an address of the chief. Received: {args.oracle}")
        if args.worker is not None and ("chief" in args.worker or not args.worker):
            raise ValueError(f"`worker` is a name without 'chief' in it. Received: {args.worker}")
        name = "chief" if args.chief else f"worker-{args.worker}"
        os.environ.update(zip(names, (name, *args.oracle.rsplit(":", 1)), strict=True))
    if names[1] not in os.environ:
        return None
    return "chief" if "chief" in os.environ.get(names[0], "") else "worker"


def chosen(args):
    """The values to choose from, by argument of the search's class."""
    _, model, _, values, tiny = SEARCHES[args.search]
    given = {n: getattr(args, n) for n in ("alphas", "rhos", "growths", "depths", "keeps")}
    given = {name: values for name, values in given.items() if values is not None}
    known = ("alphas", "rhos") if args.search == "alpha" else ("growths", "depths", "keeps")
    for name in given:
        if name not in known:
            raise ValueError(f"--{name} is no option of --search {args.search}")
    own = tiny if args.smoke else values
    if args.model not in (None, model):  # whose depths are others
        own = {name: values for name, values in own.items() if name != "depths"}
    return own | given


class Tuning:
    """One search into a folder."""

    def __init__(self, args, out, recipe, values, role, strategy):
        from kerasnets import tuning

        self.args, self.out, self.recipe, self.role = args, out, recipe, role
        self.strategy = strategy
        space = getattr(tuning, SEARCHES[args.search][0])
        shape = (args.side, args.side, 3)
        self.budget = tuning.Budget(args.budget_mult_adds, args.budget_params)
        self.read(shape)
        self.space = space(
            args.model,
            budget=self.budget,
            options=dict(input_shape=shape, classes=self.classes, classifier_activation=None),
            compiled=lambda net: self.compiled(net, recipe, self.steps(self.training)),
            seed=args.seed,
            **values,
        )
        words = (
            "search", "model", "tuner", "objective", "budget_mult_adds", "budget_params", "epochs",
            "rate", "final_epochs", "dataset", "data_dir", "side", "temperature", "hard_weight", "seed",
            "smoke",
        )  # fmt: skip
        settings = {word: getattr(args, word) for word in words}
        settings |= {"batch_size": recipe.batch, "values": values, "teacher": str(args.teacher or "")}
        self.settings = json.loads(json.dumps(settings))

    def read(self, shape):
        """Reads the images, values 0 to 1, and labels: all to train on, the parts of them, and to test on."""
        from kerasnets import data
        from kerasnets.scaling import MODES

        args = self.args
        few = {"examples": SMOKE["examples"]} if args.smoke else {}
        keywords = dict(size=shape, batch_size=1000, data_dir=args.data_dir, **few)
        streams = [data.stream(args.dataset, split, **keywords) for split in ("train", "test")]
        self.classes = streams[0].classes
        self.whole, self.test = (
            (MODES["unit"](images), labels) for images, labels in (data.to_arrays(s.dataset) for s in streams)
        )
        self.training, self.validation = self.parts()

    def parts(self):
        """The images to train on in the search, and those to test on, every fifth."""
        import keras
        import numpy as np

        held = np.arange(len(self.whole[0])) % HELD_OUT == HELD_OUT - 1
        training = keras.tree.map_structure(lambda a: a[~held], self.whole)
        images, targets = keras.tree.map_structure(lambda a: a[held], self.whole)
        return training, (images, targets["labels"] if isinstance(targets, dict) else targets)

    def distil(self):
        """Puts the teacher's logits beside the labels; it runs once, whatever the number of trials."""
        import keras

        from kerasnets import data, distillation

        with shared.quiet():
            teacher = keras.saving.load_model(self.args.teacher, compile=False)
        teacher = fitted(teacher, self.whole[0].shape, self.classes)
        batches = data.batches(self.whole, 500)
        transfer = distillation.add_teacher_logits(batches, teacher, cache=self.out / "cache")
        self.whole = data.to_arrays(transfer)
        self.training, self.validation = self.parts()

    def steps(self, arrays):
        """Steps of an epoch."""
        return math.ceil(len(arrays[0]) / self.recipe.batch)

    def batches(self, arrays, epochs):
        """Function of the number of a step that gives the batches from this one on."""
        from kerasnets import data

        order = dict(batch_size=self.recipe.batch, seed=self.args.seed, epochs=epochs)
        return lambda step: data.batches(arrays, first_step=step, **order)

    def compiled(self, net, recipe, steps):
        """What is trained: the net, or a Distiller of it."""
        from kerasnets import distillation

        recipe.regularize(net)
        if self.args.teacher:
            model = distillation.Distiller(net, None, self.args.temperature, self.args.hard_weight)
            model.compile(recipe.make_optimizer(steps), metrics=["accuracy"])
            return model
        net.compile(recipe.make_optimizer(steps), recipe.make_loss(), metrics=["accuracy"])
        return net

    def run(self, started):
        """Searches; and as chief, or alone, trains the best net and reports."""
        from kerasnets import runs, tuning

        args = self.args
        if self.role != "worker":
            runs.prepare(self.out, self.settings, args.resume, "tune.json")
        terminal = sys.stdout.isatty()
        tuner = tuning.tuner(
            args.tuner,
            self.space,
            self.out,
            objective=args.objective,
            trials=args.trials,
            epochs=args.epochs,
            seed=args.seed,
            keep=args.keep_checkpoints,
            report=None if terminal else lambda record: print("  ".join(row(record)), flush=True),
            strategy=self.strategy if args.replicas > 1 else None,
        )
        if self.role == "worker":
            print(f"waits for the chief at {os.environ['KERASTUNER_ORACLE_IP']}", flush=True)
            tuner.oracle.get_space()
            runs.prepare(self.out, self.settings, resume=True, name="tune.json")
        if args.teacher:
            self.distil()
        with self.table() if terminal else contextlib.nullcontext():
            tuner.search(
                self.batches(self.training, args.epochs),
                steps_per_epoch=self.steps(self.training),
                validation_data=self.batches_once(self.validation),
                shuffle=False,
            )
        if self.role == "worker":
            print("the search is over; the chief has the results")
            return
        self.report(tuning.records(self.out), started)

    def batches_once(self, arrays):
        """Batches to test on."""
        from kerasnets import data

        return data.batches(arrays, 500)

    def table(self):
        """A table on the terminal that follows the trials of all processes."""
        import rich.console
        import rich.live
        import rich.text

        from kerasnets import tuning

        console = rich.console.Console()

        def latest():
            last = tuning.records(self.out)[-max(1, console.height - 6) :]
            return rich.text.Text(shared.table(rows(last)))

        return rich.live.Live(get_renderable=latest, console=console, refresh_per_second=1)

    def report(self, trials, started):
        """Tells what came of the trials, trains the best net and writes the results."""
        from kerasnets import tuning

        done = [t for t in trials if t["status"] == "done"]
        counts = {s: sum(t["status"] == s for t in trials) for s in ("done", "refused", "failed")}
        summary = ", ".join(f"{n} {status}" for status, n in counts.items())
        results = {**self.settings, **counts, "best": None, "front": []}
        results["trials"] = [{k: v for k, v in t.items() if k != "traceback"} for t in trials]
        shared.show(rows(trials))
        for t in trials:
            if t["status"] == "failed":
                print(f"trial {t['trial']}, {values_text(t['values'])}: {t['error']}", file=sys.stderr)
        if not done:
            files.write_json(self.out / "results.json", results)
            least = min((t["mult_adds"] for t in trials if t["status"] == "refused"), default=None)
            smallest = "" if least is None else f"; the smallest refused net needs {least:,} multiply-adds"
            print(f"no trial has a result: {summary}{smallest}", file=sys.stderr)
            sys.exit(1)
        front = tuning.pareto_front(done)
        self.draw(done, front)
        best = max(done, key=lambda t: t["score"])
        again = f"trained anew for {self.args.final_epochs} epochs"
        print(f"{summary}. Best: {values_text(best['values'])}, which is {again}")
        accuracy = self.train_best(best["values"])
        seconds = round(time.monotonic() - started, 1)
        results |= {
            "best": {**best, "test_accuracy": accuracy},
            "front": [t["trial"] for t in front],
            "train_examples": len(self.training[0]),
            "validation_examples": len(self.validation[0]),
            "test_examples": len(self.test[0]),
            "seconds": seconds,
        }
        files.write_json(self.out / "results.json", results)
        print(f"test accuracy {100 * accuracy:.2f} % on {len(self.test[0]):,} images")
        print(f"{seconds:.0f} s. In {self.out}: results.json, front.png, best.keras")

    def draw(self, done, front):
        """The figure of accuracy against multiply-adds."""
        import figures

        figures.front(
            self.out / "front.png",
            [(t["mult_adds"], 100 * t["val_accuracy"]) for t in done],
            [(t["mult_adds"], 100 * t["val_accuracy"], values_text(t["values"])) for t in front],
            f"multiply-adds of {self.args.model}",
            f"validation accuracy on {self.args.dataset}, %",
            limit=self.args.budget_mult_adds,
        )

    def train_best(self, values):
        """Trains a net of these values on all training images; its share of test images that are right."""
        import keras

        from kerasnets import runs, training
        from kerasnets.training import distribution

        epochs, steps, out = self.args.final_epochs, self.steps(self.whole), self.out
        keras.backend.clear_session()
        keras.utils.set_random_seed(self.args.seed)
        progress = training.Progress("best", ("loss", "val_accuracy"), batch_size=self.recipe.batch)
        with self.strategy.scope():
            net = self.space.net(values)
            model = self.compiled(net, self.recipe.for_epochs(epochs), steps)
            with distribution.as_one_device(model):
                training.fit(
                    model,
                    self.batches(self.whole, epochs),
                    steps,
                    epochs,
                    state=out / "best.weights.h5",
                    history=out / "best.csv",
                    validation=self.batches_once(self.test),
                    callbacks=[progress],
                )
        runs.save(net, out / "best.keras")
        scores = net.predict(self.test[0], batch_size=500, verbose=0)
        return float((scores.argmax(1) == self.test[1]).mean())


def fitted(teacher, shape, classes):
    """A teacher of images of another size, or in grey, as one of images of this shape."""
    import keras

    own = teacher.input_shape
    if teacher.output_shape != (None, classes):
        raise ValueError(f"`teacher` is a net of {classes} classes. Received: {teacher.output_shape[1:]}")
    if len(own) != 4 or own[-1] not in (1, shape[-1]):
        raise ValueError(f"`teacher` is a net of images with 1 or {shape[-1]} channels. Received: {own[1:]}")
    x = images = keras.Input(shape[1:], name="images")
    if own[1:3] not in ((None, None), shape[1:3]):
        x = keras.layers.Resizing(*own[1:3])(x)
    if own[-1] != shape[-1]:
        x = keras.layers.Lambda(lambda x: keras.ops.mean(x, -1, keepdims=True))(x)
    return keras.Model(images, teacher(x))


def rows(trials):
    """The table of some trials."""
    names = " ".join(trials[0]["values"]) if trials else ""
    cells = [(t, row(t)) for t in trials]
    header = ["trial", names, "status", "epochs", "val. %", "params", "mult adds", "s"]
    return [
        header,
        *([first, " ".join(words(t["values"]).values()), *rest] for t, (first, _, *rest) in cells),
    ]


def row(trial):
    """A trial in words."""
    known = {k: v for k, v in trial.items() if v is not None}
    accuracy = f"{100 * known['val_accuracy']:.2f}" if "val_accuracy" in known else ""
    numbers = [f"{known[k] / 1e6:.2f}M" if k in known else "" for k in ("params", "mult_adds")]
    seconds = f"{known['seconds']:.1f}" if "seconds" in known else ""
    at = f"{known.get('epoch', 0)}/{trial['epochs']}"
    return [trial["trial"], values_text(trial["values"]), trial["status"], at, accuracy, *numbers, seconds]


def values_text(values):
    """Values in one line: growth 12 depths 6-12-24-16."""
    return " ".join(f"{name} {value}" for name, value in words(values).items())


def words(values):
    """Values in words, by option."""
    return {k: "-".join(map(str, v)) if isinstance(v, list) else str(v) for k, v in values.items()}


if __name__ == "__main__":
    shared.run(main)
