"""Searches for the width multiplier of a MobileNet or the growth rate of a DenseNet with keras-tuner.

    python recipes/tune.py --search alpha
    python recipes/tune.py --search growth --tuner bayesian --trials 20 --budget-mult-adds 10M

Each trial trains a net on four fifths of the training images and validates it on the rest. The best net is
trained anew, for longer and on all training images. It takes images of values 0 to 1 and gives logits.

The folder of the search gets best.keras, the best net, best.json, its values, and best.csv, the logs of its
training; results.json, with all trials; front.png, their accuracy against multiply-adds; and search, the
files of keras-tuner. A search that was stopped at any moment resumes with --resume and does not repeat
finished trials.

Several processes can search together, on one machine or on several that share the folder:

    python recipes/tune.py --search alpha --oracle HOST:PORT --chief
    python recipes/tune.py --search alpha --oracle HOST:PORT --worker 1
    python recipes/tune.py --search alpha --oracle HOST:PORT --worker 2

--teacher takes a file of a trained net, such as the teacher.keras of recipes/distill_mnist.py, or the name of
a net, which is trained first. Every net is then distilled from it. The teacher runs only once.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import os
import pathlib
import re
import sys
import time
from typing import TYPE_CHECKING, Any

import shared
import train
import tune_report

if TYPE_CHECKING:  # imports Keras, which makes --help slow
    from kerasnets.runs.search import Settings
    from kerasnets.training import Recipe

CONFIG = "densenetbc100_cifar10"  # how all nets are trained, except for the rate and the number of epochs
# For each search: the net, its rate, the values to choose from, and those of a tiny run.
SEARCHES = {
    "alpha": (
        "MobileNet",
        0.03,
        dict(alphas=(0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1.0)),
        dict(alphas=(0.125, 0.25)),
    ),
    "growth": (
        "DenseNet",
        0.1,
        dict(growths=(8, 12, 16, 24, 32), depths=((2, 4), (3, 6), (2, 4, 4)), keeps=(0.5, 1.0)),
        dict(growths=(4, 8), depths=((1, 2),)),
    ),
}
SEARCHED = {"alpha": ("alphas", "rhos"), "growth": ("growths", "depths", "keeps")}
SMOKE = dict(trials=3, epochs=1, final_epochs=2)
EPOCHS, LONGER, TRIALS = 15, 2, 10
UNITS = {"": 1, "k": 1e3, "M": 1e6, "G": 1e9}


def options() -> argparse.Namespace:
    """Parses the command line."""
    p = shared.parser(
        "Search for the width of a MobileNet, or the growth rate of a DenseNet.",
        epochs=f"{EPOCHS} per trial",
        batch_size="64",
        out="runs/tune/SEARCH-DATASET-seedSEED",
    )
    p.add_argument("--search", choices=tuple(SEARCHES), required=True, help="option to search for")
    p.add_argument("--model", help="a function of kerasnets.applications (MobileNet, or DenseNet)")
    width, growth = "values of --search alpha", "values of --search growth"
    p.add_argument("--alphas", type=shared.number(above=0), nargs="+", help=f"{width}: width multipliers")
    p.add_argument("--rhos", type=shared.number(above=0), nargs="+", help=f"{width}: factors of --side")
    p.add_argument("--growths", type=shared.whole(1), nargs="+", help=f"{growth}: growth rates")
    p.add_argument("--depths", type=depths, nargs="+", metavar="6-12-24-16", help=f"{growth}: layers")
    p.add_argument("--keeps", type=shared.number(0, 1), nargs="+", help=f"{growth}: compression factors")
    p.add_argument(
        "--tuner",
        choices=("random", "bayesian", "hyperband"),
        default="random",
        help="search method (random)",
    )
    trials = f"maximum number of trials ({TRIALS}; no limit with hyperband)"
    p.add_argument("--trials", type=shared.whole(1), help=trials)
    objectives = ("val_accuracy", "accuracy_per_madd")
    p.add_argument("--objective", choices=objectives, default=objectives[0], help=f"score ({objectives[0]})")
    p.add_argument("--budget-mult-adds", type=amount, metavar="50M", help="maximum number of multiply-adds")
    p.add_argument("--budget-params", type=amount, metavar="1M", help="maximum number of parameters")
    rates = ", ".join(f"{search} {row[1]}" for search, row in SEARCHES.items())
    p.add_argument("--rate", type=shared.number(above=0), help=f"initial learning rate ({rates})")
    p.add_argument(
        "--final-epochs", type=shared.whole(1), help=f"epochs of the best net ({LONGER} times a trial's)"
    )
    checkpoints = "number of the best trials whose weights are kept (1)"
    p.add_argument("--keep-checkpoints", type=shared.whole(0), default=1, metavar="N", help=checkpoints)
    p.add_argument("--dataset", default="digits", help="name of the dataset (digits)")
    p.add_argument("--data-dir", help="folder of the dataset")
    p.add_argument("--side", type=shared.whole(1), default=32, help="side of the images in pixels (32)")
    teacher = "a file of a trained net, or the name of a net to train first (none)"
    p.add_argument("--teacher", type=shared.net_or_file, metavar="FILE|NAME", help=teacher)
    p.add_argument(
        "--temperature", type=shared.number(above=0), default=4.0, help="temperature of distillation (4)"
    )
    weight = "weight of hard labels in distillation (0.1)"
    p.add_argument("--hard-weight", type=shared.number(0, 1), default=0.1, help=weight)
    p.add_argument("--replicas", type=shared.whole(1), default=1, help="GPUs or parts of the CPU (1)")
    p.add_argument("--oracle", metavar="HOST:PORT", help="address of the chief, for several processes")
    p.add_argument("--chief", action="store_true", help="run the process that chooses the trials")
    p.add_argument("--worker", metavar="NAME", help="run a process that trains, under this name")
    return p.parse_args()


def depths(text: str) -> int | tuple[int, ...]:
    """An argparse type: 100, or 6-12-24-16."""
    parts = [shared.whole(1)(part) for part in text.split("-")]
    return tuple(parts) if len(parts) > 1 else parts[0]


def amount(text: str) -> int:
    """An argparse type: 500k, 50M, 1.5G or a plain number."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([kMG]?)", text)
    if not found or float(found[1]) * UNITS[found[2]] < 1:
        raise argparse.ArgumentTypeError(f"a number, at least 1, such as 500k, 50M or 1.5G. Received: {text}")
    return round(float(found[1]) * UNITS[found[2]])


