"""Squeeze and excitation against its equations, in numpy."""

import keras
import numpy as np
import pytest
from keras import ops

from kerasnets.blocks.attention import squeeze_excite


def built(maps, reduction, seed=0):
    rng = np.random.default_rng(seed)
    x = keras.Input((None, None, maps))
    model = keras.Model(x, squeeze_excite(x, reduction, name="se"))
    for w in model.weights:
        w.assign(rng.normal(size=w.shape))
    return model


def images(maps):
    return np.random.default_rng(1).normal(size=(3, 5, 4, maps)).astype("float32")


def weights_of(model, layer):
    kernel, bias = (np.float64(w) for w in model.get_layer(layer).get_weights())
    return kernel[0, 0], bias


@pytest.mark.parametrize(("maps", "reduction", "units"), [(32, 16, 2), (12, 4, 3), (10, 3, 3), (8, 16, 1)])
def test_equations_2_to_4(maps, reduction, units):
    model, x = built(maps, reduction), images(maps)
    (w1, b1), (w2, b2) = weights_of(model, "se_reduce"), weights_of(model, "se_excite")
    assert w1.shape == (maps, units)
    z = np.float64(x).mean((1, 2))
    s = 1 / (1 + np.exp(-(np.maximum(z @ w1 + b1, 0) @ w2 + b2)))
    expected = x * s[:, None, None]
    np.testing.assert_allclose(ops.convert_to_numpy(model(x)), expected, rtol=1e-4, atol=1e-5)


def test_weights_of_zero_halve_the_maps():
    model, x = built(8, 4), images(8)
    excite = model.get_layer("se_excite")
    excite.set_weights([np.zeros_like(w) for w in excite.get_weights()])
    np.testing.assert_allclose(ops.convert_to_numpy(model(x)), x / 2, rtol=1e-6)


def test_a_map_is_opened_or_shut_by_what_another_contains():
    model = built(2, 1)
    model.get_layer("se_reduce").set_weights([np.eye(2)[None, None], np.zeros(2)])
    crossed = np.array([[0, 200], [0, 0]])  # the second map's weight is that of the first map's mean
    model.get_layer("se_excite").set_weights([crossed[None, None], np.array([0, -100])])
    x = np.ones((2, 3, 3, 2), "float32")
    x[1, ..., 0] = 0
    first, second = ops.convert_to_numpy(model(x))[:, 0, 0]
    np.testing.assert_allclose(first, [0.5, 1], atol=1e-6)
    np.testing.assert_allclose(second, [0, 0], atol=1e-6)
