"""The named signatures of an export."""

import tensorflow as tf

from kerasnets import files
from kerasnets.serving import images

IMAGES, BYTES, FEATURES = "serving_default", "serving_bytes", "features"


def names_table(path, names):
    """A table of the names of classes by number; its file goes with an export as an asset.

    Args:
        path: File to write the names to, one a line.
        names: The names in their order.

    Returns:
        A table: int64 in, string out.
    """
    files.write_text(path, "".join(f"{name}\n" for name in names))
    lines = tf.lookup.TextFileIndex
    rows = tf.lookup.TextFileInitializer(
        str(path), tf.int64, lines.LINE_NUMBER, tf.string, lines.WHOLE_LINE, vocab_size=len(names)
    )
    return tf.lookup.StaticHashTable(rows, default_value="")


def endpoints(run, net, table, image_bytes, top, shorter):
    """Functions of tensors that give dicts, and the specs of their one input, by name of the signature.

    Args:
        run: tf.function of images that gives all that is served.
        net: The `Net`.
        table: Names of the classes, of `names_table`.
        image_bytes: As `export` takes it.
        top: Likewise, no more than there are classes.
        shorter: Likewise.
    """

    def serve(images):
        return {name: x for name, x in run(images).items() if name != "features"}

    def serve_bytes(image_bytes):
        probabilities = run(images.decoded(image_bytes, net.shape, shorter))["probabilities"]
        scores, places = tf.math.top_k(probabilities, top)
        return {
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
