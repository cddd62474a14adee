"""Calibration images, on which the ranges of a net's activations are measured for quantization to 8 bits.

With labels, they also tell what quantization costs.
"""

import dataclasses
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
MAX_DROP = 0.003  # share of the labelled images
ALLOWED = "images of 0..255, (n, height, width, channels): an array, batches, a .npy file or a folder"


@dataclasses.dataclass(frozen=True)
class Calibration:
    """What a file is tested with, and quantized.

    Attributes:
        images: float32 array, (n, height, width, channels), values 0..255.
        labels: The class of each, (n,); or for a net with a threshold which labels it has, bool,
            (n, classes); or None.
        threshold: The least probability of a predicted label, or None for classes that exclude one another.
        max_drop: The largest share of the images, right in float32, that may be wrong in int8.
    """

    images: np.ndarray
    labels: np.ndarray | None = None
    threshold: float | None = None
    max_drop: float = MAX_DROP

    def is_right(self, given):
        """For each image, whether its class is right, or all labels, given outputs, arrays by name."""
        return is_same(predicted(given, self.threshold), self.labels)

    def accuracy(self, given):
        """The share of images that are right, given outputs, arrays by name."""
        return float(np.mean(self.is_right(given)))


def predicted(given, threshold=None):
    """What outputs predict: the class of each image or, where there is a threshold, which labels it has.

    Args:
        given: Arrays by name.
        threshold: The least probability of a predicted label. None for classes that exclude one another; a
            single score then predicts class 1 above 0.5.
    """
    scores = given["probabilities"]
    if threshold is not None:
        return scores >= threshold
    return scores.argmax(1) if scores.shape[1] > 1 else (scores[:, 0] > 0.5).astype(int)


def is_same(a, b):
    """For each image, whether two arrays of classes or labels are the same."""
    return (a == b).reshape(len(a), -1).all(axis=1)


def collect(calibration, shape, sizing=center_crop, class_names=None):
    """Collects calibration images in one array, and their labels where they have some.

    Args:
        calibration: As for `export_file`.
        shape: Shape of an image; None for a side that the net leaves free.
        sizing: Function that resizes and crops the image of a file, as `images.make_sizing` returns it.
        class_names: Names of the classes, which the folders of images may have.

    Returns:
        float32 array, (n, *shape), values 0..255, and the labels as they were given or None.

    Raises:
        ValueError: These are not images of this shape and of values 0..255, or more than `MAX_IMAGES`.
    """
    labels = None
    if isinstance(calibration, (str, os.PathLike)):
        images, labels = from_path(pathlib.Path(calibration), shape, sizing, class_names)
    elif hasattr(calibration, "shape"):
        images = calibration
    elif is_pair(calibration):
        images, labels = map(np.asarray, calibration)
    else:
        images, labels = concatenated(calibration)
    check(np.asarray(images), shape)
    return np.asarray(images, "float32"), labels


def is_pair(calibration):
    """Whether this is a pair of images and labels, which have fewer axes, and not two batches of images."""
    if not isinstance(calibration, tuple) or len(calibration) != 2:
        return False
    return np.ndim(calibration[1]) in (1, 2) and np.ndim(calibration[0]) > 2


def labels_of(labels, count, classes, threshold=None):
    """The labels of calibration images as `Calibration` has them, once checked.

    Args:
        labels: Whole numbers, (n,) or (n, 1), or zeros and ones, (n, classes).
        count: Number of images.
        classes: Number of classes.
        threshold: As of `Calibration`.
    """
    labels = np.asarray(labels)
    several = threshold is not None
    marks = (count, classes)
    if labels.ndim == 2 and labels.shape[1] == 1 and not several:
        labels = labels[:, 0]
    if labels.dtype.kind not in "buif" or labels.shape not in ((marks,) if several else (marks, marks[:1])):
        words = f"labels of shape {marks}" + ("" if several else f" or {marks[:1]}")
        refuse("calibration", f"images with {words}", (labels.dtype, labels.shape))
    if labels.shape == marks:
        if not np.isin(labels, (0, 1)).all() or not (several or (labels.sum(1) == 1).all()):
            what = "zeros and ones" if several else "one 1 in each row, and zeros"
            refuse("calibration", f"images with labels of {what}, or with whole numbers", labels[:2].tolist())
        return labels.astype(bool) if several else labels.argmax(1)
    if not (np.isin(labels, np.arange(classes))).all():
        refuse("calibration", f"images with labels from 0 to {classes - 1}", sorted({*labels.tolist()})[:9])
    return labels.astype(int)


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
    """The images of batches in one array, and their labels; reading stops after `MAX_IMAGES`.

    Args:
        batches: Iterable of arrays, or of tuples whose first element is such an array, and the second labels.
            They count if all batches have them as an array.
    """
    if not hasattr(batches, "__iter__"):
        refuse("calibration", ALLOWED, batches)
    arrays, labels, number = [], [], 0
    for batch in batches:
        arrays.append(np.atleast_1d(batch[0] if isinstance(batch, tuple) else batch))
        if isinstance(batch, tuple) and len(batch) > 1 and hasattr(batch[1], "shape"):
            labels.append(np.asarray(batch[1]))
        number += len(arrays[-1])
        if number > MAX_IMAGES:
            break
    shapes = {array.shape[1:] for array in arrays}
    if len(shapes) != 1:
        refuse("calibration", "batches of images of one shape", f"batches of {sorted(shapes)}")
    labelled = len(labels) == len(arrays) and len({x.shape[1:] for x in labels}) == 1
    return np.concatenate(arrays), np.concatenate(labels) if labelled else None


def from_path(path, shape, sizing, class_names=None):
    """The images of a .npy file, or of all files of images in a folder and its subfolders, and their labels.

    Files have labels if all are in subfolders with names of classes.
    """
    if path.is_file() and path.suffix == ".npy":
        return loaded(path), None
    files = sorted(p for p in path.rglob("*") if p.name.lower().endswith(IMAGES) and p.name[0] != ".")
    if not files:
        refuse("calibration", f"{ALLOWED} with images in it ({', '.join(IMAGES)})", str(path))
    if len(shape) != 3 or None in shape or shape[-1] not in (1, 3):
        refuse(
            "calibration",
            f"an array, not a folder, for a net of {shape}: image files need fixed sides and 1 or 3 channels",
            str(path),
        )
    files = files[: MAX_IMAGES + 1]
    folders = [file.relative_to(path).parts[0] for file in files]
    labels = None
    if class_names and all(name in class_names for name in folders):
        labels = np.array([class_names.index(name) for name in folders])
    return np.stack([read_image(file, shape, sizing) for file in files]), labels


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
