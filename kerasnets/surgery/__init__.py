"""Surgery: model in, model out."""

from kerasnets.surgery.heads import drop_aux_heads

__all__ = ["drop_aux_heads"]
