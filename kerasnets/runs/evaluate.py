"""Trained weights measured under their own protocol, beside the accuracy that was published for them.

    found = runs.evaluate("ResNet34", "timm/resnet34.a1_in1k", data_dir="imagenet", limit=5000)
    print(found)  # published and measured accuracies; found.agrees says whether they are close enough

Size, crop, interpolation, scaling and classes are those of the weights: none of them is an argument.
"""

from __future__ import annotations

import dataclasses
import math
import os
import pathlib
import textwrap
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import rich.console
from keras import ops

from kerasnets import data, training
from kerasnets.assembly import pretrained, registry
from kerasnets.assembly.outputs import main_output
from kerasnets.checks import is_int, is_number, refuse
from kerasnets.data import sources
from kerasnets.runs.nets import trained
from kerasnets.runs.progress import watched
from kerasnets.tables import WIDTH, first_of, shape_text, text_table
from kerasnets.weights import card as cards
from kerasnets.weights.classes import classes

TOP = (1, 5)
OWN = {name: own for own, name in pretrained.DATASETS.items()}  # names of datasets in the tables of weights
# Images of the test of each dataset. An accuracy that is measured on fewer is that of a sample.
TEST_IMAGES = {
    "imagenet2012": 50_000,
    "cifar10": 10_000,
    "cifar100": 10_000,
    "mnist": 10_000,
    "fashion_mnist": 10_000,
}


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """A measured accuracy beside the published one. `str` turns it into a table.

    Attributes:
        net: Name of the model.
        weights: The id of the checkpoint, or the path of the file.
        data: Name of the dataset, or of the folder.
        split: Its split.
        protocol: How images were resized, cropped and scaled, in words.
        images: Number of images.
        whole: Whether these are all images of the published test, as far as that is known.
        classes: Number of classes of the images.
        all_classes: Number of classes of the net.
        measured: Top-1 and top-5 accuracy in percent, by number of best scores.
        published: Published top-1 and top-5 accuracy in percent, in the same way; only what is published.
        tolerance: Largest difference that is allowed, in percentage points.
        seconds: Time that the images took.
        skipped: Paths of the images that cannot be decoded.
    """

    net: str
    weights: str
    data: str
    split: str
    protocol: str
    images: int
    whole: bool
    classes: int
    all_classes: int
    measured: dict[int, float]
    published: dict[int, float]
    tolerance: float
    seconds: float
    skipped: tuple[str, ...] = ()

    @property
    def comparable(self) -> bool:
        """Whether something is published, and for the classes of the images."""
        return bool(self.published) and self.classes == self.all_classes

    @property
    def agrees(self) -> bool | None:
        """Whether no accuracy differs by more than is allowed; None if nothing can be compared."""
        if not self.comparable:
            return None
        return all(abs(self.difference(k)) <= self.allowed(k) for k in self.published)

    def difference(self, k: int) -> float:
        """The measured top-k accuracy minus the published one, in percentage points."""
        return round(self.measured[k] - self.published[k], 6)

    def allowed(self, k: int) -> float:
        """The largest difference that is allowed: the tolerance, or for a sample 2 standard errors."""
        return self.tolerance if self.whole else max(self.tolerance, 2 * self.standard_error(k))

    def standard_error(self, k: int) -> float:
        """The standard error of the top-k accuracy of as many random images, in percentage points."""
        share = self.published.get(k, self.measured[k]) / 100
        return 100 * math.sqrt(max(0.0, share * (1 - share)) / self.images)

    def as_data(self) -> dict[str, Any]:
        """All of it as data for JSON."""
        by_k = {
            f"top{k}": {
                "published": self.published.get(k),
                "measured": value,
                "standard_error": None if self.whole else round(self.standard_error(k), 4),
                "allowed_difference": round(self.allowed(k), 4) if self.comparable else None,
            }
            for k, value in self.measured.items()
        }
        own = dataclasses.asdict(self)
        facts = {name: own[name] for name in own if name not in ("measured", "published")}
        return {**facts, **by_k, "agrees": self.agrees, "images_per_second": self.images / self.seconds}

    def __str__(self) -> str:
        header = ["accuracy, %", "published", "measured"]
        header += ["difference", "allowed"] if self.comparable else []
        cells = [[f"top-{k}", shown(self.published.get(k)), shown(v)] for k, v in self.measured.items()]
        if self.comparable:
            for row, k in zip(cells, self.measured, strict=True):
                known = k in self.published
                row += [f"{self.difference(k):+.2f}", f"{self.allowed(k):.2f}"] if known else ["", ""]
        return "\n".join(
            [
                f"{self.net} with {self.weights} on {self.data}, {self.split}: {self.protocol}",
                f"{self.images:,} images in {self.seconds:.1f} s, {self.images / self.seconds:.1f} images/s",
                "",
                text_table(header, cells, left=1),
                *(line for note in self.notes() for line in textwrap.wrap(note, WIDTH)),
            ]
        )

    def notes(self) -> Iterator[str]:
        """What has to be known to read the figures, in sentences."""
        if self.skipped:
            yield f"Left out, since they cannot be decoded: {first_of(self.skipped)}."
        if not self.published:
            yield f"No accuracy of {self.weights} on {self.data} is published: nothing is compared."
        elif not self.comparable:
            yield (
                f"The images are of {self.classes:,} of the {self.all_classes:,} classes, to which the "
                "published accuracy does not apply: nothing is compared."
            )
        elif not self.whole:
            k = min(self.published)
            yield (
                f"The top-{k} accuracy of a sample of {self.images:,} images has a standard error of "
                f"{self.standard_error(k):.2f} points. Differences of up to 2 standard errors are allowed, "
                f"or of {self.tolerance:g} points if that is more."
            )
        if self.agrees is not None:
            yield f"Measured and published accuracy {'agree' if self.agrees else 'differ'}."


