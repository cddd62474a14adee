import functools

import keras
import numpy as np
import pytest
from keras import layers, ops

import kerasnets
from kerasnets.graph import no_values

RNG = np.random.default_rng(0)
TINY = dict(depths=(1, 1), alpha=0.25, input_shape=(16, 16, 3))


@functools.cache
def built(attention="mixed"):
    """A net of two stages, shared by the tests that leave it as it is."""
    keras.utils.set_random_seed(0)
    return kerasnets.build("Attention92C", attention=attention, classifier_activation=None, **TINY)


def images(*shape):
    return RNG.normal(size=shape or (3, 16, 16, 3)).astype("float32")


def run(model, x):
    return keras.tree.map_structure(ops.convert_to_numpy, model(x, training=False))


def inside(net, *names):
    """The maps behind some layers."""
    return keras.Model(net.input, [net.get_layer(n).output for n in names])


# Wang 2017, table 2, column "Output Size", and section 4.2: the smallest map of each mask is 7x7
@no_values()
def test_grids_of_the_paper():
    net = kerasnets.build("Attention56", alpha=0.0625)
    sides = {
        "stem_act": 112,
        "stem_pool": 56,
        "stage1_unit1_add": 56,
        "stage1_attention1_mask_pool3": 28,
        "stage1_attention1_mask_pool2": 14,
        "stage1_attention1_mask_pool1": 7,
        "stage1_attention1_mask": 56,
        "stage1_attention1_add": 56,
        "stage2_unit1_add": 28,
        "stage2_attention1_mask_pool2": 14,
        "stage2_attention1_mask_pool1": 7,
        "stage2_attention1_mask": 28,
        "stage3_unit1_add": 14,
        "stage3_attention1_mask_pool1": 7,
        "stage3_attention1_mask": 14,
        "last_unit1_add": 7,
        "last_unit3_add": 7,
    }
    assert {n: net.get_layer(n).output.shape[1] for n in sides} == sides


# Table 2: maps of the units
@no_values()
def test_maps_of_the_paper():
    net = kerasnets.build("Attention56", include_top=False)
    maps = {
        "stage1_unit1_add": 256,
        "stage2_unit1_add": 512,
        "stage3_unit1_add": 1024,
        "last_unit3_add": 2048,
    }
    assert {n: net.get_layer(n).output.shape[-1] for n in maps} == maps


# Section 4.1: 36 m + 20 layers with weights in the trunk, m modules in each stage; the names of the nets.
# With p = 2 and t = 4 (table 6, footnote) a module has 24 of them, not 12.
@pytest.mark.parametrize(
    ("name", "options", "depth"),
    [
        ("Attention56", {}, 56),
        ("Attention92C", {"depths": (1, 1, 1)}, 56),
        ("Attention452C", {"depths": (1, 1, 1)}, 92),
    ],
)
@no_values()
def test_depth_of_the_trunk(name, options, depth):
    net = kerasnets.build(name, alpha=0.0625, **options)
    weighted = [x.name for x in net.layers if isinstance(x, (layers.Conv2D, layers.Dense))]
    assert sum("_mask_" not in n and "shortcut" not in n for n in weighted) == depth


# Table 6: the rows that published.csv lacks. The paper does not say the widths: 1.9 million come out as 1.84.
@no_values()
def test_parameters_of_the_cifar_nets():
    m = [kerasnets.applications.Attention92C.spec.options["depths"]]
    m.append(kerasnets.applications.Attention236C.spec.options["depths"])
    one, two = (kerasnets.build("Attention92C", depths=(n,) * 3) for n in (1, 2))
    one, two = (sum(int(np.prod(w.shape)) for w in net.trainable_weights) for net in (one, two))
    assert m == [(2, 2, 2), (6, 6, 6)]
    assert two / 1e6 == pytest.approx(1.9, rel=0.035)
    assert (two + 4 * (two - one)) / 1e6 == pytest.approx(5.1, rel=0.01)


