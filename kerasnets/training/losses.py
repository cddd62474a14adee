"""Losses of the papers, and of nets with several heads."""

from typing import Any

import keras
from keras import ops

from kerasnets.assembly.outputs import AUX_WEIGHT, MAIN, outputs_by_name
from kerasnets.checks import is_number, refuse
from kerasnets.training.metrics import of_labels


def aux_loss_weights(model: keras.Model, aux: float = AUX_WEIGHT) -> dict[str, float]:
    """Loss weights of a net with auxiliary heads, for `compile(loss_weights=...)`.

    Source: Szegedy et al., "Going Deeper with Convolutions", 2014, section 5: the auxiliary losses are
    "weighted by 0.3".

    Args:
        model: A functional model whose output is a dict with "predictions".
        aux: Weight of each auxiliary head.

    Returns:
        A dict: 1.0 for "predictions", `aux` for every other output.

    Raises:
        ValueError: `model` has no such output.
    """
    return {name: 1.0 if name == MAIN else aux for name in outputs_by_name(model)}


@keras.saving.register_keras_serializable("kerasnets")
class Crossentropy(keras.losses.Loss):
    """Cross-entropy for class numbers and for one-hot or mixed labels, with label smoothing for both.

    Smoothing spreads a share of the target evenly over all classes. Keras offers it for one-hot labels only.

    With `binary`, each score is an independent label, and the loss is the mean over the labels of their
    two-class cross-entropies. A single score tells class 1 from class 0.

    Source: Szegedy et al., "Rethinking the Inception Architecture for Computer Vision", 2016, section 7.

    Args:
        label_smoothing: Share of the target that is spread; epsilon in the paper, which uses 0.1.
        from_logits: Whether the scores are logits, not probabilities.
        reduction: As in keras.losses.Loss.
        name: Name of the loss.
        dtype: As in keras.losses.Loss.
        binary: Whether each score is an independent label.

    Call arguments:
        y_true: Class numbers, (batch,) or (batch, 1), or one-hot or mixed labels, (batch, classes). With
            `binary`, 0 or 1 or a number between for each label, (batch, labels); for one label also (batch,).
        y_pred: Scores, (batch, classes).

    Raises:
        ValueError: `label_smoothing` is not a number in [0, 1), or `binary` is not True or False. When
            called: the labels do not fit the scores, or there is a single score without `binary`.
    """

    def __init__(
        self,
        label_smoothing: float = 0.0,
        from_logits: bool = False,
        reduction: str | None = "sum_over_batch_size",
        name: str = "crossentropy",
        dtype: Any = None,
        binary: bool = False,
    ):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        if not (is_number(label_smoothing) and 0 <= label_smoothing < 1):
            refuse("label_smoothing", "a number in [0, 1)", label_smoothing)
        if not isinstance(binary, bool):
            refuse("binary", "True or False", binary)
        self.label_smoothing, self.from_logits, self.binary = label_smoothing, from_logits, binary

    def call(self, y_true: Any, y_pred: Any) -> Any:
        if self.binary:
            return keras.losses.binary_crossentropy(
                of_labels(y_true, y_pred),
                y_pred,
                from_logits=self.from_logits,
                label_smoothing=self.label_smoothing,
            )
        if y_pred.shape[-1] == 1:
            refuse("binary", "True for a net of one score", False)
        return keras.losses.categorical_crossentropy(
            one_hot_targets(y_true, y_pred),
            y_pred,
            from_logits=self.from_logits,
            label_smoothing=self.label_smoothing,
        )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "label_smoothing": self.label_smoothing,
            "from_logits": self.from_logits,
            "binary": self.binary,
        }


@keras.saving.register_keras_serializable("kerasnets")
class MarginLoss(keras.losses.Loss):
    """The margin loss of capsule networks, a sum over the classes.

    A class that is present costs max(0, upper - score)^2. A class that is absent costs `absent_weight` times
    max(0, score - lower)^2. Several classes may be present at once.

    Source: Sabour et al., "Dynamic Routing Between Capsules", 2017, arXiv:1710.09829, equation 4, whose
    constants are the defaults. The authors' release halves this loss.

    Args:
        upper: Score from which a class that is present costs nothing; m+ in the paper.
        lower: Score up to which a class that is absent costs nothing; m- in the paper.
        absent_weight: Weight of absent classes; lambda in the paper.
        reduction: As in keras.losses.Loss.
        name: Name of the loss.
        dtype: As in keras.losses.Loss.

    Call arguments:
        y_true: Class numbers, (batch,) or (batch, 1), or 0 or 1 for each class, (batch, classes).
        y_pred: Scores, (batch, classes).

    Raises:
        ValueError: `upper` or `lower` is not a number in [0, 1], or `absent_weight` is negative.
    """

    def __init__(
        self,
        upper: float = 0.9,
        lower: float = 0.1,
        absent_weight: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str = "margin_loss",
        dtype: Any = None,
    ):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        for word, value in (("upper", upper), ("lower", lower)):
            if not (is_number(value) and 0 <= value <= 1):
                refuse(word, "a number in [0, 1]", value)
        check_weight("absent_weight", absent_weight)
        self.upper, self.lower, self.absent_weight = upper, lower, absent_weight

    def call(self, y_true: Any, y_pred: Any) -> Any:
        y_true = one_hot_targets(y_true, y_pred)
        present = y_true * ops.square(ops.relu(self.upper - y_pred))
        absent = (1 - y_true) * ops.square(ops.relu(y_pred - self.lower))
        return ops.sum(present + self.absent_weight * absent, axis=-1)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "upper": self.upper,
            "lower": self.lower,
            "absent_weight": self.absent_weight,
        }


@keras.saving.register_keras_serializable("kerasnets")
class ReconstructionLoss(keras.losses.Loss):
    """The sum of squared differences between images and their reconstructions, scaled down.

    Source: Sabour et al. 2017, section 4.1: "scale down this reconstruction loss by 0.0005".

    Args:
        weight: Weight of the sum.
        reduction: As in keras.losses.Loss.
        name: Name of the loss.
        dtype: As in keras.losses.Loss.

    Call arguments:
        y_true: Images, (batch, ...).
        y_pred: Their reconstructions, of the same shape.

    Raises:
        ValueError: `weight` is negative or not a number.
    """

    def __init__(
        self,
        weight: float = 0.0005,
        reduction: str | None = "sum_over_batch_size",
        name: str = "reconstruction_loss",
        dtype: Any = None,
    ):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        check_weight("weight", weight)
        self.weight = weight

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return self.weight * ops.sum(ops.square(y_true - y_pred), axis=tuple(range(1, y_pred.ndim)))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "weight": self.weight}


def one_hot_targets(y_true, y_pred):
    """Converts class numbers, (batch,) or (batch, 1), to one-hot labels; other targets are kept."""
    classes = y_pred.shape[-1]
    if y_true.ndim == y_pred.ndim and y_true.shape[-1] == classes:
        return y_true
    return ops.one_hot(ops.reshape(ops.cast(y_true, "int32"), (-1,)), classes, dtype=y_pred.dtype)


def check_weight(word, value):
    """Refuses the weight of a loss if it is negative or not a number."""
    if not (is_number(value) and value >= 0):
        refuse(word, "a number, at least 0", value)
