"""Runs: everything from a recipe to a folder with a trained net and its results."""

from kerasnets.runs.classify import Prediction, Predictions, classify
from kerasnets.runs.distill import Distillation, published
from kerasnets.runs.evaluate import Evaluation, evaluate
from kerasnets.runs.finetune import finetuning
from kerasnets.runs.folder import finished, history, prepare, save
from kerasnets.runs.mutual import MutualLearning
from kerasnets.runs.options import Options
from kerasnets.runs.several import several, table
from kerasnets.runs.teachers import student_of
from kerasnets.runs.train import Supervised, tiny, train

__all__ = [
    "Distillation",
    "Evaluation",
    "MutualLearning",
    "Options",
    "Prediction",
    "Predictions",
    "Supervised",
    "classify",
    "evaluate",
    "finished",
    "finetuning",
    "history",
    "prepare",
    "published",
    "save",
    "several",
    "student_of",
    "table",
    "tiny",
    "train",
]
