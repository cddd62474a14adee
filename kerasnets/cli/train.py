"""`kerasnets train`: a net, trained by the recipe in a Python file."""

import argparse
import pathlib
from typing import Any

from kerasnets.cli.options import Parser, command, quiet
from kerasnets.cli.runs import (
    adapted,
    add_common,
    add_hosts,
    add_options,
    add_validation,
    config_file,
    options_of,
    read,
    repeat,
)
from kerasnets.cli.start import add_start, start_of


def add(commands: Any) -> None:
    """Adds the subcommand."""
    p = command(commands, "train", run, "train a net by a recipe, and test it")
    recipe = "Python file that defines RECIPE, a kerasnets.training.Recipe"
    p.add_argument("config", metavar="FILE.py", help=recipe)
    add_arguments(p)


def add_arguments(p: Parser) -> None:
    """Adds the options of a training run, all but its config."""
    own = "as in the recipe"
    add_common(p, f"{own}; the schedule is stretched to fit", own, "runs/train/CONFIG-seedSEED")
    add_options(p)
    add_validation(p)
    add_start(p)
    add_hosts(p)


def run(options: argparse.Namespace, rest: list[str]) -> tuple[Any, str]:
    """The JSON data and the text of `kerasnets train`."""
    return train(config_file(options.config), options)


def train(path: pathlib.Path, options: argparse.Namespace) -> tuple[Any, str]:
    """Trains the net of a config, with --runs several times.

    Args:
        path: The path of the config.
        options: The parsed options of `add_arguments`.

    Returns:
        The content of results.json, None on machines other than machine 0; and a text to print at the end.
    """
    with quiet():
        from kerasnets import runs

        recipe = start_of(options, adapted(read(path), options))
    return repeat(
        options, f"runs/train/{path.stem}", lambda own: runs.train(recipe, own.out, options_of(own))
    )
