"""Models written as SavedModels with named signatures, whole or not at all."""

import pathlib
import tempfile

import keras
import numpy as np
import tensorflow as tf

from kerasnets.checks import is_int, refuse
from kerasnets.serving import card, configs, images, nets, records, signatures, versions

PRECISIONS = ("float32", "bfloat16")
# How far what was written may be from Keras, of the largest value; in bfloat16, where the order of summing
# shows, from a net that computes in it too.
AGREES = {"float32": 1e-4, "bfloat16": 0.05}
NAMES = "class_names.txt"
FREE_SIDE = 224  # pixels of a side that a net leaves free, for the images that an export is tried with


def export(
    model,
    root,
    name=None,
    version=None,
    *,
    preprocess=None,
    class_names=None,
    image_bytes=False,
    warmup=0,
    top=5,
    shorter=None,
    features=False,
    from_logits=None,
    optimize=None,
    precision="float32",
    results=None,
):
    """Writes a model as a version that TF Serving serves: root/name/version.

    The signature "serving_default" takes `images`, float32, (n, height, width, channels), values 0..255, and
    gives `probabilities` and `logits`, (n, classes); what is no number is refused. With `image_bytes`,
    "serving_bytes" takes `image_bytes`, strings, (n,): JPEG or PNG files of any size up to 25 megapixels; it
    gives `probabilities`, and of the `top` likeliest classes, best first, `classes`, their names, and
    `scores`. With `features`, "features" takes `images` and gives `features`, (n, values).

    A version is there whole or not at all, even if the process is killed or the disk is full: it is written
    into a folder beside, loaded and compared with what Keras predicts, flushed to the disk and then renamed.
    Exporters that run at once get versions of their own. A version has assets/class_names.txt, and
    assets.extra/ with model_card.json and the warmup requests; the root has models.config and
    batching.config, for TF Serving, and an empty file .lock, which keeps exporters apart.

    Args:
        model: Functional or sequential keras.Model of images, or clips, that gives (batch, classes), or a
            dict with these as "predictions"; of a `Distiller`, its student is taken.
        root: Folder of all models.
        name: Name of the model; None stands for its own.
        version: Its number; None stands for the next.
        preprocess: What makes of images of 0..255 what the model takes: a function of tensors, such as a
            module's `preprocess_input`, or its name, "none", "unit", "tf", "torch", "caffe", "ucf101" or
            "lecun". None stands for that of the net of this package that has the model's name, and for "none"
            where there is no such net.
        class_names: Names of the classes in their order; None stands for their numbers.
        image_bytes: Whether there is the signature "serving_bytes".
        warmup: How many warmup requests to write for each signature.
        top: How many classes "serving_bytes" names.
        shorter: Pixels that the shorter side of a file's image gets before the middle is cut out, such as
            256; None for as many as the longer side of the model's input has.
        features: Whether there is the signature "features": what the classifier reads.
        from_logits: Whether the model gives logits; None tells by its last layer, as
            `kerasnets.training.evaluate` does.
        optimize: Whether to fold batch normalisation, to leave out what only training needs and to write
            weights as constants of the graph, which TensorFlow's optimizer needs to fuse layers. None does so
            if the folded net gives the same outputs to 1e-5.
        precision: "float32", or "bfloat16" to compute in it all but the logits, which is faster on processors
            that have it (avx512_bf16, amx_bf16) for nets of large convolutions, and slower on others and for
            depthwise ones. The model card has the largest difference of the probabilities of two images of
            noise.
        results: Training results for the model card, as JSON holds them.

    Returns:
        pathlib.Path of the version.

    Raises:
        ValueError: An argument is not allowed; nothing is written then.
        OSError: The root cannot be written to, or has no room; what was written is removed.
        RuntimeError: What was written does not give what the model gives; it is removed.
    """
    if keras.backend.backend() != "tensorflow":
        refuse("KERAS_BACKEND", "tensorflow for `export`", keras.backend.backend())
    net = nets.net_of(model, preprocess, from_logits, features)
    name = net.source.name if name is None else name
    root = pathlib.Path(root)
    versions.check_name(name)
    versions.check_version(root / name, version)
    check_flags(image_bytes=image_bytes, features=features)
    if optimize is not None:
        check_flags(optimize=optimize)
    names = check_names(class_names, net.classes)
    check_bytes(net.shape, image_bytes, top, shorter)
    if precision not in PRECISIONS:
        refuse("precision", f"one of {', '.join(map(repr, PRECISIONS))}", precision)
    records.check(warmup)
    card.check(results)

    samples = sample(net.shape)
    served = net if optimize is False else nets.folded(net, samples, always=bool(optimize))
    optimized = served.folded or bool(optimize)
    served = nets.lowered(served) if precision == "bfloat16" else served
    with tempfile.TemporaryDirectory() as place, versions.staged(root / name) as part:
        table = signatures.names_table(pathlib.Path(place) / NAMES, names)
        endpoints = signatures.endpoints(
            served.function(optimized), net, table, image_bytes, min(top, net.classes), shorter
        )
        save(part, endpoints, table)
        inputs = examples(samples, endpoints)
        check_written(part, net if precision == "float32" else served, inputs, shorter, AGREES[precision])
        written = {
            "signatures": list(endpoints),
            "optimized": optimized,
            "precision": precision,
            "largest_difference": nets.difference(net.predict(samples), served.predict(samples)),
        }
        card.write(part / card.FILE, card.card(net, name, samples.shape[1:], class_names, results) | written)
        if warmup:
            records.write(part, name, inputs, warmup)
        path = versions.publish(part, version)
    configs.update(root)
    return path


