"""Dense layers."""

from collections.abc import Sequence

import keras
from keras import KerasTensor, layers

from kerasnets.blocks.conv import Activation


def dense_stack(
    x: KerasTensor,
    units: Sequence[int],
    act: Activation = "relu",
    dropout: float = 0.0,
    dropout_first: bool = False,
    max_norm: float | None = None,
    name: str | None = None,
) -> KerasTensor:
    """Dense layers one after another, each with dropout after or before it.

    Args:
        x: Features, (batch, features).
        units: Number of units of each layer.
        act: Activation.
        dropout: Dropout rate.
        dropout_first: Whether dropout comes before each layer instead of after it.
        max_norm: Maximum norm of the incoming weights of a unit, or None for no limit.
        name: Prefix of the layers' names.

    Returns:
        Features, (batch, units[-1]); `x` itself if there are no units.
    """
    init = "he_uniform" if act == "relu" else "glorot_uniform"
    for i, n in enumerate(units, start=1):
        limit = keras.constraints.MaxNorm(max_norm) if max_norm else None
        if dropout and dropout_first:
            x = layers.Dropout(dropout, name=f"{name}{i}_dropout")(x)
        x = layers.Dense(n, act, kernel_initializer=init, kernel_constraint=limit, name=f"{name}{i}")(x)
        if dropout and not dropout_first:
            x = layers.Dropout(dropout, name=f"{name}{i}_dropout")(x)
    return x
