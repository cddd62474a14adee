"""Code that all recipes share: common options, handling of errors, and tables."""

import argparse
import pathlib
import sys
from collections.abc import Callable, Sequence
from typing import Any

from kerasnets.cli import options
from kerasnets.cli.options import DEFAULTS as DEFAULTS
from kerasnets.cli.options import Parser as Parser
from kerasnets.cli.options import folder as folder
from kerasnets.cli.options import net_or_file as net_or_file
from kerasnets.cli.options import number as number
from kerasnets.cli.options import quiet as quiet
from kerasnets.cli.options import whole as whole
from kerasnets.cli.runs import STOPPED
from kerasnets.cli.runs import adapted as adapted
from kerasnets.cli.runs import add_options as add_options
from kerasnets.cli.runs import add_validation as add_validation
from kerasnets.cli.runs import fields as fields
from kerasnets.cli.runs import options_of as options_of
from kerasnets.cli.runs import parser as parser
from kerasnets.cli.runs import read as read
from kerasnets.cli.runs import repeat as repeat
from kerasnets.tables import text_table

# What an interrupted recipe prints that needs no --resume; one that has nothing to go on from prints "".
AGAIN = "interrupted; the same command goes on from here"


def run(main: Callable[[], Any], stopped: str = STOPPED) -> None:
    """Runs a recipe. An error that the user can correct ends it with one line and exit status 2.

    Args:
        main: Function without arguments.
        stopped: Text to print if it is interrupted.
    """
    status = options.run(main, pathlib.Path(sys.argv[0]).name, stopped)
    if status:
        sys.exit(status)


def done(args: argparse.Namespace, settings: dict[str, Any], card: str, *needs: str) -> dict[str, Any] | None:
    """The results in --out with --resume, if the run there is done; the rest is for `runs.finished`."""
    from kerasnets import runs

    return runs.finished(args.out, settings, needs, name=card) if args.resume else None


def say(found: tuple[Any, str]) -> None:
    """Prints the text of what a command gives, its data and a text, if it is not empty."""
    if found[1]:
        print(found[1])


def show(rows: Sequence[Sequence[Any]]) -> None:
    """Prints a table of rows, the first of which is the header. The first column is aligned to the left."""
    print(table(rows))


def table(rows: Sequence[Sequence[Any]]) -> str:
    """Formats the table that `show` prints."""
    return text_table(rows[0], rows[1:], left=1)
