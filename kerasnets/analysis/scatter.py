"""The plot of a comparison: accuracy against multiply-adds, one panel for each protocol."""

import dataclasses
import textwrap
from collections.abc import Iterable
from typing import Any

from kerasnets import files
from kerasnets.analysis import pictures
from kerasnets.tables import count_text

# Suffixes of the formats, and the name of the date in their metadata. Dates are left out, so that the same
# plot gives the same file.
DATES = {".png": "Creation Time", ".svg": "Date", ".pdf": "CreationDate"}
AREA = 700  # of the largest marker, in square points
# Placement of names: factors by which their width and height are enlarged to keep a distance, and the largest
# number of steps. With these, no two names of all published nets overlap.
GAPS, ITERATIONS = (1.1, 1.4), 300


LINE = 95  # characters of the line below a title


@dataclasses.dataclass(frozen=True)
class Panel:
    """A panel of the plot.

    Attributes:
        rows: A `ModelRow` for each model that it shows.
        measure: The errors that it shows: "top1" or "top5".
        text: Their protocol in words.
    """

    rows: tuple[Any, ...]
    measure: str
    text: str

    @classmethod
    def of(cls, rows: Iterable[Any], text: str) -> "Panel":
        """The panel of models with published errors: their top-1 errors, or top-5 if more have these."""
        known = {
            name: tuple(row for row in rows if getattr(row, name) is not None) for name in ("top1", "top5")
        }
        measure = max(known, key=lambda name: len(known[name]))
        return cls(known[measure], measure, text)

    @property
    def dataset(self) -> str:
        """Name of the dataset."""
        return self.rows[0].result.dataset

    @property
    def points(self) -> list[tuple[float, float]]:
        """The multiply-adds and the accuracy in percent of each model."""
        return [(row.mult_adds, 100 - getattr(row, self.measure)) for row in self.rows]

    @property
    def height(self) -> float:
        """The height of its axes in inches, which grows with the number of names."""
        return 8 if len(self.rows) > 12 else 5 if len(self.rows) > 2 else 3.2


def draw(panels, path):
    """Writes the picture of `Comparison.plot`.

    Args:
        panels: A `Panel` for each protocol.
        path: Path of the picture.
    """
    matplotlib = pictures.library("matplotlib")
    adjust_text = pictures.library("adjustText").adjust_text
    figures, agg = (pictures.library(f"matplotlib.{m}") for m in ("figure", "backends.backend_agg"))
    families = list(dict.fromkeys(row.family for panel in panels for row in panel.rows))
    colors = matplotlib.colormaps["tab10" if len(families) <= 10 else "tab20"]
    color = {f: colors(i % colors.N) for i, f in enumerate(families)}
    heights = [panel.height for panel in panels]
    figure = figures.Figure(figsize=(10.5, sum(heights)), dpi=130, layout="constrained")
    canvas = agg.FigureCanvasAgg(figure)
    axes = figure.subplots(len(panels), 1, squeeze=False, height_ratios=heights)[:, 0]
    for axis, panel in zip(axes, panels, strict=True):
        draw_panel(axis, panel, color)
    canvas.draw()  # fixes the positions of the axes
    figure.set_layout_engine("none")
    for axis, panel in zip(axes, panels, strict=True):
        label(axis, panel, adjust_text)
    with files.replacing(path) as part, matplotlib.rc_context({"svg.hashsalt": "kerasnets"}):
        figure.savefig(part, metadata={DATES[path.suffix]: None})


def draw_panel(axis, panel, color):
    """Draws the markers and legends of one panel.

    Args:
        axis: A Matplotlib Axes.
        panel: A `Panel`.
        color: Colors, by family.
    """
    largest = max(row.trainable_params for row in panel.rows)
    points = sorted(zip(panel.rows, panel.points, strict=True), key=lambda p: -p[0].trainable_params)
    for row, (x, y) in points:  # small markers are drawn on top
        size = AREA * row.trainable_params / largest
        shade = (*color[row.family][:3], 0.5)
        axis.scatter(x, y, size, facecolors=[shade], edgecolors=[color[row.family]], clip_on=False)
    ylabel = f"{panel.measure.replace('top', 'top-')} accuracy, %"
    axis.set(xscale="log", xlabel="multiply-adds of one example", ylabel=ylabel)
    text = textwrap.fill(panel.text.removeprefix(f"{panel.dataset}, "), LINE)
    axis.set_title(panel.dataset + "\n" * (1 + text.count("\n")), fontsize=14)
    axis.text(0.5, 1.015, text, ha="center", va="bottom", fontsize=9, transform=axis.transAxes)
    axis.margins(0.09)
    axis.set_ylim(top=min(100, axis.get_ylim()[1]))
    axis.grid(alpha=0.25)
    axis.xaxis.set_major_formatter(lambda value, _: count_text(value))
    axis.xaxis.set_minor_formatter(lambda value, _: minor_tick(value, axis.get_xlim()))
    axis.spines[["top", "right"]].set_visible(False)

    shown = [f for f in color if f in {row.family for row in panel.rows}]
    sizes = [s for s in (1e4, 1e5, 1e6, 1e7, 1e8) if largest / 1000 < s <= largest]
    handles = [axis.scatter([], [], 40, color=[color[f]], label=f) for f in shown]
    hollow = dict(facecolors="none", edgecolors="#666")
    handles += [
        axis.scatter([], [], AREA * s / largest, label=f"{count_text(s)} params", **hollow) for s in sizes
    ]
    axis.legend(
        handles=handles, loc="upper left", bbox_to_anchor=(1, 1), frameon=False, fontsize=8, labelspacing=0.9
    )


def minor_tick(value, limits):
    """The label of a tick between powers of ten: for 2 and 5 only, and only on axes of few powers."""
    return count_text(value) if limits[1] < 30 * limits[0] and f"{value:e}"[0] in "25" else ""


def label(axis, panel, adjust_text):
    """Writes each model's name near its marker, so that names do not overlap.

    Args:
        axis: A Matplotlib Axes whose position in the figure is fixed.
        panel: The `Panel` whose markers it has.
        adjust_text: The function `adjust_text` of the package adjustText.
    """
    named = zip(panel.rows, panel.points, strict=True)
    texts = [axis.text(x, y, row.name, fontsize=7.5) for row, (x, y) in named]
    line = dict(arrowstyle="-", color="#888", linewidth=0.5)
    # With `prevent_crossings`, names swap positions again and again, and the placement does not converge.
    options = dict(prevent_crossings=False, max_move=None, expand=GAPS, iter_lim=ITERATIONS)
    adjust_text(texts, ax=axis, arrowprops=line, **options)
