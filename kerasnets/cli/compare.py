"""`kerasnets compare`: costs and published errors of models, side by side."""

import argparse
import dataclasses
from typing import Any

from kerasnets.cli.options import command, without_values


def add(commands: Any) -> None:
    """Adds the subcommand."""
    p = command(commands, "compare", run, "compare costs and published errors of models")
    p.add_argument("names", nargs="+", metavar="NAME", help="names of models")
    p.add_argument("--sort", metavar="COLUMN", help="column to sort by, such as params, mult_adds or top1")
    p.add_argument("--reverse", action="store_true", help="reverse the order")
    p.add_argument("--plot", metavar="FILE", help="plot accuracy over multiply-adds; .png, .svg or .pdf")


@without_values()
def run(options: argparse.Namespace, rest: list[str]) -> tuple[Any, str]:
    """The JSON data and the text of `kerasnets compare`."""
    from kerasnets import analysis
    from kerasnets.analysis import pictures
    from kerasnets.analysis.scatter import DATES

    if options.plot:  # checked before anything is built
        pictures.check_path(options.plot, DATES)
    comparison = analysis.compare(options.names, options.sort, options.reverse)
    text, out = str(comparison), {}
    if options.plot:
        left_out = comparison.plot(options.plot)
        out = {"plot": options.plot}
        text += f"\n\nwrote {options.plot}" + (f", without {', '.join(left_out)}" if left_out else "")
    return {"models": [dataclasses.asdict(row) for row in comparison.rows]} | out, text
