"""A convolution whose output maps read only some of the input maps."""

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable("kerasnets")
class PartialConv2D(keras.layers.Layer):
    """A convolution with one kernel for each connected pair of maps, and a bias for each output map.

    The kernels are laid out in one weight, (kernel, kernel, pairs), and scattered into a full kernel, zero
    between maps that are not connected, so one ordinary convolution computes all.

    Source: LeCun et al. 1998, section II.B, table I.

    Args:
        connections: For each output map, the input maps that it reads, counted from 0.
        kernel_size: Side of the kernels in pixels.
        **kwargs: As for every Keras layer.

    Call: (batch, height, width, maps) -> (batch, height - kernel_size + 1, width - kernel_size + 1,
    len(connections)).

    Raises:
        ValueError: A connection names an input map that is not there.
    """

    def __init__(self, connections, kernel_size, **kwargs):
        super().__init__(**kwargs)
        self.connections = tuple(tuple(reads) for reads in connections)
        self.kernel_size = kernel_size

    def build(self, input_shape):
        maps, filters, k = input_shape[-1], len(self.connections), self.kernel_size
        pairs = [(i, o) for o, reads in enumerate(self.connections) for i in reads]
        if max(i for i, _ in pairs) >= maps:
            raise ValueError(
                f"`connections` names input maps from 0 to {maps - 1}. "
                f"Received: connections={self.connections}"
            )
        # Glorot's bound for the mean number of connections of an output and an input map.
        bound = np.sqrt(6 / (k * k * len(pairs) * (1 / filters + 1 / maps)))
        self.kernel = self.add_weight(
            name="kernel",
            shape=(k, k, len(pairs)),
            initializer=keras.initializers.RandomUniform(-bound, bound),
        )
        self.bias = self.add_weight(name="bias", shape=(filters,), initializer="zeros")
        self._scatter = np.zeros((len(pairs), maps * filters), "float32")
        for pair, (i, o) in enumerate(pairs):
            self._scatter[pair, i * filters + o] = 1
        self._full_shape = (k, k, maps, filters)

    def call(self, x):
        kernel = ops.matmul(self.kernel, ops.cast(self._scatter, self.compute_dtype))
        x = ops.conv(x, ops.reshape(kernel, self._full_shape), data_format="channels_last")
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
