"""Fields against gradients: what a unit depends on is where its gradient is not zero.

Weights are positive and inputs too, so that no path cancels another or is switched off; max pooling, which
passes its gradient to one pixel alone, is replaced by average pooling over the same windows.
"""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

import kerasnets
from kerasnets.analysis import ReceptiveField, profile, receptive_field
from kerasnets.analysis.walk import Walk
from kerasnets.graph import no_values


def model_of(shape, *stack):
    x = inputs = keras.Input(shape)
    for layer in stack:
        x = layer(x)
    return keras.Model(inputs, x)


def averaging(model):
    """The model with average pooling in the place of max pooling, and every weight positive."""

    def clone(layer):
        kind = type(layer).__name__.replace("Max", "Average")
        return getattr(layers, kind, type(layer)).from_config(layer.get_config())

    net = keras.models.clone_model(model, clone_function=clone)
    for layer in net.layers:
        if isinstance(layer, layers.BatchNormalization):
            continue
        for w in layer.weights:
            fan_in = math.prod(w.shape[:-1]) if len(w.shape) > 1 else 1000
            w.assign(np.full(w.shape, 1 / fan_in))
    return net


def boxes(model, axis, positions=None):
    """For units along an axis of the output, first and last pixel along the input's axis with a gradient."""
    x = tf.constant(np.random.default_rng(0).uniform(0.5, 1.5, (1, *model.input_shape[1:])), "float32")
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = tf.square(model(x))  # the sum of a softmax has no slope
        others = [a for a in range(len(y.shape)) if a != axis]
        y = tf.reduce_sum(y, others) if axis < len(y.shape) else tf.reshape(y, (-1,))[:1]
        units = [y[i] for i in (range(len(y)) if positions is None else positions)]
    for unit in units:
        slope = tape.gradient(unit, x)
        nonzero = np.flatnonzero(np.abs(slope).sum(axis=tuple(a for a in range(len(x.shape)) if a != axis)))
        yield (nonzero[0], nonzero[-1]) if len(nonzero) else None


def inner_units(axis):
    """Numbers of the units that see no padding."""
    return [i for i in range(axis.n) if axis.first(i) >= 0 and axis.last(i) < axis.side]


def same(x, *stack):
    for layer in stack:
        x = layer(x)
    return x


def two_branches(x):
    left = same(x, layers.Conv2D(2, 3, strides=2, padding="same"), layers.Conv2D(2, 5, padding="same"))
    right = same(x, layers.ZeroPadding2D(((3, 0), (0, 3))), layers.Conv2D(2, 4, strides=2))
    return layers.Concatenate()([left, right])


def squeeze_excite(x):
    x = layers.Conv2D(4, 3, strides=2, padding="same")(x)
    scales = layers.Dense(4)(layers.GlobalAveragePooling2D(keepdims=True)(x))
    return layers.Multiply()([x, scales])


def u_net(x):
    fine = layers.Conv2D(2, 3, padding="same")(x)
    coarse = same(fine, layers.MaxPooling2D(2), layers.Conv2D(2, 3, padding="same"), layers.UpSampling2D(2))
    return layers.Conv2D(2, 3, padding="same")(layers.Concatenate()([fine, coarse]))


