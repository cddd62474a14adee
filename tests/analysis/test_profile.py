import math

import keras
import numpy as np
import pytest
from keras import layers

import kerasnets
from kerasnets.analysis import profile
from kerasnets.graph import no_values
from nets import EVERY_LAYER


def model_of(shape, *stack):
    x = inputs = keras.Input(shape)
    for layer in stack:
        x = layer(x)
    return keras.Model(inputs, x)


# (input, layer, multiply-adds by hand): positions x kernel x maps read x maps made.
COUNTS = [
    ((10, 3), lambda: layers.Conv1D(4, 3), 8 * 3 * 3 * 4),
    ((10, 3), lambda: layers.Conv1D(4, 3, strides=2, padding="same"), 5 * 3 * 3 * 4),
    ((10, 3), lambda: layers.Conv1D(4, 3, dilation_rate=2), 6 * 3 * 3 * 4),
    ((8, 6, 3), lambda: layers.Conv2D(5, 3, padding="same"), 8 * 6 * 9 * 3 * 5),
    ((8, 6, 3), lambda: layers.Conv2D(5, (3, 1), strides=(2, 3)), 3 * 2 * 3 * 3 * 5),
    ((8, 6, 3), lambda: layers.Conv2D(5, 1, use_bias=False), 8 * 6 * 3 * 5),
    ((8, 6, 4), lambda: layers.Conv2D(6, 3, groups=2, padding="same"), 8 * 6 * 9 * 2 * 6),
    ((4, 8, 6, 2), lambda: layers.Conv3D(3, 2), 3 * 7 * 5 * 8 * 2 * 3),
    (
        (4, 8, 6, 2),
        lambda: layers.Conv3D(4, (1, 3, 3), strides=(1, 2, 2), padding="same", groups=2),
        4 * 4 * 3 * 9 * 1 * 4,
    ),
    ((9, 3), lambda: layers.DepthwiseConv1D(3), 7 * 3 * 3),
    ((8, 6, 3), lambda: layers.DepthwiseConv2D(3, strides=2, padding="same"), 4 * 3 * 9 * 3),
    ((8, 6, 3), lambda: layers.DepthwiseConv2D(3, depth_multiplier=2), 6 * 4 * 9 * 3 * 2),
    ((9, 3), lambda: layers.SeparableConv1D(5, 3), 7 * (3 * 3 + 3 * 5)),
    ((8, 6, 3), lambda: layers.SeparableConv2D(5, 3, depth_multiplier=2), 6 * 4 * (9 * 3 * 2 + 6 * 5)),
    # Each pixel that comes in is multiplied with the whole kernel.
    ((5, 3), lambda: layers.Conv1DTranspose(4, 3, strides=2), 5 * 3 * 3 * 4),
    ((5, 4, 3), lambda: layers.Conv2DTranspose(2, 3, strides=2, padding="same"), 5 * 4 * 9 * 3 * 2),
    ((2, 3, 4, 2), lambda: layers.Conv3DTranspose(3, 2, strides=2), 2 * 3 * 4 * 8 * 2 * 3),
    ((7,), lambda: layers.Dense(5), 7 * 5),
    ((3, 7), lambda: layers.Dense(5), 3 * 7 * 5),
    ((4, 3, 7), lambda: layers.Dense(5), 4 * 3 * 7 * 5),
    # What papers leave out.
    ((8, 6, 3), lambda: layers.BatchNormalization(), 0),
    ((8, 6, 3), lambda: layers.PReLU(), 0),
    ((8, 6, 3), lambda: layers.AveragePooling2D(2), 0),
    ((4, 8, 6, 3), lambda: layers.MaxPooling3D(2), 0),
    ((8, 6, 3), lambda: layers.Activation("tanh"), 0),
    ((8, 6, 3), lambda: layers.ZeroPadding2D(1), 0),
]


@pytest.mark.parametrize(("shape", "layer", "mult_adds"), COUNTS)
def test_one_layer(shape, layer, mult_adds):
    model = model_of(shape, layer())
    counts = profile(model)
    assert counts.mult_adds == mult_adds
    assert counts.params == model.count_params()
    assert counts.unknown == ()


