"""The Distiller: trains a student on hard labels and a teacher's soft targets.

Hinton, Vinyals, Dean, "Distilling the Knowledge in a Neural Network", 2015, arXiv:1503.02531.
"""

import dataclasses

import keras
from keras import ops

from kerasnets.checks import is_number, refuse
from kerasnets.distillation.hints import Guides, Hint, hint_loss
from kerasnets.distillation.losses import hard_loss, soft_loss
from kerasnets.distillation.models import check_logits, classes_of
from kerasnets.graph import summed_penalty
from kerasnets.weights.state import random_states


class WeightedMean(keras.losses.Loss):
    """Mean of losses that are computed already, by sample weight, and over replicas."""

    def call(self, losses, _):
        return losses


@keras.saving.register_keras_serializable("kerasnets")
class Distiller(keras.Model):
    """Trains a student to match hard labels and a teacher.

    For labels y, student logits z, teacher logits v, temperature T and hard weight w an example's loss is

        w * CE(y, softmax(z)) + (1 - w) * T^2 * KL(softmax(v / T) || softmax(z / T))

    Compile it with an optimizer and metrics, but no loss; then `fit` and `evaluate` take

    - (x, y) or (x, y, sample_weight) with a live `teacher`, which sees each batch as the student does: right
      for augmented data;
    - (x, {"labels": y, "teacher_logits": v}) as `add_teacher_logits` makes it, without a teacher: much
      faster where the teacher is big, right for data that does not change from epoch to epoch.

    In either form targets may be a dict, {"labels": y}, and hold "hard_weight", (batch,), w for each example.

    Labels are class numbers or one-hot. Logs hold `loss`, `hard_loss`, `soft_loss` and the compiled metrics,
    which compare labels with the student's logits. Evaluated without a teacher and without its logits, `loss`
    is the hard loss and `soft_loss` stays 0. `predict` gives the student's logits. Only the student learns:
    the teacher runs as in inference, and its `trainable` flags are left alone.

    With `hints` the teacher is live, and the weighted losses of each `Hint` are added; logs hold their sum,
    `hint_loss`. Two stages, as in FitNets, are two Distillers of one student: the first with `hints_only`.

    Args:
        student: Model that gives logits, (batch, classes). It is trained in place.
        teacher: Model that gives logits of the same classes, or None if the data holds them.
        temperature: T, a positive number.
        hard_weight: w, in [0, 1].
        hints: `Hint`s, each for one layer of the student.
        hints_only: Whether the hints are all the loss; then only what they depend on is trained.
        name: Name of the model.

    Raises:
        ValueError: A model ends in a softmax, the numbers of classes differ, or a number is out of range.

    Example:
        distiller = Distiller(student, teacher, temperature=4.0)
        distiller.compile("adam", metrics=["accuracy"])
        distiller.fit(train, validation_data=test, epochs=20)
        student.save("student.keras")
    """

    def __init__(
        self,
        student,
        teacher=None,
        temperature=4.0,
        hard_weight=0.1,
        hints=(),
        hints_only=False,
        name="distiller",
    ):
        check_logits("student", student)
        if teacher is not None:
            check_logits("teacher", teacher)
            if None not in (sizes := (classes_of(student), classes_of(teacher))) and sizes[0] != sizes[1]:
                refuse("teacher", f"a model of the student's {sizes[0]} classes", f"{sizes[1]} classes")
        if not is_number(temperature) or not 0 < temperature < float("inf"):
            refuse("temperature", "a positive number", temperature)
        if not is_number(hard_weight) or not 0 <= hard_weight <= 1:
            refuse("hard_weight", "a number in [0, 1]", hard_weight)
        if not isinstance(hints, (tuple, list)) or not all(isinstance(hint, Hint) for hint in hints):
            refuse("hints", "a list of kerasnets.distillation.Hint", hints)
        if hints and teacher is None:
            refuse("teacher", "a model where hints are given", None)
        if hints_only and not hints:
            refuse("hints_only", "False where there are no hints", hints_only)

        super().__init__(name=name, dtype=student.dtype_policy)
        self.student = student
        self.teacher = teacher
        self.temperature = float(temperature)
        self.hard_weight = float(hard_weight)
        self.hints = tuple(hints)
        self.hints_only = bool(hints_only)
        self.guides = Guides(student, teacher, self.hints) if hints else None  # no layer: nothing twice
        self.regressors = self.guides.regressors() if hints else []
        self.hard_tracker = keras.metrics.Mean("hard_loss")
        self.soft_tracker = keras.metrics.Mean("soft_loss")
        if hints:
            self.hint_tracker = keras.metrics.Mean("hint_loss")
        self.mean = WeightedMean()
        self.built = student.built

    def call(self, x, training=None):
        if not (self.guides and training):
            return self.student(x, training=training)
        logits, *maps = self.guides.student(x, training=training)
        return {"logits": logits, "maps": [r(m) for r, m in zip(self.regressors, maps, strict=True)]}

    def compile(self, optimizer="rmsprop", loss=None, **kwargs):
        """As `keras.Model.compile`, without a loss: the Distiller has its own.

        Raises:
            ValueError: A loss is given.
        """
        if loss is not None:
            refuse("loss", "None, for the Distiller has its own", loss)
        super().compile(optimizer=optimizer, **kwargs)
        if self.built:
            self.optimizer.build(self.trainable_variables)  # or a restored run would lose its state

    def compile_from_config(self, config):
        self.compile(**keras.saving.deserialize_keras_object(config))

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        labels, teacher_logits, hard_weight, sample_weight = self.split(y, sample_weight)
        guided = ()
        if isinstance(y_pred, dict):
            y_pred, guided = y_pred["logits"], y_pred["maps"]
            teacher_logits, *guides = self.guides.teacher(x, training=False)
        elif teacher_logits is None and self.teacher is not None:
            teacher_logits = self.teacher(x, training=False)

        losses = hard = hard_loss(labels, y_pred)
        if teacher_logits is not None:
            if teacher_logits.shape[-1] != y_pred.shape[-1]:
                classes = y_pred.shape[-1]
                refuse("teacher_logits", f"of the student's {classes} classes", teacher_logits.shape)
            soft = soft_loss(teacher_logits, y_pred, self.temperature)
            w = self.hard_weight if hard_weight is None else ops.cast(hard_weight, soft.dtype)
            losses = w * hard + (1 - w) * soft
            self.soft_tracker.update_state(soft, sample_weight)
        elif training:
            refuse("teacher", "a model, or data from add_teacher_logits", None)
        self.hard_tracker.update_state(hard, sample_weight)
        if guided:
            pairs = zip(self.hints, guided, guides, strict=True)
            hinted = sum(hint.weight * hint_loss(ours, theirs) for hint, ours, theirs in pairs)
            self.hint_tracker.update_state(hinted, sample_weight)
            losses = hinted if self.hints_only else losses + hinted

        total = self.mean(losses, y_pred, sample_weight)
        for penalty in self.student.losses:
            total = total + summed_penalty(self, penalty)
        return total

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        labels, _, _, sample_weight = self.split(y, sample_weight)
        logits = y_pred["logits"] if isinstance(y_pred, dict) else y_pred
        return super().compute_metrics(x, labels, logits, sample_weight)

    @staticmethod
    def split(y, sample_weight):
        """Labels, teacher logits, hard weights and sample weights, None for what the data does not give."""
        if not isinstance(y, dict):
            return y, None, None, sample_weight
        if isinstance(sample_weight, dict):  # Keras repeats the weights of arrays for each target
            sample_weight = sample_weight["labels"]
        return y["labels"], y.get("teacher_logits"), y.get("hard_weight"), sample_weight

    @property
    def trainable_variables(self):
        learner = self.guides.guided if self.hints_only else self.student
        return learner.trainable_variables + [v for r in self.regressors for v in r.trainable_variables]

    @property
    def non_trainable_variables(self):
        learns = {id(v) for v in self.trainable_variables}
        return [v for v in self.variables if id(v) not in learns]

    @property
    def trainable_weights(self):
        return self.trainable_variables

    @property
    def non_trainable_weights(self):
        learns = {id(w) for w in self.trainable_weights}
        return [w for w in self.weights if id(w) not in learns]

    def save_own_variables(self, store):
        for i, state in enumerate(random_states(self)):
            store[str(i)] = state

    def load_own_variables(self, store):
        for i, state in enumerate(random_states(self)):
            state.assign(store[str(i)])

    def get_config(self):
        serialize = keras.saving.serialize_keras_object
        return {
            "student": serialize(self.student),
            "teacher": None if self.teacher is None else serialize(self.teacher),
            "temperature": self.temperature,
            "hard_weight": self.hard_weight,
            "hints": [dataclasses.asdict(hint) for hint in self.hints],
            "hints_only": self.hints_only,
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        models = {
            role: config[role]
            and keras.saving.deserialize_keras_object(config[role], custom_objects=custom_objects)
            for role in ("student", "teacher")
        }
        hints = [Hint(**hint) for hint in config["hints"]]
        return cls(**{**config, **models, "hints": hints})
