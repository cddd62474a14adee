"""Chooses the published weights for a net, and lets them decide what the caller leaves open.

`weights` may be the name of a dataset, such as "imagenet", the id of a checkpoint, or the path of a file of
another framework. The checkpoint says which form of the net it needs, for how many classes it is, and what
images it takes.
"""

import contextlib
import dataclasses
import json
import os
import pathlib
import sys
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

import keras

from kerasnets import files
from kerasnets import weights as trained
from kerasnets.assembly.options import pick
from kerasnets.assembly.origin import TRAINING_ONLY, as_data
from kerasnets.assembly.registry import find
from kerasnets.checks import nearest, refuse
from kerasnets.weights import readers
from kerasnets.weights.architectures import ARCHITECTURES, architecture_of
from kerasnets.weights.architectures.row import Architecture, KerasArchitecture, PackagedArchitecture
from kerasnets.weights.card import are_names, shape_of
from kerasnets.weights.checkpoints import Checkpoint, best, checkpoints, table, unpublished
from kerasnets.weights.checkpoints import find as find_row
from kerasnets.weights.classes import class_names
from kerasnets.weights.fetching import CONFIG, fetch_checkpoint, fetch_config
from kerasnets.weights.hashes import hash_of, parse
from kerasnets.weights.keras_applications import load_keras
from kerasnets.weights.packaged import load_packaged
from kerasnets.weights.pairing import classes_in, layout_of, load_units
from kerasnets.weights.readers import HDF5
from kerasnets.weights.reading import SUFFIXES
from kerasnets.weights.units import Unit

HUB_SOURCES = ("timm",)  # whose repositories on the hub have their ids
NAMED = "`layout` of kerasnets.weights.load names it, as in layout='timm/resnet34'"  # the end of errors
DATASETS = {"imagenet": "imagenet2012"}  # names of datasets here, where `kerasnets.data` has others


