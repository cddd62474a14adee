"""Which deep nets train, and from which weights: VGG from Gaussians, Glorot's, He's and trained layers.

    python recipes/initialisation.py
    python recipes/initialisation.py --data fashion_mnist --data-dir FOLDER --runs 3

VGG nets of 11, 13, 16 and 19 layers, narrow ones for small images, are trained in the same way from weights
that are drawn by different schemes: from Gaussians of one standard deviation for all layers, by Glorot's
scheme, and by He's. "Copied" is the way of the paper: the first four convolutions and the last three dense
layers are those of net A, the one of 11 layers, after it was trained from Gaussian 0.0125, and the others are
drawn by the same Gaussian. A net has learned if its accuracy on the validation images, which are held out of
the training images, is more than half in some epoch. The test images are used once for each net, with the
weights of its best epoch.

As in the paper, images are pixel values, gray ones from 0 to 255, and the learning rate is 0.01. With --unit,
images have a standard deviation of about 1, and the rate is 0.1: random weights have to suit the size of the
images.

The table says which nets have learned. The folder gets initialisation.png: the training loss of each net, and
the size of the values that the layers of the untrained net give for the first batch. With a Gaussian start,
each layer multiplies them by a small number, so that little is left after many layers.

A unit that reads n values multiplies their mean square by n s^2 / 2. The standard deviations s in the names
are for nets of the paper's width. Narrower nets have larger ones, so that this product is the same: with the
default --alpha, a sixteenth of the width, four times as large.

Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR 2015,
arXiv:1409.1556, section 3.1; He et al., "Delving Deep into Rectifiers", ICCV 2015, arXiv:1502.01852, section
2.2.
"""

from __future__ import annotations

import argparse
import math
import pathlib
from typing import TYPE_CHECKING, Any

import numpy as np

import experiments
import shared
from kerasnets import files

if TYPE_CHECKING:  # imports Keras, which makes --help slow
    from kerasnets.training import Recipe

NETS = ("VGG11", "VGG13", "VGG16", "VGG19")
SHALLOW, COPIED = "VGG11", "copied"  # net A, and the start that has its layers
# Each start: `Recipe.init`, where `std` is for nets of the paper's width. 0.01 is the paper's; with 0.0125,
# net A learns within 500 steps. The last start also has layers of the trained net A of the one before it.
STARTS = {
    "Gaussian 0.01": ("gaussian", dict(std=0.01)),
    "Glorot": ("glorot", {}),
    "He": ("he", {}),
    "Gaussian 0.0125": ("gaussian", dict(std=0.0125)),
    COPIED: ("gaussian", dict(std=0.0125)),
}
SOURCE = "Gaussian 0.0125"  # the start of the net A that is copied from
FILTERS, HIDDEN = (64, 128, 256, 512, 512), 4096  # of the paper
ALPHA = 1 / 16
GRAY = ("digits", "mnist", "fashion_mnist")
# The scaling of gray and of color images, and the learning rate: of pixels, as in the paper, and with --unit.
PIXELS, UNIT = ("none", "caffe", 0.01), ("lecun", "torch", 0.1)
CLIP = 1.0  # the largest norm of the gradient; without it, nets of He's start diverge on pixel values
EPOCHS, BATCH = 10, 64
LEARNED = 0.5  # the validation accuracy above which a net has learned
SMOKE = ("VGG11", "VGG13"), (SOURCE, COPIED)
CARD = "initialisation.json"  # the settings of a run
# What is printed.
PRINTED = (
    ("Gaussian", '"VGG is deeper hard to train with Gaussian initialization" (lecture 000)'),
    (COPIED, '"Used pre-initialization of some layers!" (lecture 002); VGG, section 3.1'),
    ("Glorot", '"Possible to train from scratch with Xavier-Glorot (2010) initialization" (lecture 000)'),
    ("He", "30 layers converge, with Glorot's they do not (He et al. 2015, section 2.2 and figure 3)"),
)


