"""Losses between the logits of a teacher and those of a student.

- `kl`: Hinton, Vinyals, Dean, "Distilling the Knowledge in a Neural Network", 2015, arXiv:1503.02531.
- `dkd`: Zhao, Cui, Song, Qiu, Liang, "Decoupled Knowledge Distillation", CVPR 2022, arXiv:2203.08679.
- `dist`: Huang, You, Wang, Qian, Xu, "Knowledge Distillation from A Stronger Teacher", NeurIPS 2022,
  arXiv:2205.10536.
- `nkd`: Yang, Zeng, Li, Zhang, Yuan, Li, "From Knowledge Distillation to Self-Knowledge Distillation: A
  Unified Approach with Normalized Loss and Customized Soft Labels", ICCV 2023, arXiv:2303.13005.
- `squared`: Ba, Caruana, "Do Deep Nets Really Need to be Deep?", NeurIPS 2014, arXiv:1312.6184.
- `standardized`, which goes before any of them: Sun, Ren, Li, Wang, Cao, "Logit Standardization in Knowledge
  Distillation", CVPR 2024, arXiv:2403.01427.

Each is a function (teacher_logits, logits, labels, temperature); constants of the method are keywords.
It returns the loss of each example before any weight; the loss includes the factor T^2 if the method has it.
The arithmetic is in float32 at least, no gradient flows into the teacher's logits, and logits that are all
equal have a finite loss and gradient.

A single logit z tells two classes apart. All formulas then hold for the two logits 0 and z.
"""

from typing import Any

from keras import ops

from kerasnets.distillation.losses import soft_loss
from kerasnets.layers.lengths import centered_to_unit_length
from kerasnets.layers.log_mean import NEVER, log_probabilities
from kerasnets.layers.precision import in_float32


def kl(teacher_logits: Any, logits: Any, labels: Any, temperature: float) -> Any:
    """T^2 * KL(softmax(teacher / T) || softmax(student / T)), as `soft_loss` gives it.

    Source: Hinton et al., section 2.

    Args:
        teacher_logits: Logits of the teacher, (batch, classes).
        logits: Logits of the student, (batch, classes).
        labels: Not used.
        temperature: T, a positive number.

    Returns:
        Tensor, (batch,).
    """
    return soft_loss(teacher_logits, logits, temperature)


def dkd(
    teacher_logits: Any,
    logits: Any,
    labels: Any,
    temperature: float,
    *,
    alpha: float = 1.0,
    beta: float = 8.0,
) -> Any:
    """T^2 * (alpha * KL of the label against the rest + beta * KL among the other classes).

    The paper calls the two terms target-class (TCKD) and non-target-class (NCKD) distillation. With
    p = softmax(teacher / T) and the label y, the first compares (p[y], 1 - p[y]), the second the
    probabilities of the other classes divided by their sum 1 - p[y]. With weights of 1 and 1 - p[y] their sum
    would be the KL of all classes. With two classes, the second term is 0.

    Differs from the authors' code, where the logarithm of a probability that has been rounded to 0 is
    infinite: the logarithms here are those of log-softmax, so a student that is certain has a finite loss.

    Source: Zhao et al., section 3.3.

    Args:
        teacher_logits: Logits of the teacher, (batch, classes).
        logits: Logits of the student, (batch, classes).
        labels: Class indices, (batch,) or (batch, 1), or probabilities, (batch, classes), of which the
            largest counts.
        temperature: T, a positive number.
        alpha: Weight of the label against the rest.
        beta: Weight of the other classes.

    Returns:
        Tensor, (batch,).
    """
    log_p, log_q = at_temperature(teacher_logits, logits, temperature)
    chosen = is_label(labels, log_q.shape[-1])
    (label_p, others_p), (label_q, others_q) = decoupled(log_p, chosen), decoupled(log_q, chosen)
    of_label, of_others = divergence(label_p, label_q), divergence(others_p, others_q)
    return temperature**2 * (alpha * of_label + beta * of_others)


