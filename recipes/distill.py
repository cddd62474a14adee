"""Distills any registered net into any other, on the images of the teacher's file or those of a config.

    python recipes/distill.py --teacher runs/finetune/flowers-ResNet50-seed0/best.keras --student SqueezeNet
    python recipes/distill.py --teacher ResNet56 --student ResNet20 --alpha 0.5 --plain
    python recipes/distill.py --teacher ResNet50 --teacher-weights FILE --student MobileNet --data-dir FOLDER
    python recipes/distill.py --teacher ResNet20 --teachers 3 --student ResNet20 --alpha 0.25
    python recipes/distill.py --teacher ResNet20 --student ResNet20 --alpha 0.25 --hint LAYER LAYER
    python recipes/distill.py --teacher ResNet56 --student ResNet20 --alpha 0.5 --function-matching
    python recipes/distill.py --teacher ResNet20 --student ResNet20 --generations 3
    python recipes/distill.py --teacher ResNet110 --student ResNet20 --alpha 0.25 --assistants ResNet20
    python recipes/distill.py --teacher ResNet56 --student ResNet20 --mutual
    python recipes/distill.py --teacher A.keras B.keras --teacher-shares 2 1 --student ResNet20
    python recipes/distill.py --stored labels --student SqueezeNet

Options of the student are those that `kerasnets show STUDENT` lists. A teacher is the file of a trained net,
which says on which images it was trained and how they are augmented, so that no config is needed; or a net's
name. Then it is loaded from weights, which are files or published checkpoints, or trained first by the
config. Several teachers form an ensemble, the geometric mean of their predictions, in which --teacher-shares
says how much each counts. Images are augmented differently in every epoch, so the teacher runs on each batch
and its logits are not cached; with --stored, epochs have in turn the views of the images that
recipes/label.py labeled, and no teacher runs. --plain also trains the student on hard labels only. The folder
of the run contains a folder for each net, as recipes/train.py writes it. Nets that are done are not trained
again with --resume: more generations or seeds can be added later.

--function-matching, --generations, --assistants and --mutual choose who learns from whom;
kerasnets/cli/schemes.py has their papers.

Hinton, Vinyals, Dean, "Distilling the Knowledge in a Neural Network", 2015, arXiv:1503.02531. Hints: Romero
et al., "FitNets", ICLR 2015, arXiv:1412.6550; --hint-epochs adds their first stage, on hints only.
"""

from __future__ import annotations

import argparse

import shared
import train
from kerasnets.cli import distill

DEFAULT = "resnet20_cifar10"  # the config if none is given and none trains the student


def options() -> tuple[argparse.Namespace, list[str]]:
    """Parses the command line, and returns the options of the student unparsed."""
    about = "Distill a net into another. Options of the student may follow, such as --alpha 0.25."
    p = shared.Parser(description=about, epilog=shared.DEFAULTS, allow_abbrev=False)
    config = (
        f"name in recipes/configs, or a path (as the teacher's file says, or the student's, or {DEFAULT})"
    )
    p.add_argument("--config", help=config)
    distill.add_arguments(p)
    return p.parse_known_args()


def main() -> None:
    """Distills as `kerasnets distill` does, and prints the comparison."""
    args, words = options()
    known = args.stored or (args.teacher and distill.is_file(args.teacher[0]))
    config = args.config or (None if known else config_of(args.student))
    shared.say(distill.distill(config and train.find(config), args, words))


def config_of(model: str) -> str:
    """The name of the first config that trains a model; `DEFAULT` if there is none."""
    with shared.quiet():
        own = (name for name in train.names() if shared.read(train.find(name)).model == model)
        return next(own, DEFAULT)


if __name__ == "__main__":
    shared.run(main)
