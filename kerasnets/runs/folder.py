"""The folder of a run: its settings, its history and saved models."""

import csv
import itertools
import json
import math
import os
import pathlib
from typing import Any

import keras

from kerasnets import files, weights
from kerasnets.checks import changes


def prepare(
    out: str | os.PathLike, settings: dict[str, Any], resume: bool, name: str = "config.json"
) -> None:
    """Makes the folder of a run. An earlier run in it is either resumed or moved aside.

    Args:
        out: The folder.
        settings: Everything that determines the result of the run, as JSON data; saved in the folder.
        resume: Whether to resume an earlier run.
        name: Name of the file with the settings.

    Raises:
        ValueError: The run to resume has other settings, or their file is damaged.
    """
    out = pathlib.Path(out)
    card = out / name
    settings = json.loads(json.dumps(settings))  # tuples become lists, as in the file
    if card.exists() and resume:
        before = settings_in(card)
        if other := changes(before, settings):
            raise ValueError(f"the run in {out} cannot be resumed with other settings: {', '.join(other)}")
    elif card.exists():
        number = next(n for n in itertools.count(1) if not out.with_name(f"{out.name}.{n}").exists())
        os.rename(out, out.with_name(f"{out.name}.{number}"))
        print(f"the run that was in {out} is now in {out}.{number}")
    out.mkdir(parents=True, exist_ok=True)
    files.write_json(card, settings)


def settings_in(card: pathlib.Path) -> dict[str, Any]:
    """Reads the settings of an earlier run."""
    try:
        settings = files.read_json(card)
    except ValueError:
        settings = None
    if not isinstance(settings, dict):
        raise ValueError(f"{card} is damaged: without --resume, the run is moved aside and starts again")
    return settings


def save(model: keras.Model, path: str | os.PathLike, **facts: Any) -> None:
    """Saves a model with its card, without its optimizer, losses and metrics.

    Args:
        model: A functional or sequential model.
        path: Path of the .keras file.
        **facts: Facts to record in its card first, as `kerasnets.weights.describe` takes them.
    """
    weights.describe(model, **facts)
    weights.save(weights.inherit(keras.Model(model.input, model.output, name=model.name), model), path)


def history(path: str | os.PathLike) -> dict[str, list[float]]:
    """Reads a history.csv: for each name, the logged values of all epochs; NaN where one has none."""
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    # Keras's CSVLogger writes NA for a value that only other epochs have.
    return {name: [math.nan if row[name] == "NA" else float(row[name]) for row in rows] for name in rows[0]}
