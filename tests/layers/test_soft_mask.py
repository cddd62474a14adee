import keras
import numpy as np
import pytest
from keras import ops

from kerasnets.layers import SoftMask

RNG = np.random.default_rng(0)


def maps(size=1.0):
    return RNG.normal(loc=0.5, scale=size, size=(2, 5, 4, 7)).astype("float32")


def run(layer, x):
    return ops.convert_to_numpy(layer(x))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def expected(kind, x):
    """Wang 2017, section 3.3: f1, f2 and f3, term by term."""
    x = x.astype("float64")
    out = np.empty_like(x)
    for n, i, j, c in np.ndindex(x.shape):
        if kind == "mixed":
            out[n, i, j, c] = sigmoid(x[n, i, j, c])
        elif kind == "channel":
            out[n, i, j, c] = x[n, i, j, c] / np.linalg.norm(x[n, i, j])
        else:
            out[n, i, j, c] = sigmoid((x[n, i, j, c] - x[n, ..., c].mean()) / x[n, ..., c].std())
    return out


@pytest.mark.parametrize("kind", ["mixed", "channel", "spatial"])
@pytest.mark.parametrize("size", [1.0, 20.0])
def test_equals_the_papers_equations(kind, size):
    x = maps(size)
    np.testing.assert_allclose(run(SoftMask(kind), x), expected(kind, x), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("kind", ["mixed", "channel", "spatial"])
@pytest.mark.parametrize("dtype", ["float16", "mixed_float16", "mixed_bfloat16"])
def test_half_precision_sums_squares_that_do_not_fit_it(kind, dtype):
    x = maps(size=200.0)
    layer = SoftMask(kind, dtype=dtype)
    y = layer(x)
    assert keras.backend.standardize_dtype(y.dtype) == dtype.removeprefix("mixed_")
    rounded = ops.convert_to_numpy(ops.cast(ops.cast(x, layer.compute_dtype), "float32"))
    got = ops.convert_to_numpy(ops.cast(y, "float32"))
    np.testing.assert_allclose(got, expected(kind, rounded), rtol=0.02, atol=1e-3)


@pytest.mark.parametrize("kind", ["mixed", "channel", "spatial"])
def test_maps_of_zeros_have_a_finite_mask_and_gradient(kind):
    inputs = keras.Input((3, 3, 4))
    x = keras.layers.Conv2D(4, 1, kernel_initializer="zeros", name="conv")(inputs)
    model = keras.Model(inputs, keras.layers.Flatten()(SoftMask(kind)(x)))
    model.compile(keras.optimizers.SGD(1e-3), "mse")
    loss = model.train_on_batch(np.ones((2, 3, 3, 4), "float32"), np.ones((2, 36), "float32"))
    assert np.isfinite(loss)
    assert all(np.isfinite(w).all() for w in model.get_weights())


def test_save_and_load(tmp_path):
    inputs = keras.Input((None, None, 7))
    model = keras.Model(inputs, SoftMask("spatial")(inputs))
    assert model.output_shape == (None, None, None, 7)
    model.save(tmp_path / "model.keras")
    loaded, x = keras.saving.load_model(tmp_path / "model.keras"), maps()
    np.testing.assert_array_equal(run(loaded, x), run(model, x))
    np.testing.assert_allclose(run(loaded, x), expected("spatial", x), rtol=1e-4)


@pytest.mark.parametrize("kind", ["mix", None, 1])
def test_misuse(kind):
    with pytest.raises(ValueError, match=r"`kind` is one of .* Received: kind="):
        SoftMask(kind)
