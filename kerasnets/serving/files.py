"""Models written as files of other runtimes, whole or not at all, beside the versions for TF Serving."""

import os
import pathlib
from importlib import metadata

import keras
import numpy as np

from kerasnets.checks import refuse
from kerasnets.serving import card, formats, nets, versions
from kerasnets.serving.calibration import ALLOWED, collect
from kerasnets.serving.export import AGREES, check_bytes, check_flags, check_names, sample

BATCH = 32  # images that are compared at once
FINITE = 1e30  # how far a file that is not exact may be from Keras


def export_file(
    model,
    root,
    format,
    name=None,
    version=None,
    *,
    preprocess=None,
    class_names=None,
    from_logits=None,
    optimize=None,
    calibration=None,
    shorter=None,
    results=None,
):
    """Writes a model as a file of another runtime: root/name/version, and the format's ending.

        onnx          3.onnx            read by onnxruntime
        litert        3.tflite          by ai-edge-litert, once TensorFlow Lite
        litert_int8   3-int8.tflite     likewise; weights of a quarter the size, less exact
        openvino      3.xml and 3.bin   by OpenVINO, which reads the folders of `export` too

    A file takes what "serving_default" of `export` takes, `images`, float32, (n, height, width, channels),
    values 0..255, and gives the same `probabilities` and `logits`; scaling is inside, and n is free: LiteRT's
    signature runner resizes for it, its plain interpreter by `resize_tensor_input`. What is no number is not
    refused here. Beside it is a model card, such as 3.onnx.json. TF Serving passes over names that are no
    numbers, so that a model may have both.

    A version is there whole or not at all, as with `export`: it is written aside, read by its runtime,
    compared with what Keras predicts, flushed to the disk and then renamed.

    All families of this package leave in all formats, but C3D in none of LiteRT's, which has no MaxPooling3D
    and no AveragePooling3D. `python recipes/benchmark.py formats` tries them.

    In "litert_int8" weights and values have 8 bits, whose ranges the calibration images tell; what LiteRT has
    in float32 alone, as local response normalisation, stays in it. Its probabilities are multiples of 1/256.
    It is not refused for being less exact: the card has `top1_agreement`, the share of the calibration images
    that get the class that Keras gives them. A layer that gives zeros alone for all of them has no range, and
    LiteRT refuses it.

    Args:
        model: As `export` takes it.
        root: Folder of all models.
        format: "onnx", "litert", "litert_int8" or "openvino".
        name: Name of the model; None stands for its own.
        version: Its number; None stands for the one after the last of any format.
        preprocess: As `export` takes it.
        class_names: Names of the classes for the model card, in their order, or None.
        from_logits: As `export` takes it.
        optimize: Whether to fold batch normalisation and to leave out what only training needs. None does so
            if the folded net gives the same outputs to 1e-5. Weights are constants in any case.
        calibration: For "litert_int8", which needs it, images as the net will see them, a few hundred, at
            most 2,000, unscaled: an array, (n, height, width, channels), values 0..255; or batches of such,
            each an array, or a tuple with that first, as `kerasnets.data.stream` gives them; or the path of a
            .npy file with such an array, or of a folder of JPEG and PNG files.
        shorter: As `export` takes it, for the files of such a folder.
        results: Training results for the model card, as JSON holds them.

    Returns:
        pathlib.Path of the file; of OpenVINO's, the .xml.

    Raises:
        ValueError: An argument is not allowed; nothing is written then.
        ModuleNotFoundError: A package that writes or reads the format is not installed.
        OSError: The root cannot be written to, or has no room; what was written is removed.
        RuntimeError: The runtime does not take the net, or does not give what Keras gives; what was written
            is removed.

    Source: of int8, Jacob et al. 2018, arXiv:1712.05877.
    """
    if keras.backend.backend() != "tensorflow":
        refuse("KERAS_BACKEND", "tensorflow for `export_file`", keras.backend.backend())
    row = formats.find(format)
    net = nets.net_of(model, preprocess, from_logits)
    formats.check_layers(format, net.model)
    name = net.source.name if name is None else name
    root = pathlib.Path(root)
    versions.check_name(name)
    versions.check_version(root / name, version, row.ending)
    if optimize is not None:
        check_flags(optimize=optimize)
    check_names(class_names, net.classes)
    check_bytes(net.shape, False, 1, shorter)
    card.check(results)
    images = images_for(format, calibration, net.shape, shorter)

    net = nets.raised(net)
    served = net if optimize is False else nets.folded(net, images[:2], always=bool(optimize))
    with versions.staged(root / name) as part:
        path = part / f"{versions.STEM}{row.ending}"
        given = answers(format, served, path, images)
        known = card.card(net, name, images.shape[1:], class_names, results)
        known["versions"] |= {package: metadata.version(package) for package in row.packages}
        known |= {"format": format, "optimized": served.folded}
        known |= compared(format, name, batched(net.predict, images), given)
        card.write(card_of(path), known)
        return versions.publish_files(part, row.ending, version)


def card_of(path):
    """The path of the model card of a file."""
    return path.with_name(f"{path.name}.json")


def images_for(format, calibration, shape, shorter):
    """The images that a file is tried with: those for calibration, or two of noise.

    Raises:
        ValueError: There is no calibration where it is needed, or there is one where it is not.
    """
    if not formats.FORMATS[format].exact:
        if calibration is None:
            refuse("calibration", f"{ALLOWED}, for {format!r}", calibration)
        return collect(calibration, shape, shorter)
    if calibration is not None:
        refuse("calibration", f"None for {format!r}", shown(calibration))
    return sample(shape)


def shown(calibration):
    """What a message says of calibration images: a path, or what kind of object they are."""
    return calibration if isinstance(calibration, (str, os.PathLike)) else type(calibration).__name__


def answers(format, net, path, images):
    """Writes a net as a file, and gives what its runtime answers to images: a dict of arrays.

    Raises:
        RuntimeError: The format or its runtime does not take the net.
    """
    row = formats.FORMATS[format]
    try:
        row.write(net, path, images)
        return batched(row.reader(path), images)
    except (OSError, ImportError):
        raise
    except Exception as error:  # each library has its own
        first, *_ = str(error).strip().splitlines() or [type(error).__name__]
        raise RuntimeError(f"{format} does not take {net.source.name}: {first}") from error


def batched(function, images):
    """What a function gives for images, a few at once: a dict of arrays."""
    parts = [function(images[i : i + BATCH]) for i in range(0, len(images), BATCH)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def compared(format, name, expected, given):
    """What the model card says of how far a file is from Keras.

    Raises:
        RuntimeError: Further than its format allows.
    """
    exact = formats.FORMATS[format].exact
    given = {key: given.get(key) for key in expected}
    if not nets.same(expected, given, AGREES["float32"] if exact else FINITE):
        raise RuntimeError(f"{format} does not give what {name} gives")
    found = {
        "compared_images": len(given["probabilities"]),
        "largest_difference": nets.difference(expected, given),
    }
    return found if exact else found | {"top1_agreement": agreement(expected, given)}


def agreement(expected, given):
    """The share of images that get the same class; of a single score, whether it is above 0.5."""
    scores = [x["probabilities"] for x in (expected, given)]
    a, b = (x.argmax(1) if x.shape[1] > 1 else x[:, 0] > 0.5 for x in scores)
    return float(np.mean(a == b))
