import keras
import numpy as np
from keras import layers, ops

from kerasnets.layers import FrozenBatchNormalization


def net(kind):
    inputs = keras.Input((3,))
    norm = kind(name="norm")
    model = keras.Model(inputs, layers.Dense(1)(norm(inputs)))
    rng = np.random.default_rng(0)
    norm.set_weights([rng.uniform(0.5, 2, 3) for _ in norm.weights])
    model.compile("sgd", "mse")
    return model, norm


def data():
    rng = np.random.default_rng(1)
    return rng.normal(5, 3, (64, 3)).astype("float32"), rng.normal(size=(64, 1)).astype("float32")


def test_training_moves_scale_and_shift_but_not_the_statistics():
    moved = {}
    for kind in (layers.BatchNormalization, FrozenBatchNormalization):
        model, norm = net(kind)
        before = norm.get_weights()
        model.fit(*data(), verbose=0)
        moved[kind] = [not np.array_equal(a, b) for a, b in zip(before, norm.get_weights(), strict=True)]
    assert moved[layers.BatchNormalization] == [True, True, True, True]
    assert moved[FrozenBatchNormalization] == [True, True, False, False]


def test_training_and_inference_agree():
    model, norm = net(FrozenBatchNormalization)
    x, _ = data()
    gamma, beta, mean, variance = norm.get_weights()
    expected = gamma * (x - mean) / np.sqrt(variance + norm.epsilon) + beta
    for training in (True, False):
        np.testing.assert_allclose(ops.convert_to_numpy(norm(x, training=training)), expected, rtol=1e-4)


def test_saved_and_loaded_it_stays_frozen(tmp_path):
    model, _ = net(FrozenBatchNormalization)
    model.save(tmp_path / "net.keras")
    loaded = keras.saving.load_model(tmp_path / "net.keras")
    before = loaded.get_layer("norm").get_weights()
    loaded.fit(*data(), verbose=0)
    after = loaded.get_layer("norm").get_weights()
    np.testing.assert_array_equal(before[2:], after[2:])
    assert not np.array_equal(before[0], after[0])
