"""Images without labels, as `stream` gives images of tests: files, folders, arrays, and images of Pillow."""

import collections
import concurrent.futures
import functools
import itertools
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from kerasnets.checks import refuse
from kerasnets.data import augment, decoding, folders

WORKERS = os.cpu_count()  # images that are decoded at once
AHEAD = 64  # images that are decoded before they are needed, at most
ALLOWED = (
    "files, folders, images of Pillow, arrays (height, width), (height, width, 1, 3 or 4) or (n, height, "
    "width, 1, 3 or 4) of values 0..255, or a list of these"
)

Image = str | np.ndarray  # path of a file, or array (height, width, 1 or 3), uint8 or float32


def find(images: Any, argument: str = "images") -> list[Image]:
    """Finds the single images among files, folders and arrays. No file is read.

    Args:
        images: Path of a file, or of a folder whose images are taken with those of its folders; an array of
            values 0..255, (height, width), (height, width, channels) or (n, height, width, channels), where a
            fourth channel, transparency, is left out; an image of Pillow; or a list of these.
        argument: Name of the argument that they are, for errors.

    Returns:
        Paths, in folders sorted; and arrays, (height, width, 1 or 3), uint8 or float32.

    Raises:
        ValueError: An argument is something else, a folder has no images, or there are none at all.
    """
    found = list(each(images, argument))
    if not found:
        refuse(argument, ALLOWED, images)
    if not any(isinstance(image, np.ndarray) or os.path.exists(image) for image in found):
        refuse(argument, "files or folders that exist", folders.shown(found[0]))
    return found


def each(images, argument):
    """Yields the single images, as `find` returns them."""
    if isinstance(images, (str, os.PathLike)):
        path = os.fspath(images)
        path = os.fsdecode(os.path.expanduser(path))
        yield from in_folder(path, argument) if os.path.isdir(path) else [path]
    elif is_of_pillow(images):
        try:
            yield decoding.from_pillow(images)
        except ValueError as error:
            refuse(argument, ALLOWED, str(error))
    elif isinstance(images, (list, tuple)) and not is_nested_numbers(images):
        for image in images:
            yield from each(image, argument)
    else:
        yield from checked(images, argument)


def in_folder(folder, argument):
    """Paths of the images in a folder and in the folders in it, sorted; hidden ones are left out."""
    found, seen = [], set()
    for place, inside, names in os.walk(folder, followlinks=True):
        seen.add(os.path.realpath(place))  # links may lead in circles
        inside[:] = [n for n in folders.subfolders(place) if os.path.realpath(f"{place}/{n}") not in seen]
        names = sorted(n for n in names if n.lower().endswith(folders.IMAGES) and not n.startswith("."))
        found += [os.path.join(place, name) for name in names]
    if not found:
        refuse(argument, f"a folder with images ({', '.join(folders.IMAGES)})", folders.shown(folder))
    return found


def is_of_pillow(image):
    """Whether something is an image of Pillow."""
    from PIL import Image

    return isinstance(image, Image.Image)


def is_nested_numbers(images):
    """Whether a list is one image, written as lists of numbers."""
    while isinstance(images, (list, tuple)) and images:
        images = images[0]
    return isinstance(images, (int, float))


def checked(images, argument):
    """The images of an array or tensor; refuses other shapes and values."""
    try:
        x = keras.ops.convert_to_numpy(images) if keras.ops.is_tensor(images) else np.asarray(images)
    except (ValueError, TypeError):
        x = np.empty(0, object)
    if x.dtype.kind not in "uif" or x.ndim not in (2, 3, 4) or (x.ndim > 2 and x.shape[-1] not in (1, 3, 4)):
        received = f"{x.dtype} {x.shape}" if x.dtype.kind != "O" else type(images).__name__
        refuse(argument, ALLOWED, received)
    if x.size and not (x.min() >= 0 and x.max() <= 255):  # NaN too
        refuse(argument, "arrays of values 0..255", f"values {x.min()}..{x.max()}")
    if x.dtype.kind == "f" and x.size and 0 < x.max() <= 1:
        refuse(argument, "arrays of values 0..255, not scaled to 0..1", f"values {x.min()}..{x.max()}")
    x = x[..., None] if x.ndim == 2 else x[..., :3]
    x = x.astype("float32" if x.dtype.kind == "f" else "uint8", copy=False)
    if not x.size:
        refuse(argument, "arrays with images", x.shape)
    return list(x) if x.ndim == 4 else [x]


def sized(
    images: Iterable[Image],
    size: Sequence[int | None],
    sizing: augment.Row | None = None,
) -> Iterator[tuple[np.ndarray | None, str | None]]:
    """Decodes images and brings them to a size, as `stream` does for tests.

    Args:
        images: Paths and arrays, as `find` returns them.
        size: (height, width, 1 or 3). None for both sides keeps the size of each image, unless `sizing` says
            another.
        sizing: Row of `kerasnets.data.augment` that resizes and crops; None for the default of `stream`.

    Returns:
        For each image in order the array, float32, (*size), values 0..255, and None; or, if it cannot be
        decoded, None and what is wrong with it.

    Raises:
        ValueError: The sizing does not fit.
    """
    rows = augment.check([] if sizing is None else [(sizing[0], dict(sizing[1]))])
    if None not in size:
        augment.check_size(rows, tuple(size))
    decode = decoder(tuple(size), json.dumps(rows))

    def tried(image):
        if isinstance(image, np.ndarray):
            return decode(tf.constant(image)), None
        try:
            return decode(tf.constant(os.fsencode(image))), None
        except tf.errors.OpError:  # the function that tests the images of folders says it in words
            return None, folders.problem(image) or "cannot be decoded"

    return ahead(tried, images)


@functools.lru_cache(maxsize=8)  # tracing takes longer than decoding an image
def decoder(size, rows):
    """The function that decodes an image, given as a tensor, and brings it to a size, for `sized`.

    Args:
        size: (height, width, 1 or 3), or None for both sides.
        rows: A list with the row of the sizing, or an empty one, as JSON.

    Returns:
        A function of a string, the path of a file, or of an image, to a float32 array.
    """
    name, resize = augment.sizing(json.loads(rows))
    if name is not None and name not in augment.FIXED:
        refuse("sizing", f"one of {', '.join(n for n in augment.SIZINGS if n in augment.FIXED)}", name)
    *sides, channels = size

    def one(image):
        image = decoding.with_channels(image, channels)
        if name or None not in sides:
            image = resize(image, None, sides)
        return tf.cast(image, tf.float32)

    of_file = tf.function(
        lambda path: one(decoding.decode_any(tf.io.read_file(path))),
        [tf.TensorSpec([], tf.string)],
        autograph=False,
    )
    of_array = tf.function(one, autograph=False, reduce_retracing=True)
    return lambda image: (of_file if image.dtype == tf.string else of_array)(image).numpy()


def ahead(function, items):
    """Yields the results of a function for items, in order; threads compute at most `AHEAD` of them ahead."""
    waiting, items = collections.deque(), iter(items)
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        try:
            waiting.extend(pool.submit(function, item) for item in itertools.islice(items, AHEAD))
            while waiting:
                result = waiting.popleft().result()
                waiting.extend(pool.submit(function, item) for item in itertools.islice(items, 1))
                yield result
        finally:
            pool.shutdown(cancel_futures=True)
