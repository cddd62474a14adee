"""Inception modules, written as data.

A branch is a sequence of steps, each of which reads what the step before it gives. An empty branch passes its
input through. A step is one of

- a `Conv`, or a tuple of its fields: (filters, kernel), (filters, kernel, strides) or (filters, kernel,
  strides, padding);
- a `Pool`, or a tuple of its fields: ("avg" or "max", kernel, strides) or the same and padding. Padding that
  is a number of pixels counts as zeros;
- a list of branches, whose outputs are concatenated.

The padding of a step, if it is not given, is "same" with strides of 1 and "valid" with larger strides, as in
the Inception papers.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from keras import KerasTensor, layers

from kerasnets.blocks import attention
from kerasnets.blocks.conv import Padding, Size, conv_bn_act, pad

EPSILON = 1e-3  # of batch normalization, with which published weights of Inception v3 and later were trained


class Conv(NamedTuple):
    """A step of a branch: a convolution."""

    filters: int
    kernel: Size
    strides: int = 1
    padding: Padding | None = None


class Pool(NamedTuple):
    """A step of a branch: average or max pooling."""

    kind: str
    kernel: Size
    strides: int
    padding: Padding | None = None


Step = Conv | Pool | tuple | list
Branch = Sequence[Step]

# The stem of Inception v4 and, as printed, of Inception-ResNet-v2: Szegedy et al. 2017, figure 3.
V4_STEM: Branch = [
    (32, 3, 2),
    (32, 3, 1, "valid"),
    (64, 3),
    [[("max", 3, 2)], [(96, 3, 2)]],
    [[(64, 1), (96, 3, 1, "valid")], [(64, 1), (64, (1, 7)), (64, (7, 1)), (96, 3, 1, "valid")]],
    [[(192, 3, 2)], [("max", 3, 2)]],
]


def branches(
    x: KerasTensor,
    rows: Sequence[Branch],
    convolve: Callable,
    name: str,
    squeeze_excite: int | None = None,
) -> KerasTensor:
    """An Inception module: branches that all read `x`, and whose outputs are concatenated.

    Args:
        x: Feature maps, (batch, height, width, channels).
        rows: The branches.
        convolve: Function of feature maps, filters and kernel size, and of `strides`, `padding` and `name` by
            keyword. It adds a convolution and the layers that belong to it.
        name: Prefix of the layers' names.
        squeeze_excite: Reduction of a squeeze-and-excitation unit after the concatenation, or None.

    Returns:
        Feature maps, (batch, height', width', sum of the branches' channels).
    """
    ends = [sequence(x, steps, convolve, f"{name}_branch{b}") for b, steps in enumerate(rows, start=1)]
    x = layers.Concatenate(name=f"{name}_join")(ends)
    return attention.squeeze_excite(x, squeeze_excite, name=f"{name}_se") if squeeze_excite else x


def repeated(
    x: KerasTensor,
    modules: Sequence[Sequence[Branch]],
    depth: int,
    convolve: Callable,
    name: str,
    squeeze_excite: int | None = None,
) -> KerasTensor:
    """A stage of Inception modules: the given ones in turn, the last of them as often as needed.

    Args:
        x: Feature maps, (batch, height, width, channels).
        modules: The modules, each a sequence of branches.
        depth: Number of modules in the stage.
        convolve: As in `branches`.
        name: Prefix of the layers' names, followed by the module's number.
        squeeze_excite: As in `branches`.

    Returns:
        Feature maps, (batch, height, width, channels of the last module).
    """
    for i in range(1, depth + 1):
        x = branches(x, modules[min(i, len(modules)) - 1], convolve, f"{name}{i}", squeeze_excite)
    return x


def sequence(x: KerasTensor, steps: Branch, convolve: Callable, name: str) -> KerasTensor:
    """The steps of one branch, one after another.

    Args:
        x: Feature maps, (batch, height, width, channels).
        steps: The steps.
        convolve: As in `branches`.
        name: Prefix of the layers' names, followed by the step's number.

    Returns:
        Feature maps, (batch, height', width', channels of the last step).
    """
    for i, step in enumerate(steps, start=1):
        unit = f"{name}_{i}"
        if isinstance(step, list):
            x = branches(x, step, convolve, unit)
        elif step[0] in ("avg", "max"):
            step = Pool(*step)
            pool = layers.AveragePooling2D if step.kind == "avg" else layers.MaxPooling2D
            x, padding = pad(x, step.kernel, step.strides, padding_of(step), name=f"{unit}_pad")
            x = pool(step.kernel, step.strides, padding, name=f"{unit}_pool")(x)
        else:
            step = Conv(*step)
            x = convolve(
                x, step.filters, step.kernel, strides=step.strides, padding=padding_of(step), name=unit
            )
    return x


def including_pad(rows: Sequence[Branch]) -> list[Branch]:
    """The same branches with average pooling that counts the padding at the border, as zeros.

    Args:
        rows: Branches of a module that keeps the grid. Their poolings ("avg", 3, 1) are replaced.
    """
    return [[("avg", 3, 1, 1) if step == ("avg", 3, 1) else step for step in row] for row in rows]


def padding_of(step: Conv | Pool) -> Padding:
    """The padding of a step, or its default: the Inception papers pad only layers with strides of 1."""
    return step.padding or ("same" if step.strides == 1 else "valid")


def scaled_conv(alpha: float) -> Callable:
    """The convolution of Inception v3 and later, with batch normalization and ReLU, as `branches` takes it.

    Args:
        alpha: Fraction of the filters to keep, at least one of each convolution.

    Returns:
        The function `convolve` for `branches`.
    """

    def convolve(x, filters, kernel, **options):
        return conv_bn_act(x, max(1, int(alpha * filters)), kernel, epsilon=EPSILON, **options)

    return convolve
