import keras
import numpy as np
import pytest
from keras import layers

from kerasnets.training import decay_weights, limit_norms


def net():
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Conv2D(4, 3),
            layers.BatchNormalization(),
            layers.DepthwiseConv2D(3),
            layers.Flatten(),
            layers.Dense(2),
        ]
    )


def test_weight_decay_is_that_of_the_papers():
    """Krizhevsky et al. 2012, section 5: v <- 0.9 v - rate (decay w + g), w <- w + v."""
    model = net()
    decay_weights(model, 0.1)
    model.compile(keras.optimizers.SGD(0.5, momentum=0.9), lambda y, p: 0.0 * keras.ops.sum(p, -1))
    before = [w.copy() for w in model.get_weights()]
    x, y = np.ones((2, 8, 8, 3), "float32"), np.zeros(2)
    model.fit(x, y, batch_size=2, epochs=2, verbose=0)
    expected = 1.0
    speed = 0.0
    for _ in range(2):
        speed = 0.9 * speed - 0.5 * 0.1 * expected
        expected += speed
    names = [v.path.split("/")[-1] for v in model.weights]
    assert names.count("kernel") == 3
    for name, old, new in zip(names, before, model.get_weights(), strict=True):
        if name == "kernel":
            np.testing.assert_allclose(new, expected * old, rtol=1e-5)
        elif "moving" not in name:
            np.testing.assert_array_equal(new, old)


def test_norms_stay_below_the_limit():
    model = net()
    limit_norms(model, 0.2)
    model.compile("sgd", "mse")
    x = np.random.default_rng(0).random((8, 8, 8, 3))
    model.fit(x, np.ones((8, 2)), verbose=0)
    dense = model.layers[-1].kernel.numpy()
    assert (np.linalg.norm(dense, axis=0) < 0.2 + 1e-5).all()
    conv = model.layers[0].kernel.numpy()
    assert (np.sqrt((conv**2).sum((0, 1, 2))) < 0.2 + 1e-5).all()


@pytest.mark.parametrize("value", [-1, float("nan"), "0.1", None])
def test_bad_numbers(value):
    with pytest.raises(ValueError, match="`decay`.*Received"):
        decay_weights(net(), value)
    with pytest.raises(ValueError, match="`limit`.*Received"):
        limit_norms(net(), value)
