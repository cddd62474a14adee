"""What all commands that train share: their options, and how these change a recipe."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import pathlib
import runpy
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from kerasnets.cli.options import DEFAULTS, Parser, folder, number, quiet, whole

if TYPE_CHECKING:  # imports Keras, which makes --help slow
    from kerasnets.runs import Options
    from kerasnets.training import Recipe

SMOKE_STEPS = 2  # steps per epoch of a tiny run
STOPPED = "interrupted; the same command with --resume continues from here"


def parser(
    description: str, epochs: str | int, batch_size: str | int, out: str, runs: int | None = None
) -> Parser:
    """Makes the parser of a recipe, with the options of `add_common`.

    Args:
        description: What the recipe does.
        epochs: The default number of epochs, as shown in the help.
        batch_size: The default batch size, as shown in the help.
        out: The default output folder, as shown in the help.
        runs: The default number of runs; None for a single one in the output folder itself.

    Returns:
        The parser, whose errors are one line.
    """
    p = Parser(description=description, epilog=DEFAULTS)
    add_common(p, epochs, batch_size, out, runs)
    return p


def add_common(
    p: Parser, epochs: str | int, batch_size: str | int, out: str, runs: int | None = None
) -> None:
    """Adds the options of everything that trains.

    Args:
        p: The parser.
        epochs: The default number of epochs, as shown in the help.
        batch_size: The default batch size, as shown in the help.
        out: The default output folder, as shown in the help.
        runs: The default number of runs; None for a single one in the output folder itself.
    """
    p.add_argument("--epochs", type=whole(1), metavar="N", help=f"number of epochs ({epochs})")
    p.add_argument("--batch-size", type=whole(1), metavar="N", help=f"examples per batch ({batch_size})")
    p.add_argument("--seed", type=whole(0), default=0, metavar="N", help="random seed (0)")
    words = "number of runs with seeds from --seed on, each in a folder below --out; finished ones are kept"
    default = "one run, in --out itself" if runs is None else runs
    p.add_argument("--runs", type=whole(1), default=runs, metavar="N", help=f"{words} ({default})")
    p.add_argument("--out", type=folder, metavar="FOLDER", help=f"output folder ({out})")
    p.add_argument("--resume", action="store_true", help="continue an interrupted run in --out")
    p.add_argument("--smoke", action="store_true", help="a tiny run of seconds, as a test")
    p.set_defaults(stopped=STOPPED)


def add_options(p: Parser, data: str | None = None, shown: str = "as in the recipe") -> None:
    """Adds the options of all that trains by a `kerasnets.training.Recipe`: the data, and how it is run.

    Args:
        p: The parser.
        data: The default dataset; None for that of the recipe.
        shown: What is used without the option and a default, as shown in the help.
    """
    p.add_argument("--data", metavar="NAME", default=data, help=f"dataset, such as digits ({data or shown})")
    given = "folder with one folder per class, or of TensorFlow Datasets"
    p.add_argument("--data-dir", metavar="FOLDER", help=given)
    p.add_argument("--strict", action="store_true", help="stop at an image that cannot be decoded")
    seconds = "seconds between checkpoints; 0 saves one after every step (60)"
    p.add_argument("--save-every", type=number(0), default=60.0, metavar="SECONDS", help=seconds)
    replicas = "number of GPUs, or parts of the CPU, that share each batch (1)"
    p.add_argument("--replicas", type=whole(1), metavar="N", help=replicas)
    precision = "float32, mixed_bfloat16, or mixed_float16 with loss scaling (float32)"
    p.add_argument("--precision", metavar="POLICY", help=precision)


def add_validation(p: Parser, default: str = "none") -> None:
    """Adds the option that names the data to choose by.

    Args:
        p: The parser.
        default: What is chosen by without the option, as shown in the help.
    """
    held_out = "data to choose the best epoch by: a share or a number of the training images, or a split"
    p.add_argument("--validation", type=validation, metavar="DATA", help=f"{held_out} ({default})")


def validation(text: str) -> float | str:
    """An argparse type: 0.1, 5000 or the name of a split."""
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return kind(text)
    return text


def add_hosts(p: Parser) -> None:
    """Adds the options of a run that several machines share."""
    hosts = "number of machines that share each batch; needs KERAS_BACKEND=jax (1)"
    p.add_argument("--hosts", type=whole(1), default=1, metavar="N", help=hosts)
    index = "index of this machine, from 0; only machine 0 writes files (0)"
    p.add_argument("--host-index", type=whole(0), default=0, metavar="INDEX", help=index)
    p.add_argument("--coordinator", metavar="HOST:PORT", help="address of machine 0, with a free port")


def fields(kind: type, args: argparse.Namespace) -> dict[str, Any]:
    """The parsed options whose names are fields of a dataclass, by name."""
    names = {field.name for field in dataclasses.fields(kind)}
    return {name: value for name, value in vars(args).items() if name in names}


def options_of(args: argparse.Namespace, **changes: Any) -> Options:
    """The kerasnets.runs.Options of a command line, with changes."""
    from kerasnets import runs

    steps = SMOKE_STEPS if args.smoke else None
    return runs.Options(**{**fields(runs.Options, args), "steps": steps, **changes})


def repeat(
    options: argparse.Namespace,
    place: str,
    run: Callable[[argparse.Namespace], dict[str, Any]],
    measures: Callable[[dict[str, Any]], dict[str, float]] | None = None,
    percent: bool = True,
) -> tuple[Any, str]:
    """Runs once or, with --runs, with several seeds: what the command of everything that trains does.

    Args:
        options: The parsed options of `add_common`.
        place: The default folder of several runs; that of one run also has its seed in its name.
        run: Function of the options of a run: `out` is its folder. It prints and returns its results. With
            `resume`, it answers for a run that is done.
        measures: The numbers to compare of a run's results, as `kerasnets.runs.several` takes them; None for
            the accuracies.
        percent: Whether these are shares, which are shown in percent.

    Returns:
        The content of results.json, and a text to print after all runs, which is empty for one.
    """
    if options.runs is None:
        out = options.out or pathlib.Path(f"{place}-seed{options.seed}")
        return run(argparse.Namespace(**{**vars(options), "out": out})), ""
    if getattr(options, "hosts", 1) > 1:
        raise ValueError("--runs is for one machine: with --hosts, start a run for each --seed")
    with quiet():
        from kerasnets import runs
        from kerasnets.runs.several import accuracies
    out = options.out or pathlib.Path(place)

    def one(seed, folder):
        print(f"seed {seed}")
        return run(argparse.Namespace(**{**vars(options), "seed": seed, "out": folder, "resume": True}))

    seeds = range(options.seed, options.seed + options.runs)
    found = runs.several(one, out, seeds, measures or accuracies)
    return found, f"{runs.table(found, percent)}\nIn {out}: results.json, and a folder for each seed"


def data_name(data_dir: str | None, data: str) -> str:
    """The name of the data in the folder of a run: that of `data_dir`, or without it that of the dataset."""
    return pathlib.Path(data_dir).expanduser().resolve().name if data_dir else data


def config_file(text: str) -> pathlib.Path:
    """The path of a config.

    Raises:
        ValueError: It is not that of a Python file that exists.
    """
    path = pathlib.Path(text)
    if path.suffix != ".py" or not path.is_file():
        raise ValueError(
            f"`config` is the path of a Python file that defines RECIPE. Received: config={text!r}"
        )
    return path


def read(path: pathlib.Path) -> Recipe:
    """Reads the recipe of a config: runs the Python file, which defines RECIPE."""
    from kerasnets.training import Recipe

    recipe = runpy.run_path(str(path)).get("RECIPE")
    if not isinstance(recipe, Recipe):
        raise ValueError(f"a config defines RECIPE, a kerasnets.training.Recipe. Received: {path}")
    return recipe


def adapted(recipe: Recipe, args: argparse.Namespace) -> Recipe:
    """The recipe with the changes that the command line asks for."""
    from kerasnets import runs
    from kerasnets.data import datasets

    if args.data in datasets.NAMES:
        recipe = dataclasses.replace(recipe, splits=datasets.SPLITS)
    if getattr(args, "validation", None) is not None:
        recipe = dataclasses.replace(recipe, validation=args.validation)
    if args.smoke:
        paper = recipe
        recipe = runs.tiny(paper, (args.replicas or paper.replicas) * getattr(args, "hosts", 1))
        if args.data or args.data_dir:  # the data is at hand, so none needs to be generated
            same = {name: getattr(paper, name) for name in ("data", "splits", "validation")}
            recipe = dataclasses.replace(recipe, **same)
    recipe = recipe.for_epochs(args.epochs) if args.epochs else recipe
    changes = dict(data=args.data, batch=args.batch_size, precision=args.precision, replicas=args.replicas)
    return dataclasses.replace(recipe, **{k: v for k, v in changes.items() if v is not None})
