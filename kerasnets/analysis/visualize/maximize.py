"""Images that maximize a unit."""

import functools
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from kerasnets.analysis.visualize.net import Net, at, check_model
from kerasnets.checks import is_int, is_ints, is_number, refuse
from kerasnets.scaling import Scaling
from kerasnets.weights.card import card_of

NOISE = 0.02  # of the first images, as a share of the range of their values


def maximize(
    model: keras.Model,
    unit: int | Sequence[int],
    layer: keras.Layer | str | None = None,
    seed: int = 0,
    steps: int = 100,
    rate: float = 0.02,
    decay: float = 0.02,
    jitter: int | None = None,
    smooth: float = 1.0,
    correlation: float = 0.6,
    position: Sequence[int] | None = None,
    bounds: Sequence[float] | None = None,
    size: Sequence[int] | None = None,
) -> np.ndarray:
    """Makes images that maximize units by gradient ascent from noise.

    Each step adds the gradient, scaled to a fixed size. A ReLU at the end of the layer is left out, since it
    gives no gradient to a unit that does not respond yet. `decay` is Simonyan's penalty on large values;
    `smooth`, `correlation` and `jitter` suppress the fine patterns and shrill colors that a plain gradient
    gives.

    Source: Simonyan et al. 2014, arXiv:1312.6034, section 2. Jitter, and steps with the frequencies and
    colors of photographs: Olah et al. 2017, Feature Visualization, doi:10.23915/distill.00007, sections "The
    Enemy of Feature Visualization" and "Preconditioning and Parameterization".

    Args:
        model: A functional or sequential model of one input, channels last.
        unit: Index of a class or channel, or several, for an image each.
        layer: The layer of the units or its name, in a nested model "MODEL/LAYER"; None for the scores of
            the model before its last softmax or sigmoid.
        seed: Seed of the noise and of the jitter.
        steps: Number of steps.
        rate: Root mean square of the values that a step adds, as a share of the range of values.
        decay: Share of the distance to the middle of the range that each step takes away.
        jitter: The most pixels by which an image is moved before each step; None for a 16th of its shorter
            side.
        smooth: Each spatial frequency of a gradient is divided by this power of the frequency; 0 leaves it
            as it is.
        correlation: Correlation of the channels of a step, which is high in photographs; 0 for independent
            channels.
        position: Position of the unit in the maps; None for the mean over all positions.
        bounds: Least and largest value of a pixel; None for those of the scaling that travels with the
            model, or any values if it is unknown.
        size: Sides of the images, needed if the model leaves them open.

    Returns:
        An array, (units, *grid, channels): images as the model takes them.

    Raises:
        ValueError: The model has no such layer, unit or position, or an option is not as described.
    """
    check_model(model)
    check_options(seed, steps, rate, decay, jitter, smooth, correlation)
    shape = shape_of(model, size)
    net = Net(model, layer, shape)
    units = np.atleast_1d(np.asarray(unit))
    units = net.units(units if units.size else None, units.size)
    if units is None:
        refuse("unit", "the index of a unit, or several", unit)
    places = net.positions(position, len(units))
    if places is not None:
        places = np.ravel_multi_index(tuple(places.T), net.grid).astype("int32")
    low, high = limits(model, shape, bounds)
    middle, spread = ((low + high) / 2, (high - low).mean()) if np.isfinite(low).all() else (0.0, 1.0)
    jitter = min(shape[:-1]) // 16 if jitter is None else jitter
    area = 1 if places is not None else int(np.prod(net.grid))
    mixed = functools.partial(filtered, share=frequencies(shape, smooth), correlation=correlation)
    chosen = [ops.convert_to_tensor(array) for array in (units, places) if array is not None]
    gradient_of = net.gradient_of(lambda y, *chosen: at(y, *chosen) / area, bare=True)
    rng = np.random.default_rng(seed)
    images = middle + NOISE * spread * mixed(rng.normal(size=(len(units), *shape)))
    axes = tuple(range(1, len(shape)))
    for _ in range(steps):
        moves = tuple(rng.integers(-jitter, jitter + 1, len(axes)))
        moved = np.roll(images, moves, axes).astype(keras.config.floatx())
        gradient = gradient_of(ops.convert_to_tensor(moved), *chosen)
        gradient = np.roll(ops.convert_to_numpy(gradient), [-move for move in moves], axes)
        images = images + rate * spread * mixed(gradient) - decay * (images - middle)
        images = np.clip(images, low, high)
    return images.astype(keras.config.floatx())


