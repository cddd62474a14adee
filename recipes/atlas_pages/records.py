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
from typing import Any

import keras

import kerasnets
from atlas_pages import figure, ideas, site, stages
from kerasnets import files
from kerasnets.analysis import profile
from kerasnets.analysis.diagram import choose
from kerasnets.analysis.profile import Profile
from kerasnets.analysis.walk import LayerRow
from kerasnets.graph import no_values

FOLDER = "records"
# The totals of a net, attributes of `analysis.Profile`.
TOTALS = (
    *("params", "trainable_params", "mult_adds", "peak_activation_bytes", "training_activation_bytes"),
    *("receptive_field", "input_shape"),
)
# What is told of a layer, attributes of `analysis.LayerRow`.
TOLD = (
    *("name", "type", "kernel", "strides", "output_shape", "params", "mult_adds", "activations"),
    *("activation_bytes", "kept_bytes", "in_place", "receptive_field", "stride"),
)
COSTS = ("params", "mult_adds", "activations", "kept_bytes")  # which blocks sum up


@functools.cache
def made_from() -> str:
    """A text that changes whenever a record might: with the code of the package, the pages and Keras."""
    digest = hashlib.sha256(keras.__version__.encode())
    for folder in (pathlib.Path(kerasnets.__file__).parent, site.HERE):
        for path in sorted(folder.rglob("*.py")):
            digest.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


def path_of(root: pathlib.Path, name: str) -> pathlib.Path:
    """The file of a record in a site."""
    return root / FOLDER / f"{name}.json.gz"


def found(root: pathlib.Path, name: str, made: str | None = None) -> dict[str, Any] | None:
    """A record in a site; None if there is none, or if it was made from something else.

    Args:
        root: The folder of the site.
        name: Name of the record, that of its net.
        made: What it must be made from; None for `made_from()`.
    """
    path = path_of(root, name)
    data = json.loads(gzip.decompress(path.read_bytes())) if path.exists() else {}
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
    counts = profile(model)
    return {
        "name": counts.name,
        "totals": {key: getattr(counts, key) for key in TOTALS},
        "blocks": blocks(model, counts),
        "overview": figure.overview(model, counts),
        "units": [dataclasses.asdict(unit) for unit in figure.units(model)],
        "stages": stages.stages(model, counts),
        "growth": stages.growth(model, counts),
        "ideas": ideas.used(model),
    }


def blocks(model: keras.Model, counts: Profile) -> list[dict[str, Any]]:
    """The blocks of a model, in the order of the data flow; consecutive equal ones are one.

    Args:
        model: A functional or sequential model.
        counts: Its profile.

    Returns:
        For each block the names of those that are equal, the names of the blocks that it reads, the output
        shapes, the layers of the first of them, by `TOLD`, and its costs, by `COSTS`, those of all together.
    """
    rows: dict[str, list[LayerRow]] = {}
    for row in counts.layers:
        rows.setdefault(row.name, []).append(row)
    made = []
    for block in choose(model, None).values():
        layers = [row for layer in block.layers for row in rows[layer.name]]
        costs = {key: len(block.names) * sum(getattr(row, key) or 0 for row in layers) for key in COSTS}
        made.append(
            {
                "names": block.names,
                "reads": sorted(block.reads),
                "gives": block.gives,
                "layers": [{key: getattr(row, key) for key in TOLD} for row in layers],
                "costs": costs,
            }
        )
    return made
