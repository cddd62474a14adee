"""Surgery: model in, model out."""

from kerasnets.surgery.heads import drop_aux_heads, features
from kerasnets.surgery.neighbours import neighbours
from kerasnets.surgery.pyramid import feature_pyramid
from kerasnets.surgery.transfer import replace_head

__all__ = ["drop_aux_heads", "feature_pyramid", "features", "neighbours", "replace_head"]
