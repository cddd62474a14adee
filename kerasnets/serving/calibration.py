"""Calibration images, on which the ranges of a net's activations are measured for quantization to 8 bits."""

import os
import pathlib

import numpy as np
import tensorflow as tf

from kerasnets.checks import refuse
from kerasnets.data.decoding import decode_any
from kerasnets.data.folders import IMAGES, problem, shown
from kerasnets.data.transforms import center_crop
from kerasnets.serving.load import fits

MAX_IMAGES = 2_000  # a few hundred are enough, and 2,000 of 224x224 take 1.2 GB
ALLOWED = "images of 0..255, (n, height, width, channels): an array, batches, a .npy file or a folder"


def collect(calibration, shape, sizing=center_crop):
    """Collects calibration images in one array.

    Args:
        calibration: An array, batches or a path, as for `export_file`.
        shape: Shape of an image; None for a side that the net leaves free.
        sizing: Function that resizes and crops the image of a file, as `images.make_sizing` returns it.

    Returns:
        float32 array, (n, *shape), values 0..255.

    Raises:
        ValueError: These are not images of this shape and of values 0..255, or more than `MAX_IMAGES`.
    """
    if isinstance(calibration, (str, os.PathLike)):
        images = from_path(pathlib.Path(calibration), shape, sizing)
    elif hasattr(calibration, "shape"):
        images = calibration
    else:
        images = concatenated(calibration)
    check(np.asarray(images), shape)
    return np.asarray(images, "float32")


def check(images, shape):
    """Refuses an array that does not hold 1 to `MAX_IMAGES` images of values 0..255."""
    if not fits(images.shape, shape) or images.dtype.kind not in "uif":
        refuse(
            "calibration", f"numbers of shape (n, {', '.join(map(str, shape))})", (images.dtype, images.shape)
        )
    if not 1 <= len(images) <= MAX_IMAGES:
        refuse("calibration", f"1 to {MAX_IMAGES:,} images", f"{len(images):,} images")
    low, high = images.min(), images.max()
    if not (low >= 0 and 1 < high <= 255):
        refuse("calibration", "images of values 0..255, not scaled", f"values from {low:g} to {high:g}")


def concatenated(batches):
    """The images of batches in one array; reading stops once there are more than `MAX_IMAGES`.

    Args:
        batches: Iterable of arrays, or of tuples whose first element is such an array.
    """
    if not hasattr(batches, "__iter__"):
        refuse("calibration", ALLOWED, batches)
    arrays, number = [], 0
    for batch in batches:
        arrays.append(np.atleast_1d(batch[0] if isinstance(batch, tuple) else batch))
        number += len(arrays[-1])
        if number > MAX_IMAGES:
            break
    shapes = {array.shape[1:] for array in arrays}
    if len(shapes) != 1:
        refuse("calibration", "batches of images of one shape", f"batches of {sorted(shapes)}")
    return np.concatenate(arrays)


def from_path(path, shape, sizing):
    """The images of a .npy file, or of all files of images in a folder and its subfolders."""
    if path.is_file() and path.suffix == ".npy":
        return loaded(path)
    files = sorted(p for p in path.rglob("*") if p.name.lower().endswith(IMAGES) and p.name[0] != ".")
    if not files:
        refuse("calibration", f"{ALLOWED} with images in it ({', '.join(IMAGES)})", str(path))
    if len(shape) != 3 or None in shape or shape[-1] not in (1, 3):
        refuse(
            "calibration",
            f"an array, not a folder, for a net of {shape}: image files need fixed sides and 1 or 3 channels",
            str(path),
        )
    return np.stack([read_image(file, shape, sizing) for file in files[: MAX_IMAGES + 1]])


def loaded(path):
    """The array of a .npy file."""
    try:
        return np.load(path, allow_pickle=False)
    except (ValueError, EOFError):
        return refuse("calibration", "a .npy file of numbers", str(path))


def read_image(file, shape, sizing):
    """The image of a file, resized and cropped as the signature "serving_bytes" does it."""
    *size, channels = shape
    wrong = problem(file)
    if wrong:
        refuse("calibration", "a folder of images that can be decoded", f"{shown(file)} ({wrong})")
    image = decode_any(tf.constant(file.read_bytes()), channels)
    return tf.cast(sizing(image, None, size), tf.float32).numpy()
