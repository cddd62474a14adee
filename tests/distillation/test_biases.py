import keras
import numpy as np
import pytest
from keras import layers

from kerasnets.distillation import add_biases, match_frequencies

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("classes", "wrong"), [([3], [-7.0]), ([0, 4], [5.0, 3.0]), ([1, 2, 3], [9.0, -9.0, 0.5])]
)
def test_predictions_are_as_frequent_as_the_classes(classes, wrong):
    z = RNG.normal(size=(4000, 6)) * 2
    true = np.bincount(z.argmax(1), minlength=6)[classes] / len(z)
    z[:, classes] += wrong
    biases = match_frequencies(z, classes, true)
    z[:, classes] += biases
    np.testing.assert_allclose(np.bincount(z.argmax(1), minlength=6)[classes] / len(z), true, atol=1 / 4000)
    if len(classes) == 1:
        np.testing.assert_allclose(biases, np.negative(wrong), atol=0.05)


def test_never_and_always():
    z = RNG.normal(size=(50, 3))
    for share, count in ((0.0, 0), (1.0, 50)):
        shifted = z.copy()
        shifted[:, 1] += match_frequencies(z, [1], [share])[0]
        assert (shifted.argmax(1) == 1).sum() == count


def test_added_biases_shift_logits_and_share_weights(tmp_path):
    net = keras.Sequential([keras.Input((4,)), layers.Dense(3)])
    x = RNG.normal(size=(5, 4)).astype("float32")
    shifted = add_biases(net, [2, 0], [1.5, -2.0])
    np.testing.assert_allclose(
        shifted.predict(x, verbose=0) - net.predict(x, verbose=0), [[-2, 0, 1.5]] * 5, atol=1e-6
    )
    assert shifted.weights == net.weights
    shifted.save(tmp_path / "s.keras")
    loaded = keras.saving.load_model(tmp_path / "s.keras")
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), shifted.predict(x, verbose=0))


@pytest.mark.parametrize(
    ("row", "argument"),
    [
        ((np.zeros(3), [0], [0.5]), "logits"),
        ((np.zeros((4, 3)), [3], [0.5]), "classes"),
        ((np.zeros((4, 3)), [0, 1, 2], [0.1, 0.1, 0.1]), "classes"),
        ((np.zeros((4, 3)), [0, 1], [0.5]), "frequencies"),
        ((np.zeros((4, 3)), [0, 1], [0.9, 0.9]), "frequencies"),
    ],
)
def test_refused(row, argument):
    with pytest.raises(ValueError, match=f"`{argument}`"):
        match_frequencies(*row)
