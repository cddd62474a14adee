"""Turns a classifier into a fully convolutional net, which gives a map of scores for images of any size."""

import math
from collections.abc import Sequence
from typing import Any, NoReturn

import keras
from keras import layers

from kerasnets.blocks.conv import of_rank
from kerasnets.checks import refuse
from kerasnets.graph import model_of
from kerasnets.layers import Maxout
from kerasnets.recording import Recording, describe, record
from kerasnets.surgery.activations import is_elementwise
from kerasnets.weights import inherit

POOLINGS = {
    getattr(layers, f"Global{kind}{rank}D"): kind
    for kind in ("AveragePooling", "MaxPooling")
    for rank in (1, 2, 3)
}
# Layers of a head that can be kept because they process each value separately ...
ELEMENTWISE = (
    layers.ActivityRegularization,
    layers.Dropout,
    layers.ELU,
    layers.GaussianDropout,
    layers.GaussianNoise,
    layers.Identity,
    layers.LeakyReLU,
    layers.ReLU,
)
# ... or each position.
POSITIONWISE = (
    *ELEMENTWISE,
    layers.Activation,
    layers.Add,
    layers.Average,
    layers.Concatenate,
    layers.Maximum,
    layers.Minimum,
    layers.Multiply,
    layers.Softmax,
    layers.Subtract,
    Maxout,
)


def convolutionize(model: keras.Model, window: Sequence[int] | None = None) -> keras.Model:
    """Returns the same net as a fully convolutional one, which gives a map of scores.

    The first dense layer behind flattened feature maps becomes a convolution whose kernel covers the whole
    maps. All other dense layers become 1x1 convolutions. Global pooling becomes pooling with windows of that
    size and stride 1.

    For an input of the model's size, called a window, the map has one position with the model's scores. For
    larger inputs, each position holds the scores of one window, and neighboring windows are as far apart as
    the product of the net's strides. These scores can differ from the model's on the cropped window in two
    ways. Convolutions see the neighborhood of the window where the model sees zero padding, and
    squeeze-and-excitation units average over the whole image.

    Source: Sermanet et al. 2014, arXiv:1312.6229, section 3.5; Simonyan and Zisserman 2015, arXiv:1409.1556,
    section 3.2.

    Args:
        model: A functional or sequential model of one input, channels last, whose scores are computed from
            flattened or globally pooled feature maps.
        window: Size of the window in pixels, if the model's input size is open.

    Returns:
        A keras.Model: (batch, *any grid, channels) -> (batch, *positions, classes), in the structure of the
        model's outputs. The weights of dense layers, and of batch normalization behind pooling, are copies.
        The copied dense layers have no regularizers or constraints. `model` shares all other weights.

    Raises:
        ValueError: A layer of `model`, which the message names, cannot be applied to each position of a map,
            or `window` is missing or does not fit.
    """
    recording = record(model, window)
    shape = recording.inputs[0].shape
    if len(recording.inputs) > 1 or len(shape) < 3:
        refuse("model", "a net of one input, (batch, *grid, channels)", describe(model))
    if None in shape[1:]:
        refuse("window", "the size of an input in pixels if the model leaves it open", window)
    head = head_tensors(recording)
    if not all(x.ndim == 2 for x in keras.tree.flatten(recording.outputs)):
        refuse_head(model)
    grids = {}  # by the id of a flattened tensor of the recording: the grid of the maps in its place

    def replace(call, *args, **kwargs):
        layer, output = call.operation, call.output_tensors[0]
        if id(output) not in head:
            return call_body(layer, *args, **kwargs)
        x = call.input_tensors[0]
        grid = grids.get(id(x))
        same_values = output.shape[-1] == math.prod(x.shape[1:])
        if isinstance(layer, (layers.Flatten, layers.Reshape)) and same_values:
            grids[id(output)] = grid or x.shape[1:-1]
            return args[0]
        if isinstance(layer, layers.Dense) and x.ndim == 2:
            return convolved(layer, args[0], grid)
        if any(math.prod(grids.get(id(x), ())) > 1 for x in call.input_tensors):
            grids[id(output)] = grid
            return elementwise(layer)(*args, **kwargs)
        if type(layer) in POOLINGS:
            return windowed(layer, args[0], x.shape[1:-1])
        if any(x.ndim == 2 for x in call.input_tensors):
            return positionwise(layer, args[0])(*args, **kwargs)
        if output.ndim == 2:
            refuse_layer(layer)
        return call_body(layer, *args, **kwargs)

    image = recording.inputs[0]
    open_shape = (None,) * (len(shape) - 1) + shape[-1:]
    inputs = [keras.Input(batch_shape=open_shape, dtype=image.dtype, name=image.name)]
    outputs = recording.replay(inputs, replace)
    if any(y.ndim != len(shape) for y in keras.tree.flatten(outputs)):
        refuse_head(model)
    return inherit(model_of(model, inputs, outputs), model, "convolutionize")


