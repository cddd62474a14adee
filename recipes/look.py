"""Draws what a net sees: everything of `kerasnets look`, a tree of the confused classes and the features.

    python recipes/look.py
    python recipes/look.py --data fashion_mnist --data-dir FOLDER
    python recipes/look.py --data flowers --data-dir FOLDER --weights best.keras

A small network in network is trained on images, or --model on them, or the net of --weights is taken as it
is. The page shows the pictures of the papers for it:

- the kernels of the first convolution (Krizhevsky et al. 2012, figure 3), and maps of layers,
- the strongest activations of channels, and their deconvolutions (Zeiler and Fergus 2014, figure 2),
- images with the evidence for their classes: guided backpropagation (Springenberg et al. 2015), occlusion
  (Zeiler and Fergus 2014, figure 7), class maps (Lin et al. 2014, figure 4; Zhou et al. 2016), Grad-CAM
  (Selvaraju et al. 2017) and integrated gradients (Sundararajan et al. 2017),
- images that maximize the score of a class (Simonyan et al. 2014, figure 1),
- the classes as a tree that joins the most confused ones first,
- the features of the test images in a plane, by PCA and by t-SNE (van der Maaten and Hinton 2008).
"""

from __future__ import annotations

import argparse
import dataclasses
import pathlib
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import experiments
import shared
from kerasnets import files

if TYPE_CHECKING:  # imports Keras, which makes --help slow
    import keras
    import numpy as np

CARD = "look.json"  # the settings of a run
EPOCHS, BATCH = 12, 64
# Mlpconv layers of the small net: kernel, strides, filters of the convolution and of the 1x1 ones after it,
# what follows, and whether dropout does.
SMALL = dict(
    mlpconvs=((5, 1, (24, 16), "max", True), (5, 1, (32, 24), "max", True), (3, 1, (48,), None, False)),
    dropout=0.2,
)
SHAPES = {"cifar10": (32, 32, 3), "cifar100": (32, 32, 3)}  # of the images of datasets
GRAY, FOLDER = (28, 28, 1), (64, 64, 3)  # of those of digits and clothes, and of folders
EXAMPLES = 1000  # test images that are counted and placed in the plane
SEEN = 300  # of these, among which the strongest activations are found
FEW = 100  # images of a tiny run
QUICK = ("kernels", "maps", "guided", "cam")  # what a tiny run draws
MOST = 50  # classes that a tree has
PROJECTIONS = {"pca": "PCA", "tsne": "t-SNE"}
# The pictures by their files, with their headings and captions.
PICTURES = {
    "look.png": (
        "Images, and the evidence for their classes",
        "Guided backpropagation and integrated gradients say which pixels count, occlusion and class maps "
        "say which regions do.",
    ),
    "kernels.png": ("First kernels", "Those of the first convolution."),
    "maps.png": ("Maps", "The strongest channels of the last layer of each resolution, for the first image."),
    "deconvolution.png": (
        "Strongest activations",
        "Patches of the images in which a channel responds most, and what its deconvolution projects back "
        "onto their pixels.",
    ),
    "maximize.png": ("Images that maximize a class", "By gradient ascent from noise."),
    "classes.png": (
        "Confused classes",
        "The more often one class is taken for another, the nearer to their names the two are joined.",
    ),
    "pca.png": ("Features by PCA", "The two directions in which the features of the images vary most."),
    "tsne.png": ("Features by t-SNE", "Images with similar features are near one another."),
}
WIDE = ("look.png", "maps.png", "deconvolution.png", "maximize.png")  # too wide for a phone


@dataclasses.dataclass(frozen=True)
class Settings:
    """What decides the result. A run is resumed with the same settings only."""

    data: str
    model: str | None
    weights: str | None
    epochs: int
    batch_size: int
    examples: int
    seed: int
    smoke: bool


class Images(NamedTuple):
    """Images of a split.

    Attributes:
        pixels: Values 0..255, float32, (n, height, width, channels).
        labels: Class numbers, (n,).
        names: Names of the classes.
    """

    pixels: np.ndarray
    labels: np.ndarray
    names: tuple[str, ...]


