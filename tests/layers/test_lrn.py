import keras
import numpy as np
import pytest
from keras import ops

from kerasnets.layers.lrn import LRN

RNG = np.random.default_rng(0)
ROWS = [
    dict(n=5, k=2.0, alpha=1e-4, beta=0.75),  # the paper's
    dict(n=1, k=1.0, alpha=0.5, beta=0.5),
    dict(n=3, k=0.5, alpha=1.0, beta=1.0),
    dict(n=9, k=1.0, alpha=0.1, beta=0.75),  # wider than the maps
]


def maps(maps=7, size=1.0):
    return RNG.normal(scale=size, size=(2, 3, 4, maps)).astype("float32")


def run(layer, x):
    return ops.convert_to_numpy(layer(x))


@pytest.mark.parametrize("row", ROWS)
def test_equals_tensorflows(row):
    tf = pytest.importorskip("tensorflow")
    for x in (maps(), maps(1), maps(size=100.0)):
        expected = tf.nn.local_response_normalization(
            x, depth_radius=row["n"] // 2, bias=row["k"], alpha=row["alpha"], beta=row["beta"]
        )
        np.testing.assert_allclose(run(LRN(**row), x), expected.numpy(), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("row", ROWS)
def test_equals_the_papers_formula(row):
    x = maps().astype("float64")
    expected = np.empty_like(x)
    for i in range(x.shape[-1]):
        near = x[..., max(0, i - row["n"] // 2) : i + row["n"] // 2 + 1]
        expected[..., i] = x[..., i] / (row["k"] + row["alpha"] * (near**2).sum(-1)) ** row["beta"]
    np.testing.assert_allclose(run(LRN(**row, dtype="float64"), x), expected, rtol=1e-12)


def test_save_and_load(tmp_path):
    inputs = keras.Input((None, None, 7))
    model = keras.Model(inputs, LRN(n=3, k=1.0, alpha=0.2, beta=0.6)(inputs))
    assert model.output_shape == (None, None, None, 7)
    model.save(tmp_path / "model.keras")
    loaded, x = keras.saving.load_model(tmp_path / "model.keras"), maps()
    np.testing.assert_array_equal(run(loaded, x), run(model, x))


@pytest.mark.parametrize("dtype", ["float16", "mixed_float16", "mixed_bfloat16"])
def test_half_precision_sums_squares_that_do_not_fit_it(dtype):
    x = maps(size=1000.0)
    y = LRN(dtype=dtype)(x)
    assert keras.backend.standardize_dtype(y.dtype) == dtype.removeprefix("mixed_")
    np.testing.assert_allclose(ops.convert_to_numpy(ops.cast(y, "float32")), run(LRN(), x), rtol=0.02)


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        *(("n", v) for v in (0, 4, -1, 5.0, True, None)),
        *(("k", v) for v in (0, -1, "2", float("nan"))),
        *(("alpha", v) for v in (0, -1e-4, None, float("inf"))),
        *(("beta", v) for v in (0, -0.75, True)),
    ],
)
def test_misuse(argument, value):
    with pytest.raises(ValueError, match=rf"`{argument}` is .* Received: {argument}="):
        LRN(**{argument: value})
