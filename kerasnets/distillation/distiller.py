"""The Distiller, which trains a student on hard labels and on a teacher's soft targets.

Hinton, Vinyals, Dean, "Distilling the Knowledge in a Neural Network", 2015, arXiv:1503.02531.
"""

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
from keras import ops

from kerasnets.assembly.outputs import AUX_WEIGHT, main_of
from kerasnets.checks import is_int, is_number, refuse
from kerasnets.distillation.hints import Hint, HintModels
from kerasnets.distillation.logit_losses import standardized
from kerasnets.distillation.losses import hard_loss, soft_loss
from kerasnets.distillation.methods import INDEPENDENT, logit_loss, of_examples
from kerasnets.distillation.models import auxiliary, check_logits, count_logits
from kerasnets.graph import has_graph, no_gradients, output_of, summed_penalty
from kerasnets.weights.card import Card, attach, card_of, common, describe
from kerasnets.weights.state import RandomStatesSaved

ACCURACIES = ("accuracy", "acc", "binary_accuracy")


class Guided(NamedTuple):
    """What a student gives in training with hints: its outputs, and maps in the channels of the teacher's."""

    outputs: Any
    maps: list


class WeightedMean(keras.losses.Loss):
    """Mean of losses that have been computed, weighted by sample weight and taken over all replicas."""

    def call(self, losses, _):
        return losses


