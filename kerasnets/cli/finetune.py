"""`kerasnets finetune`: a trained net learns the classes of a folder of images."""

from __future__ import annotations

import argparse
import dataclasses
from typing import TYPE_CHECKING, Any

from kerasnets.cli.options import Parser, command, model_options, number, quiet, weights, whole
from kerasnets.cli.runs import (
    add_common,
    add_hosts,
    add_options,
    add_validation,
    data_name,
    options_of,
    repeat,
)
from kerasnets.cli.start import add_surgery, surgery_of

if TYPE_CHECKING:  # imports Keras, which makes --help slow
    from kerasnets.training import Recipe

# Options whose names are those of fields of a Recipe.
FIELDS = (
    "labels", "positive", "validation", "balance", "freeze", "dropout", "head_epochs", "head_rate",
    "head_views", "rate", "layer_decay", "size", "precision", "replicas",
)  # fmt: skip
# A tiny run: a net whose weights come with the package, on data that needs no download.
SMOKE = dict(model="LeNet5", weights="mnist", data="digits", positive="7")
SMOKE_EPOCHS = 2


def add(commands: Any) -> None:
    """Adds the subcommand."""
    text = "fine-tune a trained net on a folder of images; options of the net may follow, such as --alpha 0.5"
    p = command(commands, "finetune", run, text)
    add_arguments(p)
    p.set_defaults(takes_options=True)


def add_arguments(p: Parser) -> None:
    """Adds the options of a fine-tuning run."""
    add_common(p, "those of 500 steps, from 5 to 50", "32", "runs/finetune/DATA-MODEL-seedSEED")
    p.add_argument("--model", metavar="NAME", help="name of the net (that of the weights, or MobileNetV2)")
    words = "a file of weights, the id of a checkpoint, or a dataset such as imagenet (imagenet)"
    p.add_argument("--weights", "--init-from", type=weights, metavar="ID", help=words)
    add_options(p, shown="the images of --data-dir")
    add_validation(p, "0.2")
    p.add_argument("--labels", metavar="FILE.csv", help="CSV file with one or several labels of each image")
    p.add_argument("--positive", metavar="CLASS", help="class to tell from all others, by one score")
    words = "weights or sampling: weigh rare classes more in the loss, or draw them more often (none)"
    p.add_argument("--balance", choices=("weights", "sampling"), metavar="HOW", help=words)
    rows = "random changes of training images, such as area_crop flip rand_augment mixup, or none"
    p.add_argument("--augment", nargs="+", metavar="ROW", help=f"{rows} (area_crop flip)")
    smoothing = "share of the target that is spread over all classes (0.1)"
    p.add_argument("--label-smoothing", type=number(0, 0.99), metavar="SHARE", help=smoothing)
    p.add_argument("--dropout", type=number(0, 0.99), metavar="RATE", help="dropout of the features (0.2)")
    p.add_argument("--size", type=whole(1), metavar="PIXELS", help="side of the images (as the weights need)")
    epochs = "epochs of the new classifier alone, on kept features (those of 500 steps, from 10 to 100)"
    p.add_argument("--head-epochs", type=whole(0), metavar="N", help=epochs)
    p.add_argument(
        "--head-rate",
        type=number(above=0),
        metavar="RATE",
        help="learning rate of the new classifier alone (0.01)",
    )
    views = "views of each image for the classifier alone: the first plain, the others augmented (2)"
    p.add_argument("--head-views", type=whole(1), metavar="N", help=views)
    frozen = (
        "what stays frozen afterwards: all below the classifier, N lowest stages, or up to a layer (none)"
    )
    p.add_argument("--freeze", type=freeze, metavar="all|N|LAYER", help=frozen)
    p.add_argument("--rate", type=number(above=0), metavar="RATE", help="learning rate of the net (0.0003)")
    decay = "factor by which the learning rate falls from stage to stage, from the classifier down (0.7)"
    p.add_argument("--layer-decay", type=number(0.001, 1), metavar="FACTOR", help=decay)
    moving = "let batch normalization adapt its statistics"
    p.add_argument("--train-batch-norm", action="store_true", help=moving)
    add_surgery(p)
    add_hosts(p)


def freeze(text: str) -> bool | int | str:
    """An argparse type: "all", a number of stages, or the name of a layer."""
    return True if text == "all" else int(text) if text.isascii() and text.isdigit() else text


def run(options: argparse.Namespace, rest: list[str]) -> tuple[Any, str]:
    """The JSON data and the text of `kerasnets finetune`. The run prints its own results."""
    with quiet():
        from kerasnets import runs

        recipe = recipe_of(options, rest)
    place = f"runs/finetune/{data_name(options.data_dir, recipe.data)}-{recipe.model}"
    return repeat(options, place, lambda own: runs.train(recipe, own.out, options_of(own, report=True)))


def recipe_of(options: argparse.Namespace, rest: list[str]) -> Recipe:
    """The recipe of a command line.

    Raises:
        ValueError: An option is not allowed, or nothing says which images to use.
    """
    from kerasnets import runs

    given = {name: getattr(options, name) for name in ("model", "weights", "data", "data_dir")}
    given |= {name: getattr(options, name) for name in FIELDS}
    if options.smoke and not any(given[name] for name in ("model", "weights", "data", "data_dir")):
        given |= SMOKE
    if not given["data"] and not given["data_dir"]:
        raise ValueError(
            "--data-dir is missing: a folder with a folder of images for each class, or with those that "
            "--labels names; or --data is the name of a dataset, such as digits"
        )
    given["epochs"], given["batch"] = options.epochs, options.batch_size
    if options.smoke:
        given |= {
            "epochs": options.epochs or SMOKE_EPOCHS,
            "head_epochs": SMOKE_EPOCHS if options.head_epochs is None else options.head_epochs,
        }
    if options.augment:
        given["augmentation"] = (
            () if options.augment == ["none"] else tuple((row, {}) for row in options.augment)
        )
    if options.label_smoothing is not None:
        given["loss"] = ("crossentropy", {"label_smoothing": options.label_smoothing})
    if options.train_batch_norm:
        given["freeze_batch_norm"] = False
    given["surgery"] = surgery_of(options)
    recipe = runs.finetuning(**{name: value for name, value in given.items() if value is not None})
    return dataclasses.replace(recipe, options=model_options(recipe.model, rest))
