"""The named signatures of an export."""

import tensorflow as tf

from kerasnets import files
from kerasnets.serving import images
from kerasnets.serving.runtimes import SIGNATURE as IMAGES

BYTES, FEATURES = "serving_bytes", "features"


def names_table(path, names):
    """Makes a lookup table of class names by number, whose file an export contains as an asset.

    Args:
        path: File to write the names to, one per line.
        names: The names in their order.

    Returns:
        A table from int64 to string.
    """
    files.write_text(path, "".join(f"{name}\n" for name in names))
    lines = tf.lookup.TextFileIndex
    rows = tf.lookup.TextFileInitializer(
        str(path), tf.int64, lines.LINE_NUMBER, tf.string, lines.WHOLE_LINE, vocab_size=len(names)
    )
    return tf.lookup.StaticHashTable(rows, default_value="")


def of_all_classes(probabilities):
    """Probabilities of all classes, (n, classes), for a net that may give that of class 1 alone."""
    if probabilities.shape[-1] > 1:
        return probabilities
    return tf.concat([1 - probabilities, probabilities], axis=1)


def predicted_labels(probabilities, threshold, table):
    """Names of the labels that are predicted for each image, the most probable first, strings (n, most).

    Args:
        probabilities: Those of the labels, (n, labels). A single one is that of class 1 against class 0.
        threshold: The least probability of a predicted label.
        table: Names of the classes, as `names_table` returns them.

    Returns:
        As many columns as the image with the most labels has; "" where an image has fewer. Of a single label,
        one column: the name of the class.
    """
    predicted = probabilities >= threshold
    if probabilities.shape[-1] == 1:
        return table.lookup(tf.cast(predicted, tf.int64))
    order = tf.argsort(probabilities, direction="DESCENDING", stable=True)
    names = table.lookup(tf.cast(order, tf.int64))
    names = tf.where(tf.gather(predicted, order, batch_dims=1), names, "")
    return names[:, : tf.reduce_max(tf.reduce_sum(tf.cast(predicted, tf.int32), axis=1))]


def endpoints(run, net, table, image_bytes, top, sizing):
    """The signatures of an export.

    Args:
        run: tf.function from images to all served outputs.
        net: The `Net`.
        table: Names of the classes, as `names_table` returns them.
        image_bytes: Whether to add the signature "serving_bytes".
        top: Number of classes that "serving_bytes" names, at most as many as there are.
        sizing: Function that resizes and crops the image of a file, as `images.make_sizing` returns it.

    Returns:
        A dict by name of the signature: the function, which takes one tensor and returns tensors by name, and
        the tf.TensorSpec of its input.
    """

    def serve(images):
        return {name: x for name, x in run(images).items() if name != "features"}

    def serve_bytes(image_bytes):
        probabilities = run(images.decoded(image_bytes, net.shape, sizing))["probabilities"]
        scores, places = tf.math.top_k(of_all_classes(probabilities), top)
        threshold = net.card.threshold
        labels = {} if threshold is None else {"labels": predicted_labels(probabilities, threshold, table)}
        return labels | {
            "probabilities": probabilities,
            "classes": table.lookup(tf.cast(places, tf.int64)),
            "scores": scores,
        }

    batch = tf.TensorSpec((None, *net.shape), tf.float32, name="images")
    result = {IMAGES: (serve, batch)}
    if image_bytes:
        result[BYTES] = (serve_bytes, tf.TensorSpec([None], tf.string, name="image_bytes"))
    if "features" in net.model.output:
        result[FEATURES] = (lambda images: {"features": run(images)["features"]}, batch)
    return result
