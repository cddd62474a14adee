"""Residual units: convolutions whose output is added to their input."""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from keras import KerasTensor, layers, ops

from kerasnets.blocks import attention
from kerasnets.blocks.conv import bn, bn_act, conv
from kerasnets.graph import named
from kerasnets.layers.stochastic_depth import StochasticDepth


class Row(NamedTuple):
    """A convolution of a residual unit, as a row of a table."""

    filters: int
    kernel: int
    strides: int = 1
    groups: int = 1


def basic_rows(filters: int, strides: int = 1) -> tuple[Row, ...]:
    """The rows of a basic unit: two 3x3 convolutions.

    Source: He et al. 2016, figure 5, left.

    Args:
        filters: Number of filters of each.
        strides: Strides of the first.
    """
    return Row(filters, 3, strides), Row(filters, 3)


def bottleneck_rows(
    filters: int, strides: int = 1, width: int | None = None, groups: int = 1, stride_in: str = "3x3"
) -> tuple[Row, ...]:
    """The rows of a bottleneck: a 1x1 convolution that reduces the channels, a 3x3, a 1x1 that restores them.

    Source: He et al. 2016, figure 5, right; with groups Xie et al. 2017, figure 3c.

    Args:
        filters: Number of filters of the last convolution.
        strides: Strides of the unit.
        width: Number of filters of the first two convolutions; by default a quarter of `filters`.
        groups: Groups of the 3x3 convolution.
        stride_in: "1x1" or "3x3": which of the first two convolutions has the strides.
    """
    width = width or max(1, filters // 4)
    first, second = (strides, 1) if stride_in == "1x1" else (1, strides)
    return Row(width, 1, first), Row(width, 3, second, groups), Row(filters, 1)


def residual(
    x: KerasTensor,
    rows: Sequence[Row],
    shortcut: str | None = "project",
    squeeze_excite: int | None = None,
    shortcut_kernel: int = 1,
    relu_before_se: bool = False,
    survival: float = 1.0,
    name: str | None = None,
) -> KerasTensor:
    """A residual unit: convolutions with batch normalization are added to `x`; ReLU between and after them.

    Source: He et al. 2016, equations 1 and 2 and figure 2.

    Args:
        x: Feature maps, (batch, height, width, channels).
        rows: The convolutions.
        shortcut: What gives `x` the shape of the new feature maps where it has another, as in `skip`; None
            adds nothing, which leaves a plain network.
        squeeze_excite: Reduction of a squeeze-and-excitation unit on the new feature maps, or None.
        shortcut_kernel: Kernel size of a projection.
        relu_before_se: Whether ReLU also precedes squeeze-and-excitation.
        survival: Probability that the unit is kept in training; otherwise only its shortcut is left, for the
            whole batch. Below 1, which needs a shortcut, this is stochastic depth (Huang et al. 2016).
        name: Prefix of the layers' names.

    Returns:
        Feature maps, (batch, height', width', filters of the last row).
    """
    new = x
    for i, row in enumerate(rows, start=1):
        new = convolve(new, row, name=f"{name}_{i}_conv")
        new = bn_act(new, name=f"{name}_{i}") if i < len(rows) else bn(new, name=f"{name}_{i}_bn")
    if squeeze_excite:
        if relu_before_se:
            new = layers.Activation("relu", name=f"{name}_se_act")(new)
        new = attention.squeeze_excite(new, squeeze_excite, name=f"{name}_se")
    if shortcut:
        if survival < 1:
            new = StochasticDepth(survival, name=f"{name}_drop")(new)
        old = skip(x, rows, shortcut, kernel=shortcut_kernel, name=f"{name}_shortcut")
        old = bn(old, name=f"{name}_shortcut_bn") if projects(x, rows, shortcut) else old
        new = layers.Add(name=f"{name}_add")([old, new])
    return layers.Activation("relu", name=f"{name}_act")(new)


def preact_residual(
    x: KerasTensor,
    rows: Sequence[Row],
    shortcut: str = "project",
    dropout: float = 0.0,
    squeeze_excite: int | None = None,
    activated: bool = False,
    use_bias: bool = False,
    project_raw: bool = False,
    name: str | None = None,
) -> KerasTensor:
    """A pre-activation residual unit: adds convolutions, each after batch normalization and ReLU, to `x`.

    Source: He et al. 2016 (identity mappings), figure 1b and the appendix; dropout Zagoruyko and Komodakis
    2016, section 2.4.

    Args:
        x: Feature maps, (batch, height, width, channels).
        rows: The convolutions.
        shortcut: What gives `x` the shape of the new feature maps where it has another, as in `skip`.
        dropout: Dropout rate before the last convolution.
        squeeze_excite: Reduction of a squeeze-and-excitation unit on the new feature maps, or None.
        activated: Whether `x` is already normalized and activated, as after some stems.
        use_bias: Whether the last convolution and the projection have biases.
        project_raw: Whether a projection reads `x` itself, instead of `x` after the first batch normalization
            and ReLU.
        name: Prefix of the layers' names.

    Returns:
        Feature maps, (batch, height', width', filters of the last row).
    """
    new, old = preact_branches(x, rows, shortcut, dropout, activated, use_bias, project_raw, name)
    if squeeze_excite:
        new = attention.squeeze_excite(new, squeeze_excite, name=f"{name}_se")
    return layers.Add(name=f"{name}_add")([old, new])


def preact_branches(
    x: KerasTensor,
    rows: Sequence[Row],
    shortcut: str = "project",
    dropout: float = 0.0,
    activated: bool = False,
    use_bias: bool = False,
    project_raw: bool = False,
    name: str | None = None,
) -> tuple[KerasTensor, KerasTensor]:
    """The two terms that a pre-activation residual unit adds. The arguments are those of `preact_residual`.

    Returns:
        The output of the convolutions, and the shortcut, which has the same shape.
    """
    new = first = x if activated else bn_act(x, name=f"{name}_1")
    for i, row in enumerate(rows, start=1):
        if i > 1:
            new = bn_act(new, name=f"{name}_{i}")
        if i == len(rows) and dropout:
            new = layers.Dropout(dropout, name=f"{name}_dropout")(new)
        new = convolve(new, row, use_bias=use_bias and i == len(rows), name=f"{name}_{i}_conv")
    old = first if projects(x, rows, shortcut) and not project_raw else x
    return new, skip(old, rows, shortcut, use_bias, name=f"{name}_shortcut")


def skip(
    x: KerasTensor,
    rows: Sequence[Row],
    kind: str,
    use_bias: bool = False,
    kernel: int = 1,
    name: str | None = None,
) -> KerasTensor:
    """The shortcut of a residual unit: `x` in the shape that the convolutions give.

    Source: He et al. 2016, sections 3.3 and 4.1, options A, B and C.

    Args:
        x: Feature maps, (batch, height, width, channels).
        rows: The convolutions.
        kind: "project" for a convolution (option B); "pad" for every `strides`-th pixel, with channels of
            zeros added (option A); "project_all" for a convolution also where the shape is the same (option
            C).
        use_bias: Whether the projection has biases.
        kernel: Kernel size of the projection.
        name: Prefix of the layers' names.

    Returns:
        Feature maps, (batch, height', width', filters of the last row); `x` itself if the shape is the same
        and not all shortcuts are projections.
    """
    filters, strides = rows[-1].filters, total_strides(rows)
    if projects(x, rows, kind):
        return conv(x, filters, kernel, strides, use_bias=use_bias, name=f"{name}_conv")
    if not changes_shape(x, rows):
        return x
    if strides > 1:
        x = layers.MaxPooling2D(1, strides, name=f"{name}_pool")(x)
    added = filters - x.shape[-1]
    if added:
        x = named(ops.pad(x, ((0, 0), (0, 0), (0, 0), (0, added))), f"{name}_pad")
    return x


def survivals(last: float, count: int) -> list[float]:
    """The probability of each unit of a network to be kept in training, which falls linearly to the last one.

    Source: Huang et al. 2016, equation 4.

    Args:
        last: That of the last unit.
        count: Number of units.
    """
    return [1 - i / count * (1 - last) for i in range(1, count + 1)]


def convolve(x: KerasTensor, row: Row, use_bias: bool = False, name: str | None = None) -> KerasTensor:
    """The convolution of a row."""
    return conv(x, row.filters, row.kernel, row.strides, groups=row.groups, use_bias=use_bias, name=name)


def total_strides(rows: Sequence[Row]) -> int:
    """The strides of all rows together."""
    return math.prod(row.strides for row in rows)


def projects(x: KerasTensor, rows: Sequence[Row], kind: str) -> bool:
    """Whether a shortcut of this kind is a convolution; see `skip`."""
    return kind == "project_all" or (kind == "project" and changes_shape(x, rows))


def changes_shape(x: KerasTensor, rows: Sequence[Row]) -> bool:
    """Whether the output of the rows has another grid or number of channels than `x`."""
    return total_strides(rows) > 1 or rows[-1].filters != x.shape[-1]


def units(depths: Sequence[int], stride_last: bool = False) -> Iterator[tuple[int, int, str]]:
    """The residual units of a network, stage by stage; every stage but the first halves the grid.

    Args:
        depths: Number of units in each stage.
        stride_last: Whether the last unit of every stage but the last halves the grid, instead of the first
            unit of every stage but the first.

    Yields:
        For each unit the number of its stage, from 0, its strides and its name.
    """
    for stage, depth in enumerate(depths):
        for i in range(1, depth + 1):
            halves = i == depth and stage + 1 < len(depths) if stride_last else i == 1 and stage > 0
            yield stage, 2 if halves else 1, f"stage{stage + 1}_unit{i}"
