"""`kerasnets compare`: costs and published errors of models, side by side."""

import argparse
import dataclasses
from typing import Any

from kerasnets.assembly.protocols import ORDER
from kerasnets.cli.options import command, without_values


def add(commands: Any) -> None:
    """Adds the subcommand."""
    p = command(commands, "compare", run, "compare costs and published errors of models")
    p.add_argument(
        "names",
        nargs="+",
        metavar="NAME",
        help="names of models, which may have options: 'MobileNet(alpha=0.5)'",
    )
    how = f"by default the first that all models share: {ORDER}"
    p.add_argument("--protocol", metavar="NAME", help=f"protocol of the published errors; {how}")
    p.add_argument("--sort", metavar="COLUMN", help="column to sort by, such as params, mult_adds or top1")
    p.add_argument("--reverse", action="store_true", help="reverse the order")
    text = "plot accuracy over multiply-adds, one panel a protocol; .png, .svg or .pdf"
    p.add_argument("--plot", metavar="FILE", help=text)


@without_values()
def run(options: argparse.Namespace, rest: list[str]) -> tuple[Any, str]:
    """The JSON data and the text of `kerasnets compare`."""
    from kerasnets import analysis
    from kerasnets.analysis import pictures
    from kerasnets.analysis.scatter import DATES

    if options.plot:  # checked before anything is built
        pictures.check_path(options.plot, DATES)
    comparison = analysis.compare(options.names, options.sort, options.reverse, protocol=options.protocol)
    text, out = str(comparison), {}
    if options.plot:
        left_out = comparison.plot(options.plot)
        out = {"plot": options.plot}
        text += f"\n\nwrote {options.plot}" + (f", without {', '.join(left_out)}" if left_out else "")
    data = {"protocol": comparison.protocol, "protocols": comparison.protocols}
    return data | {"models": [record(row) for row in comparison.rows]} | out, text


def record(row):
    """A row of the comparison as data for JSON."""
    return dataclasses.asdict(row) | {"result": row.result and row.result.record()}
