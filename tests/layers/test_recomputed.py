"""The unit that computes again what it does not keep, against the four Keras layers that it stands for."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from kerasnets.layers import BatchMoments, RecomputedConv2D

MAPS = (3, 1, 2)


def images(n=5):
    rng = np.random.default_rng(0)
    return [rng.normal(1.0, 2.0, (n, 6, 4, count)).astype("float32") for count in MAPS]


def recomputed(**options):
    inputs = [keras.Input((None, None, count)) for count in MAPS]
    moments = [BatchMoments(name=f"moments{i}")(x) for i, x in enumerate(inputs)]
    outputs = RecomputedConv2D(4, 3, activation="elu", epsilon=0.1, name="unit", **options)(inputs, moments)
    return keras.Model(inputs, outputs)


def plain():
    inputs = [keras.Input((None, None, count)) for count in MAPS]
    x = layers.BatchNormalization(epsilon=0.1)(layers.Concatenate()(inputs))
    outputs = layers.Conv2D(4, 3, padding="same", use_bias=False)(layers.Activation("elu")(x))
    return keras.Model(inputs, outputs)


def twins():
    """The unit and the four layers, with equal random weights."""
    models = plain(), recomputed()
    rng = np.random.default_rng(1)
    values = [rng.uniform(0.5, 1.5, w.shape) for w in models[0].weights]
    for model in models:
        model.set_weights(values)
    return models


def numpy(x):
    return ops.convert_to_numpy(ops.cast(x, "float32"))


@pytest.mark.parametrize("training", [False, True])
def test_gives_what_the_four_layers_give(training):
    first, second = twins()
    x = images()
    np.testing.assert_allclose(
        numpy(second(x, training=training)), numpy(first(x, training=training)), rtol=1e-5, atol=1e-5
    )
    for a, b in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-6)


@pytest.mark.parametrize("eager", [True, False])
@pytest.mark.parametrize("frozen", [False, True])
def test_learns_what_the_four_layers_learn(eager, frozen):
    first, second = twins()
    before, x, y = first.get_weights(), images(), np.random.default_rng(2).normal(size=(5, 6, 4, 4))
    if frozen:
        first.layers[4].trainable = second.get_layer("unit").norm.trainable = False
    for model in (first, second):
        model.compile(keras.optimizers.SGD(0.01), "mse", run_eagerly=eager)
        model.fit(x, y, verbose=0)
    changed = [not np.array_equal(a, b) for a, b in zip(before, second.get_weights(), strict=True)]
    assert changed == [not frozen] * 4 + [True]
    for a, b in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-5, atol=1e-5)


def test_computes_again_in_training_alone(monkeypatch):
    calls, run = [], RecomputedConv2D.run

    def counted(self, *args):
        calls.append(self.name)
        return run(self, *args)

    monkeypatch.setattr(RecomputedConv2D, "run", counted)
    model = recomputed()
    model(images(), training=False)
    assert len(calls) == 1
    model.compile("sgd", "mse", run_eagerly=True)
    for _ in range(2):
        calls.clear()
        model.train_on_batch(images(), np.zeros((5, 6, 4, 4)))
    # JAX traces it once, and computes it again elsewhere.
    assert len(calls) == (1 if keras.backend.backend() == "jax" else 2)


@pytest.mark.parametrize("policy", ["float16", "mixed_float16", "mixed_bfloat16"])
def test_half_precision_measures_in_full(policy):
    far = [x + 1000 for x in images()]  # whose squares do not fit float16
    moments = BatchMoments(dtype=policy)(far[0], training=True)
    assert keras.backend.standardize_dtype(moments.dtype) == "float32"
    moments = [BatchMoments(dtype=policy)(ops.cast(x, "float16"), training=True) for x in far]
    y = RecomputedConv2D(4, 1, dtype=policy)([ops.cast(x, "float16") for x in far], moments, training=True)
    assert keras.backend.standardize_dtype(y.dtype) == policy.removeprefix("mixed_")
    assert np.isfinite(numpy(y)).all()
    assert numpy(y).std() > 0.1


def test_save_and_load(tmp_path):
    model, x = twins()[1], images()
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.get_layer("unit").get_config() == model.get_layer("unit").get_config()
    np.testing.assert_array_equal(numpy(loaded(x)), numpy(model(x)))
