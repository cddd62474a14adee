"""Timing of contenders that take turns, and the ratios of each round."""

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import shared
from kerasnets import files


def add_options(p: argparse.ArgumentParser) -> None:
    """Adds the options of benchmarks that measure seconds."""
    p.add_argument("--rounds", type=shared.whole(1), default=7, help="turns of each contender (7)")


def check_models(models: Sequence[str]) -> None:
    """Refuses names that are not those of a net of this package and of keras.applications."""
    import keras

    import kerasnets

    for name in models:
        if name not in kerasnets.list_models() or not hasattr(keras.applications, name):
            raise ValueError(f"--models are nets that keras.applications has too. Received: {name}")


def measure(contenders: dict[str, Callable[[], Any]], rounds: int) -> dict[str, list[float]]:
    """Times contenders that take turns, after a warm-up round that does not count.

    Args:
        contenders: Functions by name.
        rounds: Number of turns of each.

    Returns:
        For each name, the seconds of its turns.
    """
    import rich.progress

    seconds = {name: [] for name in contenders}
    for turn in rich.progress.track(range(rounds + 1), "measuring", transient=True):
        for name, run in contenders.items():
            started = time.perf_counter()
            run()
            if turn:
                seconds[name].append(time.perf_counter() - started)
    return seconds


def compare(
    groups: dict[str, dict[str, Callable[[], Any]]], args: argparse.Namespace
) -> dict[str, dict[str, list[float]]]:
    """Times groups of contenders and prints a table for each group.

    Args:
        groups: For the title of each group, its functions by name.
        args: Parsed options.

    Returns:
        For the title of each group, the seconds of all turns by name.
    """
    figures = {}
    for title, contenders in groups.items():
        figures[title] = measure(contenders, args.rounds)
        print(title)
        shared.show(rows(figures[title]))
    if args.out:
        files.write_json(args.out, figures)
    return figures


def rows(seconds: dict[str, list[float]]) -> list[list[str]]:
    """Rows of a table: the seconds of each contender, and the median of its ratios to the first one."""
    first = next(iter(seconds.values()))
    table = [["contender", "median s", "min s", "max s", "ratio to the first"]]
    for name, turns in seconds.items():
        ratio = statistics.median(a / b for a, b in zip(turns, first, strict=True))
        numbers = (statistics.median(turns), min(turns), max(turns), ratio)
        table.append([name, *(f"{n:.3f}" for n in numbers)])
    return table
