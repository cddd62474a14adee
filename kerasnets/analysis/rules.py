"""Rules of layers: which units of the inputs a unit of the output depends on.

`kinds` says which rule a layer follows. A rule takes the layer, the `Axis` objects of each input, the shapes
of the inputs and the shape of the output, without the batch. It returns the `Axis` objects of the output, or
raises `UnknownError`.
"""

import dataclasses
import functools
import math

from kerasnets.analysis.fields import UnknownError, resampled, union, whole
from kerasnets.analysis.kinds import kind_of


def read(layer, fields, given, made):
    """Applies the rule of a layer.

    Args:
        layer: A Keras layer or operation.
        fields: The `Axis` objects of each input of the layer, one for each axis of the model's input; None if
            unknown.
        given: Shapes of the layer's inputs, without the batch.
        made: Shape of the output, without the batch.

    Returns:
        The `Axis` objects of the output, or None if unknown.
    """
    rule = RULES.get(kind_of(layer).reads)
    if any(field is None for field in fields):
        return None
    try:
        return (rule or opaque)(layer, fields, given, made)
    except UnknownError:
        return None


def along(field, moves, mixes=(), place=False):
    """The `Axis` objects after a layer that reads along some axes of a tensor.

    Args:
        field: The `Axis` objects of the tensor.
        moves: By axis of the tensor, a function from an `Axis` along it to the one after the layer.
        mixes: Axes of the tensor along which each unit reads all units.
        place: Whether units keep their positions along the axes in `mixes`.
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
    """Elementwise layers: a unit reads those at its own position in all inputs, which are broadcast."""
    laid = [
        tuple(dataclasses.replace(a, at=tuple(p + len(made) - len(shape) for p in a.at)) for a in field)
        for field, shape in zip(fields, given, strict=True)
    ]
    return tuple(map(union, zip(*laid, strict=True)))


def opaque(layer, fields, given, made):
    """Layers without a rule: the result is known only if all units of each input read the same."""
    if any(axis.step and axis.n > 1 for field in fields for axis in field):
        raise UnknownError
    return tuple(union(axes) for axes in zip(*(map(whole, field) for field in fields), strict=True))


def window(layer, fields, given, made, per_channel=False):
    """Convolution and pooling: a unit reads those under the kernel, in all channels or in its own."""
    size, strides, dilation = kernel_of(layer, len(made) - 1)
    moves = {}
    for p, k, s, d in zip(grid_of(layer, given[0]), size, strides, dilation, strict=True):
        before = pad_before(layer, given[0][p], (k - 1) * d + 1, s)

        def sources(i, k=k, s=s, d=d, before=before):
            return range(i * s - before, i * s - before + k * d, d)

        moves[p] = functools.partial(resampled, n=made[p], sources=sources, inputs=s)
    channels = channel_of(layer, given[0])
    if per_channel and made[channels] != given[0][channels]:
        moves[channels] = no_rule
    return along(fields[0], moves, () if per_channel else (channels,))


def transposed(layer, fields, given, made):
    """Transposed convolution: a unit reads those whose kernels reach it."""
    size, strides, dilation = kernel_of(layer, len(made) - 1)
    moves = {}
    for p, k, s, d in zip(grid_of(layer, given[0]), size, strides, dilation, strict=True):
        # It is the reverse of a convolution of the output, whose padding is cut off.
        reach = (given[0][p] - 1) * s + (k - 1) * d + 1
        cut = max(reach - made[p], 0) // 2 if layer.padding == "same" else 0

        def sources(i, k=k, s=s, d=d, cut=cut):
            return [(i + cut - j * d) // s for j in range(k) if (i + cut - j * d) % s == 0]

        moves[p] = functools.partial(resampled, n=made[p], sources=sources, units=s)
    return along(fields[0], moves, (channel_of(layer, given[0]),))


def enlarged(layer, fields, given, made):
    """Upsampling: a unit reads the nearest unit, or if bilinear, the nearest one on each side."""
    places = grid_of(layer, given[0])
    moves = {}
    for p, size in zip(places, per_axis(layer.size, len(places)), strict=True):
        if getattr(layer, "interpolation", "nearest") not in ("nearest", "bilinear"):
            raise UnknownError

        def sources(i, size=size):
            if getattr(layer, "interpolation", "nearest") == "nearest":
                return (i // size,)
            twice = 2 * i + 1 - size  # the position among the units, times 2 * size
            return (twice // (2 * size), -(-twice // (2 * size)))

        moves[p] = functools.partial(resampled, n=made[p], sources=sources, units=size)
    return along(fields[0], moves)


def shift(layer, fields, given, made):
    """Padding and cropping: a unit reads the one that it was before."""
    moves = {}
    for p, removed in removed_before(layer, given[0]).items():

        def sources(i, removed=removed):
            return (i + removed,)

        moves[p] = functools.partial(resampled, n=made[p], sources=sources)
    return along(fields[0], moves)


def removed_before(layer, shape):
    """By padded or cropped axis, the number of units removed at its start; negative if units are added."""
    if hasattr(layer, "pad_width"):  # keras.ops.pad, whose first row is for the batch
        if layer.mode != "constant" or len(layer.pad_width) != len(shape) + 1:
            raise UnknownError
        return {p: -before for p, (before, _) in enumerate(layer.pad_width[1:])}
    places, crops = grid_of(layer, shape), hasattr(layer, "cropping")
    if hasattr(layer, "padding_of"):
        sides = layer.padding_of([shape[p] for p in places])
    else:
        sides = (layer.cropping if crops else layer.padding)[: len(places)]
    before = (side[0] if isinstance(side, (tuple, list)) else side for side in sides)
    return {p: n if crops else -n for p, n in zip(places, before, strict=True)}


def grid(layer, fields, given, made):
    """Global pooling: a unit reads all units of its channel."""
    mixes = grid_of(layer, given[0])
    if any(axis.at and not set(axis.at) <= set(mixes) for axis in fields[0]):
        raise UnknownError
    return along(fields[0], {}, mixes)


def features(layer, fields, given, made):
    """Dense layers: a unit reads all units along the last axis."""
    return along(fields[0], {}, (len(given[0]) - 1,))


def everything(layer, fields, given, made):
    """A unit reads all units."""
    return along(fields[0], {}, range(len(given[0])))


def named_axes(layer, fields, given, made):
    """Normalization: a unit reads all units along the layer's `axis`."""
    named = layer.axis if isinstance(layer.axis, (tuple, list)) else (layer.axis,)
    if any(a is None for a in named):
        raise UnknownError
    return along(fields[0], {}, tuple(without_batch(a, given[0]) for a in named), place=True)


