"""The folder of a run: its settings, its history and saved models."""

import csv
import itertools
import json
import math
import os
import pathlib
from collections.abc import Sequence
from typing import Any

import keras

from kerasnets import files, weights
from kerasnets.checks import changes

RESULTS = "results.json"  # a run writes it last


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
    if card.exists() and resume:
        check_settings(card, settings)
    elif card.exists():
        number = next(n for n in itertools.count(1) if not out.with_name(f"{out.name}.{n}").exists())
        os.rename(out, out.with_name(f"{out.name}.{number}"))
        print(f"the run that was in {out} is now in {out}.{number}")
    out.mkdir(parents=True, exist_ok=True)
    files.write_json(card, settings)


def finished(
    out: str | os.PathLike,
    settings: dict[str, Any],
    needs: Sequence[str] = (),
    facts: dict[str, Any] | None = None,
    name: str = "config.json",
) -> dict[str, Any] | None:
    """The results of a run that is done, so that it need not be done again.

    Args:
        out: The folder of the run.
        settings: The settings of the run, as `prepare` takes them.
        needs: Names of files without which it is not done.
        facts: Values that results.json has besides the settings and that must be the same too.
        name: Name of the file with the settings.

    Returns:
        The content of its results.json, which a run writes last; None if there is no such run, or it is not
        done.

    Raises:
        ValueError: The run in the folder has other settings, or a file is damaged.
    """
    out = pathlib.Path(out)
    if not all((out / file).exists() for file in (name, RESULTS, *needs)):
        return None
    check_settings(out / name, settings)
    found = files.read_json(out / RESULTS)
    known = {key: value for key, value in (facts or {}).items() if key in found}
    refuse_changes(out, {key: found[key] for key in known}, known)
    print(f"the run in {out} is done")
    return found


def check_settings(card: pathlib.Path, settings: dict[str, Any]) -> None:
    """Refuses settings that differ from those of an earlier run."""
    now = json.loads(json.dumps(settings))  # tuples become lists, as in the file
    refuse_changes(card.parent, settings_in(card), now)


def refuse_changes(out, before, now):
    """Refuses values that differ from those of an earlier run."""
    if other := changes(before, now):
        raise ValueError(
            f"the run in {out} cannot be resumed with other settings: {', '.join(other)}. Another folder is "
            "for another run"
        )


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
