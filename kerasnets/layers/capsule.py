"""Capsules: vectors of features. The length tells whether something is present, the direction how it looks.

In half precision, lengths and the sums of the routing are computed in float32. All gradients are finite: at a
zero vector, those of the length and of the squashed vector are zero.
"""

import math

import keras
from keras import KerasTensor, ops

from kerasnets.checks import is_int, refuse
from kerasnets.layers.precision import in_float32


def lengths(x: KerasTensor) -> KerasTensor:
    """The lengths of the vectors along the last axis, which is kept with size 1."""
    squares = ops.sum(ops.square(x), axis=-1, keepdims=True)
    positive = squares > 0
    # The square root of 1 in place of 0, since the gradient of the root at 0 is infinite.
    roots = ops.sqrt(ops.where(positive, squares, ops.ones_like(squares)))
    return ops.where(positive, roots, ops.zeros_like(roots))


def squash(x: KerasTensor) -> KerasTensor:
    """Shortens the vectors along the last axis from any length l to l^2 / (1 + l^2).

    Source: Sabour et al. 2017, equation 1.
    """
    length = lengths(x)
    return x * (length / (1 + ops.square(length)))


@keras.saving.register_keras_serializable("kerasnets")
class Squash(keras.layers.Layer):
    """Squashes capsules, which are groups of `dims` channels at each pixel.

    Source: Sabour et al. 2017, section 2, equation 1.

    Args:
        dims: Number of channels of a capsule.
        **kwargs: As for every Keras layer.

    Call:
        (batch, *grid, channels) -> the same shape.

    Raises:
        ValueError: `dims` is not a whole number of at least 1, or does not divide the number of channels.
    """

    def __init__(self, dims: int, **kwargs) -> None:
        super().__init__(**kwargs)
        if not is_int(dims, 1):
            refuse("dims", "a whole number, at least 1", dims)
        self.dims = dims

    def build(self, input_shape):
        if input_shape[-1] % self.dims:
            refuse("dims", f"a divisor of the {input_shape[-1]} channels", self.dims)

    def call(self, x):
        groups = ops.reshape(in_float32(x), (-1, x.shape[-1] // self.dims, self.dims))
        return ops.cast(ops.reshape(squash(groups), ops.shape(x)), self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "dims": self.dims}


@keras.saving.register_keras_serializable("kerasnets")
class RoutedCapsules(keras.layers.Layer):
    """Capsules that are connected to all capsules of the layer below by dynamic routing.

    A capsule u_i below predicts each capsule j above as W_ij u_i. The predictions for j are averaged with
    coupling coefficients: for each i a softmax over all j of logits. The logits start from zero. In each
    iteration, that of i and j grows by the product of the prediction and of the output of j. With one
    iteration, all coefficients are equal.

    Source: Sabour et al. 2017, section 2, equations 2 and 3, and procedure 1.

    Args:
        capsules: Number of capsules of this layer.
        dims: Number of values of each capsule.
        iterations: Number of routing iterations.
        kernel_initializer: Initializer of the matrices W_ij; the default is that of the authors' release.
        **kwargs: As for every Keras layer.

    Call:
        (batch, capsules below, their values) -> (batch, capsules, dims).

    Raises:
        ValueError: `capsules`, `dims` or `iterations` is not a whole number of at least 1, or the shape of
            the input is not known.
    """

    def __init__(
        self,
        capsules: int,
        dims: int,
        iterations: int = 3,
        kernel_initializer: keras.Initializer | str | dict | None = None,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        counts = {"capsules": capsules, "dims": dims, "iterations": iterations}
        for word, value in counts.items():
            if not is_int(value, 1):
                refuse(word, "a whole number, at least 1", value)
        self.capsules, self.dims, self.iterations = counts.values()
        default = keras.initializers.TruncatedNormal(stddev=0.1)
        self.kernel_initializer = keras.initializers.get(kernel_initializer or default)

    def build(self, input_shape):
        if len(input_shape) != 3 or None in input_shape[1:]:
            raise ValueError(
                f"The input of {self.name} is (batch, capsules, values), both known. Received: {input_shape}"
            )
        _, below, values = input_shape
        self.kernel = self.add_weight(
            name="kernel",
            shape=(below, values, self.capsules, self.dims),
            initializer=self.kernel_initializer,
        )

    def call(self, x):
        # Predictions are (batch, capsule above, capsule below, values), so that sums are matrix products.
        predictions = in_float32(ops.einsum("biv,ivcd->bcid", x, self.kernel))
        logits = ops.zeros_like(predictions[..., 0])
        for i in range(self.iterations):
            coupling = ops.exp(logits - ops.logsumexp(logits, axis=1, keepdims=True))
            above = squash(ops.squeeze(ops.matmul(coupling[:, :, None], predictions), axis=2))
            if i + 1 < self.iterations:
                logits = logits + ops.squeeze(ops.matmul(predictions, above[..., None]), axis=3)
        return ops.cast(above, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.capsules, self.dims)

    @property
    def fans(self) -> tuple[int, int]:
        """The number of values that a prediction reads, and of predicted values that read a value."""
        _, values, capsules, dims = self.kernel.shape
        return values, capsules * dims

    def mult_adds(self, given, made) -> int:
        """The multiply-adds of the predictions: each matrix is used once."""
        return math.prod(self.kernel.shape)

    def get_config(self):
        return {
            **super().get_config(),
            "capsules": self.capsules,
            "dims": self.dims,
            "iterations": self.iterations,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }


@keras.saving.register_keras_serializable("kerasnets")
class CapsuleLength(keras.layers.Layer):
    """The length of each capsule.

    Call:
        (batch, capsules, values) -> (batch, capsules).
    """

    def call(self, x):
        return ops.cast(ops.squeeze(lengths(in_float32(x)), axis=-1), self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return tuple(input_shape[:-1])


@keras.saving.register_keras_serializable("kerasnets")
class CapsuleMask(keras.layers.Layer):
    """Sets all capsules but one to zero: it keeps the label's in training, and the longest otherwise.

    Source: Sabour et al. 2017, section 4.1.

    Call:
        (batch, capsules, values) -> (batch, capsules * values). Labels, whole numbers of shape (batch,), may
        be given as a second argument; without them the longest capsule is kept in training too.
    """

    def call(self, x, labels=None, training=False):
        if labels is None or not training:
            labels = ops.argmax(ops.sum(ops.square(in_float32(x)), axis=-1), axis=-1)
        mask = ops.one_hot(ops.cast(labels, "int32"), x.shape[1], dtype=self.compute_dtype)
        return ops.reshape(x * mask[..., None], (-1, x.shape[1] * x.shape[2]))

    def compute_output_shape(self, x_shape, labels_shape=None):
        return (x_shape[0], x_shape[1] * x_shape[2])
