"""Biases of classes that a transfer set showed too seldom or too often.

Hinton, Vinyals, Dean, "Distilling the Knowledge in a Neural Network", 2015, arXiv:1503.02531, section 3: a
net distilled without any 3 knows threes well, but for a bias that is much too low.
"""

import numpy as np
from keras import layers

from kerasnets.checks import refuse
from kerasnets.distillation.models import check_logits, classes_of
from kerasnets.graph import with_outputs
from kerasnets.layers.dustbin import check_subset

ROUNDS = 100  # bound on the passes over the classes; few are needed


def match_frequencies(logits, classes, frequencies):
    """What to add to the logits of some classes for each to be predicted as often as it occurs.

    No labels are read but how often each class occurs, so training or transfer images do.

    Args:
        logits: Of a net, (n, all classes).
        classes: The classes whose biases are wrong.
        frequencies: Share of the examples that are of each of them, in [0, 1].

    Returns:
        float64, (len(classes),).

    Raises:
        ValueError: An argument is something else.
    """
    z = np.array(logits, "float64")
    if z.ndim != 2 or not len(z) or not np.isfinite(z).all():
        refuse("logits", "(n, classes), finite", z.shape)
    classes = check_subset("classes", classes, z.shape[1])
    if len(classes) == z.shape[1]:
        refuse("classes", f"fewer than all {z.shape[1]} classes", classes)
    wanted = np.asarray(frequencies, "float64")
    if wanted.shape != (len(classes),) or not ((wanted >= 0) & (wanted <= 1)).all() or wanted.sum() > 1:
        refuse("frequencies", f"{len(classes)} shares, of a sum of at most 1", frequencies)
    biases = np.zeros(len(classes))
    for _ in range(ROUNDS):
        before = biases.copy()
        for i, c in enumerate(classes):
            others = np.delete(z, c, axis=1).max(1)
            lacks = np.sort(others - z[:, c])  # the class is predicted where the added bias exceeds this
            k = round(wanted[i] * len(z))
            edges = lacks[max(k - 1, 0)], lacks[min(k, len(z) - 1)]
            step = sum(edges) / 2 if 0 < k < len(z) else edges[0] + (1 if k else -1)
            z[:, c] += step
            biases[i] += step
        if np.abs(biases - before).max() < 1e-9:
            break
    return biases


def add_biases(model, classes, biases):
    """A model whose logits of some classes are greater.

    Args:
        model: Functional or sequential model that gives logits.
        classes: Class numbers.
        biases: What to add to the logit of each.

    Returns:
        A keras.Model that shares its weights.

    Raises:
        ValueError: `model` does not give logits, or has not these classes.
    """
    check_logits("model", model)
    shift = np.zeros(classes_of(model))
    shift[check_subset("classes", classes, len(shift))] = biases
    outputs = model.outputs[0]
    shifted = layers.Rescaling(1.0, shift.tolist(), dtype=outputs.dtype, name="shifted_logits")(outputs)
    return with_outputs(model, shifted)
