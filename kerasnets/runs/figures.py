"""Figures of training runs, as PNG files."""

import os
from typing import NamedTuple

from kerasnets import files
from kerasnets.analysis.pictures import library

COLORS = ("#1b6ca8", "#b8442f", "#2e7d4f", "#7a5195")


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
