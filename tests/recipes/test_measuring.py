"""Nets that are filled with values like those of training."""

import keras
import numpy as np
import pytest

import kerasnets
from benchmarks.measuring import trained_like
from nets import images, tiny


@pytest.mark.parametrize("name", ["DenseNet121", "MobileNetV2"])
def test_trained_like(name):
    net = trained_like(tiny(name), seed=1)
    x = images(net)
    p = np.asarray(net(x))
    assert np.isfinite(p).all()
    assert p.max() < 0.99
    assert np.ptp(p, 1).min() > 0.01
    for w in net.weights:
        if w.name in ("beta", "bias", "moving_mean", "gamma", "moving_variance"):
            assert np.ptp(np.asarray(w)) > 0.1 * np.abs(np.asarray(w)).max(), w.path
    outputs = keras.Model(net.inputs[0], [layer.output for layer in net.layers])(x)
    assert max(np.asarray(y).std() for y in outputs) < 30
    again = trained_like(kerasnets.build(name, **net_options(net, name)), seed=1)
    np.testing.assert_array_equal(np.asarray(again(x)), p)


def net_options(net, name):
    spec = getattr(kerasnets.applications, name).spec
    return {"input_shape": net.input_shape[1:], "classes": 5, **spec.tiny}
