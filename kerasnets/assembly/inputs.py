"""The input of a network, whose shape is checked here before anything is built."""

from collections.abc import Sequence

import keras

from kerasnets.checks import is_int, refuse


def resolution(rho: float) -> int:
    """The side of the input in pixels: 224 times the resolution multiplier."""
    return round(224 * rho)


def model_input(
    input_tensor: keras.KerasTensor | None,
    input_shape: Sequence[int | None] | None,
    size: Sequence[int],
    min_size: Sequence[int],
    channels: int,
    fixed_size: bool,
) -> keras.KerasTensor:
    """The input tensor of a network.

    Args:
        input_tensor: None, or the tensor to use, (batch, *grid, channels).
        input_shape: None, or (*grid, channels), without the batch.
        size: Grid of the paper's input, one whole number for each axis.
        min_size: Smallest grid that the network takes, one whole number for each axis.
        channels: Number of channels of the paper's input.
        fixed_size: Whether the grid must be known, as for dense layers over the whole of it.

    Returns:
        A Keras tensor, (batch, *grid, channels).

    Raises:
        ValueError: The network does not take the shape, or the two arguments disagree.
    """
    if keras.config.image_data_format() != "channels_last":
        refuse("image_data_format", "'channels_last' in kerasnets", keras.config.image_data_format())
    if input_tensor is None:
        shape = (*size, channels) if input_shape is None else input_shape
        check_shape("input_shape", shape, min_size, fixed_size)
        return keras.Input(tuple(shape), name="images")

    if not keras.utils.is_keras_tensor(input_tensor):
        refuse("input_tensor", "None or a Keras tensor, such as keras.Input(...)", input_tensor)
    shape = tuple(input_tensor.shape[1:])
    if input_shape not in (None, shape, list(shape)):
        refuse("input_shape", f"None or that of `input_tensor`, {shape}", input_shape)
    check_shape("input_tensor", shape, min_size, fixed_size)
    return input_tensor


def check_shape(
    argument: str, shape: Sequence[int | None], min_size: Sequence[int], fixed_size: bool
) -> None:
    """Refuses an input shape that a network does not take.

    Args:
        argument: Name of the argument, for the message.
        shape: (*grid, channels), without the batch.
        min_size: Smallest grid, one whole number for each axis.
        fixed_size: Whether the sides of the grid may not be None.

    Raises:
        ValueError: The rank is wrong, the grid is smaller than `min_size`, or the number of channels is not a
            whole number.
    """
    axes = ", ".join(("frames", "height", "width")[-len(min_size) :])
    least = ", ".join(str(m) for m in min_size)
    free = "all known" if fixed_size else "or None for any size"
    allowed = f"({axes}, channels), channels last, at least ({least}, 1), {free}"
    if not isinstance(shape, (tuple, list)) or len(shape) != len(min_size) + 1:
        refuse(argument, allowed, shape)
    *grid, channels = shape
    grid_fits = all(
        (not fixed_size if s is None else is_int(s, m)) for s, m in zip(grid, min_size, strict=True)
    )
    if not (grid_fits and is_int(channels, 1)):
        refuse(argument, allowed, shape)