def test_channels_first():
    model = model_of((3, 8, 6), layers.Conv2D(5, 3, data_format="channels_first"))
    assert profile(model).mult_adds == 6 * 4 * 9 * 3 * 5


@pytest.mark.parametrize("name", EVERY_LAYER)
def test_parameters_are_those_that_keras_counts(name):
    with no_values():
        model = kerasnets.build(name, **getattr(kerasnets.applications, name).spec.tiny)
    counts = profile(model)
    assert counts.params == model.count_params()
    assert counts.trainable_params == sum(math.prod(w.shape) for w in model.trainable_weights)
    assert counts.unknown == ()
    assert counts.mult_adds == sum(row.mult_adds for row in counts.layers) > 0
    assert all(row.receptive_field for row in counts.layers)
    assert counts.activations == sum(row.activations for row in counts.layers if not row.in_place)
    assert counts.peak_activation_bytes <= counts.activation_bytes


def test_rows():
    stack = [
        layers.Conv2D(4, 3, name="conv"),
        layers.BatchNormalization(name="bn"),
        layers.Flatten(name="flat"),
    ]
    rows = [row for row in profile(model_of((8, 6, 3), *stack)).layers if row.type != "InputLayer"]
    assert [(r.name, r.type, r.output_shape, r.params, r.trainable_params, r.mult_adds) for r in rows] == [
        ("conv", "Conv2D", (6, 4, 4), 112, 112, 6 * 4 * 9 * 3 * 4),
        ("bn", "BatchNormalization", (6, 4, 4), 16, 8, 0),
        ("flat", "Flatten", (96,), 0, 0, 0),
    ]


def test_row_of_a_window():
    stack = [layers.Conv2D(4, (3, 1), (2, 1), "same", name="conv"), layers.MaxPooling2D(2), layers.Dense(3)]
    model = model_of((8, 6, 3), *stack)
    first, conv, pool, dense = profile(model).layers
    assert (first.type, first.output_shape, first.activations) == ("InputLayer", (8, 6, 3), 144)
    assert (conv.kernel, conv.strides, conv.activations, conv.activation_bytes) == ((3, 1), (2, 1), 96, 384)
    assert (conv.receptive_field, conv.stride, conv.offset) == ((3, 1), (2, 1), (0, 0))
    assert (pool.kernel, pool.strides, pool.receptive_field) == ((2, 2), (2, 2), (5, 2))
    assert (dense.kernel, dense.strides, dense.receptive_field) == (None, None, (5, 2))


def test_row_of_a_clip():
    row = profile(model_of((4, 8, 6, 2), layers.Conv3D(3, (1, 3, 3), (1, 2, 2)))).layers[-1]
    assert (row.kernel, row.strides, row.activations) == ((1, 3, 3), (1, 2, 2), 4 * 3 * 2 * 3)
    assert (row.receptive_field, row.stride, row.offset) == ((1, 3, 3), (1, 2, 2), (0, 0, 0))


@pytest.mark.parametrize("name", ["MobileNetV3Small", "VGG16"])
@no_values()
def test_nets_of_keras(name):
    options = dict(weights=None, input_shape=(96, 96, 3), classes=4)
    counts = profile(getattr(keras.applications, name)(**options))
    assert counts.unknown == ()
    assert all(row.receptive_field for row in counts.layers)
    assert counts.activation_bytes == sum(row.activation_bytes for row in counts.layers if not row.in_place)
    assert counts.peak_activation_bytes < counts.training_activation_bytes
    if name == "VGG16":
        ours = profile(kerasnets.build(name, input_shape=(96, 96, 3), classes=4))
        assert (ours.params, ours.mult_adds, ours.activations, ours.peak_activation_bytes) == (
            counts.params,
            counts.mult_adds,
            counts.activations,
            counts.peak_activation_bytes,
        )


def test_connections_that_are_not_there_are_not_counted():
    # LeCun 1998, section II.B: C3 has 1,516 parameters, of them 16 biases, at 10 x 10 positions.
    rows = {row.name: row for row in profile(kerasnets.build("LeNet5")).layers}
    assert rows["c3_conv"].mult_adds == 1500 * 100


def test_frozen_layers():
    model = model_of((7,), layers.Dense(5), layers.Dense(2))
    model.layers[1].trainable = False
    counts = profile(model)
    assert (counts.params, counts.trainable_params) == (40 + 12, 12)


