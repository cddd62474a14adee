import keras
import numpy as np
import pytest
from keras import layers, ops

import kerasnets
from kerasnets.blocks.residual import basic_rows, residual, survivals
from kerasnets.layers import StochasticDepth
from kerasnets.surgery import fold_batch_norm
from nets import array, filled, images, tiny

RNG = np.random.default_rng(0)


class Trains(layers.Layer):
    """Calls a layer as training does, so that `predict` can draw many times in a graph."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def call(self, x):
        return self.layer(x, training=True)


def test_training_drops_the_whole_batch_and_inference_is_the_expectation():
    layer, x = StochasticDepth(0.3, seed=1), RNG.normal(size=(2, 3, 3, 4)).astype("float32")
    inputs, steps = keras.Input(x.shape[1:]), 200
    model = keras.Model(inputs, Trains(layer)(inputs))
    made = model.predict(np.concatenate([x] * steps), batch_size=2, verbose=0).reshape(steps, *x.shape)
    kept = made.any(axis=(1, 2, 3, 4))
    np.testing.assert_array_equal(made, kept[:, None, None, None, None] * x)
    assert abs(kept.mean() - 0.3) < 4 * np.sqrt(0.3 * 0.7 / steps)
    np.testing.assert_allclose(array(layer(x, training=False)), 0.3 * x, rtol=1e-6)
    assert array(StochasticDepth(1.0)(x, training=True)).any()


def unit(survival):
    inputs = keras.Input((4, 4, 3))
    model = keras.Model(inputs, residual(inputs, basic_rows(3), survival=survival, name="unit"))
    return filled(model)


def test_a_dropped_unit_is_the_identity_and_its_weights_have_no_gradient():
    model, x = unit(0.5), RNG.uniform(size=(2, 4, 4, 3)).astype("float32")
    model.compile(keras.optimizers.SGD(0.1), "mean_squared_error", run_eagerly=True)
    seen = set()
    for _ in range(20):
        before = [array(w) for w in model.trainable_weights]
        loss = float(model.train_on_batch(x, x))
        still = all(np.array_equal(array(w), b) for w, b in zip(model.trainable_weights, before, strict=True))
        assert still == (loss == 0)  # what is left is the ReLU of positive values
        seen.add(still)
    assert seen == {True, False}


def test_testing_scales_the_convolutions():
    """Equation 5 of the paper: the output is the ReLU of p * f(x) + x, which all of f's scales give too."""
    model, whole, x = unit(0.5), unit(1.0), RNG.normal(size=(2, 4, 4, 3)).astype("float32")
    whole.set_weights(model.get_weights())
    norm = whole.get_layer("unit_2_bn")
    norm.gamma.assign(norm.gamma * 0.5)
    norm.beta.assign(norm.beta * 0.5)
    np.testing.assert_allclose(array(model(x)), array(whole(x)), rtol=1e-4, atol=1e-5)
    assert survivals(0.5, 4) == [0.875, 0.75, 0.625, 0.5]


def test_a_net_of_dropped_units(tmp_path):
    net = tiny("ResNet20", survival=0.4, classifier_activation=None)
    units = [layer for layer in net.layers if isinstance(layer, StochasticDepth)]
    np.testing.assert_allclose([layer.survival for layer in units], [0.8, 0.6, 0.4])
    x = images(net)
    folded = fold_batch_norm(net)
    np.testing.assert_allclose(array(folded(x)), array(net(x)), rtol=1e-4, atol=1e-5)
    kinds = {type(layer) for layer in folded.layers}
    assert not kinds & {StochasticDepth, layers.BatchNormalization}
    assert kerasnets.analysis.profile(net).params == net.count_params()
    net.save(tmp_path / "net.keras")
    loaded = keras.saving.load_model(tmp_path / "net.keras")
    np.testing.assert_array_equal(array(loaded(x)), array(net(x)))
    assert not any(isinstance(layer, StochasticDepth) for layer in tiny("ResNet20").layers)


def test_a_call_that_always_trains_stays():
    inputs = keras.Input((2, 2, 1))
    model = keras.Model(inputs, StochasticDepth(0.5)(inputs, training=True))
    assert any(isinstance(layer, StochasticDepth) for layer in fold_batch_norm(model).layers)


@pytest.mark.parametrize("policy", ["float16", "mixed_bfloat16"])
def test_precision(policy):
    x = RNG.normal(size=(2, 3)).astype("float32")
    for training in (False, True):
        made = StochasticDepth(0.5, dtype=policy)(x, training=training)
        assert keras.backend.standardize_dtype(made.dtype) == policy.removeprefix("mixed_")
        assert np.isfinite(array(ops.cast(made, "float32"))).all()


@pytest.mark.parametrize("survival", [0, 1.1, "0.5", None, True])
def test_misuse(survival):
    with pytest.raises(ValueError, match=r"`survival` is .* Received: survival="):
        StochasticDepth(survival)
    if not isinstance(survival, float):
        return
    with pytest.raises(ValueError, match="`survival`"):
        tiny("ResNet20", survival=survival)


def test_without_shortcuts_no_unit_can_be_dropped():
    with pytest.raises(ValueError, match=r"`survival` is 1 without shortcuts. Received: survival=0.5"):
        tiny("ResNet20", shortcut=None, survival=0.5)
