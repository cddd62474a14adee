"""Figures of training runs, as PNG files and as drawings in pages."""

import io
import math
import os
from collections.abc import Sequence
from typing import NamedTuple

from kerasnets import files
from kerasnets.analysis.pictures import library

COLORS = ("#1b6ca8", "#b8442f", "#2e7d4f", "#7a5195")
FEW = 12  # epochs that are drawn with a dot each
WIDE = 20  # ratio of the largest value to the least from which an axis is logarithmic


class Panel(NamedTuple):
    """A plot of values over epochs.

    Attributes:
        title: Title of the panel.
        ylabel: Label of the vertical axis.
        test: For the name of each line, its values on test data, one per epoch.
        training: The same on training data, drawn thin and dashed in the same color.
        scale: "linear" or "log".
    """

    title: str
    ylabel: str
    test: dict[str, list[float]]
    training: dict[str, list[float]]
    scale: str = "linear"


class Phase(NamedTuple):
    """A part of a training run, such as that of the head alone.

    Attributes:
        name: Its name.
        training: For the name of each measure, its values on training data, one per epoch.
        validation: The same on validation data.
        chosen: Number of the epoch whose weights are kept, counted from 1 within the phase, or None.
    """

    name: str
    training: dict[str, Sequence[float]]
    validation: dict[str, Sequence[float]]
    chosen: int | None = None

    @property
    def epochs(self) -> int:
        """The number of epochs."""
        return max((len(v) for v in (*self.training.values(), *self.validation.values())), default=0)


def draw_panels(path: str | os.PathLike, panels: list[Panel]) -> None:
    """Draws panels side by side into a PNG file."""
    ticker = library("matplotlib.ticker")
    size = (5.2 * len(panels), 4.2)
    figure = library("matplotlib.figure").Figure(figsize=size, layout="constrained")
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    for axis, panel in zip(axes, panels, strict=True):
        colors = dict(zip(panel.test, COLORS, strict=False))
        for name, values in panel.test.items():
            plot(axis, values, "-", color=colors[name], label=f"{name}, test", linewidth=1.8)
        for name, values in panel.training.items():
            plot(axis, values, "--", color=colors[name], label=f"{name}, training", linewidth=1)
        axis.set(title=panel.title, xlabel="epoch", ylabel=panel.ylabel, yscale=panel.scale)
        axis.xaxis.set_major_locator(ticker.MaxNLocator(integer=True))
        if panel.scale == "linear":
            axis.set_ylim(bottom=0)
        axis.grid(alpha=0.3)
        axis.legend(frameon=False)
    with files.replacing(path) as part:
        figure.savefig(part, dpi=130)


def plot(axis, values, style, **options):
    """Draws one value per epoch; epochs count from 1."""
    axis.plot(range(1, len(values) + 1), values, style, **options)


def draw_phases(phases: Sequence[Phase], measure: str) -> bytes:
    """Draws a measure over the epochs of all phases, with the epoch that is chosen.

    Args:
        phases: The phases, in their order.
        measure: Name of the measure.

    Returns:
        The content of an SVG file.
    """
    matplotlib, ticker = library("matplotlib"), library("matplotlib.ticker")
    figure = library("matplotlib.figure").Figure(figsize=(4.6, 3.3), layout="constrained")
    axis, start, drawn = figure.subplots(), 0, []
    for number, phase in enumerate(phases):
        for values, style, color, name in (
            (phase.training, "--", COLORS[1], "training"),
            (phase.validation, "-", COLORS[0], "validation"),
        ):
            values = [float(v) for v in values.get(measure, ())]
            epochs = range(start + 1, start + 1 + len(values))
            marker = "o" if len(values) <= FEW else None
            options = dict(color=color, marker=marker, markersize=3, linewidth=1.6)
            axis.plot(epochs, values, style, label=None if number else name, **options)
            drawn += [v for v in values if math.isfinite(v)]
        end = start + phase.epochs
        if len(phases) > 1:
            axis.axvspan(start + 0.5, end + 0.5, color="#000", alpha=0.06 * (1 - number % 2), linewidth=0)
            place = dict(xycoords=axis.get_xaxis_transform(), ha="center", va="bottom", fontsize=9)
            axis.annotate(phase.name, ((start + end + 1) / 2, 1.01), **place)
        if phase.chosen is not None:
            axis.axvline(start + phase.chosen, color="#333", linestyle=":", label="chosen epoch")
        start = end
    axis.set(xlabel="epoch", ylabel=measure, xlim=(0.5, max(start, 1) + 0.5))
    if drawn and min(drawn) > 0 and max(drawn) > WIDE * min(drawn):
        axis.set_yscale("log")
        axis.yaxis.set_major_formatter("{x:g}")
    axis.xaxis.set_major_locator(ticker.MaxNLocator(integer=True))
    axis.grid(alpha=0.3)
    axis.legend(frameon=False, fontsize=9)
    content = io.BytesIO()
    canvas = library("matplotlib.backends.backend_svg").FigureCanvasSVG(figure)
    with matplotlib.rc_context({"svg.hashsalt": "kerasnets"}):  # the same drawing gives the same bytes
        canvas.print_svg(content, metadata={"Date": None})
    return content.getvalue()
