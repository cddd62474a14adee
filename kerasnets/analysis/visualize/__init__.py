"""Seeing inside a net: what its units respond to, what decides, and which classes are confused.

The functions of nets take any functional or sequential model of one input, on every backend of Keras, and
images as the model takes them; they return arrays.
"""

from kerasnets.analysis.visualize.class_maps import cam, grad_cam
from kerasnets.analysis.visualize.classes import ConfusionTree, confusion_tree, embed
from kerasnets.analysis.visualize.drawing import Panel, draw_points, draw_sheet, draw_tree
from kerasnets.analysis.visualize.maximize import maximize
from kerasnets.analysis.visualize.occlusion import occluded, occlusion
from kerasnets.analysis.visualize.saliency import (
    deconvolve,
    gradients,
    guided_backprop,
    integrated_gradients,
)
from kerasnets.analysis.visualize.strongest import Activations, kernels, maps, strongest

__all__ = [
    "Activations",
    "ConfusionTree",
    "Panel",
    "cam",
    "confusion_tree",
    "deconvolve",
    "draw_points",
    "draw_sheet",
    "draw_tree",
    "embed",
    "grad_cam",
    "gradients",
    "guided_backprop",
    "integrated_gradients",
    "kernels",
    "maps",
    "maximize",
    "occluded",
    "occlusion",
    "strongest",
]
