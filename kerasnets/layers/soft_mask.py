"""The last step of an attention mask, which turns feature maps into weights."""

import keras
from keras import ops

from kerasnets.checks import refuse
from kerasnets.layers.precision import in_float32

KINDS = ("mixed", "channel", "spatial")
EPSILON = 1e-6  # added to squares before their root is taken, whose gradient at zero is infinite


@keras.saving.register_keras_serializable("kerasnets")
class SoftMask(keras.layers.Layer):
    """Turns feature maps into a mask.

    - "mixed": the sigmoid of each value.
    - "channel": at each pixel, the values of all channels divided by their Euclidean norm.
    - "spatial": each channel normalized over the grid to mean 0 and variance 1; then the sigmoid.

    In half precision, sums are computed in float32.

    Source: Wang et al., CVPR 2017, section 3.3: f1, f2 and f3.

    Args:
        kind: "mixed", "channel" or "spatial".
        **kwargs: As for every Keras layer.

    Call:
        (batch, height, width, channels) -> the same shape, with values in (0, 1), for "channel" in [-1, 1].

    Raises:
        ValueError: `kind` is not one of these.
    """

    def __init__(self, kind: str = "mixed", **kwargs) -> None:
        super().__init__(**kwargs)
        if kind not in KINDS:
            refuse("kind", f"one of {', '.join(map(repr, KINDS))}", kind)
        self.kind = kind

    def call(self, x):
        x = in_float32(x)
        if self.kind == "channel":
            mask = x * ops.rsqrt(ops.sum(ops.square(x), axis=-1, keepdims=True) + EPSILON)
        else:
            if self.kind == "spatial":
                mean, variance = ops.moments(x, axes=(1, 2), keepdims=True)
                x = (x - mean) * ops.rsqrt(variance + EPSILON)
            mask = ops.sigmoid(x)
        return ops.cast(mask, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "kind": self.kind}
