"""The heads that papers put on a body, and pooling for networks without a head."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
from keras import KerasTensor, layers

from kerasnets.assembly.options import pick
from kerasnets.blocks.conv import Activation, conv, of_rank
from kerasnets.blocks.dense import dense_stack
from kerasnets.checks import is_activation, is_int, refuse

POOLINGS = (None, "avg", "max")


@dataclasses.dataclass(frozen=True)
class Head:
    """A classifier on the last feature maps of a body, or an auxiliary one on earlier feature maps.

    Attributes:
        build: Function of feature maps, classes, activation and options. It gives (batch, classes), or a dict
            of outputs with these as "predictions". It may take the input of the network as `images`. An
            auxiliary head takes the name of its output as `name`.
        fixed_size: Whether the size of the network's input must be known.
        min_size: Smallest side of the network's input in pixels, if the head needs more than the body.
    """

    build: Callable
    fixed_size: bool = False
    min_size: int = 0

    def __call__(
        self, x: KerasTensor, classes: int, activation: Activation, options: Mapping[str, Any]
    ) -> KerasTensor | dict[str, KerasTensor]:
        """Calls `build` with those of the options that it takes."""
        return self.build(x, classes, activation, **pick(self.build, options))


def classify(x: KerasTensor, classes: int, activation: Activation, name: str | None = None) -> KerasTensor:
    """A dense layer of logits and its activation, in full precision.

    Args:
        x: Features, (batch, features).
        classes: Number of classes.
        activation: Activation, or None for logits.
        name: Name of an auxiliary head; None for the last head, whose layers are "logits" and "predictions".

    Returns:
        (batch, classes).
    """
    x = layers.Dense(classes, dtype=full_precision(), name=f"{name}_logits" if name else "logits")(x)
    return activate(x, activation, name or "predictions")


def activate(x: KerasTensor, activation: Activation, name: str = "predictions") -> KerasTensor:
    """The activation of logits, in full precision; None leaves them as they are."""
    return layers.Activation(activation or "linear", dtype=full_precision(), name=name)(x)


def full_precision() -> str:
    """The dtype of the weights, in which the last layers of a net compute under a mixed policy too."""
    return keras.config.dtype_policy().variable_dtype


def pooled(
    x: KerasTensor, classes: int, activation: Activation, dropout: float = 0.0, pooling: str = "avg"
) -> KerasTensor:
    """Global pooling, dropout and a classifier.

    Args:
        x: Feature maps, (batch, *grid, channels).
        classes: Number of classes.
        activation: Activation, or None for logits.
        dropout: Dropout rate.
        pooling: "avg" for the mean of each channel, "max" for its maximum.

    Returns:
        (batch, classes).
    """
    x = pool(x, pooling)
    if dropout:
        x = layers.Dropout(dropout, name="dropout")(x)
    return classify(x, classes, activation)


def averaged(x: KerasTensor, classes: int, activation: Activation) -> KerasTensor:
    """Global average pooling and a classifier, for bodies whose option `dropout` is not that of the head."""
    return pooled(x, classes, activation)


def max_pooled(x: KerasTensor, classes: int, activation: Activation, dropout: float = 0.0) -> KerasTensor:
    """Global max pooling, dropout and a classifier. The arguments are those of `pooled`."""
    return pooled(x, classes, activation, dropout, "max")


def flattened(
    x: KerasTensor,
    classes: int,
    activation: Activation,
    hidden: Sequence[int] = (),
    act: Activation = "relu",
    dropout: float = 0.0,
    dropout_first: bool = False,
) -> KerasTensor:
    """Hidden dense layers over the whole grid, and a classifier.

    Args:
        x: Feature maps, (batch, *grid, channels), of known grid.
        classes: Number of classes.
        activation: Activation, or None for logits.
        hidden: Number of units of each hidden layer.
        act: Activation of the hidden layers.
        dropout: Dropout rate after each hidden layer.
        dropout_first: Whether dropout comes before each hidden layer instead of after it.

    Returns:
        (batch, classes).
    """
    x = layers.Flatten(name="flatten")(x)
    x = dense_stack(x, hidden, act=act, dropout=dropout, dropout_first=dropout_first, name="fc")
    return classify(x, classes, activation)


def convolved(x: KerasTensor, classes: int, activation: Activation, act: Activation = "relu") -> KerasTensor:
    """A 1x1 convolution with one filter for each class, and global average pooling, in full precision.

    Source: Lin et al. 2014, section 3.2.

    Args:
        x: Feature maps, (batch, height, width, channels).
        classes: Number of classes.
        activation: Activation of the means, or None for the means themselves.
        act: Activation of the convolution.

    Returns:
        (batch, classes).
    """
    x = conv(x, classes, 1, use_bias=True, act=act, dtype=full_precision(), name="class_maps")
    x = layers.GlobalAveragePooling2D(dtype=full_precision(), name="logits")(x)
    return activate(x, activation)


POOLED = Head(pooled)
AVERAGED = Head(averaged)
MAX_POOLED = Head(max_pooled)
FLATTENED = Head(flattened, fixed_size=True)
CONVOLVED = Head(convolved)


def pool(
    x: KerasTensor | dict[str, KerasTensor], pooling: str | None, name: str | None = None
) -> KerasTensor | dict[str, KerasTensor]:
    """Global pooling of feature maps.

    Args:
        x: Feature maps, (batch, *grid, channels); or features, (batch, features), which stay as they are; or
            a dict of these.
        pooling: None for none, "avg" or "max".
        name: Prefix of the layer's name, if it needs one.

    Returns:
        (batch, channels), or `x` if `pooling` is None; a dict of these for a dict.
    """
    if isinstance(x, dict):
        return {n: pool(maps, pooling, name=f"{n}_") for n, maps in x.items()}
    if pooling is None or x.ndim == 2:
        return x
    kind = {"avg": "GlobalAveragePooling", "max": "GlobalMaxPooling"}[pooling]
    return of_rank(x, kind)(name=f"{name or ''}{pooling}_pool")(x)


def check_head(include_top: bool, pooling: str | None, classes: int, activation: Activation) -> None:
    """Refuses arguments of which no head can be made.

    Args:
        include_top: Whether there is a head.
        pooling: Pooling if there is none.
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
