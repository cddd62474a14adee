"""Decoding of image files, turned upright as their EXIF orientation says.

TensorFlow decodes JPEG and PNG in its graph, so that a server can do the same; Pillow decodes all else.
"""

import io

import numpy as np
import tensorflow as tf

from kerasnets.image_files import JPEG, MIRRORED, ORIENTATION, PNG, TRANSPOSED, UPSIDE_DOWN, rgb

# Formats of Pillow. AVIF needs Pillow 11.3; others, such as EPS, would run other programs.
FORMATS = ("GIF", "WEBP", "BMP", "DIB", "TIFF", "AVIF", "JPEG2000", "PPM", "ICO", "TGA", "PSD")


def decode(content, channels=3):
    """Decodes a JPEG or PNG file.

    Args:
        content: String tensor, (), the content of the file.
        channels: 1 for gray, 3 for RGB. Transparency is left out.

    Returns:
        uint8 tensor, (height, width, channels), upright.
    """
    return with_channels(upright(pixels(content), orientation(content)), channels)


def pixels(content):
    """The image of a JPEG or PNG file as it is stored: uint8 tensor, (height, width, 3)."""
    # The integer DCT is the one of Pillow and PyTorch; TensorFlow's default is off by up to 5 levels.
    return tf.cond(
        starts_with(content, JPEG),
        lambda: tf.io.decode_jpeg(content, 3, dct_method="INTEGER_ACCURATE"),
        lambda: tf.io.decode_png(content, 3),
    )


def decode_any(content, channels=3):
    """Decodes a file of any format that TensorFlow or Pillow knows, as `decode` does: its first frame."""

    def by_pillow():
        image = tf.numpy_function(pillow_decode, [content], tf.uint8, stateful=False)
        return with_channels(tf.ensure_shape(image, [None, None, 3]), channels)

    return tf.cond(is_native(content), lambda: decode(content, channels), by_pillow)


def is_native(content):
    """Whether TensorFlow decodes a file: JPEG or PNG."""
    return starts_with(content, JPEG) | starts_with(content, PNG)


def starts_with(content, magic):
    """Whether a file starts with some bytes."""
    return tf.strings.substr(content, 0, len(magic)) == magic


def with_channels(image, count):
    """Converts an image to gray, with one channel, or to RGB, with three."""
    if image.shape[-1] == count:
        return image
    return tf.image.grayscale_to_rgb(image) if count == 3 else tf.image.rgb_to_grayscale(image)


def pillow_decode(content):
    """Decodes a file with Pillow: uint8 array, (height, width, 3), the first frame, upright.

    Raises:
        ValueError: It cannot be decoded.
    """
    from PIL import Image, UnidentifiedImageError

    content = np.asarray(content, object).item()  # eager TensorFlow passes an array of one string
    Image.init()
    formats = [name for name in FORMATS if name in Image.OPEN]
    try:
        return from_pillow(Image.open(io.BytesIO(content), formats=formats))
    except UnidentifiedImageError:
        raise ValueError(f"no format that can be decoded: JPEG, PNG, {', '.join(formats)}") from None
    except Exception as error:  # of every kind, for damaged files
        raise ValueError(str(error) or type(error).__name__) from error


def from_pillow(image):
    """The pixels of an image of Pillow: uint8 array, (height, width, 3), the current frame, upright.

    Raises:
        ValueError: Its pixels have 32 bits.
    """
    from PIL import ImageOps

    image = ImageOps.exif_transpose(image)
    if image.mode in ("I", "F"):
        raise ValueError("pixels of 32 bits, whose range is unknown")
    return rgb(image)