@pytest.mark.parametrize(("attention", "size"), [("mixed", 0.02), ("channel", 1.0), ("spatial", 1.0)])
def test_masks_add_to_what_they_weigh(attention, size):
    for stage in (1, 2):
        name = f"stage{stage}_attention1"
        maps = inside(built(attention), f"{name}_trunk2_add", f"{name}_mask", f"{name}_add")
        trunk, mask, out = (maps.astype("float64") for maps in run(maps, size * images()))
        assert trunk.shape == mask.shape == out.shape
        np.testing.assert_allclose(out, (1 + mask) * trunk, rtol=1e-4, atol=1e-5 * np.abs(trunk).max())
        if attention == "channel":
            np.testing.assert_allclose(np.square(mask).sum(-1), 1, rtol=1e-3)
        else:
            assert mask.min() > 0
            assert mask.max() < 1
            assert mask.std() > 0.001


def test_a_mask_of_zeros_leaves_the_trunk():
    net = keras.models.clone_model(built())
    name = "stage1_attention1"
    conv = net.get_layer(f"{name}_mask_out2_conv")
    conv.set_weights([np.full(conv.kernel.shape, -1e4)])
    maps = inside(net, f"{name}_mask_out2_act", f"{name}_trunk2_add", f"{name}_mask", f"{name}_add")
    read, trunk, mask, out = run(maps, images())
    closed = read.max(axis=-1) > 0.1
    assert closed.mean() > 0.5
    assert np.abs(mask[closed]).max() < 1e-6
    np.testing.assert_allclose(out[closed], trunk[closed], rtol=1e-6)
    assert np.abs(out[closed]).max() > 0.01


def test_the_trunk_does_not_read_the_mask_but_the_net_does():
    net = keras.models.clone_model(built())
    both, x = inside(net, "stage1_attention1_trunk2_add", "stage1_attention1_add"), images()
    trunk, out = run(both, x)
    conv = net.get_layer("stage1_attention1_mask_down1_unit1_1_conv")  # on the mask's smallest grid
    conv.set_weights([RNG.normal(size=conv.kernel.shape)])
    new_trunk, new_out = run(both, x)
    np.testing.assert_array_equal(new_trunk, trunk)
    assert np.abs(new_out - out).max() > 1e-4


# Section 3.2 and figure 2: r units between poolings, as many interpolations, skip connections between
@no_values()
def test_units_of_a_mask():
    net = kerasnets.build("Attention452C", depths=(1, 1, 1), alpha=0.0625)
    names = {layer.name for layer in net.layers}
    for stage, poolings in ((1, 3), (2, 2), (3, 1)):
        mask = f"stage{stage}_attention1_mask"
        assert sum(n.startswith(f"{mask}_pool") for n in names) == poolings
        assert sum(n.startswith(f"{mask}_interpolate") for n in names) == poolings
        assert sum(n.startswith(f"{mask}_down") and n.endswith("_add") for n in names) == 3 * poolings
        assert sum(n.startswith(f"{mask}_skip") and n.endswith("_add") for n in names) == poolings - 1


def test_pooling_reads_no_zeros_beyond_the_border():
    pool = built().get_layer("stage1_attention1_mask_pool2")
    for side in (5, 6):
        assert ops.convert_to_numpy(pool(-1 - RNG.random((1, side, side, 2)))).max() < -1


def test_kinds_of_attention_differ_in_no_weight_but_in_outcome():
    x, outs = images(), []
    for attention in ("mixed", "channel", "spatial"):
        net = keras.models.clone_model(built(attention))
        net.set_weights(built().get_weights())
        outs.append(run(net, x))
    a, b, c = outs
    assert min(np.abs(p - q).max() for p, q in ((a, b), (b, c), (a, c))) > 1e-3 * np.abs(a).max()


def test_three_grids_in_a_mask_with_free_and_odd_sides():
    free = kerasnets.build("Attention92C", **{**TINY, "input_shape": (None, None, 3)})
    fixed = kerasnets.build("Attention92C", **{**TINY, "input_shape": (21, 13, 3)})
    free.set_weights(fixed.get_weights())
    x = images(2, 21, 13, 3)
    np.testing.assert_allclose(run(free, x), run(fixed, x), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("attention", ["channel", "spatial"])
def test_other_masks_train(attention):
    keras.utils.set_random_seed(0)
    options = {**TINY, "depths": (1,), "classes": 3}
    net = kerasnets.build("Attention92C", attention=attention, **options)
    net.compile(keras.optimizers.SGD(1e-2), "sparse_categorical_crossentropy", run_eagerly=True)
    x, y = images(9, 16, 16, 3), np.arange(9) % 3
    losses = [net.train_on_batch(x, y) for _ in range(3)]
    assert np.isfinite(losses).all()
    assert losses[-1] < losses[0]
