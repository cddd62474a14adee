"""The methods of distillation by name, each with the temperature and the weights that its authors published.

The loss of the `Distiller` is

    hard_weight * CE + soft_weight * loss on logits + sum over hints of weight * loss on maps

For small images such as those of CIFAR, the rows give what the authors' own code uses there. RepDistiller is
the code of Tian, Krishnan, Isola, "Contrastive Representation Distillation", ICLR 2020, arXiv:1910.10699: the
weights of all losses on maps are taken from it, with the labels at weight 1 and without soft targets.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from keras import ops

from kerasnets.checks import is_number, refuse
from kerasnets.distillation.logit_losses import LOGIT_LOSSES
from kerasnets.distillation.map_losses import MAP_LOSSES
from kerasnets.layers.precision import in_float32

INDEPENDENT = ("kl", "squared")  # losses on logits that are defined for independent labels


@dataclasses.dataclass(frozen=True)
class Method:
    """A method with the weights that its authors published.

    Attributes:
        loss: Name of the loss, on logits or on maps.
        temperature: Temperature; 1 where the loss has none.
        hard_weight: Weight of the labels.
        soft_weight: Weight of the loss on logits; 0 for a loss on maps.
        weight: Weight of the loss on maps, for each of its layers; 0 for a loss on logits.
        layers: What a loss on maps compares: the maps at the end of all "stages" of one resolution, of the
            "middle" one or of the "last" one; or the "features", which the classifier reads.
        options: Constants of the loss that differ from its defaults.
        standardize: Whether logits are standardized.
        warm_up: Share of the epochs in which `soft_weight` rises from 0.
        coupled: Whether the loss of an example depends on the others of its batch.
        source: The paper, and where the weights are from.
    """

    loss: str
    temperature: float = 1.0
    hard_weight: float = 1.0
    soft_weight: float = 0.0
    weight: float = 0.0
    layers: str | None = None
    options: Mapping[str, float] = dataclasses.field(default_factory=dict)
    standardize: bool = False
    warm_up: float = 0.0
    coupled: bool = False
    source: str = ""

    @property
    def on_maps(self) -> bool:
        """Whether the loss compares maps."""
        return self.layers is not None


METHODS = {
    "kl": Method(
        "kl",
        temperature=4.0,
        hard_weight=0.1,
        soft_weight=0.9,
        source="Hinton, Vinyals, Dean 2015, arXiv:1503.02531; weights of RepDistiller",
    ),
    "standardized": Method(
        "kl",
        temperature=2.0,
        hard_weight=0.1,
        soft_weight=9.0,
        standardize=True,
        source="Sun et al., CVPR 2024, arXiv:2403.01427, CIFAR-100",
    ),
    "dkd": Method(
        "dkd",
        temperature=4.0,
        soft_weight=1.0,
        warm_up=1 / 12,  # 20 of 240 epochs
        source="Zhao et al., CVPR 2022, arXiv:2203.08679, CIFAR-100; beta is 2 to 8, by the pair of nets",
    ),
    "dist": Method(
        "dist",
        temperature=4.0,
        soft_weight=2.0,
        coupled=True,
        source="Huang et al., NeurIPS 2022, arXiv:2205.10536, CIFAR-100",
    ),
    "nkd": Method(
        "nkd",
        soft_weight=1.0,
        source="Yang et al., ICCV 2023, arXiv:2303.13005, the setting for most pairs of nets",
    ),
    "squared": Method(
        "squared",
        hard_weight=0.0,
        soft_weight=1.0,
        source="Ba, Caruana, NeurIPS 2014, arXiv:1312.6184: logits alone; the scale is that of a mean",
    ),
    "fitnet": Method(
        "fitnet",
        weight=200.0,  # 100 in RepDistiller, whose loss has no factor of a half
        layers="middle",
        source="Romero et al., ICLR 2015, arXiv:1412.6550; in one stage, as in RepDistiller",
    ),
    "attention": Method(
        "attention",
        weight=1000.0,
        layers="stages",
        source="Zagoruyko, Komodakis, ICLR 2017, arXiv:1612.03928",
    ),
    "similarity": Method(
        "similarity",
        weight=3000.0,
        layers="last",
        coupled=True,
        source="Tung, Mori, ICCV 2019, arXiv:1907.09682",
    ),
    "relation": Method(
        "relation",
        weight=25.0,  # of distances; angles have twice as much
        layers="features",
        coupled=True,
        source="Park et al., CVPR 2019, arXiv:1904.05068",
    ),
    "nst": Method(
        "nst",
        weight=50.0,
        layers="stages",
        source="Huang, Wang 2017, arXiv:1707.01219",
    ),
    "pkt": Method(
        "pkt",
        weight=30000.0,  # the mean over pairs of examples makes the loss small
        layers="features",
        coupled=True,
        source="Passalis, Tefas, ECCV 2018, arXiv:1803.10837",
    ),
}


def logit_loss(method: Any) -> Callable:
    """The loss on logits that a name, a name with constants, or a function stands for.

    Args:
        method: A key of `LOGIT_LOSSES`; a pair of one and a dict of constants, such as
            ("dkd", {"beta": 2.0}); or a function of (teacher_logits, logits, labels, temperature) that
            returns a tensor, (batch,).

    Returns:
        The function.

    Raises:
        ValueError: `method` is none of these, or the loss has no such constant.
    """
    if callable(method):
        return method
    name, constants = method if isinstance(method, (tuple, list)) and len(method) == 2 else (method, {})
    if not isinstance(name, str) or name not in LOGIT_LOSSES:
        refuse("method", f"one of {quoted(LOGIT_LOSSES)}, or a function", method)
    loss = LOGIT_LOSSES[name]
    known = loss.__kwdefaults__ or {}
    if not isinstance(constants, dict) or set(constants) - set(known):
        refuse("method", f"{name!r} with constants among {quoted(known)}", method)
    for constant, value in constants.items():
        if isinstance(known[constant], bool):
            if not isinstance(value, bool):
                refuse("method", f"{name!r} with True or False for {constant!r}", method)
        elif not is_number(value) or value < 0:
            refuse("method", f"{name!r} with numbers, at least 0", method)
    return functools.partial(loss, **constants) if constants else loss


def map_loss(loss: Any) -> Callable:
    """The loss on maps that a name or a function stands for.

    Args:
        loss: A key of `MAP_LOSSES`, or a function of (guide, guided) that returns a tensor, (batch,).

    Returns:
        The function.

    Raises:
        ValueError: `loss` is neither a key of `MAP_LOSSES` nor a function.
    """
    if callable(loss):
        return loss
    if not isinstance(loss, str) or loss not in MAP_LOSSES:
        refuse("loss", f"one of {quoted(MAP_LOSSES)}, or a function", loss)
    return MAP_LOSSES[loss]


def of_examples(losses: Any, argument: str) -> Any:
    """The result of a loss in float32 at least; refuses a result that is not one number for each example.

    Another shape would silently be broadcast when it is added to the other losses.

    Args:
        losses: The result of a loss.
        argument: Name of the argument that holds the loss, for the message.

    Returns:
        Tensor, (batch,).

    Raises:
        ValueError: The result has another shape.
    """
    losses = ops.convert_to_tensor(losses)
    if losses.ndim != 1:
        refuse(argument, "a function that returns a tensor, (batch,)", tuple(losses.shape))
    return in_float32(losses)


def look_up(names: Sequence[str]) -> tuple[Method, tuple[Method, ...]]:
    """Looks up the methods of a run, at most one loss on logits and any number of losses on maps.

    Losses on maps without one on logits are added to the cross-entropy with the labels, as in RepDistiller.

    Args:
        names: Keys of `METHODS`.

    Returns:
        The row of the loss on logits, and those of the losses on maps.

    Raises:
        ValueError: A name is unknown or there twice, or two of them are losses on logits.
    """
    for name in names:
        if name not in METHODS:
            refuse("method", f"one of {quoted(METHODS)}, or several with commas", name)
    rows = [METHODS[name] for name in names]
    on_logits = [row for row in rows if not row.on_maps]
    if not names or len(set(names)) < len(names) or len(on_logits) > 1:
        refuse("method", "at most one loss on logits, and no loss twice", ",".join(names))
    labels_alone = dataclasses.replace(METHODS["kl"], hard_weight=1.0, soft_weight=0.0)
    return (*on_logits, labels_alone)[0], tuple(row for row in rows if row.on_maps)


def quoted(names: Iterable[str]) -> str:
    """Names in quotes, for an error message; "none" if there are none."""
    return ", ".join(map(repr, names)) or "none"