def upright(image, orientation):
    """Turns an image, (height, width, channels), upright, given its EXIF orientation, 1 to 8."""

    def turned():
        is_transposed, is_upside_down, is_mirrored = (
            tf.reduce_any(orientation == kinds) for kinds in (TRANSPOSED, UPSIDE_DOWN, MIRRORED)
        )
        straight = tf.cond(is_transposed, lambda: tf.transpose(image, [1, 0, 2]), lambda: image)
        return tf.raw_ops.Reverse(tensor=straight, dims=tf.stack([is_upside_down, is_mirrored, False]))

    image = tf.cond(orientation == 1, lambda: image, turned)
    image.set_shape([None, None, image.shape[-1]])
    return image


@tf.function(input_signature=[tf.TensorSpec([], tf.string)], autograph=False)  # traced once for all streams
def orientation(content):
    """The EXIF orientation of a JPEG or PNG file, 1 to 8; 1 if the file has none.

    Source: CIPA DC-008 (Exif 2.3), sections 4.5.2 to 4.7.2; PNG, third edition, section 11.3.4.5.
    """
    start = tf.cond(starts_with(content, JPEG), lambda: exif_in_jpeg(content), lambda: exif_in_png(content))
    found = tf.cond(start > 0, lambda: orientation_at(content, start), lambda: tf.constant(1, tf.int64))
    return tf.where((found >= 1) & (found <= 8), found, 1)


def exif_in_jpeg(content):
    """Position of the EXIF data in a JPEG file, or 0: an APP1 segment that begins with "Exif"."""

    def is_exif(at):
        return (part(content, at, 2) == b"\xff\xe1") & (part(content, at + 4, 6) == b"Exif\0\0")

    def is_other(at):
        marker = number(content, at, 2)
        is_application = (marker >= 0xFFE0) & (marker <= 0xFFEF)
        return (is_application | (marker == 0xFFFE)) & ~is_exif(at)

    at = walk(is_other, lambda at: at + 2 + number(content, at + 2, 2), start=2)
    return tf.where(is_exif(at), at + 10, 0)


def exif_in_png(content):
    """Position of the EXIF data in a PNG file, or 0: the content of its chunk "eXIf"."""

    def is_other_chunk(at):
        kind = part(content, at + 4, 4)
        return (kind != b"eXIf") & (kind != b"IEND") & (kind != b"")

    at = walk(is_other_chunk, lambda at: at + 12 + number(content, at, 4), start=len(PNG))
    return tf.where(part(content, at + 4, 4) == b"eXIf", at + 8, 0)


def walk(goes_on, following, start):
    """The first position from `start` on where `goes_on` is false, given the function to the next one."""
    return tf.while_loop(goes_on, lambda at: (following(at),), (tf.constant(start, tf.int64),))[0]


def orientation_at(content, start):
    """The value of the tag of the orientation in EXIF data that start at a position; 0 if there is none."""
    is_little_endian = part(content, start, 2) == b"II"
    table = start + number(content, start + 4, 4, is_little_endian)
    rows = number(content, table, 2, is_little_endian)
    raw = tf.io.decode_raw(part(content, table + 2, 12 * rows), tf.uint8)
    raw = tf.reshape(raw[: tf.size(raw) // 12 * 12], [-1, 6, 2])  # six words a row: tag, type, count, value
    words = tf.cast(tf.where(is_little_endian, raw[..., ::-1], raw), tf.int64)
    words = 256 * words[..., 0] + words[..., 1]
    return tf.reduce_max(tf.where(words[:, 0] == ORIENTATION, words[:, 4], 0))


def part(content, start, length):
    """Bytes of a string from a position on, fewer at its end."""
    start, length, end = (tf.cast(x, tf.int64) for x in (start, length, tf.strings.length(content)))
    return tf.strings.substr(content, tf.minimum(start, end), length)


def number(content, start, length, is_little_endian=False):
    """The whole number, int64, in some bytes of a string, the highest first unless it is little-endian."""
    raw = tf.io.decode_raw(part(content, start, length), tf.uint8, fixed_length=length)
    powers = tf.constant([256**i for i in reversed(range(length))], tf.int64)
    return tf.reduce_sum(tf.cast(raw, tf.int64) * tf.where(is_little_endian, powers[::-1], powers))
