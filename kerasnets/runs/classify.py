"""Images classified by a trained net: the names of the classes and their probabilities.

    found = kerasnets.classify("ResNet50", "holidays")  # all images in this folder
    found = kerasnets.classify("best.keras", ["cat.jpg", "dog.png"], top=3)
    print(found)
    name, probability = found[0].labels[0]

Scaling, size, crop and the names of the classes are those of the weights: none of them is an argument.
"""

from __future__ import annotations

import collections
import collections.abc
import csv
import dataclasses
import io
import itertools
import os
import textwrap
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
import rich.console

from kerasnets.assembly import registry
from kerasnets.assembly.outputs import are_lengths, as_logits, end_of, gives_probabilities
from kerasnets.assembly.predictions import decode_predictions
from kerasnets.assembly.preprocessing import named, preprocessing
from kerasnets.checks import is_int, nearest, refuse
from kerasnets.data import folders
from kerasnets.data import images as pictures
from kerasnets.graph import has_graph
from kerasnets.runs.nets import trained
from kerasnets.runs.progress import watched
from kerasnets.serving.load import check_path as check_export
from kerasnets.serving.load import load, model_card, version_at
from kerasnets.serving.runtimes import ENDINGS
from kerasnets.tables import WIDTH, first_of, shape_text, text_table
from kerasnets.training.evaluation import of_all_classes, scorer, sigmoid, single
from kerasnets.weights import card as cards
from kerasnets.weights.checkpoints import chosen
from kerasnets.weights.reading import SUFFIXES, check_path

# The net that is used if none is named: its weights are a small download that needs no further package.
DEFAULT = "MobileNetV2"
IMAGES = "images, (height, width, channels)"


@dataclasses.dataclass(frozen=True)
class Prediction:
    """What a net says of an image.

    Attributes:
        path: Path of the file; None for an array.
        labels: Names of classes and their probabilities, the most probable first; empty after an error.
        chosen: The names that the net decides for: the most probable one, or for a net with a threshold all
            at or above it.
        error: Why the image was passed over, or None.
    """

    path: str | None
    labels: tuple[tuple[str, float], ...] = ()
    chosen: tuple[str, ...] = ()
    error: str | None = None

    def as_data(self) -> dict[str, Any]:
        """All of it as data for JSON."""
        labels = [{"name": name, "probability": probability} for name, probability in self.labels]
        return {"path": self.path, "labels": labels, "chosen": list(self.chosen), "error": self.error}


@dataclasses.dataclass(frozen=True, repr=False)
class Predictions(collections.abc.Sequence):
    """What a net says of images: a sequence of `Prediction`. `str` turns it into a table.

    Attributes:
        net: Name of the net.
        weights: The id of its checkpoint, or the path of its file or export; None for a keras.Model.
        images: A `Prediction` for each image.
        threshold: Probability from which on a label is chosen; None if the most probable one is.
    """

    net: str
    weights: str | None
    images: tuple[Prediction, ...]
    threshold: float | None = None

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index):
        return self.images[index]

    @property
    def failed(self) -> tuple[Prediction, ...]:
        """Those of the files that were passed over."""
        return tuple(image for image in self.images if image.error)

    def as_data(self) -> dict[str, Any]:
        """All of it as data for JSON."""
        images = [image.as_data() for image in self.images]
        return {"net": self.net, "weights": self.weights, "threshold": self.threshold, "images": images}

    def as_csv(self) -> str:
        """All of it as CSV, with a row for each label of each image."""
        text = io.StringIO()
        rows = csv.writer(text, lineterminator="\n")
        rows.writerow(["image", "label", "probability", "chosen", "error"])
        for name, image in self.named():
            for label, probability in image.labels:
                rows.writerow([name, label, f"{probability:.6g}", int(label in image.chosen), ""])
            if image.error:
                rows.writerow([name, "", "", "", image.error])
        return text.getvalue().rstrip("\n")

    def __str__(self) -> str:
        several = self.threshold is not None
        header = ["image", "class", "probability", *(["chosen"] if several else [])]
        cells = []
        for name, image in self.named():
            for i, (label, probability) in enumerate(image.labels):
                mark = ["yes" if label in image.chosen else ""] if several else []
                cells.append([name if i == 0 else "", label, f"{100 * probability:.2f}%", *mark])
        table = ["", text_table(header, cells, left=2)] if cells else []
        notes = [line for note in self.notes() for line in textwrap.wrap(note, WIDTH)]
        limit = f", threshold {self.threshold:.3g}" if several else ""
        return "\n".join([title(self.net, self.weights) + limit, *table, *([""] if notes else []), *notes])

    __repr__ = __str__  # in notebooks

    def named(self) -> Iterator[tuple[str, Prediction]]:
        """Each image with its path, or its number if it is an array."""
        for i, image in enumerate(self.images):
            yield str(i) if image.path is None else image.path, image

    def notes(self) -> Iterator[str]:
        """Which files were passed over, in a sentence."""
        if self.failed:
            shown = [f"{image.path} ({image.error})" for image in self.failed]
            yield f"Passed over: {first_of(shown)}"


