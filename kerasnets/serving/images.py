"""Decoding of image files inside the graph. Errors name the position of a bad file in its batch."""

import tensorflow as tf

from kerasnets.data.transforms import center_crop

JPEG, PNG = (0xFF, 0xD8, 0xFF), (0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A)
HEADER = 24  # bytes at the start of a PNG, with its signature, width and height
MAX_PIXELS = 25_000_000  # of a file's image, which takes 75 MB when decoded


def decoded(encoded, shape, shorter=None, max_pixels=MAX_PIXELS):
    """Decodes files of any size into images of one size, as `kerasnets.data.stream` does for test images.

    Args:
        encoded: String tensor, (n,), JPEG or PNG files.
        shape: (height, width, 1 or 3) of the images.
        shorter: Length in pixels to which the shorter side is resized before the center crop; None for the
            longer side of `shape`.
        max_pixels: Largest number of pixels; larger files are refused before they are decoded.

    Returns:
        float32 tensor, (n, *shape), values 0..255.
    """
    *size, channels = shape

    def one(numbered):
        number, file = numbered
        with tf.control_dependencies(checks(number, file, max_pixels)):
            image = tf.io.decode_png(file, channels)  # which decodes JPEG too
        image = tf.ensure_shape(center_crop(image, None, size, shorter), shape)
        return tf.cast(image, tf.float32)

    spec = tf.TensorSpec(shape, tf.float32)
    return tf.map_fn(one, (tf.range(tf.size(encoded)), encoded), fn_output_signature=spec)


def checks(number, file, max_pixels):
    """Assertions that a file is a JPEG or PNG and not too large."""
    head = tf.cast(tf.io.decode_raw(file, tf.uint8, fixed_length=HEADER), tf.int32)
    is_jpeg, is_png = (tf.reduce_all(head[: len(magic)] == magic) for magic in (JPEG, PNG))
    name = tf.strings.format("`image_bytes`[{}]", number)
    known = tf.debugging.Assert(
        is_jpeg | is_png, [name, "is neither a JPEG nor a PNG file; it has", tf.strings.length(file), "bytes"]
    )
    with tf.control_dependencies([known]):
        pixels = tf.cond(is_jpeg, lambda: jpeg_pixels(file), lambda: png_pixels(head))
    small = tf.debugging.Assert(
        pixels <= max_pixels, [name, "has", pixels, f"pixels; at most {max_pixels} are taken"]
    )
    return known, small


def jpeg_pixels(file):
    """Number of pixels of a JPEG file, read from its header."""
    return tf.reduce_prod(tf.cast(tf.io.extract_jpeg_shape(file)[:2], tf.int64))


def png_pixels(head):
    """Number of pixels of a PNG file, read from its first `HEADER` bytes."""
    sides = tf.reshape(tf.cast(head[16:24], tf.int64), (2, 4))
    return tf.reduce_prod(tf.reduce_sum(sides * [1 << 24, 1 << 16, 1 << 8, 1], axis=1))
