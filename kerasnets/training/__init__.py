"""Training: what the papers add to Keras's own losses, schedules and callbacks."""

import importlib

from kerasnets.training.checkpoint import Checkpoint
from kerasnets.training.losses import MarginLoss, ReconstructionLoss, aux_loss_weights
from kerasnets.training.progress import Progress

__all__ = [
    "Checkpoint",
    "MarginLoss",
    "Progress",
    "ReconstructionLoss",
    "aux_loss_weights",
    "distribution",
]


def __getattr__(name):
    if name == "distribution":  # imports TensorFlow
        return importlib.import_module(f"{__name__}.distribution")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
