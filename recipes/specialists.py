"""Adds specialists to a generalist, as Hinton, Vinyals and Dean did on JFT.

    python recipes/specialists.py
    python recipes/specialists.py --dataset digit_pairs --runs 3
    python recipes/specialists.py --dataset fashion_mnist --data-dir FOLDER --jobs 2

`kerasnets.runs.specialists` describes how the nets are made and trains them. This recipe counts which errors
the specialists correct and which they make, by the number of specialists of the true class, as table 4 of the
paper does; how the gain grows with the number of specialists; and what generalists gain from the same
training steps. It writes a report. "Distilling the Knowledge in a Neural Network", 2015, arXiv:1503.02531,
section 5.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import pathlib
import sys
import time
from typing import TYPE_CHECKING, Any

import shared
import specialists_report
from kerasnets import files

if TYPE_CHECKING:  # imports Keras, which makes --help slow
    from kerasnets.runs.specialists import Settings

DEFAULTS = {
    "digits": dict(epochs=30, clusters=(3, 4, 5, 6, 7), heads=("logsumexp",)),
    "digit_pairs": dict(
        epochs=12,
        clusters=(10, 20, 40),
        heads=("logsumexp", "reduced", "all-classes"),
        specialist_epochs=8,
        specialist_rate=1e-3,
    ),
    "mnist": dict(epochs=15, clusters=(3, 4, 5, 6, 7), heads=("logsumexp",)),
    "fashion_mnist": dict(epochs=15, clusters=(3, 4, 5, 6, 7), heads=("logsumexp",)),
}
SMOKE = dict(epochs=2, clusters=(3,), specialist_epochs=1)


def options() -> argparse.Namespace:
    """Parses the command line."""
    p = shared.parser(
        "Add specialists of confusable classes to a generalist.",
        epochs=", ".join(f"{name} {row['epochs']}" for name, row in DEFAULTS.items()),
        batch_size="128",
        out="runs/specialists/DATASET-HEADS-seedSEED",
    )
    p.add_argument("--dataset", choices=tuple(DEFAULTS), default="digits", help="dataset (digits)")
    p.add_argument("--data-dir", help="folder of IDX files or of TensorFlow Datasets")
    clusters = "numbers of clusters (3 to 7; digit_pairs 10, 20, 40)"
    p.add_argument("--clusters", type=shared.whole(2), nargs="+", metavar="N", help=clusters)
    heads = ("logsumexp", "reduced", "all-classes")
    last = f"last layers of specialists: {', '.join(heads)} (logsumexp; digit_pairs all)"
    p.add_argument("--head", choices=heads, nargs="+", metavar="HEAD", help=last)
    soft = "temperature of the soft targets, for clustering and for the head all-classes (16)"
    p.add_argument("--temperature", type=shared.number(above=0), default=16.0, help=soft)
    epochs = "maximum epochs of a specialist (30; digit_pairs 8)"
    p.add_argument("--specialist-epochs", type=shared.whole(1), metavar="N", help=epochs)
    calls = "number of the generalist's most likely classes that call their specialists (1)"
    p.add_argument("--top", type=int, choices=range(1, 11), default=1, help=calls)
    p.add_argument("--jobs", type=shared.whole(1), default=1, help="processes that train specialists (1)")
    return p.parse_args()


def main() -> None:
    """Trains generalist and specialists, combines them and writes the report, with --runs several times."""
    args = options()
    heads = args.head or DEFAULTS[args.dataset]["heads"]
    place = f"runs/specialists/{args.dataset}-{'-'.join(heads)}"
    found = shared.repeat(args, place, run, errors_of, percent=False)
    if args.runs:
        out = args.out or pathlib.Path(place)
        runs = [files.read_json(out / f"seed{seed}" / "results.json") for seed in found[0]["seeds"]]
        specialists_report.write(out, runs)
    shared.say(found)


def errors_of(results: dict[str, Any]) -> dict[str, float]:
    """The errors on the test images, without and with specialists, and those of the controls."""
    return {f"{title}, errors": row["errors"] for title, row in results["nets"].items()}


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Trains generalist and specialists, and writes the report; returns the content of results.json.

    Ends the recipe with status 1 if a specialist fails.
    """
    started = time.monotonic()
    with shared.quiet():
        import keras

        from kerasnets.runs import specialists

        s = settings_of(args)
    out = args.out
    done = shared.done(args, dataclasses.asdict(s), specialists.CARD, "generalist.keras")
    if done and done["top"] == args.top:
        return done
    trained = specialists.train(s, out, data_dir=args.data_dir, resume=args.resume, jobs=args.jobs)
    if trained.failed:
        count, names = len(trained.failed), "; ".join(map(str, trained.failed))
        print(
            f"{count} specialist{'s' * (count > 1)} failed: {names}. The others are in {out}; the same "
            "command with --resume continues from here",
            file=sys.stderr,
        )
        sys.exit(1)

    images, labels = trained.parts.test
    groups = specialists.committees(trained, images, args.top)
    before = groups[s.heads[0]].predict([])
    together = {head: group.predict() for head, group in groups.items()}
    guesses = {"generalist": before, **together, **specialists.predict_controls(trained, images)}
    train_size, held_size, test_size = (len(labels) for _, labels in trained.parts)
    results = {
        **dataclasses.asdict(s),
        "top": args.top,
        "train_size": train_size,
        "held_size": held_size,
        "test_size": test_size,
        "specialists": trained.sets,
        "nets": {
            title: {"steps": trained.steps[title], **specialists_report.changes(guess, before, labels)}
            for title, guess in guesses.items()
        },
        "coverage": {
            head: specialists_report.coverage(guess, before, labels, trained.sets)
            for head, guess in together.items()
        },
        "drawn": {head: specialists_report.draws(group, labels, s.seed) for head, group in groups.items()},
        "seconds": round(time.monotonic() - started, 1),
        "resumed": args.resume,
        "keras": keras.__version__,
    }
    results = json.loads(json.dumps(results))  # tuples become lists, as in the file
    specialists_report.write(out, [results], (labels, guesses, trained.logits))
    files.write_json(out / "results.json", results)
    print(f"{results['seconds']:.0f} s. In {out}: report.html, results.json and the nets, *.keras")
    return results


def settings_of(args: argparse.Namespace) -> Settings:
    """The settings of a command line."""
    from kerasnets.runs.specialists import Settings

    given = shared.fields(Settings, args)
    given |= {"heads": tuple(args.head or ()), "clusters": tuple(sorted(set(args.clusters or ())))}
    defaults = DEFAULTS[args.dataset] | (SMOKE if args.smoke else {})
    chosen = {name: value for name, value in given.items() if value not in (None, ())}
    return Settings(**defaults | chosen)


if __name__ == "__mp_main__":  # a process that trains specialists loads TensorFlow, without its messages
    with shared.quiet():
        import kerasnets.runs.specialists  # noqa: F401
elif __name__ == "__main__":
    shared.run(main)