def nkd(teacher_logits: Any, logits: Any, labels: Any, temperature: float, *, gamma: float = 1.5) -> Any:
    """- p[y] * log q[y] - gamma * T^2 * the sum over the other classes of p'[c] * log q'[c].

    p and q are the softmaxes of teacher and student at temperature 1, whatever T is; p' and q' are their
    probabilities of the classes other than the label y at temperature T, divided by their sums. Both terms
    are cross-entropies, so the smallest value is not 0. With two classes, the second term is 0.

    Differs from the authors' code, which selects the other classes by a mask: here the label's class gets a
    probability of 0 among them. The values are the same.

    Source: Yang et al., section 3.1.

    Args:
        teacher_logits: Logits of the teacher, (batch, classes).
        logits: Logits of the student, (batch, classes).
        labels: Class indices, (batch,) or (batch, 1), or probabilities, (batch, classes), of which the
            largest counts.
        temperature: T, a positive number.
        gamma: Weight of the other classes.

    Returns:
        Tensor, (batch,).
    """
    log_p, log_q = at_temperature(teacher_logits, logits, 1.0)
    chosen = is_label(labels, log_q.shape[-1])
    of_label = -ops.sum(ops.where(chosen, ops.exp(log_p) * log_q, ops.zeros_like(log_q)), axis=-1)
    log_p, log_q = at_temperature(teacher_logits, logits, temperature)
    (_, others_p), (_, others_q) = decoupled(log_p, chosen), decoupled(log_q, chosen)
    of_others = -ops.sum(ops.exp(others_p) * others_q, axis=-1)
    return of_label + gamma * temperature**2 * of_others


def dist(
    teacher_logits: Any,
    logits: Any,
    labels: Any,
    temperature: float,
    *,
    beta: float = 1.0,
    gamma: float = 1.0,
) -> Any:
    """T^2 * (beta * (1 - correlation of the classes) + gamma * (1 - mean correlation of the examples)).

    The correlations are Pearson's, of the softmaxes of teacher and student at temperature T: in the first
    term, the paper's inter-class loss, over the classes of an example; in the second, its intra-class loss,
    over the examples of the batch, class by class. The second term is the same for each example. It depends
    on the batch; with several replicas, on each replica's part of it. For a batch of one example it is
    constant. Probabilities that are all equal have a correlation of 0 with any others. The first term has no
    gradient for two classes.

    Differs from the authors' code, which adds 1e-8 to the product of the lengths. This is not in the paper,
    and it hides classes that are unlikely in the whole batch. T^2 is in their code but not in the paper.

    Source: Huang et al., section 4.

    Args:
        teacher_logits: Logits of the teacher, (batch, classes).
        logits: Logits of the student, (batch, classes).
        labels: Not used.
        temperature: T, a positive number.
        beta: Weight of the correlations over classes.
        gamma: Weight of the correlations over the batch.

    Returns:
        Tensor, (batch,).
    """
    p, q = (ops.exp(logs) for logs in at_temperature(teacher_logits, logits, temperature))
    of_rows = 1 - ops.sum(centered_to_unit_length(p) * centered_to_unit_length(q), axis=-1)
    columns = ops.sum(centered_to_unit_length(p, 0) * centered_to_unit_length(q, 0), axis=0)
    return temperature**2 * (beta * of_rows + gamma * (1 - ops.mean(columns)))


def squared(
    teacher_logits: Any, logits: Any, labels: Any, temperature: float, *, centered: bool = False
) -> Any:
    """Mean of the squared differences of the logits.

    It is twice the limit of `kl` at high temperature if the differences are `centered`. Otherwise it also
    determines the constant that may be added to all logits without changing any probability.

    Source: Ba and Caruana, section 2, which has half the sum instead of the mean.

    Args:
        teacher_logits: Logits of the teacher, (batch, classes).
        logits: Logits of the student, (batch, classes).
        labels: Not used.
        temperature: Not used.
        centered: Whether the mean over the classes is subtracted from the differences first.

    Returns:
        Tensor, (batch,).
    """
    ours, theirs = both_classes(logits), ops.stop_gradient(both_classes(teacher_logits))
    differences = ours - ops.cast(theirs, ours.dtype)
    if centered:
        differences = differences - ops.mean(differences, axis=-1, keepdims=True)
    return ops.mean(ops.square(differences), axis=-1)


