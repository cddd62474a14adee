"""Capsules: groups of values whose length says whether something is there, and whose direction how it is.

Lengths and sums of a routing are taken in float32 where the precision is less. Square roots have a finite
gradient everywhere: at a zero vector that of its length counts as zero, and that of its squashed form is.
"""

import math

import keras
from keras import ops

from kerasnets.checks import is_int, refuse


def lengths(x):
    """Lengths of the vectors along the last axis, which stays, of 1; their gradient at zero is zero."""
    squares = ops.sum(ops.square(x), axis=-1, keepdims=True)
    there = squares > 0
    root = ops.sqrt(ops.where(there, squares, ops.ones_like(squares)))
    return ops.where(there, root, ops.zeros_like(root))


def squash(x):
    """Vectors along the last axis, shortened from any length l to l^2 / (1 + l^2).

    Source: Sabour et al. 2017, equation 1.
    """
    length = lengths(x)
    return x * (length / (1 + ops.square(length)))


@keras.saving.register_keras_serializable("kerasnets")
class Squash(keras.layers.Layer):
    """Takes the maps of each pixel in groups, one capsule each, and squashes the capsules.

    Source: Sabour et al. 2017, section 2, equation 1.

    Args:
        dims: Values of a capsule: maps of a group.
        **kwargs: As for every Keras layer.

    Call: (batch, *grid, maps) -> the same shape.

    Raises:
        ValueError: `dims` is no count, or does not divide the maps.
    """

    def __init__(self, dims, **kwargs):
        super().__init__(**kwargs)
        if not is_int(dims, 1):
            refuse("dims", "a whole number, at least 1", dims)
        self.dims = dims

    def build(self, input_shape):
        if input_shape[-1] % self.dims:
            refuse("dims", f"a divisor of the {input_shape[-1]} maps", self.dims)

    def call(self, x):
        groups = ops.reshape(full(x, self), (-1, x.shape[-1] // self.dims, self.dims))
        return ops.cast(ops.reshape(squash(groups), ops.shape(x)), self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "dims": self.dims}


@keras.saving.register_keras_serializable("kerasnets")
class RoutedCapsules(keras.layers.Layer):
    """Capsules that read all those below, each below sending more to where it agrees: routing by agreement.

    A capsule below, u_i, has a vote for each above, W_ij u_i. What it sends to each is a softmax over those
    above of logits that start from zero and grow by the product of its vote and the capsule that came out.
    With one iteration all get the same share.

    Source: Sabour et al. 2017, section 2, equations 2 and 3, and procedure 1.

    Args:
        capsules: Capsules that come out.
        dims: Values of each.
        iterations: Rounds of the routing.
        kernel_initializer: Initializer of the matrices W_ij; the default is that of the release.
        **kwargs: As for every Keras layer.

    Call: (batch, capsules below, their values) -> (batch, capsules, dims).

    Raises:
        ValueError: `capsules`, `dims` or `iterations` is no count, or the shape of the input is not known.
    """

    def __init__(self, capsules, dims, iterations=3, kernel_initializer=None, **kwargs):
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
        # Votes lie as (batch, capsule above, capsule below, values): so sums are products of matrices.
        votes = full(ops.einsum("biv,ivcd->bcid", x, self.kernel), self)
        logits = ops.zeros_like(votes[..., 0])
        for i in range(self.iterations):
            shares = ops.exp(logits - ops.logsumexp(logits, axis=1, keepdims=True))
            above = squash(ops.squeeze(ops.matmul(shares[:, :, None], votes), axis=2))
            if i + 1 < self.iterations:
                logits = logits + ops.squeeze(ops.matmul(votes, above[..., None]), axis=3)
        return ops.cast(above, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.capsules, self.dims)

    def mult_adds(self, given, made):
        """Multiply-adds of the votes: each matrix is used once."""
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

    Call: (batch, capsules, values) -> (batch, capsules).
    """

    def call(self, x):
        return ops.cast(ops.squeeze(lengths(full(x, self)), axis=-1), self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return tuple(input_shape[:-1])


@keras.saving.register_keras_serializable("kerasnets")
class CapsuleMask(keras.layers.Layer):
    """Leaves one capsule and makes zeros of the others: in training the label's, else the longest.

    Source: Sabour et al. 2017, section 4.1.

    Call: (batch, capsules, values) and in training, where they are known, labels, (batch,), whole numbers ->
    (batch, capsules * values).
    """

    def call(self, x, labels=None, training=False):
        if labels is None or not training:
            labels = ops.argmax(ops.sum(ops.square(full(x, self)), axis=-1), axis=-1)
        mask = ops.one_hot(ops.cast(labels, "int32"), x.shape[1], dtype=self.compute_dtype)
        return ops.reshape(x * mask[..., None], (-1, x.shape[1] * x.shape[2]))

    def compute_output_shape(self, x_shape, labels_shape=None):
        return (x_shape[0], x_shape[1] * x_shape[2])


def full(x, layer):
    """A tensor in the precision in which lengths and sums are taken."""
    return ops.cast(x, keras.backend.result_type(layer.compute_dtype, "float32"))