@dataclasses.dataclass(frozen=True)
class Pretrained:
    """Published weights that were chosen for a net.

    Attributes:
        given: The argument `weights`.
        row: Their architecture.
        checkpoint: What is published of them; None for a file of which nothing is known.
        path: Path of the file; None for a checkpoint that has to be fetched.
        head: Number of classes of the file; None if it is that of the architecture.
        names: Names of its classes; None if they are those of its dataset, or not known.
        layers: The layers of the file, if they have been read.
        wrong: The options of the net that contradict the weights, as `contradictions` gives them.
    """

    given: str
    row: Architecture | KerasArchitecture | PackagedArchitecture
    checkpoint: Checkpoint | None = None
    path: pathlib.Path | None = None
    head: int | None = None
    names: tuple[str, ...] | None = None
    layers: list[Unit] | None = dataclasses.field(default=None, repr=False)
    wrong: tuple[tuple[str, tuple[Any, ...], Any], ...] = ()

    @property
    def name(self) -> str:
        """The id of the checkpoint, or the path of the file."""
        return self.checkpoint.id if self.checkpoint and self.checkpoint.id else str(self.path)

    @property
    def classes(self) -> int:
        """Number of classes."""
        own = self.row.classes if isinstance(self.row, Architecture) else None
        return self.head or own or find(self.row.net).spec.classes

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """Names of the classes; None if they are not known."""
        names = self.names or (class_names(self.checkpoint.data) if self.checkpoint else None)
        return names if names and len(names) == self.classes else None

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
            mend = "; kerasnets.weights.load(model, weights, gray=True) sums the first kernels"
            allowed = f"of {those} with weights={self.given!r}{mend if channels == 1 else ''}"
            refuse("input_shape", allowed, (..., channels))

    def units(self) -> list[Unit]:
        """The layers of the checkpoint, which is fetched first if need be."""
        if self.layers is not None:
            return self.layers
        path, c = self.path, self.checkpoint
        if path is None and c is not None:
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
        with self.refusing(model.name):
            fresh = self.copy(net, include_top, classes == self.classes, options)
        if fresh:
            print(
                f"{self.name} has {self.classes:,} classes: {' and '.join(fresh)} of {model.name} is new and "
                "has to be trained",
                file=sys.stderr,
            )
        self.record(model, whole=net is model, classes=include_top and not fresh)

    def copy(
        self, net: keras.Model, include_top: bool, classifier: bool, options: Mapping[str, Any]
    ) -> list[str]:
        """Copies the layers of the weights into a net, and returns the names of those that stay new.

        Args:
            net: A net as its builder has just made it.
            include_top: Whether it has the head.
            classifier: Whether it has as many classes as the weights.
            options: The options of its builder.
        """
        if isinstance(self.row, PackagedArchitecture):
            return load_packaged(net, fetch_checkpoint(self.checkpoint))
        if isinstance(self.row, Architecture):
            return load_units(net, self.units(), self.row, include_top, self.classes)
        load_keras(net, self.row, include_top, options, classifier, str(self.path or "imagenet"))
        return ["the last layer"] if include_top and not classifier else []

    @contextlib.contextmanager
    def refusing(self, net: str) -> Iterator[None]:
        """Within it, weights are paired with the layers of a net. Errors name both."""
        try:
            yield
        except ValueError as error:
            raise ValueError(
                f"`weights` are those of {net} as built here. Received: weights={self.name!r}: {error}"
            ) from error

    def record(self, model: keras.Model, whole: bool, classes: bool, gray: bool = False) -> None:
        """Records in a model's card what the weights say.

        Args:
            model: The model.
            whole: Whether its input is that of the net.
            classes: Whether it has the classes of the checkpoint.
            gray: Whether it takes gray images in place of colored ones.
        """
        c, facts = self.checkpoint, dict[str, Any]()
        if classes:
            facts["class_names"] = self.class_names
        if c is None:
            file = pathlib.Path(self.given).name
            trained.describe(model, training={"weights": file}, results=None, **facts)
            return
        if c.path is not None:
            card = trained.read_card(c.path)
            seen = {"shape": card.shape, "scaling": card.scaling, "sizing": card.sizing} if whole else {}
            known = {"class_names": card.class_names, "results": card.results} if classes else {}
            trained.describe(model, training={**card.training, "weights": c.id}, **seen, **known)
            return
        if whole:
            sides = shape_of(model)[:-1]
            at_size = c if None in sides else dataclasses.replace(c, input=c.input and sides)
            facts["scaling"] = c.scaling.in_gray() if gray and c.scaling else c.scaling
            facts["sizing"] = at_size.sizing
            facts["shape"] = (*c.input, 1 if gray else self.channels) if c.input else None
        source = {"data": DATASETS.get(c.data, c.data), "weights": c.id, "url": c.url, "licence": c.licence}
        accuracies = {"top-1 accuracy (%)": c.top1, "top-5 accuracy (%)": c.top5}
        published = {name: value for name, value in accuracies.items() if value is not None}
        trained.describe(
            model,
            training={name: value for name, value in source.items() if value},
            results={"published": published} if published and classes else None,
            **facts,
        )


