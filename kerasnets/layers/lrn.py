"""Local response normalization: channels with large values suppress their neighbors."""

import keras
from keras import ops

from kerasnets.checks import is_int, is_number, refuse
from kerasnets.layers.precision import in_float32


@keras.saving.register_keras_serializable("kerasnets")
class LRN(keras.layers.Layer):
    """Divides each value by (k + alpha * sum of squares over the n nearest channels) ** beta.

    `alpha` multiplies the sum, as in the paper and in TensorFlow (`depth_radius=n // 2, bias=k`). Caffe and
    PyTorch divide their alpha by n first. At the first and last channels the sum has fewer terms. In half
    precision, the squares are summed in float32.

    Source: Krizhevsky, Sutskever, Hinton, NIPS 2012, section 3.3, whose constants are the defaults.

    Args:
        n: Number of channels in a sum, with the value's own in the middle: an odd number.
        k: Added to the sum.
        alpha: Weight of the sum.
        beta: Exponent.
        **kwargs: As for every Keras layer.

    Call:
        (batch, *grid, channels) -> the same shape.

    Raises:
        ValueError: `n` is not odd, or `k`, `alpha` or `beta` not positive.
    """

    def __init__(self, n: int = 5, k: float = 2.0, alpha: float = 1e-4, beta: float = 0.75, **kwargs) -> None:
        super().__init__(**kwargs)
        if not is_int(n, 1) or n % 2 == 0:
            refuse("n", "an odd whole number", n)
        for word, value in (("k", k), ("alpha", alpha), ("beta", beta)):
            if not (is_number(value) and value > 0):
                refuse(word, "a positive number", value)
        self.n, self.k, self.alpha, self.beta = n, k, alpha, beta

    def call(self, x):
        x = in_float32(x)
        channels, radius = x.shape[-1], self.n // 2
        squares = ops.pad(ops.square(x), [(0, 0)] * (x.ndim - 1) + [(radius, radius)])
        total = sum(squares[..., i : i + channels] for i in range(self.n))
        return ops.cast(x * (self.k + self.alpha * total) ** -self.beta, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "n": self.n, "k": self.k, "alpha": self.alpha, "beta": self.beta}
