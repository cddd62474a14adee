"""Nets with a head of dense layers or global pooling, made to give a map of scores for images of any size."""

import math

import keras
from keras import layers

from kerasnets.blocks.conv import of_rank
from kerasnets.checks import refuse
from kerasnets.graph import model_of
from kerasnets.layers import Maxout
from kerasnets.surgery.activations import is_elementwise
from kerasnets.surgery.recording import record, words

POOLINGS = {
    getattr(layers, f"Global{kind}{rank}D"): kind
    for kind in ("AveragePooling", "MaxPooling")
    for rank in (1, 2, 3)
}
# Layers of a head that need no change, for they treat each value by itself ...
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


def convolutionize(model, window=None):
    """The same net as convolutions alone, which gives a map of scores in place of one score for each class.

    The first dense layer behind flattened maps becomes a convolution whose kernel is as large as they are,
    others become 1x1 convolutions, and global pooling becomes pooling of windows that large, one pixel apart.
    On one window, an input as large as the model's, the map has one position, whose scores are the model's;
    larger inputs give larger maps, whose positions are as far apart as the net's strides say. There, a
    window sees its neighborhood where the model alone would see a border of zeros, and units that weigh maps
    by their means (squeeze-and-excitation) take these over the whole image.

    Source: Sermanet et al. 2014, arXiv:1312.6229, section 3.5; Simonyan and Zisserman 2015, arXiv:1409.1556,
    section 3.2.

    Args:
        model: A functional or sequential model of one input, channels last, whose scores come from flattened
            or globally pooled maps.
        window: Sides of the input that one score stands for, in pixels, where the model leaves them free.

    Returns:
        A keras.Model: (batch, *any grid, channels) -> (batch, *positions, classes), in the structure of the
        model's outputs. It has the dense layers' weights as copies, without their regularizers and
        constraints, and shares all others with `model`.

    Raises:
        ValueError: No convolution does what a layer of `model` does, which the message names; or `window` is
            missing or does not fit.
    """
    recording = record(model, window)
    shape = recording.inputs[0].shape
    if len(recording.inputs) > 1 or len(shape) < 3:
        refuse("model", "a net of one input, (batch, *grid, channels)", words(model))
    if None in shape[1:]:
        refuse("window", "the sides of an input, for the model leaves them free", window)
    in_head = head_of(recording)
    if not all(x.ndim == 2 for x in keras.tree.flatten(recording.outputs)):
        refuse_head(model)
    spread = {}  # grids of vectors that are maps again, by the id of the recording's tensor

    def make(call, *args, **kwargs):
        layer, given = call.operation, call.gives[0]
        if not in_head(given):
            return body(layer, *args, **kwargs)
        read = call.reads[0]
        grid = spread.get(id(read))
        same_values = given.shape[-1] == math.prod(read.shape[1:])
        if isinstance(layer, (layers.Flatten, layers.Reshape)) and same_values:
            spread[id(given)] = grid or read.shape[1:-1]
            return args[0]
        if isinstance(layer, layers.Dense) and read.ndim == 2:
            return convolved(layer, args[0], grid)
        if any(math.prod(spread.get(id(x), ())) > 1 for x in call.reads):
            spread[id(given)] = grid
            return elementwise(layer)(*args, **kwargs)
        if type(layer) in POOLINGS:
            return windowed(layer, args[0], read.shape[1:-1])
        if any(x.ndim == 2 for x in call.reads):
            return positionwise(layer, args[0])(*args, **kwargs)
        if given.ndim == 2:
            refuse_layer(layer)
        return body(layer, *args, **kwargs)

    image = recording.inputs[0]
    free = (None,) * (len(shape) - 1) + shape[-1:]
    inputs = [keras.Input(batch_shape=free, dtype=image.dtype, name=image.name)]
    outputs = recording.replay(inputs, make)
    if any(y.ndim != len(shape) for y in keras.tree.flatten(outputs)):
        refuse_head(model)
    return model_of(model, inputs, outputs)


def head_of(recording):
    """A test of whether a tensor of a recording belongs to a head: nothing that is made of it is a map again.

    A map has a grid of more than one position.
    """
    readers, heads = recording.readers(), set()

    def flat(x):
        return x.ndim > 1 and set(x.shape[1:-1]) <= {1}

    for call in reversed(recording.calls):
        for x in call.gives:
            behind = (made for reader in readers.get(id(x), ()) for made in reader.gives)
            if flat(x) and all(id(made) in heads for made in behind):
                heads.add(id(x))
    return lambda x: id(x) in heads


def body(layer, *args, **kwargs):
    """What a layer before the head gives; refuses one that fixes the grid or leaves none."""
    if type(layer).__name__ in ("Flatten", "Reshape") and None in args[0].shape[1:]:
        refuse_layer(layer)
    return layer(*args, **kwargs)


def windowed(layer, x, grid):
    """Global pooling as pooling of every window of a grid."""
    pool = of_rank(x, POOLINGS[type(layer)])
    return pool(grid, strides=1, dtype=layer.dtype_policy, name=layer.name)(x)


def convolved(layer, x, grid):
    """A dense layer over a flattened grid, or over one position where `grid` is empty, as a convolution."""
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
    # Through arrays: on JAX a tensor that two variables share is lost with one of them.
    kernel, *bias = layer.get_weights()
    conv.set_weights([kernel.reshape(conv.kernel.shape), *bias])
    return x


def elementwise(layer):
    """A layer of a head, refused where flattened maps are not the same to it as maps."""
    activation = isinstance(layer, layers.Activation) and is_elementwise(layer.activation)
    return layer if isinstance(layer, ELEMENTWISE) or activation else refuse_layer(layer)


def positionwise(layer, x):
    """A layer of a head for maps in place of vectors, refused where there is none."""
    if isinstance(layer, layers.BatchNormalization):
        twin = type(layer).from_config({**layer.get_config(), "axis": -1})
        twin.build(x.shape)
        twin.set_weights(layer.get_weights())
        return twin
    last = getattr(layer, "axis", -1) == -1
    return layer if isinstance(layer, POSITIONWISE) and last else refuse_layer(layer)


def refuse_head(model):
    """Refuses a model for what its scores come from."""
    refuse("model", "a net whose scores come from flattened or globally pooled maps", words(model))


def refuse_layer(layer):
    """Refuses a model for one of its layers."""
    refuse("model", "a net whose layers convolutions can do the work of", f"one with {words(layer)}")
