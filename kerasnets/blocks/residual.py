"""Residual units: convolutions added to their input, written as rows.

A row is (filters, kernel), (filters, kernel, strides) or (filters, kernel, strides, groups): a convolution.
"""

import math

from keras import layers

from kerasnets.blocks.attention import squeeze_excite as squeezed
from kerasnets.blocks.conv import bn, bn_act, conv


def basic_rows(filters, strides=1):
    """Two 3x3 convolutions, as rows.

    Source: He et al. 2016, figure 5, left.

    Args:
        filters: Maps of each.
        strides: Step of the first, in pixels.
    """
    return (filters, 3, strides), (filters, 3)


def bottleneck_rows(filters, strides=1, width=None, groups=1, stride_in="3x3"):
    """A 1x1 convolution that thins the maps, a 3x3, and a 1x1 that makes them many again, as rows.

    Source: He et al. 2016, figure 5, right; with groups Xie et al. 2017, figure 3c.

    Args:
        filters: Maps that come out.
        strides: Step in pixels.
        width: Maps inside; a quarter of `filters` by default.
        groups: Groups of maps that the 3x3 convolves apart.
        stride_in: "1x1" or "3x3": which of the first two convolutions takes the step.
    """
    width = width or max(1, filters // 4)
    first, second = (strides, 1) if stride_in == "1x1" else (1, strides)
    return (width, 1, first), (width, 3, second, groups), (filters, 1)


def residual(x, rows, shortcut="project", squeeze_excite=None, shortcut_kernel=1, name=None):
    """The rows' convolutions, each with batch normalisation, added to `x`; ReLU between them and last.

    Source: He et al. 2016, equations 1 and 2 and figure 2.

    Args:
        x: Maps, (batch, height, width, channels).
        rows: Convolutions; see above.
        shortcut: What brings `x` to the grid and count of the new maps where they differ, as in `skip`;
            None adds nothing, which leaves a plain net.
        squeeze_excite: Reduction of a squeeze-and-excitation unit on the new maps, or None.
        shortcut_kernel: Side of a projection's kernel.
        name: Start of the layers' names.

    Returns:
        (batch, height', width', filters of the last row).
    """
    new = x
    for i, row in enumerate(rows, start=1):
        new = follow(new, row, name=f"{name}_{i}_conv")
        new = bn_act(new, name=f"{name}_{i}") if i < len(rows) else bn(new, name=f"{name}_{i}_bn")
    if squeeze_excite:
        new = squeezed(new, squeeze_excite, name=f"{name}_se")
    if shortcut:
        old = skip(x, rows, shortcut, kernel=shortcut_kernel, name=f"{name}_shortcut")
        old = bn(old, name=f"{name}_shortcut_bn") if shortcut == "project" and old is not x else old
        new = layers.Add(name=f"{name}_add")([old, new])
    return layers.Activation("relu", name=f"{name}_act")(new)


def preact_residual(
    x, rows, shortcut="project", dropout=0.0, squeeze_excite=None, activated=False, use_bias=False, name=None
):
    """The rows' convolutions, each behind batch normalisation and ReLU, added to `x`.

    A projection reads what the first of them has normalised and activated.

    Source: He et al. 2016 (identity mappings), figure 1b and the appendix; dropout Zagoruyko and Komodakis
    2016, section 2.4.

    Args:
        x: Maps, (batch, height, width, channels).
        rows: Convolutions; see above.
        shortcut: What brings `x` to the grid and count of the new maps where they differ, as in `skip`.
        dropout: Share dropped in training before the last convolution.
        squeeze_excite: Reduction of a squeeze-and-excitation unit on the new maps, or None.
        activated: Whether `x` comes normalised and activated, as behind a stem.
        use_bias: Whether the last convolution and the projection have biases.
        name: Start of the layers' names.

    Returns:
        (batch, height', width', filters of the last row).
    """
    new, old = preact_branches(x, rows, shortcut, dropout, activated, use_bias, name)
    if squeeze_excite:
        new = squeezed(new, squeeze_excite, name=f"{name}_se")
    return layers.Add(name=f"{name}_add")([old, new])


def preact_branches(x, rows, shortcut="project", dropout=0.0, activated=False, use_bias=False, name=None):
    """The two summands of a pre-activated residual unit. Arguments as in `preact_residual`.

    Returns:
        The maps that the convolutions make, and `x` on their grid and with their count.
    """
    new = first = x if activated else bn_act(x, name=f"{name}_1")
    for i, row in enumerate(rows, start=1):
        if i > 1:
            new = bn_act(new, name=f"{name}_{i}")
        if i == len(rows) and dropout:
            new = layers.Dropout(dropout, name=f"{name}_dropout")(new)
        new = follow(new, row, use_bias=use_bias and i == len(rows), name=f"{name}_{i}_conv")
    project = shortcut == "project" and changes(x, rows)
    return new, skip(first if project else x, rows, shortcut, use_bias, name=f"{name}_shortcut")


def skip(x, rows, kind, use_bias=False, kernel=1, name=None):
    """`x` on the grid, and with the count, of the maps that the rows make of it.

    Source: He et al. 2016, section 3.3, options A and B.

    Args:
        x: Maps, (batch, height, width, channels).
        rows: Convolutions; see above.
        kind: "project": a convolution; "pad": every `strides`-th pixel, and maps of zeros.
        use_bias: Whether the convolution has biases.
        kernel: Side of its kernel.
        name: Start of the layers' names.

    Returns:
        (batch, height', width', filters of the last row); `x` itself where they are alike.
    """
    filters, strides = rows[-1][0], steps(rows)
    if not changes(x, rows):
        return x
    if kind == "project":
        return conv(x, filters, kernel, strides, use_bias=use_bias, name=f"{name}_conv")
    if strides > 1:
        x = layers.MaxPooling2D(1, strides, name=f"{name}_pool")(x)
    more = filters - x.shape[-1]
    # Read as channels first, the last axis of the maps is a side, which this layer can pad.
    zeros = layers.ZeroPadding2D(((0, 0), (0, more)), data_format="channels_first", name=f"{name}_pad")
    return zeros(x) if more else x


def follow(x, row, use_bias=False, name=None):
    """The convolution of a row."""
    filters, kernel, strides, groups = (*row, *(1, 1)[len(row) - 2 :])
    return conv(x, filters, kernel, strides, use_bias=use_bias, groups=groups, name=name)


def steps(rows):
    """Strides of all rows together."""
    return math.prod(row[2] for row in rows if len(row) > 2)


def changes(x, rows):
    """Whether the maps that rows make of `x` differ from it in grid or count."""
    return steps(rows) > 1 or rows[-1][0] != x.shape[-1]


def units(depths, stride_last=False):
    """What each residual unit of a net needs to know; every stage but the first halves the grid.

    Args:
        depths: Units in each stage.
        stride_last: Whether instead the last unit of every stage but the last does so.

    Yields:
        The number of the stage, from 0; the strides; and the name of the unit.
    """
    for stage, depth in enumerate(depths):
        for i in range(1, depth + 1):
            halves = i == depth and stage + 1 < len(depths) if stride_last else i == 1 and stage > 0
            yield stage, 2 if halves else 1, f"stage{stage + 1}_unit{i}"
