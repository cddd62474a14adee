"""Costs of a model and receptive fields of its units, computed without running it; what a net sees."""

from kerasnets.analysis import visualize
from kerasnets.analysis.compare import Comparison, ModelRow, compare
from kerasnets.analysis.diagram import diagram
from kerasnets.analysis.profile import Profile, profile
from kerasnets.analysis.receptive_field import ReceptiveField, receptive_field
from kerasnets.analysis.walk import LayerRow

__all__ = [
    "Comparison",
    "LayerRow",
    "ModelRow",
    "Profile",
    "ReceptiveField",
    "compare",
    "diagram",
    "profile",
    "receptive_field",
    "visualize",
]
