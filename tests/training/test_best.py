import json

import keras
import numpy as np
import pytest

from kerasnets import training

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("mode", "scores", "best"),
    [
        ("max", (0.5, 0.7, 0.6, 0.7), 3),
        ("max", (0.5, NAN, 0.7, 0.6), 2),
        ("max", (0.7, NAN, 0.6), 0),
        ("max", (NAN, 0.5, 0.4), 1),
        ("max", (INF, 0.5, -INF), 1),
        ("min", (0.5, 0.7, 0.4, 0.4), 3),
        ("min", (NAN, 0.7, NAN, -INF), 1),
        ("max", (NAN, INF), None),
    ],
)
def test_the_best_score_is_kept(tmp_path, mode, scores, best):
    """Also where the run is stopped and resumed after each epoch."""
    net = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    net.compile("sgd", "mse")
    for resumed in (False, True):
        path = tmp_path / f"{resumed}.weights.h5"
        callback = training.Best(net, path, "score", mode=mode)
        for epoch, score in enumerate(scores):
            if resumed:
                state = json.loads(json.dumps(callback.state()))
                callback = training.Best(net, path, "score", mode=mode)
                callback.set_state(state)
            callback.set_model(net)
            net.set_weights([np.array([[epoch]])])
            callback.on_epoch_end(epoch, {"score": score})
        assert path.exists() == (best is not None)
        if best is not None:
            net.load_weights(path)
            assert net.get_weights()[0].item() == best
            assert callback.state() == scores[best]


def test_a_state_with_nan_that_an_earlier_version_saved(tmp_path):
    net = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    best = training.Best(net, tmp_path / "best.weights.h5")
    best.set_state(NAN)
    assert best.state() is None


def test_a_wrong_mode_is_refused(tmp_path):
    with pytest.raises(ValueError, match="`mode` is 'max' or 'min'"):
        training.Best(None, tmp_path / "best.weights.h5", mode="auto")


def test_the_average_of_the_weights_is_kept_and_the_weights_stay(tmp_path):
    path = tmp_path / "best.weights.h5"
    net = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    model = keras.Model(net.inputs, net.outputs)
    model.compile(keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5), "mse")
    swap = keras.callbacks.SwapEMAWeights()
    best = training.Best(net, path, "val_loss", swap)
    seen = []
    note = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: seen.append(net.get_weights()[0].item())
    )
    x, y = np.ones((4, 1)), np.full((4, 1), 3.0)
    model.fit(x, y, batch_size=2, verbose=0, callbacks=[note, swap, best], validation_data=(x, y))
    net.load_weights(path)
    np.testing.assert_allclose(net.get_weights()[0].item(), (seen[0] + seen[1]) / 2, rtol=1e-5)
