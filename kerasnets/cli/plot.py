"""`kerasnets plot`: a drawing of a model."""

from kerasnets.cli.options import built, command, without_values


def add(commands):
    """Adds the subcommand."""
    p = command(commands, "plot", run, "a drawing of a model, block by block", builds=True)
    p.add_argument("--out", required=True, metavar="FILE", help=".svg, .png, .pdf or .dot")
    p.add_argument("--depth", type=int, help="number of name parts that make a block; 0 draws every layer")


@without_values()
def run(options, rest):
    """Data and text of `kerasnets plot`."""
    from kerasnets import analysis

    blocks = analysis.diagram(built(options, rest), options.out, options.depth)
    return {"file": options.out, "blocks": blocks}, f"wrote {options.out}: {blocks} blocks"
