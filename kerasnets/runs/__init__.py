"""Runs: everything from a recipe to a folder with a trained net and its results."""

from kerasnets.runs.classify import Prediction, Predictions, classify
from kerasnets.runs.distill import Distillation, published
from kerasnets.runs.evaluate import Evaluation, evaluate
from kerasnets.runs.finetune import finetuning
from kerasnets.runs.folder import finished, history, prepare, save
from kerasnets.runs.label import check_labels, label
from kerasnets.runs.look import Look, look
from kerasnets.runs.mutual import MutualLearning
from kerasnets.runs.options import Options
from kerasnets.runs.several import several, table
from kerasnets.runs.teachers import builder_of, student_of
from kerasnets.runs.train import Supervised, tiny, train

__all__ = [
    "Distillation",
    "Evaluation",
    "Look",
    "MutualLearning",
    "Options",
    "Prediction",
    "Predictions",
    "Supervised",
    "builder_of",
    "check_labels",
    "classify",
    "evaluate",
    "finished",
    "finetuning",
    "history",
    "label",
    "look",
    "prepare",
    "published",
    "save",
    "several",
    "student_of",
    "table",
    "tiny",
    "train",
]
