"""Specialists: nets that know a few confusable classes well, and call all others the dustbin.

Hinton, Vinyals, Dean, "Distilling the Knowledge in a Neural Network", 2015, arXiv:1503.02531, section 5, and
the same authors' talk "Dark Knowledge", 2014.

    subsets = confusable_classes(generalist.predict(images), clusters=5)
    for classes in subsets:
        net = specialist(generalist, classes)
        net.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        net.fit(specialist_dataset(train, classes), validation_data=..., callbacks=[EarlyStopping(...)])
        specialists.append(correct_dustbin(net, oversampling(train, classes)))
    probabilities = combine(softmax(generalist), [softmax(net) for net in specialists], subsets)
"""

import math

import keras
import numpy as np
from keras import layers, ops

from kerasnets.assembly.outputs import end_of
from kerasnets.checks import is_int, is_number, refuse
from kerasnets.distillation.biases import add_biases
from kerasnets.distillation.losses import soft_targets
from kerasnets.distillation.models import check_logits, classes_of
from kerasnets.graph import with_outputs
from kerasnets.layers.dustbin import Dustbin, check_subset


def confusable_classes(logits, clusters, seed=0, temperature=1.0):
    """Sets of classes that a net tends to predict together.

    The columns of the covariance matrix of its soft targets are clustered by k-means.

    Source: section 5.1.

    Args:
        logits: Of the net, (n, classes).
        clusters: Number of sets, from 1 to the number of classes.
        seed: Whole number; same seed, same sets.
        temperature: Of the soft targets; the text's is 1. A higher one shows more of a net that is sure.

    Returns:
        A list of arrays of class numbers, each sorted, those with the smallest first class first. Every class
        is in one.

    Raises:
        ValueError: An argument is out of range.
        ModuleNotFoundError: scikit-learn is not installed.
    """
    logits = np.asarray(logits)
    if logits.ndim != 2 or len(logits) < 2 or not np.isfinite(logits).all():
        refuse("logits", "(n, classes), finite, of 2 examples or more", logits.shape)
    if not is_int(clusters, 1) or clusters > logits.shape[1]:
        refuse("clusters", f"a whole number from 1 to {logits.shape[1]}", clusters)
    if not is_number(temperature) or temperature <= 0:
        refuse("temperature", "a positive number", temperature)
    try:
        from sklearn.cluster import KMeans
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "classes are clustered by scikit-learn; install it with: pip install 'kerasnets[recipes]'"
        ) from error
    columns = np.cov(ops.convert_to_numpy(soft_targets(logits, temperature)), rowvar=False).T
    found = KMeans(clusters, n_init=10, random_state=seed).fit_predict(np.atleast_2d(columns))
    sets = (np.flatnonzero(found == c) for c in range(clusters))
    return sorted((s for s in sets if len(s)), key=lambda s: s[0])


def specialist(generalist, classes, head="logsumexp", name=None):
    """A net that tells a few classes apart, and from all others, and starts from a generalist's weights.

    Source: section 5.2; the reduced softmax is that of the talk.

    Args:
        generalist: Functional model that gives logits, (batch, all classes). It is copied, not shared.
        classes: The classes to know, in the order of the logits.
        head: "logsumexp": the dustbin's logit is the log-sum-exp of the generalist's other logits, so that
            the specialist starts in exact agreement with it. "reduced": one linear unit, started from the
            mean of the others' weights and the log of their number; the smaller head. For it the generalist
            ends in a dense layer.
        name: Name of the model; the generalist's with "_specialist" by default.

    Returns:
        A keras.Model of len(classes) + 1 logits, the last the dustbin.

    Raises:
        ValueError: `generalist` does not give logits, or `classes` are not some of its classes.
    """
    check_logits("generalist", generalist)
    n = classes_of(generalist)
    if n is None:
        refuse("generalist", "a functional or sequential model", generalist)
    subset = check_subset("classes", classes, n)
    if len(subset) == n:
        refuse("classes", f"fewer than all {n} classes", classes)
    if head not in ("logsumexp", "reduced"):
        refuse("head", "'logsumexp' or 'reduced'", head)
    twin = keras.models.clone_model(generalist)
    twin.set_weights(generalist.get_weights())
    name = name or f"{generalist.name}_specialist"
    if head == "logsumexp":
        outputs = Dustbin(subset, n, name="specialist_logits")(twin.outputs[0])
        return with_outputs(twin, outputs, name)

    end = end_of(twin)
    last = end.layer
    if not isinstance(last, layers.Dense):
        refuse("generalist", "a model that ends in a dense layer for the reduced head", last and last.name)
    config = {**last.get_config(), "units": len(subset) + 1, "name": "specialist_logits"}
    small = layers.Dense.from_config(config)
    outputs = small(end.reads)
    others = [c for c in range(n) if c not in set(subset)]
    rows = [ops.convert_to_numpy(w) for w in last.weights]  # kernel, (features, n), and bias, (n,), if any
    new = [np.concatenate([w[..., subset], w[..., others].mean(-1, keepdims=True)], -1) for w in rows]
    if last.use_bias:
        new[1][-1] += math.log(len(others))
    small.set_weights(new)
    return with_outputs(twin, outputs, name)


