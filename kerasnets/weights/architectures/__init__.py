"""Which layers of our nets the published checkpoints fill, and how: a row for each architecture of a source.

A row serves all checkpoints of its architecture, whatever they were trained on and by whom.
"""

from kerasnets.weights.architectures.keras import KERAS
from kerasnets.weights.architectures.packaged import PACKAGED
from kerasnets.weights.architectures.pytorchcv import PYTORCHCV
from kerasnets.weights.architectures.rest import REST
from kerasnets.weights.architectures.row import Architecture, KerasArchitecture, PackagedArchitecture
from kerasnets.weights.architectures.timm import TIMM
from kerasnets.weights.architectures.torchvision import TORCHVISION

ARCHITECTURES: dict[str, Architecture | KerasArchitecture | PackagedArchitecture] = {
    **KERAS,
    **TIMM,
    **TORCHVISION,
    **PYTORCHCV,
    **REST,
    **PACKAGED,
}


def architecture_of(id: str) -> str | None:
    """The key in `ARCHITECTURES` of a checkpoint's architecture, given its id; None if there is none.

    The id is the key itself, or the key and a tag: "timm/resnet34.a1_in1k" has the key "timm/resnet34".
    """
    return next((key for key in (id, id.rpartition(".")[0]) if key in ARCHITECTURES), None)
