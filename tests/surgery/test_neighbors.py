import sys

import keras
import numpy as np
import pytest
from keras import layers

import kerasnets
from kerasnets.surgery import features, neighbors


@pytest.fixture(scope="module")
def net():
    keras.utils.set_random_seed(0)
    return kerasnets.build("LeNet1", input_shape=(16, 16, 1), hidden=(8,))


def images(n, seed):
    return np.random.default_rng(seed).uniform(0, 1, (n, 16, 16, 1)).astype("float32")


def test_as_brute_force_finds_them(net):
    model, chosen, asked = features(net), images(60, 1), images(7, 2)
    a, b = (model.predict(x, verbose=0).astype("float64") for x in (asked, chosen))
    distances = np.sqrt(((a[:, None] - b[None]) ** 2).sum(axis=-1))
    order = np.argsort(distances, axis=1)[:, :5]
    found, far = neighbors(model, asked, chosen, count=5, batch_size=9)
    np.testing.assert_array_equal(found, order)
    np.testing.assert_allclose(far, np.take_along_axis(distances, order, 1), rtol=1e-3, atol=1e-6)


def test_the_nearest_to_an_image_is_itself(net):
    x = images(20, 3)
    found, _ = neighbors(features(net), x, x, count=1)
    np.testing.assert_array_equal(found, np.arange(20)[:, None])


def test_pixels():
    pixels = keras.Sequential([keras.Input((16, 16, 1)), layers.Flatten()])
    x = images(5, 4)
    found, _ = neighbors(pixels, x[[3]] + 0.001, x, count=2)
    assert found.shape == (1, 2)
    assert found[0, 0] == 3


def test_misuse(net):
    x = images(4, 5)
    with pytest.raises(ValueError, match="`model` is one that gives a vector.* Received: model="):
        neighbors(kerasnets.build("LeNet1", include_top=False), x, x)
    for count in (0, 5, 2.0, True):
        with pytest.raises(ValueError, match="`count` is a whole number from 1 to 4.* Received: count="):
            neighbors(features(net), x, x, count=count)
    with pytest.raises(ValueError, match="`batch_size` is .* Received: batch_size=0"):
        neighbors(features(net), x, x, count=1, batch_size=0)


def test_without_scikit_learn(net, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.neighbors", None)
    with pytest.raises(ModuleNotFoundError, match="pip install"):
        neighbors(features(net), images(2, 0), images(2, 0), count=1)
