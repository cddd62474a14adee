"""What of a model is served: one input of images in, and logits, probabilities and features out."""

import dataclasses
import math
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf
from keras import ops

import kerasnets
from kerasnets import surgery
from kerasnets.assembly import registry
from kerasnets.assembly.outputs import as_logits, end_of, main_output
from kerasnets.checks import nearest, refuse
from kerasnets.distillation import Distiller
from kerasnets.graph import all_layers, check_graph, deep_recursion, flat, functional
from kerasnets.layers import CapsuleLength
from kerasnets.scaling import MODES

SQUASH = {"softmax": tf.nn.softmax, "sigmoid": tf.nn.sigmoid}
# Most values of a weight that becomes a constant: kernels of convolutions do, from which fusing gains; the
# largest of dense layers do not, for the graph that holds the constants may have 2 GB at most.
LARGEST = 4_000_000
EXACT = 1e-5  # how far the outputs of a folded net may be from those of the net, of the largest of these


@dataclasses.dataclass(frozen=True)
class Net:
    """A net as it is served.

    Attributes:
        model: Functional model that gives a dict: "logits" or, where `squash` is None, "probabilities"; and
            perhaps "features".
        squash: Key of `SQUASH`, what makes probabilities of logits, or None.
        preprocess: Function of images of 0..255 that gives what the model takes.
        scaling: Its name.
        source: The model as it was trained.
        folded: Whether batch normalisation is folded.
    """

    model: keras.Model
    squash: str | None
    preprocess: Callable
    scaling: str
    source: keras.Model
    folded: bool = False

    @property
    def shape(self):
        """Shape of an input; None for a free side."""
        return tuple(self.model.inputs[0].shape[1:])

    @property
    def classes(self):
        """Number of classes."""
        return self.model.output["logits" if self.squash else "probabilities"].shape[-1]

    def outputs(self, given):
        """What is served, of tensors that the model has given."""
        given = {name: tf.cast(x, tf.float32) for name, x in given.items()}
        if self.squash:
            given["probabilities"] = SQUASH[self.squash](given["logits"])
        return given

    def predict(self, images):
        """What is served, computed by Keras, of images of 0..255: a dict of arrays."""
        given = self.model(self.scaled(tf.convert_to_tensor(images)), training=False)
        return {name: x.numpy() for name, x in self.outputs(given).items()}

    def scaled(self, images):
        """Images of 0..255 as the model takes them."""
        return tf.cast(self.preprocess(images), self.model.inputs[0].dtype)

    def function(self, freeze):
        """A tf.function of images of 0..255 that gives what is served.

        Args:
            freeze: Whether weights of up to `LARGEST` values are constants of the graph.
        """
        model = self.model
        kinds = model.trainable_variables, model.non_trainable_variables
        weights = [[constant(w) if freeze else w for w in kind] for kind in kinds]

        @tf.function(input_signature=[tf.TensorSpec((None, *self.shape))], autograph=False)
        def run(images):
            images = tf.ensure_shape(images, (None, *self.shape))
            total = tf.reduce_sum(images)  # which is no number if one of them is none, and soon done
            checks = (
                tf.debugging.Assert(tf.size(images) > 0, ["`images` holds no image"]),
                tf.debugging.Assert(tf.math.is_finite(total), ["`images` holds what is no number"]),
            )
            with tf.control_dependencies(checks):
                x = self.scaled(tf.identity(images))
            values = ([tf.convert_to_tensor(w) for w in kind] for kind in weights)
            return self.outputs(model.stateless_call(*values, x, training=False)[0])

        return run


def constant(weight):
    """The array of a weight; the weight itself where it is large."""
    return ops.convert_to_numpy(weight) if math.prod(weight.shape) <= LARGEST else weight


@deep_recursion()
def net_of(model, preprocess=None, from_logits=None, features=False):
    """The part of a model that is served.

    Args:
        model: As `export` takes it.
        preprocess: Likewise.
        from_logits: Likewise.
        features: Likewise.

    Returns:
        A `Net`.

    Raises:
        ValueError: An argument is not allowed.
    """
    model = model.student if isinstance(model, Distiller) else model
    check_graph(model)
    source, (scaling, preprocess) = model, scaling_of(model, preprocess)
    if from_logits is not None and not isinstance(from_logits, bool):
        refuse("from_logits", "None, True or False", from_logits)
    model = main_output(functional(model))
    one = len(model.inputs) == len(model.outputs) == 1
    if not one or model.outputs[0].ndim != 2 or model.outputs[0].shape[-1] is None:
        refuse("model", "a net of images that gives (batch, classes), or that as 'predictions'", model)
    model = flat(model) if features else model
    x, squash = scores_of(model, from_logits)
    outputs = {"logits" if squash else "probabilities": x}
    if features:
        outputs["features"] = surgery.features(model).outputs[0]
    return Net(keras.Model(model.inputs[0], outputs, name=model.name), squash, preprocess, scaling, source)


def scores_of(model, from_logits):
    """The Keras tensor of a model's logits, or of its scores, and the key of `SQUASH` that they need."""
    end = end_of(model)
    if from_logits is None:
        from_logits = end.activation is None and not isinstance(end.layer, CapsuleLength)
    if from_logits:
        return model.outputs[0], "sigmoid" if model.outputs[0].shape[-1] == 1 else "softmax"
    return as_logits(model).outputs[0], end.activation


def scaling_of(model, preprocess):
    """The name and the function of a net's scaling, from what `export` was given."""
    if preprocess is None:
        known = model.name in kerasnets.list_models()
        preprocess = registry.find(model.name).spec.mode if known else "none"
    if callable(preprocess):
        return getattr(preprocess, "mode", getattr(preprocess, "__name__", "own")), preprocess
    if preprocess not in MODES:
        raise ValueError(
            f"`preprocess` is None, a function or one of {', '.join(map(repr, MODES))}."
            f"{nearest(preprocess, MODES)} Received: preprocess={preprocess!r}"
        )
    return preprocess, MODES[preprocess]


def folded(net, images, always=False):
    """The net with batch normalisation folded, or as it is where its outputs would not be the same.

    Args:
        net: A `Net`.
        images: Images of 0..255 to compare them with.
        always: Whether not to compare.
    """
    new = dataclasses.replace(net, model=surgery.fold_batch_norm(net.model), folded=True)
    return new if always or same(net.predict(images), new.predict(images), EXACT) else net


def lowered(net):
    """The net computing in bfloat16, but for the layers that give its outputs."""
    return dataclasses.replace(net, model=surgery.with_precision(net.model, "mixed_bfloat16"))


def raised(net):
    """The net computing in float32 all through."""
    if all(layer.compute_dtype == "float32" for layer in all_layers(net.model)):
        return net
    return dataclasses.replace(net, model=surgery.with_precision(net.model, "float32"))


def difference(expected, given):
    """The largest difference of probabilities between two dicts of arrays, as `Net.predict` gives them."""
    return float(np.abs(expected["probabilities"] - given["probabilities"]).max())


def same(expected, given, tolerance):
    """Whether dicts of arrays differ by no more than a share of the largest value of each."""
    return all(
        np.shape(given[name]) == x.shape
        and np.allclose(given[name], x, rtol=0, atol=tolerance * max(1.0, np.abs(x).max()))
        for name, x in expected.items()
    )
