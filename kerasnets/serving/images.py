"""Decoding of image files inside the graph. Errors name the position of a bad file in its batch."""

import functools

import tensorflow as tf

from kerasnets.checks import check_interpolation, is_int, refuse
from kerasnets.data import decoding, transforms

MAX_PIXELS = 25_000_000  # of a file's image, which takes 75 MB when decoded


def make_sizing(shape, shorter, interpolation, antialias):
    """The function that resizes and crops the image of a file, given arguments of `export`, once checked.

    Args:
        shape: Shape of the images that the net takes.
        shorter: Length in pixels of the shorter side before the center crop; None for the longer side of
            `shape`.
        interpolation: "bilinear" or "bicubic".
        antialias: Whether shrinking is antialiased.
    """
    if shorter is not None and (not is_int(shorter, 1) or shorter < max(side or 0 for side in shape[:2])):
        refuse("shorter", f"None or a whole number of pixels, at least the sides of {shape}", shorter)
    check_interpolation(interpolation, antialias)
    return functools.partial(
        transforms.center_crop, shorter=shorter, interpolation=interpolation, antialias=antialias
    )


def decoded(encoded, shape, sizing=transforms.center_crop, max_pixels=MAX_PIXELS):
    """Decodes files of any size into images of one size, as `kerasnets.data.stream` does for test images.

    Args:
        encoded: String tensor, (n,), JPEG or PNG files.
        shape: (height, width, 1 or 3) of the images.
        sizing: Function that resizes and crops an image, as `make_sizing` returns it.
        max_pixels: Largest number of pixels; larger files are refused before they are decoded.

    Returns:
        float32 tensor, (n, *shape), values 0..255.
    """
    *size, channels = shape

    def one(numbered):
        number, file = numbered
        with tf.control_dependencies(checks(number, file, max_pixels)):
            image = decoding.decode(file, channels)
        return tf.ensure_shape(sizing(image, None, size), shape)

    spec = tf.TensorSpec(shape, tf.float32)
    return tf.map_fn(one, (tf.range(tf.size(encoded)), encoded), fn_output_signature=spec)


def checks(number, file, max_pixels):
    """Assertions that a file is a JPEG or PNG and not too large."""
    name = tf.strings.format("`image_bytes`[{}]", number)
    known = tf.debugging.Assert(
        decoding.is_native(file),
        [name, "is neither a JPEG nor a PNG file; it has", tf.strings.length(file), "bytes"],
    )
    with tf.control_dependencies([known]):
        is_jpeg = decoding.starts_with(file, decoding.JPEG)
        pixels = tf.cond(is_jpeg, lambda: jpeg_pixels(file), lambda: png_pixels(file))
    small = tf.debugging.Assert(
        pixels <= max_pixels, [name, "has", pixels, f"pixels; at most {max_pixels} are taken"]
    )
    return known, small


def jpeg_pixels(file):
    """Number of pixels of a JPEG file, read from its header."""
    return tf.reduce_prod(tf.cast(tf.io.extract_jpeg_shape(file)[:2], tf.int64))


def png_pixels(file):
    """Number of pixels of a PNG file, read from its header."""
    return decoding.number(file, 16, 4) * decoding.number(file, 20, 4)
