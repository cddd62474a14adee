"""Measures kerasnets against its peers, as ratios within one run.

    python recipes/benchmark.py distill    seconds of an epoch: plain, distilled, by keras.distillation
    python recipes/benchmark.py build      seconds to build nets, ours and those of keras.applications
    python recipes/benchmark.py import     seconds to import keras, alone and with kerasnets
    python recipes/benchmark.py memory     memory and seconds of a training step, plain and memory-efficient
    python recipes/benchmark.py digits     accuracy of small nets that are trained on the embedded digits
    python recipes/benchmark.py serve      milliseconds an image of nets that answer: Keras, its export, ours
    python recipes/benchmark.py formats    how far files of other runtimes are from Keras, in each family

The contenders take turns, round after round; what counts is the median of the ratios of each round, for
machines are noisy. Memory is what a process that trains holds at its peak (VmHWM of /proc/self/status, so on
Linux alone) beyond what it held just before its first step (VmRSS); the graph of that step is part of it.
Accuracy is of the test split, and the seconds are those of the training. Nets of `serve` are untrained; those
of `formats` too, but for the statistics of batch normalization, and small: `--models` takes others, whole.
"""

import pathlib

import shared
from benchmarks import build, digits, distill, formats, imports, memory, serve

BENCHMARKS = {
    "distill": distill,
    "build": build,
    "import": imports,
    "memory": memory,
    "digits": digits,
    "serve": serve,
    "formats": formats,
}


def main():
    """Runs the benchmark that the command line names."""
    p = shared.Parser(description="Measure kerasnets against its peers.")
    commands = p.add_subparsers(metavar="NAME", required=True, parser_class=shared.Parser)
    for name, benchmark in BENCHMARKS.items():
        about = benchmark.__doc__.splitlines()[0]
        command = commands.add_parser(name, help=about[0].lower() + about[1:].rstrip("."), description=about)
        command.add_argument("--out", type=pathlib.Path, metavar="FILE", help="file for the figures as JSON")
        benchmark.add_options(command)
        command.set_defaults(run=benchmark.run)
    args = p.parse_args()
    args.run(args)


if __name__ == "__main__":
    shared.run(main)
