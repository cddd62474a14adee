"""Export of models as files for other runtimes, beside the versions for TF Serving."""

import contextlib
import errno
import gc
import os
import pathlib
import tempfile
from collections.abc import Callable
from importlib import metadata
from typing import Any, Literal

import keras
import numpy as np

from kerasnets.checks import is_number, refuse
from kerasnets.serving import card, formats, layouts, nets, versions
from kerasnets.serving.calibration import (
    ALLOWED,
    MAX_DROP,
    Calibration,
    collect,
    is_same,
    labels_of,
    predicted,
)
from kerasnets.serving.images import make_sizing, sizing_row
from kerasnets.serving.load import first_line
from kerasnets.serving.runtimes import RUNTIMES, joined
from kerasnets.serving.saved_model import TOLERANCES, check_flags, names_of, sample

BATCH = 32  # images that are compared at once
ROOM = 2**14  # bytes that must be left on a disk that is not full
LARGE = 50_000_000  # weights of a net whose folded copy is worth the time to find it and to free it
FINITE = 1e30  # tolerance for quantized files: their values need only be finite


def export_file(
    model: keras.Model,
    root: str | os.PathLike,
    format: Literal["onnx", "litert", "litert_int8", "openvino", "openvino_int8"] | None = None,
    name: str | None = None,
    version: int | None = None,
    *,
    server: Literal["ovms", "triton"] | None = None,
    preprocess: Callable | str | None = None,
    class_names: list[str] | tuple[str, ...] | None = None,
    from_logits: bool | None = None,
    optimize: bool | None = None,
    calibration: Any = None,
    max_drop: float | None = None,
    image_bytes: bool = False,
    precision: Literal["float32", "bfloat16"] = "float32",
    shorter: int | None = None,
    interpolation: Literal["bilinear", "bicubic"] | None = None,
    antialias: bool | None = None,
    results: dict[str, Any] | None = None,
) -> pathlib.Path:
    """Writes a model as a file for another runtime: root/name/version with the ending of the format.

        onnx          3.onnx            for onnxruntime
        litert        3.tflite          for ai-edge-litert, formerly TensorFlow Lite
        litert_int8   3-int8.tflite     the same, quantized: weights take a quarter of the size, less accurate
        openvino      3.xml and 3.bin   for OpenVINO, which also reads the folders that `export` writes
        openvino_int8 3-int8.xml, .bin  the same, quantized: faster, and a quarter of the size

    A file has the inputs and outputs of the signature "serving_default" of `export`: it takes `images`,
    float32, (n, height, width, channels), values 0..255, and returns `probabilities` and `logits`. Scaling is
    part of it, and n is free: LiteRT's signature runner resizes its input, and its plain interpreter needs
    `resize_tensor_input`. NaN is not refused. A model card is written beside the file, such as 3.onnx.json.
    TF Serving ignores files whose names are not numbers, so a model may have versions of both kinds.

    A version is published atomically, as by `export`: it is written to a temporary folder, loaded by its
    runtime, compared with Keras, flushed to the disk and then renamed.

    With `server`, the file is that of a version as OpenVINO Model Server or Triton reads it:
    root/name/3/model.xml or model.onnx. The configuration of the server is written too, for all models of the
    root: config.json; or the config.pbtxt of each model, and labels.txt with the names of its classes, which
    Triton's answers have then. OpenVINO Model Server reports the names as `labels` of the model's metadata,
    with "_" for spaces. All other options in config.json are kept when it is written again. A root holds
    the models of one server. Both serve the newest version. Requests have any number of images; for files in
    int8 they have one, since others crash OpenVINO on processors with AMX.

    OpenVINO computes in bfloat16 on processors that have it, and its answers then differ from those of Keras,
    unless its option INFERENCE_PRECISION_HINT is "f32". `load` sets it, and the model card names it under
    `runtime_options`. onnxruntime and LiteRT compute in float32.

    All families of this package can be exported to all formats, except C3D to LiteRT, which has neither
    MaxPooling3D nor AveragePooling3D. `python recipes/benchmark.py formats` tests this.

    In "litert_int8" and "openvino_int8", weights and activations have 8 bits. The calibration images
    determine their ranges; OpenVINO takes up to 300 of them, evenly spaced. Operations that the runtime has
    only in float32, such as local response normalization, stay in float32. The file is not compared with
    Keras to a tolerance; instead, the card records `top1_agreement`, the share of calibration images for
    which it predicts the same class, or the same labels, as Keras. If they have labels, it also records
    `top1`, the share that is right, in float32 and in int8. LiteRT's probabilities are multiples of 1/256,
    and it refuses a layer that outputs only zeros for all calibration images, since it has no range.

    If the images of "openvino_int8" have labels, layers stay in float32 until at most `max_drop` is lost:
    first those that change the outputs most. The card names them under `float32_layers`.

    Args:
        model: Functional or sequential keras.Model of images or clips. It returns (batch, classes), or a dict
            with these as "predictions". For a `Distiller`, its student is exported.
        root: Folder of all models.
        format: "onnx", "litert", "litert_int8", "openvino" or "openvino_int8". None is "openvino" for
            OpenVINO Model Server and "onnx" for Triton.
        name: Name of the model; None for its own.
        version: Number of the version; None for the one after the last of any format.
        server: "ovms" for OpenVINO Model Server, "triton", or None for a file beside the versions for TF
            Serving. Both servers read "openvino", "openvino_int8" and "onnx".
        preprocess: How images of values 0..255 are scaled for the model: a function or a name, as for
            `export`.
        class_names: Names of the classes for the model card, in their order; None for those of the model's
            card.
        from_logits: Whether the model returns logits; None decides by its last layers.
        optimize: Whether to fold batch normalization and to drop layers that only training needs. None does
            so if the folded net's outputs differ by at most 1e-5. Weights are always constants.
        calibration: Images for the formats in int8, which require them: a few hundred like those that the net
            will see, at most 2,000, not scaled. An array, (n, height, width, channels), values 0..255; or
            batches of such arrays, or of tuples whose first element is one, as `kerasnets.data.stream` yields
            them; or the path of a .npy file with such an array; or the path of a folder of images of
            any format that `kerasnets.data.stream` reads. They have labels if this is a tuple (images,
            labels), or batches (images, labels), or a folder in which each image is in a folder with the name
            of a class. Labels are whole numbers, (n,), or zeros and ones, (n, classes), as they have to be
            for a net with a threshold.
        max_drop: For "openvino_int8" and labelled images: the largest share of them, right in float32, that
            may be wrong in int8, whatever others are right instead; None for 0.003.
        image_bytes: Whether OpenVINO Model Server decodes image files for the model, up to 32 in a request.
            It resizes a whole image without antialiasing, without a crop and without regard to EXIF, and
            refuses images without 3 channels. The file then takes `images` in the order of blue, green and
            red, as that server decodes them; `load` still takes RGB.
        precision: "float32" or "bfloat16", in which OpenVINO Model Server computes, until its config.json
            says otherwise. Triton's OpenVINO computes in bfloat16 where the processor has it, so it takes no
            other; its ONNX Runtime computes in float32.
        shorter: Length in pixels to which the shorter side of a calibration file's image is resized before
            the center crop.
        interpolation: "bilinear" or "bicubic", where a calibration file's image is resized.
        antialias: Whether shrinking a calibration file's image is antialiased. If this and the two arguments
            before it are None, images are resized as for `export`.
        results: Training results for the model card, which JSON can represent; None for those of the model's
            card.

    Returns:
        Path of the file; for OpenVINO, of the .xml file; with `server`, the folder of the version.

    Raises:
        ValueError: An argument is not allowed. Nothing is written.
        ModuleNotFoundError: A package that writes or reads the format is not installed.
        OSError: The root cannot be written to, or the disk is full. Files already written are removed.
        RuntimeError: The format or its runtime does not support the net, or the outputs differ from those of
            Keras. Files already written are removed.

    Source: Jacob et al. 2018, arXiv:1712.05877, for int8.
    """
    if keras.backend.backend() != "tensorflow":
        refuse("KERAS_BACKEND", "tensorflow for `export_file`", keras.backend.backend())
    net = nets.net_of(model, preprocess, from_logits)
    name = net.source.name if name is None else name
    root = versions.check_root(root)
    versions.check_name(name)
    format = layouts.check(server, format, name, net.shape, image_bytes, precision)
    row = formats.find(format)
    formats.check_model(format, net.model)
    layouts.check_root(root, server)
    versions.check_version(root / name, version, "" if server else row.ending)
    if optimize is not None:
        check_flags(optimize=optimize)
    names = names_of(net, class_names)
    sizing = sizing_row(net.shape, shorter, interpolation, antialias, net.card.sizing)
    card.check(results)
    calibration = calibrated(format, calibration, max_drop, net, make_sizing(sizing), names)
    images = calibration.images

    net = nets.in_float32(net)
    served = net if optimize is False else nets.folded(net, images[:2], always=bool(optimize))
    with versions.staged(root / name) as part:
        path = part / (layouts.file_name(format) if server else f"{versions.STEM}{row.ending}")
        with explained(format, net, part):
            found = row.write(served, path, calibration) or {}
            if server:
                layouts.describe(path, names, image_bytes)
            optimized = served.folded
            del served
            if net.model.count_params() > LARGE:
                gc.collect()
            given = batched(RUNTIMES[row.runtime].open(path, "float32", None).run, images)
        content = card.card(net, name, images.shape[1:], names, results, sizing)
        content["versions"] |= {package: metadata.version(package) for package in row.packages}
        content |= {"format": format, "optimized": optimized, "runtime_options": row.options}
        content |= compared(format, name, batched(net.predict, images), given, calibration) | found
        if server:
            content |= layouts.facts(server, format, net.shape, given, image_bytes, precision)
        card.write(versions.card_path(path), content)
        if not server:
            return versions.publish_files(part, row.ending, version)
        path = versions.publish(part, version)
    layouts.update(root, name)
    return path


