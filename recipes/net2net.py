"""Shows that nets learn faster from a smaller trained net than from random weights: Net2Net.

    python recipes/net2net.py

A small VGG11, the teacher, learns the digits. Then a wider and a deeper net are trained twice: from the
teacher, by Net2WiderNet and Net2DeeperNet, and from random weights. Everything is repeated with other seeds.
The table shows after how many epochs each net reaches the same accuracy, as the mean of the seeds, on
validation images, which are held out of the training images. The test images are used once for each net, at
the end. The folder gets net2net.png with the curves, results.json, and below the folder of each seed one for
each net as recipes/train.py makes it.

Chen, Goodfellow, Shlens, "Net2Net: Accelerating Learning via Knowledge Transfer", ICLR 2016,
arXiv:1511.05641, sections 3.2 and 3.3 and figures 2 and 3, with smaller nets and other images.
"""

from __future__ import annotations

import argparse
import pathlib
from typing import TYPE_CHECKING, Any

import shared
from kerasnets import files

if TYPE_CHECKING:  # imports Keras, which makes --help slow
    from kerasnets.training import Recipe

SMALL = dict(filters=(4, 8, 16, 16, 16), hidden=(16,), dropout=0.0)
WIDE = dict(filters=(8, 16, 32, 32, 32), hidden=(32,), dropout=0.0)
# Without noise, the copies of a channel would stay equal, since there is no dropout. This much costs the net
# a few tenths of a percent of its accuracy at first.
NOISE = 0.1
WIDER = (
    ("widen", dict(layer="block1_conv1", width=8, noise=NOISE)),
    ("widen", dict(layer="block2_conv1", width=16, noise=NOISE)),
    ("widen", dict(layer="block3_conv1", width=32, noise=NOISE)),
    ("widen", dict(layer="block3_conv2", width=32, noise=NOISE)),
    ("widen", dict(layer="block4_conv1", width=32, noise=NOISE)),
    ("widen", dict(layer="block4_conv2", width=32, noise=NOISE)),
    ("widen", dict(layer="block5_conv1", width=32, noise=NOISE)),
    ("widen", dict(layer="block5_conv2", width=32, noise=NOISE)),
    ("widen", dict(layer="fc1", width=32, noise=NOISE)),
)
# With these layers, VGG11 is VGG16.
DEEPER = (
    ("deepen", dict(layer="block1_conv1")),
    ("deepen", dict(layer="block2_conv1")),
    ("deepen", dict(layer="block3_conv2")),
    ("deepen", dict(layer="block4_conv2")),
    ("deepen", dict(layer="block5_conv2")),
)
TEACHER = "teacher"
RATE = 0.1  # from random weights; of 0.03, 0.05 and 0.1 the best on the validation images
LOWER = 0.02  # from the teacher; with 0.01 the nets learn little more, with 0.05 they first get worse
# Each net: fields of its recipe. Those with `surgery` start from the teacher.
NETS = {
    TEACHER: dict(model="VGG11", options=SMALL, rate=RATE),
    "wider, from the teacher": dict(model="VGG11", options=SMALL, rate=LOWER, surgery=WIDER),
    "wider, random": dict(model="VGG11", options=WIDE, rate=RATE),
    "deeper, from the teacher": dict(model="VGG11", options=SMALL, rate=LOWER, surgery=DEEPER),
    "deeper, random": dict(model="VGG16", options=SMALL, rate=RATE),
}
PANELS = {
    "twice as wide": ("wider, from the teacher", "wider, random"),
    "16 instead of 11 layers": ("deeper, from the teacher", "deeper, random"),
}
LEVELS = (0.9, 0.93, 0.95, 0.96)  # accuracies on the validation images
EPOCHS, BATCH, RUNS = 20, 64, 3


def options() -> argparse.Namespace:
    """Parses the command line."""
    p = shared.parser(
        "Show that nets learn faster from a smaller trained net than from random weights.",
        epochs=str(EPOCHS),
        batch_size=str(BATCH),
        out="runs/net2net",
        runs=RUNS,
    )
    return p.parse_args()


