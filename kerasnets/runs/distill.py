"""A training run whose net is the student of others."""

import dataclasses

import keras

import kerasnets
from kerasnets import distillation, training
from kerasnets.assembly.outputs import main_output
from kerasnets.graph import flat
from kerasnets.runs.train import Supervised, metrics
from kerasnets.training import Recipe


@dataclasses.dataclass(frozen=True, kw_only=True)
class Distillation(Supervised):
    """Trains a net on the labels and on what teachers say of the same batches.

    Args:
        teacher: Recipe of the teachers, which says what they are and how their images are scaled.
        files: A file of weights for each teacher, or a name such as "imagenet". Several teach together, as
            their geometric mean.
        temperature: T of the Distiller.
        hard_weight: w of the Distiller.
        hints: Pairs (layer of the teacher, layer of the student).
        hint_weight: Weight of each hint.
        hint_epochs: Epochs on hints alone, before the others, which then do without; 0 keeps the hints beside
            the other losses.
    """

    teacher: Recipe
    files: tuple
    temperature: float = 4.0
    hard_weight: float = 0.1
    hints: tuple = ()
    hint_weight: float = 1.0
    hint_epochs: int = 0

    def settings(self):
        """The teachers and the weights of their losses, as JSON."""
        fields = ("files", "temperature", "hard_weight", "hint_weight", "hint_epochs")
        return {
            "teacher_model": self.teacher.model,
            "teacher_options": self.teacher.options,
            "hints": [{"teacher_layer": theirs, "student_layer": ours} for theirs, ours in self.hints],
            **{name: getattr(self, name) for name in fields},
        }

    def compiled(self, net, data):
        """The Distiller that `fit` trains."""
        model = self.distiller(net, data, () if self.hint_epochs else self.hints)
        return compiled(model, data, metrics(data))

    def fit(self, model, net, data, out):
        """Trains on hints alone if they come first, and then on all losses."""
        if self.hint_epochs:
            self.fit_hints(net, data, out)
        super().fit(model, net, data, out)

    def test(self, net, data):
        """The accuracy of the net and, under "ensemble", of several teachers together."""
        found = super().test(net, data)
        if len(self.files) > 1:
            found["ensemble"] = super().test(self.teachers(data), data)
        return found

    def fit_hints(self, net, data, out):
        """Trains the net up to the layers that have hints, on these alone."""
        recipe = data.recipe
        training.fit(
            compiled(self.distiller(net, data, self.hints, hints_only=True), data),
            lambda step: data.batches(net, step, self.hint_epochs),
            data.training.steps_per_epoch,
            self.hint_epochs,
            state=out / "hints.weights.h5",
            history=out / "hints.csv",
            callbacks=[training.Progress("hints", ("hint_loss",), batch_size=recipe.batch)],
            every=data.options.save_every,
        )

    def distiller(self, net, data, hints, hints_only=False):
        """The net with its teachers and hints."""
        return distillation.Distiller(
            net,
            self.teachers(data),
            temperature=self.temperature,
            hard_weight=self.hard_weight,
            hints=[distillation.Hint(*layers, weight=self.hint_weight) for layers in hints],
            hints_only=hints_only,
        )

    def teachers(self, data):
        """One model of images scaled as the student's, whose layers are all in one graph."""
        recipe, nets = self.teacher, []
        for i, file in enumerate(self.files):
            net = kerasnets.build(
                recipe.model,
                weights=file,
                input_shape=data.recipe.shape,
                classes=data.classes,
                classifier_activation=None,
                name=recipe.model if len(self.files) == 1 else f"teacher{i + 1}",
                **recipe.options,
            )
            nets.append(main_output(net))
        teacher = nets[0] if len(nets) == 1 else distillation.Ensemble(nets)
        ours, theirs = data.recipe.scale, recipe.scale
        if ours is theirs:
            return teacher
        images = keras.Input(data.recipe.shape, name="images")
        return flat(keras.Model(images, teacher(theirs(ours.undo(images))), name=teacher.name))


def compiled(model, data, logged=None):
    """A Distiller with the optimizer of its run."""
    model.compile(data.recipe.make_optimizer(data.training.steps_per_epoch), metrics=logged)
    return model
