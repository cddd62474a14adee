"""`kerasnets show`: facts about one model."""

import argparse
import textwrap
from typing import Any

from kerasnets.assembly import registry, results
from kerasnets.assembly.catalogue import catalogue
from kerasnets.assembly.citations import Citation
from kerasnets.cli.listing import about
from kerasnets.cli.options import command
from kerasnets.weights.architectures import ARCHITECTURES, architecture_of
from kerasnets.weights.checkpoints import RULE, checkpoints, chosen, unpublished

NOTE = "test: how images are resized, and the length of their shorter side before the center crop"


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
    errors = [r.record() for r in results.every(options.name)]
    data = about(record) | {k: v for k, v in record.items() if k not in ("name", "family", "input")}
    data |= {"citation": record["citation"] | {"url": paper.url}, "errors": errors}
    data |= trained(options.name)
    return data, "\n".join(lines(data, paper))


def trained(name):
    """What is said of a model's checkpoints: rows, which of them the datasets' names load, or why none."""
    keys = ("id", "data", "licence", "input", "protocol", "shorter", "interpolation")
    keys += ("top1", "top5", "megabytes", "url")
    rows = []
    for row in checkpoints(name):
        key = architecture_of(row.id)
        options = dict(ARCHITECTURES[key].options) if key else None
        rows.append({k: getattr(row, k) for k in keys} | {"options": options})
    loaded = {data: row.id for data, row in chosen(name).items()}
    return {"checkpoints": rows, "chosen": loaded, "unpublished": unpublished().get(name)}


def lines(data, paper):
    """The lines of the text."""
    from kerasnets.tables import WIDTH, text_table

    yield f"{data['name']}, of kerasnets.applications.{data['family']}: {data['summary']}"
    where = ", ".join(str(p) for p in (paper.venue, paper.year, paper.url) if p)
    yield f'{paper.authors}, "{paper.title}", {where}'
    yield ""
    yield f"input     {data['input']}, scaled by preprocess_input in mode {data['preprocess_input']!r}"
    yield f"classes   {data['classes']}"
    weights = ", ".join(data["weights"]) or none_because(data["unpublished"])
    yield from textwrap.wrap(f"weights   {weights}", WIDTH, subsequent_indent=" " * 10)
    yield f"counts    {data['params']:,} trainable parameters, {data['mult_adds']:,} multiply-adds"
    if data["options"]:
        cells = [[o["name"], repr(tuples(o["default"])), o["meaning"]] for o in data["options"]]
        yield from ("", text_table(["option", "default", "meaning"], cells, left=3))
    if data["checkpoints"]:
        yield from ("", *checkpoint_lines(data["checkpoints"], data["chosen"]))
    if data["errors"]:
        yield from ("", *error_lines(data["errors"]))


def error_lines(errors):
    """The lines about published errors: a table and its notes."""
    from kerasnets.tables import WIDTH, text_table

    notes = list(dict.fromkeys(e["note"] for e in errors if e["note"]))
    options = any(e["options"] for e in errors)
    header = ["top-1 error", "top-5", *["options"] * options, "protocol", "source", *["note"] * bool(notes)]
    cells = [
        [
            *map(error_text, (e["top1"], e["top5"])),
            *[", ".join(option_text(*item) for item in e["options"].items())] * options,
            e["protocol"],
            e["source"],
            *[f"[{notes.index(e['note']) + 1}]" if e["note"] else ""] * bool(notes),
        ]
        for e in errors
    ]
    yield text_table(header, cells, left=len(header))
    for i, note in enumerate(notes, start=1):
        yield from textwrap.wrap(f"[{i}] {note}", WIDTH, subsequent_indent="    ")


def error_text(error):
    """An error in percent as it is printed; two decimals, or more where print has more."""
    return "" if error is None else f"{error:.2f}" if round(error, 2) == error else f"{error:g}"


def option_text(name, value):
    """An option of a net as it is written in calls."""
    return f"{name}={value:.3g}" if isinstance(value, float) else f"{name}={value!r}"


def none_because(reason):
    """Why a model has no public trained weights, and which related model has some."""
    if not reason:
        return "no trained weights"
    related = f"; {reason['related']}, a related net, has some" if reason["related"] else ""
    return f"no public trained weights: {reason['reason']}{related}"


def checkpoint_lines(rows, loaded):
    """The lines about the checkpoints, the best first."""
    from kerasnets.tables import WIDTH, shape_text, text_table

    several = len({row["data"] for row in rows}) > 1
    tested = any(row["shorter"] or row["interpolation"] for row in rows)
    header = [
        "checkpoint",
        *["data"] * several,
        "licence",
        "input",
        *["test"] * tested,
        "top-1",
        "top-5",
        "MB",
    ]
    cells = [
        [
            row["id"],
            *[row["data"]] * several,
            row["licence"] or "not stated",
            shape_text(row["input"]) if row["input"] else "",
            *[" ".join(str(row[k]) for k in ("interpolation", "shorter") if row[k])] * tested,
            *("" if row[k] is None else f"{row[k]:.2f}" for k in ("top1", "top5")),
            "" if row["megabytes"] is None else f"{row['megabytes']:.1f}",
        ]
        for row in rows
    ]
    yield text_table(header, cells, left=3 + several + tested)
    if tested:
        yield NOTE
    for data, id in loaded.items():
        yield f'weights="{data}" loads {id}'
    if loaded and len(rows) > 1:
        yield from textwrap.wrap(f"It is {RULE}.", WIDTH)


def tuples(value):
    """Converts lists in a value read from JSON back to tuples."""
    return tuple(map(tuples, value)) if isinstance(value, list) else value