def calibrated(format, calibration, max_drop, net, sizing, class_names):
    """The images that a file is tested with: the calibration images, or two images of noise.

    Returns:
        A `Calibration`.

    Raises:
        ValueError: Calibration images are missing, wrong, or given for a format that needs none.
    """
    threshold, labels = net.card.threshold, None
    if formats.FORMATS[format].exact:
        if calibration is not None:
            refuse("calibration", f"None for {format!r}", shown(calibration))
        images = sample(net.shape)
    elif calibration is None:
        refuse("calibration", f"{ALLOWED}, for {format!r}", calibration)
    else:
        images, labels = collect(calibration, net.shape, sizing, class_names)
    if labels is not None:
        labels = labels_of(labels, len(images), net.classes, threshold)
    if max_drop is not None and (not is_number(max_drop) or not 0 <= max_drop <= 1):
        refuse("max_drop", "None or a number from 0 to 1", max_drop)
    if max_drop is not None and (format != "openvino_int8" or labels is None):
        refuse("max_drop", "None, except for 'openvino_int8' and calibration images with labels", max_drop)
    return Calibration(images, labels, threshold, MAX_DROP if max_drop is None else max_drop)


def shown(calibration):
    """Calibration images as an error message names them: their path or their type."""
    return calibration if isinstance(calibration, (str, os.PathLike)) else type(calibration).__name__


