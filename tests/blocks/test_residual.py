"""Residual units against their equations, in numpy."""

import keras
import numpy as np
import pytest
from keras import ops

from kerasnets.blocks.residual import Row, basic_rows, bottleneck_rows, preact_residual, residual, skip, units


def maps(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def model_of(unit, shape, *args, **options):
    x = keras.Input(shape)
    model = keras.Model(x, unit(x, *args, **options, name="unit"))
    rng = np.random.default_rng(1)
    for w in model.weights:
        w.assign(rng.uniform(0.5, 1.5, w.shape) if "variance" in w.name else rng.normal(size=w.shape))
    return model


def relu(x):
    return np.maximum(x, 0)


def normalized(model, name, x):
    gamma, beta, mean, variance = map(np.float64, model.get_layer(name).get_weights())
    return gamma * (x - mean) / np.sqrt(variance + 1.001e-5) + beta


def convolved(model, name, x):
    """A 1x1 convolution, or the middle of a 3x3 on a single pixel, which sees nothing else."""
    kernel = np.float64(model.get_layer(name).get_weights()[0])
    return x @ kernel[kernel.shape[0] // 2, kernel.shape[1] // 2]


def test_residual_is_the_papers_equation():
    model, x = model_of(residual, (1, 1, 4), (Row(3, 1), Row(5, 3))), maps(2, 1, 1, 4)
    new = relu(normalized(model, "unit_1_bn", convolved(model, "unit_1_conv", np.float64(x))))
    new = normalized(model, "unit_2_bn", convolved(model, "unit_2_conv", new))
    old = normalized(model, "unit_shortcut_bn", convolved(model, "unit_shortcut_conv", np.float64(x)))
    np.testing.assert_allclose(model(x, training=False), relu(old + new), rtol=1e-4, atol=1e-4)


def test_relu_may_precede_squeeze_and_excitation():
    """The gate of a single pixel of one channel is a number that the maps before it give."""
    model = model_of(residual, (1, 1, 4), (Row(4, 1),), squeeze_excite=4, relu_before_se=True)
    x = np.float64(maps(2, 1, 1, 4))
    new = relu(normalized(model, "unit_1_bn", convolved(model, "unit_1_conv", x)))
    reduce, excite = (model.get_layer(f"unit_se_{name}").get_weights() for name in ("reduce", "excite"))
    gate = relu(new @ np.float64(reduce[0])[0, 0] + reduce[1]) @ np.float64(excite[0])[0, 0] + excite[1]
    expected = relu(x + new / (1 + np.exp(-gate)))
    np.testing.assert_allclose(model(np.float32(x), training=False), expected, rtol=1e-4, atol=1e-4)


def test_preact_residual_is_the_papers_equation():
    """The projection reads what was activated; an identity what came in."""
    for filters in (4, 5):
        model, x = model_of(preact_residual, (1, 1, 4), (Row(3, 1), Row(filters, 3))), maps(2, 1, 1, 4)
        first = relu(normalized(model, "unit_1_bn", np.float64(x)))
        new = relu(normalized(model, "unit_2_bn", convolved(model, "unit_1_conv", first)))
        old = x if filters == 4 else convolved(model, "unit_shortcut_conv", first)
        expected = old + convolved(model, "unit_2_conv", new)
        np.testing.assert_allclose(model(x, training=False), expected, rtol=1e-4, atol=1e-4)


def test_a_projection_may_read_what_came_in():
    options = dict(rows=(Row(3, 1), Row(5, 3)), project_raw=True)
    model, x = model_of(preact_residual, (1, 1, 4), **options), maps(2, 1, 1, 4)
    first = relu(normalized(model, "unit_1_bn", np.float64(x)))
    new = relu(normalized(model, "unit_2_bn", convolved(model, "unit_1_conv", first)))
    expected = convolved(model, "unit_shortcut_conv", np.float64(x)) + convolved(model, "unit_2_conv", new)
    np.testing.assert_allclose(model(x, training=False), expected, rtol=1e-4, atol=1e-4)


def test_activated_input_is_not_activated_again():
    model = model_of(preact_residual, (2, 2, 4), basic_rows(4), activated=True)
    assert "unit_1_bn" not in {layer.name for layer in model.layers}


def test_dropout_stands_before_the_last_convolution():
    model = model_of(preact_residual, (2, 2, 4), basic_rows(4), dropout=0.3)
    dropout = model.get_layer("unit_dropout")
    assert dropout.rate == 0.3
    assert dropout.output is model.get_layer("unit_2_conv").input


@pytest.mark.parametrize("filters", [4, 7])
@pytest.mark.parametrize("strides", [1, 2])
def test_a_padded_shortcut_takes_every_second_pixel_and_adds_zeros(filters, strides):
    rows = basic_rows(filters, strides)
    x = keras.Input((None, None, 4))
    model = keras.Model(x, skip(x, rows, "pad", name="skip"))
    x = maps(2, 7, 6, 4)
    made = ops.convert_to_numpy(model(x))
    assert made.shape == (2, -(-7 // strides), -(-6 // strides), filters)
    np.testing.assert_array_equal(made[..., :4], x[:, ::strides, ::strides])
    np.testing.assert_array_equal(made[..., 4:], 0)
    assert ("skip_pad" in {operation.name for operation in model.operations}) == (filters > 4)
    assert not model.weights


def test_no_shortcut_leaves_a_plain_net():
    model = model_of(residual, (2, 2, 4), basic_rows(4), shortcut=None)
    assert not any(isinstance(layer, keras.layers.Add) for layer in model.layers)


@pytest.mark.parametrize("stride_in", ["1x1", "3x3"])
def test_stride_of_a_bottleneck(stride_in):
    rows = bottleneck_rows(8, 2, stride_in=stride_in)
    model = model_of(residual, (8, 8, 4), rows)
    assert model.output_shape == (None, 4, 4, 8)
    sides = {k: model.get_layer(f"unit_{k}_conv").output.shape[1] for k in (1, 2, 3)}
    assert sides == ({1: 4, 2: 4, 3: 4} if stride_in == "1x1" else {1: 8, 2: 4, 3: 4})


def test_where_stages_halve_the_grid():
    first = [(stage, strides) for stage, strides, _ in units((2, 3, 1))]
    assert first == [(0, 1), (0, 1), (1, 2), (1, 1), (1, 1), (2, 2)]
    last = [(stage, strides) for stage, strides, _ in units((2, 3, 1), stride_last=True)]
    assert last == [(0, 1), (0, 2), (1, 1), (1, 1), (1, 2), (2, 1)]
