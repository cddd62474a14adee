"""Arithmetic of receptive fields along one axis of an input: which interval of pixels each unit reads.

From unit to unit, the interval moves by a fixed step. After upsampling, it moves so from one group of units,
a period, to the next. Intervals may extend beyond the border of the input: they are those of units far from
the border.

Source: Araujo, Norris, Sim, "Computing Receptive Fields of Convolutional Neural Networks", Distill 2019.
"""

import dataclasses
import fractions
import math


@dataclasses.dataclass(frozen=True)
class Axis:
    """The pixels that the units of a tensor read along one axis of an input.

    Attributes:
        side: Number of pixels of the input along this axis.
        at: Axes of the tensor, without the batch, along which the units lie; empty if all read the same.
        n: Number of units along these axes.
        low: First pixel that each unit of the first period reads.
        high: Last pixel that each of these units reads; below `low` if a unit reads nothing.
        step: Pixels from period to period; 0 if all units read the same.
        stride: Pixels from unit to unit; None if units have no position along this axis.
        mixed: Whether the order of the units differs from that of the pixels.
    """

    side: int
    at: tuple[int, ...]
    n: int
    low: tuple[float, ...]
    high: tuple[float, ...]
    step: int
    stride: fractions.Fraction | None
    mixed: bool = False

    def first(self, i):
        """The first pixel that unit `i` reads."""
        periods, place = divmod(i, len(self.low))
        return self.low[place] + periods * self.step

    def last(self, i):
        """The last pixel that unit `i` reads."""
        periods, place = divmod(i, len(self.high))
        return self.high[place] + periods * self.step

    @property
    def size(self):
        """Number of pixels from the first to the last that a unit reads; the largest over all units."""
        return max(0, *(high - low + 1 for low, high in zip(self.low, self.high, strict=True)))


class UnknownError(Exception):
    """There is no rule for a layer, or its units do not read intervals of one size."""


def input_axes(shape, channels_first):
    """The `Axis` objects of an input itself, one for each axis but the channels.

    Args:
        shape: Shape of the input without the batch.
        channels_first: Whether the channels are its first axis instead of its last.
    """
    places = range(1, len(shape)) if channels_first else range(len(shape) - 1)
    return tuple(Axis(shape[p], (p,), shape[p], (0,), (0,), 1, fractions.Fraction(1)) for p in places)


def resampled(axis, n, sources, units=1, inputs=1):
    """The axis of new units, each of which reads some units of an axis.

    Args:
        axis: The `Axis` that is read.
        n: Number of new units.
        sources: Function from the number of a new unit to the numbers of the units that it reads.
        units: Number of new units after which `sources` repeats.
        inputs: Number of units by which `sources` has moved then.
    """
    if not axis.step:
        return dataclasses.replace(axis, n=n, stride=axis.stride and axis.stride * inputs / units)
    turns = len(axis.low) // math.gcd(len(axis.low), inputs)
    read = [list(sources(i)) for i in range(units * turns)]
    return dataclasses.replace(
        axis,
        n=n,
        low=tuple(min(map(axis.first, r), default=math.inf) for r in read),
        high=tuple(max(map(axis.last, r), default=-math.inf) for r in read),
        step=axis.step * inputs * turns // len(axis.low),
        stride=axis.stride * inputs / units,
    )


def whole(axis, place=False):
    """The axis of units that each read all units along an axis; with `place`, they keep their positions."""
    kept = dict(at=axis.at, n=axis.n, stride=axis.stride) if place else dict(at=(), n=1, stride=None)
    period = min(axis.n, len(axis.low))  # the first period reads the first pixel, the last period the last
    low = max(0, min(map(axis.first, range(period))))
    high = min(axis.side - 1, max(map(axis.last, range(axis.n - period, axis.n))))
    return dataclasses.replace(axis, low=(low,), high=(high,), step=0, mixed=False, **kept)


def union(axes):
    """The axis of units that each read one unit of each of several axes, all of the same input axis.

    Raises:
        UnknownError: The axes have different positions, or the units do not read intervals of one size.
    """
    if len(set(axes)) == 1:
        return axes[0]
    n = max(a.n for a in axes)
    axes = [whole(a) if a.n == 1 < n else a for a in axes]  # a single unit is broadcast
    if n == 1 and len({(a.at, a.stride) for a in axes}) > 1:
        axes = [whole(a) for a in axes]
    placed = [a for a in axes if a.at]
    if any(a.mixed for a in axes) or len({(a.at, a.n, a.stride) for a in placed}) > 1:
        raise UnknownError
    at = dict(at=placed[0].at, n=placed[0].n, stride=placed[0].stride) if placed else {}
    # Intervals that move with the unit are joined first, then those that all units share.
    fixed, moving = [a for a in axes if not a.step], [a for a in axes if a.step]
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
        raise UnknownError  # the size of the union differs from unit to unit
    return dataclasses.replace(fixed[0], low=(low,), high=(high,), **at)
