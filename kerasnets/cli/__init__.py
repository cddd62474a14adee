"""The command `kerasnets`: lists, counts, compares, draws, trains, tests and exports models.

    kerasnets list 'ResNet*'
    kerasnets show MobileNet
    kerasnets profile MobileNet --input 192x192x3 --alpha 0.5
    kerasnets compare ResNet50 DenseNet121 MobileNet --sort mult_adds --plot compare.svg
    kerasnets plot GoogLeNet --out googlenet.svg
    kerasnets weights get timm/resnet34.a1_in1k
    kerasnets classify cat.jpg holidays --model ResNet50
    kerasnets look cat.jpg --model ResNet50
    kerasnets evaluate ResNet34 --weights timm/resnet34.a1_in1k --data-dir imagenet
    kerasnets train recipe.py --data-dir FOLDER
    kerasnets finetune --model MobileNetV2 --weights imagenet --data-dir FOLDER
    kerasnets distill --teacher best.keras --student MobileNet --alpha 0.5
    kerasnets export LeNet5 --weights lenet5.weights.h5 --out saved_models --format onnx
    kerasnets bench saved_models/LeNet5 --images photos
    kerasnets doctor

Each subcommand has a module. `list` and `show` read the catalogue and do not import Keras. The others import
it when they run, so that `--help` is fast. Those that only measure or draw models build them without weight
values. With `--json`, stdout has the result alone, and what a command prints while it works is on stderr.
"""

import contextlib
import json
import sys
from collections.abc import Sequence

import kerasnets
from kerasnets.cli import (
    bench,
    classify,
    compare,
    distill,
    doctor,
    evaluate,
    export,
    finetune,
    listing,
    look,
    plot,
    profile,
    show,
    train,
    weights,
)
from kerasnets.cli.options import Parser, run

COMMANDS = (
    *(listing, show, profile, compare, plot, weights, classify, look),
    *(evaluate, train, finetune, distill, export, bench, doctor),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command.

    Args:
        argv: Command-line arguments; None for those of the process.

    Returns:
        Exit status: 0; 1 if `evaluate` measures another accuracy than was published, `classify` passes over
        a file, or `doctor` finds that no net can be built; 2 after an error, which is printed to stderr; 130
        after an interrupt.
    """
    return run(lambda: answer(argv), "kerasnets")


def answer(argv: Sequence[str] | None) -> int:
    """Runs a command and prints its result, as text or JSON; gives its exit status."""
    options, rest = parser().parse_known_args(argv)
    if rest and not options.takes_options:
        raise ValueError(f"unknown option or argument {rest[0]!r}")
    try:
        with contextlib.redirect_stdout(sys.stderr) if options.json else contextlib.nullcontext():
            data, text = options.run(options, rest)  # what it prints meanwhile is no JSON
    except KeyboardInterrupt:
        if options.stopped:
            print(options.stopped, file=sys.stderr)
        raise
    text = json.dumps(data, indent=2, default=str) if options.json else text
    print(text, end="\n" if text else "")
    return options.status(data)


def parser() -> Parser:
    """The parser of the command and of its subcommands."""
    about = "Convolutional nets of the classic papers: list, measure, compare, draw, train and export them."
    top = Parser(prog="kerasnets", description=about)
    top.add_argument("--version", action="version", version=f"kerasnets {kerasnets.__version__}")
    commands = top.add_subparsers(metavar="COMMAND", required=True, parser_class=Parser)
    for module in COMMANDS:
        module.add(commands)
    return top
