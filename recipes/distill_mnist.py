"""Repeats the MNIST experiment of Hinton, Vinyals and Dean: a small net learns from a big one.

    python recipes/distill_mnist.py
    python recipes/distill_mnist.py --dataset mnist --data-dir FOLDER
    python recipes/distill_mnist.py --teacher convnet --teachers 2 --augment jitter --passes 20
    python recipes/distill_mnist.py --teacher simpnet lenet --augment elastic affine --hard-weight 0
    python recipes/distill_mnist.py --omit-digit 3
    python recipes/distill_mnist.py --only-digits 7 8
    python recipes/distill_mnist.py --sweep

`kerasnets.runs.mnist` describes the experiment and trains the nets. This recipe compares their errors with
the paper's and writes a report. "Distilling the Knowledge in a Neural Network", 2015, arXiv:1503.02531,
section 3.
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from typing import TYPE_CHECKING, Any

import shared
from distill_report import WORDS, compare, report
from kerasnets import files

if TYPE_CHECKING:  # imports Keras, which makes --help slow
    from kerasnets.runs.mnist import Settings

# Defaults of a run by dataset. They repeat the paper's experiment, but for the few embedded digits, where the
# student learns from changed images and from the teacher alone, as images that were held out preferred.
# --long does not change the epochs of the plain net.
PAPER = dict(
    epochs=60,
    batch_size=256,
    temperature=20.0,
    hard_weight=0.1,
    teacher=("mlp",),
    augment=(),
    passes=0,
)
DEFAULTS = {
    "digits": PAPER
    | dict(epochs=100, batch_size=128, temperature=4.0, hard_weight=0.0, augment=("elastic", "affine")),
    "mnist": PAPER,
    "fashion_mnist": PAPER,
}
KINDS = ("mlp", "convnet", "simpnet", "lenet")  # of teachers, the keys of mnist.TEACHERS
CHANGES = ("jitter", "elastic", "affine", "mixup")  # mnist.CHANGES
LONG = 5  # times as many epochs of teacher and student


def options() -> argparse.Namespace:
    """Parses the command line."""
    p = shared.parser(
        "Distill a big net's knowledge of digits into a small one.",
        epochs=defaults("epochs"),
        batch_size=defaults("batch_size"),
        out="runs/distill_mnist/DATASET-seedSEED",
    )
    p.add_argument("--dataset", choices=tuple(DEFAULTS), default="digits", help="dataset (digits)")
    p.add_argument("--data-dir", help="folder of IDX files or of TensorFlow Datasets")
    temperature = f"temperature of the soft targets ({defaults('temperature')})"
    p.add_argument("--temperature", type=shared.number(above=0), help=temperature)
    weight = f"weight of the labels in the student's loss ({defaults('hard_weight')})"
    p.add_argument("--hard-weight", type=shared.number(0, 1), help=weight)
    p.add_argument("--long", action="store_true", help=f"{LONG} times the epochs of teacher and student")
    plain = "epochs of the plain net (those of the student, without --long)"
    p.add_argument("--plain-epochs", type=shared.whole(1), metavar="N", help=plain)
    kinds = f"{', '.join(KINDS)}, names of other nets, or files of trained nets; several teach as an ensemble"
    of = f"{kinds} ({defaults('teacher')})"
    p.add_argument("--teacher", type=teacher, nargs="+", metavar="NAME|FILE", help=of)
    number = "number of teachers of each kind (1)"
    p.add_argument("--teachers", type=shared.whole(1), default=1, metavar="N", help=number)
    rows = f"how images are changed for the student: {', '.join(CHANGES)}; or none"
    p.add_argument("--augment", nargs="+", metavar="ROW", help=f"{rows} ({defaults('augment')})")
    passes = "passes over the changed images whose logits are stored; 0 runs the teacher at every step"
    p.add_argument("--passes", type=shared.whole(0), metavar="N", help=f"{passes} ({defaults('passes')})")
    validation = "count errors on N of the training images, not on the test images, to choose settings (0)"
    p.add_argument("--validation", type=shared.whole(0), default=0, metavar="N", help=validation)
    digits = p.add_mutually_exclusive_group()
    digits.add_argument(
        "--omit-digit", type=int, choices=range(10), help="a digit that the student does not see"
    )
    digits.add_argument(
        "--only-digits", type=int, choices=range(10), nargs="+", help="the digits that the student sees"
    )
    digits.add_argument(
        "--sweep", action="store_true", help="also train students with many temperatures and hard weights"
    )
    p.add_argument("--replicas", type=shared.whole(1), default=1, help="GPUs, or parts of the CPU (1)")
    return p.parse_args()


def defaults(word: str) -> str:
    """The defaults of an option, as the help shows them: for each dataset, or only one if they are alike."""
    texts = {name: shown(row[word]) for name, row in DEFAULTS.items()}
    alike = len(set(texts.values())) == 1
    return texts["mnist"] if alike else ", ".join(f"{name} {text}" for name, text in texts.items())


def shown(value: Any) -> str:
    """A setting as text."""
    if isinstance(value, tuple):
        return " ".join(value) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def teacher(text: str) -> str:
    """An argparse type: the kind of a teacher, a net's name, or a file."""
    if text in KINDS:
        return text
    try:
        return shared.net_or_file(text)
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(f"{', '.join(KINDS)}, {error}") from error


