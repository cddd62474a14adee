"""Comparison of models: their costs and their published errors, by one protocol where they share one."""

import collections
import dataclasses
import os
import textwrap
from collections.abc import Iterable

import keras

from kerasnets.analysis import pictures, scatter
from kerasnets.analysis.profile import profile
from kerasnets.assembly import registry, results
from kerasnets.assembly.options import check_options
from kerasnets.assembly.protocols import words
from kerasnets.checks import nearest, refuse
from kerasnets.tables import WIDTH, axes_text, bytes_text, count_text, shape_text, text_table
from kerasnets.weights.card import card_of
from kerasnets.weights.checkpoints import chosen, table


@dataclasses.dataclass(frozen=True)
class ModelRow:
    """A model in a comparison.

    Attributes:
        name: Name of the model, with the options by which it was named.
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
        result: The published result by the protocol of the comparison; or None.
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
# Options in a name besides those of the family.
SHARED = ("classes", "classifier_activation", "include_top", "input_shape", "pooling")
NOTHING_SHARED = (
    "These models share no protocol of published errors. Errors of different protocols cannot be compared; "
    "the protocol of each stands behind its source."
)


@dataclasses.dataclass(frozen=True)
class Comparison:
    """A comparison of models. `str` turns it into a table.

    Attributes:
        rows: A `ModelRow` for each model.
        protocol: Name of the protocol by which all errors were measured; None if the models share none, or
            have no published errors.
        protocols: Names of all protocols that the models share, in the order in which one is chosen.
    """

    rows: tuple[ModelRow, ...]
    protocol: str | None = None
    protocols: tuple[str, ...] = ()

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
        rows = (*sorted(have, key=lambda row: getattr(row, by), reverse=descending), *lack)
        return dataclasses.replace(self, rows=rows)

    def plot(self, path: str | os.PathLike) -> tuple[str, ...]:
        """Plots accuracy against multiply-adds, one panel for each protocol.

        A panel shows the top-1 accuracy, or the top-5 accuracy if more of its models have a top-5 error. The
        area of a marker shows the number of parameters, its color the family.

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
        groups = collections.defaultdict(list)
        for row in self.rows:
            if row.result:
                groups[self.protocol or row.result.names[0]].append(row)
        if not groups:
            refuse("models", "at least one with a published error", [row.name for row in self.rows])
        panels = [scatter.Panel.of(rows, words_of(name, rows)) for name, rows in groups.items()]
        scatter.draw(panels, path)
        shown = {id(row) for panel in panels for row in panel.rows}
        return tuple(row.name for row in self.rows if id(row) not in shown)

    def __str__(self) -> str:
        found = [row for row in self.rows if row.result]
        notes = list(dict.fromkeys((r.result.protocol.text, r.result.source) for r in found))
        cells = [cells_of(row, notes) for row in self.rows]
        lines = [self.heading(found)] if found else []
        one = len({how for how, _ in notes}) == 1 and self.protocol
        lines += [
            f"[{i}] {source if one else f'{source} ({how})'}" for i, (how, source) in enumerate(notes, 1)
        ]
        lines += [f"{row.name}: {row.result.note}" for row in found if row.result.note]
        others = [name for name in self.protocols if name != self.protocol]
        lines += [f"other protocols of these models: {'; '.join(others)}"] if others else []
        wrapped = [part for line in lines for part in textwrap.wrap(line, WIDTH, subsequent_indent="    ")]
        return "\n".join((text_table(HEADER, cells, left=2), *([""] if wrapped else []), *wrapped))

    def heading(self, found):
        """The line that says by which protocol errors were measured."""
        if self.protocol is None:
            return NOTHING_SHARED
        return f'errors by "{self.protocol}": {words_of(self.protocol, found)}'


def compare(
    models: Iterable[str | keras.Model],
    sort: str | None = None,
    descending: bool = False,
    *,
    protocol: str | None = None,
) -> Comparison:
    """Compares models.

    A model given by name is built with its paper's options, or with those in its name. It has the published
    errors of the net in `kerasnets.assembly.results` and that of its trained weights. A model given as an
    object has the published error of the checkpoint that it was built with, as its card says, and none
    otherwise, whatever its name.

    All errors are of one protocol, if the models that have published errors share one. Of several shared
    protocols, the first in the order of `kerasnets.assembly.protocols.ORDER` is chosen; of several errors by
    it, that of the source that has most of the models. If no protocol is shared by all, the one that most of
    the models share is chosen for these, and so on; a model that shares none with others has its main error.

    Args:
        models: Names of models, which may have options as "MobileNet(alpha=0.75)", keras.Models, or both.
        sort: Attribute to sort by, one of `SORTS`; None keeps the given order. Models for which it is None
            come last.
        descending: Whether the largest comes first.
        protocol: Name of a protocol by which at least one of the models was tested, such as
            "imagenet ten crops 224"; None chooses.

    Returns:
        A `Comparison`.

    Raises:
        ValueError: A name, `sort` or `protocol` is unknown, or `profile` does not accept a model.
    """
    kinds = (str, keras.Model)
    chosen = [models] if isinstance(models, kinds) else list(models)  # a generator can be read only once
    if isinstance(models, kinds) or not all(isinstance(m, kinds) for m in chosen):
        refuse("models", "a sequence of names and keras.Models", models)
    for name in (m for m in chosen if isinstance(m, str)):
        check_name(name)
    if sort is not None:
        check_sort(sort)
    published = [published_of(m) for m in chosen]
    shared = shared_by(published)
    if protocol is None:
        protocol = next(iter(shared), None)
        errors = choose(published, protocol)
    else:
        check_protocol(protocol, published, shared)
        errors = by_protocol(published, protocol)
    rows = tuple(model_row(m, result) for m, result in zip(chosen, errors, strict=True))
    comparison = Comparison(rows, protocol, shared)
    return comparison if sort is None else comparison.sorted(sort, descending)


