"""Knowledge distillation: a small net learns from a large one."""

from kerasnets.assembly.outputs import as_logits
from kerasnets.distillation.biases import add_biases, match_frequencies
from kerasnets.distillation.combine import combine
from kerasnets.distillation.distiller import Distiller
from kerasnets.distillation.ensemble import Ensemble
from kerasnets.distillation.hints import Hint
from kerasnets.distillation.logit_losses import LOGIT_LOSSES, dist, dkd, kl, nkd, squared, standardized
from kerasnets.distillation.losses import hard_loss, soft_loss, soft_targets
from kerasnets.distillation.map_losses import (
    MAP_LOSSES,
    attention,
    fitnet,
    nst,
    pkt,
    relation,
    relation_angle,
    relation_distance,
    similarity,
)
from kerasnets.distillation.methods import METHODS, Method
from kerasnets.distillation.mutual import Mutual
from kerasnets.distillation.specialists import (
    confusable_classes,
    correct_dustbin,
    oversampling,
    specialist,
    specialist_dataset,
)
from kerasnets.distillation.transfer import add_teacher_logits
from kerasnets.distillation.trees import Tree, cluster_classes, hierarchical_loss, path_logits, path_loss
from kerasnets.weights.state import fingerprint

__all__ = [
    "LOGIT_LOSSES",
    "MAP_LOSSES",
    "METHODS",
    "Distiller",
    "Ensemble",
    "Hint",
    "Method",
    "Mutual",
    "Tree",
    "add_biases",
    "add_teacher_logits",
    "as_logits",
    "attention",
    "cluster_classes",
    "combine",
    "confusable_classes",
    "correct_dustbin",
    "dist",
    "dkd",
    "fingerprint",
    "fitnet",
    "hard_loss",
    "hierarchical_loss",
    "kl",
    "match_frequencies",
    "nkd",
    "nst",
    "oversampling",
    "path_logits",
    "path_loss",
    "pkt",
    "relation",
    "relation_angle",
    "relation_distance",
    "similarity",
    "soft_loss",
    "soft_targets",
    "specialist",
    "specialist_dataset",
    "squared",
    "standardized",
]