def test_a_layer_called_twice():
    inputs, dense = keras.Input((4,)), layers.Dense(4)
    counts = profile(keras.Model(inputs, dense(dense(inputs))))
    assert counts.params == 20
    assert counts.mult_adds == 2 * 16


def test_nested_models():
    inner = model_of((8, 6, 3), layers.Conv2D(4, 3, name="conv"))
    inner.name = "inner"
    inputs = keras.Input((8, 6, 3))
    outer = keras.Model(inputs, layers.Add()([inner(inputs), inner(inputs)]))
    counts = profile(outer)
    assert counts.params == outer.count_params() == 112
    assert counts.mult_adds == 2 * 6 * 4 * 9 * 3 * 4
    assert [row.name for row in counts.layers].count("inner/conv") == 2


def test_a_nested_model_counts_at_the_size_it_is_called_with():
    inner = model_of((None, None, 3), layers.Conv2D(4, 3, padding="same"))
    counts = profile(model_of((8, 6, 3), layers.AveragePooling2D(2), inner))
    assert counts.mult_adds == 4 * 3 * 9 * 3 * 4


@pytest.mark.parametrize("nested", [False, True])
def test_sequential(nested):
    stack = [keras.Input((8, 6, 3)), layers.Conv2D(4, 3), layers.Flatten(), layers.Dense(2)]
    model = keras.Sequential(stack)
    if nested:
        model = keras.Sequential([keras.Input((8, 6, 3)), model])
    counts = profile(model)
    assert counts.params == model.count_params()
    assert counts.mult_adds == 6 * 4 * 9 * 3 * 4 + 96 * 2


def test_several_inputs_and_outputs():
    a, b = keras.Input((8, 6, 3), name="a"), keras.Input((5,), name="b")
    maps = layers.Conv2D(4, 3)(a)
    dense = layers.Dense(2)(b)
    model = keras.Model({"a": a, "b": b}, {"maps": maps, "dense": dense})
    counts = profile(model)
    assert counts.input_shape == ((8, 6, 3), (5,))
    assert counts.mult_adds == 6 * 4 * 9 * 3 * 4 + 5 * 2
    assert profile(model, [(8, 6, 3), (5,)]) == counts
    assert [row.type for row in counts.layers[:2]] == ["InputLayer", "InputLayer"]
    assert counts.activations == 144 + 5 + 6 * 4 * 4 + 2


def test_nested_model_with_inputs_by_name():
    # The graph hands them over in another order than the names have.
    z, a = keras.Input((5,), name="z"), keras.Input((7,), name="a")
    inner = keras.Model({"z": z, "a": a}, layers.Concatenate()([layers.Dense(2)(z), layers.Dense(3)(a)]))
    x, y = keras.Input((5,)), keras.Input((7,))
    model = keras.Model([x, y], inner({"z": x, "a": y}))
    assert profile(model).mult_adds == 5 * 2 + 7 * 3


class Unheard(layers.Layer):
    def build(self, shape):
        self.w = self.add_weight(shape=(shape[-1],))

    def call(self, x):
        return x * self.w


@pytest.mark.parametrize("layer", [Unheard(name="odd"), layers.EinsumDense("ab,bc->ac", 5, name="odd")])
def test_unknown_layers_are_named(layer):
    model = model_of((7,), layers.Dense(7), layer)
    counts = profile(model)
    assert counts.unknown == ("odd",)
    assert counts.params == model.count_params()
    assert counts.mult_adds == 49
    assert "unknown" in str(counts)


class Weightless(layers.Layer):
    def call(self, x):
        return keras.ops.matmul(x, keras.ops.transpose(x, (0, 2, 1)))


@pytest.mark.parametrize(
    "layer", [Weightless(name="odd"), layers.Lambda(lambda x: x @ x, output_shape=(4, 4), name="odd")]
)
def test_layers_without_weights_may_multiply_too(layer):
    assert profile(model_of((4, 4), layer)).unknown == ("odd",)


@pytest.mark.parametrize("operation", [keras.ops.matmul, lambda a, b: keras.ops.einsum("bij,bjk->bik", a, b)])
def test_products_of_maps_are_unknown(operation):
    a, b = keras.Input((4, 5)), keras.Input((5, 6))
    assert len(profile(keras.Model([a, b], operation(a, b))).unknown) == 1