def groups(layer, fields, given, made):
    """Group normalization: a unit reads all units of its group of channels."""
    return along(fields[0], {}, range(len(given[0])), place=True)


def mask(layer, fields, given, made):
    """SoftMask: if its kind is "spatial", a unit reads all units of its channel, else only itself."""
    mixes = range(len(given[0]) - 1) if layer.kind == "spatial" else ()
    return along(fields[0], {}, mixes, place=True)


def concatenate(layer, fields, given, made):
    """Concatenation along an axis: a unit reads one unit of one input."""
    joined = without_batch(layer.axis, made)
    if len(fields) > 1 and any(joined in axis.at and axis.step for field in fields for axis in field):
        raise UnknownError
    return point(layer, fields, given, made)


def permute(layer, fields, given, made):
    """Permutation of axes: the same units in another order of axes."""
    moved = {old - 1: new for new, old in enumerate(layer.dims)}
    return tuple(dataclasses.replace(a, at=tuple(moved[p] for p in a.at)) for a in fields[0])


def reshape(layer, fields, given, made):
    """The same units in another shape. Along axes that stay, they keep their positions; others are mixed."""
    runs = matching_runs(given[0], made)

    def lay(axis):
        if not axis.at:
            return axis
        if axis.n == 1:
            return whole(axis)
        old, new = next(run for run in runs if set(axis.at) & set(run[0]))
        if len(old) == len(new) == len(axis.at) == 1:
            return dataclasses.replace(axis, at=new)
        if not axis.step:
            return dataclasses.replace(axis, at=(), n=1, stride=None)
        return dataclasses.replace(axis, at=new, mixed=True, stride=None)

    return tuple(map(lay, fields[0]))