def head_tensors(recording: Recording) -> set[int]:
    """Ids of the tensors of a head: those behind which no feature map has more than one position."""
    readers, head = recording.readers(), set()

    def is_flat(x):
        return x.ndim > 1 and set(x.shape[1:-1]) <= {1}

    for call in reversed(recording.calls):
        for x in call.output_tensors:
            following = (y for reader in readers.get(id(x), ()) for y in reader.output_tensors)
            if is_flat(x) and all(id(y) in head for y in following):
                head.add(id(x))
    return head


def call_body(layer: Any, *args: Any, **kwargs: Any) -> Any:
    """Calls a layer that precedes the head, or refuses it if it flattens or reshapes an open grid."""
    if type(layer).__name__ in ("Flatten", "Reshape") and None in args[0].shape[1:]:
        refuse_layer(layer)
    return layer(*args, **kwargs)


def windowed(layer: keras.Layer, x: Any, grid: Sequence[int]) -> Any:
    """Applies global pooling as pooling of every window of a grid."""
    pool = of_rank(x, POOLINGS[type(layer)])
    return pool(grid, strides=1, dtype=layer.dtype_policy, name=layer.name)(x)


def convolved(layer: keras.Layer, x: Any, grid: Sequence[int] | None) -> Any:
    """Applies a dense layer as a convolution.

    Args:
        layer: The dense layer.
        x: Feature maps, (batch, *any grid, channels).
        grid: Grid of the maps that were flattened for the layer; None or empty for a 1x1 kernel.

    Returns:
        Feature maps, (batch, *positions, units).
    """
    grid = grid or (1,) * (x.ndim - 2)
    conv = of_rank(x, "Conv")(
        layer.units,
        grid,
        activation=layer.activation,
        use_bias=layer.use_bias,
        kernel_initializer="zeros",
        trainable=layer.trainable,
        dtype=layer.dtype_policy,
        name=layer.name,
    )
    x = conv(x)
    # The weights are copied as arrays: on JAX, a tensor shared by two variables is lost with one of them.
    kernel, *bias = layer.get_weights()
    conv.set_weights([kernel.reshape(conv.kernel.shape), *bias])
    return x


def elementwise(layer: Any) -> Any:
    """Returns a layer of a head, or refuses it if it treats flattened maps differently from maps."""
    activation = isinstance(layer, layers.Activation) and is_elementwise(layer.activation)
    return layer if isinstance(layer, ELEMENTWISE) or activation else refuse_layer(layer)


def positionwise(layer: Any, x: Any) -> Any:
    """Returns a layer that does for each position of maps what `layer` does for vectors, or refuses it."""
    if isinstance(layer, layers.BatchNormalization):
        twin = type(layer).from_config({**layer.get_config(), "axis": -1})
        twin.build(x.shape)
        twin.set_weights(layer.get_weights())
        return twin
    last = getattr(layer, "axis", -1) == -1
    return layer if isinstance(layer, POSITIONWISE) and last else refuse_layer(layer)


def refuse_head(model: keras.Model) -> NoReturn:
    """Refuses a model whose scores are not computed from flattened or globally pooled maps."""
    refuse("model", "a net whose scores come from flattened or globally pooled maps", describe(model))


def refuse_layer(layer: Any) -> NoReturn:
    """Refuses a model because of one of its layers."""
    refuse("model", "a net whose layers can be replaced by convolutions", f"one with {describe(layer)}")
