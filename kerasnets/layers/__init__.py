"""Layers that Keras does not have, each with state or configuration to save."""

from kerasnets.layers.lrn import LRN
from kerasnets.layers.partial_conv import PartialConv2D

__all__ = ["LRN", "PartialConv2D"]
