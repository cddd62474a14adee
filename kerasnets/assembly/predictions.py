"""Names of the classes that a network predicts."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from keras import ops

from kerasnets.checks import is_int, refuse
from kerasnets.weights.classes import classes


def decode_predictions(
    preds: Any, top: int = 5, class_names: Sequence[str] | None = None
) -> list[list[tuple[str | int, str, float]]]:
    """The classes with the highest scores of each image, by name.

    Args:
        preds: Array or tensor of scores, (images, classes).
        top: Number of classes for each image.
        class_names: Names in the order of the classes; None for the 1,000 classes of ImageNet, whose names
            have underscores for blanks, as those of keras.applications have.

    Returns:
        For each image a list of (id, name, score), best first. The id is that of ImageNet, such as
        "n02110958", or the index of the class if `class_names` are given.

    Raises:
        ValueError: The shape of `preds` does not fit the names, or `top` is out of range.
    """
    preds = ops.convert_to_numpy(preds)
    named: list[tuple[str | int, str]]
    if class_names is None:
        named = [(id, name.replace(" ", "_")) for id, name in classes()["imagenet"]]
    else:
        named = list(enumerate(class_names))
    if preds.ndim != 2 or preds.shape[1] != len(named):
        names, hint = "", ""
        if class_names is None:
            names = "without `class_names`, "
            hint = "; kerasnets.weights.card_of(model).class_names are the names that a model's weights have"
        refuse("preds", f"{names}an array of shape (images, {len(named)}){hint}", preds.shape)
    if not is_int(top, 1) or top > len(named):
        refuse("top", f"a whole number from 1 to {len(named)}", top)
    best = np.argsort(-preds, axis=1, kind="stable")[:, :top]
    return [[(*named[i], float(row[i])) for i in order] for row, order in zip(preds, best, strict=True)]
