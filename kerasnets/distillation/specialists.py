"""Specialists: nets that tell a few confusable classes apart, and assign all others to a dustbin class.

Hinton, Vinyals, Dean, "Distilling the Knowledge in a Neural Network", 2015, arXiv:1503.02531, section 5, and
the same authors' talk "Dark Knowledge", 2014.

    subsets = confusable_classes(generalist.predict(images), clusters=5)
    specialists = []
    for classes in subsets:
        net = specialist(generalist, classes)
        net.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        net.fit(specialist_dataset(train, classes), validation_data=..., callbacks=[EarlyStopping(...)])
        specialists.append(correct_dustbin(net, oversampling(train, classes)))
    probabilities = combine(softmax(generalist), [softmax(net) for net in specialists], subsets)
"""

import functools
import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from kerasnets.assembly.outputs import end_of, only_main
from kerasnets.checks import is_int, is_number, refuse
from kerasnets.distillation.biases import add_biases
from kerasnets.distillation.losses import soft_targets
from kerasnets.distillation.models import check_logits, count_logits
from kerasnets.graph import set_weights, with_outputs
from kerasnets.layers.dustbin import Dustbin, check_subset
from kerasnets.weights import card_of, inherit

TWO = "of two classes or more: the two that a single logit tells apart leave nothing to specialize in"


def confusable_classes(
    logits: np.ndarray, clusters: int, seed: int = 0, temperature: float = 1.0
) -> list[np.ndarray]:
    """Finds sets of classes that a net tends to predict together.

    The columns of the covariance matrix of its soft targets are clustered with k-means.

    Source: section 5.1.

    Args:
        logits: Logits of the net, (n, classes).
        clusters: Number of sets, from 1 to the number of classes.
        seed: Seed of the clustering, a whole number.
        temperature: Temperature of the soft targets, 1 in the paper. A higher temperature is more informative
            for a net that is very confident.

    Returns:
        A list of sorted arrays of class indices, in the order of their first classes. Each class is in
        exactly one of them. There are fewer than `clusters` if k-means leaves clusters empty.

    Raises:
        ValueError: `logits` are not finite or not of this shape, or `clusters` or `temperature` is out of
            range.
        ModuleNotFoundError: scikit-learn is not installed.
    """
    logits = np.asarray(logits)
    if logits.ndim != 2 or len(logits) < 2 or not np.isfinite(logits).all():
        refuse("logits", "an array (n, classes) of finite numbers, n at least 2", logits.shape)
    if logits.shape[1] == 1:
        refuse("logits", TWO, logits.shape)
    if not is_int(clusters, 1) or clusters > logits.shape[1]:
        refuse("clusters", f"a whole number from 1 to {logits.shape[1]}", clusters)
    if not is_number(temperature) or temperature <= 0:
        refuse("temperature", "a positive number", temperature)
    try:
        from sklearn.cluster import KMeans
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "`confusable_classes` needs scikit-learn; install it with: pip install 'kerasnets[recipes]'"
        ) from error
    columns = np.cov(ops.convert_to_numpy(soft_targets(logits, temperature)), rowvar=False).T
    found = KMeans(clusters, n_init=10, random_state=seed).fit_predict(np.atleast_2d(columns))
    sets = (np.flatnonzero(found == c) for c in range(clusters))
    return sorted((s for s in sets if len(s)), key=lambda s: s[0])


def specialist(
    generalist: keras.Model,
    classes: Sequence[int] | np.ndarray,
    head: str = "logsumexp",
    name: str | None = None,
) -> keras.Model:
    """Creates a net for a few classes and a dustbin, initialized with the weights of a generalist.

    Source: section 5.2; the reduced head is from the talk.

    Args:
        generalist: Functional model that gives logits, (batch, all classes). It is copied, not shared.
        classes: Class indices of the specialist, in the order of its logits.
        head: "logsumexp" computes the dustbin's logit as the log-sum-exp of the generalist's other logits, so
            that the specialist's initial probabilities are exactly those of the generalist. "reduced"
            computes it with a single linear unit, which is smaller. The unit's weights are initialized to the
            mean of those of the other classes, and the log of their number is added to its bias. The
            generalist must end in a dense layer.
        name: Name of the model; None for the generalist's name followed by "_specialist".

    Returns:
        A keras.Model that gives logits, (batch, len(classes) + 1), with the dustbin last.

    Raises:
        ValueError: `generalist` does not give logits of classes that exclude one another, `classes` are not
            some of its classes, `head` is unknown, or the reduced head does not fit the generalist.
    """
    check_logits("generalist", generalist)
    n = count_logits(generalist)
    if n is None:
        refuse("generalist", "a functional or sequential model", generalist)
    if n == 1:
        refuse("generalist", TWO, "a net of one logit")
    if card_of(generalist).threshold is not None:
        allowed = "a net of classes that exclude one another"
        refuse("generalist", allowed, f"{generalist.name}, whose scores are independent labels")
    subset = check_subset("classes", classes, n)
    if len(subset) == n:
        refuse("classes", f"fewer than all {n} classes", classes)
    if head not in ("logsumexp", "reduced"):
        refuse("head", "'logsumexp' or 'reduced'", head)
    generalist = only_main(generalist)
    twin = keras.models.clone_model(generalist)
    set_weights(twin, generalist.get_weights())
    changed = functools.partial(inherit, model=generalist, change="specialist", names=[*subset, "other"])
    name = name or f"{generalist.name}_specialist"
    if head == "logsumexp":
        logits = twin.outputs[0]
        outputs = Dustbin(subset, n, dtype=logits.dtype, name="specialist_logits")(logits)
        return changed(with_outputs(twin, outputs, name))

    end = end_of(twin)
    last = end.layer
    if not isinstance(last, layers.Dense):
        refuse("generalist", "a model that ends in a dense layer if `head` is 'reduced'", last and last.name)
    config = {**last.get_config(), "units": len(subset) + 1, "name": "specialist_logits"}
    small = layers.Dense.from_config(config)
    outputs = small(end.reads)
    others = [c for c in range(n) if c not in set(subset)]
    rows = [ops.convert_to_numpy(w) for w in last.weights]  # kernel, (features, n), and bias, (n,), if any
    new = [np.concatenate([w[..., subset], w[..., others].mean(-1, keepdims=True)], -1) for w in rows]
    if last.use_bias:
        new[1][-1] += math.log(len(others))
    small.set_weights(new)
    return changed(with_outputs(twin, outputs, name))


