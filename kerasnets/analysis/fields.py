"""Where units look: the pixels of the input that a unit depends on, followed through a graph.

Along each axis of the input, the units of maps depend on intervals of pixels that move by the same step from
unit to unit, or, where maps were enlarged, from one group of units to the next. A layer takes together the
intervals of the units that it reads. Pixels beyond the border count as read: an interval is that of a unit
far from the border.

Source: Araujo, Norris, Sim, "Computing Receptive Fields of Convolutional Neural Networks", Distill 2019.
"""

import dataclasses
import fractions
import functools
import math

from kerasnets.analysis.kinds import kind_of


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


def read(layer, fields, given, made):
    """What the units of a layer's output read.

    Args:
        layer: A Keras layer or operation.
        fields: For each tensor that it takes, its `Axis` objects, one for each axis of the model's input;
            None where they are not known.
        given: Shapes of these tensors, without the batch.
        made: Shape of the output, without the batch.

    Returns:
        The `Axis` objects of the output, or None where they are not known.
    """
    rule = RULES.get(kind_of(layer).reads)
    if any(field is None for field in fields):
        return None
    try:
        return (rule or opaque)(layer, fields, given, made)
    except UnknownError:
        return None


# Arithmetic of one axis.


def follow(axis, n, sources, units=1, inputs=1):
    """An axis read by units that each read some units along it.

    Args:
        axis: What the units read.
        n: Units that read them.
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
    """An axis of which each unit reads all units; with `place`, the units stay where they are."""
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


# Rules: what the output of a kind of layer reads, of the axes of what it takes.


def along(field, moves, mixes=(), place=False):
    """Axes behind a layer that reads along some axes of a tensor.

    Args:
        field: The axes of the tensor.
        moves: For axes of the tensor, what becomes of an `Axis` that lies along them.
        mixes: Axes of the tensor of which each unit reads all.
        place: Whether units stay where they are along these.
    """

    def change(axis):
        touched = set(axis.at) & (set(moves) | set(mixes))
        if not touched:
            return axis
        if set(axis.at) <= set(mixes):
            return whole(axis, place)
        if len(axis.at) > 1 or axis.mixed:
            raise UnknownError
        return moves[axis.at[0]](axis)

    return tuple(map(change, field))


def point(layer, fields, given, made):
    """Each unit reads those at its own place, in all tensors; shorter shapes are aligned at their end."""
    laid = [
        tuple(dataclasses.replace(a, at=tuple(p + len(made) - len(shape) for p in a.at)) for a in field)
        for field, shape in zip(fields, given, strict=True)
    ]
    return tuple(map(union, zip(*laid, strict=True)))


def opaque(layer, fields, given, made):
    """Of what a layer without a rule reads, all that is known is what all its input's units read."""
    if any(axis.step and axis.n > 1 for field in fields for axis in field):
        raise UnknownError
    return tuple(union(axes) for axes in zip(*(map(whole, field) for field in fields), strict=True))


def window(layer, fields, given, made, each_map=False):
    """Convolution and pooling: units under a kernel; where not for each map alone, all maps."""
    size, strides, dilation = kernel_of(layer, len(made) - 1)
    moves = {}
    for p, k, s, d in zip(grid_of(layer, given[0]), size, strides, dilation, strict=True):
        before = pad_before(layer, given[0][p], (k - 1) * d + 1, s)

        def sources(i, k=k, s=s, d=d, before=before):
            return range(i * s - before, i * s - before + k * d, d)

        moves[p] = functools.partial(follow, n=made[p], sources=sources, inputs=s)
    channels = channel_of(layer, given[0])
    if each_map and made[channels] != given[0][channels]:
        moves[channels] = unknown
    return along(fields[0], moves, () if each_map else (channels,))


