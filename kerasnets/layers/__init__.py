"""Layers that Keras does not have, each with state or configuration to save."""

from kerasnets.layers.capsule import CapsuleLength, CapsuleMask, RoutedCapsules, Squash
from kerasnets.layers.drop_path import DropPathJoin, DropPathSampler
from kerasnets.layers.dustbin import Dustbin
from kerasnets.layers.frozen_batch_norm import FrozenBatchNormalization
from kerasnets.layers.log_mean import LogMeanProbability
from kerasnets.layers.lrn import LRN
from kerasnets.layers.maxout import Maxout
from kerasnets.layers.mirror_padding import MirrorPadding2D
from kerasnets.layers.partial_conv import PartialConv2D
from kerasnets.layers.recomputed import BatchMoments, RecomputedConv2D, parts
from kerasnets.layers.rounded import Rounded
from kerasnets.layers.soft_mask import SoftMask
from kerasnets.layers.stochastic_depth import StochasticDepth
from kerasnets.layers.upsample_like import UpSampleLike
from kerasnets.layers.window_padding import WindowPadding2D

__all__ = [
    "BatchMoments",
    "CapsuleLength",
    "CapsuleMask",
    "DropPathJoin",
    "DropPathSampler",
    "Dustbin",
    "FrozenBatchNormalization",
    "LRN",
    "LogMeanProbability",
    "Maxout",
    "MirrorPadding2D",
    "PartialConv2D",
    "RecomputedConv2D",
    "Rounded",
    "RoutedCapsules",
    "SoftMask",
    "Squash",
    "StochasticDepth",
    "UpSampleLike",
    "WindowPadding2D",
    "parts",
]
