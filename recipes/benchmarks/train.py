"""Milliseconds per image of training: ours, keras.applications and timm."""

import argparse
import importlib.util
import os

import shared
from benchmarks import measuring
from benchmarks.contenders import TIMM
from kerasnets import files
from kerasnets.serving import turns

NETS = ("MobileNetV2", "ResNet50", "DenseNet121")
SIDE = 224  # of their images
MODULE = "benchmarks.training_steps"
OURS = "kerasnets"


def add_options(p: argparse.ArgumentParser) -> None:
    """Adds the options of this benchmark."""
    measuring.add_options(p)
    p.add_argument(
        "--models", nargs="+", default=NETS, help=f"names of nets ({' '.join(NETS)})", metavar="NAME"
    )
    p.add_argument("--batch-size", type=shared.whole(1), default=16, help="images per batch (16)")
    p.add_argument("--precision", choices=("float32", "bfloat16"), default="float32", help="(float32)")
    p.add_argument("--xla", action="store_true", help="also with XLA, by which Keras compiles by default")
    p.add_argument("--compile", action="store_true", help="also timm compiled by torch.compile")


def run(args: argparse.Namespace) -> None:
    """Trains each net by each library, in a process of its own, by one step a turn."""
    with shared.quiet():
        measuring.check_models(args.models)
    figures = {}
    for name in args.models:
        title = f"{name}, batch {args.batch_size}, {args.precision}, {os.cpu_count()} cores"
        outcomes = turns.measure(contenders(name, args), args.rounds, least=0.0)
        figures[title] = {
            outcome.name: {
                "milliseconds": [1000 * s / args.batch_size for s in outcome.seconds.get("", ())],
                "megabytes": outcome.memory,
                "error": outcome.error,
            }
            for outcome in outcomes
        }
        print(title)
        shared.show(rows(outcomes, args.batch_size))
        if args.out:
            files.write_json(args.out, figures)


def contenders(name: str, args: argparse.Namespace) -> list[turns.Contender]:
    """The contenders for a net, ours first. Says which are left out because they are not installed."""
    same = {"batch": args.batch_size, "precision": args.precision}
    found = [
        turns.Contender(OURS, f"{MODULE}:ours", {"model": name, **same}),
        turns.Contender("keras.applications", f"{MODULE}:applications", {"model": name, **same}),
    ]
    if args.xla:
        jit = {"model": name, "jit": True, **same}
        found.append(turns.Contender("keras.applications, XLA", f"{MODULE}:applications", jit))
    missing = [package for package in ("torch", "timm") if not importlib.util.find_spec(package)]
    if missing or name not in TIMM:
        why = f"{' and '.join(missing)} not installed" if missing else f"its name of {name} is not known here"
        print(f"timm is left out: {why}")
        return found
    theirs = {"model": TIMM[name], "side": SIDE, **same}
    found.append(turns.Contender("timm", f"{MODULE}:timm", theirs))
    if args.compile:
        found.append(turns.Contender("timm, compiled", f"{MODULE}:timm", {**theirs, "compiled": True}))
    return found


def rows(outcomes: list[turns.Outcome], batch: int) -> list[list[str]]:
    """Rows of a table: milliseconds an image, the ratio to ours of each round, and memory at the peak."""
    first, *_ = outcomes
    table = [["contender", "ms an image", "times as long as ours", "GB at the peak"]]
    for outcome in outcomes:
        if outcome.error is not None:
            table.append([outcome.name, f"failed: {outcome.error}", "", ""])
            continue
        ratio = first.ratio(outcome)
        table.append(
            [
                outcome.name,
                f"{1000 * outcome.median() / batch:.1f}",
                "" if ratio is None else f"{ratio:.2f}",
                "" if outcome.memory is None else f"{outcome.memory / 1024:.2f}",
            ]
        )
    return table
