"""What recipes share that repeat experiments of papers and lectures: options, images, nets and tables.

An experiment is a function of `Nets`. It returns the measures of each of its nets, by name. class_trees.py,
mimic.py and soft_targets.py repeat experiments that Hinton, Vinyals and Dean describe or refer to in their
paper on distillation and in the talk "Dark Knowledge", 2014; principles.py repeats those of other papers.
"""

from __future__ import annotations

import argparse
import pathlib
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import shared
from kerasnets import files

COLOR = "cifar100"  # the dataset of color images of all experiments
COUNTS = {"cifar10": 10, "cifar100": 100}  # classes of datasets that have no names for them here
CARD = "experiment.json"  # the settings of a run
HELD_OUT = 6  # one of 6 training images is held out with --held-out
FEW = 500  # the least number of examples of a split in a tiny run
WATCHED = 1000  # about as many images are validated on after each epoch; they decide nothing

Experiment = Callable[["Nets"], dict[str, dict[str, float]]]


def parser(
    description: str, name: str, epochs: dict[str, int], batch_size: int, temperature: float | None = None
) -> shared.Parser:
    """Makes the parser of an experiment.

    Args:
        description: What the recipe does.
        name: Name of the recipe.
        epochs: Default number of epochs by dataset.
        batch_size: Default number of examples in a batch.
        temperature: Default temperature of the soft targets; None for an experiment without them.
    """
    shown = ", ".join(f"{dataset} {count}" for dataset, count in epochs.items())
    p = shared.parser(description, shown, batch_size, f"runs/{name}/DATASET-seedSEED")
    p.set_defaults(name=name, default_epochs=epochs, default_batch_size=batch_size)
    p.add_argument("--dataset", "--data", choices=tuple(epochs), default="digits", help="dataset (digits)")
    p.add_argument("--data-dir", metavar="FOLDER", help="folder of IDX files or of TensorFlow Datasets")
    if temperature is not None:
        text = f"temperature of the soft targets ({temperature:g})"
        p.add_argument("--temperature", type=shared.number(above=0), default=temperature, help=text)
    held_out = f"hold out one of {HELD_OUT} training images and count errors on these, to choose options"
    p.add_argument("--held-out", action="store_true", help=f"{held_out}; the test images are not used")
    return p


def add_net(p: shared.Parser, what: str, gray: str = "MLP800", color: str = "ResNet20") -> None:
    """Adds the option --net; its defaults are for gray images and for those of `COLOR`."""
    p.set_defaults(gray=gray, color=color)
    p.add_argument("--net", type=net_name, metavar="NAME", help=f"{what} ({gray}; for {COLOR} {color})")


def net_name(text: str) -> str:
    """An argparse type: the name of a net."""
    from kerasnets.assembly import registry
    from kerasnets.checks import nearest

    if text not in registry.known():
        raise argparse.ArgumentTypeError(
            f"the name of a net.{nearest(text, registry.known())} Received: {text}"
        )
    return text


