"""Nets whose scores are independent labels: the threshold from which a label is predicted, and accuracies."""

from typing import Any

import numpy as np

from kerasnets.analysis.pictures import library
from kerasnets.checks import is_number, refuse

DEFAULT = 0.5  # if no example has a label
LEAST = float(np.finfo("float64").tiny)  # a threshold is above 0


def best_threshold(labels: Any, probabilities: Any) -> float:
    """The threshold with the highest F1 score on validation data.

    It is the same for all labels, whose examples are counted together (micro-averaged F1), since few examples
    of a label would make a threshold of its own a matter of chance. It lies halfway between two probabilities
    that occur; of several that are equally good it is the one that is closest to 0.5.

        describe(net, threshold=best_threshold(labels, scorer(net)(images)))

    Args:
        labels: 0 or 1 for each label, (examples, labels), or (examples,) for a single label.
        probabilities: The probabilities of the labels, of the same shape, or for a single label those of
            classes 0 and 1, (examples, 2).

    Returns:
        A number between 0 and 1; 0.5 if no example has a label.

    Raises:
        ValueError: The arrays do not fit.
        ModuleNotFoundError: scikit-learn is not installed.
    """
    labels, probabilities = (part.reshape(-1) for part in pair(labels, probabilities))
    if not labels.any():
        return DEFAULT
    metrics = library("sklearn.metrics", "Accuracies of labels", "recipes")
    precision, recall, cuts = metrics.precision_recall_curve(labels, probabilities)
    sums = np.maximum(precision + recall, np.finfo("float64").tiny)
    scores = (2 * precision * recall / sums)[: len(cuts)]
    halfway = (cuts + np.concatenate([[0.0], cuts[:-1]])) / 2
    best = halfway[np.isclose(scores, scores.max(), rtol=1e-12, atol=0)]
    return float(max(best[np.argmin(np.abs(best - DEFAULT))], LEAST))


def label_scores(labels: Any, probabilities: Any, threshold: float) -> dict[str, float]:
    """The accuracies of a net whose scores are independent labels.

    Args:
        labels: 0 or 1 for each label, (examples, labels), or (examples,) for a single label.
        probabilities: The probabilities of the labels, of the same shape, or for a single label those of
            classes 0 and 1, (examples, 2).
        threshold: The least probability of a predicted label, between 0 and 1.

    Returns:
        A dict of numbers from 0 to 1. For a single label: "accuracy", "f1", "precision", "recall" and
        "average_precision". For several: "accuracy", the share of all labels that are right; "exact_match",
        the share of examples of which all are; "micro_f1", over all labels together, and "macro_f1", the mean
        over the labels; and "mean_average_precision", the mean over the labels that an example has.

    Raises:
        ValueError: An argument is not allowed.
        ModuleNotFoundError: scikit-learn is not installed.
    """
    labels, probabilities = pair(labels, probabilities)
    if not (is_number(threshold) and 0 < threshold < 1):
        refuse("threshold", "a number between 0 and 1", threshold)
    metrics = library("sklearn.metrics", "Accuracies of labels", "recipes")
    given = probabilities >= threshold
    known = [(y, p) for y, p in zip(labels.T, probabilities.T, strict=True) if y.any()]
    area = float(np.mean([metrics.average_precision_score(*both) for both in known])) if known else 0.0
    found = {"accuracy": float(np.mean(given == labels))}
    if labels.shape[1] == 1:
        for name in ("f1", "precision", "recall"):
            found[name] = float(getattr(metrics, f"{name}_score")(labels[:, 0], given[:, 0], zero_division=0))
        return found | {"average_precision": area}
    found["exact_match"] = float(np.mean((given == labels).all(axis=1)))
    for average in ("micro", "macro"):
        found[f"{average}_f1"] = float(metrics.f1_score(labels, given, average=average, zero_division=0))
    return found | {"mean_average_precision": area}


def pair(labels: Any, probabilities: Any) -> tuple[np.ndarray, np.ndarray]:
    """Labels as booleans and probabilities in float64, both (examples, labels); refuses others."""
    labels, probabilities = np.asarray(labels), np.asarray(probabilities, "float64")
    labels = labels[:, None] if labels.ndim == 1 else labels
    probabilities = probabilities[:, None] if probabilities.ndim == 1 else probabilities
    if labels.ndim == 2 and labels.shape[1] == 1 and probabilities.shape[1:] == (2,):
        probabilities = probabilities[:, 1:]
    if labels.ndim != 2 or not len(labels) or not np.isin(labels, (0, 1)).all():
        refuse("labels", "0 or 1 for each label, (examples, labels) or (examples,)", labels.shape)
    if probabilities.shape != labels.shape or not ((probabilities >= 0) & (probabilities <= 1)).all():
        allowed = f"numbers from 0 to 1 for labels of shape {labels.shape}"
        refuse("probabilities", allowed, probabilities.shape)
    return labels.astype(bool), probabilities
