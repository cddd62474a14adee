"""`kerasnets evaluate`: trained weights under their own protocol, published accuracy beside measured."""

import argparse
from typing import Any

from kerasnets.cli.options import Parser, command, number, quiet, whole

# Options whose names are those of arguments of `kerasnets.runs.evaluate`.
SHARED = ("split", "data_dir", "limit", "batch_size", "tolerance", "seed")


def add(commands: Any) -> None:
    """Adds the subcommand."""
    text = "measure the accuracy of trained weights beside the published one"
    p = command(commands, "evaluate", run, text)
    p.add_argument("name", metavar="NAME", help="name of the model")
    words = "id of a checkpoint, the name of its dataset, or a file (imagenet)"
    p.add_argument("--weights", metavar="ID", default="imagenet", help=words)
    add_options(p)
    p.set_defaults(status=lambda data: int(data["agrees"] is False))


def add_options(p: Parser) -> None:
    """Adds the options of `SHARED`, and the name of the dataset."""
    p.add_argument("--data", metavar="NAME", help="name of the dataset (as the weights were trained on)")
    folder = "folder of class folders, of IDX files or of TensorFlow Datasets"
    p.add_argument("--data-dir", metavar="FOLDER", help=folder)
    split = "train, validation or test (validation, else test; all of a folder without splits)"
    p.add_argument("--split", help=split)
    p.add_argument("--limit", type=whole(1), metavar="N", help="images to draw at random (all)")
    p.add_argument("--batch-size", type=whole(1), default=64, metavar="N", help="images in a batch (64)")
    points = "difference from the published accuracy, in points, beyond which the exit status is 1 (0.5)"
    p.add_argument("--tolerance", type=number(0), default=0.5, metavar="POINTS", help=points)
    p.add_argument("--seed", type=whole(0), default=0, help="seed of the drawing (0)")


def run(options: argparse.Namespace, rest: list[str]) -> tuple[Any, str]:
    """The JSON data and the text of `kerasnets evaluate`."""
    with quiet():
        from kerasnets import runs
    given = {name: getattr(options, name) for name in SHARED}
    found = runs.evaluate(options.name, options.weights, options.data, **given)
    return found.as_data(), str(found)
