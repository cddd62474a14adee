"""Kernels, maps, and where in many images a unit responds most strongly."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import layers

from kerasnets.analysis.receptive_field import ReceptiveField, receptive_field
from kerasnets.analysis.visualize.net import Net, batches, by_place, find, named_operations, opened
from kerasnets.checks import is_int, refuse
from kerasnets.graph import check_graph
from kerasnets.layers import PartialConv2D, parts

SEPARABLE = (layers.SeparableConv1D, layers.SeparableConv2D)
DEPTHWISE = (layers.DepthwiseConv1D, layers.DepthwiseConv2D)
PLAIN = (layers.Conv1D, layers.Conv2D, layers.Conv3D)


def kernels(model: keras.Model, layer: keras.Layer | str | None = None) -> np.ndarray:
    """Returns the kernels of a convolution as small images.

    Args:
        model: A functional or sequential model of one input, channels last.
        layer: The convolution or its name, in a nested model "MODEL/LAYER"; None for the first.

    Returns:
        An array, (filters, *kernel size, channels). The kernels of a depthwise convolution have one channel
        each; those of a separable one are the depthwise ones.

    Raises:
        ValueError: The model has no such layer, or the layer is no convolution.
    """
    check_graph(model)
    kinds = (*PLAIN, *SEPARABLE, *DEPTHWISE, PartialConv2D)
    convolutions = {name: one for name, one in named_operations(model) if isinstance(one, kinds)}
    if layer is None:
        if not convolutions:
            refuse("model", "one with a convolution", model.name)
        found = next(iter(convolutions.values()))
    else:
        path, found = find(model, layer)
        found = parts(found)[-1]
        if not isinstance(found, kinds):
            some = ", ".join(map(repr, list(convolutions)[:3]))
            refuse("layer", f"a convolution, such as {some}" if some else "a convolution", path)
    return np.moveaxis(keras.ops.convert_to_numpy(kernel_of(found)), -1, 0)


def kernel_of(layer: keras.Layer) -> Any:
    """The kernel of a convolution, (*kernel size, channels, filters)."""
    if isinstance(layer, PartialConv2D):
        return layer.full_kernel()
    if not isinstance(layer, (*SEPARABLE, *DEPTHWISE)):
        return layer.kernel
    kernel = layer.depthwise_kernel if isinstance(layer, SEPARABLE) else layer.kernel
    return keras.ops.reshape(kernel, (*kernel.shape[:-2], 1, -1))


def maps(model: keras.Model, images: Any, layer: keras.Layer | str, batch_size: int = 16) -> np.ndarray:
    """Computes the feature maps of a layer.

    Args:
        model: A functional or sequential model of one input, channels last.
        images: Images as the model takes them, (images, *grid, channels).
        layer: The layer or its name, in a nested model "MODEL/LAYER".
        batch_size: Number of images that run at once.

    Returns:
        An array, (images, *grid of the layer, channels).

    Raises:
        ValueError: The model does not take the images, or has no such layer, or the layer has no maps.
    """
    net, images = opened(model, images, layer, batch_size)
    if not net.grid:
        refuse("layer", "one of feature maps, (batch, *grid, channels)", f"{net.path} of {net.shape}")
    return net.outputs(images, batch_size)


@dataclasses.dataclass(frozen=True)
class Activations:
    """The strongest activations of a unit, the strongest first, one an image.

    Attributes:
        images: Indices of the images, (count,).
        positions: Positions in the maps of the layer, (count, axes): (row, column) for images. There are no
            axes for a layer without maps.
        values: The activations, (count,).
        boxes: The pixels of the image that each activation depends on, (count, axes, 2): for each axis the
            first pixel and the one after the last, within the image.
    """

    images: np.ndarray
    positions: np.ndarray
    values: np.ndarray
    boxes: np.ndarray

    def patches(self, images: Any) -> list[np.ndarray]:
        """Cuts the boxes out of images.

        Args:
            images: The images, or others of the same size, such as those before scaling or their
                projections by `deconvolve`.

        Returns:
            A list of arrays, (*sides of the box, channels), smaller at the border of an image.
        """
        return [
            np.asarray(images[i])[tuple(slice(*side) for side in box)]
            for i, box in zip(self.images, self.boxes, strict=True)
        ]


def strongest(
    model: keras.Model,
    images: Any,
    layer: keras.Layer | str | None,
    unit: int | Sequence[int],
    count: int = 9,
    batch_size: int = 16,
) -> Activations | list[Activations]:
    """Finds the images in which a unit responds most strongly, where it does so, and what it sees there.

    Source: Zeiler and Fergus 2014, arXiv:1311.2901, section 4 and figure 2, which shows the 9 strongest.

    Args:
        model: A functional or sequential model of one input, channels last.
        images: Images as the model takes them, (images, *grid, channels).
        layer: The layer or its name, in a nested model "MODEL/LAYER"; None for the scores.
        unit: Index of the channel of the layer's maps, or of the unit of a layer without maps; or several,
            for which the images run once.
        count: Number of activations.
        batch_size: Number of images that run at once.

    Returns:
        `Activations`, at most one of each image: its strongest. A list of these for several units.

    Raises:
        ValueError: The model does not take the images, has no such layer or unit, or there are fewer images
            than `count`.
    """
    net, images = opened(model, images, layer, batch_size)
    if not is_int(count, 1) or count > len(images):
        refuse("count", f"a whole number from 1 to {len(images)}, the number of images", count)
    several = not is_int(unit, 0)
    units = list(unit) if several and not isinstance(unit, str) and np.ndim(unit) == 1 else [unit]
    if not (units and all(is_int(one, 0) and one < net.shape[-1] for one in units)):
        refuse("unit", f"one or several indices below {net.shape[-1]}, the number of units", unit)
    best = []
    for rows, left in batches(len(images), batch_size):
        y = by_place(net.outputs(images[rows], batch_size)[:left])[:, :, units]
        best.append((y.max(1), y.argmax(1)))
    values, places = map(np.concatenate, zip(*best, strict=True))
    found, field = [], field_of(model, net, images.shape[1:])
    for one in range(len(units)):
        order = np.argsort(-values[:, one], kind="stable")[:count]
        positions = np.stack(np.unravel_index(places[order, one], net.grid or (1,)), -1)[:, : len(net.grid)]
        boxes = boxes_of(field, positions, images.shape[1:-1])
        found.append(Activations(order, positions, values[order, one], boxes))
    return found if several else found[0]


def field_of(model: keras.Model, net: Net, shape: tuple) -> ReceptiveField | None:
    """The receptive field of the units at the end of a net; None if all pixels may count."""
    if net.layer is None or len(net.grid) != len(shape) - 1:
        return None
    last = net.path.removesuffix(net.layer.name) + parts(net.layer)[-1].name
    field = receptive_field(model, last, shape)
    return field if field and field.stride and field.offset else None


def boxes_of(field: ReceptiveField | None, positions: np.ndarray, sides: tuple) -> np.ndarray:
    """The receptive fields of units within the image.

    Args:
        field: That of their layer, or None for the whole image.
        positions: Positions of the units in the maps, (count, axes).
        sides: Sides of an image.

    Returns:
        First pixels and pixels after the last, (count, axes of the image, 2).
    """
    if field is None:
        return np.tile(np.array([(0, side) for side in sides]), (len(positions), 1, 1))
    starts = np.array(field.offset) + positions * np.array(field.stride)
    ends = starts + np.array(field.size)
    return np.clip(np.stack([np.floor(starts), np.ceil(ends)], -1), 0, np.array(sides)[:, None]).astype(int)
