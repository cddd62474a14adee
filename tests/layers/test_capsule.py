import keras
import numpy as np
import pytest
from keras import ops

from kerasnets.layers import CapsuleLength, CapsuleMask, RoutedCapsules, Squash

RNG = np.random.default_rng(0)


def run(layer, *x, **options):
    return ops.convert_to_numpy(ops.cast(layer(*x, **options), "float64"))


def squashed(s):
    """Sabour 2017, equation 1, of one vector."""
    length = np.sqrt((s**2).sum())
    return np.zeros_like(s) if length == 0 else length**2 / (1 + length**2) * s / length


def routed(u, w, iterations):
    """Procedure 1, one example at a time; w: (below, values, above, dims)."""
    below, _, above, dims = w.shape
    out = np.zeros((len(u), above, dims))
    for n, example in enumerate(u):
        votes = np.zeros((below, above, dims))
        for i in range(below):
            for j in range(above):
                votes[i, j] = example[i] @ w[i, :, j]
        b = np.zeros((below, above))
        for _ in range(iterations):
            c = np.array([np.exp(row) / np.exp(row).sum() for row in b])
            for j in range(above):
                out[n, j] = squashed(sum(c[i, j] * votes[i, j] for i in range(below)))
            for i in range(below):
                for j in range(above):
                    b[i, j] += votes[i, j] @ out[n, j]
    return out


def gradients(layer, x):
    """Gradients of the squares of what a layer gives, less one: of its input and of its weights."""
    tf = pytest.importorskip("tensorflow")
    if keras.backend.backend() != "tensorflow":
        pytest.skip("gradients are taken by TensorFlow")
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        total = tf.reduce_sum((tf.cast(layer(x), "float32") - 1) ** 2)
    return [np.asarray(g, "float64") for g in tape.gradient(total, [x, *(w.value for w in layer.weights)])]


@pytest.mark.parametrize("grid", [(), (3,), (2, 3)])
def test_squash_is_the_papers(grid):
    x = RNG.normal(size=(2, *grid, 12), scale=3)
    expected = np.apply_along_axis(squashed, -1, x.reshape(-1, 4)).reshape(x.shape)
    np.testing.assert_allclose(run(Squash(4, dtype="float64"), x), expected, rtol=1e-12)


def test_squash_of_half_precision_squares_what_does_not_fit_it():
    x = np.array([[300.0, 400.0, 0.001, 0.0]], "float16")
    out = run(Squash(2, dtype="float16"), x)
    np.testing.assert_allclose(out[0, :2], [0.6, 0.8], rtol=2e-3)
    np.testing.assert_allclose(out[0, 2], 1e-6, rtol=0.1)


@pytest.mark.parametrize("iterations", [1, 2, 3, 5])
def test_routing_is_the_papers(iterations):
    x = RNG.normal(size=(2, 7, 3), scale=2)
    layer = RoutedCapsules(4, 5, iterations, kernel_initializer="random_normal", dtype="float64")
    layer.build(x.shape)
    kernel = RNG.normal(size=(7, 3, 4, 5))
    layer.kernel.assign(kernel)
    np.testing.assert_allclose(run(layer, x), routed(x, kernel, iterations), rtol=1e-10, atol=1e-13)


def test_one_iteration_shares_evenly():
    x, kernel = RNG.normal(size=(3, 6, 2)), RNG.normal(size=(6, 2, 4, 5))
    layer = RoutedCapsules(4, 5, iterations=1, dtype="float64")
    layer.build(x.shape)
    layer.kernel.assign(kernel)
    mean = np.einsum("biv,ivcd->bcd", x, kernel) / 4
    np.testing.assert_allclose(run(layer, x), np.apply_along_axis(squashed, -1, mean), rtol=1e-10)


def test_length():
    x = RNG.normal(size=(3, 4, 5))
    x[1, 2] = 0
    np.testing.assert_allclose(run(CapsuleLength(dtype="float64"), x), np.linalg.norm(x, axis=-1), rtol=1e-12)


@pytest.mark.parametrize("size", [0.0, 1e-30, 1e-20, 1e-10])
@pytest.mark.parametrize("make", [lambda: Squash(2), lambda: RoutedCapsules(3, 4), CapsuleLength])
def test_gradients_are_finite_at_zero_vectors(make, size):
    x = np.full((2, 3, 4), size, "float32")
    x[0, 0] = 1
    layer = make()
    layer(x)
    for gradient in gradients(layer, x):
        assert np.isfinite(gradient).all()
        assert gradient.any()


def test_mask():
    x = RNG.normal(size=(3, 4, 2)).astype("float32")
    x[0, 3], x[1, 0], x[2, 2] = 9, -9, 9
    labels = np.array([1, 2, 2])

    def left(chosen):
        kept = np.zeros_like(x)
        for n, c in enumerate(chosen):
            kept[n, c] = x[n, c]
        return kept.reshape(3, 8)

    np.testing.assert_array_equal(run(CapsuleMask(), x), left([3, 0, 2]))
    np.testing.assert_array_equal(run(CapsuleMask(), x, training=True), left([3, 0, 2]))
    np.testing.assert_array_equal(run(CapsuleMask(), x, labels, training=True), left(labels))
    np.testing.assert_array_equal(run(CapsuleMask(), x, labels, training=False), left([3, 0, 2]))


@pytest.mark.parametrize("dtype", ["float16", "mixed_float16", "mixed_bfloat16"])
def test_half_precision(dtype):
    x, kernel = RNG.normal(size=(2, 500, 8)), RNG.normal(size=(500, 8, 4, 5)) / 10
    layer = RoutedCapsules(4, 5, dtype=dtype)
    layer.build(x.shape)
    layer.kernel.assign(kernel)
    out = layer(x)
    assert keras.backend.standardize_dtype(out.dtype) == dtype.removeprefix("mixed_")
    np.testing.assert_allclose(
        ops.convert_to_numpy(ops.cast(out, "float32")), routed(x, kernel, 3), atol=0.03
    )


def test_save_and_load(tmp_path):
    inputs = keras.Input((6, 4))
    x = RoutedCapsules(3, 5, 2, kernel_initializer="he_normal")(Squash(2)(inputs))
    model = keras.Model(inputs, [CapsuleLength()(x), CapsuleMask()(x)])
    assert model.output_shape == [(None, 3), (None, 15)]
    model.save(tmp_path / "model.keras")
    loaded, x = keras.saving.load_model(tmp_path / "model.keras"), RNG.normal(size=(2, 6, 4))
    for a, b in zip(loaded(x), model(x), strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(a), ops.convert_to_numpy(b))
    assert loaded.layers[2].iterations == 2


@pytest.mark.parametrize(
    ("make", "word"),
    [
        *((lambda v=v: Squash(v), "dims") for v in (0, 2.0, True, None)),
        *((lambda v=v: RoutedCapsules(v, 4), "capsules") for v in (0, -1, "3")),
        *((lambda v=v: RoutedCapsules(3, v), "dims") for v in (0, 1.5)),
        *((lambda v=v: RoutedCapsules(3, 4, v), "iterations") for v in (0, True, None)),
        (lambda: Squash(5)(np.zeros((1, 12))), "dims"),
    ],
)
def test_misuse(make, word):
    with pytest.raises(ValueError, match=rf"`{word}` is .* Received: {word}="):
        make()


@pytest.mark.parametrize("shape", [(None, None, 4), (None, 4)])
def test_capsules_of_unknown_number_are_refused(shape):
    with pytest.raises(ValueError, match="both known. Received"):
        RoutedCapsules(3, 4)(keras.Input(shape[1:]))