def test_operations():
    inputs = keras.Input((8, 8, 2))
    x = keras.ops.relu(layers.Conv2D(2, 3)(inputs)) * 2 + 1
    counts = profile(keras.Model(inputs, keras.ops.reshape(x, (-1, 72))))
    assert counts.unknown == ()
    assert counts.mult_adds == 36 * 9 * 4
    assert counts.receptive_field == (3, 3)


def test_layers_for_each_frame():
    model = model_of((5, 8, 6, 3), layers.TimeDistributed(layers.Conv2D(4, 3)))
    assert profile(model).mult_adds == 5 * 6 * 4 * 9 * 3 * 4


def test_free_sides():
    model = model_of((None, None, 3), layers.Conv2D(4, 3), layers.GlobalAveragePooling2D(), layers.Dense(2))
    assert profile(model, (8, 6, 3)).mult_adds == 6 * 4 * 9 * 3 * 4 + 8
    assert profile(model, [16, 6, 3]).mult_adds == 14 * 4 * 9 * 3 * 4 + 8
    assert profile(model, (8, 6, 3)).input_shape == (8, 6, 3)


@pytest.mark.parametrize(
    "input_shape",
    [None, (8, 6), (8, 6, 1), (8, None, 3), (0, 6, 3), (8.0, 6, 3), 8, (), "8x6x3", [(8, 6, 3), (8, 6, 3)]],
)
def test_input_shape_that_does_not_fit(input_shape):
    model = model_of((None, None, 3), layers.Conv2D(4, 3))
    with pytest.raises(ValueError, match=r"`input_shape` is .*\?x\?x3.*Received: input_shape="):
        profile(model, input_shape)


@pytest.mark.parametrize("input_shape", [(5,), [(5,)], [(5,), 7], [(5,), (8,)]])
def test_input_shapes_that_do_not_fit_several_inputs(input_shape):
    a, b = keras.Input((5,)), keras.Input((7,))
    with pytest.raises(ValueError, match="`input_shape` is .*5, 7.*Received: input_shape="):
        profile(keras.Model([a, b], layers.Concatenate()([a, b])), input_shape)


class Subclassed(keras.Model):
    def call(self, x):
        return x


@pytest.mark.parametrize("model", [None, "DenseNet121", Subclassed(), keras.Sequential([layers.Dense(2)])])
def test_model_without_a_graph(model):
    with pytest.raises(ValueError, match="`model` is .*Received: model="):
        profile(model)


@pytest.mark.parametrize("sequential", [False, True])
def test_the_model_stays_as_it_was(sequential):
    stack = [layers.Conv2D(4, 3), layers.BatchNormalization(), layers.Flatten(), layers.Dense(2)]
    model = keras.Sequential([keras.Input((8, 6, 3)), *stack]) if sequential else model_of((8, 6, 3), *stack)
    x = np.random.default_rng(0).normal(size=(2, 8, 6, 3)).astype("float32")
    weights, preds, config = model.get_weights(), model.predict(x, verbose=0), model.get_config()
    assert profile(model) == profile(model)
    assert model.get_config() == config
    for layer in model.layers:
        assert len(layer._inbound_nodes) == 1
        assert layer.output.shape[0] is None  # raises for a layer of several calls
    for a, b in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(model.predict(x, verbose=0), preds)


def test_table():
    text = str(profile(model_of((8, 6, 3), layers.Conv2D(4, 3, name="conv"))))
    assert "8x6x3" in text
    assert "conv" in text
    assert "6x4x4" in text
    assert f"{6 * 4 * 9 * 3 * 4:,}" in text
    assert "Conv2D 3/1" in text
    assert "240 values" in text
    assert "3/1" in next(line for line in text.splitlines() if "conv" in line)


@pytest.mark.parametrize("name", ["C3D", "HRNetV2W18", "SEResNet18"])
@no_values()
def test_table_is_narrow(name):
    text = str(profile(kerasnets.build(name, **getattr(kerasnets.applications, name).spec.tiny)))
    assert max(map(len, text.splitlines())) <= 110
    assert "…" not in text
