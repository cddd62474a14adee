"""Adds specialists to a generalist, as Hinton, Vinyals and Dean did on JFT.

    python recipes/specialists.py
    python recipes/specialists.py --dataset fashion_mnist --data-dir FOLDER --jobs 2

`kerasnets.runs.specialists` describes how the nets are made and trains them. This recipe counts which errors
the specialists correct, by the number of specialists of the true class, as table 4 of the paper does, and
writes a report. "Distilling the Knowledge in a Neural Network", 2015, arXiv:1503.02531, section 5.
"""

from __future__ import annotations

import argparse
import dataclasses
import pathlib
import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np

import shared
from kerasnets import files

if TYPE_CHECKING:  # imports Keras, which makes --help slow
    from kerasnets.runs.specialists import Settings

EPOCHS = {"digits": 30, "mnist": 15, "fashion_mnist": 15}  # of the generalist
CLUSTERS = (3, 4, 5, 6, 7)
# Table 4: relative gain in percent by the number of specialists of the true class; the last for 10 and more.
JFT = (0.0, 3.4, 7.4, 8.8, 10.5, 11.1, 11.3, 12.8, 13.6, 16.6, 14.1)
SUMMARY = (
    "Errors on {test_size:,} test images: the generalist {generalist_errors:,}, with specialists "
    "{combined_errors:,}; {mended} corrected, {made} new."
)


def options() -> argparse.Namespace:
    """Parses the command line."""
    p = shared.parser(
        "Add specialists of confusable classes to a generalist.",
        epochs=", ".join(f"{name} {epochs}" for name, epochs in EPOCHS.items()),
        batch_size="128",
        out="runs/specialists/DATASET-HEAD-seedSEED",
    )
    p.add_argument("--dataset", choices=tuple(EPOCHS), default="digits", help="dataset (digits)")
    p.add_argument("--data-dir", help="folder of IDX files or of TensorFlow Datasets")
    p.add_argument(
        "--clusters", type=int, choices=range(2, 10), nargs="+", help="numbers of clusters (3 to 7)"
    )
    heads = ("logsumexp", "reduced", "all-classes")
    p.add_argument("--head", choices=heads, default=heads[0], help=f"last layer of specialists ({heads[0]})")
    soft = "temperature of the soft targets, for clustering and for the head all-classes (16)"
    p.add_argument("--temperature", type=shared.number(above=0), default=16.0, help=soft)
    p.add_argument("--specialist-epochs", type=shared.whole(1), help="maximum epochs of a specialist (30)")
    calls = "number of the generalist's most likely classes that call their specialists (1)"
    p.add_argument("--top", type=int, choices=range(1, 11), default=1, help=calls)
    p.add_argument("--jobs", type=shared.whole(1), default=1, help="specialists to train at a time (1)")
    return p.parse_args()


def main() -> None:
    """Trains generalist and specialists, combines them and writes the report, with --runs several times."""
    args = options()
    shared.say(
        shared.repeat(args, f"runs/specialists/{args.dataset}-{args.head}", run, errors_of, percent=False)
    )


def errors_of(results: dict[str, Any]) -> dict[str, float]:
    """The errors on the test images, without and with specialists."""
    return {f"{name}, errors": results[f"{name}_errors"] for name in ("generalist", "combined")}


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
        names = "; ".join(map(str, trained.failed))
        print(
            f"{len(trained.failed)} of {len(trained.tasks)} specialists failed: {names}. The others are in "
            f"{out}; the same command with --resume continues from here",
            file=sys.stderr,
        )
        sys.exit(1)

    images, labels = trained.parts.test
    with shared.quiet():  # TensorFlow warns about the number of nets that it traces
        guesses = specialists.predict(trained.tasks, images, args.top)
    train_size, held_size, test_size = (len(labels) for _, labels in trained.parts)
    sets = [task.classes for task in trained.tasks]
    results = {
        **dataclasses.asdict(s),
        "top": args.top,
        "train_size": train_size,
        "held_size": held_size,
        "test_size": test_size,
        "specialists": sets,
        **compare(guesses, labels, sets),
        "seconds": round(time.monotonic() - started, 1),
        "resumed": args.resume,
        "keras": keras.__version__,
    }
    draw(out, results, labels, guesses, trained.logits)
    files.write_text(out / "report.html", page(out, results))
    files.write_json(out / "results.json", results)
    print(SUMMARY.format(**results))
    shared.show(coverage_table(results))
    print(f"{results['seconds']:.0f} s. In {out}: report.html, results.json and the nets, *.keras")
    return results