def nothing(layer, fields, given, made):
    """A unit reads nothing."""
    empty = dict(at=(), n=1, low=(math.inf,), high=(-math.inf,), step=0, stride=None)
    return tuple(dataclasses.replace(axis, **empty) for axis in fields[0])


RULES = {
    "all": everything,
    "axes": named_axes,
    "concatenate": concatenate,
    "enlarged": enlarged,
    "features": features,
    "grid": grid,
    "groups": groups,
    "channel_window": functools.partial(window, per_channel=True),
    "mask": mask,
    "none": nothing,
    "permute": permute,
    "point": point,
    "reshape": reshape,
    "shift": shift,
    "transposed": transposed,
    "window": window,
}


# Properties of layers.


def kernel_of(layer, rank):
    """Kernel size, strides and dilation of a convolution or pooling layer with `rank` axes besides channels.

    Returns:
        Three tuples of one number for each axis; None for other layers.
    """
    size = getattr(layer, "kernel_size", None) or getattr(layer, "pool_size", None)
    if size is None:
        return None
    strides, dilation = getattr(layer, "strides", 1), getattr(layer, "dilation_rate", 1)
    return tuple(per_axis(value, rank) for value in (size, strides, dilation))


def pad_before(layer, n, reach, stride):
    """Number of zeros that a convolution or pooling layer adds before the first unit of an axis.

    Args:
        layer: The layer.
        n: Number of units along the axis.
        reach: Size of the kernel with its dilation.
        stride: Stride of the kernel.
    """
    padding = getattr(layer, "padding", "valid")
    if padding == "same":
        return max((-(-n // stride) - 1) * stride + reach - n, 0) // 2
    return reach - 1 if padding == "causal" else 0


def per_axis(value, rank):
    """A number for each axis, given such numbers or one for all axes."""
    return tuple(value) if isinstance(value, (tuple, list)) else (value,) * rank


def channel_of(layer, shape):
    """The channel axis of a layer's input, not counting the batch."""
    return 0 if getattr(layer, "data_format", None) == "channels_first" else len(shape) - 1


def grid_of(layer, shape):
    """The axes of a layer's input other than channels, not counting the batch."""
    channels = channel_of(layer, shape)
    return tuple(p for p in range(len(shape)) if p != channels)


def without_batch(axis, shape):
    """An axis not counting the batch, given an axis as layers count it: with the batch, or from the last."""
    return axis - 1 if axis >= 0 else axis + len(shape)


def matching_runs(old, new):
    """Pairs up the axes of two shapes: each pair holds the same number of units. Axes of size 1 are left out.

    Returns:
        Pairs of tuples: consecutive axes of the old shape, and those of the new shape, in order.
    """
    old_axes = iter([axis for axis, n in enumerate(old) if n != 1])
    new_axes = iter([axis for axis, n in enumerate(new) if n != 1])
    runs = []
    for axis in old_axes:
        a, b = [axis], [next(new_axes)]
        while (size := math.prod(old[i] for i in a)) != (other := math.prod(new[i] for i in b)):
            if size < other:
                a.append(next(old_axes))
            else:
                b.append(next(new_axes))
        runs.append((tuple(a), tuple(b)))
    return runs


def no_rule(axis):
    """Raises UnknownError, since no rule exists for an axis."""
    raise UnknownError
