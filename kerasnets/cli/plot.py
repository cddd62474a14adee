"""`kerasnets plot`: a diagram of a model."""

import argparse
from typing import Any

from kerasnets.cli.options import built, command, quiet, without_values


def add(commands: Any) -> None:
    """Adds the subcommand."""
    p = command(commands, "plot", run, "draw a model, block by block", builds=True)
    p.add_argument("--out", required=True, metavar="FILE", help="file to write: .svg, .png, .pdf or .dot")
    p.add_argument(
        "--depth",
        type=int,
        metavar="N",
        help="how many parts of layer names name a block; 0 draws all layers",
    )


@without_values()
def run(options: argparse.Namespace, rest: list[str]) -> tuple[Any, str]:
    """The JSON data and the text of `kerasnets plot`."""
    from kerasnets import analysis

    model = built(options, rest)
    with quiet():  # fonts that are configured for newer versions of Graphviz's libraries cause warnings
        blocks = analysis.diagram(model, options.out, options.depth)
    return {"file": options.out, "blocks": blocks}, f"wrote {options.out}: {blocks} blocks"
