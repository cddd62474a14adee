"""Maxout: the largest of several linear pieces, learnt in place of a fixed activation."""

import functools

import keras
from keras import ops

from kerasnets.checks import is_int, refuse


@keras.saving.register_keras_serializable("kerasnets")
class Maxout(keras.layers.Layer):
    """The largest of each `pieces` neighbours among the maps of a convolution, or the units of a dense layer.

    Where several are largest, the gradient goes to one of them, or in shares to them all.

    Source: Goodfellow, Warde-Farley, Mirza, Courville, Bengio, ICML 2013, arXiv:1302.4389, section 3. As in
    its release, the pieces of a unit lie side by side.

    Args:
        pieces: Linear pieces of each unit; k in the paper.
        **kwargs: As for every Keras layer.

    Call: (batch, *grid, maps), channels last -> (batch, *grid, maps / pieces).

    Raises:
        ValueError: `pieces` is no count, or the maps do not part into pieces.
    """

    def __init__(self, pieces=2, **kwargs):
        super().__init__(**kwargs)
        if not is_int(pieces, 1):
            refuse("pieces", "a whole number, at least 1", pieces)
        self.pieces = pieces

    def build(self, input_shape):
        if input_shape[-1] % self.pieces:
            refuse("pieces", f"a divisor of the {input_shape[-1]} maps", self.pieces)

    def call(self, x):
        units = ops.reshape(x, (*ops.shape(x)[:-1], x.shape[-1] // self.pieces, self.pieces))
        # One by one, for to reduce so short an axis takes twice as long.
        return functools.reduce(ops.maximum, ops.unstack(units, axis=-1))

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], input_shape[-1] // self.pieces)

    def get_config(self):
        return {**super().get_config(), "pieces": self.pieces}
