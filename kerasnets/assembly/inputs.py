"""The input of a net: its shape is checked here, once, before anything is built."""

import keras

from kerasnets.checks import is_int, refuse


def resolution(rho):
    """Side of the input in pixels: 224 times the resolution multiplier."""
    return round(224 * rho)


def model_input(input_tensor, input_shape, size, min_size, channels, fixed_size):
    """The tensor that a net starts from.

    Args:
        input_tensor: None, or the tensor to start from, (batch, *grid, channels).
        input_shape: None, or (*grid, channels) without the batch.
        size: Grid of the paper, one whole number for each axis.
        min_size: Smallest grid that the net takes, likewise.
        channels: Channels of the paper's input.
        fixed_size: Whether the grid must be known, as dense layers over the whole of it need.

    Returns:
        A Keras tensor, (batch, *grid, channels).

    Raises:
        ValueError: The shape does not fit the net, or the two arguments disagree.
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


def check_shape(argument, shape, min_size, fixed_size):
    """Refuses an input shape that the net cannot take.

    Args:
        argument: Name of the argument that gave the shape.
        shape: (*grid, channels) without the batch, channels last.
        min_size: Smallest grid, one whole number for each axis.
        fixed_size: Whether None is refused on the grid.

    Raises:
        ValueError: Wrong rank, a grid below `min_size`, or channels that are not a whole number.
    """
    axes = ", ".join(("frames", "height", "width")[-len(min_size) :])
    least = ", ".join(str(m) for m in min_size)
    free = "fixed" if fixed_size else "or None where free"
    allowed = f"({axes}, channels), channels last, at least ({least}, 1), {free}"
    if not isinstance(shape, (tuple, list)) or len(shape) != len(min_size) + 1:
        refuse(argument, allowed, shape)
    *grid, channels = shape
    grid_fits = all(
        (not fixed_size if s is None else is_int(s, m)) for s, m in zip(grid, min_size, strict=True)
    )
    if not (grid_fits and is_int(channels, 1)):
        refuse(argument, allowed, shape)
