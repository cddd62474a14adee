"""The record of a net: all that its pages need of the built model, as data for JSON.

Building the nets takes most of the time. Their records are files of the site, so that an interrupted atlas
continues with the nets that have none.
"""

import dataclasses
import functools
import gzip
import hashlib
import json
import pathlib
import zlib
from typing import Any

import keras

import kerasnets
from atlas_pages import figure, ideas, site, stages, wiring
from kerasnets import files
from kerasnets.analysis import profile
from kerasnets.analysis.diagram import Block, choose
from kerasnets.analysis.profile import Profile
from kerasnets.analysis.walk import LayerRow
from kerasnets.graph import no_values

FOLDER = "records"
# The totals of a net, attributes of `analysis.Profile`.
TOTALS = (
    *("params", "trainable_params", "mult_adds", "peak_activation_bytes", "training_activation_bytes"),
    *("receptive_field", "input_shape"),
)
# Costs of blocks, attributes of `analysis.LayerRow`, and their names.
COSTS = figure.COSTS | {"activations": "activations", "kept_bytes": "memory kept in training"}


@functools.cache
def made_from() -> str:
    """A text that changes whenever a record might: with the code of the package, the pages and Keras.

    Of the templates, records need that of the figures.
    """
    digest = hashlib.sha256(keras.__version__.encode())
    for folder in (pathlib.Path(kerasnets.__file__).parent, site.HERE):
        for path in sorted((*folder.rglob("*.py"), *folder.rglob("*.svg.jinja"))):
            digest.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


def path_of(root: pathlib.Path, name: str) -> pathlib.Path:
    """The file of a record in a site."""
    return root / FOLDER / f"{name}.json.gz"


def found(root: pathlib.Path, name: str, made: str | None = None) -> dict[str, Any] | None:
    """A record in a site; None if there is none, or if it is damaged or was made from something else.

    Args:
        root: The folder of the site.
        name: Name of the record, that of its net.
        made: What it must be made from; None for `made_from()`.
    """
    path = path_of(root, name)
    try:
        data = json.loads(gzip.decompress(path.read_bytes()))
    except (FileNotFoundError, gzip.BadGzipFile, EOFError, zlib.error, ValueError):
        return None
    return data if data.get("made_from") == (made or made_from()) else None


def save(root: pathlib.Path, name: str, made: str, data: dict[str, Any]) -> None:
    """Writes a record into a site.

    Args:
        root: The folder of the site.
        name: Name of the record.
        made: What it is made from.
        data: The record.
    """
    text = json.dumps({"made_from": made, **data}, separators=(",", ":"))
    path_of(root, name).parent.mkdir(parents=True, exist_ok=True)
    files.write_bytes(path_of(root, name), gzip.compress(text.encode(), mtime=0))


def make(root: pathlib.Path, name: str) -> None:
    """Builds a net without values of its weights, and writes its record into a site."""
    with no_values():
        model = kerasnets.build(name)
    save(root, name, made_from(), record(model))


def record(model: keras.Model) -> dict[str, Any]:
    """The record of a model.

    Args:
        model: A functional or sequential model.

    Returns:
        A dict: the name; `totals`, by `TOTALS`; `blocks`, whose sums are those totals; `stages`, the rows of
        a table; `growth`, that of the receptive field; `overview`, the figure of the blocks; `units`, the
        figures of the units; and `ideas`, keys of `ideas.IDEAS`.
    """
    counts, chosen = profile(model), choose(model, None)
    return {
        "name": counts.name,
        "totals": {key: getattr(counts, key) for key in TOTALS},
        "blocks": blocks(model, counts, chosen),
        "overview": figure.overview(model, counts, chosen),
        "units": [dataclasses.asdict(unit) for unit in figure.units(model)],
        "stages": stages.stages(model, counts),
        "growth": stages.growth(model, counts),
        "ideas": ideas.used(model),
    }


def blocks(model: keras.Model, counts: Profile, chosen: dict[str, Block]) -> list[dict[str, Any]]:
    """The blocks of a model, in the order of the data flow; consecutive equal ones are one.

    Args:
        model: A functional or sequential model.
        counts: Its profile.
        chosen: Its blocks, from `kerasnets.analysis.diagram.choose`.

    Returns:
        For each block the names of those that are equal, the steps of the first of them, and its costs, by
        `COSTS`, those of all together. A step is what a figure shows as one box.
    """
    rows, calls = figure.by_layer(counts), wiring.calls_of(model, chosen)
    return [
        {
            "names": block.names,
            "steps": [step(box, rows) for box in wiring.boxes(calls[key]).values()],
            "costs": {cost: figure.cost_of(block, rows, cost) for cost in COSTS},
        }
        for key, block in chosen.items()
    ]


def step(box: wiring.Box, rows: dict[str, list[LayerRow]]) -> dict[str, Any]:
    """A box of a block as data: its main layer, what it does, its output, and the costs of its layers."""
    main = box.layers[box.main or 0].name
    own = [row for layer in box.layers for row in rows[layer.name]]
    return {
        "name": main,
        "what": ", ".join(filter(None, box.lines)),
        "output": box.shape,
        "field": rows[main][0].receptive_field,
        **{cost: sum(getattr(row, cost) or 0 for row in own) for cost in COSTS},
    }
