"""A training run that distills teachers into a student."""

import dataclasses
import functools
import pathlib
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

import kerasnets
from kerasnets import distillation, training
from kerasnets.assembly.outputs import main_output
from kerasnets.checks import refuse
from kerasnets.distillation.methods import look_up
from kerasnets.distillation.store import Store, opened
from kerasnets.graph import no_values
from kerasnets.runs.data import Data, check_source
from kerasnets.runs.metrics import metrics
from kerasnets.runs.teachers import check_classes, check_kind, check_names, fitted, load_teacher
from kerasnets.runs.train import Predicted, Supervised
from kerasnets.scaling import agree
from kerasnets.surgery.stages import stage_ends
from kerasnets.training import Recipe
from kerasnets.weights import card_of, describe
from kerasnets.weights.hashes import hash_of
from kerasnets.weights.reading import SUFFIXES, read_card


@dataclasses.dataclass(frozen=True, kw_only=True)
class Distillation(Supervised):
    """Trains a net on the labels and on the logits of teachers for the same batches.

    Args:
        files: For each teacher a weights file, the id of a published checkpoint, or the name of a dataset
            such as "imagenet". Several teachers form an ensemble, the `mean` of their predictions.
            Empty with `stored`.
        stored: Folder of the teachers' logits for views of the same images, as `kerasnets.runs.label` writes
            it; then no teacher runs, and epoch e of the run has view e modulo their number. The run has its
            own seed, order and batches.
        teacher: Recipe of the teachers: the net, its options, and the scaling of its images if the files do
            not say it. None for files that say all of this, such as best.keras of a run. A teacher that is
            loaded from a .keras file sees the student's images in its own size.
        method: Loss on logits, as the `kerasnets.distillation.Distiller` takes it.
        temperature: Temperature of the Distiller.
        hard_weight: Weight of the labels in the Distiller.
        soft_weight: Weight of the loss on logits; None for 1 - `hard_weight`.
        standardize: Whether logits are standardized before the loss.
        warm_up: Epochs over which the weight of the loss on logits rises to `soft_weight`.
        hints: `kerasnets.distillation.Hint`s.
        maps: Names of losses on maps in `kerasnets.distillation.METHODS`. They compare the layers that
            METHODS says, which are found in both nets, and have the published weights.
        hint_epochs: Epochs that are trained on the hints only, before all others, which then have no hints; 0
            adds the hints to the other losses.
        mean: Mean of the probabilities of several teachers, as `kerasnets.distillation.Ensemble` takes it.
        shares: For each of several teachers how much it counts; None lets all count equally.
        earlier: Files of earlier nets of the same classes. results.json has the accuracy of their ensemble
            with the net under "together".
    """

    files: tuple[str, ...] = ()
    stored: str | None = None
    teacher: Recipe | None = None
    method: Any = "kl"
    temperature: float = 4.0
    hard_weight: float = 0.1
    soft_weight: float | None = None
    standardize: bool = False
    warm_up: int = 0
    hints: tuple[distillation.Hint, ...] = ()
    maps: tuple[str, ...] = ()
    hint_epochs: int = 0
    mean: str = "geometric"
    shares: tuple[float, ...] | None = None
    earlier: tuple[str, ...] = ()

    def __post_init__(self):
        if not isinstance(self.files, (tuple, list)) or not all(isinstance(file, str) for file in self.files):
            refuse("files", "a tuple of paths or names, as texts", self.files)
        known = [name for name, row in distillation.METHODS.items() if row.on_maps]
        if not isinstance(self.maps, (tuple, list)) or not set(self.maps) <= set(known):
            refuse("maps", f"a tuple of names among {', '.join(known)}", self.maps)
        if bool(self.files) == bool(self.stored):
            words = "files of teachers, or empty with `stored`, a folder of their logits"
            refuse("files", words, self.files)
        if self.stored and (self.hints or self.maps):
            refuse("stored", "None with hints and losses on maps, which need a live teacher", self.stored)
        if self.maps and len(self.files) > 1:
            refuse("maps", "empty for several teachers, which have no maps in common", self.maps)

    def settings(self) -> dict[str, Any]:
        """The teachers and the options of distillation, as JSON data."""
        fields = (
            *("files", "method", "temperature", "hard_weight", "soft_weight", "standardize", "warm_up"),
            *("maps", "hint_epochs", "mean", "shares", "earlier"),
        )
        stored = {"stored": self.stored, "labels": self.store.name} if self.stored else {}
        return {
            **stored,
            "teacher_model": self.teacher and self.teacher.model,
            "teacher_options": self.teacher and self.teacher.options,
            "hints": [as_data(vars(hint)) for hint in self.hints],
            "digests": [digest(file) for file in self.files],
            **{name: as_data(getattr(self, name)) for name in fields},
        }

    def check(self, data: Data) -> None:
        """Refuses files of teachers of other classes than those of the data, and logits of other images."""
        if self.stored:
            check_source(self.store, data, "stored")
        for file in self.files:
            card = read_card(file, "files") if file.endswith(SUFFIXES) else None
            if card is not None and card.class_names is not None:
                check_names(card.class_names, names_of(data))

    @functools.cached_property
    def store(self) -> Store | None:
        """The stored logits."""
        return opened(self.stored) if self.stored else None

    def batches(self, net: keras.Model, data: Data, first_step: int) -> Any:
        """The training batches from a step on, with the stored logits if there are any."""
        return data.batches(net, first_step, store=self.store)

    def compiled(self, net: keras.Model, data: Data) -> keras.Model:
        """The compiled Distiller that `fit` trains."""
        model = self.distiller(net, data, hinted=not self.hint_epochs)
        return compiled(model, net, data, metrics(data))

    def fit(self, model: keras.Model, net: keras.Model, data: Data, out: pathlib.Path) -> None:
        """Trains first on the hints only, if `hint_epochs` is given, and then on all losses."""
        if self.hint_epochs:
            self.fit_hints(net, data, out)
        super().fit(model, net, data, out)

    def test(
        self, net: keras.Model, data: Data, out: pathlib.Path | None = None
    ) -> tuple[dict[str, Any], Predicted]:
        """The accuracy of the net, of several teachers ("ensemble"), and with earlier nets ("together")."""
        found, predictions = super().test(net, data)
        if len(self.files) > 1:
            found["ensemble"], _ = super().test(self.teachers(data), data)
        if self.earlier:
            nets = [self.fitted(file, data) for file in self.earlier]
            found["together"], _ = super().test(distillation.Ensemble([net, *nets]), data)
        return found, predictions

    def fit_hints(self, net: keras.Model, data: Data, out: pathlib.Path) -> None:
        """Trains the net on the hints only, up to the layers that have hints."""
        recipe = data.recipe
        training.fit(
            compiled(self.distiller(net, data, hints_only=True), net, data),
            lambda step: data.batches(net, step, self.hint_epochs),
            data.training.steps_per_epoch,
            self.hint_epochs,
            state=out / "hints.weights.h5",
            history=out / "hints.csv",
            callbacks=[training.Progress("hints", ("hint_loss",), batch_size=recipe.batch)],
            every=data.options.save_every,
        )

    def distiller(
        self, net: keras.Model, data: Data, hinted: bool = True, hints_only: bool = False
    ) -> keras.Model:
        """The net with its teachers as a Distiller, with or without hints."""
        teachers = None if self.stored else self.teachers(data)
        found = [hint for name in self.maps for hint in hints_of(distillation.METHODS[name], teachers, net)]
        return distillation.Distiller(
            net,
            teachers,
            temperature=self.temperature,
            hard_weight=self.hard_weight,
            hints=[*self.hints, *found] if hinted else (),
            hints_only=hints_only,
            method=self.method,
            standardize=self.standardize,
            soft_weight=self.soft_weight,
            warm_up=self.warm_up,
            aux_weight=data.recipe.aux_weight,
            binary=data.training.several,
        )

    def teachers(self, data: Data) -> keras.Model:
        """All teachers as one flat model, which takes images in the student's scaling."""
        nets = [self.fitted(file, data) for file in self.files]
        return nets[0] if len(nets) == 1 else distillation.Ensemble(nets, self.mean, weights=self.shares)

    def fitted(self, file: str, data: Data) -> keras.Model:
        """The net of a file, which takes images in the student's size and scaling."""
        return fitted(self.net(file, data), data.recipe.shape, data.scaling)

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


