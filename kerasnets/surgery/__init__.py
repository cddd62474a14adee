"""Functions that take a model and return a modified one."""

from kerasnets.assembly.outputs import drop_aux_heads
from kerasnets.surgery.codes import binary_encoder
from kerasnets.surgery.convolutionize import convolutionize
from kerasnets.surgery.features import features
from kerasnets.surgery.fold import fold_batch_norm
from kerasnets.surgery.initialize import SCHEMES, initialize, starts_of
from kerasnets.surgery.neighbors import nearest, neighbors
from kerasnets.surgery.net2net import deepen, widen
from kerasnets.surgery.precision import with_precision
from kerasnets.surgery.preinit import preinitialize
from kerasnets.surgery.pyramid import feature_pyramid
from kerasnets.surgery.rescale import with_scaling
from kerasnets.surgery.stages import stage_ends, stages_of
from kerasnets.surgery.transfer import replace_head

__all__ = [
    "SCHEMES",
    "binary_encoder",
    "convolutionize",
    "deepen",
    "drop_aux_heads",
    "feature_pyramid",
    "features",
    "fold_batch_norm",
    "initialize",
    "nearest",
    "neighbors",
    "preinitialize",
    "replace_head",
    "stage_ends",
    "stages_of",
    "starts_of",
    "widen",
    "with_precision",
    "with_scaling",
]
