"""Training: what the papers add to Keras's own losses, schedules and callbacks."""

from kerasnets.training import distribution, schedules
from kerasnets.training.callbacks import Best, LogRate, StopOnNaN, write_weights
from kerasnets.training.checkpoint import Checkpoint
from kerasnets.training.evaluation import evaluate
from kerasnets.training.loop import fit
from kerasnets.training.losses import Crossentropy, MarginLoss, ReconstructionLoss, aux_loss_weights
from kerasnets.training.metrics import label_metrics
from kerasnets.training.progress import Progress
from kerasnets.training.rates import rate_factors, scaled
from kerasnets.training.recipe import Recipe
from kerasnets.training.regularization import decay_weights, limit_norms
from kerasnets.training.thresholds import best_threshold, label_scores

__all__ = [
    "Best",
    "Checkpoint",
    "Crossentropy",
    "LogRate",
    "MarginLoss",
    "Progress",
    "Recipe",
    "ReconstructionLoss",
    "StopOnNaN",
    "aux_loss_weights",
    "best_threshold",
    "decay_weights",
    "distribution",
    "evaluate",
    "fit",
    "label_metrics",
    "label_scores",
    "limit_norms",
    "rate_factors",
    "scaled",
    "schedules",
    "write_weights",
]
