"""Trained weights: where they come from, how they are loaded into nets, and what travels with them.

Modules are imported when they are first used, so that the table of checkpoints can be read without Keras.
"""

import importlib
from typing import TYPE_CHECKING

from kerasnets.weights.checkpoints import checkpoints

if TYPE_CHECKING:
    from kerasnets.weights.card import Card, attach, card_of, describe, inherit
    from kerasnets.weights.files import load, save
    from kerasnets.weights.keras_applications import from_keras_applications
    from kerasnets.weights.reading import check_path, read_card

_FUNCTIONS = {  # and their modules
    "Card": "card",
    "attach": "card",
    "card_of": "card",
    "check_path": "reading",
    "describe": "card",
    "from_keras_applications": "keras_applications",
    "inherit": "card",
    "load": "files",
    "read_card": "reading",
    "save": "files",
}

__all__ = [
    "Card",
    "attach",
    "card_of",
    "check_path",
    "checkpoints",
    "describe",
    "from_keras_applications",
    "inherit",
    "load",
    "read_card",
    "save",
]


def __getattr__(name):
    if name in _FUNCTIONS:
        return getattr(importlib.import_module(f"{__name__}.{_FUNCTIONS[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return __all__
