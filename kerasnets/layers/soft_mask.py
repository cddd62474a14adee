"""The last step of an attention mask: what the mask may single out."""

import keras
from keras import ops

from kerasnets.checks import refuse

KINDS = ("mixed", "channel", "spatial")
EPSILON = 1e-6  # added to squares before their root is taken, whose gradient at zero is not finite


@keras.saving.register_keras_serializable("kerasnets")
class SoftMask(keras.layers.Layer):
    """Turns maps into a mask of each map and pixel, of maps alone, or of pixels alone.

    - "mixed": the sigmoid of each value.
    - "channel": at each pixel, the maps' values divided by their Euclidean norm.
    - "spatial": each map less its mean over the grid, divided by its deviation; then the sigmoid.

    In half precision the sums are taken in float32.

    Source: Wang et al., CVPR 2017, section 3.3: f1, f2 and f3.

    Args:
        kind: "mixed", "channel" or "spatial".
        **kwargs: As for every Keras layer.

    Call: (batch, height, width, maps) -> the same shape, in (0, 1), for "channel" in [-1, 1].

    Raises:
        ValueError: `kind` is not one of these.
    """

    def __init__(self, kind="mixed", **kwargs):
        super().__init__(**kwargs)
        if kind not in KINDS:
            refuse("kind", f"one of {', '.join(map(repr, KINDS))}", kind)
        self.kind = kind

    def call(self, x):
        x = ops.cast(x, keras.backend.result_type(self.compute_dtype, "float32"))
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
