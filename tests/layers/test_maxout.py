import keras
import numpy as np
import pytest
from keras import ops

from kerasnets.layers.maxout import Maxout

RNG = np.random.default_rng(0)


def run(layer, x):
    return ops.convert_to_numpy(layer(x))


@pytest.mark.parametrize("shape", [(4, 12), (2, 3, 5, 12), (2, 2, 3, 2, 12)])
@pytest.mark.parametrize("pieces", [1, 2, 3, 12])
def test_is_the_largest_of_neighboring_maps(shape, pieces):
    x = RNG.normal(size=shape).astype("float32")
    y = run(Maxout(pieces), x)
    assert y.shape == (*shape[:-1], 12 // pieces)
    for unit in range(12 // pieces):
        own = x[..., unit * pieces : (unit + 1) * pieces]
        np.testing.assert_array_equal(y[..., unit], own.max(axis=-1))


def test_gradient_reaches_the_largest_piece_alone():
    tf = pytest.importorskip("tensorflow")
    if keras.backend.backend() != "tensorflow":
        pytest.skip("taken with TensorFlow's tape")
    x, weight = (RNG.normal(size=s).astype("float32") for s in ((2, 3, 3, 10), (2, 3, 3, 2)))
    pixels = tf.Variable(x)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(Maxout(5)(pixels) * weight)
    pieces = x.reshape(2, 3, 3, 2, 5)
    largest = pieces == pieces.max(axis=-1, keepdims=True)
    expected = (largest * weight[..., np.newaxis]).reshape(x.shape)
    np.testing.assert_array_equal(tape.gradient(loss, pixels).numpy(), expected)


@pytest.mark.parametrize("shape", [(None, None, 6), (6,)])
def test_save_and_load(shape, tmp_path):
    inputs = keras.Input(shape)
    model = keras.Model(inputs, Maxout(3)(inputs))
    assert model.output_shape == (None, *shape[:-1], 2)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    x = RNG.normal(size=(2, *(4 if s is None else s for s in shape))).astype("float32")
    np.testing.assert_array_equal(run(loaded, x), run(model, x))


@pytest.mark.parametrize("value", [0, -1, 2.0, True, None])
def test_misuse(value):
    with pytest.raises(ValueError, match="`pieces` is .* Received: pieces="):
        Maxout(value)


def test_maps_that_do_not_part_into_pieces():
    with pytest.raises(ValueError, match="`pieces` is a divisor of the 7 channels. Received: pieces=2"):
        Maxout(2)(np.zeros((1, 2, 2, 7), "float32"))
