"""Dense layers."""

import keras
from keras import layers


def dense_stack(x, units, act="relu", dropout=0.0, max_norm=None, name=None):
    """Dense layers one after another, each followed by dropout.

    Args:
        x: Features, (batch, features).
        units: Units of each layer.
        act: Activation.
        dropout: Share of each layer's units dropped in training.
        max_norm: Largest norm of a unit's incoming weights, or None for no limit.
        name: Start of the layers' names.

    Returns:
        (batch, units[-1]), or `x` where there are no units.
    """
    init = "he_uniform" if act == "relu" else "glorot_uniform"
    for i, n in enumerate(units, start=1):
        limit = keras.constraints.MaxNorm(max_norm) if max_norm else None
        x = layers.Dense(n, act, kernel_initializer=init, kernel_constraint=limit, name=f"{name}{i}")(x)
        if dropout:
            x = layers.Dropout(dropout, name=f"{name}{i}_dropout")(x)
    return x