def options() -> argparse.Namespace:
    """Parses the command line."""
    p = shared.parser(
        "Train deep nets from weights that are drawn by several schemes.",
        epochs=str(EPOCHS),
        batch_size=str(BATCH),
        out="runs/initialisation/DATA-seedSEED",
    )
    shared.add_options(p, data="digits")
    alpha = f"width of the nets as a share of the paper's ({ALPHA:g})"
    p.add_argument("--alpha", type=shared.number(above=0), default=ALPHA, metavar="SHARE", help=alpha)
    unit = "images of a standard deviation of 1, instead of pixel values, and ten times the rate"
    p.add_argument("--unit", action="store_true", help=unit)
    args = p.parse_args()
    args.epochs = args.epochs or (2 if args.smoke else EPOCHS)
    args.batch_size = args.batch_size or BATCH
    return args


def main() -> None:
    """Trains the nets, draws their losses and says which have learned, with --runs several times."""
    args = options()
    place = f"runs/initialisation/{args.data}{'-unit' * args.unit}"
    found, text = shared.repeat(args, place, run, experiments.measures, percent=False)
    out = args.out or pathlib.Path(place if text else f"{place}-seed{args.seed}")
    folders = [out / f"seed{seed}" for seed in found["seeds"]] if text else [out]
    runs = [files.read_json(folder / "results.json") for folder in folders]
    draw(out / "initialisation.png", runs, folders)
    show(runs)
    print(f"In {out}: initialisation.png, results.json and a folder for each {'seed' if text else 'net'}")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Trains the nets with one seed; returns the content of results.json."""
    names = ("data", "epochs", "batch_size", "alpha", "unit", "precision", "seed", "smoke")
    settings = {name: getattr(args, name) for name in names}
    with shared.quiet():
        import keras

        from kerasnets import runs
    if done := shared.done(args, settings, CARD):
        return done
    runs.prepare(args.out, settings, args.resume, CARD)
    nets, starts = SMOKE if args.smoke else (NETS, STARTS)
    found, sizes = {}, {}
    for net in nets:
        for start in starts:
            if (net, start) == (SHALLOW, COPIED):
                continue
            keras.backend.clear_session()
            name, folder = f"{net}, {start}", args.out / slug(net, start)
            print(f"seed {args.seed}: {name}")
            recipe = recipe_of(net, start, args)
            given = shared.options_of(args, resume=True)
            classes, sizes[name] = first_sizes(recipe, given)
            tested = runs.train(recipe, folder, given)
            accuracies = runs.history(folder / "history.csv")["val_accuracy"]
            found[name] = {
                "test accuracy": tested["top1"],
                "best validation accuracy": max(accuracies),
                "learned": float(max(accuracies) > LEARNED),
                "first size": sizes[name][0],
                "last size": sizes[name][-1],
            }
    results = {**settings, "classes": classes, "nets": found, "sizes": sizes}
    files.write_json(args.out / "results.json", results)
    return results


def recipe_of(net: str, start: str, args: argparse.Namespace) -> Recipe:
    """The recipe of a net.

    Args:
        net: One of `NETS`.
        start: Key of `STARTS`.
        args: The parsed options.
    """
    from kerasnets.training import Recipe

    filters = tuple(max(1, round(args.alpha * n)) for n in FILTERS)
    hidden = max(1, round(args.alpha * HIDDEN))
    gray, (of_gray, of_color, rate) = args.data in GRAY, UNIT if args.unit else PIXELS
    scheme, given = STARTS[start]
    if "std" in given:
        given = {"std": given["std"] / math.sqrt(args.alpha)}
    recipe = Recipe(
        model=net,
        options=dict(filters=filters, hidden=(hidden, hidden), dropout=0.0),
        init=(scheme, given),
        weights=str(args.out / slug(SHALLOW, SOURCE) / "best.keras") if start == COPIED else None,
        surgery=(("preinitialize", {}),) if start == COPIED else (),
        size=32,
        channels=1 if gray else 3,
        scaling=of_gray if gray else of_color,
        data=args.data,
        validation=0.2,
        augmentation=(("pad", {}),),
        rate=rate,
        clip_norm=CLIP,
        batch=args.batch_size,
        epochs=args.epochs,
    )
    return shared.adapted(recipe, args)


def first_sizes(recipe: Recipe, given: Any) -> tuple[int, list[float]]:
    """The number of classes, and the root mean squares of what untrained layers give for the first batch."""
    import keras

    from kerasnets.runs.data import Data
    from kerasnets.runs.start import start_of
    from kerasnets.runs.train import build

    keras.utils.set_random_seed(given.seed)
    data = Data(recipe, given, start_of(recipe))
    net = build(data)
    images, *_ = next(iter(data.batches(net)))
    layers = [layer.output for layer in net.layers if hasattr(layer, "kernel")]
    values = keras.Model(net.input, layers)(np.asarray(images), training=False)
    sizes = [float(np.sqrt(np.mean(np.square(np.asarray(v, "float64"))))) for v in values]
    return data.classes, sizes


def slug(net: str, start: str) -> str:
    """The name of the folder of a net."""
    return f"{net}-{start.replace(' ', '-')}"


def show(runs: list[dict[str, Any]]) -> None:
    """Prints the accuracy of each net, in how many runs it has learned, and what is printed."""
    names = list(runs[0]["nets"])
    starts = list(dict.fromkeys(name.partition(", ")[2] for name in names))
    nets = list(dict.fromkeys(name.partition(", ")[0] for name in names))
    rows = [["best accuracy on the test images, %", *starts]]
    for net in nets:
        cells = ["" if (name := f"{net}, {start}") not in names else cell(runs, name) for start in starts]
        rows.append([net, *cells])
    shared.show(rows)
    print("(in brackets: the runs in which the net learned)")
    for start in starts:
        print(f"{start}: {verdict(runs, start)}")
    for start, words in PRINTED:
        print(f"printed, {start}: {words}")


def cell(runs: list[dict[str, Any]], name: str) -> str:
    """The mean accuracy of a net, and the runs in which it learned."""
    rows = [run["nets"][name] for run in runs]
    mean = sum(row["test accuracy"] for row in rows) / len(rows)
    return f"{100 * mean:.1f} ({sum(row['learned'] for row in rows):.0f} of {len(rows)})"


def verdict(runs: list[dict[str, Any]], start: str) -> str:
    """Which nets learn from a start: those that have learned in each run, and in some."""
    learned = {}
    for name in runs[0]["nets"]:
        net, _, of = name.partition(", ")
        if of == start:
            learned[net] = sum(run["nets"][name]["learned"] for run in runs) / len(runs)
    parts = {
        "learned": [net for net, share in learned.items() if share == 1],
        "learned with some seeds": [net for net, share in learned.items() if 0 < share < 1],
        "did not learn": [net for net, share in learned.items() if share == 0],
    }
    return "; ".join(f"{', '.join(nets)} {words}" for words, nets in parts.items() if nets)


def draw(path: pathlib.Path, runs: list[dict[str, Any]], folders: list[pathlib.Path]) -> None:
    """Draws the training losses of each net, and below them the sizes of its layers' values at the start."""
    import figures
    from kerasnets.runs import history

    names = list(runs[0]["nets"])
    losses, sizes = {}, {}
    for name in names:
        net, _, start = name.partition(", ")
        logs = [history(folder / slug(net, start) / "history.csv") for folder in folders]
        losses.setdefault(net, {})[start] = [log["crossentropy"] for log in logs]
        sizes.setdefault(net, {})[start] = [run["sizes"][name] for run in runs]
    figures.starts(path, losses, sizes, list(STARTS), ("chance", math.log(runs[0]["classes"])))


if __name__ == "__main__":
    shared.run(main)
