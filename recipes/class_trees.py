"""Labels on the path to the root of a tree of classes, against the soft targets of a good model.

    python recipes/class_trees.py --runs 3
    python recipes/class_trees.py --tree kmeans --clusters 4 --runs 3
    python recipes/class_trees.py --dataset cifar100 --data-dir FOLDER --tree superclasses

"Organize the labels into a tree and instead of just predicting a label, predict all of the labels on the path
to the root. Many groups have tried this and it helps, but not nearly as much as using soft targets produced
by a good model. Visual similarity cannot be modeled well by any tree." (Hinton, Vinyals, Dean, "Dark
Knowledge", talk, 2014.) Here it is tried: the same net learns from

- the labels,
- all labels on the path to the root: it has a unit for each node of the tree,
- the labels with hierarchical cross-entropy, and with soft labels, which know the tree (Bertinetto et al.,
  "Making Better Mistakes", CVPR 2020, arXiv:1912.09393),
- the soft targets of a larger net, trained twice as long with dropout on jittered images.

--tree is a binary tree or one of two levels, which join the classes that the larger net confuses on the
training images; or that of the superclasses of CIFAR-100. The tree "shuffled" is a control: the binary tree
with its classes in other places. What a loss gains with it, such as by smoothing the labels, is no merit of
the tree. The table has the errors and how severe they are: the mean height of the lowest common ancestor of
the true class and the predicted one.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

import experiments
import shared
from kerasnets import files

EPOCHS = {"digits": 12, "mnist": 5, "fashion_mnist": 5, "cifar100": 30}
TREES = ("binary", "kmeans", "shuffled", "superclasses")
ALPHA, BETA, TEMPERATURE, HARD_WEIGHT, TREE_TEMPERATURE = 0.5, 10.0, 4.0, 0.1, 16.0
LONGER = 2  # the teacher is trained for so many times the epochs
LARGE = dict(dropout=0.3, input_dropout=0.1, max_norm=3.0)  # options of the teacher of gray images
TITLES = {
    "teacher": "larger net, the teacher",
    "labels": "labels",
    "path": "labels on the path to the root",
    "hierarchical": "hierarchical cross-entropy, alpha {alpha:g}",
    "tree": "soft labels of the tree, beta {beta:g}",
    "soft": "soft targets of the teacher, T = {temperature:g}",
}


def options() -> argparse.Namespace:
    """Parses the command line."""
    about = "Learn labels on the path to the root of a tree."
    p = experiments.parser(about, "class_trees", EPOCHS, 128, TEMPERATURE)
    kinds = "tree of classes: kmeans has two levels, shuffled is a control, cifar100 has superclasses"
    p.add_argument("--tree", choices=TREES, default="binary", help=f"{kinds} (binary)")
    clusters = "number of clusters of the tree kmeans (4)"
    p.add_argument("--clusters", type=shared.whole(2), default=4, metavar="N", help=clusters)
    alpha = f"by how much the weights of hierarchical cross-entropy decay with the height ({ALPHA})"
    p.add_argument("--alpha", type=shared.number(0), default=ALPHA, help=alpha)
    beta = f"by how much soft labels decay with the distance of the classes ({BETA:g})"
    p.add_argument("--beta", type=shared.number(0), default=BETA, help=beta)
    experiments.add_net(p, "name of the students' net")
    args = p.parse_args()
    if args.tree == "superclasses" and args.dataset != experiments.COLOR:
        p.error("argument --tree: only the classes of cifar100 have superclasses")
    return args


def main() -> None:
    """Trains the nets and compares them, with --runs several times."""
    args = options()
    experiments.main(args, ("tree", "clusters", "alpha", "beta", "net"), experiment, table)


def experiment(nets: experiments.Nets) -> dict[str, dict[str, float]]:
    """Trains the nets of a run, and returns the errors of each and their severity."""
    from kerasnets import data, distillation

    args = nets.args
    large = nets.build("ResNet56") if args.dataset == experiments.COLOR else nets.build("MLP1200", **LARGE)
    longer = LONGER * args.epochs
    teacher = nets.trained("teacher", large, nets.train, 0, epochs=longer, augment=data.jitter)
    taught = nets.taught(teacher, nets.train)
    tree = tree_of(args, taught[1]["teacher_logits"])
    files.write_text(args.out / "tree.txt", f"{tree}\n")
    print(f"classes below each node, by its height: {tree}")
    shares = tree.soft_labels(args.beta)

    def accuracy(labels, logits):
        import keras

        guesses = keras.ops.argmax(distillation.path_logits(logits, tree), axis=-1)
        return keras.ops.cast(keras.ops.equal(guesses, keras.ops.cast(labels, guesses.dtype)), "float32")

    def hierarchical(labels, logits):
        return distillation.hierarchical_loss(labels, logits, tree, args.alpha)

    def of_path(labels, logits):
        return distillation.path_loss(labels, logits, tree)

    def of_shares(labels, logits):
        import keras

        targets = keras.ops.take(shares, keras.ops.cast(keras.ops.reshape(labels, (-1,)), "int32"), axis=0)
        return distillation.hard_loss(targets, logits)

    build = nets.build(args.net)
    units = nets.build(args.net, classes=len(tree.nodes) - 1)
    soft = dict(temperature=args.temperature, hard_weight=HARD_WEIGHT)
    found = {
        "teacher": teacher,
        "labels": nets.trained("labels", build, nets.train, 1),
        "path": nets.trained("path", units, nets.train, 1, loss=of_path, accuracy=accuracy),
        "hierarchical": nets.trained("hierarchical", build, nets.train, 1, loss=hierarchical),
        "tree": nets.trained("tree", build, nets.train, 1, loss=of_shares),
        "soft": nets.trained("soft", build, taught, 1, distiller=soft),
    }
    return {name: measured(nets, net, tree, name == "path") for name, net in found.items()}


def tree_of(args: argparse.Namespace, logits: Any) -> Any:
    """The tree of a run."""
    from kerasnets.data.superclasses import CIFAR100
    from kerasnets.distillation import Tree, cluster_classes

    if args.tree == "shuffled":
        logits = logits[:, np.random.default_rng(args.seed).permutation(logits.shape[1])]
    if args.tree == "superclasses":
        group = {name: i for i, names in enumerate(CIFAR100.values()) for name in names}
        return Tree.of_groups(group[name] for name in sorted(group))
    clusters = args.clusters if args.tree == "kmeans" else None
    return cluster_classes(logits, clusters, TREE_TEMPERATURE, args.seed)


def measured(nets: experiments.Nets, net: Any, tree: Any, of_nodes: bool) -> dict[str, float]:
    """The errors of a net on the test images, and their severity, if there are any."""
    from keras import ops

    from kerasnets.distillation import path_logits

    images, labels = nets.test
    logits = nets.arrays.predict(net, images)
    guesses = ops.convert_to_numpy(path_logits(logits, tree) if of_nodes else logits).argmax(1)
    errors = int((guesses != labels).sum())
    return {"errors": errors, "severity": tree.severity(labels, guesses) if errors else 0.0}


def table(args: argparse.Namespace, text) -> list[list[str]]:
    """The rows of the table."""
    rows = [["a net that learns from", "errors", "severity of an error"]]
    for name, title in TITLES.items():
        rows.append([title.format(**vars(args)), text(name, "errors"), text(name, "severity")])
    return rows


if __name__ == "__main__":
    shared.run(main)
