"""Several runs that differ in their seed only, with the mean and the deviation of their results.

    def train(seed, folder):
        return runs.train(recipe, folder, runs.Options(seed=seed, resume=True))

    found = runs.several(train, "runs/three", seeds=range(3))
    found["measures"]["top1"]  # {"mean": 0.98, "deviation": 0.002, "values": [0.981, 0.978, 0.981]}

The results of one run say little if those of another seed differ as much as what is compared.
"""

import os
import pathlib
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras

from kerasnets import files
from kerasnets.checks import is_int, refuse
from kerasnets.runs.folder import RESULTS
from kerasnets.tables import text_table

# Shares in the results of `kerasnets.runs.train`, of nets that choose a class and of those that give labels.
ACCURACIES = ("top1", "top5", "f1", "micro_f1", "macro_f1", "average_precision", "mean_average_precision")


def accuracies(results: Mapping[str, Any]) -> dict[str, float]:
    """The accuracies in the results of `kerasnets.runs.train`, shares by name."""
    return {name: results[name] for name in ACCURACIES if name in results}


def several(
    run: Callable[[int, pathlib.Path], Mapping[str, Any]],
    out: str | os.PathLike,
    seeds: Sequence[int],
    measures: Callable[[Mapping[str, Any]], Mapping[str, float]] = accuracies,
) -> dict[str, Any]:
    """Runs something with several seeds, each in a folder of its own.

    Below the folder, that of seed 5 is "seed5". A run that is done there is to answer with its results, and
    one that was stopped is to go on, as `kerasnets.runs.train` does with `Options.resume`. So more seeds can
    be added later, and whatever stops one of the runs, those before it are kept.

    Args:
        run: Function of a seed and the path of a folder. It returns the results of that run, as JSON data.
        out: The folder. In the end it gets results.json, which is also what is returned.
        seeds: The seeds, whole numbers of at least 0 without repetition.
        measures: Function that takes the numbers to compare, by name, from the results of a run.

    Returns:
        A dict: "seeds"; and "measures", for each name a dict with the "mean", the standard "deviation" (of a
        sample: the sum of squares is divided by n - 1; None for one run) and the single "values".

    Raises:
        ValueError: An argument is not allowed, or the folder has the results of something else.
    """
    out, seeds = pathlib.Path(out), list(seeds)
    if not seeds or not all(is_int(seed, 0) for seed in seeds) or len(set(seeds)) < len(seeds):
        refuse("seeds", "different whole numbers, at least 0", seeds)
    check_folder(out)
    rows = []
    for seed in seeds:
        keras.backend.clear_session()  # each is as it would be alone
        rows.append(dict(measures(run(seed, out / f"seed{seed}"))))
    values = {name: [row[name] for row in rows] for name in rows[0]}
    found = {"seeds": seeds, "measures": {name: spread(numbers) for name, numbers in values.items()}}
    out.mkdir(parents=True, exist_ok=True)
    files.write_json(out / RESULTS, found)
    return found


def check_folder(out):
    """Refuses a file, and a folder with the results of one run: it would hide those of the others."""
    if out.exists() and not out.is_dir():
        refuse("out", "the path of a folder", str(out))
    results = out / RESULTS
    if results.exists() and "seeds" not in files.read_json(results):
        refuse("out", "a folder for several runs, without the results of a single one", str(out))


def spread(values: Sequence[float]) -> dict[str, Any]:
    """The mean of numbers, their standard deviation (None for a single number), and the numbers."""
    deviation = statistics.stdev(values) if len(values) > 1 else None
    return {"mean": statistics.fmean(values), "deviation": deviation, "values": list(values)}


def table(found: Mapping[str, Any], percent: bool = True) -> str:
    """The measures of several runs as text.

    Args:
        found: The result of `several`.
        percent: Whether the measures are shares, which are shown in percent.
    """
    factor = 100 if percent else 1

    def text(value):
        return "-" if value is None else f"{factor * value:,.2f}"

    rows = [
        (name, text(row["mean"]), text(row["deviation"]), "  ".join(map(text, row["values"])))
        for name, row in found["measures"].items()
    ]
    count = len(found["seeds"])
    title = f"{count} run{'s' * (count > 1)}{', %' * percent}"
    return text_table((title, "mean", "deviation", "values"), rows, left=1)
