import json

import keras
import numpy as np
import pytest
from keras import ops
from scipy.signal import correlate

import kerasnets
from kerasnets.layers import PartialConv2D

CONNECTIONS = ((0, 2), (1,), (0, 1, 2), (2, 1))
RNG = np.random.default_rng(0)


def built(**options):
    inputs = keras.Input((7, 6, 3))
    model = keras.Model(inputs, PartialConv2D(CONNECTIONS, 3, **options)(inputs))
    model.set_weights([RNG.normal(size=w.shape) for w in model.weights])
    return model


def test_each_map_sums_those_that_it_reads():
    model, x = built(), RNG.normal(size=(2, 7, 6, 3)).astype("float32")
    kernel, bias = model.get_weights()
    assert kernel.shape == (3, 3, 8)
    y = ops.convert_to_numpy(model(x))
    assert y.shape == (2, *model.output_shape[1:]) == (2, 5, 4, 4)
    pair = 0
    for o, reads in enumerate(CONNECTIONS):
        expected = bias[o]
        for i in reads:
            expected = expected + correlate(x[..., i], kernel[None, :, :, pair], "valid")
            pair += 1
        np.testing.assert_allclose(y[..., o], expected, rtol=1e-4, atol=1e-5)


def test_save_and_load(tmp_path):
    model, x = built(), RNG.normal(size=(2, 7, 6, 3)).astype("float32")
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(ops.convert_to_numpy(loaded(x)), ops.convert_to_numpy(model(x)))


def test_half_precision():
    x = RNG.normal(size=(2, 7, 6, 3)).astype("float32")
    y = built(dtype="mixed_float16")(x)
    assert keras.backend.standardize_dtype(y.dtype) == "float16"


@pytest.mark.parametrize("channels", [2, None])
def test_a_map_that_is_not_there_is_refused(channels):
    with pytest.raises(ValueError, match=r"`connections` is .*Received: connections=\(\(0, 2\)"):
        PartialConv2D(CONNECTIONS, 3)(keras.Input((7, 6, channels)))


@pytest.mark.parametrize(
    "connections",
    [(), ((),), ((0,), ()), ((-1,),), ((0, 0),), ((0.0,),), ((True,),), (0, 1), ("01",), 3, None, ((None,),)],
)
def test_connections_of_no_meaning_are_refused(connections):
    with pytest.raises(ValueError, match="`connections` is a tuple of rows, .*Received: connections="):
        PartialConv2D(connections, 3)
    if connections is not None:
        with pytest.raises(ValueError, match="`connections` is .*Received: connections="):
            kerasnets.build("LeNet5", connections=connections, filters=(6, 1))


@pytest.mark.parametrize("kernel_size", [0, -1, 2.5, True, None, (3, 3)])
def test_kernel_sizes_of_no_meaning_are_refused(kernel_size):
    with pytest.raises(ValueError, match="`kernel_size` is .*Received: kernel_size="):
        PartialConv2D(CONNECTIONS, kernel_size)


def test_numbers_of_numpy_are_saved():
    layer = PartialConv2D([list(np.array(reads)) for reads in CONNECTIONS], np.int64(3))
    config = json.loads(json.dumps(layer.get_config()))
    assert PartialConv2D.from_config(config).connections == CONNECTIONS
