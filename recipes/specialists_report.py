"""The report of recipes/specialists.py: its counts, tables, figures and page."""

import pathlib
import statistics
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

import shared
from kerasnets import files

# Table 4, on JFT: the test cases whose true class has 0 to 9 specialists, or 10 and more; how many more of
# them are right with specialists; and the gain in accuracy in percent, relative to the generalist's on them.
JFT = (
    (350_037, 0, 0.0),
    (141_993, 1_421, 3.4),
    (67_161, 1_572, 7.4),
    (38_801, 1_124, 8.8),
    (26_298, 835, 10.5),
    (16_474, 561, 11.1),
    (10_682, 362, 11.3),
    (7_376, 232, 12.8),
    (4_703, 182, 13.6),
    (4_706, 208, 16.6),
    (9_082, 324, 14.1),
)
COUNTS = ("cases", "right", "mended", "made")
GROWTH = (5, 10, 20, 40)  # numbers of specialists that are drawn at random
DRAWS = 3  # random selections of each number
MOST = 20  # classes whose confusions and clusters are drawn, with a name each
ALL = "all"
CONTROLS = ("trained longer", "ensemble")  # in `kerasnets.runs.specialists`


def changes(guess: np.ndarray, before: np.ndarray, labels: np.ndarray) -> dict[str, int]:
    """Counts what changes between two predictions.

    Args:
        guess: The predicted classes, (n,).
        before: Those of the generalist.
        labels: The true classes.

    Returns:
        The number of "errors", the number of errors of the generalist that are corrected, "mended", and that
        of new errors, "made".
    """
    right, was = guess == labels, before == labels
    counts = dict(errors=~right, mended=right & ~was, made=was & ~right)
    return {name: int(which.sum()) for name, which in counts.items()}


def coverage(
    guess: np.ndarray, before: np.ndarray, labels: np.ndarray, sets: Sequence[Sequence[int]]
) -> list[dict[str, int]]:
    """Counts what specialists change, by the number of specialists that the true class has.

    Source: table 4 of the paper.

    Args:
        guess: The classes that all nets together predict, (n,).
        before: Those that the generalist predicts.
        labels: The true classes.
        sets: The classes of each specialist.

    Returns:
        A dict for each number of "specialists": the "cases", how many of them the generalist gets "right",
        and the errors that are "mended" and "made".
    """
    covering = np.zeros(len(labels), int)
    for classes in sets:
        covering += np.isin(labels, classes)
    rows = []
    for n in np.unique(covering).tolist():
        here = covering == n
        counts = changes(guess[here], before[here], labels[here])
        counts |= {"cases": int(here.sum()), "right": int((before == labels)[here].sum())}
        rows.append({"specialists": n, **{name: counts[name] for name in COUNTS}})
    return rows


def pooled(rows: Iterable[dict[str, int]]) -> list[dict[str, int]]:
    """Rows of `coverage` with the sums of all that have the same number of specialists."""
    sums: dict[int, dict[str, int]] = {}
    for row in rows:
        total = sums.setdefault(row["specialists"], dict.fromkeys(COUNTS, 0))
        for name in COUNTS:
            total[name] += row[name]
    return [{"specialists": n, **sums[n]} for n in sorted(sums)]


def draws(committee: Any, labels: np.ndarray, seed: int) -> list[dict[str, Any]]:
    """Measures random selections of the specialists, so that classes have fewer or more of them.

    Args:
        committee: A `kerasnets.runs.specialists.Committee`.
        labels: The true classes of its images.
        seed: Seed of the selections.

    Returns:
        A dict for each number of "members", the last of which is "all": the mean "errors", and the "coverage"
        of all selections together.
    """
    rng, total = np.random.default_rng(seed), len(committee.sets)
    before, rows = committee.predict([]), []
    for count in (*(n for n in GROWTH if n < total), ALL):
        errors, parts = [], []
        for _ in range(1 if count == ALL else DRAWS):
            members = np.arange(total) if count == ALL else np.sort(rng.permutation(total)[:count])
            guess = committee.predict(members)
            errors.append(int((guess != labels).sum()))
            parts += coverage(guess, before, labels, [committee.sets[m] for m in members])
        rows.append({"members": count, "errors": statistics.fmean(errors), "coverage": pooled(parts)})
    return rows


