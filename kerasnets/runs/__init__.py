"""Runs: what is done in one go, from a recipe to a folder with its results."""

from kerasnets.runs.distill import Distillation
from kerasnets.runs.folder import history, prepare, save
from kerasnets.runs.train import Options, Supervised, tiny, train

__all__ = ["Distillation", "Options", "Supervised", "history", "prepare", "save", "tiny", "train"]