def check_name(text):
    """Refuses an unknown model, and options that its builder does not take."""
    name, options = results.named(text)
    spec = registry.find(name).spec
    known = (*spec.options, *SHARED)
    for option, value in options.items():
        if option not in known:
            raise ValueError(
                f"`{option}` is not an option of {name}.{nearest(option, known)} Received: {option}={value!r}"
            )
    check_options({k: v for k, v in options.items() if k in spec.checks}, spec.checks)


def check_sort(by):
    """Refuses what is not one of `SORTS`."""
    if by not in SORTS:
        raise ValueError(f"`sort` is one of {', '.join(SORTS)}.{nearest(by, SORTS)} Received: sort={by!r}")


def check_protocol(name, published, shared):
    """Refuses what is no protocol of any of the models; the message has all shared ones, or else all."""
    known = ranked(published)
    if name not in known:
        allowed = shared or known
        words = (
            f"one of {', '.join(map(repr, allowed))}"
            if allowed
            else "None: these models have no published error"
        )
        raise ValueError(f"`protocol` is {words}.{nearest(name, known)} Received: protocol={name!r}")


def published_of(model):
    """The published results of a model or of its name, the main one first."""
    checkpoint = best_of(model) if isinstance(model, str) else weights_in(model)
    own = checkpoint and results.of_checkpoint(checkpoint)
    others = results.results(model) if isinstance(model, str) else ()
    return ((own,) if own else ()) + tuple(result for result in others if not result.misprint)


def ranked(published):
    """The names of all protocols of lists of results, in the order in which one is chosen."""
    ranks = {}
    for result in (r for found in published for r in found):
        for name in result.names:
            rank = result.protocol.rank(name)
            ranks[name] = max(rank, ranks.get(name, rank))
    return tuple(sorted(ranks, key=lambda name: (ranks[name], name)))


def shared_by(published):
    """The names of the protocols that all models with published results share, in the order of choice.

    A wider protocol is not among them where they share one that belongs to it.
    """
    sets = [{name for result in found for name in result.names} for found in published if found]
    shared = [name for name in ranked(published) if all(name in names for names in sets)]
    every = (result for found in published for result in found)
    covered = {r.protocol.wider for r in every if r.protocol.name in shared}
    return tuple(name for name in shared if name not in covered)


def by_protocol(published, protocol):
    """For each list of results the one by a protocol, of the source that has most of the models; or None."""
    fits = [[r for r in found if protocol in r.names] for found in published]
    counts = collections.Counter(source for found in fits for source in {r.source for r in found})
    return [max(found, key=lambda r: counts[r.source], default=None) for found in fits]


def choose(published, protocol):
    """The results of models by the protocol that all share; without one, by those that most share."""
    if protocol is not None:
        return by_protocol(published, protocol)
    chosen = [next(iter(found), None) for found in published]
    left = {i for i, found in enumerate(published) if found}
    while left:
        rest = [found if i in left else () for i, found in enumerate(published)]
        names = ranked(rest)
        counts = {name: sum(any(name in r.names for r in found) for found in rest) for name in names}
        name = max(names, key=counts.get, default=None)
        if name is None or counts[name] < 2:
            break
        for i, result in enumerate(by_protocol(rest, name)):
            if result is not None:
                chosen[i] = result
                left.discard(i)
    return chosen


def words_of(name, rows):
    """A protocol in words, as the results of rows have it."""
    return words([row.result.protocol for row in rows], name)


def model_row(model, result):
    """The `ModelRow` of a model or of its name, with its published result."""
    name, options = results.named(model) if isinstance(model, str) else (None, {})
    spec = registry.find(name).spec if name else None
    checkpoint = best_of(model) if name else weights_in(model)
    counts = profile(registry.build(name, **options) if name else model)
    return ModelRow(
        name=model if name else counts.name,
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


def best_of(model):
    """The checkpoint that the name of a dataset loads; of several, ImageNet's for nets that are made for it.

    There is none for a name with options.
    """
    name, options = results.named(model)
    rows = {} if options else dict(chosen(name))
    large = rows.pop("imagenet", None)
    first = next(iter(rows.values()), None)
    return large or first if registry.find(name).spec.classes == 1000 else first or large


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
        f"[{notes.index((r.protocol.text, r.source)) + 1}]" if r else "",
        "yes" if row.weights else "",
    )
