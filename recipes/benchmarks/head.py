"""Seconds of training a new classifier of a frozen net: with kept features, and by Keras's guide."""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
from typing import Any

import rich.progress

import kerasnets
import shared
from benchmarks import folders
from kerasnets import files

PROCESS = pathlib.Path(__file__).with_name("head_phase.py")
CONTENDERS = ("by hand", "features kept")


def add_options(p: argparse.ArgumentParser) -> None:
    """Adds the options of this benchmark."""
    number = shared.whole(1)

    def add(name, default, words, kind=number, **options):
        shown = " ".join(map(str, default)) if isinstance(default, tuple) else default
        p.add_argument(name, default=default, type=kind, help=f"{words} ({shown})", **options)

    add("--rounds", 3, "turns of each contender", metavar="N")
    add("--model", "MobileNetV2", "the net", kind=str, metavar="NAME")
    add("--size", 160, "side of the images", metavar="PIXELS")
    add(
        "--images",
        100,
        "images of each digit, a fifth of which is held out",
        kind=shared.whole(5),
        metavar="N",
    )
    add("--batch-size", 32, "examples per batch", metavar="N")
    add("--epochs", (10, 20), "numbers of epochs", nargs="+", metavar="N")


def run(args: argparse.Namespace) -> None:
    """Times the contenders, which take turns, each turn in a process of its own.

    The net has random weights, on which the seconds do not depend. The images are read from PNG files.
    """
    if args.model not in kerasnets.list_models():
        raise ValueError(f"--model is a name that kerasnets list prints. Received: {args.model}")
    figures = {}
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        settings = {
            "weights": save_net(args.model, args.size, folder / "net.keras"),
            "folder": str(folders.write_digits(folder / "digits", args.images)),
            "side": args.size,
            "batch": args.batch_size,
        }
        for epochs in args.epochs:
            title = f"{args.model}, {args.size} pixels, {10 * args.images:,} images, {epochs} epochs"
            turns = {who: [] for who in CONTENDERS}
            for _ in rich.progress.track(range(args.rounds), "measuring", transient=True):
                for who, found in turns.items():
                    found.append(phase(who=who, epochs=epochs, **settings))
            figures[title] = turns
            print(title)
            shared.show(rows(turns))
            if args.out:
                files.write_json(args.out, figures)


def save_net(model: str, side: int, path: pathlib.Path) -> str:
    """Saves a net with random weights for images of three channels, and returns the path of its file."""
    with shared.quiet():
        from kerasnets import weights

        net = kerasnets.build(model, input_shape=(side, side, 3), classes=1000)
        weights.save(net, path)
    return str(path)


def phase(**settings: Any) -> float:
    """The seconds of the first phase of fine-tuning, in a process of its own."""
    command = [sys.executable, PROCESS, json.dumps(settings)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise ValueError("a process has failed; its last messages are above")
    return json.loads(done.stdout.splitlines()[-1])["seconds"]


def rows(turns: dict[str, list[float]]) -> list[list[str]]:
    """Rows of a table: the seconds of each contender, and how many times as fast it is as the first one."""
    first = next(iter(turns.values()))
    table = [["contender", "median s", "min s", "max s", "times as fast"]]
    for name, seconds in turns.items():
        ratio = statistics.median(a / b for a, b in zip(first, seconds, strict=True))
        numbers = (statistics.median(seconds), min(seconds), max(seconds), ratio)
        table.append([name, *(f"{n:.2f}" for n in numbers)])
    return table