def transposed(layer, fields, given, made):
    """Transposed convolution: the units from whose kernels a unit gets something."""
    size, strides, dilation = kernel_of(layer, len(made) - 1)
    moves = {}
    for p, k, s, d in zip(grid_of(layer, given[0]), size, strides, dilation, strict=True):
        # It turns round a convolution of the output, whose padding it takes off.
        reach = (given[0][p] - 1) * s + (k - 1) * d + 1
        cut = max(reach - made[p], 0) // 2 if layer.padding == "same" else 0

        def sources(i, k=k, s=s, d=d, cut=cut):
            return [(i + cut - j * d) // s for j in range(k) if (i + cut - j * d) % s == 0]

        moves[p] = functools.partial(follow, n=made[p], sources=sources, units=s)
    return along(fields[0], moves, (channel_of(layer, given[0]),))


def enlarged(layer, fields, given, made):
    """Upsampling: the nearest unit, or the nearest two on either side."""
    places = grid_of(layer, given[0])
    moves = {}
    for p, size in zip(places, per_axis(layer.size, len(places)), strict=True):
        if getattr(layer, "interpolation", "nearest") not in ("nearest", "bilinear"):
            raise UnknownError

        def sources(i, size=size):
            if getattr(layer, "interpolation", "nearest") == "nearest":
                return (i // size,)
            twice = 2 * i + 1 - size  # the place among the units, times 2 * size
            return (twice // (2 * size), -(-twice // (2 * size)))

        moves[p] = functools.partial(follow, n=made[p], sources=sources, units=size)
    return along(fields[0], moves)


def shift(layer, fields, given, made):
    """Padding and cropping: the unit that was there."""
    places = grid_of(layer, given[0])
    cut = hasattr(layer, "cropping")
    sides = layer.cropping if cut else layer.padding
    before = [side[0] if isinstance(side, (tuple, list)) else side for side in sides][: len(places)]
    moves = {}
    for p, left in zip(places, before, strict=True):

        def sources(i, left=left if cut else -left):
            return (i + left,)

        moves[p] = functools.partial(follow, n=made[p], sources=sources)
    return along(fields[0], moves)


def grid(layer, fields, given, made):
    """All units of a map."""
    mixes = grid_of(layer, given[0])
    if any(axis.at and not set(axis.at) <= set(mixes) for axis in fields[0]):
        raise UnknownError
    return along(fields[0], {}, mixes)


def features(layer, fields, given, made):
    """All units along the last axis."""
    return along(fields[0], {}, (len(given[0]) - 1,))


def everything(layer, fields, given, made):
    """All units."""
    return along(fields[0], {}, range(len(given[0])))


def axes(layer, fields, given, made):
    """All units along the axes that a layer names."""
    named = layer.axis if isinstance(layer.axis, (tuple, list)) else (layer.axis,)
    if any(a is None for a in named):
        raise UnknownError
    return along(fields[0], {}, tuple(place(a, given[0]) for a in named), place=True)


def groups(layer, fields, given, made):
    """All units of a group of maps."""
    return along(fields[0], {}, range(len(given[0])), place=True)


def mask(layer, fields, given, made):
    """SoftMask: of its kind "spatial" all units of a map."""
    mixes = range(len(given[0]) - 1) if layer.kind == "spatial" else ()
    return along(fields[0], {}, mixes, place=True)


def concatenate(layer, fields, given, made):
    """The units of each tensor, one behind the other along an axis."""
    joined = place(layer.axis, made)
    if len(fields) > 1 and any(joined in axis.at and axis.step for field in fields for axis in field):
        raise UnknownError
    return point(layer, fields, given, made)


def permute(layer, fields, given, made):
    """The same units, their axes in another order."""
    moved = {old - 1: new for new, old in enumerate(layer.dims)}
    return tuple(dataclasses.replace(a, at=tuple(moved[p] for p in a.at)) for a in fields[0])


def reshape(layer, fields, given, made):
    """The same units in another shape: those of axes that stay keep their place, others lie mixed."""
    runs = matched(given[0], made)

    def lay(axis):
        if not axis.at:
            return axis
        if axis.n == 1:
            return whole(axis)
        old, new = next(run for run in runs if set(axis.at) & set(run[0]))
        if len(old) == len(new) == len(axis.at) == 1:
            return dataclasses.replace(axis, at=new)
        if not axis.step:
            return dataclasses.replace(axis, at=(), n=1, grid=None)
        return dataclasses.replace(axis, at=new, mixed=True, grid=None)

    return tuple(map(lay, fields[0]))


def nothing(layer, fields, given, made):
    """No unit at all."""
    empty = dict(at=(), n=1, low=(math.inf,), high=(-math.inf,), step=0, grid=None)
    return tuple(dataclasses.replace(axis, **empty) for axis in fields[0])


RULES = {
    "all": everything,
    "axes": axes,
    "concatenate": concatenate,
    "enlarged": enlarged,
    "features": features,
    "grid": grid,
    "groups": groups,
    "map_window": functools.partial(window, each_map=True),
    "mask": mask,
    "none": nothing,
    "permute": permute,
    "point": point,
    "reshape": reshape,
    "shift": shift,
    "transposed": transposed,
    "window": window,
}


# What layers say of themselves.


def kernel_of(layer, rank):
    """Kernel, strides and dilation of a layer of convolution or pooling on a grid of `rank` axes.

    Returns:
        Three tuples of one number for each axis, or None for other layers.
    """
    size = getattr(layer, "kernel_size", None) or getattr(layer, "pool_size", None)
    if size is None:
        return None
    strides, dilation = getattr(layer, "strides", 1), getattr(layer, "dilation_rate", 1)
    return tuple(per_axis(value, rank) for value in (size, strides, dilation))


def pad_before(layer, n, reach, stride):
    """Zeros that a layer of convolution or pooling puts before the first of `n` units.

    Args:
        layer: The layer.
        n: Units along an axis.
        reach: Units from the kernel's first to its last, dilation counted.
        stride: Its step.
    """
    padding = getattr(layer, "padding", "valid")
    if padding == "same":
        return max((-(-n // stride) - 1) * stride + reach - n, 0) // 2
    return reach - 1 if padding == "causal" else 0


def per_axis(value, rank):
    """One number for each axis."""
    return tuple(value) if isinstance(value, (tuple, list)) else (value,) * rank


def channel_of(layer, shape):
    """The axis of a tensor, without the batch, that the channels lie along."""
    return 0 if getattr(layer, "data_format", None) == "channels_first" else len(shape) - 1


def grid_of(layer, shape):
    """The other axes."""
    channels = channel_of(layer, shape)
    return tuple(p for p in range(len(shape)) if p != channels)


def place(axis, shape):
    """An axis as layers count them, the batch the first or from the last, as one without the batch."""
    return axis - 1 if axis >= 0 else axis + len(shape)


def matched(old, new):
    """Runs of axes of two shapes with as many units, axes of one unit left out.

    Returns:
        Pairs of tuples of axes, of the one shape and of the other, in their order.
    """
    old, new = ([(p, n) for p, n in enumerate(shape) if n != 1] for shape in (old, new))
    runs = []
    while old or new:
        a, b = [old.pop(0)], [new.pop(0)]
        while (sizes := [math.prod(n for _, n in run) for run in (a, b)])[0] != sizes[1]:
            a, b = (a + [old.pop(0)], b) if sizes[0] < sizes[1] else (a, b + [new.pop(0)])
        runs.append((tuple(p for p, _ in a), tuple(p for p, _ in b)))
    return runs


def unknown(axis):
    """Refuses an axis that no rule follows."""
    raise UnknownError
