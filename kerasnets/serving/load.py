"""The function `load`: what this package saved or exported, ready for images on the processor.

`runtimes` opens the files. Here are the checks of images, the decoding of files, and the names of classes.
"""

from __future__ import annotations

import concurrent.futures
import inspect
import math
import os
import pathlib
import re
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from kerasnets import files, image_files
from kerasnets.checks import is_int, is_number, refuse
from kerasnets.serving import runtimes, versions

if TYPE_CHECKING:
    from types import TracebackType

FLOAT = np.dtype("float32")
MAX_THREADS = 1024  # more than processors have cores
FEW = 16  # up to so many of the best classes are searched one by one, which is faster than sorting all
PLACE = r"Exception from \S+:\d+:$"  # a line of OpenVINO's errors: where in its source they were raised
SAVED_MODEL = "saved_model.pb"  # in the folder of a version


def load(
    path: str | os.PathLike,
    runtime: Literal["tensorflow", "keras", "onnxruntime", "openvino", "litert"] | None = None,
    precision: Literal["float32", "bfloat16"] | None = None,
    threads: int | None = None,
    *,
    batch: int = 32,
    top: int = 5,
) -> Loaded:
    """Loads a trained net that this package has saved or exported, to run it on the processor.

        with serving.load("saved_models/LeNet5") as net:
            answer = net(images)
        answer["probabilities"], answer["classes"]

    Only the runtime that is used is imported. Files .onnx, .tflite and .xml need no TensorFlow and no Keras.

    Args:
        path: What `export` or `export_file` wrote: the folder of a model, whose newest version is taken; the
            folder of a version, with a SavedModel or one file in it; or a file .onnx, .tflite or .xml. Or a
            file .keras.
        runtime: "tensorflow" for a SavedModel, "keras" for .keras, "onnxruntime" for .onnx, "litert" for
            .tflite, or "openvino" for .xml, .onnx and SavedModels. None is the first of these that reads the
            file and is installed.
        precision: "float32", or "bfloat16" to compute in it, which is faster on processors that have it, and
            less exact. "onnxruntime" and "litert" compute in float32. None is "float32", with which the
            outputs are those of Keras; or what a SavedModel was exported in; or how a file .keras computes.
            In files of 8 bits, this is the precision of what is not quantized.
        threads: Number of threads that compute a batch; None lets the runtime choose. TensorFlow has one
            number for the whole process, which can be set before it first computes.
        batch: Number of images that are computed at once, at most. More images than these are computed in
            parts.
        top: Number of classes that are named for each image, at most as many as there are.

    Returns:
        A `Loaded`, which is called with images.

    Raises:
        ValueError: An argument is not allowed, or the file cannot be read.
        ModuleNotFoundError: The runtime is not installed.
    """
    if not isinstance(path, (str, os.PathLike)):
        refuse("path", "a path", path)
    if runtime is not None and runtime not in list(runtimes.RUNTIMES):
        refuse("runtime", f"None or one of {', '.join(map(repr, runtimes.RUNTIMES))}", runtime)
    if threads is not None and not (is_int(threads, 1) and threads <= MAX_THREADS):
        refuse("threads", f"None or a whole number from 1 to {MAX_THREADS}", threads)
    for name, value in (("batch", batch), ("top", top)):
        if not is_int(value, 1):
            refuse(name, "a whole number, at least 1", value)
    place = version_at(path, runtime)
    check_path(place)
    runtime = runtimes.choose(ending_of(place), runtime)
    card = model_card(place)
    precision = chosen_precision(precision, place, runtime, card or {})
    kind = runtimes.RUNTIMES[runtime].open
    kind.check(precision, threads)
    try:
        session = kind(place, precision, threads)
    except ImportError:
        raise
    except Exception as error:  # each library raises errors of its own
        if runtime == "keras":  # which this package reads itself
            raise
        refuse("path", f"a file that {runtime} can read ({first_line(error)})", str(path))
    return Loaded(place, runtime, session, card, threads, batch, top)


