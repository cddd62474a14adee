"""Decoding of JPEG and PNG files by Pillow, and their resizing by NumPy, equal to that in TensorFlow's graph.

`kerasnets.data` and the signature "serving_bytes" of an export decode files by TensorFlow. These functions do
the same where it is not installed. Both decode JPEG by libjpeg-turbo with the same settings, and the weights
of the resizing are those of its operation ScaleAndTranslate. Values differ by rounding alone, by at most
one level of 256.
"""

import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

JPEG, PNG = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"  # the first bytes of files
ORIENTATION = 0x0112  # tag of EXIF
MIRRORED, UPSIDE_DOWN, TRANSPOSED = (2, 3, 6, 7), (3, 4, 7, 8), (5, 6, 7, 8)  # orientations
MAX_PIXELS = 25_000_000  # of a file's image, which takes 75 MB when decoded
GRAY = np.array([0.2989, 0.5870, 0.1140], "float32")  # shares of red, green and blue
ROWS = 256  # that are converted to gray at once, which bounds the memory
BLOCK = 8  # rows that are resized at once: a small matrix product each
# What may be wrong with a file, as the end of a sentence.
FOREIGN = "neither a JPEG nor a PNG file"
DAMAGED = "a damaged file, which cannot be decoded"
TOO_LARGE = f"larger than {MAX_PIXELS} pixels"


def decode(content: bytes, channels: int = 3) -> np.ndarray:
    """Decodes a JPEG or PNG file.

    Args:
        content: The content of the file.
        channels: 1 for gray, 3 for RGB. Transparency is left out, and of 16 bits the upper 8 are taken.

    Returns:
        A uint8 array, (height, width, channels), upright.

    Raises:
        ValueError: The file cannot be decoded. The message is `FOREIGN`, `DAMAGED` or `TOO_LARGE`.
    """
    from PIL import Image

    if not content.startswith((JPEG, PNG)):
        raise ValueError(FOREIGN)
    if content.startswith(PNG) and number(content, 16) * number(content, 20) > MAX_PIXELS:
        raise ValueError(TOO_LARGE)
    try:
        image = Image.open(io.BytesIO(content), formats=("JPEG", "PNG"))
        is_large = image.width * image.height > MAX_PIXELS
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        is_large = True
    except Exception:  # of every kind
        raise ValueError(DAMAGED) from None
    if is_large:
        raise ValueError(TOO_LARGE)
    try:
        pixels = rgb(image)
    except Exception:
        raise ValueError(DAMAGED) from None
    image = upright(pixels, orientation(image))
    return gray(image) if channels == 1 else image


def number(content: bytes, start: int) -> int:
    """The whole number in four bytes of a file."""
    return int.from_bytes(content[start : start + 4], "big")


def rgb(image: Any) -> np.ndarray:
    """The pixels of an image of Pillow, as they are stored: uint8 array, (height, width, 3)."""
    from PIL import Image

    if image.mode.startswith("I"):
        image = Image.fromarray((np.asarray(image) >> 8).astype("uint8"))
    return np.asarray(image.convert("RGB"))


def orientation(image: Any) -> int:
    """The EXIF orientation of an image of Pillow that was decoded, 1 to 8; 1 if it has none."""
    from PIL import Image

    exif = Image.Exif()
    try:
        exif.load(image.info.get("exif"))
        found = exif.get(ORIENTATION)
    except Exception:  # of every kind, for damaged data
        return 1
    return found if found in range(1, 9) else 1


def upright(image: np.ndarray, orientation: int) -> np.ndarray:
    """Turns an image, (height, width, channels), upright, given its EXIF orientation."""
    if orientation in TRANSPOSED:
        image = image.swapaxes(0, 1)
    if orientation in UPSIDE_DOWN:
        image = image[::-1]
    return image[:, ::-1] if orientation in MIRRORED else image


def gray(image: np.ndarray) -> np.ndarray:
    """Converts an RGB image, uint8, to gray, (height, width, 1), as `tf.image.rgb_to_grayscale` rounds it."""
    result = np.empty((*image.shape[:2], 1), "uint8")
    for i in range(0, len(image), ROWS):
        shares = image[i : i + ROWS].astype("float32") * np.float32(1 / 255)
        result[i : i + ROWS, :, 0] = (shares @ GRAY) * np.float32(255.5)
    return result


