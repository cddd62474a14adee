"""The options of runs that start from a trained net, and change it first."""

from __future__ import annotations

import argparse
import dataclasses
from typing import TYPE_CHECKING, Any

from kerasnets.cli.options import Parser, literal, weights

if TYPE_CHECKING:  # imports Keras, which makes --help slow
    from kerasnets.training import Recipe

PREINITIALIZE = (4, 3)  # convolutions and dense layers: Simonyan and Zisserman 2015, section 3.1


def add_start(p: Parser) -> None:
    """Adds the options of what a run starts from, for runs that mostly start from random weights."""
    words = "how random weights are drawn: paper, glorot, he, ..., with options as in gaussian:std=0.05"
    p.add_argument("--init", type=scheme, metavar="SCHEME[:OPTION=VALUE]", help=f"{words} (as in the recipe)")
    words = "trained net to start from: a file, the id of a checkpoint, or a dataset such as imagenet (none)"
    p.add_argument("--init-from", type=weights, dest="weights", metavar="ID", help=words)
    add_surgery(p)


def add_surgery(p: Parser) -> None:
    """Adds the options that change the trained net."""
    words = "give a layer of the trained net this many channels, with the same predictions; repeatable"
    p.add_argument("--widen", action="append", type=wider, metavar="LAYER=CHANNELS", help=words)
    words = "add a layer after one of the trained net, with the same predictions; repeatable"
    p.add_argument("--deepen", action="append", metavar="LAYER", help=words)
    words = "copy N first convolutions and N last dense layers of the trained net to a random one (4 3)"
    p.add_argument("--preinitialize", "--preinitialise", nargs="*", type=int, metavar="N", help=words)


def start_of(options: argparse.Namespace, recipe: Recipe) -> Recipe:
    """A recipe that starts from the trained net of a command line."""
    weights, surgery = options.weights or recipe.weights, surgery_of(options) or recipe.surgery
    random = weights is None or any(name == "preinitialize" for name, _ in surgery)
    init = options.init or (recipe.init if random else None)
    return dataclasses.replace(recipe, weights=weights, init=init, surgery=surgery)


def scheme(text: str) -> tuple[str, dict[str, Any]]:
    """An argparse type: a scheme and its options, as `Recipe.init` takes them."""
    name, *pairs = text.split(":")
    options = {}
    for pair in pairs:
        option, equals, value = pair.partition("=")
        if not (option and equals and value):
            raise argparse.ArgumentTypeError(f"a scheme with options such as std=0.05. Received: {text}")
        options[option] = literal(value)
    return name, options


def wider(text: str) -> tuple[str, dict[str, Any]]:
    """An argparse type: a layer and its number of channels, as a row of `Recipe.surgery`."""
    layer, equals, channels = text.rpartition("=")
    if not (layer and equals and channels.isascii() and channels.isdigit()):
        raise argparse.ArgumentTypeError(f"a pair such as block3_conv1=384. Received: {text}")
    return "widen", {"layer": layer, "width": int(channels)}


def surgery_of(options: argparse.Namespace) -> tuple[tuple[str, dict[str, Any]], ...]:
    """The field `surgery` of a recipe.

    Raises:
        ValueError: `--preinitialize` has other than two numbers.
    """
    rows = [*(options.widen or ()), *(("deepen", {"layer": layer}) for layer in options.deepen or ())]
    if options.preinitialize is not None:
        numbers = tuple(options.preinitialize) or PREINITIALIZE
        if len(numbers) != 2:
            raise ValueError(
                "--preinitialize has two numbers, of convolutions and of dense layers, or none. "
                f"Received: {' '.join(map(str, numbers))}"
            )
        rows.append(("preinitialize", dict(zip(("convs", "dense"), numbers, strict=True))))
    return tuple(rows)
