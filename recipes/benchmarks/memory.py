"""Memory and seconds of a training step, plain and memory-efficient."""

import json
import pathlib
import subprocess
import sys

import shared
from benchmarks import measuring
from kerasnets import files

STEPS = pathlib.Path(__file__).with_name("training_steps.py")


def add_options(p):
    """Adds the options of this benchmark."""
    measuring.add_options(p)
    models = ["DenseNetBC100", "DenseNet121"]
    p.add_argument("--models", nargs="+", default=models, help=f"names of nets ({' '.join(models)})")
    p.add_argument("--batch-size", type=shared.whole(1), help="images of a step (64; 16 of DenseNet121)")
    p.add_argument("--jit", action="store_true", help="compile the step by XLA, Keras's default")


def run(args):
    """Trains DenseNets, plain and memory-efficient, each net in a process of its own."""
    groups = {}
    for model in args.models:
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
    """A process that trains a net by a step whenever this is called, with random images.

    Args:
        model: Name of the net.
        batch: Images in a batch.
        jit: Whether XLA compiles the step.
        **options: Options of the net.
    """

    def __init__(self, model, batch, jit, **options):
        self.words = json.dumps({"model": model, "batch": batch, "jit": jit, **options})
        self.process = None

    def __call__(self):
        """Trains by a step; the first call starts the process."""
        if self.process is None:
            command = [sys.executable, STEPS, self.words]
            pipe = subprocess.PIPE
            self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
        print(file=self.process.stdin, flush=True)
        if not self.process.stdout.readline():
            raise ValueError("a process that trains has ended; what it said last is above")

    def end(self):
        """Ends the process; gives the megabytes that it held before its first step, and its peak beyond."""
        said, _ = self.process.communicate()
        return json.loads(said)


def rows(held):
    """Rows of a table: what each contender's process holds, and the ratio to the first."""
    first = next(iter(held.values()))["step"]
    table = [["contender", "MB before", "MB more", "ratio to the first"]]
    for name, mb in held.items():
        table.append([name, f"{mb['before']:.0f}", f"{mb['step']:.0f}", f"{mb['step'] / first:.3f}"])
    return table
