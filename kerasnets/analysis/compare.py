"""Models side by side: what they cost, and the errors that were published for them."""

import collections
import dataclasses
import math

import keras

from kerasnets import files
from kerasnets.analysis import pictures
from kerasnets.analysis.profile import profile
from kerasnets.assembly import registry, results
from kerasnets.checks import nearest, refuse
from kerasnets.tables import axes_text, bytes_text, count_text, shape_text, text_table

# Formats of pictures, and what each calls the date that would make every file another.
DATES = {".png": "Creation Time", ".svg": "Date", ".pdf": "CreationDate"}
AREA = 700  # of the largest marker, in square points


@dataclasses.dataclass(frozen=True)
class ModelRow:
    """A model of a comparison.

    Attributes:
        name: Its name.
        family: Name of its file in `kerasnets.applications`; None for a model that was handed in.
        input_shape: Shape of its input without the batch, or a tuple of shapes.
        params: Its parameters, those that training does not change too.
        trainable_params: Those that training changes; papers count these.
        mult_adds: Multiply-adds for one example.
        peak_activation_bytes: Bytes of activations that are alive at once in inference, for one example, or
            None.
        receptive_field: Input pixels that a unit of its last maps sees, one number for each axis, or None.
        weights: Whether trained weights can be fetched.
        result: The published error that stands for it, or None.
    """

    name: str
    family: str | None
    input_shape: tuple
    params: int
    trainable_params: int
    mult_adds: int
    peak_activation_bytes: int | None
    receptive_field: tuple | None
    weights: bool
    result: results.Result | None

    @property
    def top1(self):
        """Published top-1 error in percent, or None."""
        return self.result and self.result.top1

    @property
    def top5(self):
        """Published top-5 error in percent, or None."""
        return self.result and self.result.top5


