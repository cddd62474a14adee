"""Chooses the published weights for a net, and lets them decide what the caller leaves open.

`weights` may be the name of a dataset, such as "imagenet", the id of a checkpoint, or the path of a file of
another framework. The checkpoint says which form of the net it needs, for how many classes it is, and what
images it takes.
"""

import dataclasses
import os
import pathlib
import sys
from collections.abc import Mapping
from typing import Any, NoReturn

import keras

from kerasnets import weights as trained
from kerasnets.assembly.options import pick
from kerasnets.assembly.origin import TRAINING_ONLY, as_data
from kerasnets.assembly.registry import find
from kerasnets.checks import nearest, refuse
from kerasnets.weights import readers
from kerasnets.weights.architectures import ARCHITECTURES, architecture_of
from kerasnets.weights.architectures.row import Architecture, KerasArchitecture, PackagedArchitecture
from kerasnets.weights.checkpoints import Checkpoint, best, checkpoints, table, unpublished
from kerasnets.weights.checkpoints import find as find_row
from kerasnets.weights.fetching import fetch_checkpoint, fetch_config
from kerasnets.weights.keras_applications import load_keras
from kerasnets.weights.packaged import load_packaged
from kerasnets.weights.pairing import layout_of, load_units
from kerasnets.weights.reading import SUFFIXES
from kerasnets.weights.units import Unit

HUB_SOURCES = ("timm",)  # whose repositories on the hub have their ids
DATASETS = {"imagenet": "imagenet2012"}  # names of datasets here, where `kerasnets.data` has others