class Loaded:
    """A trained net that is ready for images. It is made by `load`.

    Several threads may call it at once. `close`, or the end of a `with` block, frees its memory.

    Attributes:
        path: Path of the file or of the folder of the version.
        runtime: Name of the runtime.
        precision: "float32" or "bfloat16", in which it computes; None if nothing tells it.
        threads: Number of threads, or None if the runtime chose it.
        card: The model card, a dict; None if there is none.
        shape: Shape of an image, (height, width, channels), None for a free side; or None if it is not known.
        class_names: Names of the classes, or their numbers; None if even their count is not known.
        batch: Number of images that are computed at once, at most.
        top: Number of classes that are named for each image, at most.
    """

    path: pathlib.Path
    runtime: str
    precision: str | None
    threads: int | None
    card: dict[str, Any] | None
    shape: tuple[int | None, ...] | None
    class_names: tuple[str, ...] | None
    batch: int
    top: int

    def __init__(self, path, runtime, session, card, threads, batch, top):
        self.path, self.runtime, self.threads, self.batch, self.top = path, runtime, threads, batch, top
        self.card = card or session.card
        self.known = self.card or {}
        self.precision = session.precision or self.known.get("precision")
        self.shape = session.shape
        self.threshold = self.known.get("threshold")
        self.class_names = self.names = None
        if "classes" in self.known:
            self.set_names(self.known["classes"])
        self.session = session

    def __call__(self, images: Any) -> dict[str, np.ndarray]:
        """Computes what the net says of images.

        Args:
            images: An array of numbers, (n, height, width, channels), values 0..255. Or the path of a JPEG or
                PNG file, or its content as bytes, or a list of these, in which there may be arrays, (height,
                width, channels), too. Files may have any size up to 25 megapixels; they are resized and
                cropped as for `serving_bytes` of `export`.

        Returns:
            Arrays by name: `probabilities`, float32, (n, classes); `logits`, of the same shape, where the net
            has them; for the most likely classes, best first, their names `classes` and their `scores`,
            (n, top). For a net with a threshold also the names of the `labels` whose probability reaches it,
            (n, most), best first; "" fills the rows of images with fewer. Of a net of one score, which tells
            class 1 from class 0, `probabilities` and `logits` have one column, and `labels` has the name of
            class 1 from the threshold on, or else that of class 0.

        Raises:
            ValueError: The images are not allowed.
            RuntimeError: The net is closed.
        """
        session = self.session
        if session is None:
            raise RuntimeError(f"the net of {self.path} is closed")
        if self.is_batch(images):
            return self.named(session.run(checked(images)))  # the same as below, in less time
        return self.named(runtimes.joined([session.run(part) for part in self.parts(images)]))

    def is_batch(self, images):
        """Whether images are an array of numbers of the right shape that is computed at once."""
        return (
            type(images) is np.ndarray
            and images.dtype.kind in "uif"
            and images.shape[1:] == self.shape
            and 0 < len(images) <= self.batch
        )

    def parts(self, images):
        """Yields the images in batches: float32 arrays."""
        if is_file(images):
            images = [images]
        if isinstance(images, (list, tuple)) and any(map(is_file, images)):
            yield from self.decoded(images)
            return
        images = numbers(images)
        if self.shape and not fits(images.shape, self.shape):
            refuse("images", f"an array of shape (n, {', '.join(map(str, self.shape))})", images.shape)
        if not images.size:
            refuse("images", "one or more images of finite numbers", images.shape)
        for i in range(0, len(images), self.batch):
            yield checked(images[i : i + self.batch])

    def decoded(self, items):
        """Yields the images of files and arrays in batches: float32 arrays."""
        if self.shape is None or len(self.shape) != 3 or None in self.shape or self.shape[2] not in (1, 3):
            words = "an array, since files need a net with fixed sides and 1 or 3 channels"
            refuse("images", words, f"files for a net of {self.shape}")
        size, channels = self.shape[:2], self.shape[2]
        sizing = image_files.make_sizing(self.known.get("input", {}).get("sizing") or ("center_crop", {}))

        def one(item):
            if not is_file(item):
                return array_of(item, self.shape)
            image = sizing(image_files.decode(content_of(item), channels), size)
            if image.shape != self.shape:
                raise ValueError(f"an image that has the shape {image.shape} when resized, not {self.shape}")
            return image

        for i in range(0, len(items), self.batch):
            yield np.ascontiguousarray(np.stack(every(one, items[i : i + self.batch], i)))

    def named(self, given):
        """The outputs with the names of the classes: arrays by name."""
        probabilities = given["probabilities"]
        shares = of_all_classes(probabilities)
        if self.names is None:
            self.set_names(shares.shape[1])
        elif len(self.names) != shares.shape[1]:
            words = f"of a file with the model card of another net: it has {shares.shape[1]} classes"
            raise ValueError(
                f"`path` is {words}, its card {len(self.names)}. Received: path={str(self.path)!r}"
            )
        places, given["scores"] = best(shares, self.top)
        given["classes"] = self.names.take(places)
        if self.threshold is not None:
            given["labels"] = predicted_labels(probabilities, self.threshold, self.names)
        return given

    def set_names(self, classes):
        """Sets the names of the classes, or their numbers if they have no names."""
        names = self.known.get("class_names") or ()
        self.class_names = tuple(names) if len(names) == classes else tuple(map(str, range(classes)))
        self.names = np.array(self.class_names)

    def close(self) -> None:
        """Frees what was opened. Later calls raise a RuntimeError; calls that run now finish."""
        self.session = None

    def __enter__(self) -> Loaded:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{self.path} on {self.runtime} in {self.precision}>"