class Nets:
    """The nets of a run, each of which is trained, or loaded if an earlier run has saved it.

    Args:
        args: The parsed options.
        settings: The settings of the run, which are recorded in each net.

    Attributes:
        args: The parsed options.
        train: Images, (n, height, width, channels), values 0 to 1, and labels, (n,), to train on.
        test: Those to count errors on: the test images or, with --held-out, some of the training images.
        classes: Number of classes.
    """

    def __init__(self, args: argparse.Namespace, settings: dict[str, Any]) -> None:
        from kerasnets.data.datasets import CLASSES
        from kerasnets.runs import arrays

        self.args, self.settings, self.arrays = args, settings, arrays
        few = FEW if args.smoke else None
        self.train = arrays.read_images(args.dataset, "train", args.data_dir, few)
        if args.held_out:
            held_out = np.arange(len(self.train[1])) % HELD_OUT == 0
            self.test, self.train = (tuple(a[part] for a in self.train) for part in (held_out, ~held_out))
        else:
            self.test = arrays.read_images(args.dataset, "test", args.data_dir, few)
        self.shape = self.train[0].shape[1:]
        self.names = CLASSES.get(args.dataset)
        self.classes = len(self.names) if self.names else COUNTS[args.dataset]
        every = max(1, len(self.test[1]) // WATCHED)
        self.watched = tuple(a[::every] for a in self.test)

    def build(self, model: str, **options: Any) -> Callable:
        """A function that builds a net of the package for the images, with logits."""
        import kerasnets

        options = dict(input_shape=self.shape, classes=self.classes, classifier_activation=None) | options
        return lambda: kerasnets.build(model, **options)

    def trained(
        self,
        name: str,
        build: Callable,
        examples: Any,
        seed: int,
        *,
        epochs: int | None = None,
        batch_size: int | None = None,
        augment: Callable | None = None,
        validation: tuple | None = None,
        **how: Any,
    ) -> Any:
        """Trains a net and saves it, or loads the file of this name.

        Args:
            name: Name of the net.
            build: Function that builds it.
            examples: What to train on, as `kerasnets.runs.arrays.shuffled` takes it.
            seed: Number of the net, which gives it weights of its own.
            epochs: Number of epochs; None for --epochs.
            batch_size: Examples in a batch; None for --batch-size.
            augment: Function that augments images, or None.
            validation: Images and labels to validate on after each epoch; None for some of `test`.
            **how: Other arguments of `kerasnets.runs.arrays.train_once`.
        """
        epochs, seed = epochs or self.args.epochs, 10 * self.args.seed + seed
        batches = self.arrays.shuffled(
            examples, batch_size or self.args.batch_size, epochs, self.args.seed, augment
        )
        facts = dict(training={"net": name, **self.settings})
        if self.names and "accuracy" not in how:
            facts["class_names"] = self.names
        path = self.args.out / f"{name}.keras"
        given = dict(seed=seed, validation=validation or self.watched, facts=facts)
        return self.arrays.train_once(path, build, batches, epochs, **given, **how)

    def taught(self, net: Any, examples: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, dict]:
        """Images and labels with the logits that a net has for them."""
        images, labels = examples
        return images, {"labels": labels, "teacher_logits": self.arrays.predict(net, images)}

    def errors(self, net: Any, examples: tuple[np.ndarray, np.ndarray] | None = None) -> int:
        """The number of errors of a net on images with labels; None for `test`."""
        images, labels = examples or self.test
        return self.arrays.count_errors(self.arrays.predict(net, images), labels)


def main(
    args: argparse.Namespace,
    names: Sequence[str],
    experiment: Experiment,
    table: Callable[[argparse.Namespace, Callable[[str, str], str]], list[list[str]]],
    draw: Callable[[pathlib.Path, list[pathlib.Path]], str] | None = None,
) -> dict[str, dict[str, Any]]:
    """Runs an experiment, with --runs several times, and shows its table.

    Args:
        args: The parsed options.
        names: Names of the options that are settings of the run, besides those that all share.
        experiment: The experiment.
        table: Function of the options and of another function, which gives the text of a measure of a net:
            its value, or the mean and the deviation of several runs. It returns the rows of the table.
        draw: Function of the folder and of those of the single runs, which draws a picture in the first and
            returns its name; or None.

    Returns:
        For each "net: measure" its mean and, for several runs, its deviation and single values.
    """
    args.epochs = args.epochs or (2 if args.smoke else args.default_epochs[args.dataset])
    args.batch_size = args.batch_size or args.default_batch_size
    if "net" in args:
        args.net = args.net or (args.color if args.dataset == COLOR else args.gray)
    known = ("dataset", "epochs", "batch_size", "temperature", "held_out", "seed", "smoke")
    shared_names = [name for name in known if name in args]

    def run(args):
        return run_once(args, {name: getattr(args, name) for name in (*shared_names, *names)}, experiment)

    place = f"runs/{args.name}/{args.dataset}{'-held-out' * args.held_out}"
    found, text = shared.repeat(args, place, run, measures, percent=False)
    out = args.out or pathlib.Path(place if text else f"{place}-seed{args.seed}")
    folders = [out / f"seed{seed}" for seed in found["seeds"]] if text else [out]
    of_runs = found["measures"] if text else {k: {"mean": v} for k, v in measures(found).items()}
    shared.show(table(args, lambda net, measure: cell(of_runs.get(f"{net}: {measure}"))))
    picture = draw(out, folders) if draw else None
    nets = "a folder for each seed" if text else "the nets, *.keras"
    print(f"In {out}: {f'{picture}, ' if picture else ''}results.json and {nets}")
    return of_runs


def run_once(args: argparse.Namespace, settings: dict[str, Any], experiment: Experiment) -> dict[str, Any]:
    """Does one run, unless it is done; returns the content of results.json."""
    started = time.monotonic()
    with shared.quiet():
        import keras

        from kerasnets import graph, runs
    if done := shared.done(args, settings, CARD):
        return done
    nets = Nets(args, settings)
    if "net" in args:
        with graph.no_values():  # refuses a net that does not take the images, before anything is written
            nets.build(args.net)()
    runs.prepare(args.out, settings, args.resume, CARD)
    print(f"{args.dataset}: {len(nets.train[1]):,} images to train on, {len(nets.test[1]):,} to test on")
    results = {
        **settings,
        "train_size": len(nets.train[1]),
        "test_size": len(nets.test[1]),
        "nets": experiment(nets),
        "seconds": round(time.monotonic() - started, 1),
        "resumed": args.resume,
        "keras": keras.__version__,
    }
    files.write_json(args.out / "results.json", results)
    return results


def measures(results: dict[str, Any]) -> dict[str, float]:
    """The measures of all nets of a run, by the name of the net and that of the measure."""
    return {f"{net}: {name}": value for net, row in results["nets"].items() for name, value in row.items()}


def cell(measure: dict[str, Any] | None) -> str:
    """The text of a measure: its mean with the deviation, if it was measured more than once."""
    if measure is None:
        return ""
    mean, deviation = measure["mean"], measure.get("deviation")
    if deviation is None:
        return f"{mean:,.0f}" if mean == int(mean) else f"{mean:,.2f}"
    return f"{mean:,.2f} ± {deviation:,.2f}"
