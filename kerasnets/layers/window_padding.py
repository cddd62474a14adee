"""Zero padding that depends on the size of the grid."""

from typing import Any

import keras
from keras import ops

from kerasnets.checks import is_int, refuse


def completing(side: Any, kernel: int, strides: int) -> Any:
    """The zeros on each side of an axis with which the last window of a strided layer is complete.

    Args:
        side: Size of the axis in pixels, a whole number or a tensor of one.
        kernel: Size of the windows in pixels.
        strides: Strides in pixels.

    Returns:
        Half the number of missing pixels, rounded up.
    """
    return (-(side - kernel) % strides + 1) // 2


@keras.saving.register_keras_serializable("kerasnets")
class WindowPadding2D(keras.layers.Layer):
    """Pads feature maps of any size with zeros, so that the last window of a strided layer is complete.

    Each axis gets the same number of zeros on both sides: half of the missing pixels, rounded up. For a grid
    of known size, ZeroPadding2D does the same.

    Args:
        kernel: Size of the windows in pixels.
        strides: Strides in pixels.
        **kwargs: As for every Keras layer.

    Call:
        (batch, height, width, channels) -> (batch, height', width', channels).

    Raises:
        ValueError: `kernel` or `strides` is not a whole number of at least 1.
    """

    def __init__(self, kernel: int, strides: int, **kwargs) -> None:
        super().__init__(**kwargs)
        for word, value in (("kernel", kernel), ("strides", strides)):
            if not is_int(value, 1):
                refuse(word, "a whole number, at least 1", value)
        self.kernel, self.strides = kernel, strides

    def padding_of(self, grid: Any) -> list:
        """The zeros on each side of each axis of a grid; None for an axis of unknown size."""
        return [None if side is None else completing(side, self.kernel, self.strides) for side in grid]

    def call(self, x):
        height, width = ops.shape(x)[1:3]
        top, left = self.padding_of((height, width))
        # All get the most that any size needs, since widths are fixed numbers in `ops.pad`.
        most = self.strides // 2
        x = ops.pad(x, ((0, 0), (most, most), (most, most), (0, 0)))
        return x[:, most - top : most + height + top, most - left : most + width + left]

    def compute_output_shape(self, input_shape):
        batch, *grid, channels = input_shape
        added = self.padding_of(grid)
        return (batch, *(s if s is None else s + 2 * n for s, n in zip(grid, added, strict=True)), channels)

    def get_config(self):
        return {**super().get_config(), "kernel": self.kernel, "strides": self.strides}