def nets_table(runs: Sequence[dict[str, Any]]) -> list[list[str]]:
    """The rows of a table of all nets: means of the runs."""
    rows = [["net", "training steps", "errors", "deviation", "corrected", "new"]]
    for title in runs[0]["nets"]:
        found = [run["nets"][title] for run in runs]
        steps, errors, mended, made = (
            statistics.fmean(row[name] for row in found) for name in ("steps", "errors", "mended", "made")
        )
        spread = f"{statistics.stdev(row['errors'] for row in found):.1f}" if len(runs) > 1 else "-"
        name = f"specialists, {title}" if title in runs[0]["heads"] else title
        rows.append([name, f"{steps:,.0f}", f"{errors:,.1f}", spread, f"{mended:.1f}", f"{made:.1f}"])
    return rows


def coverage_table(rows: Sequence[dict[str, int]]) -> list[list[str]]:
    """The rows of the paper's table 4 for counts of `coverage`, and beside them the paper's on JFT."""
    titles = ["specialists of the true class", "cases", "corrected", "new", "change in correct"]
    table = [[*titles, "relative accuracy", "paper, JFT"]]
    total = {name: sum(row[name] for row in rows) for name in COUNTS}
    for row in [*rows, {"specialists": ALL, **total}]:
        n, gain = row["specialists"], row["mended"] - row["made"]
        paper = "" if n == ALL else "{:,} cases, {:+,d}: {:+.1f}%".format(*JFT[min(n, len(JFT) - 1)])
        counts = [f"{row['cases']:,}", f"{row['mended']:,}", f"{row['made']:,}", f"{gain:+,d}"]
        table.append([str(n), *counts, relative(row), paper])
    return table


def relative(row: dict[str, int]) -> str:
    """The change in accuracy, relative to the generalist's."""
    return f"{(row['mended'] - row['made']) / row['right']:+.2%}" if row["right"] else "-"


def growth_table(runs: Sequence[dict[str, Any]]) -> list[list[str]]:
    """The rows of a table of errors by the number of specialists: means of the runs."""
    heads = runs[0]["heads"]
    generalist = statistics.fmean(run["nets"]["generalist"]["errors"] for run in runs)
    rows = [["specialists drawn", *heads], ["0", *[f"{generalist:,.1f}"] * len(heads)]]
    for i, step in enumerate(runs[0]["drawn"][heads[0]]):
        errors = [statistics.fmean(run["drawn"][head][i]["errors"] for run in runs) for head in heads]
        rows.append([str(step["members"]), *(f"{e:,.1f}" for e in errors)])
    return rows


def tables(runs: Sequence[dict[str, Any]]) -> dict[str, list[list[str]]]:
    """All tables by their titles."""
    mean = f", means of {len(runs)} runs" if len(runs) > 1 else ""
    sums = f", sums of {len(runs)} runs" if len(runs) > 1 else ""
    found = {f"Errors of {runs[0]['test_size']:,} test images{mean}": nets_table(runs)}
    for head in runs[0]["heads"]:
        rows = pooled(row for run in runs for row in run["coverage"][head])
        found[f"All specialists, {head}{sums}"] = coverage_table(rows)
        steps = [step for run in runs for step in run["drawn"][head] if step["members"] != ALL]
        if steps:
            rows = pooled(row for step in steps for row in step["coverage"])
            found[f"Random selections of specialists, {head}{sums}"] = coverage_table(rows)
    return found | {f"Errors with random selections of the specialists{mean}": growth_table(runs)}


