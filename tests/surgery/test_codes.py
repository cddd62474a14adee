import keras
import numpy as np
import pytest

from kerasnets import surgery
from kerasnets.layers import Rounded
from nets import array


@pytest.fixture(scope="module")
def planted():
    """Vectors around six centers, and the center of each."""
    rng = np.random.default_rng(0)
    labels = np.arange(240) % 6
    return rng.normal(0, 3, (6, 20))[labels] + rng.normal(0, 1, (240, 20)), labels


def test_codes_keep_the_neighbors_of_planted_clusters(planted, tmp_path):
    vectors, labels = planted
    encoder = surgery.binary_encoder(vectors[:180], bits=12, hidden=32, epochs=12, batch_size=45)
    codes = encoder.predict(vectors, verbose=0)
    assert set(np.unique(codes)) == {0, 1}
    indices, far = surgery.nearest(codes[180:], codes[:180], 6, "hamming")
    assert (labels[:180][indices] == labels[180:, None]).mean() > 0.9
    differ = (codes[180:, None] != codes[None, :180]).sum(-1)
    np.testing.assert_array_equal(indices, np.argsort(differ, axis=1, kind="stable")[:, :6])
    np.testing.assert_array_equal(far, np.take_along_axis(differ, indices, 1))
    encoder.save(tmp_path / "codes.keras")
    again = keras.saving.load_model(tmp_path / "codes.keras")
    np.testing.assert_array_equal(again.predict(vectors, verbose=0), codes)


def test_gradients_pass_rounding():
    inputs = keras.Input((3,))
    net = keras.Model(inputs, Rounded()(keras.layers.Dense(3, use_bias=False)(inputs)))
    net.layers[1].set_weights([np.diag([0.2, 0.7, 0.9])])
    x = np.ones((1, 3), "float32")
    np.testing.assert_allclose(array(net(x)), [[0, 1, 1]], atol=1e-6)
    net.compile(keras.optimizers.SGD(1.0), "mse")
    net.train_on_batch(x, np.zeros((1, 3), "float32"))
    # Of the mean of three squares the gradient is 2 / 3 of a bit, for each of the three inputs.
    np.testing.assert_allclose(
        net.layers[1].get_weights()[0], np.diag([0.2, 0.7, 0.9]) - [[0, 2 / 3, 2 / 3]], atol=1e-5
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"vectors": np.ones(4)}, "`vectors` is an array"),
        ({"vectors": np.full((4, 2), np.nan)}, "`vectors` is an array"),
        ({"bits": 0}, "`bits` is a whole number"),
        ({"seed": -1}, "`seed` is a whole number"),
    ],
)
def test_misuse(change, message):
    with pytest.raises(ValueError, match=message):
        surgery.binary_encoder(**{"vectors": np.ones((4, 2)), **change})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"metric": "cosine"}, "`metric` is 'euclidean' or 'hamming'"),
        ({"queries": np.ones((2, 3))}, "`queries` is an array"),
        ({"queries": np.full((2, 2), 0.5)}, "`queries` is vectors of 0 and 1"),
        ({"count": 5}, "`count` is a whole number from 1 to 4"),
    ],
)
def test_misuse_of_the_search(change, message):
    given = {"queries": np.ones((2, 2)), "vectors": np.ones((4, 2)), "count": 1, "metric": "hamming"}
    with pytest.raises(ValueError, match=message):
        surgery.nearest(**{**given, **change})
