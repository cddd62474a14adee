import keras
import numpy as np
import pytest
from keras import ops

from kerasnets.blocks.pooling import saf_pool


def unit(**options):
    inputs = keras.Input((None, None, 8))
    return keras.Model(inputs, saf_pool(inputs, name="pool", **options))


@pytest.mark.parametrize("kernel", [2, 3])
def test_some_of_the_largest_values_are_dropped(kernel):
    keras.utils.set_random_seed(0)
    x = np.random.default_rng(0).uniform(0.1, 1, (8, 13, 12, 8)).astype("float32")
    rows, columns = 13 // kernel, 12 // kernel
    windows = x[:, : rows * kernel, : columns * kernel].reshape(8, rows, kernel, columns, kernel, 8)
    largest = windows.max(axis=(2, 4))
    model = unit(dropout=0.25, kernel=kernel)
    np.testing.assert_array_equal(ops.convert_to_numpy(model(x, training=False)), largest)
    trained = ops.convert_to_numpy(model(x, training=True))
    # Were dropout in front of the pooling, the second largest would take the place of a dropped one.
    kept = trained != 0
    np.testing.assert_allclose(trained[kept], largest[kept] / 0.75, rtol=1e-6)
    assert 0.2 < 1 - kept.mean() < 0.3


def test_no_dropout_is_no_layer():
    assert [layer.name for layer in unit(dropout=0.0).layers[1:]] == ["pool"]
    assert [layer.name for layer in unit(dropout=0.1).layers[1:]] == ["pool", "pool_dropout"]
