"""Upsampling to the grid of other feature maps."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("kerasnets")
class UpSampleLike(keras.layers.UpSampling2D):
    """Upsamples feature maps, and crops them at the bottom and on the right to the grid of others.

    This undoes a division of the grid by `size` whose result was rounded up.

    Args:
        size: Upsampling factor.
        interpolation: "nearest" or "bilinear", as for UpSampling2D.
        **kwargs: As for every Keras layer.

    Call:
        [x, like], two feature maps of which the grid of `like` is at most `size` times as fine -> the
        feature maps of `x` on the grid of `like`.
    """

    def __init__(self, size: int = 2, interpolation: str = "nearest", **kwargs) -> None:
        super().__init__(size, interpolation=interpolation, **kwargs)
        self.input_spec = None  # there are two inputs

    def call(self, inputs):
        x, like = inputs
        _, height, width, _ = ops.shape(like)
        return super().call(x)[:, :height, :width]

    def compute_output_shape(self, input_shape):
        x, like = input_shape
        return (x[0], like[1], like[2], x[3])
