"""Trained weights: where they come from, and how they are loaded into nets."""

from kerasnets.weights.fetching import fetching
from kerasnets.weights.files import check_path, load
from kerasnets.weights.keras_applications import from_keras_applications

__all__ = ["check_path", "fetching", "from_keras_applications", "load"]
