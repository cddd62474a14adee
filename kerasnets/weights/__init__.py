"""Trained weights: where they come from, how they are loaded into nets, and what travels with them.

Modules are imported when they are first used, so that the table of checkpoints can be read without Keras.
`load` stands in `kerasnets.assembly`, since it needs the builders, which use this package.
"""

import importlib
from typing import TYPE_CHECKING

from kerasnets.weights.checkpoints import checkpoints

if TYPE_CHECKING:
    from kerasnets.assembly.loading import Report, load
    from kerasnets.weights.card import Card, attach, card_of, describe, inherit
    from kerasnets.weights.files import save
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
    "read_card": "reading",
    "save": "files",
}
_ABOVE = {"Report": "kerasnets.assembly.loading", "load": "kerasnets.assembly.loading"}

__all__ = [
    "Card",
    "Report",
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
    if name in _ABOVE:
        return getattr(importlib.import_module(_ABOVE[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return __all__
