"""Comparison of models: their costs and their published errors."""

import collections
import dataclasses
import os
from collections.abc import Iterable

import keras

from kerasnets.analysis import pictures, scatter
from kerasnets.analysis.profile import profile
from kerasnets.assembly import registry, results
from kerasnets.checks import nearest, refuse
from kerasnets.tables import axes_text, bytes_text, count_text, shape_text, text_table
from kerasnets.weights.card import card_of
from kerasnets.weights.checkpoints import chosen, table


@dataclasses.dataclass(frozen=True)
class ModelRow:
    """A model in a comparison.

    Attributes:
        name: Name of the model.
        family: Name of its module in `kerasnets.applications`; None for a model that was passed as an object.
        input_shape: Shape of its input without the batch, or a tuple of shapes.
        params: Number of parameters, trainable or not.
        trainable_params: Number of trainable parameters, which papers report.
        mult_adds: Multiply-adds for one example.
        peak_activation_bytes: Peak memory of activations in inference, in bytes for one example, or None.
        receptive_field: Receptive field of the last feature maps in pixels, one number for each axis, or
            None.
        weights: The id of the checkpoint that the name of its dataset loads, as `weights="imagenet"`; for a
            model that was passed as an object, that of the weights that it has. None if there is none.
        result: The published result of this checkpoint or, if none is published, the main one of the model;
            or None.
    """

    name: str
    family: str | None
    input_shape: tuple
    params: int
    trainable_params: int
    mult_adds: int
    peak_activation_bytes: int | None
    receptive_field: tuple[float, ...] | None
    weights: str | None
    result: results.Result | None

    @property
    def top1(self) -> float | None:
        """Published top-1 error in percent, or None."""
        return None if self.result is None else self.result.top1

    @property
    def top5(self) -> float | None:
        """Published top-5 error in percent, or None."""
        return None if self.result is None else self.result.top5


HEADER = (
    *("model", "input", "params", "mult-adds", "memory", "field"),
    *("top-1", "top-5", "source", "weights"),
)
SORTS = (
    *("name", "params", "trainable_params", "mult_adds", "peak_activation_bytes"),
    *("receptive_field", "top1", "top5"),
)


@dataclasses.dataclass(frozen=True)
class Comparison:
    """A comparison of models. `str` turns it into a table.

    Attributes:
        rows: A `ModelRow` for each model.
    """

    rows: tuple[ModelRow, ...]

    def sorted(self, by: str, descending: bool = False) -> "Comparison":
        """Sorts the models.

        Args:
            by: Attribute to sort by, one of `SORTS`. Models for which it is None come last.
            descending: Whether the largest comes first.

        Returns:
            A new `Comparison`.

        Raises:
            ValueError: `by` is not one of `SORTS`.
        """
        check_sort(by)
        have = [row for row in self.rows if getattr(row, by) is not None]
        lack = [row for row in self.rows if getattr(row, by) is None]
        return Comparison((*sorted(have, key=lambda row: getattr(row, by), reverse=descending), *lack))

    def plot(self, path: str | os.PathLike) -> tuple[str, ...]:
        """Plots top-1 accuracy against multiply-adds, one panel for each dataset.

        The area of a marker shows the number of parameters, its color the family. A hollow marker means that
        the model was tested by another protocol than most models of its panel.

        Args:
            path: Path of the picture. Its suffix is the format: .png, .svg or .pdf.

        Returns:
            Names of the models that are not shown, because no error was published for them.

        Raises:
            ValueError: The suffix is not supported, the folder does not exist, or no model has a published
                error.
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

    def __str__(self) -> str:
        found = (row.result for row in self.rows if row.result)
        notes = list(dict.fromkeys((r.dataset, r.protocol, r.source) for r in found))
        cells = [cells_of(row, notes) for row in self.rows]
        lines = [f"[{i}] {', '.join(note[:2])}: {note[2]}" for i, note in enumerate(notes, start=1)]
        return "\n".join((text_table(HEADER, cells, left=2), *([""] if lines else []), *lines))


def compare(
    models: Iterable[str | keras.Model], sort: str | None = None, descending: bool = False
) -> Comparison:
    """Compares models.

    A model given by name is built with its paper's options and compared with the published error of its
    trained weights or, without such weights, of the net. A model given as an object has the published error
    of the checkpoint that it was built with, as its card says, and none otherwise, whatever its name.

    Args:
        models: Names of models, keras.Models, or both.
        sort: Attribute to sort by, one of `SORTS`; None keeps the given order. Models for which it is None
            come last.
        descending: Whether the largest comes first.

    Returns:
        A `Comparison`.

    Raises:
        ValueError: A name or `sort` is unknown, or `profile` does not accept a model.
    """
    kinds = (str, keras.Model)
    chosen = [models] if isinstance(models, kinds) else list(models)  # a generator can be read only once
    if isinstance(models, kinds) or not all(isinstance(m, kinds) for m in chosen):
        refuse("models", "a sequence of names and keras.Models", models)
    for name in (m for m in chosen if isinstance(m, str)):
        registry.find(name)
    if sort is not None:
        check_sort(sort)
    comparison = Comparison(tuple(model_row(m) for m in chosen))
    return comparison if sort is None else comparison.sorted(sort, descending)


def check_sort(by):
    """Refuses what is not one of `SORTS`."""
    if by not in SORTS:
        raise ValueError(f"`sort` is one of {', '.join(SORTS)}.{nearest(by, SORTS)} Received: sort={by!r}")


def model_row(model):
    """The `ModelRow` of a model or of its name."""
    spec = registry.find(model).spec if isinstance(model, str) else None
    checkpoint = best_of(model) if spec else weights_in(model)
    result = checkpoint and results.of_checkpoint(checkpoint)
    if result is None and spec:
        result = next(iter(results.results(model)), None)
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
        weights=checkpoint and checkpoint.id,
        result=result,
    )


def best_of(name):
    """The checkpoint of a model that the name of a dataset loads, ImageNet's first; None without any."""
    rows = chosen(name)
    return rows.get("imagenet") or next(iter(rows.values()), None)


def weights_in(model):
    """The published checkpoint with whose weights and classes a model was built, or None."""
    card = card_of(model)
    published = "published" in (card.results or {}) and not card.changes
    return table().get((card.training or {}).get("weights")) if published else None


def cells_of(row, notes):
    """The cells of a `ModelRow` in the order of `HEADER`; its source is a position in `notes`, from 1."""
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
