"""Images that the ranges of a net's values are measured with, so that they fit into 8 bits."""

import os
import pathlib

import numpy as np
import tensorflow as tf

from kerasnets.checks import refuse
from kerasnets.serving.images import decoded

MOST = 2_000  # images: a few hundred do, and of 224x224 this many take 1.2 GB
FILES = (".jpg", ".jpeg", ".png")
ALLOWED = "images of 0..255, (n, height, width, channels): an array, batches, a .npy file or a folder"


def collect(calibration, shape, shorter=None):
    """Calibration images as one array.

    Args:
        calibration: As `export_file` takes it.
        shape: Shape of an image; None for a free side.
        shorter: As `export` takes it, for the files of a folder.

    Returns:
        float32 array, (n, *shape).

    Raises:
        ValueError: They are not such images, or more than `MOST`.
    """
    if isinstance(calibration, (str, os.PathLike)):
        images = from_path(pathlib.Path(calibration), shape, shorter)
    elif hasattr(calibration, "shape"):
        images = calibration
    else:
        images = joined(calibration)
    check(np.asarray(images), shape)
    return np.asarray(images, "float32")


def check(images, shape):
    """Refuses an array that does not hold images of 0..255."""
    fits = images.ndim == len(shape) + 1 and all(
        a in (None, b) for a, b in zip(shape, images.shape[1:], strict=True)
    )
    if not fits or images.dtype.kind not in "uif":
        refuse(
            "calibration", f"numbers of shape (n, {', '.join(map(str, shape))})", (images.dtype, images.shape)
        )
    if not 1 <= len(images) <= MOST:
        refuse("calibration", f"1 to {MOST:,} images", f"{len(images):,} images")
    low, high = images.min(), images.max()
    if not (low >= 0 and 1 < high <= 255):
        refuse("calibration", "images of 0..255, which are not scaled", f"values from {low:g} to {high:g}")


def joined(batches):
    """The images of batches, each an array, or a tuple with that first; no more batches than it takes."""
    if not hasattr(batches, "__iter__"):
        refuse("calibration", ALLOWED, batches)
    arrays, number = [], 0
    for batch in batches:
        arrays.append(np.atleast_1d(batch[0] if isinstance(batch, tuple) else batch))
        number += len(arrays[-1])
        if number > MOST:
            break
    shapes = {array.shape[1:] for array in arrays}
    if len(shapes) != 1:
        refuse("calibration", "batches of images of one shape", f"batches of {sorted(shapes)}")
    return np.concatenate(arrays)


def from_path(path, shape, shorter):
    """The images of a .npy file, or of the JPEG and PNG files in a folder and in those inside."""
    if path.is_file() and path.suffix == ".npy":
        return loaded(path)
    files = sorted(p for p in path.rglob("*") if p.suffix.lower() in FILES)
    if not files:
        refuse("calibration", f"{ALLOWED} with {', '.join(FILES)} in it", str(path))
    if len(shape) != 3 or None in shape or shape[-1] not in (1, 3):
        refuse(
            "calibration",
            f"no folder for a net of {shape}: sides are to be fixed and channels 1 or 3",
            str(path),
        )
    return np.stack([image(file, shape, shorter) for file in files[: MOST + 1]])


def loaded(path):
    """The array of a .npy file."""
    try:
        return np.load(path, allow_pickle=False)
    except (ValueError, EOFError):
        return refuse("calibration", "a .npy file of numbers", str(path))


def image(file, shape, shorter):
    """The image of a file, sized as an export with `image_bytes` does it."""
    try:
        return decoded(tf.constant([file.read_bytes()]), shape, shorter)[0].numpy()
    except tf.errors.InvalidArgumentError:
        return refuse("calibration", "a folder of JPEG and PNG files of up to 25 megapixels", str(file))
