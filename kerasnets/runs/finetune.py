"""Fine-tuning: the recipe by which a trained net learns other classes, from few images or many.

    recipe = runs.finetuning("MobileNetV2", "imagenet")
    runs.train(recipe, "runs/flowers", runs.Options(data_dir="flowers", report=True))

The classifier is new, and is trained alone first, on features that are kept. Then the whole net is trained at
a lower rate, which falls with depth, while batch normalization keeps its statistics. The two phases and the
batch normalization are those of Keras's guide to transfer learning, keras.io/guides/transfer_learning; rates
that fall with depth are from Howard and Ruder, ACL 2018, arXiv:1801.06146, section 3.2.
"""

from __future__ import annotations

import os
import pathlib
from typing import Any

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
    rate=1e-4,
    schedule=("cosine", {"warmup": 1}),
    loss=("crossentropy", {"label_smoothing": 0.1}),
    freeze_batch_norm=True,
    dropout=0.2,
    head_epochs=20,
    head_views=2,
    layer_decay=0.7,
    batch=32,
)
EPOCHS = 10


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
        data_dir: Folder of the dataset, by which its splits are chosen.
        **fields: Fields of `kerasnets.training.Recipe` that are other than the `DEFAULTS` here.

    Returns:
        A Recipe.

    Raises:
        ValueError: A field is not allowed, or a file of weights does not exist.
    """
    weights = os.fspath(weights)
    if model is None:
        card = read_card(weights) if weights.endswith(SUFFIXES) else None
        model = card.builder if card and card.builder else MODEL
    known = {"splits": ("train", split_for_tests(fields.get("data", DEFAULTS["data"]), data_dir))}
    epochs = fields.pop("epochs", EPOCHS)
    stretched = "schedule" not in fields  # that of the defaults fits their number of epochs
    recipe = Recipe(
        **{"model": model, "weights": weights, **DEFAULTS, **known, **fields},
        epochs=EPOCHS if stretched else epochs,
    )
    return recipe.for_epochs(epochs)


def split_for_tests(name: str, data_dir: str | os.PathLike | None) -> str:
    """The split to test on: "test", or for a dataset of TensorFlow Datasets that has none "validation"."""
    folder = None if data_dir is None else pathlib.Path(data_dir).expanduser()
    if not datasets.prepared(name, folder):
        return "test"  # of a folder without splits too
    return "test" if "test" in datasets.builder(name, folder).info.splits else "validation"
