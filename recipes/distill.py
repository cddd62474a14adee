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

import argparse
import dataclasses
import functools
import pathlib

import shared
import train

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
        from kerasnets.cli.options import model_options

        chosen = {
            "teacher": (args.teacher, model_options(args.teacher, spread(args.teacher_options))),
            "student": (args.student, model_options(args.student, words)),
        }
        path = train.find(args.config or config_of(args.student))
        base = train.adapted(train.read(path), args)
        recipes = {role: recipe_of(base, *net) for role, net in chosen.items()}
    out = args.out or pathlib.Path("runs/distill") / f"{path.stem}-{args.student}-seed{args.seed}"

    found, files = {}, args.teacher_weights or []
    for i in range(0 if files else args.teachers):
        name = f"teacher{i + 1}"
        again = argparse.Namespace(**{**vars(args), "seed": args.seed + 1000 * i})
        # On the student's scale, so that one batch suits both.
        recipe = dataclasses.replace(recipes["teacher"], scaling=scaling(recipes["student"]))
        found[name] = train.train(recipe, out / name, again)
        files.append(out / name / "best.weights.h5")
    if args.plain:
        found["plain student"] = train.train(recipes["student"], out / "plain", args)

    teach = Teaching(
        recipe=recipes["teacher"],
        scaling=scaling(recipes["teacher" if args.teacher_weights else "student"]),
        files=[str(file) for file in files],
        temperature=args.temperature,
        hard_weight=args.hard_weight,
        hints=[dict(zip(("teacher_layer", "student_layer"), hint, strict=True)) for hint in args.hint or ()],
        hint_weight=args.hint_weight,
        hint_epochs=args.hint_epochs,
    )
    kind = functools.partial(Distilled, teach)
    found["distilled student"] = train.train(
        recipes["student"], out / "student", args, kind=kind, more=teach.settings()
    )
    if "ensemble" in found["distilled student"]:
        found["teachers together"] = found["distilled student"].pop("ensemble")
    table = [["net", "top-1", "top-5"]]
    table += [[name, *(f"{100 * r[k]:.2f}%" for k in ("top1", "top5"))] for name, r in found.items()]
    shared.write(out / "results.json", found)
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


def recipe_of(base, model, options):
    """A config's recipe with another net, on images of the same sides."""
    classes = base.classes
    if base.data == "generated" and classes is None:
        classes = train.spec_of(base).classes
    return dataclasses.replace(base, model=model, options=options, size=train.sides(base), classes=classes)


def scaling(recipe):
    """The key of `scaling.MODES` of the images that a recipe's net sees."""
    return recipe.scaling or train.spec_of(recipe).mode


@dataclasses.dataclass(frozen=True)
class Teaching:
    """What a student is taught by.

    Attributes:
        recipe: The teachers' kerasnets.training.Recipe.
        scaling: Key of `scaling.MODES` of the images that they were trained on.
        files: A file of weights for each, or a name such as "imagenet".
        temperature: T of the Distiller.
        hard_weight: w of the Distiller.
        hints: Dicts of `teacher_layer` and `student_layer`.
        hint_weight: Weight of each hint.
        hint_epochs: Epochs on hints alone before the others; 0 keeps the hints beside the other losses.
    """

    recipe: object
    scaling: str
    files: list
    temperature: float
    hard_weight: float
    hints: list
    hint_weight: float
    hint_epochs: int

    def settings(self):
        """What decides the result, as JSON."""
        return {f"teacher_{name}": getattr(self.recipe, name) for name in ("model", "options")} | {
            name: getattr(self, name)
            for name in ("files", "temperature", "hard_weight", "hints", "hint_weight", "hint_epochs")
        }


class Distilled(train.Run):
    """A run whose net is a student."""

    def __init__(self, teach, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.teach = teach

    def teacher(self, net):
        """The model that teaches a student, whose layers are all in one graph."""
        import keras

        import kerasnets
        from kerasnets import distillation
        from kerasnets.assembly.outputs import main_output
        from kerasnets.graph import flat
        from kerasnets.scaling import MODES

        teach, teachers = self.teach, []
        for i, file in enumerate(teach.files):
            keywords = dict(weights=file, input_shape=(*self.sides, self.spec.channels), classes=self.classes)
            name = teach.recipe.model if len(teach.files) == 1 else f"teacher{i + 1}"
            keywords |= dict(classifier_activation=None, name=name, **teach.recipe.options)
            teachers.append(main_output(kerasnets.build(teach.recipe.model, **keywords)))
        teacher = teachers[0] if len(teachers) == 1 else distillation.Ensemble(teachers)
        if teach.scaling == scaling(self.recipe):
            return teacher
        images = keras.Input(net.input_shape[1:], name="images")
        raw = MODES[scaling(self.recipe)].undo(images)
        return flat(keras.Model(images, teacher(MODES[teach.scaling](raw)), name=teacher.name))

    def test(self, net):
        """The accuracy of the net, and of several teachers together."""
        found = super().test(net)
        if len(self.teach.files) > 1:
            found["ensemble"] = super().test(self.teacher(net))
        return found

    def compiled(self, net):
        """The Distiller of the net."""
        self.word = ""
        return self.distiller(net, hints_only=False)

    def distiller(self, net, hints_only):
        """The net with its teacher and hints, compiled."""
        from kerasnets import distillation

        teach = self.teach
        hints = () if teach.hint_epochs and not hints_only else teach.hints
        model = distillation.Distiller(
            net,
            self.teacher(net),
            temperature=teach.temperature,
            hard_weight=teach.hard_weight,
            hints=[distillation.Hint(**hint, weight=teach.hint_weight) for hint in hints],
            hints_only=hints_only,
        )
        metrics = None if hints_only else self.metrics()
        model.compile(self.recipe.make_optimizer(self.training.steps_per_epoch), metrics=metrics)
        return model

    def fit(self, net, model):
        """Trains on hints alone at first, if that is asked for, and then on all."""
        from kerasnets import training

        epochs = self.teach.hint_epochs
        if epochs:
            training.fit(
                self.distiller(net, hints_only=True),
                lambda step: self.ready(net, self.stream(0, first_step=step, epochs=epochs).dataset),
                self.training.steps_per_epoch,
                epochs,
                state=self.out / "hints.weights.h5",
                history=self.out / "hints.csv",
                callbacks=[training.Progress("hints", ("hint_loss",), batch_size=self.recipe.batch)],
                every=self.args.save_every,
            )
        super().fit(net, model)


if __name__ == "__main__":
    shared.run(main)
