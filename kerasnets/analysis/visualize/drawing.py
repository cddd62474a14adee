"""Arrays as pictures: colors for what has a sign and what has none, and sheets of them as PNG files.

Values with a sign, such as attributions, are red above zero, blue below and white at zero. What an image is
made of, such as kernels and projections onto pixels, is drawn in its own colors with zero as gray, as the
papers have it. Heat, which has no sign, is laid over the image.
"""

import os
import textwrap
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from kerasnets import files
from kerasnets.analysis.pictures import library
from kerasnets.analysis.visualize.classes import ConfusionTree, names_or_numbers

CLIP = 99.5  # percentile of the magnitudes that has the full color, so that a single pixel does not fade all
SMALL = 64  # pixels below which an image is drawn in squares
DPI = 130
LINE, GAP = 0.16, 0.1  # inches of a line of text, and between panels
INK, BARS = "#222", "#1b6ca8"
MANY = 40  # classes that a legend would be too long for


class Panel(NamedTuple):
    """A picture on a sheet.

    Attributes:
        picture: Colors, (height, width, 3), values 0 to 1; None for bars or an empty place.
        title: Text above it.
        bars: Names and shares, which are drawn as bars instead of a picture.
    """

    picture: np.ndarray | None
    title: str = ""
    bars: Sequence[tuple[str, float]] = ()


def colored(image: np.ndarray) -> np.ndarray:
    """The colors of an image, (height, width, 1 or 3), values 0..255."""
    image = np.clip(np.asarray(image, "float32") / 255, 0, 1)
    return np.broadcast_to(image, (*image.shape[:2], 3))


def signed(values: np.ndarray) -> np.ndarray:
    """The colors of values with a sign, (height, width): red above zero, blue below, white at zero."""
    values = np.asarray(values, "float32")
    return colors(0.5 + 0.5 * values / bound(values), "RdBu_r")


def around_gray(values: np.ndarray) -> np.ndarray:
    """The colors of kernels or projections, (height, width, 1 or 3): zero is gray."""
    values = np.asarray(values, "float32")
    shares = np.clip(0.5 + 0.5 * values / bound(values), 0, 1)
    return np.broadcast_to(shares, (*shares.shape[:2], 3))


def bright(values: np.ndarray) -> np.ndarray:
    """The colors of a map of activations, (height, width): the least value is dark, the largest bright."""
    values = np.asarray(values, "float32")
    low, high = float(values.min()), float(values.max())
    return colors((values - low) / max(high - low, 1e-12), "viridis")