def options() -> argparse.Namespace:
    """Parses the command line."""
    p = shared.parser("Draw what a net sees.", EPOCHS, BATCH, "runs/look/DATA-seedSEED")
    p.add_argument("--model", type=shared.net_or_file, metavar="NAME", help="net to train (a small NIN)")
    words = "trained net to draw: a file .keras or .weights.h5 (none: one is trained)"
    p.add_argument("--weights", metavar="FILE", help=words)
    p.add_argument("--data", default="digits", metavar="NAME", help="dataset (digits)")
    words = "folder with one folder per class, of IDX files or of TensorFlow Datasets"
    p.add_argument("--data-dir", metavar="FOLDER", help=words)
    words = f"test images to count and to draw from ({EXAMPLES})"
    p.add_argument("--examples", type=shared.whole(10), default=EXAMPLES, metavar="N", help=words)
    return p.parse_args()


def main() -> None:
    """Trains or loads the net and draws what it sees, with --runs several times."""
    args = options()
    shared.say(shared.repeat(args, f"runs/look/{args.data}", run, experiments.measures, percent=False))


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Does one run, unless it is done; returns the content of results.json."""
    own = dict(epochs=args.epochs or (1 if args.smoke else EPOCHS), batch_size=args.batch_size or BATCH)
    own |= dict(examples=FEW) if args.smoke else {}
    settings = Settings(**shared.fields(Settings, args) | own)
    out, started = args.out, time.monotonic()
    with shared.quiet():
        import keras

        from kerasnets import runs
        from kerasnets.analysis import visualize
        from kerasnets.runs.nets import trained
    if done := shared.done(args, dataclasses.asdict(settings), CARD, "index.html"):
        return done
    net = None if args.weights is None else trained(args.model, args.weights, "weights")
    test = read(args, "test", net, settings.examples)
    if net is None:
        build(args, test)  # refuses a net that does not take the images, before anything is written
    runs.prepare(out, dataclasses.asdict(settings), args.resume, CARD)
    if net is None:
        net = train(args, settings, test)
    print("drawing")
    found = seen(net, test, out, settings)
    scores, vectors = outputs_of(net, test)
    row = {"accuracy": 100 * float((scores.argmax(1) == test.labels).mean())}
    draw_classes(out / "classes.png", scores, test)
    for method, title in PROJECTIONS.items():
        points = visualize.embed(vectors, method, settings.seed)
        visualize.draw_points(out / f"{method}.png", points, test.labels, test.names, f"features by {title}")
        row[f"neighbors of the class, {title}"] = 100 * share_of_neighbors(points, test.labels)
    row["neighbors of the class, features"] = 100 * share_of_neighbors(vectors, test.labels)
    results = {
        **dataclasses.asdict(settings),
        "test_size": len(test.labels),
        "nets": {found.found.net: row},
        "pictures": found.pictures,
        "left_out": found.left_out,
        "seconds": round(time.monotonic() - started, 1),
        "keras": keras.__version__,
    }
    files.write_text(out / "index.html", page(out, results, found))
    files.write_json(out / "results.json", results)
    shared.show([["measured on the test images", "%"], *([name, f"{v:.1f}"] for name, v in row.items())])
    print(f"{results['seconds']:.0f} s. In {out}: index.html, *.png, results.json")
    return results


def read(args: argparse.Namespace, split: str, net: keras.Model | None, count: int | None) -> Images:
    """Images of a split, as many as `count` says, in the size that a net takes."""
    import numpy as np

    from kerasnets import data
    from kerasnets.data.datasets import NAMES
    from kerasnets.runs.classify import of_model

    size, sizing = SHAPES.get(args.data, FOLDER if args.data not in NAMES else GRAY), None
    if net is not None:
        ready = of_model(net, None, None)
        size, sizing = ready.size, ready.sizing
    stream = data.stream(
        args.data,
        split,
        size=size,
        batch_size=200,
        data_dir=args.data_dir,
        augment=[] if sizing is None else [sizing],
        examples=count,
    )
    if net is not None and len(ready.class_names) != stream.classes:
        raise ValueError(
            f"--weights is of a net of the {stream.classes} classes of {args.data}. "
            f"Received: one of {len(ready.class_names)}"
        )
    pixels, labels = zip(*stream.dataset.as_numpy_iterator(), strict=True)
    return Images(np.concatenate(pixels), np.concatenate(labels), stream.class_names)


def build(args: argparse.Namespace, test: Images) -> keras.Model:
    """The net, not yet trained."""
    from kerasnets.runs import arrays

    given = dict(input_shape=test.pixels.shape[1:], classes=len(test.names))
    return arrays.build(args.model, **given) if args.model else arrays.build("NIN", **given, **SMALL)


def train(args: argparse.Namespace, settings: Settings, test: Images) -> keras.Model:
    """The trained net, or that which an earlier run has saved."""
    from kerasnets.runs import arrays

    images = read(args, "train", None, FEW if args.smoke else None)
    augment = ["jitter"] if images.pixels.shape[-1] == 1 else ["flip", "pad_crop"]
    examples = (arrays.SCALING(images.pixels), images.labels)
    batches = arrays.shuffled(examples, settings.batch_size, settings.epochs, settings.seed, augment)
    facts = dict(training=dataclasses.asdict(settings), class_names=images.names)
    return arrays.train_once(
        args.out / "net.keras",
        lambda: build(args, test),
        batches,
        settings.epochs,
        seed=settings.seed,
        validation=None,
        facts=facts,
    )


def seen(net: keras.Model, test: Images, out: pathlib.Path, settings: Settings) -> Any:
    """Draws what `kerasnets look` draws: first an image of each class, then others."""
    import numpy as np

    from kerasnets import runs

    _, first = np.unique(test.labels, return_index=True)
    order = list(dict.fromkeys([*first, *range(len(test.labels))]))[: 12 if settings.smoke else SEEN]
    what = QUICK if settings.smoke else "all"
    return runs.look(net, list(test.pixels[order]), out, what, limit=SEEN, seed=settings.seed)


def outputs_of(net: keras.Model, test: Images) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities, (n, classes), and features, (n, features), of the test images."""
    from kerasnets import surgery
    from kerasnets.assembly.preprocessing import preprocessing
    from kerasnets.runs.classify import of_model

    ready, scale = of_model(net, None, None), preprocessing(net, None)[1]
    features = surgery.features(net)
    return ready.probabilities(test.pixels), features.predict(scale(test.pixels), batch_size=200, verbose=0)