def write(out: pathlib.Path, runs: Sequence[dict[str, Any]], details: tuple | None = None) -> None:
    """Prints the tables, draws the figures and writes the page.

    Args:
        out: The folder to write to.
        runs: The content of results.json of one or more runs that differ in their seeds.
        details: The labels of the test images, the predicted classes by title and the generalist's logits of
            the held-out images, of a single run; None for several.
    """
    import figures
    from kerasnets.data.datasets import CLASSES
    from kerasnets.runs import pages

    first, names = runs[0], CLASSES[runs[0]["dataset"]]
    facts = {
        "seeds": ", ".join(str(run["seed"]) for run in runs),
        "counts": ", ".join(str(len(run["specialists"])) for run in runs),
        "times": ", ".join(f"{run['seconds']:.0f}" for run in runs),
    }
    found = tables(runs)
    figures.gains(out / "gains.png", *lines(runs))
    parts = [
        "{dataset}: {train_size:,} images to train on. {held_size:,} images are held out of the training "
        "split, to cluster the classes and to stop training. {test_size:,} test images decide nothing. "
        "Seeds {seeds}: {counts} specialists of each head, {times} s. Batch {batch_size}, {epochs} epochs of "
        "the generalist, top {top}, temperature {temperature:g}. A net that is trained longer, or an "
        "ensemble, has the training steps of all specialists of a head.".format(**first, **facts),
        *(part for title, rows in found.items() for part in (pages.Heading(title), rows)),
        pages.Figure(
            "Gains",
            out / "gains.png",
            "Errors by the number of specialists that are drawn at random, and the change in accuracy, "
            "relative to the generalist's, by the number of them that have the true class.",
        ),
        *([] if details is None or len(names) > MOST else drawings(out, first, names, *details)),
    ]
    files.write_text(out / "report.html", pages.page("Specialists of confusable classes", parts))
    for title, rows in found.items():
        print(f"\n{title}")
        shared.show(rows)


def lines(runs: Sequence[dict[str, Any]]) -> tuple[dict, dict, dict]:
    """What `figures.gains` draws.

    Args:
        runs: The content of results.json of each run.

    Returns:
        By head the errors for numbers of specialists, the errors of nets without specialists by title, and by
        head the relative change of accuracy in percent for numbers of specialists of the true class.
    """
    errors, gains = {}, {}
    total = round(statistics.fmean(len(run["specialists"]) for run in runs))
    for head in runs[0]["heads"]:
        _, *rows = growth_table(runs)
        column = 1 + runs[0]["heads"].index(head)
        errors[head] = [
            (total if row[0] == ALL else int(row[0]), float(row[column].replace(",", ""))) for row in rows
        ]
        steps = [step for run in runs for step in run["drawn"][head]]
        known = pooled(row for step in steps for row in step["coverage"])
        gains[head] = [
            (row["specialists"], 100 * (row["mended"] - row["made"]) / row["right"])
            for row in known
            if row["right"]
        ]
    levels = {
        title: statistics.fmean(run["nets"][title]["errors"] for run in runs)
        for title in ("generalist", *CONTROLS)
    }
    return errors, levels, gains | {"paper, JFT": [(n, gain) for n, (*_, gain) in enumerate(JFT)]}


def drawings(
    out: pathlib.Path,
    results: dict[str, Any],
    names: Sequence[str],
    labels: np.ndarray,
    guesses: dict[str, np.ndarray],
    logits: np.ndarray,
) -> list[Any]:
    """Draws the confusion of test images, and the clusters in the soft targets of the held-out images."""
    import keras

    import figures
    from kerasnets.distillation import soft_targets
    from kerasnets.runs import pages

    sets, head = results["specialists"], results["heads"][0]
    soft = keras.ops.convert_to_numpy(soft_targets(logits, results["temperature"]))
    order = sorted(range(len(names)), key=lambda c: [c not in classes for classes in sets])
    both = {"generalist": guesses["generalist"], f"with specialists, {head}": guesses[head]}
    figures.confusion(out / "confusion.png", labels, both, names, order)
    figures.clusters(out / "clusters.png", soft, sets, names, order)
    return [
        pages.Figure(
            "Confusion",
            out / "confusion.png",
            "Test images that are taken for another class, by the generalist and with specialists, and the "
            "change, red where it is for the worse. The diagonal holds correct answers; only its change is "
            "shown.",
        ),
        pages.Figure(
            "Clusters",
            out / "clusters.png",
            "Covariance of the generalist's soft targets of held-out images, without the diagonal, and the "
            "classes of each specialist. Red: both classes are likely together. Blue: where one is likely, "
            "the other is not.",
        ),
    ]
