"""Export of models as SavedModels with named signatures, published atomically."""

import os
import pathlib
import tempfile
from collections.abc import Callable
from typing import Any, Literal

import keras
import numpy as np
import tensorflow as tf

from kerasnets.checks import is_int, refuse
from kerasnets.serving import card, configs, images, layouts, nets, records, signatures, versions
from kerasnets.serving.candidates import noise
from kerasnets.weights.card import are_names

PRECISIONS = ("float32", "bfloat16")
# Largest difference allowed between an export and Keras, relative to the largest value. In bfloat16, where
# rounding depends on the order of summation, Keras computes in bfloat16 too.
TOLERANCES = {"float32": 1e-4, "bfloat16": 0.05}
NAMES = "class_names.txt"


def export(
    model: keras.Model,
    root: str | os.PathLike,
    name: str | None = None,
    version: int | None = None,
    *,
    preprocess: Callable | str | None = None,
    class_names: list[str] | tuple[str, ...] | None = None,
    image_bytes: bool = False,
    warmup: int = 0,
    top: int = 5,
    shorter: int | None = None,
    interpolation: Literal["bilinear", "bicubic"] | None = None,
    antialias: bool | None = None,
    features: bool = False,
    from_logits: bool | None = None,
    optimize: bool | None = None,
    precision: Literal["float32", "bfloat16"] = "float32",
    results: dict[str, Any] | None = None,
) -> pathlib.Path:
    """Writes a model as a version that TF Serving serves: root/name/version.

    The signature "serving_default" takes `images`, float32, (n, height, width, channels), values 0..255. It
    returns `probabilities` and `logits`, (n, classes); of a net of one score those of class 1, (n, 1). NaN
    and infinity are refused. With `image_bytes`, the signature "serving_bytes" takes `image_bytes`, strings,
    (n,): JPEG or PNG files of any size up to 25 megapixels. It returns `probabilities` and, for the `top`
    most likely classes, best first, their names `classes` and their `scores`. With `features`, the signature
    "features" takes `images` and returns `features`, (n, values).

    If the net's card has a `threshold`, its scores are independent labels, any number of which an image may
    have: `probabilities` are then sigmoids. "serving_bytes" returns, also as strings, the `labels` whose
    probability is at least the threshold, (n, most), best first; "" fills the rows of images with fewer. Of a
    net of one score, `labels` has the name of class 1 from the threshold on, or else that of class 0.

    A version is published atomically, even if the process is killed or the disk is full: it is written to a
    temporary folder, loaded and compared with Keras, flushed to the disk and then renamed. Concurrent
    exporters get different versions. A version contains assets/class_names.txt, assets.extra/model_card.json
    and any warm-up requests. The root contains models.config and batching.config for TF Serving, and the
    empty lock file .lock.

    Args:
        model: Functional or sequential keras.Model of images or clips. It returns (batch, classes), or a dict
            with these as "predictions". For a `Distiller`, its student is exported.
        root: Folder of all models.
        name: Name of the model; None for its own.
        version: Number of the version; None for the next.
        preprocess: How images of values 0..255 are scaled for the model: a function of tensors, such as a
            module's `preprocess_input`, or its name, "none", "unit", "tf", "torch", "caffe", "ucf101" or
            "lecun". None uses what is known of the model: what its card records; "none" if its layers scale;
            or else, for a net of this package and with a warning, the scaling of its `preprocess_input`.
        class_names: Names of the classes in their order; None for those of the model's card, or else their
            numbers.
        image_bytes: Whether to add the signature "serving_bytes".
        warmup: Number of warm-up requests to write for each signature.
        top: Number of classes that "serving_bytes" names.
        shorter: Length in pixels to which the shorter side of a file's image is resized before the center
            crop, such as 256.
        interpolation: "bilinear" or "bicubic", where a file's image is resized.
        antialias: Whether shrinking a file's image is antialiased, as by Pillow and PyTorch. If this and the
            two arguments before it are None, images are resized as the model's card says, or else to the
            longer side of the model's input, "bilinear" and antialiased.
        features: Whether to add the signature "features", which returns the input of the classifier.
        from_logits: Whether the model returns logits; None decides by its last layers, as
            `kerasnets.training.evaluate` does.
        optimize: Whether to fold batch normalization, or else to turn it into convolutions of 1x1, to drop
            layers that only training needs and to write weights as constants of the graph, which lets
            TensorFlow fuse layers. None does so if the changed net's outputs differ by at most 1e-5.
        precision: "float32"; or "bfloat16" to compute all but the logits in it. On processors with bfloat16
            instructions (avx512_bf16, amx_bf16), this is faster; on others it is slower. The model card
            records the largest difference of the probabilities, measured on two images of noise.
        results: Training results for the model card, which JSON can represent; None for those of the model's
            card.

    Returns:
        Path of the version.

    Raises:
        ValueError: An argument is not allowed or contradicts the model's card, or nothing says how the model
            takes its images. Nothing is written.
        OSError: The root cannot be written to, or the disk is full. Files already written are removed.
        RuntimeError: The export's outputs differ from the model's. The export is removed.
    """
    if keras.backend.backend() != "tensorflow":
        refuse("KERAS_BACKEND", "tensorflow for `export`", keras.backend.backend())
    net = nets.net_of(model, preprocess, from_logits, features)
    name = net.source.name if name is None else name
    root = versions.check_root(root)
    versions.check_name(name)
    layouts.check_root(root, None)
    versions.check_version(root / name, version)
    check_flags(image_bytes=image_bytes, features=features)
    if optimize is not None:
        check_flags(optimize=optimize)
    names = names_of(net, class_names)
    check_bytes(net.shape, image_bytes, top)
    row = images.sizing_row(net.shape, shorter, interpolation, antialias, net.card.sizing)
    sizing = images.make_sizing(row)
    if precision not in PRECISIONS:
        refuse("precision", f"one of {', '.join(map(repr, PRECISIONS))}", precision)
    records.check(warmup)
    card.check(results)

    samples = sample(net.shape)
    served = net
    if optimize is not False:
        served = nets.folded(net, samples, always=bool(optimize), convolutions=True)
    optimized = served.folded or bool(optimize)
    served = nets.in_bfloat16(served) if precision == "bfloat16" else served
    with tempfile.TemporaryDirectory() as place, versions.staged(root / name) as part:
        numbers = [str(i) for i in range(net.classes)]
        table = signatures.names_table(pathlib.Path(place) / NAMES, names or numbers)
        endpoints = signatures.endpoints(
            served.function(optimized), net, table, image_bytes, min(top, net.classes), sizing
        )
        save(part, endpoints, table)
        inputs = examples(samples, endpoints)
        check_written(part, net if precision == "float32" else served, inputs, sizing, TOLERANCES[precision])
        written = {
            "signatures": list(endpoints),
            "optimized": optimized,
            "precision": precision,
            "largest_difference": nets.difference(net.predict(samples), served.predict(samples)),
        }
        facts = card.card(net, name, samples.shape[1:], names, results, row)
        card.write(versions.card_path(part), facts | written)
        if warmup:
            records.write(part, name, inputs, warmup)
        path = versions.publish(part, version)
    configs.update(root)
    return path


