"""Branches of Inception modules, written as data."""

from keras import layers

from kerasnets.blocks.attention import squeeze_excite as squeezed
from kerasnets.blocks.conv import conv_bn_act


def branches(x, rows, convolve, name, squeeze_excite=None):
    """Follows each branch from `x` and joins what they give.

    A branch is a tuple of steps; an empty one passes `x` through. A step is

    - (filters, kernel), (filters, kernel, strides) or (filters, kernel, strides, padding): a convolution;
    - ("avg", kernel, strides) or ("max", kernel, strides), and padding if need be: pooling;
    - a list of branches, followed and joined in turn.

    Without padding in the step there are zeros where the strides are 1, none where they reduce the grid.

    Args:
        x: Maps, (batch, height, width, channels).
        rows: Branches.
        convolve: Function of maps, filters and kernel, with `strides`, `padding` and `name` by keyword, that
            makes a convolution and what belongs to it.
        name: Start of the layers' names.
        squeeze_excite: Reduction of a squeeze-and-excitation unit on the joined maps, or None.

    Returns:
        (batch, height', width', sum of the branches' maps).
    """
    ends = [follow(x, steps, convolve, f"{name}_branch{b}") for b, steps in enumerate(rows, start=1)]
    x = layers.Concatenate(name=f"{name}_join")(ends)
    return squeezed(x, squeeze_excite, name=f"{name}_se") if squeeze_excite else x


def modules(x, rows, depth, convolve, name, squeeze_excite=None):
    """Follows `depth` modules one after another: `rows` in turn, then the last of them again.

    Args:
        x: Maps, (batch, height, width, channels).
        rows: Modules, each of them branches; see `branches`.
        depth: How many.
        convolve: As in `branches`.
        name: Start of the layers' names; a number follows.
        squeeze_excite: As in `branches`.

    Returns:
        (batch, height, width, sum of the last module's maps).
    """
    for i in range(1, depth + 1):
        x = branches(x, rows[min(i, len(rows)) - 1], convolve, f"{name}{i}", squeeze_excite)
    return x


def follow(x, steps, convolve, name):
    """Takes the steps of a branch one after another; see `branches`."""
    for i, step in enumerate(steps, start=1):
        unit = f"{name}_{i}"
        if isinstance(step, list):
            x = branches(x, step, convolve, unit)
        elif step[0] in ("avg", "max"):
            kind, kernel, strides, padding = (*step, None)[:4]
            pool = layers.AveragePooling2D if kind == "avg" else layers.MaxPooling2D
            x = pool(kernel, strides, padding or default_padding(strides), name=f"{unit}_pool")(x)
        else:
            filters, kernel, strides, padding = (*step, *(1, None)[len(step) - 2 :])
            padding = padding or default_padding(strides)
            x = convolve(x, filters, kernel, strides=strides, padding=padding, name=unit)
    return x


def default_padding(strides):
    """Zeros where the grid stays, none where it is reduced, as the Inception papers have it."""
    return "same" if strides == 1 else "valid"


def thinned(alpha):
    """The convolution of the Inception nets from v3 on: batch normalisation and ReLU behind it.

    Args:
        alpha: Share of each convolution's maps.

    Returns:
        A function for `branches`. The epsilon is what published weights were trained with.
    """

    def convolve(x, filters, kernel, **options):
        return conv_bn_act(x, max(1, int(alpha * filters)), kernel, epsilon=1e-3, **options)

    return convolve