def specialist_dataset(
    dataset: Any,
    classes: Sequence[int] | np.ndarray,
    special_fraction: float = 0.5,
    seed: int = 0,
    dustbin: bool = True,
) -> Any:
    """Samples training data for a specialist, in which its own classes make up a given share.

    Examples of the specialist's classes are called special. All examples are kept of one kind, special or
    other. The other kind is subsampled, anew at each pass, with the probability that gives the share. The
    order of `dataset` is kept. All passes have the same number of batches, the expected one.

    Source: section 5.2; without a dustbin the talk's "A better way to prevent specialists over-fitting?".

    Args:
        dataset: A finite, batched tf.data.Dataset of (x, class indices), or without a dustbin of
            (x, {"labels": y, "teacher_logits": v}), as `add_teacher_logits` makes it.
        classes: Class indices of the specialist.
        special_fraction: Share of examples of these classes in the result, between 0 and 1.
        seed: Seed of the sampling, a whole number.
        dustbin: Whether labels are replaced by positions in `classes`, and by len(classes) for all other
            classes. If False, labels are kept, and "hard_weight" is added to the targets: 1 for special
            examples and 0 for others. A `Distiller` then fits the hard labels of the former and the
            generalist's soft targets of the latter.

    Returns:
        A tf.data.Dataset of batches of the same size as those of `dataset`.

    Raises:
        ValueError: None or all of the examples are of these classes, or an argument is out of range.
    """
    from kerasnets import data

    if not is_int(seed, 0):
        refuse("seed", "a whole number, at least 0", seed)
    counts = count(dataset, classes)
    keep = shares(*counts, special_fraction)
    size = len(keras.tree.flatten(next(iter(dataset)))[0])
    steps = math.ceil(sum(n * share for n, share in zip(counts, keep, strict=True)) / size)
    return data.specialize(dataset, [int(c) for c in classes], keep, steps, seed, dustbin)


def oversampling(dataset: Any, classes: Sequence[int] | np.ndarray, special_fraction: float = 0.5) -> float:
    """The factor by which `specialist_dataset` oversamples the classes of a specialist.

    Args:
        dataset: The dataset before sampling, as for `specialist_dataset`.
        classes: Class indices of the specialist.
        special_fraction: Share of examples of these classes after sampling, between 0 and 1.

    Returns:
        A positive number, for `correct_dustbin`.

    Raises:
        ValueError: None or all of the examples are of these classes, or `special_fraction` is out of range.
    """
    special, others = shares(*count(dataset, classes), special_fraction)
    return special / others


def count(dataset: Any, classes: Sequence[int] | np.ndarray) -> tuple[int, int]:
    """Counts the examples of these classes and of all others; refuses a count of 0."""
    special = total = 0
    for batch in dataset:
        labels = np.asarray(labels_of(batch[1])).reshape(-1)
        special += int(np.isin(labels, np.asarray(classes)).sum())
        total += len(labels)
    if special in (0, total):
        refuse("classes", "those of some but not all examples", f"classes of {special} of {total} examples")
    return special, total - special


def shares(special: int, others: int, special_fraction: float) -> tuple[float, float]:
    """The shares of the special examples and of the others to keep; one of them is 1."""
    if not is_number(special_fraction) or not 0 < special_fraction < 1:
        refuse("special_fraction", "a number between 0 and 1", special_fraction)
    ratio = special_fraction / (1 - special_fraction) * others / special
    return (1.0, 1 / ratio) if ratio > 1 else (ratio, 1.0)


def labels_of(targets: Any) -> Any:
    """The labels in the targets of a batch."""
    return targets["labels"] if isinstance(targets, dict) else targets


def correct_dustbin(model: keras.Model, oversampling: float) -> keras.Model:
    """Returns a specialist whose dustbin logit is corrected for the oversampling of its classes in training.

    Source: section 5.2: "adjusting for the bias by incrementing the logit of the dustbin class by the log of
    the proportion by which the specialist class is oversampled".

    Args:
        model: A specialist, with the dustbin as its last class.
        oversampling: Positive number, the factor by which its classes were oversampled.

    Returns:
        A keras.Model that shares its weights with `model`. Its dustbin logit is greater by log(oversampling).

    Raises:
        ValueError: `model` does not give logits, or `oversampling` is not positive.
    """
    if not is_number(oversampling) or oversampling <= 0:
        refuse("oversampling", "a positive number", oversampling)
    check_logits("model", model)
    if count_logits(model) in (None, 1):
        refuse("model", "a specialist: a functional or sequential model of two logits or more", model)
    return add_biases(model, [count_logits(model) - 1], [math.log(oversampling)])
