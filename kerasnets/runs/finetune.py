"""Fine-tuning: the recipe by which a trained net learns other classes, from few images or many.

    recipe = runs.finetuning("MobileNetV2", "imagenet")
    runs.train(recipe, "runs/flowers", runs.Options(data_dir="flowers", report=True))

The classifier is new, and is trained alone first, on features that are kept. Then the whole net is trained at
a lower rate, which falls with depth, while batch normalization keeps its statistics. The two phases and the
batch normalization are those of Keras's guide to transfer learning, keras.io/guides/transfer_learning; rates
that fall with depth are from Howard and Ruder, ACL 2018, arXiv:1801.06146, section 3.2.
"""

from __future__ import annotations

import dataclasses
import math
import os
import pathlib
from typing import Any

from kerasnets import data
from kerasnets.data import datasets
from kerasnets.training import Recipe
from kerasnets.weights.reading import SUFFIXES, read_card

MODEL = "MobileNetV2"  # small and fast, with weights in four sources
# What `finetuning` chooses where nothing else is said.
DEFAULTS = dict(
    data="images",
    validation=0.2,
    augmentation=(("area_crop", {"area": (0.35, 1.0)}), ("flip", {})),
    optimizer=("adam", {}),
    rate=3e-4,
    schedule=("cosine", {"warmup": 5}),  # of the largest number of epochs
    loss=("crossentropy", {"label_smoothing": 0.1}),
    freeze_batch_norm=True,
    dropout=0.2,
    head_rate=1e-2,
    head_views=2,
    layer_decay=0.7,
    batch=32,
)
STEPS = 500  # steps that each phase takes at least, as far as the largest number of epochs allows
EPOCHS, HEAD_EPOCHS = (5, 50), (10, 100)  # the smallest and the largest number of epochs


def finetuning(
    model: str | None = None,
    weights: str | os.PathLike = "imagenet",
    data_dir: str | os.PathLike | None = None,
    **fields: Any,
) -> Recipe:
    """The recipe that fine-tunes a trained net.

    Args:
        model: Name of the net; None for that of the weights, if they are a file that says it, or else for
            MobileNetV2.
        weights: The name of a dataset, the id of a checkpoint, or a file.
        data_dir: Folder of the dataset, by which its splits are chosen, and the numbers of epochs, which are
            the larger the fewer images there are.
        **fields: Fields of `kerasnets.training.Recipe` that are other than the `DEFAULTS` here.

    Returns:
        A Recipe.

    Raises:
        ValueError: A field is not allowed, a file of weights does not exist, or the data cannot be read.
    """
    weights = os.fspath(weights)
    if model is None:
        card = read_card(weights) if weights.endswith(SUFFIXES) else None
        model = card.builder if card and card.builder else MODEL
    given = {**DEFAULTS, "splits": ("train", testing_split(fields.get("data"), data_dir)), **fields}
    epochs, head_epochs = (given.pop(name, None) for name in ("epochs", "head_epochs"))
    own = "schedule" in fields and epochs is not None  # so that it is not stretched
    recipe = Recipe(model=model, weights=weights, epochs=epochs if own else EPOCHS[1], **given)
    if epochs is None or head_epochs is None:
        steps = steps_of(recipe, data_dir)
        epochs = epochs_of(steps, *EPOCHS) if epochs is None else epochs
        head_epochs = epochs_of(steps, *HEAD_EPOCHS) if head_epochs is None else head_epochs
    return dataclasses.replace(recipe, head_epochs=head_epochs).for_epochs(epochs)


def epochs_of(steps: int, least: int, most: int) -> int:
    """The number of epochs of `steps` steps that take `STEPS`, at least `least` and at most `most`."""
    return min(most, max(least, math.ceil(STEPS / steps)))


def steps_of(recipe: Recipe, data_dir: str | os.PathLike | None) -> int:
    """Steps of an epoch of a recipe."""
    data.check_folder(recipe.data, data_dir, labels=recipe.labels, positive=recipe.positive)
    held_out = None if isinstance(recipe.validation, str) else recipe.validation
    stream = data.stream(
        recipe.data,
        recipe.splits[0],
        size=recipe.shape,
        batch_size=recipe.batch,
        data_dir=data_dir,
        labels=recipe.labels,
        validation_split=held_out,
        subset=held_out and "training",
    )
    return stream.steps_per_epoch


def testing_split(name: str | None, data_dir: str | os.PathLike | None) -> str:
    """The split to test on: "test", or for a dataset of TensorFlow Datasets that has none "validation"."""
    folder = None if data_dir is None else pathlib.Path(data_dir).expanduser()
    if name is None or not datasets.prepared(name, folder):
        return "test"  # of a folder without splits too
    return "test" if "test" in datasets.builder(name, folder).info.splits else "validation"