def check_options(
    seed: Any, steps: Any, rate: Any, decay: Any, jitter: Any, smooth: Any, correlation: Any
) -> None:
    """Refuses options of `maximize` that are not as described."""
    if not is_int(seed, 0):
        refuse("seed", "a whole number, at least 0", seed)
    if not is_int(steps, 1):
        refuse("steps", "a whole number, at least 1", steps)
    if not is_number(rate) or rate <= 0:
        refuse("rate", "a positive number", rate)
    if not is_number(decay) or not 0 <= decay < 1:
        refuse("decay", "a number from 0 to below 1", decay)
    if jitter is not None and not is_int(jitter, 0):
        refuse("jitter", "None or a whole number, at least 0", jitter)
    if not is_number(smooth) or smooth < 0:
        refuse("smooth", "a number, at least 0", smooth)
    if not is_number(correlation) or not 0 <= correlation < 1:
        refuse("correlation", "a number from 0 to below 1", correlation)


def shape_of(model: keras.Model, size: Any) -> tuple[int, ...]:
    """The shape of the images of a model.

    Raises:
        ValueError: `size` is missing or does not fit.
    """
    *sides, channels = model.inputs[0].shape[1:]
    if size is None and None not in sides:
        return (*sides, channels)
    fits = is_ints(size, 1) and len(size) == len(sides)
    if not fits or any(own not in (None, side) for side, own in zip(size, sides, strict=True)):
        refuse("size", f"whole numbers that fit the sides {tuple(sides)} of the model's images", size)
    return (*size, channels)


def limits(model: keras.Model, shape: tuple, bounds: Any) -> tuple[np.ndarray, np.ndarray]:
    """The least and the largest value of each channel."""
    if bounds is not None:
        found = np.asarray(bounds, "float64") if np.ndim(bounds) == 1 else np.zeros(0)
        if found.shape != (2,) or not found[0] < found[1]:
            refuse("bounds", "None, or the least and the largest value of a pixel", bounds)
        return found[0], found[1]
    scaling = card_of(model).scaling
    if not isinstance(scaling, Scaling) or scaling.contrast is not None or scaling.matrix is not None:
        return np.float64(-np.inf), np.float64(np.inf)
    ends = [scaling(np.full((1, *shape), pixel, "float32"))[0] for pixel in (0, 255)]
    return np.minimum(*ends).astype("float64"), np.maximum(*ends).astype("float64")


def frequencies(shape: tuple, power: float) -> np.ndarray:
    """By what each spatial frequency of an image is multiplied: 1 / frequency ** power."""
    sides = shape[:-1]
    squares = [
        np.fft.fftfreq(side).reshape(-1, *(1,) * (len(sides) - i)) ** 2 for i, side in enumerate(sides)
    ]
    lowest = 1 / max(sides)
    return (np.maximum(np.sqrt(sum(squares)), lowest) / lowest) ** -power


def filtered(x: np.ndarray, share: np.ndarray, correlation: float) -> np.ndarray:
    """Images with other frequencies and correlated channels, scaled to a root mean square of 1 each.

    Args:
        x: Images, (images, *grid, channels).
        share: By what each spatial frequency is multiplied, (*grid, 1).
        correlation: Off the diagonal of the matrix by which the channels are multiplied, whose diagonal is 1.
    """
    axes = tuple(range(1, x.ndim - 1))
    x = np.fft.ifftn(np.fft.fftn(x, axes=axes) * share, axes=axes).real
    x = (1 - correlation) * x + correlation * x.sum(-1, keepdims=True)
    size = np.sqrt(np.mean(x**2, axis=(*axes, -1), keepdims=True))
    return x / np.maximum(size, 1e-12)