def save(part, endpoints, table):
    """Writes signatures as a SavedModel.

    Args:
        part: The folder.
        endpoints: The signatures, as `signatures.endpoints` returns them.
        table: Names of the classes, as `signatures.names_table` returns them.

    Raises:
        OSError: It cannot be written.
    """
    archive = keras.export.ExportArchive()
    archive.track(table)
    for signature, (function, spec) in endpoints.items():
        archive.add_endpoint(signature, function, input_signature=[spec])
    try:
        archive.write_out(str(part), verbose=False)
    except tf.errors.OpError as error:
        raise OSError(f"{part.parent} cannot be written to: {error.message}") from error


def sample(shape):
    """Two images or clips of noise, to test a net with."""
    return noise(shape, 2)


def examples(samples, endpoints):
    """Test inputs for each signature: arrays by name."""
    inputs = {signature: {"images": samples[:1]} for signature in endpoints}
    if "serving_bytes" in endpoints:
        files = [tf.io.encode_png(image.astype("uint8")).numpy() for image in samples[:1]]
        inputs["serving_bytes"] = {"image_bytes": np.array(files, object)}
    return inputs


def check_written(part, net, inputs, sizing, tolerance):
    """Refuses a written version whose outputs differ from those of Keras.

    Args:
        part: Folder of the version.
        net: The `Net` to compare it with.
        inputs: Inputs of each signature, as `examples` returns them.
        sizing: Function that resizes and crops the image of a file, as `images.make_sizing` returns it.
        tolerance: Largest difference allowed, relative to the largest value.

    Raises:
        RuntimeError: The outputs differ.
    """
    loaded = tf.saved_model.load(str(part))
    for signature, arrays in inputs.items():
        given = loaded.signatures[signature](**{key: tf.constant(value) for key, value in arrays.items()})
        scaled = arrays.get("images")
        if scaled is None:
            scaled = images.decoded(tf.constant(arrays["image_bytes"]), net.shape, sizing).numpy()
        expected = {key: value for key, value in net.predict(scaled).items() if key in given}
        if not nets.same(expected, {key: given[key].numpy() for key in expected}, tolerance):
            raise RuntimeError(f"the outputs of {signature} differ from those of {net.source.name}")


def check_flags(**flags):
    """Refuses flags that are not True or False."""
    for flag, value in flags.items():
        if not isinstance(value, bool):
            refuse(flag, "True or False", value)


def names_of(net, class_names):
    """The names of a net's classes: the given ones, once checked, or those of its card, or None."""
    classes, known = net.classes, net.card.class_names
    known = known if known is not None and len(known) == classes else None
    if class_names is None:
        return known and list(known)
    names = class_names if isinstance(class_names, (list, tuple)) else ()
    if len(names) != classes or not are_names(names):
        refuse("class_names", f"None or a list of {classes} names of one line each", class_names)
    if known not in (None, tuple(names)):
        refuse("class_names", f"None or those of the card of {net.source.name}, {list(known)}", class_names)
    return list(names)


def check_bytes(shape, image_bytes, top):
    """Refuses `image_bytes` for nets that cannot take image files, and bad values of `top`."""
    if image_bytes is True and (len(shape) != 3 or None in shape or shape[-1] not in (1, 3)):
        refuse("image_bytes", f"False for a net of {shape}: it needs fixed sides and 1 or 3 channels", True)
    if not is_int(top, 1):
        refuse("top", "a whole number, at least 1", top)
