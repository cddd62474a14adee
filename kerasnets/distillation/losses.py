"""Soft targets and the two losses of distillation.

Hinton, Vinyals, Dean, "Distilling the Knowledge in a Neural Network", 2015, arXiv:1503.02531, section 2.

A net of a single logit tells two classes apart: the sigmoid of the logit is the probability of the label 1.
All formulas hold for it with the two probabilities of these classes. With `binary`,
each logit is an independent label: they hold for each of them, and the losses are means over the labels.
"""

from typing import Any

from keras import ops

from kerasnets.checks import refuse
from kerasnets.layers.log_mean import log_probabilities
from kerasnets.layers.precision import in_float32


def soft_targets(logits: Any, temperature: float) -> Any:
    """Class probabilities at a temperature. The higher the temperature, the softer they are.

    Source: equation 1.

    Args:
        logits: Array or tensor, (..., classes).
        temperature: Positive number; 1 gives the ordinary softmax.

    Returns:
        Tensor of probabilities, (..., classes), at least float32; for a single logit that of the label 1.
    """
    logits = in_float32(ops.convert_to_tensor(logits)) / temperature
    return ops.sigmoid(logits) if logits.shape[-1] == 1 else ops.softmax(logits)


def hard_loss(labels: Any, logits: Any, binary: bool = False) -> Any:
    """Cross-entropy with the true classes, at temperature 1.

    Args:
        labels: Class indices, (batch,) or (batch, 1), or probabilities, (batch, classes). For a single logit
            0, 1 or the probability of 1, (batch,) or (batch, 1). With `binary`, the same for each label,
            (batch, labels).
        logits: Logits of the student, (batch, classes).
        binary: Whether each logit is an independent label.

    Returns:
        Tensor, (batch,).

    Raises:
        ValueError: There are several labels for a single logit, or with `binary` not one for each logit.
    """
    logits = in_float32(ops.convert_to_tensor(logits))
    labels = ops.convert_to_tensor(labels)
    if binary and logits.shape[-1] > 1:
        if labels.ndim != 2 or labels.shape[-1] != logits.shape[-1]:
            allowed = f"0, 1 or a probability for each of {logits.shape[-1]} labels, (batch, labels)"
            refuse("labels", allowed, labels.shape)
        own = ops.binary_crossentropy(ops.cast(labels, logits.dtype), logits, from_logits=True)
        return ops.mean(own, axis=-1)
    if logits.shape[-1] == 1:
        if labels.ndim > 1 and labels.shape[-1] != 1:
            refuse("labels", "0, 1 or a probability for each example of a net of one logit", labels.shape)
        labels, logits = ops.reshape(ops.cast(labels, logits.dtype), (-1,)), ops.reshape(logits, (-1,))
        return ops.binary_crossentropy(labels, logits, from_logits=True)
    if labels.ndim == logits.ndim and labels.shape[-1] == logits.shape[-1]:
        return ops.categorical_crossentropy(ops.cast(labels, logits.dtype), logits, from_logits=True)
    labels = ops.reshape(labels, (-1,))
    return ops.sparse_categorical_crossentropy(ops.cast(labels, "int32"), logits, from_logits=True)


def soft_loss(teacher_logits: Any, logits: Any, temperature: float, binary: bool = False) -> Any:
    """T^2 * KL(softmax(teacher / T) || softmax(student / T)), which is never negative.

    The gradients with respect to the softened student scale as 1 / T^2. The factor T^2 keeps their magnitude
    as T changes.

    Source: section 2 and equation 2.

    Args:
        teacher_logits: Logits of the teacher, (batch, classes). No gradient flows into them.
        logits: Logits of the student, (batch, classes).
        temperature: T, a positive number.
        binary: Whether each logit is an independent label.

    Returns:
        Tensor, (batch,).
    """
    teacher_logits = ops.stop_gradient(ops.convert_to_tensor(teacher_logits))
    if binary and logits.shape[-1] > 1:
        own = soft_loss(ops.expand_dims(teacher_logits, -1), ops.expand_dims(logits, -1), temperature)
        return ops.mean(own, axis=-1)
    logits = in_float32(ops.convert_to_tensor(logits))
    log_p = log_probabilities(ops.cast(teacher_logits, logits.dtype) / temperature)
    log_q = log_probabilities(logits / temperature)
    kl = ops.sum(ops.exp(log_p) * (log_p - log_q), axis=-1)
    return temperature**2 * ops.maximum(kl, 0.0)
