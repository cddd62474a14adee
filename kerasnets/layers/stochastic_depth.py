"""Stochastic depth: in training, a residual unit is dropped as a whole, and only its shortcut is left."""

import keras
from keras import ops

from kerasnets.checks import is_number, refuse


@keras.saving.register_keras_serializable("kerasnets")
class StochasticDepth(keras.layers.Layer):
    """Keeps or drops feature maps as a whole in training; otherwise scales them to their expectation.

    It follows the convolutions of a residual unit, before the sum with the shortcut. The decision holds for
    the whole batch. A dropped unit is still computed: it saves no time, its weights have no gradient in this
    step, and the statistics of its batch normalization follow the batch.

    Source: Huang et al. 2016, arXiv:1603.09382, equations 2 and 5.

    Args:
        survival: Probability that the unit is kept.
        seed: Seed of the random numbers, or None.
        **kwargs: As for every Keras layer.

    Call:
        Feature maps of any shape -> the same shape: in training either the maps themselves or zeros;
        otherwise the maps times `survival`.

    Raises:
        ValueError: `survival` is not in (0, 1].
    """

    def __init__(self, survival: float = 0.5, seed: int | None = None, **kwargs) -> None:
        super().__init__(**kwargs)
        if not (is_number(survival) and 0 < survival <= 1):
            refuse("survival", "a fraction in (0, 1]", survival)
        self.survival, self.seed = survival, seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.built = True

    def call(self, x, training=False):
        if not training:
            return x * ops.cast(self.survival, x.dtype)
        kept = keras.random.uniform((), seed=self.seed_generator) < self.survival
        return ops.where(kept, x, ops.zeros_like(x))

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "survival": self.survival, "seed": self.seed}