def shown(value: float | None) -> str:
    """A percentage as text."""
    return "" if value is None else f"{value:.2f}"


def evaluate(
    net: str,
    weights: str | os.PathLike,
    dataset: str | None = None,
    split: str | None = None,
    *,
    data_dir: str | os.PathLike | None = None,
    limit: int | None = None,
    batch_size: int = 64,
    tolerance: float = 0.5,
    seed: int = 0,
    console: rich.console.Console | None = None,
) -> Evaluation:
    """Measures the accuracy of trained weights under their own protocol.

    Args:
        net: Name of a model.
        weights: What the builder of the model takes as `weights`: the name of a dataset, the id of a
            checkpoint, or a file.
        dataset: Name of the dataset, as `kerasnets.data.stream` takes it; None for that of the weights.
        split: "train", "validation", "test", or "all" for all images of a folder that has no splits. None is
            the split that a run of this package tested the net on, of the same folder; else the validation
            split, or the test split of a dataset that has no other, or "all".
        data_dir: Folder of the dataset: class folders, directly or inside splits, which are named by the
            names of the classes or by their ids in WordNet; or IDX files, or datasets of TensorFlow Datasets.
            The classes may be some of those of the weights, whose scores for all classes are compared then.
        limit: Number of images to draw at random; None for all.
        batch_size: Images in a batch.
        tolerance: Difference from the published accuracy that is allowed, in percentage points.
        seed: Seed of the drawing.
        console: A rich console for the progress, or None for standard error.

    Returns:
        An `Evaluation`.

    Raises:
        ValueError: An argument is not allowed, the weights do not fit, or the dataset has classes that the
            weights do not have.
        OSError: The weights or the dataset cannot be downloaded.
        ModuleNotFoundError: A package that is needed is not installed.
    """
    check(limit, batch_size, tolerance, seed)
    spec, given = registry.find(net).spec, os.fspath(weights)
    chosen = pretrained.choose(given, net, spec, {})
    checkpoint = chosen.checkpoint if chosen else None
    folder = None if data_dir is None else pathlib.Path(data_dir).expanduser()
    if checkpoint:  # refuses classes before anything is downloaded
        dataset = dataset or pretrained.DATASETS.get(checkpoint.data, checkpoint.data)
        names = sources.class_names(dataset, split, folder)
        if names is not None and checkpoint.data in classes():
            numbered(names, spellings(checkpoint.data))
    model = trained(net, given)
    card, outputs = cards.card_of(model), cards.classes_of(model)
    one = outputs == 2 and main_output(model).outputs[0].shape[-1] == 1
    if card.threshold is not None and not one:
        allowed = (
            "those of a net that gives one class to each image; `kerasnets.training.evaluate` measures others"
        )
        refuse("weights", allowed, f"{given}, which gives any number of {outputs} labels")
    trained_on = (card.training or {}).get("data", dataset)
    dataset = dataset or trained_on
    if not isinstance(dataset, str):
        refuse("dataset", f"the name of a dataset, since {given} does not say its own", dataset)
    split = split or own_split(card, folder) or sources.split_for_tests(dataset, folder)
    size = size_of(model, card)
    stream = data.stream(
        dataset,
        split,
        positive=positive_of(card, sources.class_names(dataset, split, folder)) if one else None,
        size=size,
        batch_size=batch_size,
        augment=() if card.sizing is None else (tuple(card.sizing),),
        data_dir=data_dir,
        examples=limit,
        sample=None if limit is None else seed,
    )
    is_folder = sources.is_folder(dataset, folder)
    known = spellings(OWN.get(trained_on, trained_on), card.class_names or ())
    own = not is_folder and len(stream.class_names) == outputs  # the dataset's own order
    numbers = np.arange(outputs) if own else numbered(stream.class_names, known)
    started = time.monotonic()
    batches = ((images, numbers[ops.convert_to_numpy(labels)]) for images, labels in stream.dataset)
    title = f"{net} on {dataset}"
    seen = watched(batches, stream.examples, title, console, count=lambda batch: len(batch[1]))
    found = training.evaluate(model, seen, top=TOP, preprocess=True)
    return Evaluation(
        net=net,
        weights=checkpoint.id if checkpoint else given,
        data=folder.resolve().name if is_folder else dataset,
        split=split,
        protocol=protocol_of(card, size),
        images=stream.examples,
        whole=limit is None and stream.examples >= TEST_IMAGES.get(dataset, 0),
        classes=len(numbers),
        all_classes=outputs,
        measured={k: round(100 * v, 6) for k, v in top_of(found).items()},
        published=published_of(card) if is_folder or dataset == trained_on else {},
        tolerance=tolerance,
        seconds=time.monotonic() - started,
        skipped=stream.skipped,
    )


