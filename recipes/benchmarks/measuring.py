"""What the benchmarks measure alike: contenders that take turns, and the ratios of each round."""

import statistics
import time

import shared
from kerasnets import files


def add_options(p):
    """Adds the options of benchmarks that measure seconds."""
    p.add_argument("--rounds", type=shared.whole(1), default=7, help="turns of each contender (7)")


def measure(contenders, rounds):
    """Seconds of contenders that take turns, after one turn each that does not count.

    Args:
        contenders: Functions by name.
        rounds: Turns of each.

    Returns:
        For each name the seconds of its turns.
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


def compare(groups, args):
    """Measures groups of contenders and prints a table of each.

    Args:
        groups: Functions by name, by title of the group.
        args: The command line.

    Returns:
        The seconds of all turns, by title and name.
    """
    figures = {}
    for title, contenders in groups.items():
        figures[title] = measure(contenders, args.rounds)
        print(title)
        shared.show(rows(figures[title]))
    if args.out:
        files.write_json(args.out, figures)
    return figures


def rows(seconds):
    """Rows of a table: the median seconds of each contender and the ratio to the first, round by round."""
    first = next(iter(seconds.values()))
    table = [["contender", "median s", "min s", "max s", "ratio to the first"]]
    for name, turns in seconds.items():
        ratio = statistics.median(a / b for a, b in zip(turns, first, strict=True))
        numbers = (statistics.median(turns), min(turns), max(turns), ratio)
        table.append([name, *(f"{n:.3f}" for n in numbers)])
    return table
