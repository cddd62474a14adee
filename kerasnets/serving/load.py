"""Loading of what `export` and `export_file` wrote, to run it."""

import os
import pathlib
from collections.abc import Callable
from typing import Literal

import numpy as np
import tensorflow as tf

from kerasnets import files
from kerasnets.checks import refuse
from kerasnets.serving import card, formats, versions
from kerasnets.serving.calibration import fits
from kerasnets.serving.files import card_path
from kerasnets.serving.signatures import IMAGES

# The runtimes that read files with an ending, "" being the folder of a version. The first is the default.
RUNTIMES = {
    "": ("tensorflow", "openvino"),
    ".onnx": ("onnxruntime", "openvino"),
    ".tflite": ("litert",),
    ".xml": ("openvino",),
}
ENDINGS = tuple(filter(None, RUNTIMES))
SAVED_MODEL = "saved_model.pb"  # in the folder of a version


def load(
    path: str | os.PathLike,
    runtime: Literal["tensorflow", "onnxruntime", "litert", "openvino"] | None = None,
    precision: Literal["f32", "bf16"] | None = None,
) -> Callable[[np.ndarray], dict[str, np.ndarray]]:
    """Loads what `export` or `export_file` wrote, to run it on the processor.

        answer = serving.load("saved_models/LeNet5/1.onnx")
        probabilities = answer(images)["probabilities"]

    Args:
        path: The folder of a version, or a file .onnx, .tflite or .xml.
        runtime: "tensorflow" for a folder, "onnxruntime" for .onnx, "litert" for .tflite, or "openvino" for
            all but .tflite. None is the first that reads the file.
        precision: "f32"; or "bf16" to let OpenVINO compute in bfloat16, as it does by itself on processors
            that have it: faster, and less exact. None is "f32", with which the outputs are those of Keras. A
            folder that was exported in bfloat16 stays so.

    Returns:
        A function from images, (n, height, width, channels), values 0..255, to arrays by name:
        `probabilities` and `logits`, float32, (n, classes).

    Raises:
        ValueError: An argument is not allowed, or the file cannot be read.
        ModuleNotFoundError: The runtime is not installed.
    """
    if not isinstance(path, (str, os.PathLike)):
        refuse("path", "a path", path)
    path = pathlib.Path(path)
    check_path(path)
    readers = RUNTIMES[path.suffix if path.is_file() else ""]
    runtime = readers[0] if runtime is None else runtime
    if runtime not in readers:
        refuse("runtime", f"None or one of {', '.join(map(repr, readers))} for this file", runtime)
    precisions = ("f32", "bf16") if runtime == "openvino" else ("f32",)
    if precision not in (None, *precisions):
        refuse("precision", f"None or one of {', '.join(map(repr, precisions))} for {runtime}", precision)
    try:
        run = reader(path, runtime, precision or "f32")
    except ImportError:
        raise
    except Exception as error:  # each library raises errors of its own
        refuse("path", f"a file that {runtime} can read ({formats.first_line(error)})", str(path))
    shape = shape_of(path)

    def answer(images):
        return run(checked(images, shape))

    return answer


def check_path(path, argument="path"):
    """Refuses what is neither the folder of a version nor a file with an ending of `RUNTIMES`."""
    if path.is_dir():
        if not (path / SAVED_MODEL).is_file():
            inside = sorted(p.name for p in path.glob("[!.]*") if p.is_dir() or p.suffix in RUNTIMES)
            refuse(argument, f"the folder of a version, or a file; this folder has {inside}", str(path))
    elif not path.is_file() or path.suffix not in RUNTIMES:
        words = f"the folder of a version, or a file {', '.join(ENDINGS)}, that exists"
        refuse(argument, words, str(path))


def checked(images, shape):
    """The images as an array, unless there are none, or some are not finite or not of a shape."""
    try:
        images = np.asarray(images, "float32")
    except (ValueError, TypeError):
        refuse("images", "an array of numbers", type(images).__name__)
    if shape and not fits(images.shape, shape):
        refuse("images", f"an array of shape (n, {', '.join(map(str, shape))})", images.shape)
    if not images.size or not np.isfinite(images.sum(dtype="float64")):
        refuse("images", "one or more images of finite numbers", f"{images.shape}, {images.sum()}")
    return images


def reader(path, runtime, precision):
    """A function that runs a file with a runtime: from images to arrays by name."""
    if runtime == "openvino":
        return formats.openvino_reader(path, precision)
    readers = {
        "tensorflow": saved_model_reader,
        "onnxruntime": formats.onnx_reader,
        "litert": formats.litert_reader,
    }
    return readers[runtime](path)


def saved_model_reader(path):
    """Loads the folder of a version into TensorFlow: a function from images to arrays by name."""
    loaded = tf.saved_model.load(str(path))

    def read(images):
        given = loaded.signatures[IMAGES](images=tf.constant(images))
        return {name: x.numpy() for name, x in given.items()}

    return read


def shape_of(path):
    """The shape of an image, from the model card; None if it is not there."""
    known = model_card(path)
    return known["input"]["shape"] if known else None


def model_card(path):
    """The model card of the folder of a version or of a file: a dict, or None if it is not there."""
    place = path / card.FILE if path.is_dir() else card_path(path)
    return files.read_json(place) if place.exists() else None


def version_at(path):
    """The path of an export: that of the newest version, given the folder of a model; else `path` itself."""
    path = pathlib.Path(path)
    inside = versions.versions(path)
    return path / str(inside[-1]) if inside else path
