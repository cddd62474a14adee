"""`kerasnets bench`: which format, runtime and precision is fastest on this machine."""

import argparse
from typing import Any

from kerasnets.cli.options import command, number, quiet, whole

# Options whose names are those of arguments of `kerasnets.serving.fastest`.
SHARED = ("agree", "images", "rounds", "threads")


def add(commands: Any) -> None:
    """Adds the subcommand."""
    text = "measure which format, runtime and precision is fastest on this machine"
    p = command(commands, "bench", run, text)
    words = "files that `kerasnets export` wrote, folders of versions or of models; or a file .keras"
    p.add_argument("paths", nargs="+", metavar="PATH", help=words)
    words = "folder of images, or a .npy file, on which classes must agree with those in float32"
    p.add_argument("--images", metavar="FILE", help=words)
    words = "images at once; the first number decides (1 8)"
    p.add_argument("--batch", nargs="+", type=whole(1), default=[1, 8], metavar="N", help=words)
    words = "share of the images that must get the same class (0.99)"
    p.add_argument("--agree", type=number(0, 1), default=0.99, metavar="SHARE", help=words)
    p.add_argument("--rounds", type=whole(1), default=5, metavar="N", help="turns of each candidate (5)")
    words = "numbers of threads to try (all cores)"
    p.add_argument("--threads", nargs="+", type=whole(1), metavar="N", help=words)


def run(options: argparse.Namespace, rest: list[str]) -> tuple[Any, str]:
    """The JSON data and the text of `kerasnets bench`."""
    with quiet():
        from kerasnets import serving

        serving.fastest  # noqa: B018 - imported here, where libraries may print
        if options.images is not None:
            from kerasnets.serving import calibration  # noqa: F401
    paths = options.paths if len(options.paths) > 1 else options.paths[0]
    given = {name: getattr(options, name) for name in SHARED}
    found = serving.fastest(paths, options.batch[0], batches=options.batch, **given)
    return found.as_data(), str(found)
