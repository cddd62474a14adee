"""Trained weights: where they come from, how they are loaded into nets, and what travels with them."""

from kerasnets.weights.card import Card, attach, card_of, describe, inherit
from kerasnets.weights.fetching import fetching
from kerasnets.weights.files import load, save
from kerasnets.weights.keras_applications import from_keras_applications
from kerasnets.weights.reading import check_path, read_card

__all__ = [
    "Card",
    "attach",
    "card_of",
    "check_path",
    "describe",
    "fetching",
    "from_keras_applications",
    "inherit",
    "load",
    "read_card",
    "save",
]
