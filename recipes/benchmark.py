"""Benchmarks of kerasnets, compared with other libraries in the same run.

    python recipes/benchmark.py distill    seconds per epoch: plain training, ours, and keras.distillation
    python recipes/benchmark.py build      seconds to build a net: ours and keras.applications
    python recipes/benchmark.py import     seconds to import keras, alone and with kerasnets
    python recipes/benchmark.py memory     memory and seconds per training step: plain, memory-efficient
    python recipes/benchmark.py digits     accuracy of small nets that are trained on the embedded digits
    python recipes/benchmark.py serve      milliseconds per image: Keras, ours on every runtime, timm
    python recipes/benchmark.py finetune   errors of nets fine-tuned on few images, and trained from scratch
    python recipes/benchmark.py head       seconds of a new classifier alone: kept features, Keras's guide
    python recipes/benchmark.py formats    differences between files of other runtimes and Keras, by family
    python recipes/benchmark.py agreement  top-1 and agreement with Keras of trained nets in bfloat16 and int8
    python recipes/benchmark.py store      seconds and memory of stored logits of 1.28 million images
    python recipes/benchmark.py train      milliseconds per image of training: ours, Keras's nets and timm's
    python recipes/benchmark.py data       images per second from JPEG files: ours and torchvision's

The contenders take turns, round after round. Since machines are noisy, the result is the median of the ratios
of all rounds. Memory is the peak of the training process (VmHWM of /proc/self/status, so on Linux only) minus
its memory just before the first step (VmRSS); it includes the graph of that step. Accuracy is measured on the
test split, and seconds on training. In `serve`, `train`, `memory` and `data`, each contender has a process of
its own. The nets of `serve`, and those of Keras in `train`, are filled with values like those of training.
Those of `formats` are small and untrained except for the statistics of batch normalization; `--models`
measures nets of full size.
"""

import pathlib

import shared
from benchmarks import (
    agreement,
    build,
    data,
    digits,
    distill,
    finetune,
    formats,
    head,
    imports,
    memory,
    serve,
    store,
    train,
)

BENCHMARKS = {
    "distill": distill,
    "build": build,
    "import": imports,
    "memory": memory,
    "digits": digits,
    "serve": serve,
    "finetune": finetune,
    "head": head,
    "formats": formats,
    "agreement": agreement,
    "store": store,
    "train": train,
    "data": data,
}


def main() -> None:
    """Runs the benchmark that the command line names."""
    p = shared.Parser(description="Benchmarks of kerasnets, compared with other libraries in the same run.")
    commands = p.add_subparsers(metavar="NAME", required=True, parser_class=shared.Parser)
    for name, benchmark in BENCHMARKS.items():
        about = benchmark.__doc__.splitlines()[0]
        command = commands.add_parser(
            name, help=about[0].lower() + about[1:].rstrip("."), description=about, epilog=shared.DEFAULTS
        )
        command.add_argument("--out", type=pathlib.Path, metavar="FILE", help="JSON file for the figures")
        benchmark.add_options(command)
        command.set_defaults(run=benchmark.run)
    args = p.parse_args()
    args.run(args)


if __name__ == "__main__":
    shared.run(main, "")