def main() -> None:
    """Trains the nets, compares them and writes the report, with --runs several times."""
    args = options()
    with shared.quiet():
        place = f"runs/distill_mnist/{folder(settings_of(args))}"
    shared.say(shared.repeat(args, place, run, errors_of, percent=False))


def errors_of(results: dict[str, Any]) -> dict[str, float]:
    """The errors of each net on the test images."""
    return {f"{name}, errors": results[f"{word}_errors"] for name, word in WORDS.items()}


def right_of(results: dict[str, Any]) -> dict[str, float]:
    """The shares of test images that a student with moved biases has right: of its classes, and of all."""
    moved = results["moved"]
    return {
        "right of the classes": 1 - moved["errors_of_classes"] / moved["images_of_classes"],
        "right": 1 - moved["errors"] / results["test_size"],
    }


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Trains the nets, compares them and writes the report; returns the content of results.json."""
    started = time.monotonic()
    with shared.quiet():
        import keras

        from kerasnets.runs import arrays, mnist
        from kerasnets.training import distribution

        settings = settings_of(args)
        strategy = distribution.mirrored(args.replicas)
    out = args.out
    if done := shared.done(args, dataclasses.asdict(settings), mnist.CARD, "student.keras"):
        return done
    found = mnist.distill(settings, out, data_dir=args.data_dir, resume=args.resume, strategy=strategy)
    errors = {name: arrays.count_errors(logits, found.test[1]) for name, logits in found.logits.items()}
    results = {
        **dataclasses.asdict(settings),
        "train_size": found.train_size,
        "held_size": found.held_size,
        "test_size": len(found.test[1]),
        **{f"{WORDS[name]}_errors": count for name, count in errors.items()},
        "moved": found.moved,
        "sweep": found.sweep,
        "seconds": round(time.monotonic() - started, 1),
        "resumed": args.resume,
        "replicas": args.replicas,
        "keras": keras.__version__,
        "files": sorted(p.name for p in out.glob("*.keras")),
    }
    table = compare(results, teacher_of(settings))
    report(out, results, table, found.test, found.logits)
    files.write_json(out / "results.json", results)
    shared.show(table)
    print(f"{results['seconds']:.0f} s. In {out}: report.html, results.json and the nets, *.keras")
    return results


def settings_of(args: argparse.Namespace) -> Settings:
    """The settings of a command line."""
    from kerasnets.runs import mnist

    given = {name: value for name, value in shared.fields(mnist.Settings, args).items() if value is not None}
    given = DEFAULTS[args.dataset] | given
    epochs = 2 if args.smoke and not args.epochs else given["epochs"]
    given |= dict(
        epochs=epochs * (LONG if args.long else 1),
        plain_epochs=args.plain_epochs or epochs,
        teacher=tuple(given["teacher"]),
        augment=() if args.augment == ["none"] else tuple(given["augment"]),
        only_digits=tuple(sorted(set(args.only_digits or ()))),
    )
    return mnist.Settings(**given)


def folder(settings: Settings) -> str:
    """The name of a run's folder: its dataset, and what differs from the plain experiment."""
    words = [settings.dataset]
    if settings.omit_digit is not None:
        words.append(f"without{settings.omit_digit}")
    if settings.only_digits:
        words.append("only" + "".join(map(str, settings.only_digits)))
    if settings.sweep:
        words.append("sweep")
    return "-".join(words)


def teacher_of(settings: Settings) -> str | None:
    """A description of the teacher; None for the paper's."""
    from kerasnets.runs import mnist

    changes = " and ".join(name for name, _ in settings.teacher_changes())
    if (settings.teacher, settings.teachers, changes) == (("mlp",), 1, "jitter"):
        return None
    if all(map(mnist.is_file, settings.teacher)):
        return " and ".join(settings.teacher)
    many = f"{settings.teachers} of " if settings.teachers > 1 else ""
    kinds = " and ".join(mnist.TEACHERS.get(kind, (kind,))[0] for kind in settings.teacher)
    return f"{many}{kinds}, {changes}"


if __name__ == "__main__":
    shared.run(main)
