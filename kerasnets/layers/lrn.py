"""Local response normalisation: strong maps hold down their neighbours."""

import keras
from keras import ops

from kerasnets.checks import is_int, is_number, refuse


@keras.saving.register_keras_serializable("kerasnets")
class LRN(keras.layers.Layer):
    """Divides each value by (k + alpha * sum of squares over the nearest n maps) ** beta.

    `alpha` multiplies the sum, as in the paper and in TensorFlow (`depth_radius=n // 2, bias=k`); Caffe and
    PyTorch divide theirs by n first. Beyond the first and last maps there is nothing to sum. In half
    precision the squares are summed in float32, where they fit.

    Source: Krizhevsky, Sutskever, Hinton, NIPS 2012, section 3.3, whose constants are the defaults.

    Args:
        n: Maps in a sum, the middle one the value's own: an odd number.
        k: Added to the sum.
        alpha: Weight of the sum.
        beta: Exponent.
        **kwargs: As for every Keras layer.

    Call: (batch, *grid, maps), channels last -> the same shape.

    Raises:
        ValueError: `n` is not odd, or `k`, `alpha` or `beta` not positive.
    """

    def __init__(self, n=5, k=2.0, alpha=1e-4, beta=0.75, **kwargs):
        super().__init__(**kwargs)
        if not is_int(n, 1) or n % 2 == 0:
            refuse("n", "an odd whole number", n)
        for word, value in (("k", k), ("alpha", alpha), ("beta", beta)):
            if not (is_number(value) and value > 0):
                refuse(word, "a positive number", value)
        self.n, self.k, self.alpha, self.beta = n, k, alpha, beta

    def call(self, x):
        full = ops.cast(x, keras.backend.result_type(self.compute_dtype, "float32"))
        maps, reach = x.shape[-1], self.n // 2
        squares = ops.pad(ops.square(full), [(0, 0)] * (x.ndim - 1) + [(reach, reach)])
        total = sum(squares[..., i : i + maps] for i in range(self.n))
        return ops.cast(full * (self.k + self.alpha * total) ** -self.beta, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "n": self.n, "k": self.k, "alpha": self.alpha, "beta": self.beta}
