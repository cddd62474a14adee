"""Seeing inside a net: what its units respond to, what decides, and which classes are confused."""

from kerasnets.analysis.visualize.classes import ConfusionTree, confusion_tree, embed
from kerasnets.analysis.visualize.drawing import Panel, draw_points, draw_sheet, draw_tree

__all__ = [
    "ConfusionTree",
    "Panel",
    "confusion_tree",
    "draw_points",
    "draw_sheet",
    "draw_tree",
    "embed",
]