def standardized(logits: Any) -> Any:
    """Logits minus their mean over the classes, divided by their standard deviation.

    A loss of such logits leaves the student's scale and offset free; the cross-entropy with the labels sets
    them. The variance is the sum of squares divided by classes - 1. Of two logits only the sign of their
    difference remains; a single logit becomes 0. Logits that are all equal become zeros, with a finite
    gradient.

    Differs from the authors' code, which adds 1e-7 to the standard deviation: there, gradients of nearly
    equal logits are multiplied by up to 10 million.

    Source: Sun et al., algorithms 1 and 2.

    Args:
        logits: Logits, (..., classes).

    Returns:
        Tensor of the same shape, at least float32.
    """
    logits = in_float32(ops.convert_to_tensor(logits))
    return (logits.shape[-1] - 1) ** 0.5 * centered_to_unit_length(logits)


# The methods by name.
LOGIT_LOSSES = {"kl": kl, "dkd": dkd, "dist": dist, "nkd": nkd, "squared": squared}


def at_temperature(teacher_logits: Any, logits: Any, temperature: float) -> tuple[Any, Any]:
    """Log-probabilities of teacher and student, (batch, classes), or (batch, 2) for a single logit."""
    logits = in_float32(ops.convert_to_tensor(logits))
    teacher_logits = ops.cast(ops.stop_gradient(ops.convert_to_tensor(teacher_logits)), logits.dtype)
    return tuple(log_probabilities(z / temperature) for z in (teacher_logits, logits))


def both_classes(logits: Any) -> Any:
    """Logits in float32 at least, (batch, classes); a single logit z gives 0 and z."""
    logits = in_float32(ops.convert_to_tensor(logits))
    return ops.pad(logits, [[0, 0], [1, 0]]) if logits.shape[-1] == 1 else logits


def is_label(labels: Any, classes: int) -> Any:
    """A mask of the class of each example that is its label, or the most likely class of its labels.

    Args:
        labels: Class indices, (batch,) or (batch, 1), or probabilities, (batch, classes). For a single logit
            also the probability of the label 1, (batch,) or (batch, 1).
        classes: Number of classes, 2 for a single logit.

    Returns:
        Boolean tensor, (batch, classes).
    """
    labels = ops.convert_to_tensor(labels)
    if labels.ndim == 2 and labels.shape[-1] == classes:
        indices = ops.argmax(labels, axis=-1)
    else:
        indices = ops.reshape(labels, (-1,))
        if classes == 2:  # labels of a single logit may be probabilities
            indices = ops.cast(indices, "float32") > 0.5
    return ops.expand_dims(ops.cast(indices, "int32"), -1) == ops.arange(classes, dtype="int32")


def decoupled(logs: Any, chosen: Any) -> tuple[Any, Any]:
    """Splits log-probabilities into those of one class against the rest, and those among the other classes.

    Args:
        logs: Log-probabilities, (batch, classes).
        chosen: A mask of the one class, (batch, classes), as `is_label` returns it.

    Returns:
        Log-probabilities of the one class and of all others together, (batch, 2); and those of the others
        among themselves, (batch, classes), in which the one class has a probability of 0.
    """
    others = ops.where(chosen, NEVER * ops.ones_like(logs), logs)
    rest = ops.logsumexp(others, axis=-1, keepdims=True)
    one = ops.sum(ops.where(chosen, logs, ops.zeros_like(logs)), axis=-1, keepdims=True)
    return ops.concatenate([one, rest], axis=-1), others - rest


def divergence(log_p: Any, log_q: Any) -> Any:
    """KL(p || q) of log-probabilities, (batch, classes) -> (batch,), never negative."""
    return ops.maximum(ops.sum(ops.exp(log_p) * (log_p - log_q), axis=-1), 0.0)
