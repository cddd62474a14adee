"""Distills any registered net into any other, on the data of a config of recipes/train.py.

    python recipes/distill.py --teacher ResNet56 --student ResNet20 --alpha 0.5 --plain
    python recipes/distill.py --teacher ResNet50 --teacher-weights FILE --student MobileNet --data-dir FOLDER
    python recipes/distill.py --teacher ResNet20 --teachers 3 --student ResNet20 --alpha 0.25
    python recipes/distill.py --teacher ResNet20 --student ResNet20 --alpha 0.25 --hint LAYER LAYER

Options of the student are those that `kerasnets show STUDENT` lists. Teachers are loaded from weights, which
are files or published checkpoints, or trained first by the same config; several form an ensemble, the
geometric mean of their predictions. Images are augmented differently in every epoch, so the teacher runs on
each batch and its logits are not cached. --plain also trains the student on hard labels only. The folder of
the run contains a folder for each net, as recipes/train.py writes it.

Hinton, Vinyals, Dean, "Distilling the Knowledge in a Neural Network", 2015, arXiv:1503.02531. Hints: Romero
et al., "FitNets", ICLR 2015, arXiv:1412.6550; --hint-epochs adds their first stage, on hints only.
"""

from __future__ import annotations

import argparse
import dataclasses
import pathlib
from typing import TYPE_CHECKING, Any

import shared
import train
from kerasnets import files

if TYPE_CHECKING:  # imports Keras, which makes --help slow
    from kerasnets.training import Recipe

DEFAULT = "resnet20_cifar10"  # the config if none is given and none trains the student


def options() -> tuple[argparse.Namespace, list[str]]:
    """Parses the command line, and returns the options of the student unparsed."""
    p = shared.parser(
        "Distill a net into another. Options of the student may follow, such as --alpha 0.25.",
        epochs="as in the config",
        batch_size="as in the config",
        out="runs/distill/CONFIG-STUDENT-seedSEED",
    )
    p.allow_abbrev = False
    p.add_argument("--config", help=f"name in recipes/configs, or a path (the student's or {DEFAULT})")
    p.add_argument("--teacher", required=True, metavar="MODEL", help="net of the teacher")
    p.add_argument(
        "--teacher-options", nargs="+", default=[], metavar="NAME=VALUE", help="such as alpha=0.5 depth=40"
    )
    p.add_argument(
        "--teacher-weights",
        nargs="+",
        type=shared.weights,
        metavar="FILE",
        help="for each teacher a weights file, the id of a checkpoint, or a dataset such as imagenet "
        "(trains the teachers first)",
    )
    p.add_argument("--teachers", type=shared.whole(1), default=1, help="number of teachers to train (1)")
    p.add_argument("--student", required=True, metavar="MODEL", help="net of the student")
    p.add_argument("--temperature", type=shared.number(above=0), default=4.0, help="softmax temperature (4)")
    p.add_argument("--hard-weight", type=shared.number(0, 1), default=0.1, help="weight of hard labels (0.1)")
    p.add_argument(
        "--hint",
        nargs=2,
        action="append",
        metavar=("TEACHER_LAYER", "STUDENT_LAYER"),
        help="two layers; repeatable",
    )
    p.add_argument("--hint-weight", type=shared.number(0), default=1.0, help="weight of each hint (1)")
    p.add_argument(
        "--hint-epochs",
        type=shared.whole(0),
        default=0,
        help="epochs on hints only, before the others (0)",
    )
    p.add_argument("--plain", action="store_true", help="also train the student on hard labels only")
    train.add_options(p)
    train.add_validation(p)
    return p.parse_known_args()


def main() -> None:
    """Trains teachers, the plain student and the distilled student, and compares them."""
    args, words = options()
    if args.hint_epochs and not args.hint:
        raise ValueError("--hint-epochs needs --hint")
    with shared.quiet():
        from kerasnets import runs
        from kerasnets.cli.options import model_options

        path = train.find(args.config or config_of(args.student))
        base = train.adapted(train.read(path), args)
        teacher = for_net(base, args.teacher, model_options(args.teacher, option_words(args.teacher_options)))
        student = for_net(base, args.student, model_options(args.student, words))
    out = args.out or pathlib.Path("runs/distill") / f"{path.stem}-{args.student}-seed{args.seed}"

    found, weights = {}, list(args.teacher_weights or ())
    # A teacher that is trained here takes images in the student's scaling, so that one batch fits both.
    teacher = dataclasses.replace(teacher, scaling=None if weights else student.scale.mode)
    if not weights:
        for i in range(args.teachers):
            name = f"teacher{i + 1}"
            run = train.options_of(args, seed=args.seed + 1000 * i)
            found[name] = runs.train(teacher, out / name, run)
            weights.append(out / name / found[name]["weights"])
    if args.plain:
        found["plain student"] = runs.train(student, out / "plain", train.options_of(args))
    distillation = runs.Distillation(
        teacher=teacher,
        files=tuple(map(str, weights)),
        temperature=args.temperature,
        hard_weight=args.hard_weight,
        hints=tuple(map(tuple, args.hint or ())),
        hint_weight=args.hint_weight,
        hint_epochs=args.hint_epochs,
    )
    results = runs.train(student, out / "student", train.options_of(args), distillation)
    found["distilled student"] = results
    if "ensemble" in results:
        found["teachers together"] = results.pop("ensemble")
    table = [["net", "top-1", "top-5"]]
    table += [[name, *(f"{100 * r[k]:.2f}%" for k in ("top1", "top5"))] for name, r in found.items()]
    files.write_json(out / "results.json", found)
    shared.show(table)


def option_words(pairs: list[str]) -> list[str]:
    """Turns pairs such as alpha=0.5 into command-line options, --alpha 0.5."""
    words = []
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not (name and equals and value):
            raise ValueError(f"--teacher-options are pairs such as alpha=0.5. Received: {pair}")
        words += [f"--{name}", value]
    return words


def config_of(model: str) -> str:
    """The name of the first config that trains a model; `DEFAULT` if there is none."""
    own = (name for name in train.names() if train.read(train.find(name)).model == model)
    return next(own, DEFAULT)


def for_net(base: Recipe, model: str, options: dict[str, Any]) -> Recipe:
    """A config's recipe for another net, on images of the same size."""
    classes = base.spec.classes if base.data == "generated" and base.classes is None else base.classes
    return dataclasses.replace(base, model=model, options=options, size=base.image_size, classes=classes)


if __name__ == "__main__":
    shared.run(main)
