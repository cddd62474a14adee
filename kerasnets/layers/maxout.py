"""Maxout: the maximum of several linear pieces, learned in place of a fixed activation."""

import functools

import keras
from keras import ops

from kerasnets.checks import is_int, refuse


@keras.saving.register_keras_serializable("kerasnets")
class Maxout(keras.layers.Layer):
    """The maximum of each group of `pieces` adjacent channels of a convolution, or units of a dense layer.

    If several pieces are equally large, the gradient goes to one of them or is divided among them.

    Source: Goodfellow, Warde-Farley, Mirza, Courville, Bengio, ICML 2013, arXiv:1302.4389, section 3. The
    pieces of a unit are adjacent, as in the authors' release.

    Args:
        pieces: Number of linear pieces of each unit; k in the paper.
        **kwargs: As for every Keras layer.

    Call:
        (batch, *grid, channels) -> (batch, *grid, channels / pieces).

    Raises:
        ValueError: `pieces` is not a whole number of at least 1, or does not divide the number of channels.
    """

    def __init__(self, pieces: int = 2, **kwargs) -> None:
        super().__init__(**kwargs)
        if not is_int(pieces, 1):
            refuse("pieces", "a whole number, at least 1", pieces)
        self.pieces = pieces

    def build(self, input_shape):
        if input_shape[-1] % self.pieces:
            refuse("pieces", f"a divisor of the {input_shape[-1]} channels", self.pieces)

    def call(self, x):
        units = ops.reshape(x, (*ops.shape(x)[:-1], x.shape[-1] // self.pieces, self.pieces))
        # Pairwise maxima take half the time of a reduction over such a short axis.
        return functools.reduce(ops.maximum, ops.unstack(units, axis=-1))

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], input_shape[-1] // self.pieces)

    def get_config(self):
        return {**super().get_config(), "pieces": self.pieces}
