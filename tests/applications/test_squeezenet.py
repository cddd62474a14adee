"""SqueezeNet's fire modules and bypasses."""

import keras
import numpy as np
import pytest
from keras import ops

import kerasnets
from kerasnets.graph import no_values, producer

# Iandola 2016, table 1: "# parameters before pruning" of each row.
PARAMETERS = {
    "conv1": 14_208,
    "fire2": 11_920,
    "fire3": 12_432,
    "fire4": 45_344,
    "fire5": 49_440,
    "fire6": 104_880,
    "fire7": 111_024,
    "fire8": 188_992,
    "fire9": 197_184,
    "class_maps": 513_000,
}


def parameters(net):
    """Parameters of each row of table 1, and of the bypass around it."""
    counts = {}
    for layer in net.layers:
        if layer.weights:
            name = layer.name
            if name.startswith("fire") and not name.endswith("_bypass"):
                name = name.partition("_")[0]
            counts[name] = counts.get(name, 0) + layer.count_params()
    return counts


@pytest.mark.parametrize("bypass", [None, "simple"])
@no_values()
def test_parameters_are_those_of_table_1(bypass):
    assert parameters(kerasnets.build("SqueezeNet", bypass=bypass)) == PARAMETERS


@no_values()
def test_complex_bypasses():
    # Section 6: 1x1 convolutions, with biases as all others, where the channels differ: fire2 from 96 to 128,
    # then 128 to 256, 256 to 384, 384 to 512.
    bypasses = {
        "fire2_bypass": 96 * 128 + 128,
        "fire4_bypass": 128 * 256 + 256,
        "fire6_bypass": 256 * 384 + 384,
        "fire8_bypass": 384 * 512 + 512,
    }
    assert parameters(kerasnets.build("SqueezeNet", bypass="complex")) == PARAMETERS | bypasses


@pytest.mark.parametrize(
    ("name", "bypass", "fires"),
    [
        # Section 6: "bypass connections around Fire modules 3, 5, 7, and 9"
        ("SqueezeNet", "simple", (3, 5, 7, 9)),
        ("SqueezeNet", "complex", range(2, 10)),
        ("SqueezeNet", None, ()),
        ("SqueezeNet11", "simple", (3, 5, 7, 9)),
    ],
)
@no_values()
def test_what_is_added(name, bypass, fires):
    net = kerasnets.build(name, bypass=bypass)
    added = [layer for layer in net.layers if isinstance(layer, keras.layers.Add)]
    assert [layer.name for layer in added] == [f"fire{i}_add" for i in fires]
    for layer in added:
        fire = layer.name.partition("_")[0]
        past, through = (producer(x).operation for x in layer.input)
        assert through.name == f"{fire}_join"
        read = net.get_layer(f"{fire}_squeeze").input
        assert (past.input if past.name == f"{fire}_bypass" else past.output) is read


def test_a_fire_module_against_numpy():
    net = kerasnets.build("SqueezeNet", include_top=False, input_shape=(35, 35, 3), bypass="complex")
    inner = keras.Model(net.get_layer("pool1").output, net.get_layer("fire2_add").output)
    rng = np.random.default_rng(0)
    for w in inner.weights:
        w.assign(rng.normal(0, 0.2, w.shape))
    x = rng.uniform(0, 1, (2, *inner.input_shape[1:]))
    w = {v.path: ops.convert_to_numpy(v).astype("float64") for v in inner.weights}

    def dense(x, name):
        return np.maximum(x @ w[f"{name}/kernel"][0, 0] + w[f"{name}/bias"], 0)

    thin = dense(x, "fire2_squeeze")
    height, width = thin.shape[1:3]
    padded = np.pad(thin, ((0, 0), (1, 1), (1, 1), (0, 0)))
    kernel = w["fire2_expand3x3/kernel"]
    threes = sum(padded[:, i : i + height, j : j + width] @ kernel[i, j] for i in range(3) for j in range(3))
    threes = np.maximum(threes + w["fire2_expand3x3/bias"], 0)
    wide = np.concatenate([dense(thin, "fire2_expand1x1"), threes], axis=-1)
    expected = wide + dense(x, "fire2_bypass")
    made = ops.convert_to_numpy(inner(x.astype("float32")))
    np.testing.assert_allclose(made, expected, rtol=1e-4, atol=1e-4)