@dataclasses.dataclass(frozen=True)
class Pretrained:
    """Published weights that were chosen for a net.

    Attributes:
        given: The argument `weights`.
        row: Their architecture.
        checkpoint: What is published of them, or None for a file.
        path: Path of the file; None for a checkpoint.
    """

    given: str
    row: Architecture | KerasArchitecture | PackagedArchitecture
    checkpoint: Checkpoint | None = None
    path: pathlib.Path | None = None

    @property
    def name(self) -> str:
        """The id of the checkpoint, or the path of the file."""
        return self.checkpoint.id if self.checkpoint else str(self.path)

    @property
    def classes(self) -> int:
        """Number of classes."""
        own = self.row.classes if isinstance(self.row, Architecture) else None
        return own or find(self.row.net).spec.classes

    @property
    def channels(self) -> int:
        """Number of channels of the images."""
        shape = self.row.options.get("input_shape")
        return shape[-1] if shape else find(self.row.net).spec.channels

    def defaults(self, spec: Any, given: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments of the builder that the weights decide, where the caller does not give them."""
        decided: dict[str, Any] = dict(self.row.options) | {"classes": self.classes}
        sides = self.checkpoint.input if self.checkpoint else None
        sides = getattr(self.row, "input", None) or sides
        sized = callable(spec.size) or given.get("input_tensor") is not None
        if sides and not sized and sides != spec.grid({**spec.options, **decided, **given}):
            decided["input_shape"] = (*sides, self.channels)
        return decided

    def check(self, channels: int) -> None:
        """Refuses images of other channels than those of the weights."""
        if channels != self.channels:
            those = f"{self.channels} channel{'s' * (self.channels > 1)}"
            what = "gray images" if channels == 1 else f"images of {channels} channels"
            mend = "; kerasnets.weights.load(model, weights, gray=True) sums the first kernels"
            refuse(
                "input_shape",
                f"of {those} with weights={self.given!r}{mend if channels == 1 else ''}",
                what,
            )

    def units(self) -> list[Unit]:
        """The layers of the checkpoint, which is fetched first if need be."""
        path, c = self.path, self.checkpoint
        if c is not None:
            path = fetch_checkpoint(c)
        return readers.read_units(path)

    def load(
        self,
        model: keras.Model,
        net: keras.Model,
        include_top: bool,
        classes: int,
        options: Mapping[str, Any],
    ) -> None:
        """Loads the weights into a net, and records what they say in the card of the model.

        Args:
            model: A model that a builder has just made.
            net: The part of it from the images on.
            include_top: Whether it has the head.
            classes: Its number of classes.
            options: The options of its builder.

        Raises:
            OSError: The checkpoint cannot be fetched.
            ValueError: It is of another net. The message names both.
        """
        fresh: list[str] = []
        if isinstance(self.row, KerasArchitecture):
            same = classes == self.classes
            load_keras(net, self.row, include_top, options, same, str(self.path or "imagenet"))
            fresh = ["the last layer"] if include_top and not same else []
        else:
            try:
                fresh = self.copy(net, include_top)
            except ValueError as error:
                raise ValueError(
                    f"`weights` are those of {model.name} as built here. "
                    f"Received: weights={self.name!r}: {error}"
                ) from error
        if fresh:
            print(
                f"{self.name} has {self.classes:,} classes: {' and '.join(fresh)} of {model.name} is new and "
                "has to be trained",
                file=sys.stderr,
            )
        self.record(model, whole=net is model, classes=include_top and not fresh)

    def copy(self, net: keras.Model, include_top: bool) -> list[str]:
        """Copies the layers of the checkpoint into a net, and returns the names of those that stay new."""
        if isinstance(self.row, PackagedArchitecture):
            return load_packaged(net, fetch_checkpoint(self.checkpoint))
        return load_units(net, self.units(), self.row, include_top, self.classes)

    def record(self, model: keras.Model, whole: bool, classes: bool) -> None:
        """Records in a model's card what the weights say.

        Args:
            model: The model.
            whole: Whether its input is that of the net.
            classes: Whether it has the classes of the checkpoint.
        """
        c = self.checkpoint
        if c is None:
            trained.describe(model, training={"weights": os.fspath(self.given)})
            return
        if c.path is not None:
            card = trained.read_card(c.path)
            seen = {"shape": card.shape, "scaling": card.scaling, "sizing": card.sizing} if whole else {}
            known = {"class_names": card.class_names, "results": card.results} if classes else {}
            trained.describe(model, training={**card.training, "weights": c.id}, **seen, **known)
            return
        facts = {"data": DATASETS.get(c.data, c.data), "weights": c.id, "url": c.url, "licence": c.licence}
        accuracies = {"top-1 accuracy (%)": c.top1, "top-5 accuracy (%)": c.top5}
        published = {name: value for name, value in accuracies.items() if value is not None}
        trained.describe(
            model,
            scaling=c.scaling if whole else None,
            sizing=c.sizing if whole else None,
            training={name: value for name, value in facts.items() if value},
            results={"published": published} if published and classes else None,
        )


def choose(weights: Any, name: str, spec: Any, given: Mapping[str, Any]) -> Pretrained | None:
    """The published weights that the argument `weights` of a builder stands for.

    Args:
        weights: The argument.
        name: Name of the builder.
        spec: Its `Spec`.
        given: The arguments that the caller gives.

    Returns:
        A `Pretrained`; None if `weights` is None or a file of this package or Keras.

    Raises:
        ValueError: There are no such weights, or they contradict an argument.
    """
    if weights is None or str(weights).endswith(SUFFIXES):
        return None
    if not isinstance(weights, (str, os.PathLike)):
        refuse(
            "weights", "None, the name of a dataset, the id of a checkpoint or the path of a file", weights
        )
    text = os.fspath(weights)
    if text in {row.data for row in checkpoints()}:
        return of_dataset(text, name, spec, given)
    if architecture_of(text) is None and (text.endswith(tuple(readers.SUFFIXES)) or os.path.exists(text)):
        return of_file(text, name, spec, given)
    return of_id(text, name, spec, given)


def of_dataset(data: str, name: str, spec: Any, given: Mapping[str, Any]) -> Pretrained:
    """The best checkpoint of a net that was trained on a dataset and fits what the caller gives."""
    known = [c for c in checkpoints() if c.data == data and architecture_of(c.id)]
    same = [c for c in known if c.net == name] or [c for c in known if is_body(c.net, spec)]
    if not same or name in unpublished():
        refuse_unknown(data, name, [c for c in checkpoints() if c.net == name])
    found = [(c, *contradictions(ARCHITECTURES[architecture_of(c.id)], spec, given)) for c in best(same)]
    fitting = [c for c, *wrong in found if not wrong]
    if not fitting:
        checkpoint, wrong, *_ = found[0]
        refuse_option(checkpoint.id if len(found) == 1 else data, wrong)
    checkpoint = fitting[0]
    return Pretrained(data, ARCHITECTURES[architecture_of(checkpoint.id)], checkpoint)


def of_id(id: str, name: str, spec: Any, given: Mapping[str, Any]) -> Pretrained:
    """The checkpoint of an id; of an architecture's name the best one, of a tag of timm's any."""
    key = architecture_of(id)
    if key is None:
        own = [c.id for c in table().values() if is_body(c.net, spec)]
        hint = nearest(id, own) or nearest(id, table())
        datasets = ", ".join(sorted({repr(c.data) for c in table().values() if c.net == name}))
        allowed = f"None, {datasets + ', ' if datasets else ''}the id of one of "
        raise ValueError(
            f"`weights` is {allowed}kerasnets.weights.checkpoints({name!r}), or the path of a file."
            f"{hint} Received: weights={id!r}"
        )
    row = ARCHITECTURES[key]
    if not is_body(row.net, spec):
        refuse_net(id, name, row.net)
    for wrong in contradictions(row, spec, given):
        if row.net != name and wrong[0] not in given:
            refuse_net(id, name, row.net)
        refuse_option(id, wrong)
    return Pretrained(id, row, checkpoint_of(id))


def checkpoint_of(id: str) -> Checkpoint:
    """The checkpoint of an id; of an architecture's name the best one, of a tag of timm's any.

    Raises:
        OSError: What the hub says of it cannot be fetched.
        ValueError: There is no such checkpoint.
    """
    key = architecture_of(id)
    if id in table() or key is None:
        return find_row(id)
    known = best(c for c in table().values() if architecture_of(c.id) == key)
    return known[0] if id == key and known else on_hub(id, ARCHITECTURES[key].net)


def on_hub(id: str, net: str) -> Checkpoint:
    """What the hub says of a checkpoint that is not in the table."""
    source = id.partition("/")[0]
    if source not in HUB_SOURCES:
        hint = nearest(id, table())
        raise ValueError(f"`weights` is the id of a checkpoint.{hint} Received: weights={id!r}")
    return Checkpoint.from_config(id, net, fetch_config(id))


def of_file(path: str, name: str, spec: Any, given: Mapping[str, Any]) -> Pretrained:
    """The weights of a file of another framework, whose architecture the names of its layers tell."""
    readers.check_file(path, "weights")
    rows = {key: row for key, row in ARCHITECTURES.items() if is_body(row.net, spec)}
    own = {key: row for key, row in rows.items() if isinstance(row, Architecture)}
    keys = layout_of(readers.read_units(path), own)
    fitting = [key for key in keys if not contradictions(own[key], spec, given)]
    if fitting:
        return Pretrained(path, own[fitting[0]], path=pathlib.Path(path))
    if keys:
        refuse_option(path, contradictions(own[keys[0]], spec, given)[0])
    keras_rows = [row for row in rows.values() if isinstance(row, KerasArchitecture) and row.net == name]
    if path.endswith(".h5") and keras_rows:
        return Pretrained(path, keras_rows[0], path=pathlib.Path(path))
    raise ValueError(
        f"`weights` is a file of {name} whose layers are named as those of "
        f"{', '.join(rows) or 'a known source'}. Received: weights={path!r}, whose layers have other names"
    )


def is_body(net: str, spec: Any) -> bool:
    """Whether a model is of the family of a `Spec`."""
    return find(net).spec.body is spec.body


def contradictions(row: Any, spec: Any, given: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """The options with which a builder does not make the net of an architecture.

    Args:
        row: The architecture.
        spec: The `Spec` of the builder.
        given: The arguments that the caller gives.

    Returns:
        For each its name, what the weights need, and what there is.
    """
    other = find(row.net).spec
    free = {*TRAINING_ONLY, *(pick(spec.size, spec.options) if callable(spec.size) else ())}
    choices = getattr(row, "choices", {})
    wrong = []
    for option, default in other.options.items():
        needed = row.options.get(option, default)
        have = given.get(option, needed if option in row.options else spec.options[option])
        allowed = choices.get(option, (needed,))
        if option not in free and as_data({0: have}) not in [as_data({0: value}) for value in allowed]:
            wrong.append((option, allowed[0] if len(allowed) == 1 else allowed, have))
    if getattr(row, "body", False) and given.get("include_top", True):
        wrong.append(("include_top", False, True))
    return wrong


def refuse_option(weights: str, wrong: tuple[str, Any, Any]) -> NoReturn:
    """Raises the ValueError for an option that the weights contradict, as `contradictions` gives it."""
    name, needed, have = wrong
    refuse(name, f"{'one of ' if isinstance(needed, tuple) else ''}{needed!r} with weights={weights!r}", have)


def refuse_net(weights: str, name: str, other: str) -> NoReturn:
    """Raises the ValueError for weights of another net."""
    refuse("weights", f"a checkpoint of {name}", f"{weights}, one of {other}")


def refuse_unknown(data: str, name: str, others: list[Checkpoint]) -> NoReturn:
    """Raises the ValueError for a net of which there are no weights that were trained on a dataset."""
    if others:
        ids = ", ".join(sorted({repr(c.data) for c in others}))
        refuse("weights", f"None, {ids}, the id of a checkpoint, or a path for {name}", data)
    known = unpublished().get(name)
    reason = f": {known['reason']}" if known else ""
    related = f". {known['related']}, a related net, has some" if known and known["related"] else ""
    refuse(
        "weights", f"None or a path for {name}, which has no public trained weights{reason}{related}", data
    )
