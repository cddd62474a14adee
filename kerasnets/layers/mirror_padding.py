"""Padding that mirrors feature maps at their borders."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from kerasnets.checks import is_int, refuse


@keras.saving.register_keras_serializable("kerasnets")
class MirrorPadding2D(keras.layers.Layer):
    """Pads feature maps with their own pixels, mirrored at the border.

    The outermost pixels are repeated first. Max pooling ignores this padding, as it would minus infinity, if
    its windows reach at least as far into the maps as beyond the border.

    Args:
        padding: ((top, bottom), (left, right)), the number of pixels that are added at each side.
        **kwargs: As for every Keras layer.

    Call:
        (batch, height, width, channels) -> (batch, height', width', channels).

    Raises:
        ValueError: `padding` is not two pairs of whole numbers of at least 0.
    """

    def __init__(self, padding: Sequence[Sequence[int]], **kwargs) -> None:
        super().__init__(**kwargs)
        pairs = isinstance(padding, (list, tuple)) and len(padding) == 2
        pairs = pairs and all(isinstance(p, (list, tuple)) and len(p) == 2 for p in padding)
        if not pairs or not all(is_int(n, 0) for pair in padding for n in pair):
            refuse("padding", "two pairs of whole numbers, each at least 0", padding)
        self.padding = tuple(map(tuple, padding))

    def call(self, x: Any) -> Any:
        return ops.pad(x, ((0, 0), *self.padding, (0, 0)), mode="symmetric")

    def compute_output_shape(self, input_shape: Sequence) -> tuple:
        batch, *grid, channels = input_shape
        sides = zip(grid, self.padding, strict=True)
        return (batch, *(side if side is None else side + sum(pair) for side, pair in sides), channels)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "padding": self.padding}