def settings_of(args: argparse.Namespace) -> Settings:
    """The settings of a command line."""
    from kerasnets.runs.specialists import Settings

    given = shared.fields(Settings, args) | dict(
        clusters=tuple(sorted(set(args.clusters or ([3] if args.smoke else CLUSTERS)))),
        epochs=args.epochs or (2 if args.smoke else EPOCHS[args.dataset]),
        specialist_epochs=args.specialist_epochs or (1 if args.smoke else 30),
        batch_size=args.batch_size or 128,
    )
    return Settings(**given)


def compare(
    guesses: dict[str, np.ndarray], labels: np.ndarray, sets: list[tuple[int, ...]]
) -> dict[str, Any]:
    """Counts what the specialists change.

    Source: table 4 of the paper.

    Args:
        guesses: The predicted classes, (n,), of the generalist and of all nets together, by title.
        labels: The true classes, (n,).
        sets: The classes of each specialist.

    Returns:
        A dict: "generalist_errors" and "combined_errors"; "mended" and "made", the errors that are corrected
        and those that are new; and "coverage", a dict for each number of specialists that the true class has:
        the number, the cases, how many of them the generalist gets right, and how many more all nets do.
    """
    right, joint = (guess == labels for guess in guesses.values())
    covering = sum(np.isin(labels, classes).astype(int) for classes in sets)
    gain = joint.astype(int) - right
    rows = []
    for n in np.unique(covering).tolist():
        here = covering == n
        counts = dict(cases=here.sum(), right=right[here].sum(), gain=gain[here].sum())
        rows.append({"specialists": n, **{name: int(count) for name, count in counts.items()}})
    return {
        "generalist_errors": int((~right).sum()),
        "combined_errors": int((~joint).sum()),
        "mended": int((gain > 0).sum()),
        "made": int((gain < 0).sum()),
        "coverage": rows,
    }


def coverage_table(results: dict[str, Any]) -> list[list[str]]:
    """The rows of the paper's table 4, for this run and beside the paper's on JFT."""
    rows = [
        ["specialists of the true class", "cases", "change in correct", "relative accuracy", "paper, JFT"]
    ]
    found = results["coverage"]
    total = {name: sum(row[name] for row in found) for name in ("cases", "right", "gain")}
    for row in [*found, {"specialists": "all", **total}]:
        n = row["specialists"]
        gain = f"{row['gain'] / row['right']:+.2%}" if row["right"] else "-"
        paper = "" if n == "all" else f"{JFT[min(n, len(JFT) - 1)]:+.1f}%"
        rows.append([str(n), f"{row['cases']:,}", f"{row['gain']:+d}", gain, paper])
    return rows


def draw(
    out: pathlib.Path,
    results: dict[str, Any],
    labels: np.ndarray,
    guesses: dict[str, np.ndarray],
    logits: np.ndarray,
) -> None:
    """Draws the confusion of test images, and the clusters in the soft targets of the held-out images."""
    import keras

    import figures
    from kerasnets.data.datasets import CLASSES
    from kerasnets.distillation import soft_targets

    names, sets = CLASSES[results["dataset"]], results["specialists"]
    soft = keras.ops.convert_to_numpy(soft_targets(logits, results["temperature"]))
    order = sorted(range(10), key=lambda c: [c not in classes for classes in sets])
    figures.confusion(out / "confusion.png", labels, guesses, names, order)
    figures.clusters(out / "clusters.png", soft, sets, names, order)


def page(out: pathlib.Path, results: dict[str, Any]) -> str:
    """Makes the report, as HTML."""
    from kerasnets.runs import pages

    parts = [
        "{dataset}: {train_size:,} images to train on. {held_size:,} images are held out of the training "
        "split, to cluster the classes and to stop training. {test_size:,} test images decide nothing. "
        "Seed {seed}, batch {batch_size}, {epochs} epochs of the generalist, head {head}, top {top}, "
        "temperature {temperature:g}; {seconds:.0f} s.".format(**results),
        SUMMARY.format(**results),
        coverage_table(results),
        pages.Figure(
            "Confusion",
            out / "confusion.png",
            "Test images that are taken for another class, by the generalist and with specialists, and the "
            "change, red where it is for the worse. The diagonal holds correct answers; only its change is "
            "shown.",
        ),
        pages.Figure(
            "Clusters",
            out / "clusters.png",
            "Covariance of the generalist's soft targets of held-out images, without the diagonal, and the "
            "classes of each specialist. Red: both classes are likely together. Blue: where one is likely, "
            "the other is not.",
        ),
    ]
    return pages.page("Specialists of confusable classes", parts)


if __name__ == "__mp_main__":  # a process that trains a specialist loads TensorFlow, without its messages
    with shared.quiet():
        import kerasnets.runs.specialists  # noqa: F401
elif __name__ == "__main__":
    shared.run(main)