def numbers(images):
    """The images as an array of numbers."""
    try:
        x = np.asarray(images)
        x = x.astype(FLOAT) if x.dtype.kind in "bO" else x  # truth values, or numbers as Python has them
    except (ValueError, TypeError, OverflowError):
        x = None
    if x is None or x.dtype.kind not in "uif":
        refuse("images", "an array of numbers", type(images).__name__)
    return x


def checked(images):
    """Images of numbers as contiguous float32, unless they are not finite."""
    with np.errstate(over="ignore", invalid="ignore"):  # large numbers and their sum become infinity
        x = np.ascontiguousarray(images, FLOAT)
        if images.dtype.kind == "f" and not is_finite(x):
            refuse("images", "one or more images of finite numbers", "NaN or infinity")
    return x


def is_file(item):
    """Whether an image is given as the path or the content of a file."""
    return isinstance(item, (str, os.PathLike, bytes))


def array_of(item, shape):
    """The array of an image among files, float32.

    Raises:
        ValueError: It is no array of this shape, or not finite. The message is the end of a sentence.
    """
    try:
        image = numbers(item)
    except ValueError:
        image = np.empty(0)
    if image.shape != shape:
        raise ValueError(f"neither a file nor an array of shape {shape}")
    try:
        return checked(image)
    except ValueError:
        raise ValueError("an array with NaN or infinity") from None


def content_of(item):
    """The content of a file, given its path or its content."""
    if isinstance(item, bytes):
        return item
    try:
        return pathlib.Path(item).read_bytes()
    except OSError as error:
        raise ValueError(f"a file that cannot be read ({error.strerror})") from None
    except ValueError as error:  # of the path
        raise ValueError(f"a file that cannot be read ({error})") from None


def every(function, items, first):
    """The results of a function for items, which threads compute.

    Args:
        function: The function. Its ValueErrors say what is wrong with an item, as the end of a sentence.
        items: The items.
        first: Number of the first item.

    Raises:
        ValueError: Some items are bad. The message names their numbers.
    """
    wrong = {}

    def tried(number, item):
        try:
            return function(item)
        except ValueError as error:
            wrong[number] = str(error)

    places = range(first, first + len(items))
    if len(items) == 1:
        results = [tried(first, items[0])]
    else:
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            results = list(pool.map(tried, places, items))
    if wrong:
        bad = min(wrong)
        same = " ".join(str(n) for n in places if wrong.get(n) == wrong[bad])
        item = items[bad - first]
        name = f". Received: {os.fspath(item)!r}" if isinstance(item, (str, os.PathLike)) else ""
        raise ValueError(f"`images`[{same}] is {wrong[bad]}{name}")
    return results


def is_finite(x):
    """Whether all values of an array are finite. They are if their sum is, which is faster to compute."""
    return math.isfinite(np.add.reduce(x, axis=None)) or bool(np.isfinite(x).all())


def fits(shape, allowed):
    """Whether the shape of a batch is that of images of an allowed shape, in which None is a free side."""
    return len(shape) == len(allowed) + 1 and all(
        a in (None, b) for a, b in zip(allowed, shape[1:], strict=True)
    )


def of_all_classes(probabilities):
    """Probabilities of all classes, (n, classes), for a net that may give that of class 1 alone."""
    if probabilities.shape[1] > 1:
        return probabilities
    return np.concatenate([1 - probabilities, probabilities], axis=1)


def best(shares, top):
    """The classes with the highest probabilities, best first, the lower number first among equals.

    Args:
        shares: Probabilities, (n, classes).
        top: Number of classes, at most as many as there are.

    Returns:
        Numbers of the classes and their probabilities, (n, top).
    """
    top = min(top, shares.shape[1])
    if top > FEW:
        places = np.argsort(-shares, axis=1, kind="stable")[:, :top]
        return places, np.take_along_axis(shares, places, axis=1)
    places, scores = np.empty((len(shares), top), "int64"), np.empty((len(shares), top), FLOAT)
    for i, rest in enumerate(shares.copy()):
        for j in range(top):
            places[i, j] = place = rest.argmax()
            scores[i, j] = rest[place]
            rest[place] = -1
    return places, scores


def predicted_labels(probabilities, threshold, names):
    """Names of the labels that are predicted for each image, the most probable first, (n, most)."""
    predicted = probabilities >= np.float32(threshold)
    if probabilities.shape[1] == 1:
        return names[predicted.astype("int64")]
    order = np.argsort(-probabilities, axis=1, kind="stable")
    found = np.where(np.take_along_axis(predicted, order, axis=1), names[order], "")
    return found[:, : predicted.sum(axis=1).max()]


