"""Correcting the biases of classes that are rare or too frequent in a transfer set.

Hinton, Vinyals, Dean, "Distilling the Knowledge in a Neural Network", 2015, arXiv:1503.02531, section 3: a
net distilled without a single 3 still recognizes 3s well, once its bias for this class, which is much too
low, has been corrected.
"""

from collections.abc import Sequence

import keras
import numpy as np
from keras import layers

from kerasnets.assembly.outputs import only_main
from kerasnets.checks import refuse
from kerasnets.distillation.models import check_logits, count_logits
from kerasnets.graph import with_outputs
from kerasnets.layers.dustbin import check_subset
from kerasnets.weights import inherit

ROUNDS = 100  # maximum number of passes over the classes; a few suffice


def match_frequencies(
    logits: np.ndarray, classes: Sequence[int] | np.ndarray, frequencies: Sequence[float] | np.ndarray
) -> np.ndarray:
    """Finds biases with which a net predicts each of some classes as often as the class occurs.

    No labels are needed, only the frequencies, so the logits can be those of training or transfer images.

    Args:
        logits: Logits of the net, (n, all classes).
        classes: Indices of the classes whose biases are to be corrected.
        frequencies: Share of the examples that belong to each of these classes, in [0, 1].

    Returns:
        Numbers to add to the logits of these classes, float64, (len(classes),).

    Raises:
        ValueError: `logits` are not finite or not of this shape, `classes` are not some of the net's classes,
            or `frequencies` are not shares whose sum is at most 1.
    """
    z = np.array(logits, "float64")
    if z.ndim != 2 or not len(z) or not np.isfinite(z).all():
        refuse("logits", "an array (n, classes) of finite numbers", z.shape)
    if z.shape[1] == 1:
        refuse("logits", "of two classes or more", z.shape)
    classes = check_subset("classes", classes, z.shape[1])
    if len(classes) == z.shape[1]:
        refuse("classes", f"fewer than all {z.shape[1]} classes", classes)
    wanted = np.asarray(frequencies, "float64")
    if wanted.shape != (len(classes),) or not ((wanted >= 0) & (wanted <= 1)).all() or wanted.sum() > 1:
        refuse("frequencies", f"{len(classes)} shares whose sum is at most 1", frequencies)
    biases = np.zeros(len(classes))
    for _ in range(ROUNDS):
        before = biases.copy()
        for i, c in enumerate(classes):
            others = np.delete(z, c, axis=1).max(1)
            margins = np.sort(others - z[:, c])  # an example is predicted as c if the step exceeds its margin
            k = round(wanted[i] * len(z))
            edges = margins[max(k - 1, 0)], margins[min(k, len(z) - 1)]
            step = sum(edges) / 2 if 0 < k < len(z) else edges[0] + (1 if k else -1)
            z[:, c] += step
            biases[i] += step
        if np.abs(biases - before).max() < 1e-9:
            break
    return biases


def add_biases(
    model: keras.Model, classes: Sequence[int] | np.ndarray, biases: Sequence[float] | np.ndarray
) -> keras.Model:
    """Returns a model with constants added to the logits of some classes.

    Args:
        model: Functional or sequential model that gives logits, (batch, all classes).
        classes: Indices of the classes.
        biases: Number to add to the logit of each of these classes, (len(classes),).

    Returns:
        A keras.Model that shares its weights with `model`.

    Raises:
        ValueError: `model` does not give logits, or `classes` are not some of its classes.
    """
    check_logits("model", model)
    if count_logits(model) is None:
        refuse("model", "a functional or sequential model", model)
    shift = np.zeros(count_logits(model))
    shift[check_subset("classes", classes, len(shift))] = biases
    model = only_main(model)
    outputs = model.outputs[0]
    shifted = layers.Rescaling(1.0, shift.tolist(), dtype=outputs.dtype, name="shifted_logits")(outputs)
    return inherit(with_outputs(model, shifted), model, "add_biases")