def heat(image: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Lays heat over a gray image: the larger a value, the stronger its color.

    Args:
        image: Values 0..255, (height, width, 1 or 3).
        values: The map, (height, width), of which values below zero count as zero.

    Returns:
        Colors, (height, width, 3).
    """
    values = np.maximum(np.asarray(values, "float32"), 0)
    share = np.clip(values / max(float(values.max()), 1e-12), 0, 1)
    gray = colored(image).mean(axis=-1, keepdims=True)
    alpha = 0.65 * share[..., None] ** 0.7
    return (1 - alpha) * gray + alpha * colors(0.25 + 0.75 * share, "inferno")


def summed(values: np.ndarray, most: int = SMALL) -> np.ndarray:
    """Sums values, (height, width), over squares, so that there are at most so many on each side."""
    side = -(-max(values.shape) // most)
    height, width = (-(-length // side) for length in values.shape)
    beyond = [(0, height * side - values.shape[0]), (0, width * side - values.shape[1])]
    return np.pad(values, beyond).reshape(height, side, width, side).sum((1, 3))


def bound(values):
    """The magnitude that has the full color."""
    return max(float(np.percentile(np.abs(values), CLIP)), float(np.abs(values).max()) / 4, 1e-12)


def colors(shares, name):
    """The colors of shares from 0 to 1 by a map of Matplotlib's."""
    colormap = library("matplotlib").colormaps[name]
    return colormap(np.clip(shares, 0, 1))[..., :3].astype("float32")


def tiled(pictures: Sequence[np.ndarray], columns: int, gap: int = 1) -> np.ndarray:
    """Joins pictures of one size into one, row by row, with white gaps.

    Args:
        pictures: Colors, each (height, width, 3).
        columns: Pictures in a row.
        gap: Pixels between them.
    """
    height, width, _ = pictures[0].shape
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    sheet = np.ones((rows * (height + gap) - gap, columns * (width + gap) - gap, 3), "float32")
    for i, picture in enumerate(pictures):
        y, x = (i // columns) * (height + gap), (i % columns) * (width + gap)
        sheet[y : y + height, x : x + width] = picture
    return sheet


def draw_sheet(
    path: str | os.PathLike,
    rows: Sequence[Sequence[Panel]],
    caption: str = "",
    cell: float = 1.75,
    names: Sequence[str] = (),
) -> None:
    """Draws rows of panels with their titles into a PNG file.

    Args:
        path: Path of the file.
        rows: The panels of each row, from the left.
        caption: Text below all rows, in as many lines as it needs.
        cell: Width and height of a panel in inches.
        names: A name for each row, at its left; or none.
    """
    count = max(map(len, rows))
    wide = max(9, int(cell * 13))  # characters that fit above a panel
    titles = [[textwrap.wrap(p.title, wide)[:3] for p in row] for row in rows]
    tall = [max(map(aspect, row)) * (cell - GAP) for row in rows]
    heights = [t + LINE * max(map(len, row)) + GAP for t, row in zip(tall, titles, strict=True)]
    left = 0.085 * max((len(line) for name in names for line in name.splitlines()), default=0) + 0.1
    width = left + count * cell + 0.1
    notes = textwrap.wrap(caption, int(width * 14.5)) if caption else []
    height = sum(heights) + LINE * len(notes) + 0.2
    figure = library("matplotlib.figure").Figure(figsize=(width, height))
    axis = figure.add_axes((0, 0, 1, 1))  # in inches
    top = height - GAP / 2
    for r, (row, lines) in enumerate(zip(rows, titles, strict=True)):
        bottom = top - heights[r] + GAP / 2
        for c, panel in enumerate(row):
            start = left + c * cell + GAP / 2
            draw_panel(axis, panel, start, bottom, cell - GAP, tall[r])
            title = "\n".join(lines[c])
            place = start + (cell - GAP) / 2, bottom + tall[r] + 0.03
            axis.text(*place, title, fontsize=8, color=INK, ha="center", va="bottom", linespacing=1.15)
        if names:
            axis.text(0.1, bottom + tall[r] / 2, names[r], fontsize=9, va="center", color=INK)
        top -= heights[r]
    if notes:
        axis.text(0.1, 0.08, "\n".join(notes), fontsize=8, va="bottom", color="#555")
    axis.set(xlim=(0, width), ylim=(0, height))
    axis.axis("off")
    with files.replacing(path) as part:
        figure.savefig(part, dpi=DPI)


def aspect(panel: Panel) -> float:
    """The height of a panel in units of its width, at most 1."""
    if panel.picture is None:
        return 1.0 if panel.bars else 0.0
    height, width, _ = panel.picture.shape
    return min(1.0, height / width)


def draw_panel(axis: Any, panel: Panel, left: float, bottom: float, width: float, height: float) -> None:
    """Draws a picture, or bars with the names of the classes below them, in a place given in inches."""
    if panel.picture is not None:
        rows, columns, _ = panel.picture.shape
        scale = min(width / columns, height / rows)
        left, bottom = left + (width - scale * columns) / 2, bottom + (height - scale * rows) / 2
        place = (left, left + scale * columns, bottom, bottom + scale * rows)
        coarse = "nearest" if max(rows, columns) < SMALL else "antialiased"
        axis.imshow(panel.picture, extent=place, interpolation=coarse, aspect="auto")
        return
    step = height / max(1, len(panel.bars))
    for i, (name, share) in enumerate(panel.bars):
        y = bottom + height - (i + 0.45) * step
        axis.bar(left, 0.4 * step, share * width, y, align="edge", color=BARS)
        text = f"{textwrap.shorten(name, int(11 * width), placeholder='…')} {share:.0%}"
        axis.text(left, y - 0.03, text, fontsize=7, va="top", color=INK)


def draw_tree(path: str | os.PathLike, tree: ConfusionTree, names: Sequence[str] | None = None) -> None:
    """Draws a tree of classes, with the most confused ones joined near their names, into a PNG file.

    Args:
        path: Path of the file.
        tree: What `confusion_tree` returns.
        names: Names of the classes; None for their numbers.
    """
    names = names_or_numbers(names, len(tree.order))
    floor = max(tree.confusions.max(), 1e-6) / 1e4
    at = np.maximum(tree.confusions, floor)
    figure = library("matplotlib.figure").Figure(figsize=(6.4, 0.22 * len(names) + 0.9), layout="constrained")
    axis = figure.subplots()
    start = 1.6 * at.max()
    nodes = {int(leaf): (start, y) for y, leaf in enumerate(tree.order)}
    for i, (link, x) in enumerate(zip(tree.links, at, strict=True)):
        (x1, y1), (x2, y2) = (nodes[int(n)] for n in link[:2])
        axis.plot([x1, x, x, x2], [y1, y1, y2, y2], color=BARS, linewidth=1.4, solid_joinstyle="miter")
        nodes[len(names) + i] = (x, (y1 + y2) / 2)
    axis.set_xscale("log")
    axis.set_xlim(at.min() / 1.6, start)
    axis.xaxis.set_major_formatter(lambda value, _: f"{100 * value:.3g} %")
    axis.xaxis.set_minor_formatter(lambda value, _: "")
    axis.set(xlabel="mean share of a class that is taken for the other", ylim=(len(names) - 0.5, -0.5))
    axis.yaxis.tick_right()
    axis.set_yticks(range(len(names)), [names[leaf] for leaf in tree.order], fontsize=9)
    axis.tick_params(axis="y", length=0)
    axis.spines[["top", "left", "right"]].set_visible(False)
    axis.grid(axis="x", alpha=0.25)
    with files.replacing(path) as part:
        figure.savefig(part, dpi=DPI)


def draw_points(
    path: str | os.PathLike,
    points: np.ndarray,
    labels: np.ndarray,
    names: Sequence[str] | None = None,
    title: str = "",
) -> None:
    """Draws images as points in the colors of their classes, with the names of these, into a PNG file.

    Args:
        path: Path of the file.
        points: Coordinates, (n, 2), as `embed` returns them.
        labels: Class numbers, (n,).
        names: Names of the classes; None for their numbers.
        title: Title of the picture.
    """
    labels = np.asarray(labels)
    names = names_or_numbers(names, int(labels.max()) + 1 if names is None else len(names))
    shown = np.unique(labels)
    colormap = library("matplotlib").colormaps["tab10" if len(shown) <= 10 else "gist_rainbow"]
    effects = library("matplotlib.patheffects")
    figure = library("matplotlib.figure").Figure(figsize=(6.2, 5.6), layout="constrained")
    axis = figure.subplots()
    for i, c in enumerate(shown):
        color = colormap(i if len(shown) <= 10 else i / len(shown))
        own = points[labels == c]
        axis.scatter(own[:, 0], own[:, 1], 9, color=color, alpha=0.75, linewidths=0)
        if len(shown) <= MANY:
            place = np.median(own, axis=0)
            halo = [effects.withStroke(linewidth=3, foreground="white")]
            axis.text(
                *place, names[c], fontsize=10, weight="bold", ha="center", va="center", path_effects=halo
            )
    axis.set(title=title, xticks=[], yticks=[])
    axis.spines[:].set_color("#bbb")
    with files.replacing(path) as part:
        figure.savefig(part, dpi=DPI)
