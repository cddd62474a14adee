"""Errors of nets that are fine-tuned on few images, and of the same nets trained from scratch on them."""

from __future__ import annotations

import argparse
import math
import pathlib
import statistics
from typing import TYPE_CHECKING

import shared
from benchmarks import folders
from kerasnets import files

if TYPE_CHECKING:  # imports Keras, which makes --help slow
    from kerasnets.training import Recipe

# The source that is trained here unless --weights names another.
SOURCE = dict(
    model="VGG11",
    options=dict(filters=(16, 32, 64, 64, 64), hidden=(64,), dropout=0.0, batch_norm=True),
    size=32,
    channels=1,
    scaling="unit",
    data="fashion_mnist",
    augmentation=(("pad", {}), ("jitter", dict(pixels=2)), ("flip", {})),
    optimizer=("adam", {}),
    rate=2e-3,
    schedule=("cosine", dict(warmup=1)),
    weight_decay=1e-4,
    batch=128,
    epochs=5,
)
TESTS = 1000  # images
HELD_OUT = 0.2  # share of the training images that chooses the epoch
# How each way trains. The rates of both are the best of three on other training images.
WAYS = {
    "fine-tuned": dict(rate=3e-3, head_rate=1e-2, head_epochs=60, layer_decay=1.0),
    "from scratch": dict(rate=2e-3),
}
EPOCHS, STEPS = 60, 500  # of the whole net, in both ways; few images take more epochs to have so many steps
BATCH = 32
SHIFT = 1 / 16  # largest shift of an image, as a share of its side
COUNTS = (10, 50, 100)  # training images of each digit


def add_options(p: argparse.ArgumentParser) -> None:
    """Adds the options of this benchmark."""

    def add(name, words, **options):
        p.add_argument(name, help=words, **options)

    add("--weights", "file of a trained net (a VGG11 that is trained on Fashion-MNIST first)", metavar="FILE")
    add("--data-dir", "folder of Fashion-MNIST's IDX files, for that VGG11", metavar="FOLDER")
    add("--size", "side of the images (as the weights need)", type=shared.whole(1), metavar="PIXELS")
    for way, settings in WAYS.items():
        option = f"--rate-{way.replace(' ', '-')}"
        words = f"learning rate {way} ({settings['rate']:g})"
        add(option, words, type=shared.number(above=0), metavar="RATE", default=settings["rate"])
    words = f"training images of each digit ({' '.join(map(str, COUNTS))})"
    add("--counts", words, type=shared.whole(5), nargs="+", default=COUNTS, metavar="N")
    add("--runs", "number of seeds (3)", type=shared.whole(1), default=3, metavar="N")
    default = pathlib.Path("runs/benchmark-finetune")
    words = f"folder of the runs; those that are done are not done again ({default})"
    add("--folder", words, type=shared.folder, default=default, metavar="FOLDER")


def run(args: argparse.Namespace) -> None:
    """Fine-tunes and trains from scratch with several seeds, and compares the errors on the test images."""
    with shared.quiet():
        from kerasnets import runs
    weights = args.weights or source(args.folder / "fashion_mnist", args.data_dir)
    net = pathlib.Path(weights).stem if args.weights else "fashion_mnist"
    figures = {}
    for count in args.counts:
        folder = folders.write_digits(args.folder / f"digits{count}", count)
        figures[count] = {}
        for way in WAYS:
            recipe = recipe_of(way, weights, count, args)

            def one(seed, out, recipe=recipe, folder=folder):
                return runs.train(recipe, out, runs.Options(seed=seed, data_dir=str(folder), resume=True))

            found = runs.several(
                one, args.folder / f"{net}-{count}-{way.replace(' ', '-')}", range(args.runs)
            )
            shares = found["measures"]["top1"]["values"]
            figures[count][way] = [round(TESTS * (1 - share)) for share in shares]
        shared.show(rows(figures))
        if args.out:
            files.write_json(args.out, figures)


def source(folder: pathlib.Path, data_dir: str | None) -> str:
    """Trains a net on Fashion-MNIST as a folder of PNG files, and returns its file."""
    from kerasnets import data, runs
    from kerasnets.data.datasets import CLASSES
    from kerasnets.training import Recipe

    names = [name.replace("/", " or ") for name in CLASSES["fashion_mnist"]]
    for split in ("train", "test"):
        if not (folder / "images" / split).exists():
            images = data.load("fashion_mnist", split, data_dir=data_dir).batch(1000)
            folders.write(folder / "images" / split, *data.to_arrays(images), names)
    options = runs.Options(data_dir=str(folder / "images"), resume=True)
    results = runs.train(Recipe(**SOURCE), folder / "run", options)
    return str(folder / "run" / results["weights"])


def recipe_of(way: str, weights: str, count: int, args: argparse.Namespace) -> Recipe:
    """The recipe of one of the `WAYS`. In both, the net sees the same images with the same changes.

    Args:
        way: Key of `WAYS`.
        weights: File of the trained net.
        count: Training images of each digit, with those that are held out.
        args: The parsed options.
    """
    from kerasnets import runs
    from kerasnets.assembly import registry
    from kerasnets.training import Recipe
    from kerasnets.weights.reading import read_card

    card = read_card(weights)
    size = args.size or card.shape[0]
    shift = ("jitter", dict(pixels=round(SHIFT * size)))
    rate = getattr(args, f"rate_{way.replace(' ', '_').replace('-', '_')}")
    steps = math.ceil(10 * count * (1 - HELD_OUT) / BATCH)
    alike = {
        "data": "images",
        "splits": ("train", "test"),
        "size": size,
        "validation": HELD_OUT,
        "augmentation": (("zoom", {}), shift),
        "optimizer": ("adam", {}),
        "schedule": ("cosine", dict(warmup=1)),
        "batch": BATCH,
        "epochs": max(EPOCHS, math.ceil(STEPS / steps)),
        **WAYS[way],
        "rate": rate,
    }
    if way == "fine-tuned":
        return runs.finetuning(weights=weights, **alike)
    known = registry.find(card.builder).spec.options
    options = {name: value for name, value in card.options.items() if name in known}
    scaling = {"channels": card.shape[-1], "scaling": card.scaling.name}
    return Recipe(model=card.builder, options=options, **scaling, **alike)


def rows(figures: dict[int, dict[str, list[int]]]) -> list[list[str]]:
    """Rows of a table: the errors of each way, their mean and deviation, and how many fewer the first has."""
    table = [["images a class", *(f"errors, {way}" for way in WAYS), "fewer"]]
    for count, errors in figures.items():
        means = [statistics.fmean(errors[way]) for way in WAYS]
        deviations = [statistics.stdev(e) if len(e) > 1 else 0.0 for e in errors.values()]
        cells = [f"{m:.1f} ± {d:.1f}" for m, d in zip(means, deviations, strict=True)]
        table.append([str(count), *cells, f"{1 - means[0] / max(means[1], 1):.0%}"])
    return table
