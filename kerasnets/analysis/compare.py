"""Models side by side: what they cost, and the errors that were published for them."""

import collections
import dataclasses

import keras

from kerasnets.analysis import pictures, scatter
from kerasnets.analysis.profile import profile
from kerasnets.assembly import registry, results
from kerasnets.checks import nearest, refuse
from kerasnets.tables import axes_text, bytes_text, count_text, shape_text, text_table


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

        A marker's area stands for parameters, its color for the family. One that is hollow was tested
        by another protocol than most of its panel.

        Args:
            path: Path of the picture; its suffix, .png, .svg or .pdf, says the format.

        Returns:
            Names of the models that are not in it, for want of a published error.

        Raises:
            ValueError: Another suffix, no such folder, or no model has a published error.
            ModuleNotFoundError: Matplotlib or adjustText is missing.
        """
        path = pictures.check_path(path, scatter.DATES)
        panels = collections.defaultdict(list)
        for row in self.rows:
            if row.result:
                panels[row.result.dataset].append(row)
        if not panels:
            refuse("models", "at least one with a published error", [row.name for row in self.rows])
        scatter.draw(panels, path)
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
    kinds = (str, keras.Model)
    chosen = [models] if isinstance(models, kinds) else list(models)  # of a generator too, once
    if isinstance(models, kinds) or not all(isinstance(m, kinds) for m in chosen):
        refuse("models", "a sequence of names and keras.Models", models)
    for name in (m for m in chosen if isinstance(m, str)):
        registry.find(name)
    if sort is not None:
        check_sort(sort)
    comparison = Comparison(tuple(model_row(m) for m in chosen))
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