def chosen_precision(precision, path, runtime, card):
    """The precision in which a runtime is to compute; None if only the file knows.

    Raises:
        ValueError: The runtime does not have it, or a SavedModel was exported in another one.
    """
    known = runtimes.RUNTIMES[runtime].precisions
    if precision not in (None, *known):
        refuse("precision", f"None or one of {', '.join(map(repr, known))} for {runtime}", precision)
    exported = card.get("precision") if path.is_dir() else None
    is_fixed = runtime == "tensorflow" or exported == "bfloat16"
    if precision is not None and is_fixed and precision != (exported or "float32"):
        words = f"None or {exported or 'float32'!r} for this folder; export the net with {precision!r}"
        refuse("precision", words, precision)
    return precision or exported


def check_path(path, argument="path"):
    """Refuses what is neither the folder of a version nor a file with an ending of `runtimes.ENDINGS`."""
    if path.is_dir() and not (path / SAVED_MODEL).is_file():
        inside = sorted(p.name for p in path.glob("[!.]*") if p.is_dir() or p.suffix in runtimes.ENDINGS)
        refuse(argument, f"the folder of a version, or a file; this folder has {inside}", str(path))
    if not path.is_dir() and (not path.exists() or path.suffix not in runtimes.ENDINGS):
        words = f"the folder of a version, or a file {', '.join(runtimes.ENDINGS)}, that exists"
        refuse(argument, words, str(path))


def ending_of(path):
    """The ending of a file, or "" of a folder."""
    return "" if path.is_dir() else path.suffix


def model_card(path):
    """The model card of the folder of a version or of a file: a dict, or None if it is not there.

    Raises:
        ValueError: It is no model card that this package has written.
    """
    place = versions.card_path(path)
    if not place.exists():
        return None
    card = files.read_json(place)
    wrong = wrong_entry(card)
    if wrong:
        raise ValueError(f"{place} is damaged: it is no model card{wrong}")
    return card


def wrong_entry(card):
    """What is wrong with the content of a model card, as the end of a sentence; "" if nothing is."""
    if not isinstance(card, dict):
        return ", which is a dict"
    given = card.get("input", {})
    sizing = given.get("sizing") if isinstance(given, dict) else ""
    names, threshold, classes = (card.get(key) for key in ("class_names", "threshold", "classes"))
    is_list = isinstance(names, list) and all(isinstance(name, str) for name in names)
    allowed = {
        "input": isinstance(given, dict),
        "sizing": sizing is None or is_sizing(sizing),
        "classes": "classes" not in card or is_int(classes, 1),
        "class_names": names is None or is_list,
        "threshold": threshold is None or is_number(threshold),
    }
    return next((f" with {key!r} like this" for key, is_right in allowed.items() if not is_right), "")


def is_sizing(row):
    """Whether something is a row as `image_files.make_sizing` takes it."""
    if not isinstance(row, (list, tuple)) or len(row) != 2 or not isinstance(row[1], dict):
        return False
    name, options = row
    if not isinstance(name, str) or name not in image_files.SIZINGS:
        return False
    known = list(inspect.signature(image_files.SIZINGS[name]).parameters)[2:]  # after the image and its size
    allowed = {
        "shorter": lambda value: value is None or is_int(value, 1),
        "interpolation": lambda value: value in list(image_files.KERNELS),
        "antialias": lambda value: isinstance(value, bool),
    }
    return all(key in known and allowed[key](value) for key, value in options.items())


def version_at(path, runtime=None):
    """The path of an export: that of the newest version, given the folder of a model; else `path` itself.

    Args:
        path: The folder of a model or of a version, or a file.
        runtime: Name of the runtime that is to read it; None if any may.

    Returns:
        The folder of a SavedModel or a file, unless there is none: then `path`.
    """
    path = pathlib.Path(path)
    if not path.is_dir():
        return path
    known = runtimes.RUNTIMES[runtime].endings if runtime else ("", *runtimes.ENDINGS)
    return next((p for p in models_in(path) if ending_of(p) in known), path)


def models_in(folder):
    """Paths of the SavedModels and files in the folder of a version or of a model, the newest version first.

    Of one version, a SavedModel comes first, and files of 8 bits last.
    """
    if (folder / SAVED_MODEL).is_file():
        return [folder]
    found = []
    for path in folder.iterdir():
        number = re.fullmatch(rf"(\d+){versions.ANY_ENDING}", path.name)
        if path.is_dir():
            inside = models_in(path) if number and not number[2] else []
        else:
            inside = [path] if path.suffix in runtimes.EXPORTED else []
        found += [(-int(number[1]) if number else 0, p.is_file(), "-" in p.name, p) for p in inside]
    return [found_path for *_, found_path in sorted(found)]


def first_line(error):
    """The first line of an error's message that tells something, or its type if it has none."""
    lines = [line.strip() for line in str(error).splitlines()]
    lines = [line for line in lines if line and not re.match(PLACE, line)]
    return next(iter(lines), type(error).__name__)