@dataclasses.dataclass(frozen=True)
class Classifier:
    """A trained net, ready for images of any size.

    Attributes:
        net: Name of the net.
        weights: Where its weights are from, as in `Predictions`.
        size: Shape of the images that it takes. None for both sides if they keep their own.
        sizing: Row of `kerasnets.data.augment` that brings them to it, or None for the default.
        class_names: Names of the classes, or their numbers.
        threshold: Probability from which on a label is chosen; None if the most probable one is.
        probabilities: Function from images, (n, *size), values 0..255, to probabilities, (n, classes); of a
            net of one score, which tells class 1 from class 0, to those of class 1, (n, 1).
    """

    net: str
    weights: str | None
    size: tuple[int | None, ...]
    sizing: tuple[str, dict] | None
    class_names: tuple[str, ...]
    threshold: float | None
    probabilities: Callable[[np.ndarray], np.ndarray]

    @property
    def same_size(self) -> bool:
        """Whether all images have the same size when the net sees them, so that they can form batches."""
        return None not in self.size

    def prediction(self, path: str | None, scores: np.ndarray, top: int) -> Prediction:
        """What the net says of an image, given the probabilities, (classes,), or that of class 1, (1,)."""
        shares = of_all_classes(scores, from_logits=False)
        if self.threshold is None:
            above = np.arange(len(shares)) == shares.argmax()
        elif len(scores) == 1:
            above = np.array([scores[0] < self.threshold, scores[0] >= self.threshold])
        else:
            above = shares >= self.threshold
        (best,) = decode_predictions(shares[None], min(max(top, above.sum()), len(shares)), self.class_names)
        labels = tuple((name, share) for _, name, share in best)
        return Prediction(path, labels, tuple(name for i, name, _ in best if above[i]))


def classify(
    model: keras.Model | str | os.PathLike | None,
    images: Any,
    top: int = 5,
    *,
    weights: str | os.PathLike | None = None,
    batch_size: int = 32,
    preprocess: Callable | str | None = None,
    console: rich.console.Console | None = None,
) -> Predictions:
    """Classifies images by a trained net.

    Images of any size are resized and cropped as those of the tests of the weights, and scaled as the weights
    need. A file that cannot be decoded is passed over, and named in the result.

    Args:
        model: A keras.Model with its weights; the name of one, such as "ResNet50"; a file .keras or
            .weights.h5; or what `kerasnets.serving.export` and `export_file` wrote: the folder of a model
            (its newest version) or of a version, or a file .onnx, .tflite or .xml. None is the net of
            `weights`, or without these a small one for the 1,000 classes of ImageNet.
        images: Path of an image, of any format that `kerasnets.data.stream` reads; or of a folder of images,
            which may be in further folders; an array of values 0..255, (height, width), (height, width,
            channels) or (n, height, width, channels); an image of Pillow; or a list of these.
        top: Number of classes to name for each image. A net with a threshold names all that are chosen.
        weights: For the name of a model: the name of a dataset, such as "imagenet", the id of a checkpoint,
            or a file. None takes the best public weights.
        batch_size: Images in a batch.
        preprocess: How images are scaled for a net that does not say it, as for `kerasnets.serving.export`.
        console: A rich console for the progress, or None for standard error.

    Returns:
        A `Predictions`, with a `Prediction` for each image in order.

    Raises:
        ValueError: An argument is not allowed, there are no images, or the net does not take images.
        OSError: The weights cannot be downloaded.
        ModuleNotFoundError: A package that is needed is not installed.
    """
    for name, value in (("top", top), ("batch_size", batch_size)):
        if not is_int(value, 1):
            refuse(name, "a whole number, at least 1", value)
    check_model(model, weights, preprocess)
    items = pictures.find(images)
    net = classifier(model, weights, preprocess)
    batches = answers(net, items, top, batch_size if net.same_size else 1)
    if len(items) > batch_size:
        batches = watched(batches, len(items), title(net.net, net.weights), console)
    found = tuple(itertools.chain.from_iterable(batches))
    return Predictions(net.net, net.weights, found, net.threshold)