HEADER = (
    *("model", "input", "params", "mult-adds", "memory", "sees"),
    *("top-1", "top-5", "source", "weights"),
)
SORTS = (
    *("name", "params", "trainable_params", "mult_adds", "peak_activation_bytes"),
    *("receptive_field", "top1", "top5"),
)


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Models side by side. `str` of it is a table.

    Attributes:
        rows: A `ModelRow` for each model.
    """

    rows: tuple

    def sorted(self, by, descending=False):
        """The same models in another order.

        Args:
            by: One of `SORTS`. Models that lack it come last.
            descending: Whether the largest comes first.

        Returns:
            A `Comparison`.

        Raises:
            ValueError: There is no such order.
        """
        check_sort(by)
        have = [row for row in self.rows if getattr(row, by) is not None]
        lack = [row for row in self.rows if getattr(row, by) is None]
        return Comparison((*sorted(have, key=lambda row: getattr(row, by), reverse=descending), *lack))

    def plot(self, path):
        """Draws top-1 accuracy against multiply-adds, one panel for each dataset.

        A marker's area stands for parameters, its colour for the family. One that is hollow was tested
        by another protocol than most of its panel.

        Args:
            path: Path of the picture; its suffix, .png, .svg or .pdf, says the format.

        Returns:
            Names of the models that are not in it, for want of a published error.

        Raises:
            ValueError: Another suffix, no such folder, or no model has a published error.
            ModuleNotFoundError: Matplotlib is missing.
        """
        path = pictures.check_path(path, DATES)
        panels = collections.defaultdict(list)
        for row in self.rows:
            if row.result:
                panels[row.result.dataset].append(row)
        if not panels:
            refuse("models", "at least one with a published error", [row.name for row in self.rows])
        draw(panels, path)
        return tuple(row.name for row in self.rows if not row.result)

    def __str__(self):
        found = (row.result for row in self.rows if row.result)
        notes = list(dict.fromkeys((r.dataset, r.protocol, r.source) for r in found))
        cells = [cells_of(row, notes) for row in self.rows]
        lines = [f"[{i}] {', '.join(note[:2])}: {note[2]}" for i, note in enumerate(notes, start=1)]
        return "\n".join((text_table(HEADER, cells, left=2), *([""] if lines else []), *lines))


def compare(models, sort=None, descending=False):
    """Puts models side by side.

    A model given by name is built with its paper's options, and its published error stands beside it. One
    that is handed in has no published error, whatever its name: it need not be the net that was tested.

    Args:
        models: Names of models, keras.Models, or both.
        sort: One of `SORTS`, or None for the order given. Models that lack it come last.
        descending: Whether the largest comes first.

    Returns:
        A `Comparison`.

    Raises:
        ValueError: There is no such model or order, or a model is none that `profile` takes.
    """
    if isinstance(models, (str, keras.Model)) or not all(isinstance(m, (str, keras.Model)) for m in models):
        refuse("models", "a sequence of names and keras.Models", models)
    for name in (m for m in models if isinstance(m, str)):
        registry.find(name)
    if sort is not None:
        check_sort(sort)
    comparison = Comparison(tuple(model_row(m) for m in models))
    return comparison if sort is None else comparison.sorted(sort, descending)


def check_sort(by):
    """Refuses an order that there is not."""
    if by not in SORTS:
        raise ValueError(f"`sort` is one of {', '.join(SORTS)}.{nearest(by, SORTS)} Received: sort={by!r}")


def model_row(model):
    """The `ModelRow` of a name or a model."""
    spec = registry.find(model).spec if isinstance(model, str) else None
    published = results.results(model) if spec else ()
    counts = profile(registry.build(model) if spec else model)
    return ModelRow(
        name=counts.name,
        family=spec and spec.module,
        input_shape=counts.input_shape,
        params=counts.params,
        trainable_params=counts.trainable_params,
        mult_adds=counts.mult_adds,
        peak_activation_bytes=counts.peak_activation_bytes,
        receptive_field=counts.receptive_field,
        weights=bool(spec and spec.imagenet),
        result=published[0] if published else None,
    )


def cells_of(row, notes):
    """The cells of a `ModelRow` below `HEADER`, its source as a number in `notes`."""
    r = row.result
    return (
        row.name,
        shape_text(row.input_shape),
        count_text(row.trainable_params),
        count_text(row.mult_adds),
        bytes_text(row.peak_activation_bytes),
        axes_text(row.receptive_field),
        *("" if error is None else f"{error:.2f}" for error in (row.top1, row.top5)),
        f"[{notes.index((r.dataset, r.protocol, r.source)) + 1}]" if r else "",
        "yes" if row.weights else "",
    )


def draw(panels, path):
    """Writes the picture of `Comparison.plot`, whole or not at all.

    Args:
        panels: Rows by dataset.
        path: Path of the picture.
    """
    matplotlib = pictures.library("matplotlib")
    figures, agg = (pictures.library(f"matplotlib.{m}") for m in ("figure", "backends.backend_agg"))
    families = list(dict.fromkeys(row.family for rows in panels.values() for row in rows))
    colours = matplotlib.colormaps["tab10" if len(families) <= 10 else "tab20"]
    colour = {f: colours(i % colours.N) for i, f in enumerate(families)}
    heights = [8 if len(rows) > 12 else 5 for rows in panels.values()]
    figure = figures.Figure(figsize=(10.5, sum(heights)), layout="constrained")
    canvas = agg.FigureCanvasAgg(figure)
    axes = figure.subplots(len(panels), 1, squeeze=False, height_ratios=heights)[:, 0]
    for axis, (dataset, rows) in zip(axes, panels.items(), strict=True):
        panel(axis, dataset, rows, colour)
    canvas.draw()  # settles where the axes lie
    figure.set_layout_engine("none")
    for axis, rows in zip(axes, panels.values(), strict=True):
        label(axis, rows)
    with files.replacing(path) as part, matplotlib.rc_context({"svg.hashsalt": "kerasnets"}):
        figure.savefig(part, dpi=130, metadata={DATES[path.suffix]: None})


def panel(axis, dataset, rows, colour):
    """Draws the markers and legends of one dataset.

    Args:
        axis: A Matplotlib Axes.
        dataset: Its name.
        rows: A `ModelRow` for each model.
        colour: Colours by family.
    """
    protocols = [p for p, _ in collections.Counter(row.result.protocol for row in rows).most_common()]
    largest = max(row.trainable_params for row in rows)
    for row in sorted(rows, key=lambda row: -row.trainable_params):  # small markers lie on top
        shade = (*colour[row.family][:3], 0.5 if row.result.protocol == protocols[0] else 0)
        size = AREA * row.trainable_params / largest
        x, y = row.mult_adds, 100 - row.top1
        axis.scatter(x, y, size, facecolors=[shade], edgecolors=[colour[row.family]])
    axis.set(xscale="log", xlabel="multiply-adds of one image", ylabel="top-1 accuracy, %")
    others = f"; hollow: {', '.join(protocols[1:])}" if protocols[1:] else ""
    axis.set_title(f"{dataset}\n", fontsize=14)
    axis.text(0.5, 1.015, f"{protocols[0]}{others}", ha="center", fontsize=9, transform=axis.transAxes)
    axis.margins(0.09)
    axis.set_ylim(top=min(100, axis.get_ylim()[1]))
    axis.grid(alpha=0.25)
    axis.xaxis.set_major_formatter(lambda value, _: count_text(value))
    axis.xaxis.set_minor_formatter(lambda value, _: between(value, axis.get_xlim()))
    axis.spines[["top", "right"]].set_visible(False)

    shown = [f for f in colour if f in {row.family for row in rows}]
    sizes = [s for s in (1e4, 1e5, 1e6, 1e7, 1e8) if largest / 1000 < s <= largest]
    handles = [axis.scatter([], [], 40, color=[colour[f]], label=f) for f in shown]
    hollow = dict(facecolors="none", edgecolors="#666")
    handles += [
        axis.scatter([], [], AREA * s / largest, label=f"{count_text(s)} params", **hollow) for s in sizes
    ]
    axis.legend(
        handles=handles, loc="upper left", bbox_to_anchor=(1, 1), frameon=False, fontsize=8, labelspacing=0.9
    )


def between(value, limits):
    """Words for a mark between powers of ten: 2 and 5 of each, on an axis so short that they are needed."""
    return count_text(value) if limits[1] < 30 * limits[0] and f"{value:e}"[0] in "25" else ""


def label(axis, rows):
    """Writes each model's name as near to its marker as leaves all names apart.

    Args:
        axis: A Matplotlib Axes whose place in the figure is settled.
        rows: A `ModelRow` for each of its markers.
    """
    from matplotlib.transforms import Bbox

    point = axis.figure.dpi / 72  # in pixels
    places = axis.transData.transform([(row.mult_adds, 100 - row.top1) for row in rows]) / point
    frame = [side / point for side in (axis.bbox.x0, axis.bbox.x1)]
    largest = max(row.trainable_params for row in rows)
    taken = [Bbox.from_bounds(x - 1.5, y - 1.5, 3, 3) for x, y in places]
    for row, (x, y) in sorted(zip(rows, places, strict=True), key=lambda pair: pair[0].trainable_params):
        place = row.mult_adds, 100 - row.top1
        text = axis.annotate(row.name, place, fontsize=7.5, ha="center", va="center")
        extent = text.get_window_extent()
        width, height = extent.width / point, extent.height / point
        radius = math.sqrt(AREA * row.trainable_params / largest / math.pi)
        for step in range(480):
            ring, turn = divmod(step, 16)
            gap, angle = radius + 3 + 6 * ring, math.tau * turn / 16
            right, up = math.cos(angle) * (gap + width / 2), math.sin(angle) * (gap + height / 2)
            box = Bbox.from_bounds(x + right - width / 2, y + up - height / 2, width, height)
            if not box.count_overlaps(taken) and frame[0] < box.x0 and box.x1 < frame[1]:
                break
        taken.append(box)
        text.set_position((right, up))
        text.set_anncoords("offset points")
        if ring:
            end = (right, up - math.copysign(height / 2, up))
            line = dict(arrowstyle="-", color="#888", linewidth=0.5, shrinkA=0, shrinkB=0)
            axis.annotate("", text.xy, end, textcoords="offset points", arrowprops=line)
