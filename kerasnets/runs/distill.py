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
from kerasnets.runs.train import Predicted, Supervised
from kerasnets.scaling import agree
from kerasnets.surgery import with_scaling
from kerasnets.training import Recipe
from kerasnets.weights import card_of, describe
from kerasnets.weights.card import classes_of
from kerasnets.weights.reading import SUFFIXES


@dataclasses.dataclass(frozen=True, kw_only=True)
class Distillation(Supervised):
    """Trains a net on the labels and on the logits of teachers for the same batches.

    Args:
        teacher: Recipe of the teachers: the net, its options, and the scaling of its images where the files
            do not say it.
        files: For each teacher a weights file, the id of a published checkpoint, or the name of a dataset
            such as "imagenet". Several teachers form an ensemble, the geometric mean of their predictions.
        temperature: Temperature of the Distiller.
        hard_weight: Weight of the labels in the Distiller.
        hints: Pairs (name of a layer of the teacher, name of a layer of the student).
        hint_weight: Weight of each hint.
        hint_epochs: Epochs that are trained on the hints only, before all others, which then have no hints; 0
            adds the hints to the other losses.
    """

    teacher: Recipe
    files: tuple[str, ...]
    temperature: float = 4.0
    hard_weight: float = 0.1
    hints: tuple[tuple[str, str], ...] = ()
    hint_weight: float = 1.0
    hint_epochs: int = 0

    def settings(self) -> dict[str, Any]:
        """The teachers and the options of distillation, as JSON data."""
        fields = ("files", "temperature", "hard_weight", "hint_weight", "hint_epochs")
        return {
            "teacher_model": self.teacher.model,
            "teacher_options": self.teacher.options,
            "hints": [{"teacher_layer": theirs, "student_layer": ours} for theirs, ours in self.hints],
            **{name: getattr(self, name) for name in fields},
        }

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
        )

    def teachers(self, data: Data) -> keras.Model:
        """All teachers as one flat model, which takes images in the student's scaling."""
        recipe, nets = self.teacher, []
        for i, file in enumerate(self.files):
            # Published weights have the classes that they were trained on, and no others.
            classes = {"classes": data.classes} if file.endswith(SUFFIXES) else {}
            net = kerasnets.build(
                recipe.model,
                weights=file,
                input_shape=data.recipe.shape,
                **classes,
                classifier_activation=None,
                name=recipe.model if len(self.files) == 1 else f"teacher{i + 1}",
                **recipe.options,
            )
            if classes_of(net) != data.classes:
                refuse("files", f"weights of nets of {data.classes} classes", f"{file}, of {classes_of(net)}")
            known, ours = card_of(net).scaling, recipe.scale.after(data.testing.scaling)
            if known is not None and recipe.scaling and not agree(known, ours, recipe.shape):
                refuse("scaling", f"None or that of {file}, {known.name!r}", recipe.scaling)
            describe(net, scaling=known or ours)
            nets.append(with_scaling(main_output(net), data.scaling))
        return nets[0] if len(nets) == 1 else distillation.Ensemble(nets)


def compiled(model, net, data, logged=None):
    """Compiles a Distiller with the optimizer of its run."""
    model.compile(data.recipe.make_optimizer(data.training.steps_per_epoch, net, model), metrics=logged)
    return model