@contextlib.contextmanager
def explained(format, net, folder):
    """A context in which the errors of libraries that write or run a file become errors of the export.

    Args:
        format: The format.
        net: The `Net`.
        folder: Folder of the file.

    Raises:
        OSError: The disk is full.
        RuntimeError: The format or its runtime does not support the net.
    """
    try:
        yield
    except (OSError, ImportError):
        raise
    except Exception as error:  # each library raises errors of its own
        check_room(folder, error)
        raise RuntimeError(f"{format} does not support {net.source.name}: {first_line(error)}") from error


def check_room(folder, error):
    """Raises an OSError if the error of a library may come from a full disk, which not all of them say."""
    if os.strerror(errno.ENOSPC) in str(error):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder)) from error
    for place in (folder, None):  # None is the folder of temporary files, where some libraries write first
        with tempfile.TemporaryFile(dir=place) as file:
            file.write(bytes(ROOM))


def batched(function, images):
    """Runs a function on images in batches, and concatenates its outputs: arrays by name."""
    return joined([function(images[i : i + BATCH]) for i in range(0, len(images), BATCH)])


def compared(format, name, expected, given, calibration=None):
    """Compares the outputs of a file with those of Keras.

    Args:
        format: The format of the file.
        name: Name of the net, for the message.
        expected: Arrays by name, of Keras.
        given: Arrays by name, of the file.
        calibration: The `Calibration` of a format that is not exact.

    Returns:
        Entries for the model card.

    Raises:
        RuntimeError: The outputs differ by more than the format allows.
    """
    exact = formats.FORMATS[format].exact
    given = {key: given.get(key) for key in expected}
    if not nets.same(expected, given, TOLERANCES["float32"] if exact else FINITE):
        raise RuntimeError(f"the outputs of {format} differ from those of {name}")
    found = {
        "compared_images": len(given["probabilities"]),
        "largest_difference": nets.difference(expected, given),
    }
    if exact:
        return found
    found["top1_agreement"] = agreement(expected, given, calibration and calibration.threshold)
    if calibration and calibration.labels is not None:
        found["top1"] = {"float32": calibration.accuracy(expected), "int8": calibration.accuracy(given)}
    return found


def agreement(expected, given, threshold=None):
    """The share of images with the same predicted class, or the same labels where there is a threshold.

    Args:
        expected: Arrays by name.
        given: Other arrays by name.
        threshold: As of `calibration.predicted`.
    """
    return float(np.mean(is_same(predicted(expected, threshold), predicted(given, threshold))))