def make_sizing(row: tuple[str, Mapping[str, Any]]) -> Callable[[np.ndarray, Sequence[int]], np.ndarray]:
    """The function of a deterministic row of `kerasnets.data.augment` that brings an image to a size.

    Args:
        row: Name, a key of `SIZINGS`, and options.

    Returns:
        A function of an image, uint8, (height, width, channels), and (height, width), that returns a float32
        array. It has this height and width, unless the row is "whole", which keeps the aspect ratio.
    """
    name, options = row
    return lambda image, size: SIZINGS[name](image, size, **options)


def center_crop(image, size, shorter=None, interpolation="bilinear", antialias=True):
    """Resizes the shorter side of an image and crops the center. None is the longer side of the crop."""
    sides = sides_of(image, shorter or max(size))
    start = [(side - length) // 2 for side, length in zip(sides, size, strict=True)]
    return resize(image, sides, interpolation, antialias, start, size)


def zoom(image, size, interpolation="bilinear", antialias=True):
    """Resizes the whole image without keeping its aspect ratio."""
    return resize(image, size, interpolation, antialias)


def pad(image, size):
    """Pads the image with zeros on all sides, or crops its center where it is larger."""
    result = np.zeros((*size, image.shape[2]), "float32")
    (to_rows, from_rows), (to_columns, from_columns) = map(overlap, size, image.shape)
    result[to_rows, to_columns] = image[from_rows, from_columns]
    return result


def overlap(length, given):
    """Where the center of a side of one length lies in a side of another, as slices of both."""
    inner, outer = max((length - given) // 2, 0), max((given - length) // 2, 0)
    shared = min(length, given)
    return slice(inner, inner + shared), slice(outer, outer + shared)


def whole(image, size, shorter=256, interpolation="bilinear", antialias=True):
    """Resizes the shorter side of an image without cropping, so that images differ in size."""
    return resize(image, sides_of(image, shorter), interpolation, antialias)


SIZINGS = {"center_crop": center_crop, "zoom": zoom, "pad": pad, "whole": whole}


def sides_of(image, shorter):
    """Height and width of an image when its shorter side is resized to a length and its aspect ratio kept."""
    least = min(image.shape[:2])
    return [(2 * side * shorter + least) // (2 * least) for side in image.shape[:2]]  # rounded


def resize(image, sides, interpolation="bilinear", antialias=True, start=(0, 0), size=None):
    """Resizes an image, as `kerasnets.data.transforms.resize` does, which describes the arguments."""
    size = sides if size is None else size
    for side, first, length in zip(sides, start, size, strict=True):
        matrix = weights(image.shape[0], side, first, length, interpolation, antialias)
        image = product(matrix, image).swapaxes(0, 1)
    return np.clip(image, 0.0, 255.0) if interpolation == "bicubic" else image


def weights(given, side, first, length, interpolation, antialias):
    """The matrix that resizes a side of an image, of which each row has the weights of a pixel of the result.

    Args:
        given: Length of the side.
        side: Length that it is resized to.
        first: Number of the first pixel to compute.
        length: Number of pixels to compute.
        interpolation: "bilinear" or "bicubic".
        antialias: Whether each pixel of a smaller image is a weighted mean of all pixels that it covers.

    Returns:
        float32 array, (length, given).
    """
    step = np.float32(1 / (np.float32(side) / np.float32(given)))
    centers = (np.arange(length, dtype="float32") + np.float32(0.5)) * step + step * np.float32(first)
    reach = max(step, np.float32(1)) if antialias else np.float32(1)
    apart = np.arange(given, dtype="float32") + np.float32(0.5) - centers[:, None]
    shares = KERNELS[interpolation](np.abs(apart) / reach)
    return shares / shares.sum(axis=1, keepdims=True)


def triangle(x):
    """The weight of a pixel at a distance, by linear interpolation."""
    return np.maximum(1 - x, 0)


def keys(x):
    """The weight of a pixel at a distance, by cubic interpolation.

    Source: Keys, "Cubic Convolution Interpolation for Digital Image Processing", 1981, with a = -1/2.
    """
    near = (1.5 * x - 2.5) * x * x + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x < 1, near, np.where(x < 2, far, 0)).astype("float32")


KERNELS = {"bilinear": triangle, "bicubic": keys}


def product(matrix, image):
    """The product of a matrix, most of whose values are zero, with an image along its first axis: float32."""
    result = np.empty((len(matrix), *image.shape[1:]), "float32")
    for i in range(0, len(matrix), BLOCK):
        rows = matrix[i : i + BLOCK]
        used = np.flatnonzero(rows.any(axis=0))
        first, last = used[0], used[-1] + 1
        pixels = image[first:last].astype("float32", order="C").reshape(last - first, -1)
        result[i : i + BLOCK] = (rows[:, first:last] @ pixels).reshape(len(rows), *image.shape[1:])
    return result
