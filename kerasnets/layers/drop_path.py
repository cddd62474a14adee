"""Drop-path: in training, joins average only some of their branches, or all joins follow a single column."""

import keras
from keras import ops

from kerasnets.checks import is_int, is_number, refuse


@keras.saving.register_keras_serializable("kerasnets")
class DropPathSampler(keras.layers.Layer):
    """Decides in each training step whether only one column of the network is active: global drop-path.

    All joins of a network read the same sampler, so that they agree. The decision holds for the whole batch;
    otherwise the column's batch statistics would not be its own.

    Source: Larsson et al. 2017, section 3.1.

    Args:
        columns: Number of columns of the network.
        rate: Fraction of the training steps in which a single column is active. All columns are equally
            likely.
        seed: Seed of the random numbers, or None.
        **kwargs: As for every Keras layer.

    Call:
        The input of the network, whose values are not used -> (columns,): 1 for the active column and 0 for
        the others, or zeros if all columns are active. Outside training it is always zeros.

    Raises:
        ValueError: `columns` is not a whole number of at least 1, or `rate` not in [0, 1].
    """

    def __init__(self, columns: int, rate: float = 0.5, seed: int | None = None, **kwargs) -> None:
        super().__init__(**kwargs)
        if not is_int(columns, 1):
            refuse("columns", "a whole number, at least 1", columns)
        if not (is_number(rate) and 0 <= rate <= 1):
            refuse("rate", "a fraction in [0, 1]", rate)
        self.columns, self.rate, self.seed = columns, rate, seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, x, training=False):
        if not training or not self.rate:
            return ops.zeros((self.columns,), self.compute_dtype)
        # Uniform over [0, columns / rate): below `columns` with probability `rate`, and then its integer part
        # is a column, each with the same probability.
        place = keras.random.uniform((), seed=self.seed_generator) / self.rate * self.columns
        active = ops.equal(ops.floor(place), ops.arange(self.columns, dtype=place.dtype))
        return ops.cast(active, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return (self.columns,)

    def get_config(self):
        return {**super().get_config(), "columns": self.columns, "rate": self.rate, "seed": self.seed}


@keras.saving.register_keras_serializable("kerasnets")
class DropPathJoin(keras.layers.Layer):
    """The mean of branches. In training some branches are dropped, but never all: local drop-path.

    Branches are dropped independently. If that would drop all, one is kept; all are equally likely. If a
    `DropPathSampler` leaves a single column active, the join gives the branch of that column. If this column
    has no branch here, the output of the join is not used, and branches are dropped as without a sampler.

    Source: Larsson et al. 2017, section 3.1; one decision for the whole batch, as in the authors' release.

    Args:
        rate: Probability that a branch is dropped in training.
        seed: Seed of the random numbers, or None.
        **kwargs: As for every Keras layer.

    Call:
        A list of branches of one shape, those of the last columns in order; and the sampler's output, if
        there is a sampler -> the shape of a branch.

    Raises:
        ValueError: `rate` is not in [0, 1).
    """

    def __init__(self, rate: float = 0.0, seed: int | None = None, **kwargs) -> None:
        super().__init__(**kwargs)
        if not (is_number(rate) and 0 <= rate < 1):
            refuse("rate", "a fraction in [0, 1)", rate)
        self.rate, self.seed = rate, seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.branches = None

    def build(self, branches_shape, draw_shape=None):
        self.branches = len(branches_shape)

    def call(self, branches, draw=None, training=False):
        n = len(branches)
        kept = ops.ones((n,))
        if training and self.rate:
            random = keras.random.uniform((n,), seed=self.seed_generator)
            kept = ops.cast(random >= ops.minimum(self.rate, ops.max(random)), kept.dtype)
        if training and draw is not None:
            active = ops.cast(draw[-n:], kept.dtype)
            kept = ops.where(ops.any(active > 0), active, kept)
        weights = ops.cast(kept / ops.sum(kept), self.compute_dtype)
        return sum(branch * weights[i] for i, branch in enumerate(branches))

    def compute_output_shape(self, branches_shape, draw_shape=None):
        return tuple(branches_shape[0])

    def get_config(self):
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}
