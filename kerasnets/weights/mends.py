"""Mends: changes of a checkpoint's values after which our net computes what its own net computes.

Each takes a net, and the weights that were fitted to its layers: arrays by layer name and weight name, which
it changes. `Architecture.mends` names them, with their arguments.
"""

import keras
import numpy as np

Fitted = dict[str, dict[str, np.ndarray]]


def no_bias(net: keras.Model, fitted: Fitted) -> None:
    """Biases that the checkpoint lacks are zeros; the pairing adds them."""


def zeros_around(net: keras.Model, fitted: Fitted) -> None:
    """Kernels that are smaller than ours get zeros around them; the pairing adds them."""
