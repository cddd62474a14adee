"""Trees of classes: how severe an error is, and losses that know which classes are related.

    tree = Tree([[0, 1], [2, 3, 4]])  # or cluster_classes(logits of a trained net)
    net.compile("adam", lambda labels, logits: hierarchical_loss(labels, logits, tree, alpha=0.5))
    tree.distances[labels, guesses]  # 0 for a right guess, 1 for a sibling, 2 for any other class

There are three ways to tell a net where its classes are in the tree, from the least change to the greatest:

- `hierarchical_loss` weights the steps of the path from the root to the class,
- `Tree.soft_labels` gives each class a share of the target, which decreases with its distance from the label,
- `path_loss` trains a net that has a unit for each node; the labels of an image are all nodes on the path of
  its class: "instead of just predicting a label, predict all of the labels on the path to the root" (Hinton,
  Vinyals, Dean, "Dark Knowledge", talk, 2014).

Bertinetto, Mueller, Tertikas, Samangooei, Lord, "Making Better Mistakes: Leveraging Class Hierarchies with
Deep Networks", CVPR 2020, arXiv:1912.09393.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from keras import ops

from kerasnets.checks import is_int, is_number, refuse
from kerasnets.distillation.losses import soft_targets
from kerasnets.distillation.specialists import confusable_classes
from kerasnets.layers.log_mean import NEVER
from kerasnets.layers.precision import in_float32

NESTED = "nested lists in which each of the classes 0, 1, 2, ... is once, at least two of them"


class Tree:
    """A tree whose leaves are classes.

    The height of a node is the number of steps down to the farthest leaf below it. The distance of two
    classes is the height of their lowest common ancestor.

    Args:
        groups: The root, a list of its children. A child is a class number or a list of children:
            [[0, 1], [2, 3, 4]] has two groups of classes below the root.

    Attributes:
        classes: Number of classes.
        nodes: For each node the sorted classes below it; first the leaves, by class, and last the root.
        heights: The height of each node, (nodes,).
        distances: The distance of each pair of classes, (classes, classes).
        paths: Whether a node is on the path of a class to the root, as 0 or 1, (classes, nodes - 1). The
            root, which is on all paths, is left out.
        members: Whether a class is below a node, (nodes, classes).
        chains: The nodes from the leaf of each class to the root, which is repeated if other paths are
            longer, (classes, depth).

    Raises:
        ValueError: `groups` is not such a list, or the classes are not 0, 1, 2, ..., each once.
    """

    def __init__(self, groups: Sequence) -> None:
        if not isinstance(groups, (tuple, list)):
            refuse("groups", NESTED, groups)
        inner = []
        walk(groups, inner)
        found = sorted(inner[-1][0])
        if len(found) < 2 or found != list(range(len(found))):
            refuse("groups", NESTED, groups)
        self.classes = len(found)
        nodes = [((c,), 0) for c in found] + inner
        self.nodes = tuple(tuple(sorted(leaves)) for leaves, _ in nodes)
        self.heights = np.array([height for _, height in nodes])
        members = np.array([np.isin(found, leaves) for leaves in self.nodes])
        self.paths = members[:-1].T.astype("float32")
        common = members[:, :, None] & members[:, None, :]
        self.distances = np.where(common, self.heights[:, None, None], len(nodes)).min(0)
        # For each class the nodes from its leaf to the root, which is repeated if others have longer paths.
        chains = [np.flatnonzero(members[:, c]) for c in found]
        chains = [sorted(chain, key=lambda n: (self.heights[n], n)) for chain in chains]
        depth = max(map(len, chains))
        self.chains = np.array([chain + chain[-1:] * (depth - len(chain)) for chain in chains])
        self.members = members

    @classmethod
    def of_groups(cls, groups: Iterable[int]) -> "Tree":
        """The tree of two levels in which each class is below its group.

        Args:
            groups: The number of the group of each class. The only class of a group is a child of the root.

        Returns:
            The `Tree`.
        """
        groups = np.asarray(list(groups))
        sets = [np.flatnonzero(groups == g).tolist() for g in np.unique(groups)]
        return cls([s if len(s) > 1 else s[0] for s in sets] if len(sets) > 1 else sets[0])

    def soft_labels(self, beta: float) -> np.ndarray:
        """Targets that give each class a share, which decreases with its distance from the label.

        Source: equation 5: the share of class A for the label C is proportional to exp(-beta * d(A, C)), and
        d is the distance divided by the height of the root.

        Args:
            beta: A number, at least 0. With 0, all classes have the same share; with a very large number, the
                label has everything. The paper uses 4 to 30.

        Returns:
            Array of probabilities, float32, (classes, classes); row C is the target of the label C.

        Raises:
            ValueError: `beta` is not such a number.
        """
        if not is_number(beta) or beta < 0:
            refuse("beta", "a number, at least 0", beta)
        shares = np.exp(-beta * self.distances / self.heights[-1])
        return (shares / shares.sum(1, keepdims=True)).astype("float32")

    def severity(self, labels: np.ndarray, guesses: np.ndarray) -> float:
        """The mean distance of wrong predictions from their labels.

        Source: section 4.1, "hierarchical distance of a mistake".

        Args:
            labels: Class numbers, (n,).
            guesses: Predicted class numbers, (n,).

        Returns:
            The mean in steps up the tree, at least 1; NaN if all predictions are right.
        """
        wrong = self.distances[labels, guesses][np.not_equal(labels, guesses)]
        return float(wrong.mean()) if len(wrong) else float("nan")

    def __str__(self):
        return "; ".join(
            f"{height}: {' '.join(map(str, leaves))}"
            for leaves, height in zip(self.nodes, self.heights, strict=True)
            if 0 < height < self.heights[-1]
        )


def walk(node: Any, inner: list) -> tuple[list[int], int]:
    """The leaves below a node and its height; adds both to `inner` for all nodes that are not leaves."""
    if is_int(node, 0):
        return [int(node)], 0
    if not isinstance(node, (tuple, list)) or not node:
        refuse("groups", NESTED, node)
    below = [walk(child, inner) for child in node]
    inner.append((sum((leaves for leaves, _ in below), []), 1 + max(height for _, height in below)))
    return inner[-1]


def hierarchical_loss(labels: Any, logits: Any, tree: Tree, alpha: float = 0.0) -> Any:
    """Hierarchical cross-entropy: each step from the root to the class counts by its height.

    With l running from the leaf to the child of the root, it is -sum_l exp(-alpha * height_l) *
    log p(node_l given its parent), where the probability of a node is the sum over its classes. With `alpha`
    0 it is cross-entropy, whatever the tree. The larger `alpha`, the more the step to the leaf counts, and
    the less those high in the tree.

    Source: equations 3 and 4.

    Args:
        labels: Class numbers, (batch,) or (batch, 1).
        logits: Logits of the classes, (batch, classes).
        tree: The tree.
        alpha: A finite number. If it is below 0, the first steps from the root count most.

    Returns:
        Tensor, (batch,).

    Raises:
        ValueError: `alpha` is not a finite number, there are not as many logits as the tree has classes, or
            the labels are not class numbers.
    """
    if not is_number(alpha):
        refuse("alpha", "a finite number", alpha)
    labels, logits = checked(labels, logits, tree.classes)
    log_p = ops.log_softmax(logits)[:, None, :]
    on_path = ops.take(ops.convert_to_tensor(tree.members[tree.chains]), labels, axis=0)
    log_nodes = ops.logsumexp(ops.where(on_path, log_p, NEVER), axis=-1)  # (batch, depth), from the leaf
    weights = ops.cast(np.exp(-alpha * tree.heights[tree.chains[:, :-1]]), logits.dtype)
    steps = log_nodes[:, :-1] - log_nodes[:, 1:]
    return -ops.sum(ops.take(weights, labels, axis=0) * steps, axis=-1)


def path_loss(labels: Any, logits: Any, tree: Tree) -> Any:
    """The loss of a net that has a logit for each node: all nodes on the path of the class are labels.

    It is the sum over the nodes of the cross-entropies of their sigmoids. `path_logits` turns the logits of
    the nodes into logits of the classes.

    Args:
        labels: Class numbers, (batch,) or (batch, 1).
        logits: Logits of all nodes but the root, (batch, nodes - 1), in the order of `Tree.nodes`.
        tree: The tree.

    Returns:
        Tensor, (batch,).

    Raises:
        ValueError: There are not as many logits as the tree has nodes besides the root, or the labels are not
            class numbers.
    """
    labels, logits = checked(labels, logits, len(tree.nodes) - 1)
    targets = ops.take(ops.cast(tree.paths, logits.dtype), labels, axis=0)
    return ops.sum(ops.binary_crossentropy(targets, logits, from_logits=True), axis=-1)


def path_logits(logits: Any, tree: Tree) -> Any:
    """Logits of the classes from those of the nodes: the sum of those on the path of each class.

    `path_loss` is a negative log-likelihood of sets of nodes. The softmax of these logits is its distribution
    over the classes, given that the set is the path of a class.

    Args:
        logits: Logits of all nodes but the root, (batch, nodes - 1).
        tree: The tree.

    Returns:
        Tensor, (batch, classes).

    Raises:
        ValueError: There are not as many logits as the tree has nodes besides the root.
    """
    logits = with_count(logits, len(tree.nodes) - 1)
    return ops.matmul(logits, ops.cast(tree.paths.T, logits.dtype))


def checked(labels, logits, count):
    """Labels as whole numbers, (batch,), and logits in float32, (batch, count)."""
    logits = with_count(logits, count)
    labels = ops.convert_to_tensor(labels)
    if labels.ndim > 1 and labels.shape[-1] != 1:
        refuse("labels", "class numbers, (batch,) or (batch, 1)", tuple(labels.shape))
    return ops.cast(ops.reshape(labels, (-1,)), "int32"), logits


def with_count(logits, count):
    """Logits in float32, (batch, count)."""
    logits = in_float32(ops.convert_to_tensor(logits))
    if logits.shape[-1] != count:
        refuse("logits", f"an array (batch, {count}) for this tree", logits.shape)
    return logits


def cluster_classes(
    logits: np.ndarray, clusters: int | None = None, temperature: float = 1.0, seed: int = 0
) -> Tree:
    """Makes a tree of the classes that a net confuses.

    Args:
        logits: Logits of the net, (n, classes).
        clusters: Number of groups of a tree of two levels, which `confusable_classes` finds by k-means; or
            None to join the two most related groups of classes again and again, which makes a binary tree.
        temperature: Temperature of the soft targets. Classes are related if their soft targets are large for
            the same images.
        seed: Seed of k-means.

    Returns:
        The `Tree`.

    Raises:
        ValueError: An argument is not allowed, as for `confusable_classes`.
        ModuleNotFoundError: scikit-learn is not installed.
    """
    # This also checks the arguments.
    groups = confusable_classes(logits, 1 if clusters is None else clusters, seed, temperature)
    if clusters is not None:
        number = np.zeros(np.shape(logits)[1], int)
        for i, classes in enumerate(groups):
            number[classes] = i
        return Tree.of_groups(number)
    from sklearn.cluster import AgglomerativeClustering

    soft = ops.convert_to_numpy(soft_targets(logits, temperature))
    with np.errstate(invalid="ignore"):  # a class that is as likely for all images is related to none
        unlike = 1 - np.nan_to_num(np.corrcoef(soft, rowvar=False))
    joined = AgglomerativeClustering(
        n_clusters=None, distance_threshold=0, metric="precomputed", linkage="average"
    )
    nodes: list = list(range(len(unlike)))
    for pair in joined.fit(unlike).children_:
        nodes.append([nodes[i] for i in pair])
    return Tree(nodes[-1])