def choose(
    weights: Any,
    name: str,
    spec: Any,
    given: Mapping[str, Any],
    strict: bool = True,
    layout: str | None = None,
) -> Pretrained | None:
    """The published weights that the argument `weights` of a builder stands for.

    Args:
        weights: The argument.
        name: Name of the builder.
        spec: Its `Spec`.
        given: The arguments that the caller gives.
        strict: Whether options that contradict the weights are refused; if not, they are told.
        layout: The architecture of the weights, a key of `ARCHITECTURES`, or None.

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
    is_file = text.endswith(tuple(readers.SUFFIXES)) or os.path.exists(text)
    if text in {row.data for row in checkpoints()}:
        found = of_dataset(text, name, spec, given)
    elif architecture_of(text) is None and is_file:
        found = of_file(text, name, spec, given, layout)
        layout = None
    else:
        found = of_id(text, name, spec, given)
    if layout is not None:
        refuse("layout", f"None with weights={text!r}, whose layout is known", layout)
    if found.wrong and strict:
        refuse_option(found.name, found.wrong[0])
    return found


def of_dataset(data: str, name: str, spec: Any, given: Mapping[str, Any]) -> Pretrained:
    """The best checkpoint of a net that was trained on a dataset and fits what the caller gives."""
    known = [c for c in checkpoints() if c.data == data and architecture_of(c.id)]
    same = [c for c in known if c.net == name] or [c for c in known if is_body(c.net, spec)]
    if not same or name in unpublished():
        refuse_unknown(data, name, [c for c in checkpoints() if c.net == name])
    rows = [(ARCHITECTURES[architecture_of(c.id)], c) for c in best(same)]
    found = [Pretrained(data, row, c, wrong=contradictions(row, spec, given)) for row, c in rows]
    return min(found, key=lambda one: len(one.wrong))  # the first one of those with the fewest


def of_id(id: str, name: str, spec: Any, given: Mapping[str, Any]) -> Pretrained:
    """The checkpoint of an id; of an architecture's name the best one, of a tag of timm's any."""
    key = architecture_of(id)
    if key is None:
        own = [c.id for c in table().values() if is_body(c.net, spec)]
        hint = nearest(id, own) or (nearest(id, table()) if "/" in id else "")
        datasets = ", ".join(sorted({repr(c.data) for c in table().values() if c.net == name}))
        allowed = f"None, {datasets + ', ' if datasets else ''}the id of one of "
        raise ValueError(
            f"`weights` is {allowed}kerasnets.weights.checkpoints({name!r}), or the path of a file."
            f"{hint} Received: weights={id!r}"
        )
    row = ARCHITECTURES[key]
    wrong = contradictions(row, spec, given) if is_body(row.net, spec) else ()
    if not is_body(row.net, spec) or (row.net != name and any(option not in given for option, *_ in wrong)):
        refuse_net(id, name, row.net)
    return Pretrained(id, row, checkpoint_of(id), wrong=wrong)


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


def of_file(
    path: str, name: str, spec: Any, given: Mapping[str, Any], layout: str | None = None
) -> Pretrained:
    """The weights of a file of another framework.

    Its architecture is that of the checkpoint that the file is, or that of `layout`, or the one whose layers
    have the names of those of the file.
    """
    readers.check_file(path, "weights")
    known = published_as(path)
    key = layout or (known and architecture_of(known.id))
    if layout is not None and isinstance(ARCHITECTURES.get(layout), (PackagedArchitecture, type(None))):
        raise ValueError(
            f"`layout` is an architecture of a source, such as 'timm/resnet34'."
            f"{nearest(layout, ARCHITECTURES)} Received: layout={layout!r}"
        )
    units = None
    if key is None:
        units = readers.read_units(path)
        key = layout_by_names(units, path, name, spec, given)
        if key is None and path.endswith(HDF5) and f"keras/{name}" in ARCHITECTURES:
            key = f"keras/{name}"
    if key is None:
        sources = [key for key, row in ARCHITECTURES.items() if is_body(row.net, spec)]
        raise ValueError(
            f"`weights` is a file of {name} whose layers are named as those of "
            f"{', '.join(sources) or 'a known source'}. Received: weights={path!r}, whose layers have other "
            f"names. {NAMED}"
        )
    row = ARCHITECTURES[key]
    if not is_body(row.net, spec):
        refuse_net(path if layout is None else layout, name, row.net)
    wrong, file = contradictions(row, spec, given), pathlib.Path(path)
    if isinstance(row, KerasArchitecture):
        return Pretrained(path, row, known, file, wrong=wrong)
    units, names = readers.read_units(path) if units is None else units, None
    if known is None:
        known, names = beside(path, row.net)
    return Pretrained(path, row, known, file, classes_in(units, row), names, units, wrong)


def layout_by_names(
    units: list[Unit], path: str, name: str, spec: Any, given: Mapping[str, Any]
) -> str | None:
    """The key of the architecture whose layers have the names of those of a file; None if none is known.

    Raises:
        ValueError: Several architectures have these names, and weights mean something else in each.
    """
    rows = {key: row for key, row in ARCHITECTURES.items() if is_body(row.net, spec)}
    own = {key: row for key, row in rows.items() if isinstance(row, Architecture)}
    keys = layout_of(units, own)
    fitting = [key for key in keys if not contradictions(own[key], spec, given)]
    if len({meaning(own[key]) for key in fitting}) > 1:
        raise ValueError(
            f"`weights` is a file of {name} whose layout the names of its layers tell. Received: "
            f"weights={path!r}, which may be that of {' or '.join(fitting)}. {NAMED}"
        )
    # Words that order the layers do no harm to a file that keeps the order.
    return next(iter(sorted(fitting or keys, key=lambda key: not own[key].order)), None)


def meaning(row: Architecture) -> str:
    """All that decides what a net computes with weights, beside their names and shapes."""
    return json.dumps([row.net, dict(row.options), row.epsilon, row.chw, dict(row.mends)], default=str)


def published_as(path: str) -> Checkpoint | None:
    """The published checkpoint that a file is, as its name and hash, or the repository it lies in, tell."""
    file = pathlib.Path(path)
    places = {f"{file.parent.parent.name}/{file.parent.name}"}
    places |= {part.removeprefix("models--").replace("--", "/") for part in file.parts if "--" in part}
    for c in table().values():
        if c.file != file.name or architecture_of(c.id) is None:
            continue
        printed = parse(c.hash, file.name)
        if printed is None:
            if c.repo == c.id and c.id in places:
                return c
        elif hash_of(path, printed.algorithm).digits.startswith(printed.digits):
            return c
    return None


def beside(path: str, net: str) -> tuple[Checkpoint | None, tuple[str, ...] | None]:
    """What config.json of timm beside a .safetensors file says of it, and the names of its classes."""
    config = pathlib.Path(path).with_name(CONFIG)
    if not path.endswith(".safetensors") or not config.is_file():
        return None, None
    facts = files.read_json(config)
    if not isinstance(facts, dict) or "pretrained_cfg" not in facts:
        return None, None
    said = Checkpoint.from_config(pathlib.Path(path).name, net, facts)
    names = facts.get("label_names")
    return dataclasses.replace(said, url=""), tuple(map(str, names)) if are_names(names) else None


def is_body(net: str, spec: Any) -> bool:
    """Whether a model is of the family of a `Spec`."""
    return find(net).spec.body is spec.body


def contradictions(
    row: Any, spec: Any, given: Mapping[str, Any]
) -> tuple[tuple[str, tuple[Any, ...], Any], ...]:
    """The options with which a builder does not make the net of an architecture.

    Args:
        row: The architecture.
        spec: The `Spec` of the builder.
        given: The arguments that the caller gives.

    Returns:
        For each its name, the values of which the weights need one, and its value.
    """
    other = find(row.net).spec
    free = {*TRAINING_ONLY, *(pick(spec.size, spec.options) if callable(spec.size) else ())}
    free |= {"aux_heads"} if getattr(row, "aux", ()) else set()
    free |= {"pyramid"} if getattr(row, "behind_pyramid", ()) else set()
    choices = getattr(row, "choices", {})
    wrong = []
    for option, default in other.options.items():
        needed = row.options.get(option, default)
        have = given.get(option, needed if option in row.options else spec.options[option])
        allowed = choices.get(option, (needed,))
        if option not in free and as_data({0: have}) not in [as_data({0: value}) for value in allowed]:
            wrong.append((option, tuple(allowed), have))
    if getattr(row, "body", False) and given.get("include_top", True):
        wrong.append(("include_top", (False,), True))
    return tuple(wrong)


def refuse_option(weights: str, wrong: tuple[str, tuple[Any, ...], Any]) -> NoReturn:
    """Raises the ValueError for an option that the weights contradict, as `contradictions` gives it."""
    name, needed, have = wrong
    refuse(name, f"{' or '.join(map(repr, needed))} with weights={weights!r}", have)


def refuse_net(weights: str, name: str, other: str) -> NoReturn:
    """Raises the ValueError for weights of another net."""
    raise ValueError(f"`weights` is a checkpoint of {name}. Received: weights={weights!r}, one of {other}")


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
