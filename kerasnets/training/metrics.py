"""Keras's metrics for nets whose scores are independent labels, from logits."""

from typing import Any

import keras
from keras import ops

from kerasnets.checks import is_int, refuse


def label_metrics(labels: int) -> list[keras.metrics.Metric]:
    """Metrics for `compile` of a net that gives a logit for each label.

    Args:
        labels: Number of labels, at least 1.

    Returns:
        For one label "accuracy" and "average_precision"; for several "accuracy", the share of all labels that
        are right, "exact_match", the share of examples of which all labels are right, and
        "mean_average_precision", the mean over the labels. A label is predicted where its logit is above 0.

    Raises:
        ValueError: `labels` is not a whole number, at least 1.
    """
    if not is_int(labels, 1):
        refuse("labels", "a whole number, at least 1", labels)
    if labels == 1:
        return [LabelAccuracy(), AveragePrecision()]
    return [LabelAccuracy(), ExactMatch(), AveragePrecision(labels, "mean_average_precision")]


def of_labels(y_true: Any, y_pred: Any) -> Any:
    """The targets of a net whose scores are independent labels, in the dtype and shape of its scores.

    Args:
        y_true: A number from 0 to 1 for each label, (batch, labels); for one label also (batch,).
        y_pred: The scores, (batch, labels).

    Raises:
        ValueError: The shapes do not fit.
    """
    y_true = ops.cast(y_true, y_pred.dtype)
    if y_true.ndim == 1 and y_pred.shape[-1] == 1:
        y_true = ops.expand_dims(y_true, -1)
    if y_true.ndim != y_pred.ndim or y_true.shape[-1] not in (None, y_pred.shape[-1]):
        count = y_pred.shape[-1]
        allowed = f"0 or 1 for each of {count} labels, (batch, {count})" + " or (batch,)" * (count == 1)
        refuse("y_true", allowed, tuple(y_true.shape))
    return y_true


def right(y_true: Any, y_pred: Any) -> Any:
    """Which labels are right, (batch, labels). Mixed targets of at least 0.5 count as 1."""
    return ops.equal(of_labels(y_true, y_pred) >= 0.5, y_pred > 0)


def label_accuracy(y_true: Any, y_pred: Any) -> Any:
    """The share of right labels of each example, (batch,)."""
    return ops.mean(ops.cast(right(y_true, y_pred), "float32"), axis=-1)


def exact_match(y_true: Any, y_pred: Any) -> Any:
    """1 for each example of which all labels are right, otherwise 0, (batch,)."""
    return ops.cast(ops.all(right(y_true, y_pred), axis=-1), "float32")


class OfLogits(keras.metrics.MeanMetricWrapper):
    """The mean of a function of labels and logits, which is not part of the configuration."""

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "dtype": self.dtype}


@keras.saving.register_keras_serializable("kerasnets")
class LabelAccuracy(OfLogits):
    """The share of labels that are right. A label is predicted where its logit is above 0.

    Args:
        name: Name of the metric.
        dtype: As in keras.metrics.Metric.
    """

    def __init__(self, name: str = "accuracy", dtype: Any = None):
        super().__init__(label_accuracy, name, dtype)


@keras.saving.register_keras_serializable("kerasnets")
class ExactMatch(OfLogits):
    """The share of examples of which all labels are right. A label is predicted where its logit is above 0.

    Args:
        name: Name of the metric.
        dtype: As in keras.metrics.Metric.
    """

    def __init__(self, name: str = "exact_match", dtype: Any = None):
        super().__init__(exact_match, name, dtype)


@keras.saving.register_keras_serializable("kerasnets")
class AveragePrecision(keras.metrics.AUC):
    """The area under the curve of precision and recall of logits, the mean over several labels.

    Args:
        labels: Number of labels.
        name: Name of the metric.
        dtype: As in keras.metrics.Metric.
    """

    def __init__(self, labels: int = 1, name: str = "average_precision", dtype: Any = None):
        several = {"multi_label": True, "num_labels": labels} if labels > 1 else {}
        super().__init__(curve="PR", from_logits=True, name=name, dtype=dtype, **several)
        self.labels = labels

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Counts the examples of a batch. Mixed targets of at least 0.5 count as 1."""
        if sample_weight is not None and ops.ndim(sample_weight) == 1:
            sample_weight = ops.expand_dims(sample_weight, -1)
        super().update_state(of_labels(y_true, y_pred) >= 0.5, y_pred, sample_weight)

    def get_config(self) -> dict[str, Any]:
        return {"labels": self.labels, "name": self.name, "dtype": self.dtype}
