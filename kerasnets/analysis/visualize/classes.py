"""Which classes a net confuses, as a tree, and its features in two dimensions."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from kerasnets.analysis.pictures import library
from kerasnets.checks import is_int, refuse

METHODS = ("pca", "tsne")
MATRIX = "a matrix (classes, classes) of finite numbers, at least 0, of 2 classes or more"
PERPLEXITY = 30  # scikit-learn's default, for as many points as allow it


@dataclasses.dataclass(frozen=True)
class ConfusionTree:
    """A tree of classes, in which those that are confused most are joined first.

    Attributes:
        links: The joined nodes, (classes - 1, 4), as scipy.cluster.hierarchy has them: the numbers of two
            nodes, their distance, and the number of classes below. The distance is 1 - the confusion.
        confusions: For each link the mean share of a class on one side that is taken for one on the other.
        order: The classes from top to bottom, so that no two branches cross.
    """

    links: np.ndarray
    confusions: np.ndarray
    order: np.ndarray


def confusion_tree(confusions: np.ndarray, labels: np.ndarray | None = None) -> ConfusionTree:
    """Joins classes into a tree, those that are confused most first.

    The confusion of two classes is the mean of the shares of each that are taken for the other; that of two
    groups is the mean over their pairs of classes (average linkage).

    Args:
        confusions: Confusion matrix, (classes, classes), of counts or shares, with a row for each true class;
            or, with `labels`, probabilities of images, (n, classes), whose means over the images of a class
            are its row.
        labels: The true classes of these images, (n,), or None.

    Returns:
        The `ConfusionTree`.

    Raises:
        ValueError: `confusions` has another shape or values that are not allowed, or `labels` do not fit it.
        ModuleNotFoundError: SciPy is not installed.
    """
    matrix = checked_matrix(confusions) if labels is None else mean_scores(confusions, labels)
    hierarchy = library("scipy.cluster.hierarchy", "Trees", "recipes")
    totals = matrix.sum(axis=1, keepdims=True)
    shares = np.divide(matrix, totals, out=np.zeros_like(matrix), where=totals > 0)
    alike = (shares + shares.T) / 2
    above = np.triu_indices(len(alike), 1)
    links = hierarchy.linkage(1 - alike[above], "average", optimal_ordering=len(alike) > 2)
    return ConfusionTree(links, 1 - links[:, 2], hierarchy.leaves_list(links))


def checked_matrix(confusions):
    """A confusion matrix in floating point."""
    matrix = numbers(confusions, "confusions", MATRIX)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or len(matrix) < 2 or matrix.min() < 0:
        refuse("confusions", MATRIX, matrix.shape)
    return matrix


def mean_scores(scores, labels):
    """For each class, the mean probabilities of its images, (classes, classes); zeros for one without any."""
    allowed = "with `labels` probabilities (n, classes) of finite numbers, at least 0, of 2 classes or more"
    scores = numbers(scores, "confusions", allowed)
    if scores.ndim != 2 or not len(scores) or scores.shape[1] < 2 or scores.min() < 0:
        refuse("confusions", allowed, scores.shape)
    check_labels(labels, len(scores), scores.shape[1])
    matrix = np.zeros((scores.shape[1],) * 2)
    np.add.at(matrix, np.asarray(labels), scores)
    return matrix


def check_labels(labels, count, classes=None):
    """Refuses what are not the classes of this number of images."""
    given = np.asarray(labels)
    whole = given.shape == (count,) and given.dtype.kind in "iu"
    if not whole or given.min() < 0 or (classes is not None and given.max() >= classes):
        of = "" if classes is None else f", from 0 to {classes - 1}"
        refuse("labels", f"an array ({count},) of class numbers{of}", labels)


def numbers(values, argument, allowed):
    """An array of finite numbers in double precision."""
    values = np.asarray(values)
    if values.dtype.kind not in "biuf" or not np.isfinite(values).all():
        refuse(argument, allowed, f"{values.dtype} {values.shape}")
    return values.astype("float64")


def embed(features: np.ndarray, method: str = "pca", seed: int = 0) -> np.ndarray:
    """Places images in a plane, so that those with similar features are near one another.

    Source: van der Maaten and Hinton, "Visualizing Data using t-SNE", JMLR 2008, for the method "tsne".

    Args:
        features: Vectors, (n, features), such as those of `kerasnets.surgery.features`, n at least 3.
        method: "pca" for the two directions in which they vary most, or "tsne", which keeps neighbors
            together and takes longer.
        seed: Seed of the method "tsne".

    Returns:
        Coordinates, float32, (n, 2).

    Raises:
        ValueError: `features` have another shape or are not finite, or the method is unknown.
        ModuleNotFoundError: scikit-learn is not installed.
    """
    if method not in METHODS:
        refuse("method", " or ".join(map(repr, METHODS)), method)
    if not is_int(seed, 0):
        refuse("seed", "a whole number, at least 0", seed)
    allowed = "an array (n, features) of finite numbers, n at least 3 and features at least 2"
    values = numbers(features, "features", allowed)
    if values.ndim != 2 or values.shape[0] < 3 or values.shape[1] < 2:
        refuse("features", allowed, values.shape)
    if method == "pca":
        found = library("sklearn.decomposition", "Features in a plane", "recipes").PCA(2, svd_solver="full")
    else:
        near = min(PERPLEXITY, (len(values) - 1) / 3)
        manifold = library("sklearn.manifold", "Features in a plane", "recipes")
        found = manifold.TSNE(2, perplexity=near, init="pca", random_state=seed)
    return found.fit_transform(values).astype("float32")


def names_or_numbers(names: Sequence[str] | None, count: int) -> list[str]:
    """The names of classes, or their numbers if there are none."""
    if names is not None and len(names) != count:
        refuse("names", f"None or a list of {count} names", names)
    return list(map(str, range(count) if names is None else names))
