"""The part of a model that is served: from images to logits, probabilities and features."""

import dataclasses
import math
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from kerasnets import surgery
from kerasnets.assembly.outputs import are_lengths, as_logits, end_of, gives_probabilities, main_output
from kerasnets.assembly.preprocessing import preprocessing
from kerasnets.checks import refuse
from kerasnets.distillation import Distiller
from kerasnets.graph import all_layers, check_graph, deep_recursion, flat, functional
from kerasnets.surgery.norms import norms_as_convolutions
from kerasnets.weights import Card, card_of

SQUASH = {"softmax": tf.nn.softmax, "sigmoid": tf.nn.sigmoid}
# Largest number of values in a weight that becomes a constant. Convolution kernels do, so that TensorFlow
# can fuse them; the largest dense layers do not, because a graph with its constants is limited to 2 GB.
MAX_CONSTANT = 4_000_000
FOLD_TOLERANCE = 1e-5  # largest difference by folding, relative to the largest value


@dataclasses.dataclass(frozen=True)
class Net:
    """A net as it is served.

    Attributes:
        model: Functional model that returns a dict with "logits" or, if `squash` is None, "probabilities";
            and "features" if they are served.
        squash: Key of `SQUASH` for the function that turns logits into probabilities, or None.
        preprocess: Function that scales images of 0..255 for the model.
        scaling: Name of this function.
        source: The model as it was trained.
        card: What is known of it, a `kerasnets.weights.Card`.
        folded: Whether batch normalization is folded.
    """

    model: keras.Model
    squash: str | None
    preprocess: Callable
    scaling: str
    source: keras.Model
    card: Card
    folded: bool = False

    @property
    def shape(self):
        """Shape of the input without the batch; None for a free side."""
        return tuple(self.model.inputs[0].shape[1:])

    @property
    def classes(self):
        """Number of classes; 2 for a net of one score, which tells class 1 from class 0."""
        return max(2, self.model.output["logits" if self.squash else "probabilities"].shape[-1])

    def outputs(self, given):
        """The served outputs in float32, given the model's outputs: tensors by name."""
        given = {name: tf.cast(x, tf.float32) for name, x in given.items()}
        if self.squash:
            given["probabilities"] = SQUASH[self.squash](given["logits"])
        return given

    def predict(self, images):
        """Computes the served outputs for images of 0..255 with Keras: arrays by name."""
        given = self.model(self.scaled(tf.convert_to_tensor(images)), training=False)
        return {name: x.numpy() for name, x in self.outputs(given).items()}

    def scaled(self, images):
        """Scales images of 0..255 for the model, in its dtype."""
        return tf.cast(self.preprocess(images), self.model.inputs[0].dtype)

    def function(self, freeze):
        """Makes a tf.function from images of 0..255 to the served outputs.

        Args:
            freeze: Whether weights of up to `MAX_CONSTANT` values become constants of the graph.
        """
        model = self.model
        kinds = model.trainable_variables, model.non_trainable_variables
        weights = [[constant(w) if freeze else w for w in kind] for kind in kinds]

        @tf.function(input_signature=[tf.TensorSpec((None, *self.shape))], autograph=False)
        def run(images):
            images = tf.ensure_shape(images, (None, *self.shape))
            total = tf.reduce_sum(images)  # not finite if any value is NaN or infinite, and fast
            checks = (
                tf.debugging.Assert(tf.size(images) > 0, ["`images` is empty"]),
                tf.debugging.Assert(tf.math.is_finite(total), ["`images` contains NaN or infinity"]),
            )
            with tf.control_dependencies(checks):
                x = self.scaled(tf.identity(images))
            values = ([tf.convert_to_tensor(w) for w in kind] for kind in weights)
            return self.outputs(model.stateless_call(*values, x, training=False)[0])

        return run


def constant(weight):
    """The array of a weight; a weight of more than `MAX_CONSTANT` values itself."""
    return ops.convert_to_numpy(weight) if math.prod(weight.shape) <= MAX_CONSTANT else weight


