"""Heads taken off."""

import keras

from kerasnets.assembly.heads import outputs_of


def drop_aux_heads(model):
    """The net without the auxiliary heads that helped to train it.

    Args:
        model: A functional model whose output is a dict with "predictions".

    Returns:
        A model that shares its weights and gives the predictions alone.

    Raises:
        ValueError: `model` has no such output.
    """
    predictions = outputs_of(model)["predictions"]
    inputs = model.inputs[0] if len(model.inputs) == 1 else model.inputs
    return keras.Model(inputs, predictions, name=model.name)