def draw_classes(path: pathlib.Path, scores: np.ndarray, test: Images) -> None:
    """Draws the tree of the classes, of many those that are confused most."""
    import numpy as np

    from kerasnets.analysis import visualize

    matrix = np.zeros((scores.shape[1],) * 2)
    np.add.at(matrix, test.labels, scores)
    alike = matrix / np.maximum(matrix.sum(1, keepdims=True), 1e-12)
    alike = (alike + alike.T) * (1 - np.eye(len(alike)))
    chosen = np.sort(np.argsort(-alike.max(0), kind="stable")[:MOST])
    tree = visualize.confusion_tree(matrix[np.ix_(chosen, chosen)])
    visualize.draw_tree(path, tree, [test.names[c] for c in chosen])


def share_of_neighbors(points: np.ndarray, labels: np.ndarray) -> float:
    """The share of points whose nearest other point has their label."""
    from kerasnets import surgery

    indices, _ = surgery.nearest(points, points, 2)
    own = indices[:, 0] == range(len(points))
    other = indices[:, 1] * own + indices[:, 0] * ~own
    return float((labels[other] == labels).mean())


def page(out: pathlib.Path, results: dict[str, Any], found: Any) -> str:
    """The page that shows the pictures."""
    from kerasnets.runs import pages

    ((net, row),) = results["nets"].items()
    table = [["measured on the test images", "%"], *([name, f"{value:.1f}"] for name, value in row.items())]
    epochs = f"{results['epochs']} epoch{'s' * (results['epochs'] > 1)} of training"
    how = f"reading the weights of {results['weights']}" if results["weights"] else epochs
    parts = [
        f"{net} on {results['test_size']:,} test images of {results['data']}, after {how}. The last rows of "
        "the table are the share of images whose nearest neighbor is in their class: in the planes below and "
        "by all features.",
        table,
    ]
    for file, (heading, words) in PICTURES.items():
        if (out / file).exists():
            parts.append(pages.Figure(heading, out / file, words, wide=file in WIDE))
    parts += [f"Without {name}: {reason}" for name, reason in found.left_out.items()]
    return pages.page("What a net sees", parts)


if __name__ == "__main__":
    shared.run(main)
