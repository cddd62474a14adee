"""Knowledge distillation: a small net learns what a big one knows."""

from kerasnets.distillation.distiller import Distiller
from kerasnets.distillation.losses import hard_loss, soft_loss, soft_targets
from kerasnets.distillation.models import as_logits
from kerasnets.distillation.transfer import add_teacher_logits, fingerprint

__all__ = [
    "Distiller",
    "add_teacher_logits",
    "as_logits",
    "fingerprint",
    "hard_loss",
    "soft_loss",
    "soft_targets",
]
