"""What a net of a search may cost."""

import dataclasses

import keras_tuner

from kerasnets.checks import is_number, refuse


class OverBudget(keras_tuner.errors.FailedTrialError):
    """A net costs more than the budget allows; it is not trained."""


@dataclasses.dataclass(frozen=True)
class Budget:
    """What a net may cost at most.

    Args:
        mult_adds: Multiply-adds of one example, or None for no limit.
        params: Parameters, those that training does not change too, or None for no limit.

    Raises:
        ValueError: A limit is no number of at least 1.
    """

    mult_adds: float | None = None
    params: float | None = None

    def __post_init__(self):
        for name, limit in dataclasses.asdict(self).items():
            if limit is not None and not (is_number(limit) and limit >= 1):
                refuse(name, "None or a number, at least 1", limit)

    def check(self, cost):
        """Refuses a net that costs more.

        Args:
            cost: Its `kerasnets.analysis.Profile`.

        Raises:
            OverBudget: It does; the message says what it costs and what is allowed.
        """
        over = [
            f"{name} {getattr(cost, name):,} of at most {limit:,.0f}"
            for name, limit in dataclasses.asdict(self).items()
            if limit is not None and getattr(cost, name) > limit
        ]
        if over:
            raise OverBudget(f"over budget: {', '.join(over)}")