def title(net: str, weights: str | None) -> str:
    """A net with its weights, in words."""
    return f"{net} with {weights}" if weights else net


def check_model(model: Any, weights: Any, preprocess: Any) -> None:
    """Refuses what is neither a net nor names one, before anything is read."""
    if preprocess is not None:
        named(preprocess)
    if weights is not None and not isinstance(weights, (str, os.PathLike)):
        refuse("weights", "None, the name of a dataset, the id of a checkpoint or a file", weights)
    if model is None or isinstance(model, keras.Model):
        if model is not None and weights is not None:
            refuse("weights", "None with a model that has its weights", weights)
        return
    if not isinstance(model, (str, os.PathLike)):
        refuse("model", "a keras.Model, the name of one, or the path of a trained one", model)
    if is_name(model):
        if len(registry.find(str(model)).spec.min_grid) != 2:
            refuse("model", f"a net of {IMAGES}", f"{model}, which takes videos")
        if weights is None and not chosen(str(model)):
            trained(str(model), "imagenet")  # says why there are none
        return
    if weights is not None:
        refuse("weights", "None with a file or folder as the model", os.fspath(weights))
    text = os.fspath(model)
    if text.endswith(SUFFIXES):
        check_path(text, "model")
    elif not os.path.isdir(text) and not (os.path.isfile(text) and text.endswith(ENDINGS)):
        raise ValueError(
            "`model` is the name of a model, a file .keras or .weights.h5, or the folder of an exported "
            f"model.{nearest(text, registry.known())} Received: model={text!r}"
        )
    elif preprocess is not None:
        refuse("preprocess", "None for an exported model, which scales its images itself", preprocess)


def is_name(model: Any) -> bool:
    """Whether something is the name of a model."""
    return isinstance(model, str) and model in registry.known()


def classifier(
    model: keras.Model | str | os.PathLike | None,
    weights: str | os.PathLike | None,
    preprocess: Callable | str | None,
) -> Classifier:
    """The `Classifier` of the arguments of `classify`."""
    if not isinstance(model, keras.Model) and model is not None and not is_name(model):
        path = os.fspath(model)
        if not path.endswith(SUFFIXES):
            return of_export(path)
    return of_model(*opened(model, weights), preprocess)


def opened(
    model: keras.Model | str | os.PathLike | None, weights: str | os.PathLike | None
) -> tuple[keras.Model, str | None]:
    """A model with its weights, and where these are from: arguments of `classify` that are no export."""
    if isinstance(model, keras.Model):
        return model, None
    if model is not None and not is_name(model):
        path = os.fspath(model)
        return trained(None, path, "model"), path
    if model is None and (weights is None or is_dataset(weights)):
        model = DEFAULT
    if weights is None:
        known = chosen(model)
        weights = "imagenet" if "imagenet" in known else next(iter(known))
    net = trained(model, weights, "model")
    path, training = os.fspath(weights), cards.card_of(net).training or {}
    return net, path if path.endswith(SUFFIXES) else training.get("weights", path)


def is_dataset(weights: str | os.PathLike) -> bool:
    """Whether weights are named by the dataset that they were trained on."""
    return os.fspath(weights) in chosen(DEFAULT)


# The classifiers of models that still exist, each with the card and the scaling that it was made for. Making
# one anew for each image would take most of the time.
READY: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()


def of_model(model: keras.Model, weights: str | None, preprocess: Callable | str | None) -> Classifier:
    """The `Classifier` of a model with its weights, made once."""
    made_for = getattr(model, cards.ATTRIBUTE, None), preprocess
    if model not in READY or READY[model][0] != made_for:
        READY[model] = made_for, made_of(model, weights, preprocess)
    return READY[model][1]


