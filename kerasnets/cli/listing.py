"""`kerasnets list`: models, with their papers, costs, and how many trained weights there are."""

import argparse
from typing import Any

from kerasnets.assembly import registry
from kerasnets.assembly.catalogue import catalogue
from kerasnets.assembly.citations import Citation
from kerasnets.checks import nearest
from kerasnets.cli.options import command
from kerasnets.weights.checkpoints import checkpoints, chosen

SORTS = ("name", "year", "family", "params", "mult_adds")


def add(commands: Any) -> None:
    """Adds the subcommand."""
    p = command(commands, "list", run, "list models, with their papers, costs and trained weights")
    p.add_argument("pattern", nargs="?", default="*", help="shell pattern, or part of a name (all models)")
    p.add_argument("--family", metavar="NAME", help="only models of this family, such as densenet")
    p.add_argument("--weights", action="store_true", help="only models with trained weights")
    columns = f"{', '.join(SORTS[:-1])} or {SORTS[-1]} (name)"
    p.add_argument("--sort", choices=SORTS, metavar="COLUMN", default="name", help=columns)
    p.add_argument("--reverse", action="store_true", help="reverse the order")


def run(options: argparse.Namespace, rest: list[str]) -> tuple[Any, str]:
    """The JSON data and the text of `kerasnets list`."""
    from kerasnets.tables import text_table

    rows = [about(catalogue()[name]) for name in names(options)]
    if options.sort != "name":
        rows.sort(key=lambda row: row[options.sort])
    rows = rows[::-1] if options.reverse else rows
    header = ["model", "paper", "year", "input", "weights, top-1", "params", "mult-adds"]
    cells = [
        (r["name"], r["paper"], r["year"], r["input"], weights_text(r["checkpoints"], r["top1"]))
        + (f"{r['params']:,}", f"{r['mult_adds']:,}")
        for r in rows
    ]
    return rows, text_table(header, cells, left=5)


def weights_text(count, top1):
    """The number of checkpoints and a top-1 accuracy in percent, as text."""
    accuracy = "" if top1 is None else f", {top1:.2f}"
    return f"{count}{accuracy}" if count else ""


def names(options):
    """Names of the models that match the options, at least one."""
    word = options.pattern
    patterns = [word] if any(c in word for c in "*?[") else [f"{word}*", f"*{word}*"]
    trained = True if options.weights else None
    found = next(filter(None, (shipped(p, options.family, trained) for p in patterns)), None)
    if found:
        return found
    others = next(filter(None, map(shipped, patterns)), None)
    if not others:
        raise ValueError(f"no such model. Received: {word!r}.{nearest(word, catalogue())}")
    wanted = [f"is of the family {options.family!r}"] if options.family else []
    wanted += ["has trained weights"] if options.weights else []
    some = ", ".join(others[:5]) + (", ..." if len(others) > 5 else "")
    raise ValueError(f"of the models that match {word!r}, none {' and '.join(wanted)}: {some}")


def shipped(*conditions):
    """Names of the models of the catalogue that meet conditions, as `registry.list_models` takes them."""
    return [name for name in registry.list_models(*conditions) if name in catalogue()]


def about(record):
    """The entry of a model in the list.

    Its accuracy is that of the checkpoint that the name of a dataset loads, such as `weights="imagenet"`.
    """
    rows = checkpoints(record["name"])
    best = next((row for row in chosen(record["name"]).values() if row.top1 is not None), None)
    return {
        "name": record["name"],
        "family": record["family"],
        "paper": Citation(**record["citation"]).short,
        "year": record["citation"]["year"],
        "input": "x".join(map(str, record["input"])),
        "weights": sorted({row.source for row in rows}),
        "checkpoints": len(rows),
        "top1": best and best.top1,
        "top1_of": best and best.data,
        "params": record["params"],
        "mult_adds": record["mult_adds"],
    }
