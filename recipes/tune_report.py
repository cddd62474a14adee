"""The report of recipes/tune.py: its tables, its figure and its results."""

from __future__ import annotations

import contextlib
import pathlib
import sys
import time
from typing import TYPE_CHECKING, Any

import shared
from kerasnets import files

if TYPE_CHECKING:  # imports Keras, which makes --help slow
    from kerasnets.runs.search import Search


def report(
    search: Search, trials: list[dict[str, Any]], started: float, most: int | None = None
) -> dict[str, Any]:
    """Prints and draws the trials, trains the best net and writes the results.

    Ends the recipe with status 1 if no trial has a result.

    Args:
        search: The kerasnets.runs.search.Search.
        trials: The records of its trials.
        started: Time of the start, by time.monotonic().
        most: The largest number of trials; None if there is no limit.

    Returns:
        The content of results.json.
    """
    from kerasnets import tuning

    done = [t for t in trials if t["status"] == "done"]
    counts = {s: sum(t["status"] == s for t in trials) for s in ("done", "refused", "failed")}
    summary = tuning.summary(trials)
    results = {**search.card, "most_trials": most, **counts, "best": None, "front": []}
    results["trials"] = [{k: v for k, v in t.items() if k != "traceback"} for t in trials]
    shared.show(rows(trials))
    for t in trials:
        if t["status"] == "failed":
            print(f"trial {t['trial']}, {values_text(t['values'])}: {t['error']}", file=sys.stderr)
    if not done:
        files.write_json(search.out / "results.json", results)
        smallest = min((t["mult_adds"] for t in trials if t["status"] == "refused"), default=None)
        needs = "" if smallest is None else f"; the smallest refused net needs {smallest:,} multiply-adds"
        print(f"no trial has a result: {summary}{needs}", file=sys.stderr)
        sys.exit(1)
    front = tuning.pareto_front(done)
    draw(search, done, front)
    best = max(done, key=lambda t: t["score"])
    epochs = search.settings.final_epochs
    print(f"{summary}. Best: {values_text(best['values'])}, now trained from scratch for {epochs} epochs")
    accuracy = search.train_best(best["values"])
    test_size, seconds = len(search.test[0]), round(time.monotonic() - started, 1)
    results |= {
        "best": {**best, "test_accuracy": accuracy},
        "front": [t["trial"] for t in front],
        "train_examples": len(search.training[0]),
        "validation_examples": len(search.validation[0]),
        "test_examples": test_size,
        "seconds": seconds,
    }
    files.write_json(search.out / "results.json", results)
    print(f"test accuracy {100 * accuracy:.2f} % on {test_size:,} images")
    print(f"{seconds:.0f} s. In {search.out}: results.json, front.png, best.keras")
    return results


def draw(search: Search, done: list[dict[str, Any]], front: list[dict[str, Any]]) -> None:
    """Draws accuracy against multiply-adds."""
    import figures

    s = search.settings
    figures.front(
        search.out / "front.png",
        [(t["mult_adds"], 100 * t["val_accuracy"]) for t in done],
        [(t["mult_adds"], 100 * t["val_accuracy"], values_text(t["values"])) for t in front],
        f"multiply-adds of {s.model}",
        f"validation accuracy on {s.dataset}, %",
        limit=s.budget_mult_adds,
    )


def live_table(out: pathlib.Path) -> contextlib.AbstractContextManager:
    """A table on the terminal that follows the trials of all processes."""
    import rich.console
    import rich.live
    import rich.text

    from kerasnets import tuning

    console = rich.console.Console()

    def latest():
        last = tuning.records(out)[-max(1, console.height - 6) :]
        return rich.text.Text(shared.table(rows(last)))

    return rich.live.Live(get_renderable=latest, console=console, refresh_per_second=1)


def print_trial(trial: dict[str, Any]) -> None:
    """Prints a trial that has ended, in one line."""
    print("  ".join([trial["trial"], values_text(trial["values"]), *cells(trial)]), flush=True)


def rows(trials: list[dict[str, Any]]) -> list[list[str]]:
    """The rows of a table of trials."""
    names = " ".join(trials[0]["values"]) if trials else ""
    header = ["trial", names, "status", "epochs", "val. %", "params", "mult adds", "s"]
    return [header, *([t["trial"], " ".join(words(t["values"]).values()), *cells(t)] for t in trials)]


def cells(trial: dict[str, Any]) -> list[str]:
    """The status, epochs, accuracy, costs and seconds of a trial, as text; unknown ones are empty."""
    known = {k: v for k, v in trial.items() if v is not None}
    accuracy = f"{100 * known['val_accuracy']:.2f}" if "val_accuracy" in known else ""
    costs = [f"{known[k] / 1e6:.2f}M" if k in known else "" for k in ("params", "mult_adds")]
    seconds = f"{known['seconds']:.1f}" if "seconds" in known else ""
    return [trial["status"], f"{known.get('epoch', 0)}/{trial['epochs']}", accuracy, *costs, seconds]


def values_text(values: dict[str, Any]) -> str:
    """Values in one line: growth 12 depths 6-12-24-16."""
    return " ".join(f"{name} {text}" for name, text in words(values).items())


def words(values: dict[str, Any]) -> dict[str, str]:
    """Values as text, by option."""
    return {k: "-".join(map(str, v)) if isinstance(v, list) else str(v) for k, v in values.items()}