# (input, layers, size, stride, offset by hand; None where units differ or it is left to the gradient).
STACKS = {
    "valid": ((20, 3), [layers.Conv1D(2, 3)], (3,), (1,), (0,)),
    "causal": ((20, 3), [layers.Conv1D(2, 3, dilation_rate=2, padding="causal")], (5,), (1,), (-4,)),
    "three 3x3": ((20, 18, 2), [layers.Conv2D(2, 3) for _ in range(3)], (7, 7), (1, 1), (0, 0)),
    "sides": (
        (20, 24, 2),
        [layers.Conv2D(2, (3, 5), strides=(1, 2), padding="same")],
        (3, 5),
        (1, 2),
        (-1, -1),
    ),
    # TensorFlow pads an even grid behind, an odd one on both sides.
    "even same": ((20, 21, 2), [layers.Conv2D(2, 3, strides=2, padding="same")], (3, 3), (2, 2), (0, -1)),
    "dilated": (
        (24, 22, 2),
        [layers.Conv2D(2, 3, dilation_rate=(2, 3), padding="same"), layers.Conv2D(2, 3)],
        (7, 9),
        (1, 1),
        (-2, -3),
    ),
    "pooled": (
        (24, 24, 2),
        [layers.Conv2D(2, 3, padding="same"), layers.MaxPooling2D(3, 2), layers.Conv2D(2, 3)],
        (9, 9),
        (2, 2),
        (-1, -1),
    ),
    "gaps": ((24, 3), [layers.MaxPooling1D(2, 4), layers.Conv1D(2, 2)], (6,), (4,), (0,)),
    "padded": (
        (20, 20, 1),
        [layers.ZeroPadding2D(((2, 1), (0, 3))), layers.Conv2D(1, 3, strides=2), layers.Cropping2D(1)],
        (3, 3),
        (2, 2),
        (0, 2),
    ),
    "padded by an operation": (
        (20, 20, 1),
        [
            lambda x: ops.pad(x, ((0, 0), (2, 1), (0, 3), (0, 2))),
            layers.Conv2D(1, 3, strides=2),
            layers.Cropping2D(1),
        ],
        (3, 3),
        (2, 2),
        (0, 2),
    ),
    "1d padded": ((20, 1), [layers.ZeroPadding1D((1, 3)), layers.Cropping1D((2, 0))], (1,), (1,), (1,)),
    "3d": (
        (10, 12, 11, 1),
        [
            layers.ZeroPadding3D(1),
            layers.Conv3D(2, 3),
            layers.MaxPooling3D((1, 2, 2)),
            layers.AveragePooling3D(2, padding="same"),
            layers.Cropping3D(((1, 0), (0, 0), (0, 0))),
        ],
        (4, 6, 6),
        (2, 4, 4),
        (1, -1, -1),
    ),
    "depthwise": (
        (20, 20, 2),
        [layers.DepthwiseConv2D(3, strides=2), layers.SeparableConv2D(3, 5, padding="same")],
        (11, 11),
        (2, 2),
        (-4, -4),
    ),
    "nearest": ((12, 12, 1), [layers.UpSampling2D((2, 3))], (1, 1), (1 / 2, 1 / 3), (0, 0)),
    "enlarged and convolved": (
        (12, 12, 1),
        [layers.UpSampling2D(2), layers.Conv2D(1, 2)],
        (2, 2),
        (1 / 2, 1 / 2),
        (0, 0),
    ),
    "bilinear": (
        (12, 12, 1),
        [layers.UpSampling2D(2, interpolation="bilinear")],
        (2, 2),
        (0.5, 0.5),
        (-1, -1),
    ),
    "bilinear, odd": (
        (12, 12, 1),
        [layers.UpSampling2D(3, interpolation="bilinear")],
        (2, 2),
        (1 / 3, 1 / 3),
        (-1, -1),
    ),
    "1d enlarged": ((12, 1), [layers.UpSampling1D(2), layers.Conv1D(1, 4, strides=2)], (2,), (1,), (0,)),
    "3d enlarged": (
        (6, 6, 4, 1),
        [layers.UpSampling3D(2), layers.MaxPooling3D(2)],
        (1, 1, 1),
        (1, 1, 1),
        (0, 0, 0),
    ),
    "transposed": (
        (9, 9, 1),
        [layers.Conv2DTranspose(1, 4, strides=2, padding="same")],
        (2, 2),
        (0.5, 0.5),
        (-1, -1),
    ),
    "transposed, valid": ((9, 1), [layers.Conv1DTranspose(1, 3, strides=2)], (2,), (0.5,), (-1,)),
    "transposed, gaps": ((9, 1), [layers.Conv1DTranspose(1, 2, strides=3)], (1,), (1 / 3,), (0,)),
    "transposed, then convolved": (
        (7, 6, 5, 1),
        [layers.Conv3DTranspose(1, 3, strides=2, padding="same"), layers.Conv3D(1, 3, strides=2)],
        (3, 3, 3),
        (1, 1, 1),
        (-1, -1, -1),
    ),
    "branches": ((20, 20, 2), [two_branches], (11, 11), (2, 2), (-4, -4)),
    "u-net": ((20, 20, 2), [u_net], None, (1, 1), None),
    "global pooling": ((9, 8, 2), [layers.Conv2D(2, 3), layers.GlobalMaxPooling2D()], (9, 8), None, (0, 0)),
    "dense": (
        (9, 8, 2),
        [layers.Conv2D(2, 3, padding="same"), layers.Flatten(), layers.Dense(2)],
        (9, 8),
        None,
        (0, 0),
    ),
    # The last row is in no window, the last two columns are in none.
    "dense behind a rest": (
        (9, 11, 2),
        [layers.MaxPooling2D((2, 3)), layers.Flatten(), layers.Dense(2)],
        (8, 9),
        None,
        (0, 0),
    ),
    "dense of each pixel": ((9, 8, 2), [layers.Conv2D(2, 3), layers.Dense(3)], (3, 3), (1, 1), (0, 0)),
    "squeeze and excite": ((12, 13, 2), [squeeze_excite], (12, 13), (2, 2), (0, 0)),
    "softmax of rows": ((6, 5, 2), [layers.Conv2D(2, 3), layers.Softmax(axis=1)], (6, 3), (1, 1), (0, 0)),
    "layer norm": (
        (6, 5, 2),
        [layers.Conv2D(2, 2), layers.LayerNormalization(axis=(2, 3))],
        (2, 5),
        (1, 1),
        (0, 0),
    ),
    "group norm": ((6, 5, 4), [layers.Conv2D(4, 2), layers.GroupNormalization(2)], (6, 5), (1, 1), (0, 0)),
    "point by point": (
        (8, 7, 4),
        [
            layers.Conv2D(4, 3),
            layers.BatchNormalization(),
            layers.PReLU(),
            layers.LayerNormalization(),
            layers.Dropout(0.5),
            kerasnets.layers.LRN(),
            kerasnets.layers.Maxout(2),
            lambda x: layers.Add()([x, layers.Rescaling(2.0)(x)]),
        ],
        (3, 3),
        (1, 1),
        (0, 0),
    ),
    "reshaped": (
        (8, 7, 4),
        [layers.Conv2D(4, 3), layers.Reshape((6, 5, 2, 2)), layers.Reshape((6, 5, 4)), layers.Conv2D(1, 3)],
        (5, 5),
        (1, 1),
        (0, 0),
    ),
}