def main() -> None:
    """Searches, then trains the best net and writes the report, with --runs several times."""
    args = options()
    args.is_worker = join(args)
    if args.runs is not None and "KERASTUNER_ORACLE_IP" in os.environ:
        raise ValueError("--runs is for one process: with --oracle, start a search for each --seed")
    shared.say(shared.repeat(args, f"runs/tune/{args.search}-{args.dataset}", run, accuracies_of))


def accuracies_of(results: dict[str, Any]) -> dict[str, float]:
    """The accuracies of the best net."""
    return {name: results["best"][name] for name in ("val_accuracy", "test_accuracy")}


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Searches, then trains the best net and writes the report; returns the content of results.json."""
    started, out, worker = time.monotonic(), args.out, args.is_worker
    trials = args.trials or (SMOKE["trials"] if args.smoke else None)
    with shared.quiet():
        from kerasnets.runs.search import CARD, Search, card_of_search
        from kerasnets.training import distribution

        settings, recipe = settings_of(args), recipe_of(args)
        distribution.share(recipe.batch, args.replicas)  # refuses a batch that the replicas cannot share
        strategy = distribution.mirrored(args.replicas) if args.replicas > 1 else None
    done = shared.done(args, card_of_search(settings, recipe), CARD, "best.keras")
    if done and done["most_trials"] == trials:
        return done
    search = Search(settings, recipe, out, strategy)
    if worker:
        print(f"waits for the chief at {os.environ['KERASTUNER_ORACLE_IP']}", flush=True)
    terminal = sys.stdout.isatty()
    search.prepare(
        trials=trials,
        keep=args.keep_checkpoints,
        resume=args.resume,
        worker=worker,
        report=None if terminal else tune_report.print_trial,
    )
    with tune_report.live_table(out) if terminal else contextlib.nullcontext():
        found = search.run()
    if worker:
        print("the search is over; the chief has the results")
        return {}
    return tune_report.report(search, found, started, trials)


def join(args: argparse.Namespace) -> bool:
    """Tells keras-tuner the part of this process, by the environment; returns whether it is a worker."""
    part, host, port = "KERASTUNER_TUNER_ID", "KERASTUNER_ORACLE_IP", "KERASTUNER_ORACLE_PORT"
    if args.chief or args.worker or args.oracle:
        if args.chief == (args.worker is not None) or not args.oracle:
            raise ValueError("--oracle HOST:PORT comes with --chief, or with --worker NAME")
        if not re.fullmatch(r"\S+:\d{1,5}", args.oracle):
            raise ValueError(f"`oracle` is HOST:PORT, an address of the chief. Received: {args.oracle}")
        if args.worker is not None and ("chief" in args.worker or not args.worker):
            raise ValueError(f"`worker` is a name without 'chief' in it. Received: {args.worker}")
        os.environ[part] = "chief" if args.chief else f"worker-{args.worker}"
        os.environ[host], os.environ[port] = args.oracle.rsplit(":", 1)
    return host in os.environ and "chief" not in os.environ.get(part, "")


def settings_of(args: argparse.Namespace) -> Settings:
    """The settings of a command line."""
    from kerasnets.runs.search import Settings

    if args.oracle and args.teacher and not pathlib.Path(args.teacher).is_file():
        raise ValueError(
            "`teacher` is a file where several processes search: one of them would train it for all. "
            f"Received: teacher={args.teacher!r}"
        )
    final_epochs = SMOKE["final_epochs"] if args.smoke else LONGER * epochs_of(args)
    given = shared.fields(Settings, args) | dict(
        model=args.model or SEARCHES[args.search][0],
        values=values_of(args),
        final_epochs=args.final_epochs or final_epochs,
        teacher=args.teacher or "",
    )
    return Settings(**given)


def values_of(args: argparse.Namespace) -> dict[str, tuple]:
    """The values to choose from, by argument of the search's class."""
    model, _, own, tiny = SEARCHES[args.search]
    names = [name for known in SEARCHED.values() for name in known]
    given = {name: getattr(args, name) for name in names if getattr(args, name) is not None}
    for name in given:
        if name not in SEARCHED[args.search]:
            raise ValueError(f"--{name} is not an option of --search {args.search}")
    own = tiny if args.smoke else own
    if args.model not in (None, model):  # another model has other depths
        own = {name: values for name, values in own.items() if name != "depths"}
    return own | given


def epochs_of(args: argparse.Namespace) -> int:
    """The epochs of a trial."""
    return args.epochs or (SMOKE["epochs"] if args.smoke else EPOCHS)


def recipe_of(args: argparse.Namespace) -> Recipe:
    """The recipe of the trials."""
    recipe = shared.read(train.find(CONFIG)).for_epochs(epochs_of(args))
    rate = args.rate or SEARCHES[args.search][1]
    return dataclasses.replace(recipe, batch=args.batch_size or recipe.batch, rate=rate)


if __name__ == "__main__":
    shared.run(main)
