"""Memory and seconds per training step: plain and memory-efficient nets."""

import argparse

import kerasnets
import shared
from benchmarks import measuring
from kerasnets import files
from kerasnets.serving import turns


def add_options(p: argparse.ArgumentParser) -> None:
    """Adds the options of this benchmark."""
    measuring.add_options(p)
    models = ["DenseNetBC100", "DenseNet121"]
    p.add_argument("--models", nargs="+", default=models, help=f"names of nets ({' '.join(models)})")
    p.add_argument("--batch-size", type=shared.whole(1), help="images per batch (64; DenseNet121: 16)")
    p.add_argument("--jit", action="store_true", help="compile the step with XLA, as Keras does by default")


def run(args: argparse.Namespace) -> None:
    """Trains plain and memory-efficient DenseNets, each in a process of its own."""
    for model in args.models:
        if model not in kerasnets.list_models():
            raise ValueError(f"--models are names that kerasnets list prints. Received: {model}")
    figures = {}
    for model in args.models:
        batch = args.batch_size or {"DenseNet121": 16}.get(model, 64)
        title = f"a training step of {model}, batch {batch}{', compiled by XLA' if args.jit else ''}"
        same = {"model": model, "batch": batch, "jit": args.jit, "filled": False}
        contenders = [
            turns.Contender("plain", "benchmarks.training_steps:ours", same),
            turns.Contender(
                "memory-efficient", "benchmarks.training_steps:ours", {**same, "memory_efficient": True}
            ),
        ]
        outcomes = turns.measure(contenders, args.rounds, least=0.0)
        for outcome in outcomes:
            if outcome.error is not None:
                raise ValueError(f"{outcome.name}: {outcome.error}")
        figures[title] = {outcome.name: outcome.seconds[""] for outcome in outcomes}
        figures[f"{title}: MB"] = held = {outcome.name: megabytes(outcome) for outcome in outcomes}
        print(title)
        shared.show(measuring.rows(figures[title]))
        shared.show(rows(held))
    if args.out:
        files.write_json(args.out, figures)


def megabytes(outcome: turns.Outcome) -> dict[str, float]:
    """Megabytes of a process before the first step, and the increase up to its peak."""
    before = outcome.figures[""]["before"]
    return {"before": before, "step": (outcome.memory or 0.0) - before}


def rows(held: dict[str, dict[str, float]]) -> list[list[str]]:
    """Rows of a table: the memory of each contender's process, and its ratio to the first one."""
    first = next(iter(held.values()))["step"]
    table = [["contender", "MB before", "MB added", "ratio to the first"]]
    for name, mb in held.items():
        table.append([name, f"{mb['before']:.0f}", f"{mb['step']:.0f}", f"{mb['step'] / first:.3f}"])
    return table
