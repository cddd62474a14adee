"""Which parts of an image a score depends on, found by covering them."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from kerasnets.analysis.visualize.net import Net, batches, by_place, opened
from kerasnets.checks import is_int, refuse

# The default window: a quarter of the shorter side, moved by a quarter of its own side.
PARTS = 4


def occlusion(
    model: keras.Model,
    images: Any,
    unit: Any = None,
    size: int | None = None,
    stride: int | None = None,
    fill: float | Sequence[float] | None = None,
    layer: keras.Layer | str | None = None,
    batch_size: int = 32,
) -> np.ndarray:
    """Computes the activation of a unit with each part of an image covered in turn.

    Source: Zeiler and Fergus 2014, arXiv:1311.2901, section 4.2. Their figure 7 (b) shows the sum over one
    map, and (d) the probability of a class; the softmax of what `occluded` returns gives the latter.

    Args:
        model: A functional or sequential model of one input, channels last.
        images: Images as the model takes them, (images, *grid, channels).
        unit: Index of a class or channel, or one for each image; None for the strongest of each image.
        size: Side of the square that covers a part, in pixels; None for a quarter of the shorter side.
        stride: Pixels from one part to the next; None for a quarter of `size`.
        fill: Value of the covered pixels, one or one for each channel; None for the mean of each image.
        layer: The layer of the unit or its name, in a nested model "MODEL/LAYER"; None for the scores of the
            model before its last softmax or sigmoid. Of maps, the sum over all positions counts.
        batch_size: Number of covered images that run at once.

    Returns:
        An array, (images, rows, columns): each value belongs to `stride` x `stride` pixels, on the middle of
        which the square lies. A low value means that the unit needs this part.

    Raises:
        ValueError: The model does not take the images, has no such layer or unit, or the window is larger
            than the image.
    """
    net, images = opened(model, images, layer, batch_size, times=batch_size + 1)
    units = net.units(unit, len(images))
    size, stride, fill = window(images, size, stride, fill)
    if units is None:
        units = totals(net, images, batch_size).argmax(-1)
    found = covered(net, images, size, stride, fill, batch_size)
    return np.stack([scores[..., u] for scores, u in zip(found, units, strict=True)])


def occluded(
    model: keras.Model,
    images: Any,
    size: int | None = None,
    stride: int | None = None,
    fill: float | Sequence[float] | None = None,
    layer: keras.Layer | str | None = None,
    batch_size: int = 32,
) -> np.ndarray:
    """Computes all scores of a model with each part of an image covered in turn.

    Their largest tells which class the model sees then, as in figure 7 (e) of Zeiler and Fergus 2014.

    Args:
        model: As for `occlusion`.
        images: As for `occlusion`.
        size: As for `occlusion`.
        stride: As for `occlusion`.
        fill: As for `occlusion`.
        layer: As for `occlusion`.
        batch_size: As for `occlusion`.

    Returns:
        An array, (images, rows, columns, units).

    Raises:
        ValueError: As for `occlusion`.
    """
    net, images = opened(model, images, layer, batch_size, times=batch_size + 1)
    return covered(net, images, *window(images, size, stride, fill), batch_size)


def window(images: np.ndarray, size: Any, stride: Any, fill: Any) -> tuple[int, int, np.ndarray]:
    """The side, the stride and the values of the square, for each image.

    Raises:
        ValueError: One of them does not fit the images.
    """
    side = min(images.shape[1:-1])
    size = max(1, side // PARTS) if size is None else size
    if not is_int(size, 1) or size > side:
        refuse("size", f"None or a whole number from 1 to {side}, the shorter side of the images", size)
    stride = max(1, size // PARTS) if stride is None else stride
    if not is_int(stride, 1) or stride > side:
        refuse("stride", f"None or a whole number from 1 to {side}, the shorter side of the images", stride)
    if fill is None:
        return size, stride, images.mean(tuple(range(1, images.ndim - 1)))
    values = np.asarray(fill)
    if not np.issubdtype(values.dtype, np.number) or values.shape not in ((), images.shape[-1:]):
        refuse("fill", f"None, a number or {images.shape[-1]} of them, one for each channel", fill)
    return size, stride, np.broadcast_to(values, (len(images), images.shape[-1])).astype(images.dtype)


def covered(
    net: Net, images: np.ndarray, size: int, stride: int, fill: np.ndarray, batch_size: int
) -> np.ndarray:
    """The outputs for images with each part covered, summed over the positions of maps.

    Returns:
        An array, (images, *one for each axis of the grid, units).
    """
    counts = [-(-side // stride) for side in images.shape[1:-1]]
    cells = list(np.ndindex(*counts))
    found = []
    for image, value in zip(images, fill, strict=True):
        for rows, left in batches(len(cells), batch_size):
            batch = np.repeat(image[None], len(rows), 0)
            for one, row in zip(batch, rows, strict=True):
                starts = [i * stride + (stride - size) // 2 for i in cells[row]]
                one[tuple(slice(max(0, start), max(0, start + size)) for start in starts)] = value
            found.append(totals(net, batch, batch_size)[:left])
    return np.concatenate(found).reshape(len(images), *counts, -1)


def totals(net: Net, images: np.ndarray, batch_size: int) -> np.ndarray:
    """The outputs for images, (images, units), summed over the positions of maps."""
    return by_place(net.outputs(images, batch_size)).sum(1)