def specialist_dataset(dataset, classes, special_fraction=0.5, seed=0, dustbin=True):
    """Examples for a specialist: its own classes, enriched to a share of the data, and some of the others.

    Each example of the more plentiful kind is kept with the probability that gives the share, drawn anew at
    each pass; all of the other kind are kept, in the order of `dataset`. Passes are of one length, what the
    shares give on average.

    Source: section 5.2; without a dustbin the talk's "A better way to prevent specialists over-fitting?".

    Args:
        dataset: A finite, batched tf.data.Dataset of (x, labels), labels whole numbers; or, without a
            dustbin, of (x, {"labels": y, "teacher_logits": v}) as `add_teacher_logits` makes it.
        classes: The classes of the specialist.
        special_fraction: Share of the examples that are of these classes, between 0 and 1.
        seed: Whole number; same seed, same draws.
        dustbin: Whether labels become places in `classes`, and len(classes) for all others. Else they stay,
            and the targets gain "hard_weight", 1 for examples of these classes and 0 for others, so that a
            `Distiller` fits the hard targets of the one and the generalist's soft targets of the other.

    Returns:
        A tf.data.Dataset of batches of the same size.

    Raises:
        ValueError: No example, or every one, is of these classes, or an argument is out of range.
    """
    from kerasnets import data

    if not is_int(seed, 0):
        refuse("seed", "a whole number, at least 0", seed)
    counts = count(dataset, classes)
    keep = shares(*counts, special_fraction)
    size = len(keras.tree.flatten(next(iter(dataset)))[0])
    steps = math.ceil(sum(n * share for n, share in zip(counts, keep, strict=True)) / size)
    return data.specialize(dataset, [int(c) for c in classes], keep, steps, seed, dustbin)


def oversampling(dataset, classes, special_fraction=0.5):
    """How much more often `specialist_dataset` keeps examples of these classes than others.

    Args:
        dataset: As for `specialist_dataset`.
        classes: Likewise.
        special_fraction: Likewise.

    Returns:
        A positive number, what `correct_dustbin` takes.
    """
    special, others = shares(*count(dataset, classes), special_fraction)
    return special / others


def count(dataset, classes):
    """Numbers of the examples of these classes, and of others, both at least 1."""
    special = total = 0
    for batch in dataset:
        labels = np.asarray(labels_of(batch[1])).reshape(-1)
        special += int(np.isin(labels, np.asarray(classes)).sum())
        total += len(labels)
    if special in (0, total):
        refuse("classes", "those of some examples and not of all", f"{special} of {total} examples")
    return special, total - special


def shares(special, others, special_fraction):
    """The shares to keep of the special examples, and of the others; one of them is 1."""
    if not is_number(special_fraction) or not 0 < special_fraction < 1:
        refuse("special_fraction", "a number between 0 and 1", special_fraction)
    ratio = special_fraction / (1 - special_fraction) * others / special
    return (1.0, 1 / ratio) if ratio > 1 else (ratio, 1.0)


def labels_of(targets):
    """The labels in the targets of a batch."""
    return targets["labels"] if isinstance(targets, dict) else targets


def correct_dustbin(model, oversampling):
    """A specialist as it would be had its training data not been enriched.

    Source: section 5.2: "adjusting for the bias by incrementing the logit of the dustbin class by the log of
    the proportion by which the specialist class is oversampled".

    Args:
        model: A specialist.
        oversampling: Positive number, how much more often its classes were seen than others.

    Returns:
        A keras.Model that shares its weights, with the dustbin's logit greater by log(oversampling).

    Raises:
        ValueError: `model` does not give logits, or `oversampling` is not positive.
    """
    if not is_number(oversampling) or oversampling <= 0:
        refuse("oversampling", "a positive number", oversampling)
    check_logits("model", model)
    return add_biases(model, [classes_of(model) - 1], [math.log(oversampling)])
