"""Searches with keras-tuner for the most accurate net within a budget."""

try:
    import keras_tuner
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        f"kerasnets.tuning needs keras-tuner ({error}); install it with: pip install 'kerasnets[recipes]'"
    ) from error

from kerasnets.tuning.budget import Budget, OverBudget
from kerasnets.tuning.search import OBJECTIVES, TUNERS, pareto_front, records, summary, tuner
from kerasnets.tuning.spaces import FamilySearch, GrowthRate, WidthMultiplier

__all__ = [
    "OBJECTIVES",
    "TUNERS",
    "Budget",
    "FamilySearch",
    "GrowthRate",
    "OverBudget",
    "WidthMultiplier",
    "pareto_front",
    "records",
    "summary",
    "tuner",
]
