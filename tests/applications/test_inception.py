"""What the nets of the Inception papers from v3 on have beyond the contract."""

import math

import keras
import numpy as np
import pytest
from keras import ops

import kerasnets
from kerasnets.applications import inception_v3
from kerasnets.graph import no_values


@pytest.mark.parametrize("size", [75, 107])
def test_auxiliary_head_of_v3(size):
    keras.utils.set_random_seed(0)
    model = kerasnets.build(
        "InceptionV3",
        aux_heads=True,
        input_shape=(size, size, 3),
        classes=3,
        dropout=0.0,
        **inception_v3.TINY,
    )
    for w in model.trainable_weights:
        # Fresh scales of maps that are normalized again have no gradient: their shifts are zero.
        w.assign_add(keras.random.normal(w.shape, stddev=0.1))
    x = np.random.default_rng(0).uniform(-1, 1, (6, size, size, 3)).astype("float32")
    outs = model(x, training=False)
    assert set(outs) == {"predictions", "aux1"}
    for out in outs.values():
        assert out.shape == (6, 3)
        np.testing.assert_allclose(ops.convert_to_numpy(out).sum(axis=1), 1, rtol=1e-5)
    before = [ops.convert_to_numpy(w) for w in model.trainable_weights]
    model.compile(keras.optimizers.SGD(0.01), "sparse_categorical_crossentropy", run_eagerly=True)
    y = np.array([0, 1, 2, 0, 1, 2])
    model.train_on_batch(x, {"predictions": y, "aux1": y})
    for w, old in zip(model.trainable_weights, before, strict=True):
        assert not np.array_equal(ops.convert_to_numpy(w), old), w.path


@no_values()
def test_auxiliary_head_of_v3_at_299():
    """Szegedy 2016, figure 8; the release's grids of 5 and 1."""
    model = kerasnets.build("InceptionV3", aux_heads=True, alpha=0.04)
    sides = {"inception_b4_join": 17, "aux1_pool": 5, "aux1_1_act": 5, "aux1_2_act": 1}
    for layer, side in sides.items():
        assert model.get_layer(layer).output.shape[1:3] == (side, side), layer


@pytest.mark.parametrize("name", ["InceptionResNetV1", "InceptionResNetV2"])
@no_values()
def test_scales_of_the_residuals(name):
    net = kerasnets.build(name, depths=(2, 2, 2), alpha=0.04, input_shape=(75, 75, 3))
    scales = {layer.name: layer.scale for layer in net.layers if layer.name.endswith("_scale")}
    assert scales == {
        "inception_a1_scale": 0.17,
        "inception_a2_scale": 0.17,
        "inception_b1_scale": 0.10,
        "inception_b2_scale": 0.10,
        "inception_c1_scale": 0.20,
    }
    names = [layer.name for layer in net.layers]
    assert "inception_c1_act" in names
    assert "inception_c2_act" not in names


@no_values()
def test_the_stem_of_figure_3():
    """Szegedy 2017, figures 3, 15 and 16: 384 channels of 35x35 pixels, 64 more than the release has."""
    options = dict(depths=(1, 1, 1), include_top=False)
    paper, release = (kerasnets.build("InceptionResNetV2", stem_form=f, **options) for f in ("v4", "v3"))
    joined = {layer.name: layer.output.shape[1:] for layer in paper.layers if layer.name.endswith("_join")}
    assert joined["stem_6_join"] == (35, 35, 384)
    assert (joined["reduction_a_join"], joined["reduction_b_join"]) == ((17, 17, 1152), (8, 8, 2144))
    # Weights, and the scale and shift of each filter.
    fine = 9 * (3 * 32 + 32 * 32 + 32 * 64)
    stem = fine + 9 * 64 * 96 + 2 * 160 * 64 + 14 * 64 * 64 + 2 * 9 * 64 * 96 + 9 * 192 * 192
    stem += 2 * (32 + 32 + 64 + 96 + 4 * 64 + 2 * 96 + 192)
    released = fine + 64 * 80 + 9 * 80 * 192 + 192 * (96 + 48 + 64 + 64) + 25 * 48 * 64 + 9 * 96 * (64 + 96)
    released += 2 * (32 + 32 + 64 + 80 + 192 + 96 + 48 + 64 + 64 + 96 + 96 + 64)
    # What 64 more channels cost: the convolutions that read them, and those with biases that give them.
    more = 64 * (3 * 32 + 128 + 1) + 64 * (9 * 384 + 256) + 64 * (192 + 128 + 384 + 1)
    more += 64 * 3 * 256 + 64 * (2 * 192 + 448 + 1) + 64 * 1536
    counts = [sum(math.prod(w.shape) for w in net.trainable_weights) for net in (paper, release)]
    assert counts[0] - counts[1] == stem - released + more


@no_values()
def test_modules_beyond_the_papers_repeat_the_last():
    net = kerasnets.build("InceptionV3", depths=(4, 5, 3), input_shape=(75, 75, 3), include_top=False)
    maps = {
        n: net.get_layer(f"{n}_conv").filters for n in ("inception_a1_branch4_2", "inception_a4_branch4_2")
    }
    assert maps == {"inception_a1_branch4_2": 32, "inception_a4_branch4_2": 64}
    assert net.get_layer("inception_b1_branch2_1_conv").filters == 128
    assert net.get_layer("inception_b5_branch2_1_conv").filters == 192
