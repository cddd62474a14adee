"""`kerasnets classify`: the names of what photographs show, with probabilities."""

import argparse
import contextlib
import sys
import warnings
from typing import Any

from kerasnets.cli.options import add_net, command, quiet, whole

# Options whose names are those of arguments of `kerasnets.classify`.
SHARED = ("top", "weights", "batch_size", "preprocess")


def add(commands: Any) -> None:
    """Adds the subcommand."""
    text = "classify images by a trained net"
    p = command(commands, "classify", run, text)
    p.add_argument("images", nargs="+", metavar="FILE", help="images, or folders of images")
    add_net(
        p, "name of a model, a file .keras or .weights.h5, or the folder of an exported model (MobileNetV2)"
    )
    p.add_argument("--top", type=whole(1), default=5, metavar="N", help="classes to name (5)")
    p.add_argument("--batch-size", type=whole(1), default=32, metavar="N", help="images in a batch (32)")
    p.add_argument("--csv", action="store_true", help="print CSV, a row for each class of each image")
    p.set_defaults(status=lambda data: int(any(image["error"] for image in data["images"])))


def run(options: argparse.Namespace, rest: list[str]) -> tuple[Any, str]:
    """The JSON data and the text of `kerasnets classify`."""
    if options.json and options.csv:
        raise ValueError("--json and --csv exclude each other")
    with quiet():
        import kerasnets
        from kerasnets import runs  # noqa: F401
    given = {name: getattr(options, name) for name in SHARED}
    with warnings.catch_warnings(record=True) as caught, contextlib.redirect_stdout(sys.stderr):  # downloads
        warnings.simplefilter("always", UserWarning)
        found = kerasnets.classify(options.model, options.images, **given)
    notes = [str(w.message) for w in caught if "preprocess_input" in str(w.message)]
    if options.json or options.csv:
        notes += found.notes()
    for note in notes:
        print(f"kerasnets: {note}", file=sys.stderr)
    return found.as_data(), found.as_csv() if options.csv else str(found)
