import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from kerasnets.data.superclasses import CIFAR100
from kerasnets.distillation import Tree, cluster_classes, hierarchical_loss, path_logits, path_loss
from nets import array

RNG = np.random.default_rng(0)
TREES = {
    "flat": [0, 1, 2, 3, 4],
    "two levels": [[0, 1], [2, 3, 4]],
    "one of a group": [[3], [2, 0, [1, 4]]],
    "binary": [[[[0, 3], 1], 2], 4],
}
LABELS, LOGITS = np.array([0, 1, 2, 3, 4, 4]), RNG.normal(0, 3, (6, 5)).astype("float32")


@pytest.fixture(params=TREES)
def tree(request):
    return Tree(TREES[request.param])


def cross_entropy(labels, logits):
    return -log_softmax(logits.astype("float64"), axis=1)[np.arange(len(labels)), labels]


def test_a_tree_knows_its_nodes_and_distances():
    tree = Tree(TREES["one of a group"])
    assert tree.nodes == ((0,), (1,), (2,), (3,), (4,), (3,), (1, 4), (0, 1, 2, 4), (0, 1, 2, 3, 4))
    assert tree.heights.tolist() == [0, 0, 0, 0, 0, 1, 1, 2, 3]
    assert tree.distances.tolist() == [
        [0, 2, 2, 3, 2],
        [2, 0, 2, 3, 1],
        [2, 2, 0, 3, 2],
        [3, 3, 3, 0, 3],
        [2, 1, 2, 3, 0],
    ]
    assert tree.paths[4].tolist() == [0, 0, 0, 0, 1, 0, 1, 1]
    assert tree.severity(np.array([1, 1, 1]), np.array([1, 4, 3])) == 2.0
    assert np.isnan(tree.severity(np.array([1]), np.array([1])))


def test_cross_entropy_of_the_whole_path_is_that_of_the_class(tree):
    given = array(hierarchical_loss(LABELS[:, None], LOGITS, tree))
    np.testing.assert_allclose(given, cross_entropy(LABELS, LOGITS), rtol=1e-5)
    given = array(hierarchical_loss(LABELS, LOGITS.astype("float64"), tree))
    np.testing.assert_allclose(given, cross_entropy(LABELS, LOGITS), rtol=1e-12)


def test_steps_count_by_their_height(tree):
    """Against the formula, with probabilities in float64; of a flat tree only the leaves' step is there."""
    p, alpha, expected = softmax(LOGITS.astype("float64"), axis=1), 0.7, []
    for row, label in zip(p, LABELS, strict=True):
        path = sorted((n for n in range(len(tree.nodes)) if label in tree.nodes[n]), key=tree.heights.item)
        mass = [row[list(tree.nodes[n])].sum() for n in path]
        steps = zip(path, mass, mass[1:], strict=False)
        expected.append(-sum(np.exp(-alpha * tree.heights[n]) * np.log(a / b) for n, a, b in steps))
    np.testing.assert_allclose(array(hierarchical_loss(LABELS, LOGITS, tree, alpha)), expected, rtol=1e-5)
    flat = hierarchical_loss(LABELS, LOGITS, Tree(TREES["flat"]), alpha)
    np.testing.assert_allclose(array(flat), cross_entropy(LABELS, LOGITS), rtol=1e-5)


def test_losses_and_gradients_stay_finite(tree):
    import tensorflow as tf

    for logits in (np.full((5, 5), 60.0), 120 * np.eye(5) - 60, 60 - 120 * np.eye(5), np.zeros((5, 5))):
        z = tf.constant(logits, "float16")
        nodes = tf.constant(np.resize(logits, (5, len(tree.nodes) - 1)), "float16")
        with tf.GradientTape() as tape:
            tape.watch((z, nodes))
            loss = hierarchical_loss(np.arange(5), z, tree, 0.5), path_loss(np.arange(5), nodes, tree)
        for found in (*loss, *tape.gradient(loss, (z, nodes))):
            assert np.isfinite(found).all()


def test_soft_labels(tree):
    assert np.allclose(tree.soft_labels(4.0).sum(1), 1)
    np.testing.assert_allclose(tree.soft_labels(0), 0.2)
    np.testing.assert_array_equal(tree.soft_labels(1e4), np.eye(5))


def test_soft_labels_match_fixed_numbers():
    expected = [0.8401369021, 0.1137001656, 0.0153876441, 0.0153876441, 0.0153876441]
    np.testing.assert_allclose(Tree.of_groups([0, 0, 1, 1, 1]).soft_labels(4.0)[0], expected, rtol=1e-6)


def test_a_net_of_the_path_finds_the_class_whose_path_is_likeliest(tree):
    nodes = RNG.normal(0, 2, (6, len(tree.nodes) - 1)).astype("float32")
    losses = np.array([array(path_loss(np.full(6, c), nodes, tree)) for c in range(5)]).T
    scores = array(path_logits(nodes, tree))
    np.testing.assert_allclose(log_softmax(scores, axis=1), log_softmax(-losses, axis=1), atol=1e-5)
    on, off = np.log1p(np.exp(-nodes)), np.log1p(np.exp(nodes))
    np.testing.assert_allclose(losses[0, 3], np.where(tree.paths[3], on[0], off[0]).sum(), rtol=1e-5)


def test_classes_that_a_net_confuses_are_close():
    labels = np.arange(300) % 6
    logits = RNG.normal(size=(300, 6)) + 6 * np.eye(6)[labels] + 4 * np.eye(6)[(labels + 3) % 6]
    tree = cluster_classes(logits)
    assert {(0, 3), (1, 4), (2, 5)} < set(tree.nodes)
    two = cluster_classes(logits, 3)
    assert two.nodes[6:] == ((0, 3), (1, 4), (2, 5), (0, 1, 2, 3, 4, 5))
    assert two.heights.max() == 2


def test_superclasses_of_cifar100():
    names = sorted(name for group in CIFAR100.values() for name in group)
    assert len(set(names)) == 100
    assert {len(group) for group in CIFAR100.values()} == {5}
    of = {name: i for i, group in enumerate(sorted(CIFAR100)) for name in CIFAR100[group]}
    coarse = [of[name] for name in names]
    assert coarse[:10] == [4, 1, 14, 8, 0, 6, 7, 7, 18, 3]  # as the dataset's files number both


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Tree([[0, 1], [1, 2]]), "nested"),
        (lambda: Tree([0]), "at least two"),
        (lambda: Tree([0, []]), "nested"),
        (lambda: Tree("01"), "nested"),
        (lambda: Tree([0, 1]).soft_labels(-1.0), "`beta`"),
        (lambda: hierarchical_loss(LABELS, LOGITS, Tree([0, 1])), r"`logits` is an array \(batch, 2\)"),
        (lambda: hierarchical_loss(LABELS, LOGITS, Tree([0, 1]), "big"), "`alpha`"),
        (lambda: path_loss(LABELS, LOGITS, Tree([[0, 1], [2, 3, 4]])), r"\(batch, 7\)"),
        (lambda: hierarchical_loss(np.eye(5)[:1], LOGITS[:1], Tree([0, 1, 2, 3, 4])), "`labels`"),
        (lambda: path_logits(LOGITS, Tree([[0, 1], [2, 3, 4]])), r"\(batch, 7\)"),
        (lambda: cluster_classes(LOGITS, 6), "`clusters`"),
        (lambda: cluster_classes(LOGITS, 0), "`clusters`"),
    ],
)
def test_what_is_no_tree_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
