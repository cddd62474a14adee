"""Distils any registered net into any other, on the data of a config of recipes/train.py.

    python recipes/distill.py --teacher ResNet56 --student ResNet20 --alpha 0.5 --plain
    python recipes/distill.py --teacher ResNet50 --teacher-weights FILE --student MobileNet --data-dir FOLDER
    python recipes/distill.py --teacher ResNet20 --teachers 3 --student ResNet20 --alpha 0.25
    python recipes/distill.py --teacher ResNet20 --student ResNet20 --alpha 0.25 --hint LAYER LAYER

The student's options follow as `kerasnets show STUDENT` lists them. Teachers are read from files of weights,
or trained first by the same config; several teach together as the geometric mean of what they say. Images
are augmented anew for every epoch, so the teacher sees each batch as the student does, and its logits are
not kept. Below the folder of the run are those of the teachers and of the plain student that --plain
trains on hard labels alone, each as recipes/train.py leaves it.

Hinton, Vinyals, Dean, "Distilling the Knowledge in a Neural Network", 2015, arXiv:1503.02531; hints: Romero
et al., "FitNets", ICLR 2015, arXiv:1412.6550, with a first stage on the hint alone if --hint-epochs says so.
"""

import dataclasses
import pathlib

import shared
import train
from kerasnets import files

DEFAULT = "resnet20_cifar10"  # the config where none is given and none trains the student


def options():
    """The command line, and the words of the student's options."""
    p = shared.parser(
        "Distil a net into another.",
        epochs="the config's",
        batch_size="the config's",
        out="runs/distill/CONFIG-STUDENT-seedSEED",
    )
    p.allow_abbrev = False
    p.add_argument("--config", help=f"name in recipes/configs, or a path (the student's, else {DEFAULT})")
    p.add_argument("--teacher", required=True, metavar="MODEL", help="name of the teacher's net")
    p.add_argument(
        "--teacher-options", nargs="+", default=[], metavar="NAME=VALUE", help="such as alpha=0.5 depth=40"
    )
    p.add_argument(
        "--teacher-weights",
        nargs="+",
        metavar="FILE",
        help="a file for each teacher, or imagenet; else trained",
    )
    p.add_argument("--teachers", type=shared.whole(1), default=1, help="teachers to train, an ensemble (1)")
    p.add_argument("--student", required=True, metavar="MODEL", help="its options follow: --alpha 0.25")
    p.add_argument("--temperature", type=shared.number(above=0), default=4.0, help="T (4)")
    p.add_argument("--hard-weight", type=shared.number(0, 1), default=0.1, help="of hard labels (0.1)")
    p.add_argument(
        "--hint", nargs=2, action="append", metavar=("TEACHER_LAYER", "STUDENT_LAYER"), help="may be repeated"
    )
    p.add_argument("--hint-weight", type=shared.number(0), default=1.0, help="of each hint (1)")
    p.add_argument(
        "--hint-epochs", type=shared.whole(0), default=0, help="on hints alone, at first; hints end then (0)"
    )
    p.add_argument("--plain", action="store_true", help="train the student on hard labels alone too")
    train.add_options(p)
    return p.parse_known_args()


def main():
    """Trains teachers, the plain student and the student, and compares them."""
    args, words = options()
    for file in args.teacher_weights or ():
        if file != "imagenet" and not pathlib.Path(file).is_file():
            raise ValueError(f"--teacher-weights are files that exist, or imagenet. Received: {file}")
    if args.hint_epochs and not args.hint:
        raise ValueError("--hint-epochs goes with --hint")
    with shared.quiet():
        from kerasnets import runs
        from kerasnets.cli.options import model_options

        path = train.find(args.config or config_of(args.student))
        base = train.adapted(train.read(path), args)
        teacher = of_net(base, args.teacher, model_options(args.teacher, spread(args.teacher_options)))
        student = of_net(base, args.student, model_options(args.student, words))
    out = args.out or pathlib.Path("runs/distill") / f"{path.stem}-{args.student}-seed{args.seed}"

    found, weights = {}, list(args.teacher_weights or ())
    if not weights:  # trained on the student's scale, so that one batch suits both
        teacher = dataclasses.replace(teacher, scaling=student.scale.mode)
        for i in range(args.teachers):
            name = f"teacher{i + 1}"
            run = train.options_of(args, seed=args.seed + 1000 * i)
            found[name] = runs.train(teacher, out / name, run)
            weights.append(out / name / "best.weights.h5")
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


def spread(pairs):
    """Options as the command line of a model has them, of words such as alpha=0.5."""
    words = []
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not (name and equals and value):
            raise ValueError(f"--teacher-options are such as alpha=0.5. Received: {pair}")
        words += [f"--{name}", value]
    return words


def config_of(model):
    """The name of the first config that trains a model, else `DEFAULT`."""
    own = (name for name in train.names() if train.read(train.find(name)).model == model)
    return next(own, DEFAULT)


def of_net(base, model, options):
    """A config's recipe with another net, on images of the same sides."""
    classes = base.spec.classes if base.data == "generated" and base.classes is None else base.classes
    return dataclasses.replace(base, model=model, options=options, size=base.sides, classes=classes)


if __name__ == "__main__":
    shared.run(main)
