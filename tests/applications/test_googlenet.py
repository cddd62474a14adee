"""GoogLeNet's table 1 column by column, and its auxiliary heads."""

import math

import keras
import numpy as np
import pytest
from keras import layers, ops

import kerasnets
from kerasnets.analysis import profile
from kerasnets.graph import no_values
from kerasnets.layers.lrn import LRN
from kerasnets.training import aux_loss_weights

# Table 1, columns "params" in K of 1,024 and "ops" in M of 1,000,000, without biases.
PRINTED = {
    "conv1": (2.7, 34),
    "conv2": (112, 360),
    "inception_3a": (159, 128),
    "inception_3b": (380, 304),
    "inception_4a": (364, 73),
    "inception_4b": (437, 88),
    "inception_4c": (463, 100),
    "inception_4d": (580, 119),
    "inception_4e": (840, 170),
    "inception_5a": (1072, 54),
    "inception_5b": (1388, 71),
    "logits": (1000, 1),
}
# What the table's own columns of maps come to where it prints something else by more than 2 %.
CORRECTED = {
    "conv1": (9.1875, 118),  # 7 * 7 * 3 * 64; printed is 7 * 7 * 3 * 8 + 24 * 64, a separable 7x7
    "inception_4c": (497.5, 100),  # the printed operations fit these weights, on 14 x 14 pixels
    "inception_5a": (1018, 51),
}
AUX_LAYERS = ("aux1", "aux2")


@pytest.fixture(scope="module")
@no_values()
def paper():
    return kerasnets.build("GoogLeNet")


@no_values()
def test_the_naive_module_of_the_lectures():
    """Das and Jin: 128 filters of 1x1, 192 of 3x3 and 96 of 5x5 on 28x28x256; 854M operations."""
    net = kerasnets.build("GoogLeNet", naive=("3b",), include_top=False)
    own = [row for row in profile(net).layers if row.name.startswith("inception_3b")]
    assert [row.type for row in own] == ["Conv2D"] * 3 + ["MaxPooling2D", "Concatenate"]
    assert own[-1].output_shape == (28, 28, 128 + 192 + 96 + 256)
    assert sum(row.mult_adds for row in own) == 28 * 28 * 256 * (128 + 192 * 9 + 96 * 25) == 854_196_224
    with pytest.raises(ValueError, match="`naive` is a tuple of names of modules with 6 numbers"):
        kerasnets.build("GoogLeNet", naive=("pool3",))


def tiny(**options):
    spec = kerasnets.applications.GoogLeNet.spec
    return kerasnets.build("GoogLeNet", **{**spec.tiny, "input_shape": (65, 65, 3)} | options)


def images(n=2):
    return np.random.default_rng(0).uniform(-1, 1, (n, 65, 65, 3)).astype("float32")


@pytest.mark.parametrize("unit", PRINTED)
def test_table_1(paper, unit):
    params, ops_ = CORRECTED.get(unit, PRINTED[unit])
    own = [layer for layer in paper.layers if layer.name.startswith(unit)]
    weights = sum(math.prod(layer.kernel.shape) for layer in own if hasattr(layer, "kernel"))
    names = {layer.name for layer in own}
    mult_adds = sum(row.mult_adds for row in profile(paper).layers if row.name in names)
    assert weights / 1024 == pytest.approx(params, rel=0.02)
    assert mult_adds / 1e6 == pytest.approx(ops_, abs=0.7)


def test_output_sizes_of_table_1(paper):
    maps = {
        "3a": 256,
        "3b": 480,
        "4a": 512,
        "4b": 512,
        "4c": 512,
        "4d": 528,
        "4e": 832,
        "5a": 832,
        "5b": 1024,
    }
    assert {name: paper.get_layer(f"inception_{name}_join").output.shape[-1] for name in maps} == maps


def test_corrections_are_needed(paper):
    for unit, (params, _) in CORRECTED.items():
        assert params != pytest.approx(PRINTED[unit][0], rel=0.02)


def test_separable_first_convolution_is_what_table_1_counts():
    stem = layers.SeparableConv2D(64, 7, 2, "same", depth_multiplier=8, use_bias=False)
    stem.build((None, 224, 224, 3))
    assert stem.count_params() / 1000 == pytest.approx(PRINTED["conv1"][0], abs=0.05)
    assert stem.count_params() * 112 * 112 / 1e6 == pytest.approx(PRINTED["conv1"][1], abs=0.5)


def test_depth_is_22(paper):
    """Section 5: "22 layers deep when counting only layers with parameters"."""
    deepest = {}
    for op in paper.operations:
        below = [deepest[node.operation.name] for node in parents(op)]
        deepest[op.name] = max(below, default=0) + bool(getattr(op, "weights", ()))
    assert deepest["predictions"] == 22


def parents(op):
    return op._inbound_nodes[0].parent_nodes


def test_normalization_follows_pool1_and_conv2(paper):
    assert [layer.name for layer in paper.layers if isinstance(layer, LRN)] == ["norm1", "norm2"]
    order = ["pool1", "norm1", "conv2_reduce", "conv2", "norm2", "pool2"]
    for before, after in zip(order, order[1:], strict=False):
        assert [n.operation.name for n in parents(paper.get_layer(after))] == [before]


