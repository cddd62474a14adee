"""What stands on a body: the heads that papers use, and pooling when there is none."""

import dataclasses
from collections.abc import Callable

import keras
from keras import layers

from kerasnets.assembly.options import pick
from kerasnets.blocks.conv import conv, of_rank
from kerasnets.blocks.dense import dense_stack
from kerasnets.checks import is_activation, is_int, refuse

POOLINGS = (None, "avg", "max")


@dataclasses.dataclass(frozen=True)
class Head:
    """A classifier that stands on the last maps of a body, or an auxiliary one on earlier maps.

    Attributes:
        build: Function of maps, classes, activation and options. It gives (batch, classes), or a dict of
            outputs with these as "predictions". It may take the input of the net as `images`. An auxiliary
            head takes the name of its output as `name`.
        fixed_size: Whether the sides of the net's input must be known.
        min_size: Smallest side of the net's input in pixels, where the head needs more than the body does.
    """

    build: Callable
    fixed_size: bool = False
    min_size: int = 0

    def __call__(self, x, classes, activation, options):
        """Builds the head with those of `options` that it takes; see `build`."""
        return self.build(x, classes, activation, **pick(self.build, options))


def classify(x, classes, activation, name=None):
    """A dense layer of logits and its activation, kept in full precision.

    Args:
        x: Features, (batch, features).
        classes: Number of classes.
        activation: Name of an activation, or None for logits.
        name: Name of an auxiliary head; None for the last one, whose layers are "logits" and
            "predictions".

    Returns:
        (batch, classes).
    """
    x = layers.Dense(classes, name=f"{name}_logits" if name else "logits")(x)
    return activate(x, activation, name or "predictions")


def activate(x, activation, name="predictions"):
    """The activation of logits, in full precision; `activation` None leaves them as they are."""
    full = keras.config.dtype_policy().variable_dtype
    return layers.Activation(activation or "linear", dtype=full, name=name)(x)


def pooled(x, classes, activation, dropout=0.0, pooling="avg"):
    """One value of each map, dropout and a classifier.

    Args:
        x: Maps, (batch, *grid, channels).
        classes: Number of classes.
        activation: Name of an activation, or None for logits.
        dropout: Share of the values dropped in training.
        pooling: "avg" for the mean of each map, "max" for its largest value.

    Returns:
        (batch, classes).
    """
    x = pool(x, pooling)
    if dropout:
        x = layers.Dropout(dropout, name="dropout")(x)
    return classify(x, classes, activation)


def averaged(x, classes, activation):
    """Mean of each map and a classifier, for bodies whose own `dropout` is not the head's; as in `pooled`."""
    return pooled(x, classes, activation)


def max_pooled(x, classes, activation, dropout=0.0):
    """Largest value of each map, dropout and a classifier; as in `pooled`."""
    return pooled(x, classes, activation, dropout, "max")


def flattened(x, classes, activation, hidden=(), act="relu", dropout=0.0):
    """Hidden dense layers over the whole grid, and a classifier.

    Args:
        x: Maps, (batch, *grid, channels), the grid known.
        classes: Number of classes.
        activation: Name of an activation, or None for logits.
        hidden: Units of each hidden layer.
        act: Activation of the hidden layers.
        dropout: Share of each hidden layer's units dropped in training.

    Returns:
        (batch, classes).
    """
    x = layers.Flatten(name="flatten")(x)
    return classify(dense_stack(x, hidden, act=act, dropout=dropout, name="fc"), classes, activation)


def convolved(x, classes, activation, act="relu"):
    """A 1x1 convolution to one map for each class, and the mean of each map.

    Source: Lin et al. 2014, section 3.2.

    Args:
        x: Maps, (batch, height, width, channels).
        classes: Number of classes.
        activation: Name of an activation, or None for the means themselves.
        act: Activation of the maps of the classes.

    Returns:
        (batch, classes).
    """
    x = conv(x, classes, 1, use_bias=True, act=act, name="class_maps")
    return activate(layers.GlobalAveragePooling2D(name="logits")(x), activation)


POOLED = Head(pooled)
AVERAGED = Head(averaged)
MAX_POOLED = Head(max_pooled)
FLATTENED = Head(flattened, fixed_size=True)
CONVOLVED = Head(convolved)


def pool(x, pooling, name=None):
    """Maps pooled to one vector each, or left as they are.

    Args:
        x: Maps, (batch, *grid, channels), or features, (batch, features), which stay so, or a dict of these.
        pooling: None, "avg" or "max".
        name: Start of the layer's name, if need be.

    Returns:
        (batch, channels), or `x` where `pooling` is None; a dict of these for a dict.
    """
    if isinstance(x, dict):
        return {n: pool(maps, pooling, name=f"{n}_") for n, maps in x.items()}
    if pooling is None or x.ndim == 2:
        return x
    kind = {"avg": "GlobalAveragePooling", "max": "GlobalMaxPooling"}[pooling]
    return of_rank(x, kind)(name=f"{name or ''}{pooling}_pool")(x)


def outputs_of(model):
    """The outputs of a model with auxiliary heads.

    Args:
        model: A functional model whose output is a dict with "predictions".

    Returns:
        Keras tensors by name.

    Raises:
        ValueError: `model` has no such output.
    """
    outputs = getattr(model, "output", None)
    if not isinstance(outputs, dict) or "predictions" not in outputs:
        refuse("model", "a functional model whose output is a dict with 'predictions'", model)
    return outputs


def check_head(include_top, pooling, classes, activation):
    """Refuses what no head can be made of.

    Args:
        include_top: Whether there is a head.
        pooling: Pooling where there is none.
        classes: Number of classes.
        activation: Activation of the classifier.

    Raises:
        ValueError: An argument is not allowed.
    """
    if not isinstance(include_top, bool):
        refuse("include_top", "True or False", include_top)
    if pooling not in POOLINGS:
        refuse("pooling", "one of None, 'avg', 'max'", pooling)
    if not is_int(classes, 1):
        refuse("classes", "a whole number, at least 1", classes)
    if activation is not None and not is_activation(activation):
        refuse("classifier_activation", "None or the name of a Keras activation", activation)
    if include_top and classes == 1 and activation in ("softmax", keras.activations.softmax):
        refuse("classifier_activation", "'sigmoid' or None for one class", activation)