@deep_recursion()
def net_of(model, preprocess=None, from_logits=None, features=False):
    """The part of a model that is served.

    Args:
        model: The model, as for `export`.
        preprocess: How images are scaled for it: a function, a name or None, as for `export`.
        from_logits: Whether the model returns logits; None decides by its last layers.
        features: Whether to serve the input of the classifier too.

    Returns:
        A `Net`.

    Raises:
        ValueError: An argument is not allowed.
    """
    model = model.student if isinstance(model, Distiller) else model
    check_graph(model)
    source, (scaling, preprocess) = model, preprocessing(model, preprocess)
    if from_logits is not None and not isinstance(from_logits, bool):
        refuse("from_logits", "None, True or False", from_logits)
    model = main_output(functional(model))
    one = len(model.inputs) == len(model.outputs) == 1 and model.inputs[0].ndim in (4, 5)
    if not one or model.outputs[0].ndim != 2 or model.outputs[0].shape[-1] is None:
        refuse("model", "a net of images that returns (batch, classes), or these as 'predictions'", model)
    model = flat(model) if features else model
    card = card_of(source)
    x, squash = scores_of(model, from_logits, card.threshold is not None)
    outputs = {"logits" if squash else "probabilities": x}
    if features:
        outputs["features"] = surgery.features(model).outputs[0]
    served = keras.Model(model.inputs[0], outputs, name=model.name)
    return Net(served, squash, preprocess, scaling, source, card)


def scores_of(model, from_logits, binary):
    """The Keras tensor of a model's logits, or else probabilities, and its key of `SQUASH` or None.

    Args:
        model: The model.
        from_logits: Whether it returns logits; None decides by its last layers.
        binary: Whether each score is an independent label.
    """
    end = end_of(model)
    if from_logits is None:
        from_logits = not are_lengths(model.outputs[0]) and not gives_probabilities(model)
    if from_logits:
        binary = binary or model.outputs[0].shape[-1] == 1
        return model.outputs[0], "sigmoid" if binary else "softmax"
    if end.activation is None:
        return model.outputs[0], None
    return as_logits(model).outputs[0], end.activation


def folded(net, images, always=False, convolutions=False):
    """The net with batch normalization folded, or unchanged if this would change its outputs.

    Args:
        net: A `Net`.
        images: Images of 0..255 for the comparison.
        always: Whether to fold in any case, without a comparison.
        convolutions: Whether the batch normalization that cannot be folded becomes convolutions of 1x1.
    """
    model = surgery.fold_batch_norm(net.model)
    model = norms_as_convolutions(model) if convolutions else model
    new = dataclasses.replace(net, model=model, folded=True)
    return new if always or same(net.predict(images), new.predict(images), FOLD_TOLERANCE) else net


def in_bfloat16(net):
    """The net with all layers computing in bfloat16, except those that make its outputs."""
    return dataclasses.replace(net, model=surgery.with_precision(net.model, "mixed_bfloat16"))


def in_float32(net):
    """The net with all layers computing in float32."""
    if all(layer.compute_dtype == "float32" for layer in all_layers(net.model)):
        return net
    return dataclasses.replace(net, model=surgery.with_precision(net.model, "float32"))


def difference(expected, given):
    """The largest difference of probabilities between two outputs of `Net.predict`."""
    return float(np.abs(expected["probabilities"] - given["probabilities"]).max())


def same(expected, given, tolerance):
    """Whether two dicts of arrays agree.

    Args:
        expected: Arrays by name.
        given: Arrays by name, at least those of `expected`.
        tolerance: Largest difference allowed, relative to the largest value of each array, or to 1 if that is
            smaller.
    """
    return all(
        np.shape(given[name]) == x.shape
        and np.allclose(given[name], x, rtol=0, atol=tolerance * max(1.0, np.abs(x).max()))
        for name, x in expected.items()
    )
