"""The head of a specialist: some classes by name, all others as one."""

import keras
from keras import ops

from kerasnets.checks import is_int, is_ints, refuse


@keras.saving.register_keras_serializable("kerasnets")
class Dustbin(keras.layers.Layer):
    """Takes logits of some classes, and as the last one the log-sum-exp of those of all others.

    So a softmax gives these classes the shares that they have of the whole softmax, and the dustbin the rest.

    Source: Hinton, Vinyals, Dean 2015, section 5.2.

    Args:
        subset: The classes that keep a logit of their own, in this order.
        classes: Number of all classes; at least one is not in `subset`.
        **kwargs: As for every Keras layer.

    Call: (batch, classes) -> (batch, len(subset) + 1).

    Raises:
        ValueError: `subset` are not such classes.
    """

    def __init__(self, subset, classes, **kwargs):
        super().__init__(**kwargs)
        if not is_int(classes, 2):
            refuse("classes", "a whole number, at least 2", classes)
        self.subset = check_subset("subset", subset, classes)
        self.classes = classes
        self.others = [c for c in range(classes) if c not in set(self.subset)]
        if not self.others:
            refuse("subset", f"fewer than all {classes} classes", subset)

    def call(self, x):
        named = ops.take(x, self.subset, axis=-1)
        full = keras.backend.result_type(self.compute_dtype, "float32")
        rest = ops.logsumexp(ops.cast(ops.take(x, self.others, axis=-1), full), axis=-1, keepdims=True)
        return ops.concatenate([named, ops.cast(rest, named.dtype)], axis=-1)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], len(self.subset) + 1)

    def get_config(self):
        return {**super().get_config(), "subset": self.subset, "classes": self.classes}


def check_subset(argument, subset, classes):
    """Classes as a list of whole numbers.

    Args:
        argument: Name of the argument that they came as.
        subset: A list, tuple or array.
        classes: Number of all classes.

    Raises:
        ValueError: They are not some different ones of these.
    """
    given = subset.tolist() if hasattr(subset, "tolist") else subset
    if not (is_ints(given, 0) and given and len(set(given)) == len(given) and max(given) < classes):
        refuse(argument, f"of one or more different whole numbers from 0 to {classes - 1}", subset)
    return [int(c) for c in given]
