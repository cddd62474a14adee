import keras
import numpy as np
import pytest
from keras import layers, ops
from scipy.ndimage import zoom

from kerasnets.layers import UpSampleLike

RNG = np.random.default_rng(0)
SIZES = [(8, 12), (7, 12), (8, 9), (5, 11)]  # those of `like`, before it was halved, or halved twice


def built(shape, factor, interpolation, free):
    """`like`, pooled to a grid `factor` times as coarse, rounded up, and brought back to its own."""
    like = keras.Input((None, None, 3) if free else (*shape, 3))
    coarse = layers.AveragePooling2D(factor, padding="same", name="coarse")(like)
    out = UpSampleLike(factor, interpolation)([coarse, like])
    return keras.Model(like, [coarse, out])


@pytest.mark.parametrize("free", [False, True])
@pytest.mark.parametrize("factor", [2, 4])
@pytest.mark.parametrize("shape", SIZES)
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
def test_each_pixel_stays_where_it_was(shape, factor, interpolation, free):
    model = built(shape, factor, interpolation, free)
    x = RNG.normal(size=(2, *shape, 3)).astype("float32")
    coarse, out = map(ops.convert_to_numpy, model(x))
    assert out.shape == x.shape
    assert model.output_shape[1] == ((None, None, None, 3) if free else (None, *shape, 3))
    order = {"nearest": 0, "bilinear": 1}[interpolation]
    # Pixels are areas, not points, and the border's go on outside.
    fine = zoom(coarse, (1, factor, factor, 1), order=order, mode="nearest", grid_mode=True)
    np.testing.assert_allclose(out, fine[:, : shape[0], : shape[1]], rtol=1e-5, atol=1e-6)


def test_save_and_load(tmp_path):
    model = built(None, 4, "bilinear", free=True)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    x = RNG.normal(size=(2, 5, 7, 3)).astype("float32")
    for a, b in zip(loaded(x), model(x), strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(a), ops.convert_to_numpy(b))


def test_compiled_with_free_sides():
    model = built(None, 2, "nearest", free=True)
    for shape in ((5, 7), (4, 9)):
        x = RNG.normal(size=(2, *shape, 3)).astype("float32")
        np.testing.assert_allclose(
            model.predict(x, verbose=0)[1], ops.convert_to_numpy(model(x)[1]), rtol=1e-6
        )
