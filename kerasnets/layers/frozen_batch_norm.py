"""Batch normalisation whose statistics stay."""

import keras


@keras.saving.register_keras_serializable("kerasnets")
class FrozenBatchNormalization(keras.layers.BatchNormalization):
    """Batch normalisation that takes its moving statistics in training too, and never moves them.

    Its scale and shift are trained where the layer is trainable. Keras's own layer keeps its statistics only
    as long as it is not trainable; `training=False`, given where it is called in a graph, does not last in
    `fit` (https://github.com/keras-team/keras/issues/20285).

    Args:
        **kwargs: As for BatchNormalization.

    Call: (batch, *grid, maps) -> the same.
    """

    def call(self, x, training=None, mask=None):
        return super().call(x, training=False, mask=mask)
