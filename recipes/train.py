"""Trains a net as its paper did.

    python recipes/train.py resnet20_cifar10
    python recipes/train.py vgg16_imagenet --data-dir FOLDER --replicas 4 --precision mixed_bfloat16

CONFIG is the name of a file in recipes/configs, or the path of a Python file. The file defines RECIPE, a
`kerasnets.training.Recipe`. The folder of the run gets config.json; history.csv, curves.png and tensorboard
with the logs of each epoch; last.keras, the weights after the last epoch, which are tested;
state.weights.h5, the latest checkpoint; and results.json. With --resume, a run that was interrupted in any
way continues, and ends with the weights of an uninterrupted run.

Test data choose nothing. --validation 0.1 holds a tenth of the training images out, and --validation SPLIT
names a split of the dataset: best.keras then has the weights of the epoch that is best there, which are
tested, and a schedule that waits for a plateau watches the accuracy there.
"""

from __future__ import annotations

import argparse
import pathlib

import shared
from kerasnets.cli import train

CONFIGS = pathlib.Path(__file__).parent / "configs"


def options() -> argparse.Namespace:
    """Parses the command line."""
    p = shared.Parser(description="Train a net as its paper did.", epilog=shared.DEFAULTS)
    config = "name in recipes/configs, or a path; without it, all names are listed"
    p.add_argument("config", nargs="?", metavar="CONFIG", help=config)
    train.add_arguments(p)
    return p.parse_args()


def main() -> None:
    """Trains the net of a config, as `kerasnets train` does, or lists the configs."""
    args = options()
    if args.config is None:
        print("\n".join(names()))
    else:
        shared.say(train.train(find(args.config), args))


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


if __name__ == "__main__":
    shared.run(main)
