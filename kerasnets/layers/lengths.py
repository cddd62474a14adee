"""Vectors of unit length, with gradients that stay finite where a vector has no direction."""

from typing import Any

from keras import ops

SHORT = 1e-24  # squared length of a vector that counts as zero
FLAT = 1e-12  # share of the squares that is rounding, not spread around the mean, in float32


def of_unit_length(x: Any, axis: int = -1, least: Any = SHORT) -> Any:
    """Vectors divided by their Euclidean lengths.

    A vector that is too short to have a direction stays as it is. So a vector of zeros has a finite gradient
    of the size of others, where the quotient itself would have none.

    Args:
        x: Tensor of floats.
        axis: The axis along which the vectors lie.
        least: Squared length up to which a vector stays as it is, a number or a tensor.

    Returns:
        Tensor of the shape and dtype of `x`.
    """
    squares = ops.sum(ops.square(x), axis=axis, keepdims=True)
    return x / ops.sqrt(ops.where(squares > least, squares, ops.ones_like(squares)))


def centered_to_unit_length(x: Any, axis: int = -1) -> Any:
    """Vectors of unit length around a mean of 0: the scalar product of two is their correlation.

    Values that are all alike but for rounding give values near 0, with a finite gradient.

    Args:
        x: Tensor of floats.
        axis: The axis along which the vectors lie.

    Returns:
        Tensor of the shape and dtype of `x`.
    """
    least = FLAT * ops.sum(ops.square(x), axis=axis, keepdims=True)
    return of_unit_length(x - ops.mean(x, axis=axis, keepdims=True), axis, least)