def made_of(model: keras.Model, weights: str | None, preprocess: Callable | str | None) -> Classifier:
    """A new `Classifier` of a model.

    A softmax or sigmoid in less than float32 is left out, and computed from the logits in float32.
    """
    if not has_graph(model) or len(model.inputs) != 1 or len(model.inputs[0].shape) != 4:
        words = f"a functional or sequential net of {IMAGES}"
        shapes = [tuple(x.shape[1:]) for x in getattr(model, "inputs", None) or ()]
        refuse("model", words, f"{model.name}, which takes {shapes or type(model).__name__}")
    card, net, scale = cards.card_of(model), single(model), preprocessing(model, preprocess)[1]
    activation, count = end_of(net).activation, net.outputs[0].shape[-1]
    if activation and net.outputs[0].dtype != "float32":
        net = as_logits(net)
    from_logits = not are_lengths(net.outputs[0]) and not gives_probabilities(net)
    of_labels = from_logits and count > 1 and (card.threshold is not None or activation == "sigmoid")
    scores = scorer(net, from_logits=from_logits and not of_labels, preprocess=scale)

    def probabilities(images):
        found = scores(images)
        return sigmoid(found) if of_labels else found[:, -count:]

    return Classifier(
        card.builder or model.name,
        weights,
        size_of(model.name, tuple(net.inputs[0].shape[1:]), card.shape),
        card.sizing,
        names_of(card.class_names, max(count, 2)),
        card.threshold,
        probabilities,
    )


def of_export(path: str) -> Classifier:
    """The `Classifier` of an exported model."""
    place = version_at(path)
    check_export(place, "model")
    card = model_card(place)
    if card is None:
        refuse("model", "an exported model with its model card", path)
    run, shape = load(place), card["input"]["shape"]
    if len(shape) != 3:
        refuse("model", f"a net of {IMAGES}", f"{path}, which takes {tuple(shape)}")
    return Classifier(
        card["net"],
        os.fspath(place),
        size_of(path, tuple(shape), None),
        card["input"].get("sizing"),
        names_of(card["class_names"], card["classes"]),
        card.get("threshold"),
        lambda images: run(images)["probabilities"].astype("float64"),
    )


def size_of(
    name: str, shape: tuple[int | None, ...], trained_on: tuple[int | None, ...] | None
) -> tuple[int | None, ...]:
    """The shape to which images are brought: that of the input, or of the training if it is free."""
    *sides, channels = trained_on if None in shape[:-1] and trained_on else shape
    if channels not in (1, 3):
        refuse("model", "a net of gray or colored images", f"{name}, which takes {channels} channels")
    if None in sides and sides != [None, None]:
        refuse("model", "a net of images with fixed or free sides", f"{name}, which takes {shape}")
    return (*sides, channels)


def names_of(names: Sequence[str] | None, classes: int) -> tuple[str, ...]:
    """The names of classes, or their numbers if these are not known.

    Numbers follow the names that several classes have, as "crane" in ImageNet, a bird and a machine.
    """
    if not names or len(names) != classes:
        return tuple(map(str, range(classes)))
    counts = collections.Counter(names)
    return tuple(name if counts[name] == 1 else f"{name} ({i})" for i, name in enumerate(names))


def answers(
    net: Classifier, items: Sequence[pictures.Image], top: int, batch_size: int
) -> Iterator[list[Prediction]]:
    """The predictions for images, batch by batch."""
    paths = (folders.shown(item) if isinstance(item, str) else None for item in items)
    decoded = zip(paths, pictures.sized(items, net.size, net.sizing), strict=True)
    while batch := list(itertools.islice(decoded, batch_size)):
        images = [image for _, (image, _) in batch if image is not None]
        try:
            rows = iter(net.probabilities(np.stack(images)) if images else ())
        except Exception:  # each backend raises errors of its own for an image that is too small
            if net.same_size:
                raise
            batch = [(batch[0][0], (None, f"the net does not take {shape_text(images[0].shape)}"))]
        yield [
            Prediction(path, error=error) if image is None else net.prediction(path, next(rows), top)
            for path, (image, error) in batch
        ]
