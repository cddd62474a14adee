"""Drop-path: in training, joins read some of their branches, or all joins those of one column."""

import keras
from keras import ops

from kerasnets.checks import is_int, is_number, refuse


@keras.saving.register_keras_serializable("kerasnets")
class DropPathSampler(keras.layers.Layer):
    """Says once a step which column of a net is left alone, if one is: global drop-path.

    All joins of a net read one sampler, so that they agree. A draw holds for the whole batch: only then do
    the column's batch statistics come from itself.

    Source: Larsson et al. 2017, section 3.1.

    Args:
        columns: Columns of the net.
        rate: Share of the training steps in which one column is left; each is as likely as another.
        seed: Seed of the draws, or None.
        **kwargs: As for every Keras layer.

    Call: the net's input, of which only the graph takes note -> (columns,): 1 for the column that is left
    and 0 for the others; all 0 where none is singled out, as always outside training.

    Raises:
        ValueError: `columns` is no count, or `rate` no share.
    """

    def __init__(self, columns, rate=0.5, seed=None, **kwargs):
        super().__init__(**kwargs)
        if not is_int(columns, 1):
            refuse("columns", "a whole number, at least 1", columns)
        if not (is_number(rate) and 0 <= rate <= 1):
            refuse("rate", "a share in [0, 1]", rate)
        self.columns, self.rate, self.seed = columns, rate, seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, x, training=False):
        if not training or not self.rate:
            return ops.zeros((self.columns,), self.compute_dtype)
        # One number decides both: in a share `rate` of the steps it is below `columns`, and there it is even.
        place = keras.random.uniform((), seed=self.seed_generator) / self.rate * self.columns
        left = ops.equal(ops.floor(place), ops.arange(self.columns, dtype=place.dtype))
        return ops.cast(left, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return (self.columns,)

    def get_config(self):
        return {**super().get_config(), "columns": self.columns, "rate": self.rate, "seed": self.seed}


@keras.saving.register_keras_serializable("kerasnets")
class DropPathJoin(keras.layers.Layer):
    """The mean of branches; in training of those that are not dropped, never of none: local drop-path.

    Each branch is dropped by itself; where all would be, one is kept, each as likely as another. With the
    draw of a `DropPathSampler` that leaves one column, the join gives that column's branch; where this has
    no branch here, nothing that is read depends on the join, and it drops as without a draw.

    Source: Larsson et al. 2017, section 3.1; a draw for the whole batch, as in the release.

    Args:
        rate: Share of the branches dropped in training.
        seed: Seed of the draws, or None.
        **kwargs: As for every Keras layer.

    Call: branches of one shape, those of a net's last columns in their order; and the sampler's draw, if
    there is one -> the shape of a branch.

    Raises:
        ValueError: `rate` is no share.
    """

    def __init__(self, rate=0.0, seed=None, **kwargs):
        super().__init__(**kwargs)
        if not (is_number(rate) and 0 <= rate < 1):
            refuse("rate", "a share in [0, 1)", rate)
        self.rate, self.seed = rate, seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.branches = None

    def build(self, branches_shape, draw_shape=None):
        self.branches = len(branches_shape)

    def call(self, branches, draw=None, training=False):
        n = len(branches)
        kept = ops.ones((n,))
        if training and self.rate:
            luck = keras.random.uniform((n,), seed=self.seed_generator)
            kept = ops.cast(luck >= ops.minimum(self.rate, ops.max(luck)), kept.dtype)
        if training and draw is not None:
            left = ops.cast(draw[-n:], kept.dtype)
            kept = ops.where(ops.any(left > 0), left, kept)
        shares = ops.cast(kept / ops.sum(kept), self.compute_dtype)
        return sum(branch * shares[i] for i, branch in enumerate(branches))

    def compute_output_shape(self, branches_shape, draw_shape=None):
        return tuple(branches_shape[0])

    def get_config(self):
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}
