"""Maps brought to the finer grid of others."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("kerasnets")
class UpSampleLike(keras.layers.UpSampling2D):
    """Enlarges a grid and cuts off what then hangs over that of other maps, at the bottom and on the right.

    A grid that was divided by `size`, its sides rounded up, comes back to what it was, whatever that was.

    Args:
        size: Pixels that come out for each, along a side.
        interpolation: "nearest" or "bilinear", as for UpSampling2D.
        **kwargs: As for every Keras layer.

    Call: [x, like], (batch, height, width, maps) and maps on a grid at most `size` times as fine -> the maps
    of `x` on the grid of `like`.
    """

    def __init__(self, size=2, interpolation="nearest", **kwargs):
        super().__init__(size, interpolation=interpolation, **kwargs)
        self.input_spec = None  # there are two inputs

    def call(self, inputs):
        x, like = inputs
        _, height, width, _ = ops.shape(like)
        return super().call(x)[:, :height, :width]

    def compute_output_shape(self, input_shape):
        x, like = input_shape
        return (x[0], like[1], like[2], x[3])
