"""Batch normalization with fixed statistics."""

import keras


@keras.saving.register_keras_serializable("kerasnets")
class FrozenBatchNormalization(keras.layers.BatchNormalization):
    """Batch normalization that uses its moving statistics in training too, and never updates them.

    Its scale and offset are trained if the layer is trainable. Keras's own layer keeps its statistics only
    while it is not trainable. Calling that layer with `training=False` in a graph does not help, since `fit`
    overrides the argument (https://github.com/keras-team/keras/issues/20285).

    Args:
        **kwargs: As for BatchNormalization.

    Call:
        (batch, *grid, channels) -> the same shape.
    """

    def call(self, x, training=None, mask=None):
        return super().call(x, training=False, mask=mask)
