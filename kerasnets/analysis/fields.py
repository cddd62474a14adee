"""Arithmetic of receptive fields along one axis of an input: which interval of pixels each unit reads.

Along each axis of the input, the units of maps depend on intervals of pixels that move by the same step from
unit to unit, or, where maps were enlarged, from one group of units to the next. Pixels beyond the border
count as read: an interval is that of a unit far from the border.

Source: Araujo, Norris, Sim, "Computing Receptive Fields of Convolutional Neural Networks", Distill 2019.
"""

import dataclasses
import fractions
import math


@dataclasses.dataclass(frozen=True)
class Axis:
    """What the units of a tensor read along one axis of an input.

    Attributes:
        side: Pixels of the input.
        at: Axes of the tensor, without the batch, along which its units lie; none where each reads the same.
        n: Units along these.
        low: First pixel of the first units, as many as make a period.
        high: Their last pixel; below `low` where a unit reads nothing.
        step: Pixels from period to period; 0 where all units read the same.
        grid: Pixels from unit to unit; None where units have no place along this axis.
        mixed: Whether units lie in an order that is not that of the pixels.
    """

    side: int
    at: tuple
    n: int
    low: tuple
    high: tuple
    step: int
    grid: fractions.Fraction | None
    mixed: bool = False

    def first(self, i):
        """First pixel that unit `i` reads."""
        periods, place = divmod(i, len(self.low))
        return self.low[place] + periods * self.step

    def last(self, i):
        """Last pixel that unit `i` reads."""
        periods, place = divmod(i, len(self.high))
        return self.high[place] + periods * self.step

    @property
    def size(self):
        """Pixels from the first to the last that a unit reads, of the unit that reads most."""
        return max(0, *(high - low + 1 for low, high in zip(self.low, self.high, strict=True)))


class UnknownError(Exception):
    """There is no rule for what a layer reads, or no size that holds for all its units."""


def input_axes(shape, channels_first):
    """The axes of an input's own grid.

    Args:
        shape: Shape of the input without the batch.
        channels_first: Whether its channels are its first axis; else they are its last.
    """
    places = range(1, len(shape)) if channels_first else range(len(shape) - 1)
    return tuple(Axis(shape[p], (p,), shape[p], (0,), (0,), 1, fractions.Fraction(1)) for p in places)


def resampled(axis, n, sources, units=1, inputs=1):
    """The axis of new units, each of which reads some units along this axis.

    Args:
        axis: The `Axis` that is read.
        n: How many new units there are.
        sources: Function of a unit's number that gives the numbers of those that it reads.
        units: Units after which `sources` repeats ...
        inputs: ... that many units further on.
    """
    if not axis.step:
        return dataclasses.replace(axis, n=n, grid=axis.grid and axis.grid * inputs / units)
    turns = len(axis.low) // math.gcd(len(axis.low), inputs)
    read = [list(sources(i)) for i in range(units * turns)]
    return dataclasses.replace(
        axis,
        n=n,
        low=tuple(min(map(axis.first, r), default=math.inf) for r in read),
        high=tuple(max(map(axis.last, r), default=-math.inf) for r in read),
        step=axis.step * inputs * turns // len(axis.low),
        grid=axis.grid * inputs / units,
    )


def whole(axis, place=False):
    """The axis of units that each read all units along this axis; with `place`, units stay where they are."""
    kept = dict(at=axis.at, n=axis.n, grid=axis.grid) if place else dict(at=(), n=1, grid=None)
    low = max(0, min(map(axis.first, range(axis.n))))
    high = min(axis.side - 1, max(map(axis.last, range(axis.n))))
    return dataclasses.replace(axis, low=(low,), high=(high,), step=0, mixed=False, **kept)


def union(axes):
    """The axis of units that each read one unit of each of these axes, all of the same input axis.

    Raises:
        UnknownError: The units lie in different ways, or no interval holds for all of them.
    """
    if len(set(axes)) == 1:
        return axes[0]
    n = max(a.n for a in axes)
    axes = [whole(a) if a.n == 1 < n else a for a in axes]
    if n == 1 and len({(a.at, a.grid) for a in axes}) > 1:
        axes = [whole(a) for a in axes]
    fixed, moving = [a for a in axes if not a.step], [a for a in axes if a.step]
    laid = [a for a in axes if a.at]
    if any(a.mixed for a in axes) or len({(a.at, a.n, a.grid) for a in laid}) > 1:
        raise UnknownError
    at = dict(at=laid[0].at, n=laid[0].n, grid=laid[0].grid) if laid else {}
    if moving:
        period = math.lcm(*(len(a.low) for a in moving))
        moved = dataclasses.replace(
            moving[0],
            low=tuple(min(a.first(i) for a in moving) for i in range(period)),
            high=tuple(max(a.last(i) for a in moving) for i in range(period)),
            step=moving[0].step * period // len(moving[0].low),
        )
        if all(a.size == 0 for a in fixed):
            return moved
    reach = [*fixed, whole(moved)] if moving else fixed
    low, high = min(a.low[0] for a in reach), max(a.high[0] for a in reach)
    if moving and not any((a.low[0], a.high[0]) == (low, high) for a in fixed):
        raise UnknownError
    return dataclasses.replace(fixed[0], low=(low,), high=(high,), **at)
