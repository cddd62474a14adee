"""Augmentation plans: their rows, the checks of these, and the functions that they name.

A plan is a tuple of rows (name, options). It contains, in this order: at most one of `SIZINGS`, which bring
an image or clip to the size that a net takes; any of `SCALINGS`, which scale its values in the same way in
training and later; any of `CHANGES`, which are random; and any of `MIXES`, which mix the images of a batch
and their labels, which become one-hot.
"""

import functools
import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import keras

from kerasnets.checks import INTERPOLATIONS, is_int, is_number, nearest, refuse
from kerasnets.data import transforms
from kerasnets.graph import no_values

# Functions by name. Keras's layers in `CHANGES` are called with one image at a time, as a batch of one.
SIZINGS = {
    "center_crop": transforms.center_crop,
    "random_crop": transforms.random_crop,
    "scale_jitter": transforms.scale_jitter,
    "area_crop": transforms.area_crop,
    "zoom": transforms.zoom,
    "pad": transforms.pad,
    "whole": transforms.whole,
}
SCALINGS = {
    "contrast": transforms.contrast,
    "per_pixel_mean": transforms.per_pixel_mean,
    "zca": transforms.zca,
}
CHANGES = {
    "flip": transforms.flip,
    "jitter": transforms.jitter,
    "pad_crop": functools.partial(transforms.jitter, pixels=4),
    "elastic": transforms.elastic,
    "affine": transforms.affine,
    "lighting": transforms.lighting,
    "fitted_lighting": transforms.fitted_lighting,
    "rand_augment": keras.layers.RandAugment,
    "random_erasing": keras.layers.RandomErasing,
}
MIXES = {"mixup": keras.layers.MixUp, "cutmix": keras.layers.CutMix}
FITS = {
    "per_pixel_mean": transforms.fit_mean,
    "zca": transforms.fit_zca,
    "fitted_lighting": transforms.fit_colors,
}
FIXED = ("center_crop", "zoom", "pad", "whole", *SCALINGS)  # deterministic
COLOR = ("lighting", "fitted_lighting", "rand_augment")  # only for RGB
NO_CLIPS = ("rand_augment", "random_erasing", *MIXES)
TABLES = (SIZINGS, SCALINGS, CHANGES, MIXES)
STAGES = {name: stage for stage, table in enumerate(TABLES) for name in table}

Row = tuple[str, Mapping[str, Any]]  # name and options

POSITIVE = (lambda v: is_number(v) and v > 0, "a number above 0")
NOT_NEGATIVE = (lambda v: is_number(v) and v >= 0, "a number, at least 0")
SHARE = (lambda v: is_number(v) and 0 <= v < 1, "a share from 0 to below 1")
LENGTH = (lambda v: is_int(v, 1), "a whole number, at least 1")
RANGE = (
    lambda v: isinstance(v, (tuple, list)) and len(v) == 2 and all(map(is_number, v)) and 0 < v[0] <= v[1],
    "two numbers above 0, the smaller first",
)
# Allowed values of our functions' options: (test, description). Keras checks the options of its layers.
OPTIONS = {
    "shorter": LENGTH,
    "low": LENGTH,
    "high": LENGTH,
    "pixels": LENGTH,
    "area": (lambda v: RANGE[0](v) and v[1] <= 1, "two numbers above 0 and up to 1, the smaller first"),
    "aspect": RANGE,
    "interpolation": (lambda v: v in INTERPOLATIONS, f"one of {', '.join(map(repr, INTERPOLATIONS))}"),
    "antialias": (lambda v: isinstance(v, bool), "True or False"),
    "mode": (lambda v: v in ("constant", "reflect"), "'constant' or 'reflect'"),
    "alpha": NOT_NEGATIVE,
    "sigma": POSITIVE,
    "degrees": NOT_NEGATIVE,
    "stretch": SHARE,
    "share": (lambda v: is_number(v) and 0 < v <= 1, "a share above 0 and up to 1"),
    "shear": NOT_NEGATIVE,
    "std": POSITIVE,
    "scale": POSITIVE,
    "bias": POSITIVE,
}
NOT_OPTIONS = (
    "image", "images", "batches", "seed", "size", "fitted", "colors", "data_format", "kwargs"
)  # fmt: skip


def check(augment: Sequence[str | Row]) -> tuple[Row, ...]:
    """Checks a plan.

    Args:
        augment: Rows (name, options); a row without options may be just its name.

    Returns:
        A tuple of rows (name, options).

    Raises:
        ValueError: A name or option is unknown, a value is not allowed, or the order is wrong.
    """
    if not isinstance(augment, (tuple, list)):
        refuse("augment", "a tuple of rows (name, options)", augment)
    rows = tuple(check_row(row) for row in augment)
    names = [name for name, _ in rows]
    stages = [STAGES[name] for name in names]
    if stages != sorted(stages) or stages.count(0) > 1:
        order = ", then any of ".join(", ".join(table) for table in TABLES)
        refuse("augment", f"at most one of {order}", names)
    return rows


