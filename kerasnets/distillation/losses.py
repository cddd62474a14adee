"""Soft targets and the two losses of distillation.

Hinton, Vinyals, Dean, "Distilling the Knowledge in a Neural Network", 2015, arXiv:1503.02531, section 2.
"""

from keras import ops

from kerasnets.layers.precision import in_float32


def soft_targets(logits, temperature):
    """Probabilities at a temperature: the higher, the softer.

    Source: equation 1.

    Args:
        logits: (..., classes).
        temperature: Positive number; 1 gives the plain softmax.

    Returns:
        Probabilities, (..., classes), in float32 at least.
    """
    return ops.softmax(in_float32(ops.convert_to_tensor(logits)) / temperature)


def hard_loss(labels, logits):
    """Cross-entropy with the true classes, at temperature 1.

    Args:
        labels: Class numbers, (batch,) or (batch, 1), or probabilities, (batch, classes).
        logits: The student's, (batch, classes).

    Returns:
        (batch,).
    """
    logits = in_float32(ops.convert_to_tensor(logits))
    labels = ops.convert_to_tensor(labels)
    if labels.ndim == logits.ndim and labels.shape[-1] == logits.shape[-1]:
        return ops.categorical_crossentropy(ops.cast(labels, logits.dtype), logits, from_logits=True)
    labels = ops.reshape(labels, (-1,))
    return ops.sparse_categorical_crossentropy(ops.cast(labels, "int32"), logits, from_logits=True)


def soft_loss(teacher_logits, logits, temperature):
    """T^2 times KL(softmax(teacher / T) || softmax(student / T)), never below zero.

    Gradients of the softened student shrink as 1 / T^2; the factor keeps their size as T changes.

    Source: section 2 and equation 2.

    Args:
        teacher_logits: (batch, classes). No gradient flows into them.
        logits: The student's, (batch, classes).
        temperature: T, a positive number.

    Returns:
        (batch,).
    """
    log_p = ops.log_softmax(in_float32(ops.stop_gradient(teacher_logits)) / temperature)
    log_q = ops.log_softmax(in_float32(ops.convert_to_tensor(logits)) / temperature)
    kl = ops.sum(ops.exp(log_p) * (log_p - log_q), axis=-1)
    return temperature**2 * ops.maximum(kl, 0.0)
