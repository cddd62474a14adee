"""The model card of an export: what it is, what it costs, and where it comes from."""

import json

import keras
import numpy as np
import tensorflow as tf

import kerasnets
from kerasnets import analysis, files
from kerasnets.checks import refuse
from kerasnets.weights.state import fingerprint

FILE = "assets.extra/model_card.json"  # in the folder of a version


def check(results):
    """Refuses training results that JSON cannot hold."""
    try:
        json.dumps(results, allow_nan=False)
    except (TypeError, ValueError):
        refuse("results", "None or a dict of what JSON holds", results)


def card(net, name, sides, class_names, results):
    """What is known of an export.

    Args:
        net: The `Net` before anything is folded.
        name: Name of the model.
        sides: Shape of the input that the costs are counted for.
        class_names: Names of the classes, or None.
        results: Training results, or None.

    Returns:
        A dict, as JSON holds it.
    """
    cost = analysis.profile(net.model, sides)
    return {
        "name": name,
        "net": net.model.name,
        "parameters": cost.params,
        "trainable_parameters": cost.trainable_params,
        "mult_adds": cost.mult_adds,
        "counted_for": list(sides),
        "input": {"shape": list(net.shape), "dtype": "float32", "values": [0, 255], "scaling": net.scaling},
        "classes": net.classes,
        "class_names": class_names and list(class_names),
        "results": results,
        "fingerprint": fingerprint(net.source),
        "versions": {
            "kerasnets": kerasnets.__version__,
            "keras": keras.__version__,
            "tensorflow": tf.__version__,
            "numpy": np.__version__,
        },
    }


def write(path, data):
    """Writes a card."""
    path.parent.mkdir(exist_ok=True)
    files.write_json(path, data)