def published(names: Sequence[str], epochs: int) -> dict[str, Any]:
    """The fields of a `Distillation` that uses methods with the weights that their authors published.

        runs.Distillation(files=("best.keras",), **runs.published(["dkd", "attention"], epochs=60))

    Args:
        names: Keys of `kerasnets.distillation.METHODS`, of which at most one is a loss on logits.
        epochs: Epochs of the run, of which the warm-up is a share.

    Returns:
        Values by names of fields.

    Raises:
        ValueError: A name is unknown, or there are two losses on logits.
    """
    row, on_maps = look_up(names)
    return dict(
        method=(row.loss, dict(row.options)) if row.options else row.loss,
        temperature=row.temperature,
        hard_weight=row.hard_weight,
        soft_weight=row.soft_weight,
        standardize=row.standardize,
        warm_up=round(row.warm_up * epochs),
        maps=tuple(name for name in names if distillation.METHODS[name] in on_maps),
    )


def hints_of(
    method: distillation.Method, teacher: keras.Model, student: keras.Model
) -> list[distillation.Hint]:
    """The hints of a loss on maps, for layers that are found in both nets.

    Stages are paired from the last one down, so a net with more stages has some without a partner.

    Args:
        method: The row of the loss in `kerasnets.distillation.METHODS`.
        teacher: The teacher.
        student: The student.

    Returns:
        `Hint`s with the published weight.

    Raises:
        ValueError: A net has no feature maps.
    """
    if method.layers == "features":
        pairs = [("features", "features")]
    else:
        ends = [last_maps(role, net, method) for role, net in (("teacher", teacher), ("student", student))]
        pairs = list(zip(*(names[::-1] for names in ends), strict=False))[::-1]
        pairs = {"stages": pairs, "middle": [pairs[len(pairs) // 2]], "last": pairs[-1:]}[method.layers]
    return [distillation.Hint(*pair, weight=method.weight, loss=method.loss) for pair in pairs]


def last_maps(role: str, net: keras.Model, method: distillation.Method) -> list[str]:
    """The layers at the ends of a net's stages; refuses a net without feature maps."""
    if not (ends := stage_ends(net)):
        refuse(role, f"a net with feature maps, for {method.loss!r}", net.name)
    return ends


def check_maps(names: Sequence[str], **recipes: Recipe | None) -> None:
    """Refuses nets without the feature maps that losses on maps need, before anything is trained.

    Args:
        names: Keys of `kerasnets.distillation.METHODS`.
        **recipes: The recipe of the "teacher" or the "student"; None for a net of a file.
    """
    rows = [distillation.METHODS[name] for name in names]
    for role, recipe in recipes.items():
        if recipe is not None and (row := next((row for row in rows if row.layers != "features"), None)):
            with no_values():
                last_maps(
                    role, kerasnets.build(recipe.model, input_shape=recipe.shape, **recipe.options), row
                )


def as_data(value: Any) -> Any:
    """A value as JSON data: a function is its name as Keras registers it, a number of numpy is Python's."""
    if isinstance(value, dict):
        return {name: as_data(one) for name, one in value.items()}
    if isinstance(value, (tuple, list)):
        return type(value)(map(as_data, value))
    if callable(value):
        return keras.saving.get_registered_name(value)
    return value.item() if isinstance(value, np.generic) else value


def names_of(data: Data) -> tuple[str, ...]:
    """The names of the classes of the student; none if the recipe says another number of classes."""
    names = tuple(data.training.class_names)
    return names if len(names) == max(2, data.classes) else ()


def digest(file: str) -> str | None:
    """The hash of a file, by which another teacher of the same path is told apart; None for other weights."""
    return str(hash_of(pathlib.Path(file))) if pathlib.Path(file).is_file() else None


def compiled(model, net, data, logged=None):
    """Compiles a Distiller with the optimizer of its run."""
    optimizer = data.recipe.make_optimizer(data.training.steps_per_epoch, net, model)
    model.compile(optimizer, metrics=logged, jit_compile=training.distribution.jit_compile())
    return model
