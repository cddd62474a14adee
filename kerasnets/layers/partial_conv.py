"""A convolution whose output channels read only some of the input channels."""

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable("kerasnets")
class PartialConv2D(keras.layers.Layer):
    """A convolution with one kernel for each connected pair of channels, and a bias for each output channel.

    All kernels are in one weight of shape (kernel_size, kernel_size, pairs). They are scattered into a full
    kernel, which is zero where channels are not connected, so that one ordinary convolution computes
    everything.

    Source: LeCun et al. 1998, section II.B, table I.

    Args:
        connections: For each output channel, the input channels that it reads, counted from 0.
        kernel_size: Kernel size in pixels.
        **kwargs: As for every Keras layer.

    Call:
        (batch, height, width, channels) -> (batch, height - kernel_size + 1, width - kernel_size + 1,
        len(connections)).

    Raises:
        ValueError: A connection names an input channel that does not exist.
    """

    def __init__(self, connections: Sequence[Sequence[int]], kernel_size: int, **kwargs) -> None:
        super().__init__(**kwargs)
        self.connections = tuple(tuple(reads) for reads in connections)
        self.kernel_size = kernel_size

    def build(self, input_shape):
        channels, filters, k = input_shape[-1], len(self.connections), self.kernel_size
        pairs = [(i, o) for o, reads in enumerate(self.connections) for i in reads]
        if max(i for i, _ in pairs) >= channels:
            raise ValueError(
                f"`connections` names input channels from 0 to {channels - 1}. "
                f"Received: connections={self.connections}"
            )
        # Glorot's limit, for the mean number of connections of an output channel and of an input channel.
        limit = np.sqrt(6 / (k * k * len(pairs) * (1 / filters + 1 / channels)))
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

    def call(self, x):
        kernel = ops.matmul(self.kernel, ops.cast(self._scatter, self.compute_dtype))
        x = ops.conv(x, ops.reshape(kernel, self._kernel_shape), data_format="channels_last")
        return x + self.bias

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
