"""`kerasnets look`: pictures of what a trained net sees in photographs."""

import argparse
import contextlib
import sys
import warnings
from typing import Any

from kerasnets.cli.options import add_net, command, folder, quiet, whole

# Options whose names are those of arguments of `kerasnets.runs.look`.
SHARED = ("out", "what", "layer", "unit", "label", "top", "limit", "seed", "weights", "preprocess")


def add(commands: Any) -> None:
    """Adds the subcommand."""
    text = "draw what a trained net sees in images, and why it classifies them as it does"
    p = command(commands, "look", run, text)
    p.add_argument("images", nargs="+", metavar="FILE", help="images, or folders of images")
    add_net(p, "name of a model, or a file .keras or .weights.h5 (MobileNetV2)")
    words = (
        "kernels, maps, deconvolution, maximize, guided, integrated, occlusion, cam or grad_cam; all draws "
        "those that apply (the same without maximize, which takes long)"
    )
    p.add_argument("--what", nargs="+", metavar="METHOD", help=words)
    words = "layer whose maps, kernels and strongest activations are drawn (the last of each resolution)"
    p.add_argument("--layer", metavar="NAME", help=words)
    words = "channel of the layer (those that respond most)"
    p.add_argument("--unit", type=whole(0), metavar="N", help=words)
    words = "name or number of the class to explain (the most probable one of each image)"
    p.add_argument("--class", dest="label", metavar="NAME", help=words)
    p.add_argument("--out", type=folder, metavar="FOLDER", help="folder of the pictures (runs/look/...)")
    p.add_argument("--top", type=whole(1), default=5, metavar="N", help="classes to name (5)")
    words = "most images to use; of more, so many are taken at random (200)"
    p.add_argument("--limit", type=whole(1), default=200, metavar="N", help=words)
    p.add_argument("--seed", type=whole(0), default=0, metavar="N", help="random seed (0)")


def run(options: argparse.Namespace, rest: list[str]) -> tuple[Any, str]:
    """The JSON data and the text of `kerasnets look`."""
    with quiet():
        from kerasnets import runs
    given = {name: getattr(options, name) for name in SHARED}
    with warnings.catch_warnings(record=True) as caught, contextlib.redirect_stdout(sys.stderr):  # downloads
        warnings.simplefilter("always", UserWarning)
        images = options.images[0] if len(options.images) == 1 else options.images
        found = runs.look(options.model, images, **given)
    for note in caught:
        if "preprocess_input" in str(note.message) or "passed over" in str(note.message):
            print(f"kerasnets: {note.message}", file=sys.stderr)
    return found.as_data(), str(found)
