"""Hints: a student's feature maps are trained to predict those of a teacher.

Romero, Ballas, Kahou, Chassang, Gatta, Bengio, "FitNets: Hints for Thin Deep Nets", ICLR 2015,
arXiv:1412.6550.
"""

import dataclasses
from collections.abc import Sequence

import keras
from keras import layers

from kerasnets.checks import is_number, nearest, refuse
from kerasnets.graph import output_of, with_outputs


@dataclasses.dataclass(frozen=True)
class Hint:
    """A pair of layers: the student's layer learns to predict the output of the teacher's layer.

    The loss of an example is half the mean of the squared differences, times `weight`. If the teacher's
    feature maps have a different resolution, they are resized to the student's.

    Source: section 2.2 and equation 3, which has half the sum.

    Attributes:
        teacher_layer: Name of the teacher's layer, called the hint layer in the paper.
        student_layer: Name of the student's layer, called the guided layer in the paper.
        weight: Weight of this loss in the total loss, not negative.
        regressor: Whether a trainable regressor maps the student's channels to the number of the teacher's.
            It is a 1x1 convolution, or a dense layer for vectors. It belongs to the Distiller, not to the
            student. Without a regressor, the numbers of channels must be equal.

    Raises:
        ValueError: An attribute is not allowed.
    """

    teacher_layer: str
    student_layer: str
    weight: float = 1.0
    regressor: bool = True

    def __post_init__(self):
        for attribute in ("teacher_layer", "student_layer"):
            if not isinstance(getattr(self, attribute), str):
                refuse(attribute, "the name of a layer", getattr(self, attribute))
        if not is_number(self.weight) or self.weight < 0:
            refuse("weight", "a number, at least 0", self.weight)
        if not isinstance(self.regressor, bool):
            refuse("regressor", "True or False", self.regressor)


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
        names: Names of the layers.

    Returns:
        A keras.Model that shares its weights with `model` and gives a pair: the model's outputs, and a list
        of those of the layers.

    Raises:
        ValueError: `model` has no graph of layers, or lacks one of the layers.
    """
    if not getattr(model, "inputs", None):
        refuse(role, "a functional or sequential model if there are hints", model)
    known = [layer.name for layer in model.layers]
    for name in names:
        if name not in known:
            raise ValueError(
                f"`hints` name layers of the {role} {model.name}.{nearest(name, known)} Received: {name!r}"
            )
    maps = [model.get_layer(name).output for name in names]
    return with_outputs(model, (output_of(model), maps))


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
        A built layer; the identity if `hint.regressor` is False.

    Raises:
        ValueError: The shapes of the outputs do not fit.
    """
    ours, theirs = tuple(student_maps.shape), tuple(teacher_maps.shape)
    fits = len(ours) == len(theirs) and (hint.regressor or ours[-1] == theirs[-1])
    if not fits or (len(ours) != 4 and ours[1:-1] != theirs[1:-1]):
        refuse("hints", f"layers whose output shapes fit each other: the teacher's is {theirs}", ours)
    convs = {3: layers.Conv1D, 4: layers.Conv2D, 5: layers.Conv3D}
    name = f"regressor{index}"
    if not hint.regressor:
        regressor = layers.Identity(name=name)
    elif len(ours) == 2:
        regressor = layers.Dense(theirs[-1], name=name)
    else:
        regressor = convs[len(ours)](theirs[-1], 1, name=name)
    regressor.build(ours)
    return regressor
