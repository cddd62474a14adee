"""Code that all recipes share: common options, handling of errors, and tables."""

import argparse
import dataclasses
import pathlib
import sys
from collections.abc import Callable, Sequence
from typing import Any

from kerasnets.cli import options
from kerasnets.cli.options import DEFAULTS
from kerasnets.cli.options import Parser as Parser
from kerasnets.cli.options import folder as folder
from kerasnets.cli.options import number as number
from kerasnets.cli.options import quiet as quiet
from kerasnets.cli.options import weights as weights
from kerasnets.cli.options import whole as whole
from kerasnets.tables import text_table


def parser(description: str, epochs: str | int, batch_size: str | int, out: str) -> Parser:
    """Makes a command-line parser with the options that all recipes have.

    Args:
        description: What the recipe does.
        epochs: The default number of epochs, as shown in the help.
        batch_size: The default batch size, as shown in the help.
        out: The default output folder, as shown in the help.

    Returns:
        The parser. `run` prints its errors in one line.
    """
    p = Parser(description=description, epilog=DEFAULTS)
    p.add_argument("--epochs", type=whole(1), help=f"number of epochs ({epochs})")
    p.add_argument("--batch-size", type=whole(1), help=f"examples per batch ({batch_size})")
    p.add_argument("--seed", type=whole(0), default=0, help="random seed (0)")
    p.add_argument("--out", type=folder, help=f"output folder ({out})")
    p.add_argument("--resume", action="store_true", help="continue an interrupted run in --out")
    p.add_argument("--smoke", action="store_true", help="a tiny run of seconds, as a test")
    return p


def fields(kind: type, args: argparse.Namespace) -> dict[str, Any]:
    """The parsed options whose names are fields of a dataclass, by name."""
    names = {field.name for field in dataclasses.fields(kind)}
    return {name: value for name, value in vars(args).items() if name in names}


def run(main: Callable[[], Any]) -> None:
    """Runs a recipe. An error that the user can correct ends it with one line and exit status 2."""
    stopped = "interrupted; the same command with --resume continues from here"
    status = options.run(main, pathlib.Path(sys.argv[0]).name, stopped)
    if status:
        sys.exit(status)


def show(rows: Sequence[Sequence[Any]]) -> None:
    """Prints a table of rows, the first of which is the header. The first column is aligned to the left."""
    print(table(rows))


def table(rows: Sequence[Sequence[Any]]) -> str:
    """Formats the table that `show` prints."""
    return text_table(rows[0], rows[1:], left=1)
