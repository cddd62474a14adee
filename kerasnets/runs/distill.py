"""A training run that distills teachers into a student."""

import dataclasses
import pathlib
from typing import Any

import keras

import kerasnets
from kerasnets import distillation, training
from kerasnets.assembly.outputs import main_output
from kerasnets.checks import refuse
from kerasnets.runs.data import Data
from kerasnets.runs.metrics import metrics
from kerasnets.runs.teachers import check_classes, check_kind, check_names, fitted, load_teacher
from kerasnets.runs.train import Predicted, Supervised
from kerasnets.scaling import agree
from kerasnets.training import Recipe
from kerasnets.weights import card_of, describe
from kerasnets.weights.hashes import hash_of
from kerasnets.weights.reading import SUFFIXES, read_card


@dataclasses.dataclass(frozen=True, kw_only=True)
class Distillation(Supervised):
    """Trains a net on the labels and on the logits of teachers for the same batches.

    Args:
        files: For each teacher a weights file, the id of a published checkpoint, or the name of a dataset
            such as "imagenet". Several teachers form an ensemble, the geometric mean of their predictions.
        teacher: Recipe of the teachers: the net, its options, and the scaling of its images where the files
            do not say it. None for files that say it all, such as best.keras of a run. A teacher of a .keras
            file sees the student's images in its own size.
        temperature: Temperature of the Distiller.
        hard_weight: Weight of the labels in the Distiller.
        hints: Pairs (name of a layer of the teacher, name of a layer of the student).
        hint_weight: Weight of each hint.
        hint_epochs: Epochs that are trained on the hints only, before all others, which then have no hints; 0
            adds the hints to the other losses.
    """

    files: tuple[str, ...]
    teacher: Recipe | None = None
    temperature: float = 4.0
    hard_weight: float = 0.1
    hints: tuple[tuple[str, str], ...] = ()
    hint_weight: float = 1.0
    hint_epochs: int = 0

    def settings(self) -> dict[str, Any]:
        """The teachers and the options of distillation, as JSON data."""
        fields = ("files", "temperature", "hard_weight", "hint_weight", "hint_epochs")
        return {
            "teacher_model": self.teacher and self.teacher.model,
            "teacher_options": self.teacher and self.teacher.options,
            "hints": [{"teacher_layer": theirs, "student_layer": ours} for theirs, ours in self.hints],
            "digests": [digest(file) for file in self.files],
            **{name: getattr(self, name) for name in fields},
        }

    def check(self, data: Data) -> None:
        """Refuses files of teachers that say that they have other classes than the data."""
        for file in self.files:
            card = read_card(file, "files") if file.endswith(SUFFIXES) else None
            if card is not None and card.class_names is not None:
                check_names(card.class_names, names_of(data))

    def compiled(self, net: keras.Model, data: Data) -> keras.Model:
        """The compiled Distiller that `fit` trains."""
        model = self.distiller(net, data, () if self.hint_epochs else self.hints)
        return compiled(model, net, data, metrics(data))

    def fit(self, model: keras.Model, net: keras.Model, data: Data, out: pathlib.Path) -> None:
        """Trains first on the hints only, if `hint_epochs` is given, and then on all losses."""
        if self.hint_epochs:
            self.fit_hints(net, data, out)
        super().fit(model, net, data, out)

    def test(self, net: keras.Model, data: Data) -> tuple[dict[str, Any], Predicted]:
        """The accuracy of the net and, under "ensemble", that of several teachers together."""
        found, predictions = super().test(net, data)
        if len(self.files) > 1:
            found["ensemble"], _ = super().test(self.teachers(data), data)
        return found, predictions

    def fit_hints(self, net: keras.Model, data: Data, out: pathlib.Path) -> None:
        """Trains the net on the hints only, up to the layers that have hints."""
        recipe = data.recipe
        training.fit(
            compiled(self.distiller(net, data, self.hints, hints_only=True), net, data),
            lambda step: data.batches(net, step, self.hint_epochs),
            data.training.steps_per_epoch,
            self.hint_epochs,
            state=out / "hints.weights.h5",
            history=out / "hints.csv",
            callbacks=[training.Progress("hints", ("hint_loss",), batch_size=recipe.batch)],
            every=data.options.save_every,
        )

    def distiller(
        self, net: keras.Model, data: Data, hints: tuple[tuple[str, str], ...], hints_only: bool = False
    ) -> keras.Model:
        """The net with its teachers and hints, as a Distiller."""
        return distillation.Distiller(
            net,
            self.teachers(data),
            temperature=self.temperature,
            hard_weight=self.hard_weight,
            hints=[distillation.Hint(*layers, weight=self.hint_weight) for layers in hints],
            hints_only=hints_only,
            aux_weight=data.recipe.aux_weight,
            binary=data.training.several,
        )

    def teachers(self, data: Data) -> keras.Model:
        """All teachers as one flat model, which takes images in the student's scaling."""
        nets = [fitted(self.net(file, data), data.recipe.shape, data.scaling) for file in self.files]
        return nets[0] if len(nets) == 1 else distillation.Ensemble(nets)

    def net(self, file: str, data: Data) -> keras.Model:
        """A teacher as it was trained. It gives logits, and says how its images are scaled."""
        recipe, own = self.teacher, file.endswith(SUFFIXES)
        if recipe is None or file.endswith(".keras"):
            net = load_teacher(file)
            made = card_of(net).builder
            if recipe is not None and made not in (None, recipe.model):
                refuse("files", f"weights of a {recipe.model}", f"{file}, of a {made}")
        else:
            # Published weights have the classes that they were trained on, and no others.
            classes = {"classes": data.classes} if own else {}
            net = kerasnets.build(
                recipe.model,
                weights=file,
                input_shape=data.recipe.shape,
                **classes,
                classifier_activation=None,
                name=recipe.model,
                **recipe.options,
            )
            net = main_output(net)
        check_classes(net, data.classes, names_of(data), published=not own)
        check_kind(net, data.binary)
        known = card_of(net).scaling
        if recipe is not None:
            ours = recipe.scale.after(data.testing.scaling)
            if known is not None and recipe.scaling and not agree(known, ours, data.recipe.shape):
                refuse("scaling", f"None or that of {file}, {known.name!r}", recipe.scaling)
            describe(net, scaling=known or ours)
        return net


def names_of(data: Data) -> tuple[str, ...]:
    """The names of the classes of the student; none if the recipe says another number of classes."""
    names = tuple(data.training.class_names)
    return names if len(names) == max(2, data.classes) else ()


def digest(file: str) -> str | None:
    """The hash of a file, by which another teacher of the same path is told apart; None for other weights."""
    return str(hash_of(pathlib.Path(file))) if pathlib.Path(file).is_file() else None


def compiled(model, net, data, logged=None):
    """Compiles a Distiller with the optimizer of its run."""
    model.compile(data.recipe.make_optimizer(data.training.steps_per_epoch, net, model), metrics=logged)
    return model