def save(part, endpoints, table):
    """Writes signatures as a SavedModel.

    Args:
        part: The folder.
        endpoints: The signatures, of `signatures.endpoints`.
        table: Names of the classes, of `signatures.names_table`.

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
    """Two images, or clips, of noise to try a net with: float32, (2, *shape), whole values 0..255."""
    sides = [side or FREE_SIDE for side in shape]
    return np.random.default_rng(0).integers(0, 256, (2, *sides)).astype("float32")


def examples(samples, endpoints):
    """Inputs of each signature: arrays by name."""
    inputs = {signature: {"images": samples[:1]} for signature in endpoints}
    if "serving_bytes" in endpoints:
        files = [tf.io.encode_png(image.astype("uint8")).numpy() for image in samples[:1]]
        inputs["serving_bytes"] = {"image_bytes": np.array(files, object)}
    return inputs


def check_written(part, net, inputs, shorter, tolerance):
    """Refuses a version that does not give what Keras gives.

    Args:
        part: Folder of the version.
        net: The `Net` to compare it with.
        inputs: Inputs of each signature, of `examples`.
        shorter: As `export` takes it.
        tolerance: How far outputs may be apart, of the largest.

    Raises:
        RuntimeError: It does not.
    """
    loaded = tf.saved_model.load(str(part))
    for signature, arrays in inputs.items():
        given = loaded.signatures[signature](**{key: tf.constant(value) for key, value in arrays.items()})
        scaled = arrays.get("images")
        if scaled is None:
            scaled = images.decoded(tf.constant(arrays["image_bytes"]), net.shape, shorter).numpy()
        expected = {key: value for key, value in net.predict(scaled).items() if key in given}
        if not nets.same(expected, {key: given[key].numpy() for key in expected}, tolerance):
            raise RuntimeError(f"{signature} of what was written does not give what {net.source.name} gives")


def check_flags(**flags):
    """Refuses what is not True or False."""
    for flag, value in flags.items():
        if not isinstance(value, bool):
            refuse(flag, "True or False", value)


def check_names(class_names, classes):
    """The names of the classes: those that were given, checked, or their numbers."""
    if class_names is None:
        return [str(i) for i in range(classes)]
    names = class_names if isinstance(class_names, (list, tuple)) else ()
    if len(names) != classes or not all(isinstance(n, str) and n.strip() and n.isprintable() for n in names):
        refuse("class_names", f"None or a list of {classes} names of one line each", class_names)
    return list(names)


def check_bytes(shape, image_bytes, top, shorter):
    """Refuses image files for a net that does not take images of one size, and what they cannot be made."""
    if image_bytes is True and (len(shape) != 3 or None in shape or shape[-1] not in (1, 3)):
        refuse("image_bytes", f"False for a net of {shape}: sides are to be fixed and channels 1 or 3", True)
    if not is_int(top, 1):
        refuse("top", "a whole number, at least 1", top)
    if shorter is not None and (not is_int(shorter, 1) or shorter < max(side or 0 for side in shape[:2])):
        refuse("shorter", f"None or a whole number of pixels, at least the sides of {shape}", shorter)
