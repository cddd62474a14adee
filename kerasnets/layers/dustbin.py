"""The head of a specialist: logits of some classes, and one for all others together."""

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from kerasnets.checks import is_int, is_ints, refuse
from kerasnets.layers.precision import in_float32


@keras.saving.register_keras_serializable("kerasnets")
class Dustbin(keras.layers.Layer):
    """Selects the logits of some classes, and appends the log-sum-exp of all other logits.

    A softmax then gives the selected classes the same probabilities as the whole softmax does, and the last
    class, the dustbin, the rest.

    Source: Hinton, Vinyals, Dean 2015, section 5.2.

    Args:
        subset: The classes whose logits are selected, in this order.
        classes: Number of all classes; at least one is not in `subset`.
        **kwargs: As for every Keras layer.

    Call:
        (batch, classes) -> (batch, len(subset) + 1).

    Raises:
        ValueError: `subset` does not name such classes.
    """

    def __init__(self, subset: Sequence[int] | np.ndarray, classes: int, **kwargs) -> None:
        super().__init__(**kwargs)
        if not is_int(classes, 2):
            refuse("classes", "a whole number, at least 2", classes)
        self.subset = check_subset("subset", subset, classes)
        self.classes = classes
        self.others = [c for c in range(classes) if c not in set(self.subset)]
        if not self.others:
            refuse("subset", f"fewer than all {classes} classes", subset)

    def call(self, x):
        selected = ops.take(x, self.subset, axis=-1)
        rest = ops.logsumexp(in_float32(ops.take(x, self.others, axis=-1)), axis=-1, keepdims=True)
        return ops.concatenate([selected, ops.cast(rest, selected.dtype)], axis=-1)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], len(self.subset) + 1)

    def get_config(self):
        return {**super().get_config(), "subset": self.subset, "classes": self.classes}


def check_subset(argument: str, subset: Sequence[int] | np.ndarray, classes: int) -> list[int]:
    """Classes as a list of whole numbers.

    Args:
        argument: Name of the argument, for the message.
        subset: A list, tuple or array.
        classes: Number of all classes.

    Raises:
        ValueError: They are not one or more different classes.
    """
    given = subset.tolist() if hasattr(subset, "tolist") else subset
    if not (is_ints(given, 0) and given and len(set(given)) == len(given) and max(given) < classes):
        refuse(argument, f"of one or more different whole numbers from 0 to {classes - 1}", subset)
    return [int(c) for c in given]