def check_row(row):
    """Checks a row (name, options), or a name, which has no options, and returns it as (name, options)."""
    name, options = None, None
    if isinstance(row, str):
        name, options = row, {}
    elif is_pair(row):
        name, options = row
    if name not in STAGES or not isinstance(options, dict):
        words = f"rows (name, options) with a name of {', '.join(STAGES)}"
        raise ValueError(f"`augment` is {words}.{nearest(name, STAGES)} Received: {row!r}")
    function = FITS.get(name) or TABLES[STAGES[name]][name]
    allowed = [p for p in inspect.signature(function).parameters if p not in NOT_OPTIONS]
    for option, value in options.items():
        if option not in allowed:
            words = ", ".join(allowed) or "no options"
            near = nearest(option, allowed)
            raise ValueError(f"{name!r} in `augment` takes {words}.{near} Received: {option}={value!r}")
        if not isinstance(function, type) and not OPTIONS[option][0](value):
            refuse(option, f"{OPTIONS[option][1]} for {name!r} in `augment`", value)
    if isinstance(function, type):
        with no_values():  # of its seed, which would keep a run from sharing the CPU among replicas
            function(**options, dtype="float32")
    elif name == "scale_jitter" and options.get("low", 256) > options.get("high", 512):
        refuse("low", "at most `high` for 'scale_jitter' in `augment`", options)
    return name, options


def is_pair(row):
    """Whether a row has two elements, the first of them a string."""
    return isinstance(row, (tuple, list)) and len(row) == 2 and isinstance(row[0], str)


def check_size(rows, size):
    """Refuses rows that cannot produce examples of a size, (..., height, width, channels)."""
    for name, options in rows:
        function = TABLES[STAGES[name]][name]
        if name in COLOR and size[-1] != 3:
            refuse("size", f"of 3 channels with {name!r} in `augment`", size)
        if name in NO_CLIPS and len(size) == 4:
            refuse("size", f"(height, width, channels) with {name!r} in `augment`", size)
        if name in ("center_crop", "random_crop", "scale_jitter"):
            option = "low" if name == "scale_jitter" else "shorter"
            value = options.get(option, inspect.signature(function).parameters[option].default)
            if value is not None and value < max(size[-3:-1]):
                refuse(option, f"at least {max(size[-3:-1])}, the size, for {name!r} in `augment`", value)


def sizing(rows):
    """The sizing of a plan: its name or None, and its function, which takes an image, a seed and a size."""
    for name, options in rows:
        if name in SIZINGS:
            return name, functools.partial(SIZINGS[name], **options)
    return None, transforms.center_crop


def scaling(rows, fit):
    """The `kerasnets.scaling.Scaling` of the rows of `SCALINGS`, in their order; None if there are none.

    Args:
        rows: The rows of a plan.
        fit: Function that takes a row and returns the statistics that it is fitted to.
    """
    scaling = None
    for name, options in rows:
        if name in SCALINGS:
            own = {"fitted": fit((name, options))} if name in FITS else options
            scaling = SCALINGS[name](**own).after(scaling)
    return scaling


def change(row, fit):
    """The function of a row of `CHANGES`.

    Args:
        row: The row.
        fit: Function that takes the row and returns the statistics that it is fitted to.

    Returns:
        A function that takes a batch and a seed and returns the batch.
    """
    name, options = row
    function = CHANGES[name]
    if name in FITS:
        return functools.partial(function, fitted=fit(row))
    if isinstance(function, type):
        return functools.partial(transforms.keras_layer, function(**options, dtype="float32"))
    return functools.partial(function, **options)


def mix(row):
    """The function of a row of `MIXES`, which takes a dict of images and one-hot labels, and a seed."""
    name, options = row
    return functools.partial(transforms.keras_layer, MIXES[name](**options, dtype="float32"))


def of_batches(rows, classes=None):
    """Makes a function that augments batches of arrays, which have their final size and scaling.

    Args:
        rows: Rows of `CHANGES` without statistics to fit, then rows of `MIXES`.
        classes: Number of classes, needed with rows of `MIXES`.

    Returns:
        A function that takes images, (batch, ...), labels, (batch,), and a seed of two whole numbers. It
        returns new images and labels, which are one-hot with rows of `MIXES`. The first row has the seed
        itself, so that a plan of one row gives what its function gives.

    Raises:
        ValueError: A row is not allowed, or `classes` is missing.
    """
    rows = check(rows)
    names = [name for name, _ in rows]
    allowed = [name for name in (*CHANGES, *MIXES) if name not in FITS]
    if not set(names) <= set(allowed):
        refuse("augment", f"rows with names among {', '.join(allowed)} for arrays", names)
    changes = [change(row, None) for row in rows if row[0] in CHANGES]
    mixes = [mix(row) for row in rows if row[0] in MIXES]
    if mixes and not is_int(classes, 1):
        refuse("classes", f"a whole number, at least 1, with {names[-1]!r} in `augment`", classes)

    def augmented(images, labels, seed):
        for i, function in enumerate(changes):
            images = function(images, transforms.derived_seed(seed, i) if i else seed)
        if not mixes:
            return images, labels
        both = {"images": images, "labels": keras.ops.one_hot(labels, classes)}
        for i, function in enumerate(mixes, start=len(changes)):
            both = function(both, transforms.derived_seed(seed, i))
        return both["images"], both["labels"]

    return augmented
