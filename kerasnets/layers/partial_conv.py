"""A convolution whose output channels read only some of the input channels."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from kerasnets.checks import is_int, is_ints, refuse

CONNECTION = "one or more different input channels, counted from 0"


def is_connection(reads: Any) -> bool:
    """Whether these are the input channels that an output channel can read: one or more, all different."""
    return is_ints(reads, 0) and len(reads) > 0 and len(set(reads)) == len(reads)


@keras.saving.register_keras_serializable("kerasnets")
class PartialConv2D(keras.layers.Layer):
    """A convolution with one kernel for each connected pair of channels, and a bias for each output channel.

    All kernels are in one weight of shape (kernel_size, kernel_size, pairs). They are scattered into a full
    kernel, which is zero where channels are not connected, so that one ordinary convolution computes
    everything.

    Source: LeCun et al. 1998, section II.B, table I.

    Args:
        connections: For each output channel, the different input channels that it reads, counted from 0.
        kernel_size: Kernel size in pixels.
        **kwargs: As for every Keras layer.

    Call:
        (batch, height, width, channels) -> (batch, height - kernel_size + 1, width - kernel_size + 1,
        len(connections)).

    Raises:
        ValueError: `kernel_size` is not a whole number of at least 1, or an output channel reads no input
            channel, one that does not exist, or one twice.
    """

    def __init__(self, connections: Sequence[Sequence[int]], kernel_size: int, **kwargs) -> None:
        super().__init__(**kwargs)
        table = isinstance(connections, (tuple, list)) and len(connections) > 0
        if not (table and all(map(is_connection, connections))):
            refuse("connections", f"a tuple of rows, each {CONNECTION}", connections)
        if not is_int(kernel_size, 1):
            refuse("kernel_size", "a whole number, at least 1", kernel_size)
        self.connections = tuple(tuple(map(int, reads)) for reads in connections)
        self.kernel_size = int(kernel_size)

    def build(self, input_shape):
        channels, filters, k = input_shape[-1], len(self.connections), self.kernel_size
        pairs = [(i, o) for o, reads in enumerate(self.connections) for i in reads]
        if channels is None or max(i for i, _ in pairs) >= channels:
            known = "of a known number" if channels is None else f"from 0 to {channels - 1}"
            refuse("connections", f"rows of input channels {known}", self.connections)
        # The mean numbers of weights of an output channel and of an input channel.
        self.fans = k * k * len(pairs) / filters, k * k * len(pairs) / channels
        limit = np.sqrt(6 / sum(self.fans))  # Glorot's
        self.kernel = self.add_weight(
            name="kernel",
            shape=(k, k, len(pairs)),
            initializer=keras.initializers.RandomUniform(-limit, limit),
        )
        self.bias = self.add_weight(name="bias", shape=(filters,), initializer="zeros")
        self._scatter = np.zeros((len(pairs), channels * filters), "float32")
        for pair, (i, o) in enumerate(pairs):
            self._scatter[pair, i * filters + o] = 1
        self._kernel_shape = (k, k, channels, filters)

    def full_kernel(self) -> Any:
        """The kernel of the ordinary convolution, (kernel_size, kernel_size, channels, filters)."""
        kernel = ops.matmul(self.kernel, ops.cast(self._scatter, self.compute_dtype))
        return ops.reshape(kernel, self._kernel_shape)

    def call(self, x):
        return ops.conv(x, self.full_kernel(), data_format="channels_last") + self.bias

    def compute_output_shape(self, input_shape):
        batch, *grid, _ = input_shape
        grid = (None if s is None else s - self.kernel_size + 1 for s in grid)
        return (batch, *grid, len(self.connections))

    def get_config(self):
        return {
            **super().get_config(),
            "connections": self.connections,
            "kernel_size": self.kernel_size,
        }
