import keras
import numpy as np

from kerasnets import training


def test_the_highest_score_is_kept(tmp_path):
    path = tmp_path / "best.weights.h5"
    net = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    net.compile("sgd", "mse")
    best = training.Best(net, path, "score")
    best.set_model(net)
    for value, score in ((1.0, 0.5), (2.0, 0.7), (3.0, 0.6), (4.0, 0.7)):
        net.set_weights([np.array([[value]])])
        best.on_epoch_end(0, {"score": score})
    net.load_weights(path)
    assert net.get_weights()[0].item() == 2.0
    assert best.state() == 0.7


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
