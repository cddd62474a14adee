"""Trees of confused classes, features in a plane, and the pictures of both."""

import numpy as np
import pytest
from PIL import Image

from kerasnets.analysis.visualize import confusion_tree, draw_points, draw_tree, embed

# Cats (0, 3) and cars (1, 4) are confused, cats more; fish (2) are rarely taken for cats.
CONFUSIONS = np.array(
    [[70, 0, 2, 28, 0], [0, 90, 0, 0, 10], [1, 0, 98, 1, 0], [20, 0, 0, 80, 0], [0, 10, 0, 0, 90]]
)


def groups(tree):
    """The classes below each link, in the order in which they are joined."""
    nodes = [{c} for c in range(len(tree.order))]
    for one, other, *_ in tree.links:
        nodes.append(nodes[int(one)] | nodes[int(other)])
    return nodes[len(tree.order) :]


def test_the_most_confused_classes_are_joined_first():
    tree = confusion_tree(CONFUSIONS)
    assert groups(tree) == [{0, 3}, {1, 4}, {0, 2, 3}, {0, 1, 2, 3, 4}]
    # (28 + 20) / 2 of 100; 10; the mean of (2 + 1) / 2 and (0 + 1) / 2; nothing.
    np.testing.assert_allclose(tree.confusions, [0.24, 0.1, 0.01, 0], atol=1e-12)
    place = np.argsort(tree.order)
    for group in groups(tree):  # no two branches cross
        assert np.ptp([place[c] for c in group]) == len(group) - 1
    np.testing.assert_allclose(confusion_tree(CONFUSIONS / 7).links, tree.links)  # counts or shares


def test_of_probabilities_with_labels():
    labels = np.repeat(np.arange(5), 10)
    tree = confusion_tree((CONFUSIONS / 100)[labels], labels)
    np.testing.assert_allclose(tree.links, confusion_tree(CONFUSIONS).links)
    assert groups(confusion_tree(np.eye(2)[[0, 0, 1]], np.array([0, 0, 0]))) == [{0, 1}]  # none of class 1


@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_planted_clusters_stay_apart(method):
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 3
    features = np.eye(3, 12)[labels] * 30 + rng.normal(0, 1, (60, 12))
    points = embed(features, method, seed=1)
    assert points.shape == (60, 2)
    centers = np.array([points[labels == c].mean(0) for c in range(3)])
    assert (((points[:, None] - centers) ** 2).sum(-1).argmin(1) == labels).all()
    np.testing.assert_array_equal(embed(features, method, seed=1), points)


def test_pictures(tmp_path):
    names = ("cat", "lorry", "fish", "lynx", "car")
    draw_tree(tmp_path / "tree.png", confusion_tree(CONFUSIONS), names)
    draw_points(
        tmp_path / "points.png", np.random.default_rng(0).normal(size=(9, 2)), np.arange(9) % 5, names
    )
    for name in ("tree", "points"):
        assert Image.open(tmp_path / f"{name}.png").convert("L").getextrema() != (255, 255)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: confusion_tree(np.ones((2, 3))), "`confusions` is a matrix"),
        (lambda: confusion_tree(-np.eye(2)), "`confusions` is a matrix"),
        (lambda: confusion_tree(np.ones((3, 2)), np.array([0, 1, 2])), "`labels` is .*, from 0 to 1"),
        (lambda: confusion_tree(np.ones((3, 2)), np.array([0, 1])), r"`labels` is an array \(3,\)"),
        (lambda: embed(np.ones((5, 3)), "umap"), "`method` is 'pca' or 'tsne'"),
        (lambda: embed(np.ones((2, 3))), "`features` is an array"),
        (lambda: embed(np.full((5, 3), np.nan)), "`features` is an array"),
        (lambda: embed(np.ones((5, 3)), seed=-1), "`seed` is a whole number"),
    ],
)
def test_misuse(call, message):
    with pytest.raises(ValueError, match=message):
        call()
