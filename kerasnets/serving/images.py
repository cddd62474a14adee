"""Decoding of image files inside the graph. Errors name the position of a bad file in its batch."""

import tensorflow as tf

from kerasnets.checks import check_interpolation, is_int, refuse
from kerasnets.data import augment, decoding, transforms
from kerasnets.image_files import DAMAGED, FOREIGN, MAX_PIXELS

PARALLEL = 10  # files that are decoded at once, if there are as many processors


def sizing_row(shape, shorter, interpolation, antialias, known):
    """The row of `kerasnets.data.augment` for the images of files, given arguments of `export`, once checked.

    Args:
        shape: Shape of the images that the net takes.
        shorter: Length in pixels of the shorter side before the center crop; None for the longer side of
            `shape`.
        interpolation: "bilinear" or "bicubic".
        antialias: Whether shrinking is antialiased.
        known: The row that the net's card has, or None. It counts if the other arguments are None.
    """
    if shorter is not None and (not is_int(shorter, 1) or shorter < max(side or 0 for side in shape[:2])):
        refuse("shorter", f"None or a whole number of pixels, at least the sides of {shape}", shorter)
    given = dict(shorter=shorter, interpolation=interpolation, antialias=antialias)
    given = {name: value for name, value in given.items() if value is not None}
    check_interpolation(given.get("interpolation", "bilinear"), given.get("antialias", True))
    (row,) = augment.check([tuple(known) if known and not given else ("center_crop", given)])
    return row


def make_sizing(row):
    """The function of a row of `kerasnets.data.augment` that resizes and crops the image of a file."""
    return augment.sizing([row])[1]


def decoded(encoded, shape, sizing=transforms.center_crop, max_pixels=MAX_PIXELS):
    """Decodes files of any size into images of one size, as `kerasnets.data.stream` does for test images.

    Args:
        encoded: String tensor, (n,), JPEG or PNG files.
        shape: (height, width, 1 or 3) of the images.
        sizing: Function that resizes and crops an image, as `make_sizing` returns it.
        max_pixels: Largest number of pixels; larger files are refused before they are decoded.

    Returns:
        float32 tensor, (n, *shape), values 0..255.

    Raises:
        tf.errors.InvalidArgumentError: Some files are of another format, too large or damaged. The message
            names their numbers in the batch.
    """
    *size, channels = shape

    def sized(image):
        return tf.cast(sizing(image, None, size), tf.float32)

    def one(number, file):
        is_jpeg = decoding.starts_with(file, decoding.JPEG)
        pixels = tf.cond(is_jpeg, lambda: jpeg_pixels(file), lambda: png_pixels(file))
        image = tf.cond(
            pixels <= max_pixels,
            lambda: tf.ensure_shape(sized(decoding.decode(file, channels)), shape),
            lambda: tf.zeros(shape),
        )
        return number, pixels, image

    count = tf.size(encoded, tf.int64)
    with tf.control_dependencies([refusal(~decoding.is_native(encoded), FOREIGN)]):
        files = tf.data.Dataset.from_tensor_slices((tf.range(count), tf.identity(encoded)))
    # A damaged file is dropped, since its own error would not tell its number. The last element is there
    # because a batch of none is an error.
    zero = tf.constant(0, tf.int64)
    last = tf.data.Dataset.from_tensors((zero, zero, tf.zeros(shape)))
    decoded_files = files.map(one, num_parallel_calls=PARALLEL).ignore_errors(log_warning=True)
    found = decoded_files.concatenate(last).batch(count + 1)
    numbers, pixels, images = (x[:-1] for x in found.get_single_element())
    is_dropped = tf.scatter_nd(numbers[:, None], tf.ones_like(numbers), [count]) == 0
    with tf.control_dependencies([refusal(is_dropped, DAMAGED)]):
        is_large = refusal(pixels > max_pixels, f"larger than {max_pixels} pixels")
    with tf.control_dependencies([is_large]):
        return tf.identity(images)


def refusal(is_bad, what):
    """An assertion that fails if any file is bad, and names the numbers of those that are."""
    name = tf.strings.format("`image_bytes`{} is", tf.where(is_bad)[:, 0], summarize=10)
    return tf.debugging.Assert(~tf.reduce_any(is_bad), [tf.strings.join([name, " ", what])])


def jpeg_pixels(file):
    """Number of pixels of a JPEG file, read from its header."""
    return tf.reduce_prod(tf.cast(tf.io.extract_jpeg_shape(file)[:2], tf.int64))


def png_pixels(file):
    """Number of pixels of a PNG file, read from its header."""
    return decoding.number(file, 16, 4) * decoding.number(file, 20, 4)