def main() -> None:
    """Trains the nets with several seeds, draws their curves and counts their epochs."""
    args = options()
    with shared.quiet():
        from kerasnets import runs
    out = args.out or pathlib.Path("runs/net2net")
    found = runs.several(
        lambda seed, folder: train_nets(seed, folder, args),
        out,
        range(args.seed, args.seed + args.runs),
        lambda results: {net: row["test"] for net, row in results.items()},
    )
    folders = [out / f"seed{seed}" for seed in found["seeds"]]
    curves = {
        net: [runs.history(f / slug(net) / "history.csv")["val_accuracy"] for f in folders] for net in NETS
    }
    teacher = sum(values[-1] for values in curves[TEACHER]) / len(folders)
    rows = {net: {f"{level:.0%}": reached(curves[net], level) for level in LEVELS} for net in NETS}
    draw(out / "net2net.png", curves, teacher)
    files.write_json(out / "results.json", {**found, "epochs": rows, "validation": curves})
    show(rows, found["measures"])
    print(f"In {out}: net2net.png, results.json, and a folder for each seed")


def train_nets(seed: int, folder: pathlib.Path, args: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Trains the nets with a seed, and returns the test accuracy of each."""
    import keras

    from kerasnets import runs

    results, given = {}, shared.options_of(args, seed=seed, resume=True)
    for net in NETS:
        keras.backend.clear_session()
        print(f"seed {seed}, {net}")
        recipe = recipe_of(net, args, str(folder / TEACHER / "best.keras"))
        results[net] = {"test": runs.train(recipe, folder / slug(net), given)["top1"]}
    return results


def recipe_of(net: str, args: argparse.Namespace, teacher: str) -> Recipe:
    """The recipe of a net.

    Args:
        net: Key of `NETS`.
        args: The parsed options.
        teacher: File of the teacher.
    """
    from kerasnets.training import Recipe

    return Recipe(
        **NETS[net],
        weights=teacher if "surgery" in NETS[net] else None,
        channels=1,
        size=32,
        scaling="unit",
        data="digits",
        validation=0.2,
        augmentation=(("pad", {}), ("jitter", dict(pixels=2))),
        optimizer=("sgd", dict(momentum=0.9, nesterov=True)),
        schedule=("cosine", dict(warmup=1)),
        clip_norm=1.0,
        batch=args.batch_size or BATCH,
        epochs=args.epochs or (2 if args.smoke else EPOCHS),
    )


def slug(net: str) -> str:
    """The name of a net's folder."""
    return net.replace(", ", "-").replace(" ", "-")


def reached(curves: list[list[float]], level: float) -> int | None:
    """The first epoch, from 1, in which the mean of the curves reaches a level; None if none does."""
    means = [sum(values) / len(values) for values in zip(*curves, strict=True)]
    return next((epoch for epoch, mean in enumerate(means, start=1) if mean >= level), None)


def draw(path: pathlib.Path, curves: dict[str, list[list[float]]], teacher: float) -> None:
    """Draws the validation accuracies of the nets from the teacher beside those from random weights."""
    import figures

    panels = {
        title: {net: [[100 * share for share in row] for row in curves[net]] for net in nets}
        for title, nets in PANELS.items()
    }
    last = [("teacher, last epoch", 100 * teacher)]
    bottom = 100 * min(LEVELS[0] - 0.1, *(row[-1] for rows in curves.values() for row in rows))
    figures.bands(path, panels, "validation accuracy, %", last, bottom)


def show(rows: dict[str, dict[str, Any]], tests: dict[str, dict[str, Any]]) -> None:
    """Prints the epochs to each accuracy, and the accuracy on the test images."""
    table = [["epochs to a validation accuracy of", *next(iter(rows.values())), "test"]]
    for net, row in rows.items():
        numbers = ["-" if epoch is None else str(epoch) for epoch in row.values()]
        spread = tests[net]["deviation"]
        more = "" if spread is None else f" ± {100 * spread:.2f}"
        table.append([net, *numbers, f"{100 * tests[net]['mean']:.2f}{more}%"])
    shared.show(table)


if __name__ == "__main__":
    shared.run(main)
