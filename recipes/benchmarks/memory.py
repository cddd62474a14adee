"""Memory and seconds per training step: plain and memory-efficient nets."""

import argparse
import json
import pathlib
import subprocess
import sys
from typing import Any

import kerasnets
import shared
from benchmarks import measuring
from kerasnets import files

STEPS = pathlib.Path(__file__).with_name("training_steps.py")


def add_options(p: argparse.ArgumentParser) -> None:
    """Adds the options of this benchmark."""
    measuring.add_options(p)
    models = ["DenseNetBC100", "DenseNet121"]
    p.add_argument("--models", nargs="+", default=models, help=f"names of nets ({' '.join(models)})")
    p.add_argument("--batch-size", type=shared.whole(1), help="images per batch (64; DenseNet121: 16)")
    p.add_argument("--jit", action="store_true", help="compile the step with XLA, as Keras does by default")


def run(args: argparse.Namespace) -> None:
    """Trains plain and memory-efficient DenseNets, each in a process of its own."""
    groups = {}
    for model in args.models:
        if model not in kerasnets.list_models():
            raise ValueError(f"--models are names that kerasnets list prints. Received: {model}")
        batch = args.batch_size or {"DenseNet121": 16}.get(model, 64)
        compiled = ", compiled by XLA" if args.jit else ""
        groups[f"a training step of {model}, batch {batch}{compiled}"] = {
            "plain": Training(model, batch, args.jit),
            "memory-efficient": Training(model, batch, args.jit, memory_efficient=True),
        }
    figures = {}
    for title, contenders in groups.items():
        figures |= measuring.compare({title: contenders}, args)
        figures[f"{title}: MB"] = {name: training.end() for name, training in contenders.items()}
        shared.show(rows(figures[f"{title}: MB"]))
    if args.out:
        files.write_json(args.out, figures)


class Training:
    """A process that trains a net on random images, by one step per call.

    Args:
        model: Name of the net.
        batch: Images per batch.
        jit: Whether to compile the step with XLA.
        **options: Options of the net.
    """

    def __init__(self, model: str, batch: int, jit: bool, **options: Any):
        self.settings = json.dumps({"model": model, "batch": batch, "jit": jit, **options})
        self.process = None

    def __call__(self) -> None:
        """Trains for one step; the first call starts the process."""
        if self.process is None:
            command = [sys.executable, STEPS, self.settings]
            pipe = subprocess.PIPE
            self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
        print(file=self.process.stdin, flush=True)
        if not self.process.stdout.readline():
            raise ValueError("a training process has ended; its last messages are above")

    def end(self) -> dict[str, float]:
        """Ends the process. Returns its megabytes before the first step, and the increase up to its peak."""
        output, _ = self.process.communicate()
        return json.loads(output)


def rows(held: dict[str, dict[str, float]]) -> list[list[str]]:
    """Rows of a table: the memory of each contender's process, and its ratio to the first one."""
    first = next(iter(held.values()))["step"]
    table = [["contender", "MB before", "MB added", "ratio to the first"]]
    for name, mb in held.items():
        table.append([name, f"{mb['before']:.0f}", f"{mb['step']:.0f}", f"{mb['step'] / first:.3f}"])
    return table
