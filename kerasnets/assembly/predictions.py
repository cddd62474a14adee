"""Names of the classes that a network predicts."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from kerasnets.checks import is_int, refuse
from kerasnets.weights.fetching import fetching


def decode_predictions(
    preds: Any, top: int = 5, class_names: Sequence[str] | None = None
) -> list[list[tuple[str | int, str, float]]]:
    """The classes with the highest scores of each image, by name.

    Args:
        preds: Array or tensor of scores, (images, classes).
        top: Number of classes for each image.
        class_names: Names in the order of the classes; None for the 1,000 classes of ImageNet, whose names
            Keras downloads once.

    Returns:
        For each image a list of (id, name, score), best first. The id is that of ImageNet, such as
        "n02110958", or the index of the class if `class_names` are given.

    Raises:
        ValueError: The shape of `preds` does not fit the names, or `top` is out of range.
        OSError: The names of ImageNet's classes are not in Keras's cache, and cannot be downloaded.
    """
    preds = ops.convert_to_numpy(preds)
    classes = 1000 if class_names is None else len(class_names)
    if preds.ndim != 2 or preds.shape[1] != classes:
        names = "without `class_names`, " if class_names is None else ""
        refuse("preds", f"{names}an array of shape (images, {classes})", preds.shape)
    if not is_int(top, 1) or top > classes:
        refuse("top", f"a whole number from 1 to {classes}", top)
    if class_names is None:
        with fetching("The names of ImageNet's classes", "pass `class_names`"):
            return keras.applications.imagenet_utils.decode_predictions(preds, top=int(top))
    best = np.argsort(-preds, axis=1, kind="stable")[:, :top]
    return [
        [(int(i), class_names[i], float(row[i])) for i in order]
        for row, order in zip(preds, best, strict=True)
    ]
