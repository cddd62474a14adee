"""Limits on what a net in a search may cost."""

import dataclasses

import keras_tuner

from kerasnets.analysis import Profile
from kerasnets.checks import is_number, refuse


class OverBudget(keras_tuner.errors.FailedTrialError):
    """A net costs more than the budget allows, so it is not trained."""


@dataclasses.dataclass(frozen=True)
class Budget:
    """Upper limits on what a net may cost.

    Args:
        mult_adds: Multiply-adds for one example, or None for no limit.
        params: Parameters, trainable or not, or None for no limit.

    Raises:
        ValueError: A limit is neither None nor a number of at least 1.
    """

    mult_adds: float | None = None
    params: float | None = None

    def __post_init__(self) -> None:
        for name, limit in dataclasses.asdict(self).items():
            if limit is not None and not (is_number(limit) and limit >= 1):
                refuse(name, "None or a number, at least 1", limit)

    def check(self, cost: Profile) -> None:
        """Refuses a net that exceeds a limit.

        Args:
            cost: The net's profile.

        Raises:
            OverBudget: The net exceeds a limit. The message gives its costs and the limits.
        """
        over = [
            f"{name} {getattr(cost, name):,} of at most {limit:,.0f}"
            for name, limit in dataclasses.asdict(self).items()
            if limit is not None and getattr(cost, name) > limit
        ]
        if over:
            raise OverBudget(f"over budget: {', '.join(over)}")
