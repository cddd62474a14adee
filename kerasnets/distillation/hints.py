"""Hints: a student's maps are to tell what a teacher's maps tell.

Romero, Ballas, Kahou, Chassang, Gatta, Bengio, "FitNets: Hints for Thin Deep Nets", ICLR 2015,
arXiv:1412.6550.
"""

import dataclasses

import keras
from keras import layers, ops

from kerasnets.checks import is_number, nearest, refuse
from kerasnets.graph import with_outputs


@dataclasses.dataclass(frozen=True)
class Hint:
    """Which layer of a student learns from which layer of a teacher.

    An example's loss is half the mean of the squared differences, times `weight`. Maps of a teacher whose
    grid is another are resized to the student's.

    Source: section 2.2 and equation 3, where it is half their sum.

    Attributes:
        teacher_layer: Name of the teacher's layer, which guides.
        student_layer: Name of the student's layer, which is guided.
        weight: What the hint counts for beside the other losses, not negative.
        regressor: Whether a 1x1 convolution, or a dense layer where there is no grid, is learnt that brings
            the student's maps to the number of the teacher's. It belongs to the Distiller, not to the
            student. Without one the numbers are equal.

    Raises:
        ValueError: An attribute is something else.
    """

    teacher_layer: str
    student_layer: str
    weight: float = 1.0
    regressor: bool = True

    def __post_init__(self):
        for word in ("teacher_layer", "student_layer"):
            if not isinstance(getattr(self, word), str):
                refuse(word, "the name of a layer", getattr(self, word))
        if not is_number(self.weight) or self.weight < 0:
            refuse("weight", "a number, not negative", self.weight)
        if not isinstance(self.regressor, bool):
            refuse("regressor", "True or False", self.regressor)


class Guides:
    """The models that give the maps which hints compare; they share the weights of student and teacher.

    Args:
        student: Functional or sequential model of one output.
        teacher: Likewise.
        hints: `Hint`s.

    Attributes:
        student: Gives the student's logits and the maps of its guided layers.
        teacher: Likewise of the teacher's guiding layers.
        guided: The student up to its guided layers.

    Raises:
        ValueError: A model has no graph, or not such a layer.
    """

    def __init__(self, student, teacher, hints):
        self.hints = hints
        self.student = with_maps("student", student, [hint.student_layer for hint in hints])
        self.teacher = with_maps("teacher", teacher, [hint.teacher_layer for hint in hints])
        self.guided = with_outputs(self.student, self.student.outputs[1:])

    def regressors(self):
        """A layer for each hint that brings the student's maps to the number of the teacher's."""
        pairs = zip(self.hints, self.student.outputs[1:], self.teacher.outputs[1:], strict=True)
        return [regressor_for(*row, index) for index, row in enumerate(pairs)]


def with_maps(role, model, names):
    """A model that gives the outputs of some layers beside its own.

    Args:
        role: "student" or "teacher", for the error.
        model: Functional or sequential model of one output.
        names: Names of its layers.

    Returns:
        A keras.Model that shares its weights and gives a list: the model's output, then those of the layers.

    Raises:
        ValueError: It has no graph, or not such a layer.
    """
    if not getattr(model, "inputs", None):
        refuse(role, "a functional or sequential model where hints are given", model)
    known = [layer.name for layer in model.layers]
    for name in names:
        if name not in known:
            raise ValueError(
                f"`hints` name layers of the {role} {model.name}.{nearest(name, known)} Received: {name!r}"
            )
    maps = [model.get_layer(name).output for name in names]
    return with_outputs(model, [model.outputs[0], *maps])


def regressor_for(hint, student_maps, teacher_maps, index):
    """What brings the student's maps to the number of the teacher's.

    Args:
        hint: A `Hint`.
        student_maps: KerasTensor of the student's layer.
        teacher_maps: KerasTensor of the teacher's.
        index: Number of the hint, for the name.

    Returns:
        A built layer; the identity if `hint.regressor` is False.

    Raises:
        ValueError: The maps cannot be compared.
    """
    ours, theirs = tuple(student_maps.shape), tuple(teacher_maps.shape)
    fits = len(ours) == len(theirs) and (hint.regressor or ours[-1] == theirs[-1])
    if not fits or (len(ours) != 4 and ours[1:-1] != theirs[1:-1]):
        refuse("hints", f"layers whose maps fit one another, as {theirs} of the teacher", ours)
    kinds = {3: layers.Conv1D, 4: layers.Conv2D, 5: layers.Conv3D}
    name = f"regressor{index}"
    if not hint.regressor:
        made = layers.Identity(name=name)
    elif len(ours) == 2:
        made = layers.Dense(theirs[-1], name=name)
    else:
        made = kinds[len(ours)](theirs[-1], 1, name=name)
    made.build(ours)
    return made


def hint_loss(guided, guide):
    """Half the mean squared difference of each example's maps.

    Args:
        guided: The student's, regressed, (batch, ..., maps).
        guide: The teacher's, (batch, ..., maps), resized where the grids differ. No gradient flows into it.

    Returns:
        (batch,), in float32 at least.
    """
    full = keras.backend.result_type(guided.dtype, "float32")
    guide = ops.cast(ops.stop_gradient(guide), full)
    if guided.ndim == 4 and guided.shape[1:3] != guide.shape[1:3]:
        guide = ops.image.resize(guide, ops.shape(guided)[1:3], antialias=True, data_format="channels_last")
    squares = ops.square(ops.cast(guided, full) - guide)
    return 0.5 * ops.mean(squares, axis=tuple(range(1, guided.ndim)))