def own_split(card: cards.Card, folder: pathlib.Path | None) -> str | None:
    """The split on which a run of this package tested its net, if the folder is that of the run."""
    training = card.training or {}
    same = folder is not None and training.get("data_dir") == str(folder.resolve())
    return training["splits"][1] if same and "splits" in training else None


def check(limit: int | None, batch_size: int, tolerance: float, seed: int) -> None:
    """Refuses wrong numbers before anything is read."""
    if limit is not None and not is_int(limit, 1):
        refuse("limit", "None or a whole number, at least 1", limit)
    if not is_int(batch_size, 1):
        refuse("batch_size", "a whole number, at least 1", batch_size)
    if not is_number(tolerance) or tolerance < 0:
        refuse("tolerance", "a number of percentage points, at least 0", tolerance)
    if not is_int(seed, 0):
        refuse("seed", "a whole number, at least 0", seed)


def size_of(model: keras.Model, card: cards.Card) -> tuple[int, ...]:
    """The shape of a model's images: that of its input or, if it takes any size, that of its training."""
    shape = cards.shape_of(model)
    shape = card.shape if None in shape and card.shape else shape
    if None in shape:
        refuse("weights", "those of a net that says the size of its images", model.name)
    return shape


def protocol_of(card: cards.Card, size: tuple[int, ...]) -> str:
    """How images are resized, cropped and scaled, in words."""
    name, options = card.sizing or ("", {})
    shorter, interpolation = options.get("shorter"), options.get("interpolation", "bilinear")
    resized = f"{interpolation}, shorter side {shorter}, " if shorter else ""
    crop = {"pad": "padded to ", "zoom": "resized to ", "whole": ""}.get(name, "center crop ")
    scaled = f", scaled by {card.scaling.name}" if card.scaling is not None else ""
    return f"{resized}{crop}{shape_text(size[:-1])}{scaled}"


def published_of(card: cards.Card) -> dict[int, float]:
    """The published top-k accuracies in percent, or those of the test of a training run, by k."""
    results = card.results or {}
    published = results.get("published", {})
    given = {k: published.get(f"top-{k} accuracy (%)") for k in TOP}
    own = top_of(results)
    found = given if published else {k: None if v is None else 100 * v for k, v in own.items()}
    return {k: value for k, value in found.items() if value is not None}


def top_of(found: Mapping[str, Any]) -> dict[int, Any]:
    """Top-k accuracies by k; of a net of one score with a threshold, its accuracy is the top-1 accuracy."""
    own = {1: found["accuracy"]} if "accuracy" in found else {}
    return own | {k: found[f"top{k}"] for k in TOP if f"top{k}" in found}


def positive_of(card: cards.Card, names: Sequence[str] | None) -> str | None:
    """The class that a net of one score tells from all others; None if the images already have two classes.

    Args:
        card: The card of the net.
        names: Names of the classes of the images; None if they are not known.
    """
    rest, name = card.class_names or ("", "")
    return name if rest == f"not {name}" and rest not in (names or ()) else None


def spellings(dataset: str, names: Sequence[str] = ()) -> list[set[str]]:
    """For each class of a net, what a folder of its images may be called; empty if that is not known.

    Args:
        dataset: Name of the dataset whose classes have ids in WordNet or names.
        names: Names of the classes in the net's card.
    """
    rows = classes().get(dataset, [])
    rows = rows if len(rows) == len(names) or not names else [()] * len(names)
    names = names or [""] * len(rows)
    return [{spelled(word) for word in (*row, name)} - {""} for row, name in zip(rows, names, strict=True)]


def spelled(name: str) -> str:
    """A name in lower case and with blanks, as names of folders are compared."""
    return name.lower().replace("_", " ").replace("/", " ").strip()


def numbered(names: Sequence[str], known: list[set[str]]) -> np.ndarray:
    """The numbers that classes of images have in a net.

    Args:
        names: Names of the classes of the images.
        known: For each class of the net, what it may be called.

    Returns:
        Whole numbers, one for each name.

    Raises:
        ValueError: The net has no such class, or two. The message names those classes.
    """
    found = [[i for i, words in enumerate(known) if spelled(name) in words] for name in names]
    wrong = [name for name, numbers in zip(names, found, strict=True) if len(numbers) != 1]
    if wrong:
        whose = f"the {len(known):,} classes of the weights, by name or id" if known else "named classes"
        refuse("data_dir", f"a folder with class folders of {whose}", first_of(wrong))
    return np.array([number for (number,) in found])
