"""Hints: a student's feature maps are trained to follow those of a teacher.

Romero, Ballas, Kahou, Chassang, Gatta, Bengio, "FitNets: Hints for Thin Deep Nets", ICLR 2015,
arXiv:1412.6550. `kerasnets.distillation.map_losses` has this loss and others.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import layers

from kerasnets.assembly.heads import pool
from kerasnets.assembly.outputs import classifier, main_of
from kerasnets.checks import is_number, nearest, refuse
from kerasnets.distillation.methods import map_loss, of_examples
from kerasnets.graph import flat_with, output_of, outputs_of, producer, with_outputs

FEATURES = "features"  # stands for what the classifier reads
COMPARES_MAPS = ("attention", "nst")  # losses that take maps, but no vectors


@dataclasses.dataclass(frozen=True)
class Hint:
    """A pair of layers: the student's layer learns to follow the output of the teacher's layer.

    Source: section 2.2 and equation 3 of FitNets, for the loss "fitnet", a regressor included.

    Attributes:
        teacher_layer: Name of the teacher's layer, called the hint layer in the paper. "features" stands for
            what the classifier reads, pooled if these are maps, unless a layer has this name.
        student_layer: Name of the student's layer, called the guided layer in the paper, or "features".
        weight: Weight of this loss in the total loss, not negative.
        regressor: Whether a trainable regressor maps the student's channels to the number of the teacher's.
            It is a 1x1 convolution, or a dense layer for vectors. It belongs to the Distiller, not to the
            student. None means True for "fitnet", and False for all other losses. Without it, "fitnet" needs
            equal numbers of channels.
        loss: A key of `MAP_LOSSES`, or a function of the teacher's and the student's outputs that returns a
            tensor, (batch,).

    Raises:
        ValueError: An attribute is not allowed.
    """

    teacher_layer: str
    student_layer: str
    weight: float = 1.0
    regressor: bool | None = None
    loss: str | Callable = "fitnet"

    def __post_init__(self):
        for attribute in ("teacher_layer", "student_layer"):
            if not isinstance(getattr(self, attribute), str):
                refuse(attribute, "the name of a layer", getattr(self, attribute))
        if not is_number(self.weight) or self.weight < 0:
            refuse("weight", "a number, at least 0", self.weight)
        if self.regressor is not None and not isinstance(self.regressor, bool):
            refuse("regressor", "None, True or False", self.regressor)
        map_loss(self.loss)

    @property
    def regresses(self) -> bool:
        """Whether there is a regressor."""
        return self.loss == "fitnet" if self.regressor is None else self.regressor

    def compare(self, guide: Any, guided: Any) -> Any:
        """The weighted loss of each example, (batch,)."""
        return self.weight * of_examples(map_loss(self.loss)(guide, guided), "loss")


class HintModels:
    """Models that give the feature maps that hints compare. They share the weights of student and teacher.

    Args:
        student: Functional or sequential model.
        teacher: Functional or sequential model.
        hints: `Hint`s.

    Attributes:
        hints: The same `Hint`s.
        student: Gives the student's outputs and a list of the outputs of its guided layers.
        teacher: Gives the teacher's outputs and a list of the outputs of its hint layers.
        guided: The student up to its guided layers.

    Raises:
        ValueError: A model has no graph of layers, or lacks a layer that a hint names.
    """

    def __init__(self, student: keras.Model, teacher: keras.Model, hints: Sequence[Hint]) -> None:
        self.hints = hints
        self.student = with_maps("student", student, [hint.student_layer for hint in hints])
        self.teacher = with_maps("teacher", teacher, [hint.teacher_layer for hint in hints])
        self.guided = with_outputs(self.student, self.student.output[1])

    def regressors(self) -> list[keras.Layer]:
        """One layer for each hint, which maps the student's channels to the number of the teacher's."""
        pairs = zip(self.hints, self.student.output[1], self.teacher.output[1], strict=True)
        return [regressor_for(*row, index) for index, row in enumerate(pairs)]


def with_maps(role: str, model: keras.Model, names: Sequence[str]) -> keras.Model:
    """Returns a model that also gives the outputs of some of its layers.

    Args:
        role: "student" or "teacher", for the error message.
        model: Functional or sequential model.
        names: Names of the layers, or "features".

    Returns:
        A keras.Model that shares its weights with `model` and gives a pair: the model's outputs, and a list
        of those of the layers.

    Raises:
        ValueError: `model` has no graph of layers, or lacks one of the layers.
    """
    if not getattr(model, "inputs", None):
        refuse(role, "a functional or sequential model if there are hints", model)
    known = {layer.name for layer in model.layers}
    for name in names:
        if name not in {FEATURES, *known}:
            raise ValueError(
                f"`hints` name layers of the {role} {model.name}.{nearest(name, known)} Received: {name!r}"
            )
    if FEATURES in set(names) - known:
        classifier_of(role, model)
        # The classifier may be in a nested model, whose tensors are not of this graph.
        model, found = flat_with(model)
        found[FEATURES] = features(role, model)
    else:
        found = outputs_of(model)
    for name in names:
        if not keras.utils.is_keras_tensor(found[name]):
            refuse("hints", f"layers of the {role} {model.name} that give one tensor", name)
    return with_outputs(model, (output_of(model), [found[name] for name in names]))


def classifier_of(role: str, model: keras.Model) -> Any:
    """The call of a model's classifier; refuses a model without one."""
    call = classifier(main_of(output_of(model)), certain=True)
    if call is None:
        refuse(
            "hints", f"names of layers of the {role}, which has no classifier that reads features", FEATURES
        )
    return call


def features(role: str, model: keras.Model) -> keras.KerasTensor:
    """What the classifier of a flat model reads, (batch, features), without dropout in front of it."""
    (x,) = classifier_of(role, model).input_tensors
    while isinstance(producer(x).operation, layers.Dropout):
        (x,) = producer(x).input_tensors
    return pool(x, "avg", name="features_") if x.ndim > 2 else x


def regressor_for(
    hint: Hint, student_maps: keras.KerasTensor, teacher_maps: keras.KerasTensor, index: int
) -> keras.Layer:
    """Returns a layer that maps the student's channels to the number of the teacher's.

    Args:
        hint: A `Hint`.
        student_maps: Output of the student's layer.
        teacher_maps: Output of the teacher's layer.
        index: Index of the hint, for the layer's name.

    Returns:
        A built layer; the identity without a regressor.

    Raises:
        ValueError: The shapes of the outputs do not fit.
    """
    ours, theirs = tuple(student_maps.shape), tuple(teacher_maps.shape)
    same_rank = len(ours) == len(theirs)
    same_grid = len(ours) == 4 or ours[1:-1] == theirs[1:-1]  # images are resized
    fits = same_rank and same_grid and (hint.regresses or ours[-1] == theirs[-1])
    if (hint.regresses and not same_rank) or (hint.loss == "fitnet" and not fits):
        refuse("hints", f"layers whose output shapes fit each other: the teacher's is {theirs}", ours)
    if hint.loss in COMPARES_MAPS and (not same_rank or len(ours) < 3):
        refuse(
            "hints", f"layers that give maps for {hint.loss!r}, not vectors: the teacher's is {theirs}", ours
        )
    convs = {3: layers.Conv1D, 4: layers.Conv2D, 5: layers.Conv3D}
    name = f"regressor{index}"
    if not hint.regresses:
        regressor = layers.Identity(name=name)
    elif len(ours) == 2:
        regressor = layers.Dense(theirs[-1], name=name)
    else:
        regressor = convs[len(ours)](theirs[-1], 1, name=name)
    regressor.build(ours)
    return regressor