@pytest.mark.parametrize("name", STACKS)
def test_every_unit_of_small_nets(name):
    shape, stack, *by_hand = STACKS[name]
    model = model_of(shape, *stack)
    row = profile(model).layers[-1]
    for value, expected in zip((row.receptive_field, row.stride, row.offset), by_hand, strict=True):
        assert expected is None or value == pytest.approx(expected)
    axes = Walk(model).fields[-1][0]
    net = averaging(model) if name not in ("softmax of rows", "layer norm", "group norm") else model
    assert len(axes) == len(shape) - 1
    for a, axis in enumerate(axes, start=1):
        inner = inner_units(axis)
        assert inner
        if axis.at:
            expected = [
                (axis.first(i), axis.last(i)) if axis.last(i) >= axis.first(i) else None for i in inner
            ]
            assert list(boxes(net, a, inner)) == expected
        else:
            flat = keras.Model(net.inputs, layers.Reshape((-1, *[1] * len(shape)))(net.outputs[0]))
            assert set(boxes(flat, a, [0])) == {(axis.first(0), axis.last(0))}
        assert row.receptive_field[a - 1] == max(axis.last(i) - axis.first(i) + 1 for i in inner)


# Size of the last maps' field, and the padding before it where the source's nets pad as ours do, of
# https://github.com/google-research/receptive_field, README.md (Araujo et al., Distill 2019).
PUBLISHED = {
    "AlexNet": (195, 64),
    "BNInception": (699, None),
    "InceptionV3": (1311, 618),
    "MobileNet": (315, 126),
    "ResNet50": (483, None),
    "VGG16": (212, 90),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_sizes(name):
    size, padding = PUBLISHED[name]
    with no_values():
        model = kerasnets.build(name, include_top=False)
    seen = receptive_field(model, model.layers[-1])
    assert (seen.size, seen.stride) == ((size, size), (32, 32))
    assert profile(model).receptive_field == (size, size)
    if padding is not None:
        assert seen.offset == (-padding, -padding)


# Options that make a net narrow, not shallow; a height at which some units see no padding.
NETS = {
    "VGG16": (dict(filters=(2, 2, 2, 2, 2)), 320),
    "ResNet18": ({}, 480),
    "GoogLeNet": ({}, 768),
}


@pytest.mark.parametrize("name", NETS)
def test_whole_nets_by_gradient(name):
    options, height = NETS[name]
    model = kerasnets.build(name, include_top=False, input_shape=(height, 32, 3), **options)
    seen = receptive_field(model, model.layers[-1])
    (size, _), (stride, _), (offset, _) = seen.size, seen.stride, seen.offset
    n = model.output_shape[1]
    inner = [i for i in range(n) if offset + i * stride >= 0 and offset + i * stride + size <= height]
    expected = [(offset + i * stride, offset + i * stride + size - 1) for i in inner]
    assert inner
    assert list(boxes(averaging(model), 1, inner)) == expected


def test_vgg16_at_the_input_of_its_last_pooling():
    # VGG's three 3x3 convolutions of stride 16 behind fields of 100 pixels: 100 + 3 * 2 * 16.
    model = kerasnets.build("VGG16", filters=(2, 2, 2, 2, 2), hidden=(4, 4))
    assert receptive_field(model, "block5_conv3") == ReceptiveField((196, 196), (16, 16), (-90, -90))
    assert receptive_field(model, model.get_layer("block5_pool")).size == (212, 212)
    assert receptive_field(model, "predictions") == ReceptiveField((224, 224), None, (0, 0))
    assert receptive_field(model, "flatten") == ReceptiveField((212, 212), None, None)


class Unheard(layers.Layer):
    def call(self, x):
        return x


def test_unknown_layers():
    model = model_of(
        (8, 7, 2),
        layers.Conv2D(2, 3),
        Unheard(name="odd"),
        layers.Conv2D(2, 3, name="conv"),
        layers.GlobalAveragePooling2D(name="pool"),
    )
    for name in ("odd", "conv", "pool"):
        assert receptive_field(model, name) is None
    assert profile(model).receptive_field is None


def test_unknown_layers_behind_the_whole_image():
    model = model_of(
        (8, 7, 2), layers.GlobalAveragePooling2D(), Unheard(name="odd"), layers.Dense(2, name="fc")
    )
    for name in ("odd", "fc"):
        assert receptive_field(model, name) == ReceptiveField((8, 7), None, (0, 0))


def test_branches_whose_steps_differ_have_no_one_size():
    inputs = keras.Input((16, 16, 2))
    halved = layers.Conv2D(2, 2, strides=2)(inputs)
    cut = layers.Cropping2D(4)(inputs)
    model = keras.Model(inputs, layers.Add(name="add")([halved, cut]))
    assert receptive_field(model, "add") is None


def test_flattened_branches_lie_in_different_orders():
    inputs = keras.Input((8, 8, 2))
    flat = [layers.Flatten()(layers.Conv2D(2, k)(inputs)) for k in (3, 5)]
    model = keras.Model(inputs, layers.Concatenate(name="join")(flat))
    assert receptive_field(model, "join") is None


def test_axes_in_another_order():
    model = model_of((8, 7, 2), layers.Permute((2, 1, 3)), layers.Conv2D(2, (3, 1), name="conv"))
    assert receptive_field(model, "conv") == ReceptiveField((1, 3), (1, 1), (0, 0))


def test_channels_first():
    model = model_of((3, 8, 7), layers.Conv2D(5, (3, 1), data_format="channels_first", name="conv"))
    assert receptive_field(model, "conv") == ReceptiveField((3, 1), (1, 1), (0, 0))


def test_several_inputs():
    a, b = keras.Input((16, 16, 3), name="a"), keras.Input((8, 8, 1), name="b")
    x = layers.Conv2D(2, 3, strides=2, padding="same", name="of_a")(a)
    model = keras.Model([a, b], layers.Concatenate(name="join")([x, layers.Conv2D(2, 5, padding="same")(b)]))
    assert receptive_field(model, "of_a") == receptive_field(model, "join")
    assert receptive_field(model, "join") == ReceptiveField((3, 3), (2, 2), (0, 0))
    assert receptive_field(model, "join", source="b") == ReceptiveField((5, 5), (1, 1), (-2, -2))
    assert receptive_field(model, "of_a", source="b") is None
    with pytest.raises(ValueError, match="`source` is None or one of 'a', 'b'.*Received: source='c'"):
        receptive_field(model, "join", source="c")


def test_shared_and_nested_layers():
    conv = layers.Conv2D(3, 3, name="conv")
    inner = model_of((None, None, 3), conv)
    inner.name = "inner"
    inputs = keras.Input((8, 8, 3))
    twin = keras.Model(inputs, layers.Add()([inner(inputs), inner(inputs)]))
    assert (
        receptive_field(twin, "inner/conv")
        == receptive_field(twin, conv)
        == ReceptiveField((3, 3), (1, 1), (0, 0))
    )
    chain = keras.Model(inputs, conv(conv(inputs)))
    with pytest.raises(ValueError, match="`layer` is one whose calls all have the same receptive field"):
        receptive_field(chain, conv)


def test_layers_that_are_not_there():
    model = model_of((8, 8, 3), layers.Conv2D(3, 3, name="conv1"))
    with pytest.raises(
        ValueError, match="`layer` is a layer of .* Did you mean 'conv1'.*Received: layer='conv2'"
    ):
        receptive_field(model, "conv2")


def test_free_sides():
    model = model_of((None, None, 3), layers.Conv2D(3, 3, 2, "same", name="conv"))
    assert receptive_field(model, "conv", (8, 9, 3)) == ReceptiveField((3, 3), (2, 2), (0, -1))
    with pytest.raises(ValueError, match="`input_shape`"):
        receptive_field(model, "conv")


def test_layers_that_depend_on_no_pixel():
    model = kerasnets.build("FractalNet20", **kerasnets.applications.FractalNet20.spec.tiny)
    paths = next(row for row in profile(model).layers if row.type == "DropPathSampler")
    assert receptive_field(model, paths.name) == ReceptiveField((0, 0), None, None)
    assert all(row.receptive_field for row in profile(model).layers)


def test_features_have_no_grid():
    model = model_of((7,), layers.Dense(5, name="fc"))
    assert receptive_field(model, "fc") == ReceptiveField((), (), ())
