"""The model card of an export: its inputs, its classes, its costs and its origin."""

import keras
import numpy as np
import tensorflow as tf

import kerasnets
from kerasnets import analysis, files
from kerasnets.checks import refuse
from kerasnets.weights.card import is_data
from kerasnets.weights.state import fingerprint


def check(results):
    """Refuses training results that JSON cannot represent."""
    if results is not None and not is_data(results):
        refuse("results", "None or a dict that JSON can represent", results)


def card(net, name, sides, class_names, results, sizing):
    """The content of a model card.

    Args:
        net: The `Net` before batch normalization is folded.
        name: Name of the model.
        sides: Shape of the input, without the batch, for which the costs are counted.
        class_names: Names of the classes, or None.
        results: Training results, or None for those of the net's card.
        sizing: Row of `kerasnets.data.augment` by which the images of files are resized and cropped.

    Returns:
        A dict that JSON can represent.
    """
    cost = analysis.profile(net.model, sides)
    return {
        "name": name,
        "net": net.model.name,
        "parameters": cost.params,
        "trainable_parameters": cost.trainable_params,
        "mult_adds": cost.mult_adds,
        "counted_for": list(sides),
        "input": {
            "shape": list(net.shape),
            "dtype": "float32",
            "values": [0, 255],
            "scaling": net.scaling,
            "sizing": list(sizing),
        },
        "classes": net.classes,
        "class_names": class_names and list(class_names),
        "threshold": net.card.threshold,
        "builder": net.card.builder,
        "training": net.card.training and dict(net.card.training),
        "results": results if results is not None or net.card.results is None else dict(net.card.results),
        "fingerprint": fingerprint(net.source),
        "versions": {
            "kerasnets": kerasnets.__version__,
            "keras": keras.__version__,
            "tensorflow": tf.__version__,
            "numpy": np.__version__,
        },
    }


def write(path, data):
    """Writes a model card to a path."""
    path.parent.mkdir(exist_ok=True)
    files.write_json(path, data)
