"""The plot of a comparison: accuracy against multiply-adds, one panel for each dataset."""

import collections

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


def draw(panels, path):
    """Writes the picture of `Comparison.plot`.

    Args:
        panels: Lists of `ModelRow`, by name of the dataset.
        path: Path of the picture.
    """
    matplotlib = pictures.library("matplotlib")
    adjust_text = pictures.library("adjustText").adjust_text
    figures, agg = (pictures.library(f"matplotlib.{m}") for m in ("figure", "backends.backend_agg"))
    families = list(dict.fromkeys(row.family for rows in panels.values() for row in rows))
    colors = matplotlib.colormaps["tab10" if len(families) <= 10 else "tab20"]
    color = {f: colors(i % colors.N) for i, f in enumerate(families)}
    heights = [8 if len(rows) > 12 else 5 for rows in panels.values()]
    figure = figures.Figure(figsize=(10.5, sum(heights)), dpi=130, layout="constrained")
    canvas = agg.FigureCanvasAgg(figure)
    axes = figure.subplots(len(panels), 1, squeeze=False, height_ratios=heights)[:, 0]
    for axis, (dataset, rows) in zip(axes, panels.items(), strict=True):
        panel(axis, dataset, rows, color)
    canvas.draw()  # fixes the positions of the axes
    figure.set_layout_engine("none")
    for axis, rows in zip(axes, panels.values(), strict=True):
        label(axis, rows, adjust_text)
    with files.replacing(path) as part, matplotlib.rc_context({"svg.hashsalt": "kerasnets"}):
        figure.savefig(part, metadata={DATES[path.suffix]: None})


def panel(axis, dataset, rows, color):
    """Draws the markers and legends of one dataset.

    Args:
        axis: A Matplotlib Axes.
        dataset: Name of the dataset.
        rows: A `ModelRow` for each model.
        color: Colors, by family.
    """
    protocols = [p for p, _ in collections.Counter(row.result.protocol for row in rows).most_common()]
    largest = max(row.trainable_params for row in rows)
    for row in sorted(rows, key=lambda row: -row.trainable_params):  # small markers are drawn on top
        shade = (*color[row.family][:3], 0.5 if row.result.protocol == protocols[0] else 0)
        size = AREA * row.trainable_params / largest
        x, y = row.mult_adds, 100 - row.top1
        axis.scatter(x, y, size, facecolors=[shade], edgecolors=[color[row.family]])
    axis.set(xscale="log", xlabel="multiply-adds of one image", ylabel="top-1 accuracy, %")
    others = f"; hollow: {', '.join(protocols[1:])}" if protocols[1:] else ""
    axis.set_title(f"{dataset}\n", fontsize=14)
    axis.text(0.5, 1.015, f"{protocols[0]}{others}", ha="center", fontsize=9, transform=axis.transAxes)
    axis.margins(0.09)
    axis.set_ylim(top=min(100, axis.get_ylim()[1]))
    axis.grid(alpha=0.25)
    axis.xaxis.set_major_formatter(lambda value, _: count_text(value))
    axis.xaxis.set_minor_formatter(lambda value, _: minor_tick(value, axis.get_xlim()))
    axis.spines[["top", "right"]].set_visible(False)

    shown = [f for f in color if f in {row.family for row in rows}]
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


def label(axis, rows, adjust_text):
    """Writes each model's name near its marker, so that names do not overlap.

    Args:
        axis: A Matplotlib Axes whose position in the figure is fixed.
        rows: A `ModelRow` for each of its markers.
        adjust_text: The function `adjust_text` of the package adjustText.
    """
    texts = [axis.text(row.mult_adds, 100 - row.top1, row.name, fontsize=7.5) for row in rows]
    line = dict(arrowstyle="-", color="#888", linewidth=0.5)
    # With `prevent_crossings`, names swap positions again and again, and the placement does not converge.
    options = dict(prevent_crossings=False, max_move=None, expand=GAPS, iter_lim=ITERATIONS)
    adjust_text(texts, ax=axis, arrowprops=line, **options)