@keras.saving.register_keras_serializable("kerasnets")
class Distiller(RandomStatesSaved, keras.Model):
    """Trains a student on hard labels and on the outputs of a teacher.

    The loss of an example with label y, student logits z and teacher logits v, for temperature T and hard
    weight w, is

        w * CE(y, softmax(z)) + (1 - w) * T^2 * KL(softmax(v / T) || softmax(z / T))

    `method` replaces T^2 * KL by another loss on logits, and `soft_weight` replaces 1 - w by another weight.
    `METHODS` has the weights and temperatures that the authors of each method published.

    Compile the Distiller with an optimizer and metrics, but without a loss. `fit` and `evaluate` take data in
    one of two forms:

    - (x, y) or (x, y, sample_weight) with a live `teacher`, which sees the same batches as the student. This
      form suits augmented data.
    - (x, {"labels": y, "teacher_logits": v}), as `add_teacher_logits` makes it, without a teacher. This form
      is much faster if the teacher is large. It suits data that is the same at every epoch.

    In both forms the targets may be a dict, {"labels": y}, which may contain "hard_weight", (batch,), the w
    of each example.

    Labels are class indices or one-hot vectors. The logs contain `loss`, `hard_loss`, `soft_loss` and the
    compiled metrics of the student's logits; `soft_loss` is the loss of the method, T^2 included, before its
    weight. `evaluate` without a teacher and without its logits gives the hard loss as `loss`, and 0 as
    `soft_loss`. `predict` gives the student's outputs. Only the student is trained. The teacher runs in
    inference mode, and its `trainable` flags are not changed.

    A single logit tells two classes apart: both losses are then those of its sigmoid, and labels are 0, 1 or
    the probability of 1. The metric "accuracy" counts a logit above 0 as class 1. Metrics given as objects
    see the logit, as in `keras.metrics.BinaryAccuracy(threshold=0.0)`.

    Several logits may be independent labels, any number of which may be right. With `binary`, both losses
    are means over the labels of the losses of their sigmoids, and labels are 0 or 1 for each, (batch,
    labels). `method` must then be "kl", "squared" or a function.

    Losses that compare the examples of a batch, "dist", "similarity", "relation" and "pkt", depend on its
    size. With several replicas, each compares the examples of its own part of the batch.

    Of several outputs, the main one teaches and is taught: "predictions" of a dict, or the first of a list.
    The student's others that have its shape are auxiliary heads, such as those of GoogLeNet. In training,
    their cross-entropy with the labels times `aux_weight` is added to the loss, and the logs contain its sum
    over the heads, `aux_loss`. Metrics and `evaluate` regard the main output alone. Targets may then also
    have the structure of the outputs; those of the main one are used.

    Hints need a live teacher. The weighted loss of each `Hint` is added to the loss, and the logs contain
    their sum, `hint_loss`. Two-stage training as in FitNets takes two Distillers of one student, of which the
    first has `hints_only`.

    Args:
        student: Model that gives logits, (batch, classes), or several outputs. It is trained in place.
        teacher: Model that gives logits of the same classes, or None if the data contains them.
        temperature: T, a positive number.
        hard_weight: w, in [0, 1]. Data with a "hard_weight" for each example has that w for it.
        hints: `Hint`s, each for one layer of the student.
        hints_only: Whether the loss consists of the hints alone. Only the layers up to the guided ones are
            trained then.
        name: Name of the model.
        method: Loss on logits: "kl", "dkd", "dist", "nkd" or "squared"; one of these with constants, such as
            ("dkd", {"beta": 2.0}); or a function of (teacher_logits, logits, labels, temperature) that
            returns a tensor, (batch,). A Distiller can be loaded again if the function is registered with
            Keras.
        standardize: Whether the logits of both nets are standardized for each example before the loss. It
            needs three classes or more: of two, only the sign of their difference would be left.
        soft_weight: Weight of the loss on logits, not negative; None for 1 - w.
        warm_up: Epochs of `fit` in which `soft_weight` rises linearly, from 1 / warm_up in the first to its
            whole value in the last of them; 0 for the whole value from the start.
        aux_weight: Weight of the loss of each auxiliary head of the student, not negative.
        binary: Whether each logit is an independent label. None means yes if the card of the student or of
            the teacher has a `threshold`; the student's card then has it too.

    Raises:
        ValueError: A model does not give logits, the numbers of classes differ, an argument is not allowed,
            the hints do not fit the models, or the cards of the two models name different scalings or class
            names.

    Example:
        distiller = Distiller(student, teacher, temperature=4.0)
        distiller.compile("adam", metrics=["accuracy"])
        distiller.fit(train, validation_data=test, epochs=20)
        kerasnets.save(student, "student.keras")
    """

    def __init__(
        self,
        student: keras.Model,
        teacher: keras.Model | None = None,
        temperature: float = 4.0,
        hard_weight: float = 0.1,
        hints: Sequence[Hint] = (),
        hints_only: bool = False,
        name: str = "distiller",
        *,
        method: Any = "kl",
        standardize: bool = False,
        soft_weight: float | None = None,
        warm_up: int = 0,
        aux_weight: float = AUX_WEIGHT,
        binary: bool | None = None,
    ) -> None:
        check_logits("student", student)
        if teacher is not None:
            check_logits("teacher", teacher)
            if teacher is student:
                refuse("teacher", "another model than the student, which would learn from itself", teacher)
            if None not in (sizes := (count_logits(student), count_logits(teacher))) and sizes[0] != sizes[1]:
                refuse("teacher", f"a model of the student's {sizes[0]} classes", f"{sizes[1]} classes")
        if not is_number(temperature) or not 0 < temperature < float("inf"):
            refuse("temperature", "a positive number", temperature)
        if not is_number(hard_weight) or not 0 <= hard_weight <= 1:
            refuse("hard_weight", "a number in [0, 1]", hard_weight)
        if soft_weight is not None and (not is_number(soft_weight) or not 0 <= soft_weight < float("inf")):
            refuse("soft_weight", "None, or a number, at least 0", soft_weight)
        if not is_int(warm_up, 0):
            refuse("warm_up", "a whole number of epochs, at least 0", warm_up)
        if not isinstance(standardize, bool):
            refuse("standardize", "True or False", standardize)
        if standardize and (count_logits(student) or 3) < 3:
            refuse("standardize", "False for fewer than three classes", standardize)
        logit_loss(method)
        if not is_number(aux_weight) or aux_weight < 0:
            refuse("aux_weight", "a number, at least 0", aux_weight)
        if binary is not None and not isinstance(binary, bool):
            refuse("binary", "None, True or False", binary)
        if not isinstance(hints, (tuple, list)) or not all(isinstance(hint, Hint) for hint in hints):
            refuse("hints", "a list of kerasnets.distillation.Hint", hints)
        if hints and teacher is None:
            refuse("teacher", "a model if there are hints", None)
        if hints_only and not hints:
            refuse("hints_only", "False if there are no hints", hints_only)

        super().__init__(name=name, dtype=student.dtype_policy)
        self.student = student
        self.teacher = teacher
        self.temperature = float(temperature)
        self.hard_weight = float(hard_weight)
        self.method = tuple(method) if isinstance(method, list) else method
        self.standardize = standardize
        self.soft_weight = None if soft_weight is None else float(soft_weight)
        self.warm_up = int(warm_up)
        self.aux_weight = float(aux_weight)
        self.hints = tuple(hints)
        self.hints_only = bool(hints_only)
        # Not a layer, so Keras does not track or save the models in it a second time.
        self.hint_models = HintModels(student, teacher, self.hints) if hints else None
        self.regressors = self.hint_models.regressors() if hints else []
        self.hard_tracker = keras.metrics.Mean("hard_loss")
        self.soft_tracker = keras.metrics.Mean("soft_loss")
        if hints:
            self.hint_tracker = keras.metrics.Mean("hint_loss")
        if has_graph(student) and auxiliary(output_of(student)):
            self.aux_tracker = keras.metrics.Mean("aux_loss")
        self.mean = WeightedMean()
        self.built = student.built
        if teacher is not None:
            describe(student, **common([student, teacher], "teacher"))
        known = card_of(student).threshold is not None
        self.binary = known if binary is None else binary
        if self.binary and (count_logits(student) or 2) > 1:
            if name_of(method) not in (None, *INDEPENDENT):
                refuse("method", "'kl' or 'squared' for independent labels", method)
            if not isinstance(method, str) and not callable(method) and method[1].get("centered"):
                refuse("method", "'squared' that is not centered for independent labels", method)
            if standardize:
                refuse("standardize", "False for independent labels", standardize)
        if self.warm_up:
            start = keras.initializers.Constant(1 / self.warm_up)
            self.ramp = self.add_weight((), start, "float32", trainable=False, name="ramp")

    @property
    def kerasnets_card(self) -> Card:
        """The card of the student, which is that of the Distiller."""
        return card_of(self.student)

    @kerasnets_card.setter
    def kerasnets_card(self, card: Card) -> None:
        attach(self.student, card)

    def call(self, x: Any, training: bool | None = None) -> Any:
        if not (self.hint_models and training):
            return self.student(x, training=training)
        outputs, maps = self.hint_models.student(x, training=training)
        return Guided(outputs, [r(m) for r, m in zip(self.regressors, maps, strict=True)])

    def compile(self, optimizer: Any = "rmsprop", loss: None = None, **kwargs: Any) -> None:
        """Configures the Distiller for training.

        Args:
            optimizer: As for `keras.Model.compile`.
            loss: None, because the Distiller has its own loss.
            **kwargs: As for `keras.Model.compile`.

        Raises:
            ValueError: A loss is given.
        """
        if loss is not None:
            refuse("loss", "None, because the Distiller has its own", loss)
        if count_logits(self.student) == 1 or self.binary:
            kwargs = {name: of_one_logit(value) for name, value in kwargs.items()}
        super().compile(optimizer=optimizer, **kwargs)
        if self.built:
            self.optimizer.build(self.trainable_variables)  # otherwise a resumed run would lose its state

    def compile_from_config(self, config):
        self.compile(**keras.saving.deserialize_keras_object(config))

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        labels, teacher_logits, hard_weight, sample_weight = self.split(y, sample_weight)
        outputs, student_maps = y_pred if isinstance(y_pred, Guided) else (y_pred, ())
        logits = main_of(outputs)
        with no_gradients():
            if student_maps:
                taught, teacher_maps = self.hint_models.teacher(x, training=False)
                teacher_logits = main_of(taught)
            elif teacher_logits is None and self.teacher is not None:
                teacher_logits = main_of(self.teacher(x, training=False))

        losses = hard = hard_loss(labels, logits, self.binary)
        if teacher_logits is not None:
            if teacher_logits.shape[-1] != logits.shape[-1]:
                classes = logits.shape[-1]
                refuse("teacher_logits", f"of the student's {classes} classes", teacher_logits.shape)
            soft = ops.cast(self.loss_on_logits(teacher_logits, logits, labels), hard.dtype)
            w = self.hard_weight if hard_weight is None else ops.cast(hard_weight, soft.dtype)
            soft_weight = 1 - w if self.soft_weight is None else self.soft_weight
            if self.warm_up:
                soft_weight = soft_weight * ops.cast(self.ramp, soft.dtype)
            losses = w * hard + soft_weight * soft
            self.soft_tracker.update_state(soft, sample_weight)
        elif training:
            refuse("teacher", "a model, or the data comes from add_teacher_logits", None)
        self.hard_tracker.update_state(hard, sample_weight)
        if training and (heads := auxiliary(outputs)):
            of_heads = sum(hard_loss(labels, head, self.binary) for head in heads)
            if hasattr(self, "aux_tracker"):
                self.aux_tracker.update_state(of_heads, sample_weight)
            losses = losses + self.aux_weight * of_heads
        if student_maps:
            pairs = zip(self.hints, student_maps, teacher_maps, strict=True)
            of_hints = sum(ops.cast(hint.compare(theirs, ours), hard.dtype) for hint, ours, theirs in pairs)
            self.hint_tracker.update_state(of_hints, sample_weight)
            losses = of_hints if self.hints_only else losses + of_hints

        total = self.mean(losses, logits, sample_weight)
        for penalty in self.student.losses:
            total = total + summed_penalty(self, penalty)
        return total

    def loss_on_logits(self, teacher_logits: Any, logits: Any, labels: Any) -> Any:
        """The loss of the method for each example, (batch,), without its weight."""
        if self.binary and logits.shape[-1] > 1 and name_of(self.method) == "kl":
            return soft_loss(teacher_logits, logits, self.temperature, binary=True)
        if self.standardize:
            teacher_logits, logits = standardized(teacher_logits), standardized(logits)
        losses = logit_loss(self.method)(teacher_logits, logits, labels, self.temperature)
        return of_examples(losses, "method")

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        labels, _, _, sample_weight = self.split(y, sample_weight)
        outputs = y_pred.outputs if isinstance(y_pred, Guided) else y_pred
        return super().compute_metrics(x, labels, main_of(outputs), sample_weight)

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        **kwargs: Any,
    ) -> keras.callbacks.History:
        """Trains the student as `keras.Model.fit` does, with the warm-up of `soft_weight`."""
        if self.warm_up:
            if isinstance(callbacks, keras.callbacks.CallbackList):
                if not any(isinstance(callback, WarmUp) for callback in callbacks.callbacks):
                    callbacks.callbacks.insert(0, WarmUp())
                    callbacks.set_model(self)
            else:
                callbacks = [WarmUp(), *keras.tree.flatten(callbacks or [])]
        return super().fit(x, y, batch_size, epochs, verbose, callbacks, **kwargs)

    @staticmethod
    def split(y, sample_weight):
        """Returns labels, teacher logits, hard weights and sample weights; None for what the data lacks."""
        rest = y if isinstance(y, dict) and "labels" in y else {}
        # Keras repeats the sample weights for each target.
        labels, weight = (
            part["labels"] if isinstance(part, dict) and "labels" in part else main_of(part, "y")
            for part in (y, sample_weight)
        )
        return labels, rest.get("teacher_logits"), rest.get("hard_weight"), weight

    @property
    def trainable_variables(self):
        trained = self.hint_models.guided if self.hints_only else self.student
        return trained.trainable_variables + [v for r in self.regressors for v in r.trainable_variables]

    @property
    def non_trainable_variables(self):
        trained = {id(v) for v in self.trainable_variables}
        return [v for v in self.variables if id(v) not in trained]

    @property
    def trainable_weights(self):
        return self.trainable_variables

    @property
    def non_trainable_weights(self):
        trained = {id(w) for w in self.trainable_weights}
        return [w for w in self.weights if id(w) not in trained]

    def save_own_variables(self, store):
        super().save_own_variables(store)
        if self.warm_up:
            store["ramp"] = self.ramp

    def load_own_variables(self, store):
        super().load_own_variables(store)
        if self.warm_up:
            self.ramp.assign(store["ramp"])

    def get_config(self) -> dict[str, Any]:
        serialize = keras.saving.serialize_keras_object
        return {
            "student": serialize(self.student),
            "teacher": None if self.teacher is None else serialize(self.teacher),
            "temperature": self.temperature,
            "hard_weight": self.hard_weight,
            "method": serialize(self.method),
            "standardize": self.standardize,
            "soft_weight": self.soft_weight,
            "warm_up": self.warm_up,
            "aux_weight": self.aux_weight,
            "binary": self.binary,
            "hints": [{**vars(hint), "loss": serialize(hint.loss)} for hint in self.hints],
            "hints_only": self.hints_only,
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict | None = None) -> "Distiller":
        restored = functools.partial(keras.saving.deserialize_keras_object, custom_objects=custom_objects)
        models = {role: config[role] and restored(config[role]) for role in ("student", "teacher")}
        hints = [Hint(**{**hint, "loss": restored(hint.get("loss", "fitnet"))}) for hint in config["hints"]]
        method = restored(config.get("method", "kl"))
        return cls(**{**config, **models, "hints": hints, "method": method})


class WarmUp(keras.callbacks.Callback):
    """Sets the factor of a Distiller's `soft_weight` at the start of each epoch."""

    def on_epoch_begin(self, epoch, logs=None):
        self.model.ramp.assign(min(1.0, (epoch + 1) / self.model.warm_up))


def name_of(method: Any) -> str | None:
    """The name of a loss on logits; None for a function."""
    return None if callable(method) else method if isinstance(method, str) else method[0]


def of_one_logit(metrics: Any) -> Any:
    """Metrics for `compile`, in which names of accuracies stand for those of independent logits."""

    def metric(name):
        known = isinstance(name, str) and name in ACCURACIES
        return keras.metrics.BinaryAccuracy(name, threshold=0.0) if known else name

    return keras.tree.map_structure(metric, metrics)
