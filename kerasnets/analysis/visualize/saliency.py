"""What in an image a unit responds to: gradients, guided backpropagation and deconvolution."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from kerasnets.analysis.visualize.backward import deconvolved, guided
from kerasnets.analysis.visualize.net import at, batches, in_batches, opened
from kerasnets.checks import is_int, refuse


def gradients(
    model: keras.Model,
    images: Any,
    unit: Any = None,
    layer: keras.Layer | str | None = None,
    positions: Any = None,
    batch_size: int = 16,
) -> np.ndarray:
    """Computes the gradient of a unit's activation with respect to each image.

    Source: Simonyan et al. 2014, arXiv:1312.6034, section 3. Their saliency map is the largest absolute value
    over the channels.

    Args:
        model: A functional or sequential model of one input, channels last.
        images: Images as the model takes them, (images, *grid, channels).
        unit: Index of a class or channel, or one for each image; None for the strongest of each image.
        layer: The layer of the unit or its name, in a nested model "MODEL/LAYER"; None for the scores of the
            model before its last softmax or sigmoid.
        positions: Position of the unit in the layer's maps, (row, column), or one for each image; None for
            the strongest of each image.
        batch_size: Number of images that run at once.

    Returns:
        An array of the shape of `images`.

    Raises:
        ValueError: The model does not take the images, or has no such layer, unit or position.
    """
    return backward(model, images, layer, unit, positions, batch_size)


def guided_backprop(
    model: keras.Model,
    images: Any,
    unit: Any = None,
    layer: keras.Layer | str | None = None,
    positions: Any = None,
    batch_size: int = 16,
) -> np.ndarray:
    """Computes gradients as `gradients` does, but lets only positive signals pass back through each ReLU.

    Where a net has no ReLU, this is the gradient; leaky and smooth activations pass gradients unchanged.

    Source: Springenberg et al. 2015, arXiv:1412.6806, section 3.4 and figure 1.

    Args:
        model: As for `gradients`.
        images: As for `gradients`.
        unit: As for `gradients`.
        layer: As for `gradients`.
        positions: As for `gradients`.
        batch_size: As for `gradients`.

    Returns:
        An array of the shape of `images`.

    Raises:
        ValueError: As for `gradients`.
    """
    return backward(model, images, layer, unit, positions, batch_size, guided)


def deconvolve(
    model: keras.Model,
    images: Any,
    layer: keras.Layer | str | None,
    unit: Any = None,
    positions: Any = None,
    batch_size: int = 16,
) -> np.ndarray:
    """Projects the activation of a unit back into the image by a deconvolutional net.

    All other activations of the layer are set to zero. The signal, which starts with the size of the
    activation, is unpooled to where each maximum was, rectified at each ReLU, and filtered by the transposed
    kernels. Other layers pass their gradients back.

    Source: Zeiler and Fergus 2014, arXiv:1311.2901, section 2.1.

    Args:
        model: As for `gradients`.
        images: As for `gradients`.
        layer: As for `gradients`.
        unit: As for `gradients`.
        positions: As for `gradients`; `strongest` gives them.
        batch_size: As for `gradients`.

    Returns:
        An array of the shape of `images`.

    Raises:
        ValueError: As for `gradients`.
    """
    return backward(model, images, layer, unit, positions, batch_size, deconvolved, squared)


def integrated_gradients(
    model: keras.Model,
    images: Any,
    unit: Any = None,
    baseline: Any = None,
    steps: int = 50,
    layer: keras.Layer | str | None = None,
    positions: Any = None,
    batch_size: int = 16,
) -> np.ndarray:
    """Attributes a unit's activation to the values of each image.

    The gradients at points of the straight line from the baseline to the image are averaged, and multiplied
    by the difference of the two. The attributions of an image add up to the difference of the activations,
    the more precisely the more steps there are. The points are the middles of `steps` equal parts.

    Source: Sundararajan et al. 2017, arXiv:1703.01365, section 3.

    Args:
        model: As for `gradients`.
        images: As for `gradients`.
        unit: As for `gradients`; the strongest one is that of the image.
        baseline: The image without information, a number or an array that broadcasts to `images`; None for
            zeros.
        steps: Number of points.
        layer: As for `gradients`.
        positions: As for `gradients`.
        batch_size: As for `gradients`.

    Returns:
        An array of the shape of `images`.

    Raises:
        ValueError: As for `gradients`, the baseline does not fit, or `steps` is not positive.
    """
    if not is_int(steps, 1):
        refuse("steps", "a whole number, at least 1", steps)
    net, images = opened(model, images, layer, batch_size, times=steps)
    start = np.asarray(0 if baseline is None else baseline, images.dtype)
    try:
        start = np.broadcast_to(start, images.shape)
    except ValueError:
        refuse("baseline", f"None, a number or an array that broadcasts to {images.shape}", start.shape)
    units, places = net.choose(images, unit, positions, batch_size)
    gradient = net.gradient_of(at)
    total = np.zeros(images.shape, "float64")
    for points, left in batches(len(images) * steps, batch_size):
        rows, step = np.divmod(points, steps)
        shares = ((step + 0.5) / steps).astype(images.dtype).reshape(-1, *(1,) * (images.ndim - 1))
        given = start[rows] + shares * (images[rows] - start[rows]), units[rows], places[rows]
        found = ops.convert_to_numpy(gradient(*map(ops.convert_to_tensor, given)))
        np.add.at(total, rows[:left], found[:left])
    return ((images - start) * total / steps).astype(images.dtype)


def backward(
    model: keras.Model,
    images: Any,
    layer: keras.Layer | str | None,
    unit: Any,
    positions: Any,
    batch_size: int,
    rule: Callable | None = None,
    score: Callable = at,
) -> np.ndarray:
    """Takes a signal from a unit back to the images by a rule for ReLUs."""
    net, images = opened(model, images, layer, batch_size)
    units, places = net.choose(images, unit, positions, batch_size)
    return in_batches(net.gradient_of(score, rule), batch_size, images, units, places)


def squared(y: Any, units: Any, places: Any) -> Any:
    """A function of each activation whose gradient is the size of the activation."""
    values = at(y, units, places)
    return 0.5 * values * ops.abs(values)
