import keras
import numpy as np
import pytest
from keras import layers

from kerasnets import data, training

RNG = np.random.default_rng(0)
ARRAYS = (RNG.random((40, 6)).astype("float32"), RNG.integers(0, 3, 40))
STEPS, EPOCHS = 5, 6


class KilledError(Exception):
    """Stands for what ends a run."""


class Kill(keras.callbacks.Callback):
    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch:
            raise KilledError


def net():
    keras.utils.set_random_seed(3)
    dropout = layers.Dropout(0.5)
    model = keras.Sequential([keras.Input((6,)), layers.Dense(8, "relu"), dropout, layers.Dense(3)])
    rate = keras.optimizers.schedules.CosineDecay(1e-2, STEPS * EPOCHS)
    model.compile(keras.optimizers.Adam(rate), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def fit(path, kill=None):
    model = net()
    checkpoint = training.Checkpoint(path, every=0)
    first = checkpoint.restore(model, STEPS)
    batches = data.batches(ARRAYS, 8, seed=1, first_epoch=first, epochs=EPOCHS)
    callbacks = [checkpoint, Kill(kill)]
    options = {"initial_epoch": first, "epochs": EPOCHS, "steps_per_epoch": STEPS, "verbose": 0}
    model.fit(batches, shuffle=False, callbacks=callbacks, **options)
    return first, model


@pytest.mark.parametrize("epoch", [0, 2, 5])
def test_a_killed_run_ends_with_the_weights_it_would_have_had(tmp_path, epoch):
    _, straight = fit(tmp_path / "straight.weights.h5")
    path = tmp_path / "killed.weights.h5"
    with pytest.raises(KilledError):
        fit(path, kill=epoch)
    first, resumed = fit(path)
    assert first == epoch
    for a, b in zip(straight.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_a_half_written_file_is_never_read(tmp_path, monkeypatch):
    path = tmp_path / "run.weights.h5"
    with pytest.raises(KilledError):
        fit(path, kill=2)

    def die(model, filepath, **_):
        filepath.write_bytes(b"half")
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(keras.Model, "save_weights", die)
        with pytest.raises(KilledError):
            fit(path)
    first, _ = fit(path)
    assert first == 2
