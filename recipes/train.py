"""Trains a net as its paper did.

    python recipes/train.py resnet20_cifar10
    python recipes/train.py vgg16_imagenet --data-dir FOLDER --replicas 4 --precision mixed_bfloat16

CONFIG is the name of a file in recipes/configs, or the path of a Python file. The file defines RECIPE, a
`kerasnets.training.Recipe`. The folder of the run gets config.json; history.csv, curves.png and tensorboard
with the logs of each epoch; last.weights.h5, the weights after the last epoch, which are tested;
state.weights.h5, the latest checkpoint; and results.json. With --resume, a run that was interrupted in any
way continues, and ends with the weights of an uninterrupted run.

Test data choose nothing. --validation 0.1 holds a tenth of the training images out, and --validation SPLIT
names a split of the dataset: best.weights.h5 then has the weights of the epoch that is best there, which are
tested, and a schedule that waits for a plateau watches the accuracy there.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import pathlib
import runpy
from typing import TYPE_CHECKING, Any

import shared

if TYPE_CHECKING:  # imports Keras, which makes --help slow
    from kerasnets.runs import Options
    from kerasnets.training import Recipe

CONFIGS = pathlib.Path(__file__).parent / "configs"
SMOKE_STEPS = 2  # steps per epoch of a tiny run


def options() -> argparse.Namespace:
    """Parses the command line."""
    paper = "as in the paper"
    p = shared.parser(
        "Train a net as its paper did.",
        epochs=f"{paper}; the schedule is stretched to fit",
        batch_size=paper,
        out="runs/train/CONFIG-seedSEED",
    )
    config = "name in recipes/configs, or a path; without it, all names are listed"
    p.add_argument("config", nargs="?", metavar="CONFIG", help=config)
    add_options(p)
    add_validation(p)
    hosts = "number of machines that share each batch; needs KERAS_BACKEND=jax (1)"
    p.add_argument("--hosts", type=shared.whole(1), default=1, help=hosts)
    index = "index of this machine, from 0; only machine 0 writes files (0)"
    p.add_argument("--host-index", type=shared.whole(0), default=0, metavar="INDEX", help=index)
    p.add_argument("--coordinator", metavar="HOST:PORT", help="address of machine 0, with a free port")
    return p.parse_args()


def add_options(p: shared.Parser, data: str | None = None) -> None:
    """Adds the options of all recipes that train by a config.

    Args:
        p: The parser.
        data: The default dataset; None for that of the config.
    """
    shown = data or "as in the paper"
    p.add_argument("--data", metavar="NAME", default=data, help=f"dataset, such as digits ({shown})")
    folder = "folder with one folder per class, or of TensorFlow Datasets"
    p.add_argument("--data-dir", metavar="FOLDER", help=folder)
    p.add_argument("--strict", action="store_true", help="stop at an image that cannot be decoded")
    seconds = "seconds between checkpoints; 0 saves one after every step (60)"
    p.add_argument("--save-every", type=shared.number(0), default=60.0, metavar="SECONDS", help=seconds)
    replicas = "number of GPUs, or parts of the CPU, that share each batch (1)"
    p.add_argument("--replicas", type=shared.whole(1), help=replicas)
    precision = "float32, mixed_bfloat16, or mixed_float16 with loss scaling (float32)"
    p.add_argument("--precision", metavar="POLICY", help=precision)


def add_validation(p: shared.Parser) -> None:
    """Adds the option that names the data to choose by."""
    held_out = (
        "data to choose the best epoch by: a share or a number of the training images, or a split (none)"
    )
    p.add_argument("--validation", type=validation, metavar="DATA", help=held_out)


def validation(text: str) -> float | str:
    """An argparse type: 0.1, 5000 or the name of a split."""
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return kind(text)
    return text


def main() -> None:
    """Trains the net of a config."""
    args = options()
    if args.config is None:
        print("\n".join(names()))
        return
    with shared.quiet():
        from kerasnets import runs

        path = find(args.config)
        recipe = adapted(read(path), args)
    out = args.out or pathlib.Path("runs/train") / f"{path.stem}-seed{args.seed}"
    runs.train(recipe, out, options_of(args))


def names() -> list[str]:
    """Names of the configs in recipes/configs."""
    return sorted(p.stem for p in CONFIGS.glob("*.py"))


def find(config: str) -> pathlib.Path:
    """Finds the file of a config by its name or path."""
    from kerasnets.checks import nearest

    path = pathlib.Path(config) if config.endswith(".py") else CONFIGS / f"{config}.py"
    if not path.is_file():
        raise ValueError(
            f"`config` is the path of a Python file, or one of {', '.join(names())}."
            f"{nearest(config, names())} Received: config={config!r}"
        )
    return path


def read(path: pathlib.Path) -> Recipe:
    """Reads the recipe of a config."""
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


def options_of(args: argparse.Namespace, **changes: Any) -> Options:
    """The kerasnets.runs.Options of a command line, with changes."""
    from kerasnets import runs

    steps = SMOKE_STEPS if args.smoke else None
    return runs.Options(**{**shared.fields(runs.Options, args), "steps": steps, **changes})


if __name__ == "__main__":
    shared.run(main)
