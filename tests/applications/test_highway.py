"""Highway layers compute the paper's equation, and the nets are as deep as their names say."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import kerasnets
from kerasnets.applications.highway import highway
from kerasnets.graph import no_values

RNG = np.random.default_rng(0)


def unit(kernel, gate_bias=-2.0, maps=3):
    inputs = keras.Input((None, None, maps))
    return keras.Model(inputs, highway(inputs, kernel, gate_bias, name="unit"))


def run(model, x):
    return ops.convert_to_numpy(model(x, training=False))


def convolve(x, kernel, bias):
    """A convolution in float64 that keeps the grid."""
    k = kernel.shape[0]
    height, width = x.shape[1:3]
    x = np.pad(x, [(0, 0), (k // 2, k // 2), (k // 2, k // 2), (0, 0)])
    return bias + sum(
        x[:, i : i + height, j : j + width] @ kernel[i, j].astype("float64")
        for i in range(k)
        for j in range(k)
    )


@pytest.mark.parametrize("kernel", [1, 3])
def test_unit_is_equation_3(kernel):
    model = unit(kernel)
    model.set_weights([RNG.normal(size=w.shape) for w in model.get_weights()])
    weights = {layer.name: layer.get_weights() for layer in model.layers}
    x = RNG.normal(size=(2, 5, 4, 3))
    new = np.maximum(convolve(x, *weights["unit_transform"]), 0)
    gate = 1 / (1 + np.exp(-convolve(x, *weights["unit_gate"])))
    np.testing.assert_allclose(
        run(model, x.astype("float32")), new * gate + x * (1 - gate), rtol=1e-4, atol=1e-5
    )


def test_shut_gates_carry_the_input():
    x = RNG.normal(size=(2, 6, 6, 3)).astype("float32")
    np.testing.assert_array_equal(run(unit(3, gate_bias=-1000.0), x), x)
    opened = unit(3, gate_bias=1000.0)
    transform = keras.Model(opened.inputs[0], opened.get_layer("unit_transform").output)
    np.testing.assert_allclose(run(opened, x), run(transform, x), rtol=1e-5, atol=1e-6)


def test_gate_bias_reaches_every_gate_and_nothing_else():
    net = kerasnets.build("HighwayNet19", kernels=((3, 3), (3, 3, 1)), filters=(3, 4, 5), gate_bias=-3.5)
    for layer in net.layers:
        if isinstance(layer, layers.Conv2D):
            expected = -3.5 if layer.name.endswith("_gate") else 0
            np.testing.assert_array_equal(ops.convert_to_numpy(layer.bias), expected)


# The release's cifar10_network.prototxt: kernel and maps of conv1 to conv18, conv18 being 1x1.
RELEASED = [(3, 32)] * 5 + [(3, 80)] * 6 + [(3, 128)] * 6 + [(1, 100)]


@pytest.mark.parametrize("name", ["HighwayNet19", "HighwayNet32"])
@no_values()
def test_depth(name):
    net = kerasnets.build(name)
    weighted = [
        layer
        for layer in net.layers
        if isinstance(layer, (layers.Conv2D, layers.Dense)) and not layer.name.endswith("_gate")
    ]
    assert len(weighted) == int(name.removeprefix("HighwayNet"))
    if name == "HighwayNet19":
        assert [(c.kernel_size[0], c.filters) for c in weighted[:-1]] == RELEASED
    rates = [layer.rate for layer in net.layers if isinstance(layer, layers.Dropout)]
    assert rates == [0.2] * 4  # drop1 to drop4 of the release
