"""What every recipe shares: its options, how it ends and its tables."""

import dataclasses
import pathlib
import sys

from kerasnets.cli import options
from kerasnets.cli.options import Parser as Parser
from kerasnets.cli.options import number as number
from kerasnets.cli.options import quiet as quiet
from kerasnets.cli.options import whole as whole
from kerasnets.tables import text_table


def parser(description, epochs, batch_size, out):
    """A command-line parser with the options that every recipe has.

    Args:
        description: What the recipe does.
        epochs: Words for the default number of epochs.
        batch_size: Words for the default examples in a batch.
        out: Words for the default output folder.

    Returns:
        A `Parser`, whose errors `run` prints in one line.
    """
    p = Parser(description=description)
    p.add_argument("--epochs", type=whole(1), help=f"passes over the training data ({epochs})")
    p.add_argument("--batch-size", type=whole(1), help=f"examples in a batch ({batch_size})")
    p.add_argument("--seed", type=whole(0), default=0, help="same seed, same result on a CPU (0)")
    p.add_argument("--out", type=pathlib.Path, help=f"folder of everything written ({out})")
    p.add_argument("--resume", action="store_true", help="go on where a run into --out was stopped")
    p.add_argument("--smoke", action="store_true", help="a tiny run, to see that all works")
    return p


def fields(kind, args):
    """The options of a command line whose names are fields of a dataclass, by name."""
    names = {field.name for field in dataclasses.fields(kind)}
    return {name: value for name, value in vars(args).items() if name in names}


def run(main):
    """Runs a recipe: problems that a user can mend end it with one line and exit status 2."""
    stopped = "stopped; the same command with --resume goes on from here"
    status = options.run(main, pathlib.Path(sys.argv[0]).name, stopped)
    if status:
        sys.exit(status)


def show(rows):
    """Prints a table, its header first; all columns but the first hold numbers."""
    print(table(rows))


def table(rows):
    """The same as text."""
    return text_table(rows[0], rows[1:], left=1)