@no_values()
def test_batch_norm_takes_the_place_of_biases_and_of_local_normalization(paper):
    net = kerasnets.build("GoogLeNet", batch_norm=True)
    convolutions = [layer for layer in net.layers if isinstance(layer, layers.Conv2D)]
    assert not any(layer.use_bias for layer in convolutions)
    assert not any(isinstance(layer, LRN) for layer in net.layers)
    trainable = sum(math.prod(w.shape) for w in net.trainable_weights)
    # A scale and a shift for each bias.
    assert trainable == paper.count_params() + sum(layer.filters for layer in convolutions)
    heads = tiny(batch_norm=True, aux_heads=True)
    assert not heads.get_layer("aux1_project").use_bias


def test_aux_heads_give_a_dict_of_three():
    model = tiny(aux_heads=True, classes=7)
    out = model(images())
    assert list(out) == ["predictions", "aux1", "aux2"]
    for preds in out.values():
        assert preds.shape == (2, 7)
        np.testing.assert_allclose(ops.convert_to_numpy(preds).sum(axis=1), 1, rtol=1e-5)


def test_aux_heads_give_logits_too():
    out = tiny(aux_heads=True, classifier_activation=None)(images())
    for logits in out.values():
        assert np.abs(ops.convert_to_numpy(logits).sum(axis=1) - 1).min() > 1e-4


@no_values()
def test_aux_heads_are_as_printed():
    model = tiny(aux_heads=True, input_shape=(224, 224, 3))
    for aux, module in zip(AUX_LAYERS, ("inception_4a_join", "inception_4d_join"), strict=True):
        pool = model.get_layer(f"{aux}_pool")
        assert [n.operation.name for n in parents(pool)] == [module]
        assert (pool.pool_size, pool.strides, pool.padding) == ((5, 5), (3, 3), "valid")
        assert pool.output.shape[1:3] == (4, 4)
        assert model.get_layer(f"{aux}_project").filters == 128
        assert model.get_layer(f"{aux}_fc1").units == 1024
        assert model.get_layer(f"{aux}_fc1_dropout").rate == 0.7


def test_default_has_no_aux_heads(paper):
    assert not [layer.name for layer in paper.layers if layer.name.startswith("aux")]


def step(model, loss_weights):
    """Names of the layers that a training step with these losses changes."""
    for w in model.trainable_weights:
        w.assign_add(keras.random.normal(w.shape, stddev=0.1))
    losses = dict.fromkeys(model.output, "sparse_categorical_crossentropy")
    model.compile(keras.optimizers.SGD(0.01), losses, loss_weights=loss_weights, run_eagerly=True)
    before = [ops.convert_to_numpy(w) for w in model.trainable_weights]
    labels = dict.fromkeys(model.output, np.array([0, 1, 2, 0, 1, 2]))
    assert np.isfinite(model.train_on_batch(images(6), labels)).all()
    return {
        w.path: not np.array_equal(ops.convert_to_numpy(w), b)
        for w, b in zip(model.trainable_weights, before, strict=True)
    }


@pytest.mark.parametrize("batch_norm", [False, True])
def test_gradients_reach_every_weight(batch_norm):
    keras.utils.set_random_seed(0)
    model = tiny(aux_heads=True, classes=3, batch_norm=batch_norm)
    changed = step(model, aux_loss_weights(model))
    assert [path for path, moved in changed.items() if not moved] == []


@pytest.mark.parametrize(
    ("aux", "above"), [("aux1", ("inception_4d", "logits", "aux2")), ("aux2", ("logits", "aux1"))]
)
def test_gradients_of_an_aux_head_reach_all_below_it(aux, above):
    keras.utils.set_random_seed(0)
    model = tiny(aux_heads=True, classes=3)
    changed = step(model, {name: float(name == aux) for name in model.output})
    for path, moved in changed.items():
        assert moved != path.startswith(above), path


def test_save_and_load_with_aux_heads(tmp_path):
    model = tiny(aux_heads=True)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    for name, preds in model(images()).items():
        np.testing.assert_allclose(loaded(images())[name], preds, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "argument"),
    [
        (dict(input_shape=(64, 65, 3)), "input_shape"),
        (dict(input_shape=(65, None, 3)), "input_shape"),
        (dict(input_shape=None, input_tensor=keras.Input((64, 64, 3))), "input_tensor"),
    ],
)
def test_aux_heads_need_a_known_grid_that_their_pooling_fits(options, argument):
    with pytest.raises(ValueError, match=rf"`{argument}`.*\(65, 65, 1\), all known. Received: {argument}="):
        tiny(aux_heads=True, **options)
    tiny(**options)


def test_aux_heads_need_a_top():
    with pytest.raises(ValueError, match="`aux_heads` is False without a top. Received: aux_heads=True$"):
        tiny(aux_heads=True, include_top=False)


@pytest.mark.parametrize(
    "modules",
    [
        (("3a", 64, 96, 128, 16, 32),),
        (("3a", 64, 96, 128, 16, 32, 0),),
        (("3a", 64, 96, 128, 16, 32, "max"),),
        ((),),
    ],
)
def test_rows_that_are_not_table_1s_are_refused(modules):
    with pytest.raises(ValueError, match="`modules` is a tuple of rows.*Received: modules="):
        tiny(modules=modules)


def test_aux_heads_need_their_modules():
    with pytest.raises(ValueError, match="`modules` is .*4a and 4d.*Received: modules="):
        tiny(modules=(("4a", 1, 1, 1, 1, 1, 1),), aux_heads=True)
