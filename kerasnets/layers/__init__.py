"""Layers that Keras does not have, each with state or configuration to save."""

from kerasnets.layers.partial_conv import PartialConv2D

__all__ = ["PartialConv2D"]
