"""`kerasnets show`: facts about one model."""

import argparse
import dataclasses
from typing import Any

from kerasnets.assembly import registry, results
from kerasnets.assembly.catalogue import catalogue
from kerasnets.assembly.citations import Citation
from kerasnets.cli.listing import about
from kerasnets.cli.options import command


def add(commands: Any) -> None:
    """Adds the subcommand."""
    text = "show a model's paper, options, input, weights, cost and published errors"
    command(commands, "show", run, text).add_argument("name", metavar="NAME", help="name of the model")


def run(options: argparse.Namespace, rest: list[str]) -> tuple[Any, str]:
    """The JSON data and the text of `kerasnets show`."""
    if options.name not in catalogue():
        if options.name in registry.known():
            raise ValueError(f"{options.name} is not in the catalogue that is shipped; profile counts it")
        registry.refuse_name(options.name)
    record = catalogue()[options.name]
    paper = Citation(**record["citation"])
    errors = [dataclasses.asdict(r) for r in results.results(options.name)]
    data = about(record) | {k: v for k, v in record.items() if k not in ("name", "family", "input")}
    data |= {"citation": record["citation"] | {"url": paper.url}, "errors": errors}
    return data, "\n".join(lines(data, paper))


def lines(data, paper):
    """The lines of the text."""
    from kerasnets.tables import text_table

    yield f"{data['name']}, of kerasnets.applications.{data['family']}: {data['summary']}"
    where = ", ".join(str(p) for p in (paper.venue, paper.year, paper.url) if p)
    yield f'{paper.authors}, "{paper.title}", {where}'
    yield ""
    yield f"input     {data['input']}, scaled by preprocess_input in mode {data['preprocess_input']!r}"
    yield f"classes   {data['classes']}"
    yield f"weights   {', '.join(data['weights']) or 'no trained weights'}"
    yield f"counts    {data['params']:,} trainable parameters, {data['mult_adds']:,} multiply-adds"
    if data["options"]:
        cells = [[o["name"], repr(tuples(o["default"])), o["meaning"]] for o in data["options"]]
        yield from ("", text_table(["option", "default", "meaning"], cells, left=3))
    if data["errors"]:
        keys = ("top1", "top5", "dataset", "protocol", "source")
        cells = [["" if e[k] is None else e[k] for k in keys] for e in data["errors"]]
        yield from ("", text_table(["top-1 error", "top-5", *keys[2:]], cells, left=5))


def tuples(value):
    """Converts lists in a value read from JSON back to tuples."""
    return tuple(map(tuples, value)) if isinstance(value, list) else value
