"""The competitive squeeze-and-excitation unit, form by form, against numpy in the release's layout."""

import keras
import numpy as np
import pytest
from keras import ops

import kerasnets
from kerasnets.applications.cmpe_senet import compete
from kerasnets.graph import no_values

FORMS = ("double_fc", "pair_view", "inner_imaging")


@pytest.fixture(autouse=True)
def clean():
    yield
    keras.backend.clear_session()


# Parameters that each unit of C maps adds with r = 16: the two layers that excite, and what comes before.
ADDED = {
    # C to C/r from each side, then 2C/r to C
    "double_fc": lambda c, k: 2 * c * c // 16 + 2 * c // 16 * c,
    # C/r kernels of 1x1 with scale and shift, then 2C to C/r, C/r to C
    "pair_view": lambda c, k: c // 16 * (1 + 2) + 2 * c * c // 16 + c // 16 * c,
    # C/r kernels of 3x3 with scale and shift, then (2k - 2)(C/k - 2) to C/r, C/r to C
    "inner_imaging": lambda c, k: c // 16 * (9 + 2) + (2 * k - 2) * (c // k - 2) * c // 16 + c // 16 * c,
}


@pytest.mark.parametrize("form", FORMS)
@no_values()
def test_parameters_added_to_the_wide_residual_net(form):
    """36,479,194 is WRN-28-10 in tests/published.csv; 4 units of each of 160, 320 and 640 maps."""
    net = kerasnets.build("CMPESEWRN28_10", form=form)
    params = sum(int(np.prod(w.shape)) for w in net.trainable_weights)
    assert params == 36_479_194 + 4 * sum(ADDED[form](c, 10) for c in (160, 320, 640))


@no_values()
def test_inner_imaging_is_the_default():
    default = kerasnets.build("CMPESEWRN28_10", depth=10, width=2)
    assert default.get_layer("stage1_unit1_se_conv").kernel_size == (3, 3)
    assert default.get_layer("stage1_unit1_se_image").output.shape == (None, 4, 16, 1)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def weights_in_numpy(form, r, i, w, k):
    """Weights of the maps from the means r of the residual and i of the identity, (batch, C).

    The release stacks the two as (batch, 1, C, 2), folds them by a reshape and a transposition to
    (batch, 1, 2k, C / k), and keeps channels first.
    """
    if form == "double_fc":
        reduced = [
            np.maximum(r @ w["residual_reduce"][0, 0], 0),
            np.maximum(i @ w["identity_reduce"][0, 0], 0),
        ]
        return sigmoid(np.concatenate(reduced, 1) @ w["excite"][0, 0])
    n, c = r.shape
    image = np.stack([r, i], axis=-1)[:, None]
    kernel = w["conv"][..., 0, :]
    if form == "inner_imaging":
        image = image.reshape(n, k, c // k, 2).transpose(0, 1, 3, 2).reshape(n, 1, 2 * k, c // k)
    side = kernel.shape[0]
    height, width = image.shape[2] - side + 1, image.shape[3] - side + 1
    views = np.zeros((n, kernel.shape[-1], height, width))
    for a in range(side):
        for b in range(side):
            views += kernel[a, b][None, :, None, None] * image[:, :, a : a + height, b : b + width]
    gamma, beta, mean, variance = (v[None, :, None, None] for v in w["bn"])
    views = gamma * (views - mean) / np.sqrt(variance + 1.001e-5) + beta
    signals = views.mean(1).reshape(n, -1)
    return sigmoid(np.maximum(signals @ w["reduce"][0, 0], 0) @ w["excite"][0, 0])


@pytest.mark.parametrize("form", FORMS)
def test_weights_are_those_of_the_release(form):
    maps, k, rng = 24, 3, np.random.default_rng(0)
    sides = [keras.Input((5, 4, maps)), keras.Input((5, 4, maps))]
    model = keras.Model(sides, compete(*sides, form, k, 4, name="se"))
    for v in model.weights:
        v.assign(rng.uniform(0.5, 1.5, v.shape) if "variance" in v.name else rng.normal(size=v.shape))
    w = {
        layer.name[3:]: [np.float64(v) for v in layer.get_weights()]
        for layer in model.layers
        if layer.weights
    }
    w = {name: v if name == "bn" else v[0] for name, v in w.items()}
    new, old = rng.normal(size=(2, 3, 5, 4, maps)).astype("float32")
    gate = weights_in_numpy(form, np.float64(new).mean((1, 2)), np.float64(old).mean((1, 2)), w, k)
    assert gate.std() > 0.05
    expected = new * gate[:, None, None]
    np.testing.assert_allclose(ops.convert_to_numpy(model([new, old])), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("form", FORMS)
def test_unit_adds_the_weighed_residual_to_the_identity(form):
    """Zero weights before the sigmoid halve the residual and leave the identity whole."""
    model = kerasnets.build("CMPESEWRN28_10", depth=10, width=2, form=form, reduction=4, include_top=False)
    for layer in model.layers:
        if layer.name.endswith("se_excite"):
            layer.set_weights([np.zeros_like(v) for v in layer.get_weights()])
    ends = ("stage1_unit1_2_conv", "stage1_unit1_shortcut_conv", "stage1_unit1_add")
    probe = keras.Model(model.input, [model.get_layer(name).output for name in ends])
    x = np.random.default_rng(0).normal(size=(2, 32, 32, 3)).astype("float32")
    new, old, out = map(ops.convert_to_numpy, probe(x, training=False))
    np.testing.assert_allclose(out, old + new / 2, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("form", ["double_fc", "pair_view"])
def test_forms_that_are_not_the_default_keep_the_contract(form, tmp_path):
    keras.utils.set_random_seed(0)
    options = dict(depth=10, width=2, form=form, reduction=4, classes=3, dropout=0.1)
    model = kerasnets.build("CMPESEWRN28_10", input_shape=(None, None, 3), **options)
    model.compile(keras.optimizers.SGD(0.05), "sparse_categorical_crossentropy", run_eagerly=True)
    before = [ops.convert_to_numpy(w) for w in model.trainable_weights]
    x = np.random.default_rng(0).normal(size=(6, 9, 8, 3)).astype("float32")
    y = np.array([0, 1, 2, 0, 1, 2])
    first = model.train_on_batch(x, y)
    after = [ops.convert_to_numpy(w) for w in model.trainable_weights]
    still = [
        w.path for w, a, b in zip(model.trainable_weights, before, after, strict=True) if np.array_equal(a, b)
    ]
    assert not still
    assert np.isfinite(first)
    model.save(tmp_path / "net.keras")
    again = keras.saving.load_model(tmp_path / "net.keras")
    np.testing.assert_allclose(again(x, training=False), model(x, training=False), rtol=0, atol=1e-6)
