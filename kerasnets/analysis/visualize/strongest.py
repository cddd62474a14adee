"""Kernels, maps, and where in many images a unit responds most strongly."""

import dataclasses
from typing import Any

import keras
import numpy as np
from keras import layers

from kerasnets.analysis.receptive_field import receptive_field
from kerasnets.analysis.visualize.net import Net, by_place, check_model, find, named_operations, opened
from kerasnets.checks import is_int, refuse
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
    check_model(model)
    kinds = (*PLAIN, *SEPARABLE, *DEPTHWISE, PartialConv2D)
    if layer is None:
        net = Net(model)
        found = next((c.operation for c in net.calls if isinstance(c.operation, kinds)), None)
        if found is None:
            refuse("model", "one with a convolution", model.name)
    else:
        path, found = find(model, layer)
        found = parts(found)[-1]
        if not isinstance(found, kinds):
            convolutions = [name for name, one in named_operations(model) if isinstance(one, kinds)]
            refuse("layer", f"a convolution, such as {', '.join(map(repr, convolutions[:3]))}", path)
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
    unit: int,
    count: int = 9,
    batch_size: int = 16,
) -> Activations:
    """Finds the images in which a unit responds most strongly, where it does so, and what it sees there.

    Source: Zeiler and Fergus 2014, arXiv:1311.2901, section 4 and figure 2, which shows the 9 strongest.

    Args:
        model: A functional or sequential model of one input, channels last.
        images: Images as the model takes them, (images, *grid, channels).
        layer: The layer or its name, in a nested model "MODEL/LAYER"; None for the scores.
        unit: Index of the channel of the layer's maps, or of the unit of a layer without maps.
        count: Number of activations.
        batch_size: Number of images that run at once.

    Returns:
        `Activations`, at most one of each image: its strongest.

    Raises:
        ValueError: The model does not take the images, has no such layer or unit, or there are fewer images
            than `count`.
    """
    net, images = opened(model, images, layer, batch_size)
    if not is_int(count, 1) or count > len(images):
        refuse("count", f"a whole number from 1 to {len(images)}, the number of images", count)
    if not is_int(unit, 0):
        refuse("unit", "the index of a unit", unit)
    net.units(unit, 1)
    found = []
    for start in range(0, len(images), batch_size):
        found.append(by_place(net.outputs(images[start : start + batch_size], batch_size))[:, :, unit])
    values = np.concatenate(found)
    order = np.argsort(-values.max(1), kind="stable")[:count]
    places = values[order].argmax(1)
    positions = np.stack(np.unravel_index(places, net.grid or (1,)), -1)[:, : len(net.grid)]
    boxes = fields(model, net, images.shape[1:], positions)
    return Activations(order, positions, values[order].max(1), boxes)


def fields(model: keras.Model, net: Net, shape: tuple, positions: np.ndarray) -> np.ndarray:
    """The receptive fields of units within the image.

    Args:
        model: The model.
        net: The model up to the units' layer.
        shape: Shape of an image.
        positions: Positions of the units in the maps, (count, axes).

    Returns:
        First pixels and pixels after the last, (count, axes of the image, 2); all pixels where the field is
        unknown.
    """
    sides = shape[:-1]
    boxes = np.tile(np.array([(0, side) for side in sides]), (len(positions), 1, 1))
    if net.layer is None or not net.grid:
        return boxes
    last = net.path.removesuffix(net.layer.name) + parts(net.layer)[-1].name
    field = receptive_field(model, last, shape)
    if field is None or field.offset is None or len(net.grid) != len(sides):
        return boxes
    for axis, side in enumerate(sides):
        stride = 0 if field.stride is None else field.stride[axis]
        starts = field.offset[axis] + positions[:, axis] * stride
        ends = starts + field.size[axis]
        boxes[:, axis, 0] = np.clip(np.floor(starts), 0, side)
        boxes[:, axis, 1] = np.clip(np.ceil(ends), 0, side)
    return boxes
