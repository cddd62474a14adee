"""`kerasnets profile`: the cost of a model."""

import argparse
import csv
import dataclasses
import io
from typing import Any

from kerasnets.cli.options import built, command, without_values


def add(commands: Any) -> None:
    """Adds the subcommand."""
    p = command(commands, "profile", run, "measure the cost of a model", builds=True)
    p.add_argument("--layers", action="store_true", help="show every layer")
    p.add_argument("--csv", action="store_true", help="print the layers as comma-separated values")


@without_values()
def run(options: argparse.Namespace, rest: list[str]) -> tuple[Any, str]:
    """The JSON data and the text of `kerasnets profile`."""
    from kerasnets import analysis
    from kerasnets.analysis.profile import notes
    from kerasnets.tables import axes_text, shape_text

    counts = analysis.profile(built(options, rest))
    data = dataclasses.asdict(counts) | {"unknown": counts.unknown}
    rows = data.pop("layers")
    if options.layers:
        data["layers"] = rows
    if options.csv:
        return data, comma_separated(rows)
    if options.layers:
        return data, str(counts)
    lines = [
        f"{counts.name}  {shape_text(counts.input_shape)}",
        f"{counts.params:,} parameters, {counts.mult_adds:,} multiply-adds, {len(rows)} layers.",
        *notes(counts),
        f"Receptive field of the last feature maps: {axes_text(counts.receptive_field)} pixels.",
    ]
    return data, "\n".join(lines)


def comma_separated(rows):
    """Rows of a profile as comma-separated values, with shapes such as 224x224x3."""
    from kerasnets.tables import shape_text

    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({k: shape_text(v) if isinstance(v, (tuple, list)) else v for k, v in row.items()})
    return text.getvalue().rstrip()
