"""Fractal blocks, drop-path through whole nets, and columns taken out of them."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import kerasnets
from kerasnets.applications.fractalnet import FractalNet, column
from kerasnets.graph import no_values
from kerasnets.layers.drop_path import DropPathJoin

RNG = np.random.default_rng(0)
X = RNG.normal(size=(4, 8, 8, 3)).astype("float32")


def small(columns=3, **options):
    options = {"filters": (4, 6), "dropout": 0.0, "classifier_activation": None, **options}
    net = FractalNet(columns=columns, input_shape=(8, 8, 3), **options)
    # The statistics of batch normalization differ from layer to layer, as after training.
    net.set_weights([RNG.uniform(0.5, 1.5, w.shape) * np.where(w == 0, 1, w) for w in net.get_weights()])
    return net


def run(model, training=False):
    return ops.convert_to_numpy(model(X, training=training))


def convolutions(model):
    return [layer for layer in model.layers if isinstance(layer, layers.Conv2D)]


# Larsson 2017, table 3: columns, depth and parameters of nets of (16, 32, 64, 128, 128) maps, 100 classes.
ULTRA_DEEP = [(1, 5, "0.3M"), (2, 10, "0.8M"), (3, 20, "2.1M"), (5, 80, "10.2M")]


@pytest.mark.parametrize(("columns", "depth", "params"), ULTRA_DEEP)
@no_values()
def test_counts_of_table_3(columns, depth, params):
    net = kerasnets.build("FractalNet80", columns=columns)
    assert f"{sum(np.prod(w.shape) for w in net.trainable_weights) / 1e6:.1f}M" == params
    assert len(convolutions(net)) == 5 * (2**columns - 1)
    if columns > 1:
        assert len(convolutions(column(net, columns - 1))) == depth
    keras.backend.clear_session()


@no_values()
def test_release_counts():
    # The same net as in gustavla/fractalnet: 3 convolutions of a block read its input, 4 its own maps.
    net = FractalNet(filters=(64, 128, 256, 512, 512), columns=3)
    maps = [3, 64, 128, 256, 512, 512]
    kernels = sum(9 * (3 * a * b + 4 * b * b) for a, b in zip(maps, maps[1:], strict=False))
    norms = 2 * 7 * sum(maps[1:])
    assert sum(np.prod(w.shape) for w in net.trainable_weights) == kernels + norms + 5130
    rates = {layer.name[:6]: layer.rate for layer in net.layers if isinstance(layer, layers.Dropout)}
    # DROPOUTS of the release, of which the first is none
    assert rates == pytest.approx({"block2": 0.1, "block3": 0.2, "block4": 0.3, "block5": 0.4})
    keras.backend.clear_session()


def test_fractalnet40():
    with no_values():
        net = kerasnets.build("FractalNet40")
    maps = {layer.name: layer.output.shape[-1] for layer in net.layers if layer.name.endswith("_act")}
    # Larsson 2017, footnote to table 1: "(128, 64, 32, 16) channels across columns initially, doubling each
    # block except the last"
    for b, times in enumerate((1, 2, 4, 8, 8), start=1):
        for c, n in enumerate((128, 64, 32, 16)):
            found = [m for name, m in maps.items() if name.startswith(f"block{b}_column{c}_")]
            assert found == [n * times] * 2**c
    kernels = {layer.kernel_size for layer in convolutions(net)}
    assert kernels == {(1, 1), (3, 3)}


def test_inference_is_a_mean_of_columns():
    net = small()
    for layer in net.layers:
        if isinstance(layer, DropPathJoin):
            ends = layer.input[0] if isinstance(layer.input[0], list) else layer.input[:-1]
            *reads, made = keras.Model(net.inputs[0], [*ends, layer.output])(X, training=False)
            mean = np.mean([ops.convert_to_numpy(r).astype("float64") for r in reads], axis=0)
            np.testing.assert_allclose(ops.convert_to_numpy(made), mean, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(run(net), run(net))


@pytest.mark.parametrize(
    "options",
    [{}, {"taper": 0.5, "mixed": True, "widen": "project", "drop_path": 0.9}],
    ids=["plain", "all options"],
)
def test_global_drop_path_leaves_one_column_of_the_whole_net(options):
    keras.utils.set_random_seed(0)
    net = small(global_drop_path=1.0, **options)
    alone = [run(column(net, k), training=True) for k in range(3)]
    assert min(np.abs(a - b).max() for a, b in [alone[:2], alone[1:], alone[::2]]) > 1e-2
    left = set()
    for _ in range(9):
        made = run(net, training=True)
        gaps = [np.abs(made - a).max() for a in alone]
        assert min(gaps) < 1e-5
        left.add(int(np.argmin(gaps)))
    assert left == {0, 1, 2}


def test_local_drop_path_changes_training_alone():
    keras.utils.set_random_seed(0)
    net = small(columns=2, global_drop_path=0.0, drop_path=0.5)
    outputs = {run(net, training=True).tobytes() for _ in range(5)}
    assert len(outputs) > 2
    still = small(columns=2, global_drop_path=0.0, drop_path=0.0)
    assert len({run(still, training=True).tobytes() for _ in range(2)}) == 1


def test_same_seed_same_drops():
    def outputs():
        keras.utils.set_random_seed(3)
        net = FractalNet(filters=(4, 6), columns=2, input_shape=(8, 8, 3))
        return [run(net, training=True) for _ in range(3)]

    np.testing.assert_array_equal(outputs(), outputs())


@pytest.mark.parametrize("index", [0, 1, 2])
def test_column(index):
    net = small(dropout=0.4, widen="project")
    alone = column(net, index)
    assert alone.name == f"FractalNet_column{index}"
    assert (alone.input_shape, alone.output_shape) == (net.input_shape, net.output_shape)
    deep = [layer.name for layer in convolutions(alone) if layer.kernel_size == (3, 3)]
    expected = [f"block{b}_column{index}_{i}_conv" for b in (1, 2) for i in range(1, 2**index + 1)]
    assert deep == expected
    kinds = [type(layer) for layer in alone.layers]
    assert DropPathJoin not in kinds
    assert kinds.count(layers.MaxPooling2D) == 2
    assert kinds.count(layers.Dropout) == 2**index
    # Every layer but the input is the whole net's own.
    whole = {id(layer) for layer in net.layers}
    assert all(id(layer) in whole for layer in alone.layers[1:])
    before = run(net), run(alone)
    weight = net.get_layer(deep[0]).kernel
    weight.assign(weight + 1)
    assert np.abs(run(alone) - before[1]).max() > 1e-3
    assert np.abs(run(net) - before[0]).max() > 1e-3


def test_column_learns_and_saves_as_any_net(tmp_path):
    net = small()
    alone = column(net, 1)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    alone.compile(keras.optimizers.SGD(0.05), loss, run_eagerly=True)
    other = net.get_layer("block1_column2_1_conv").get_weights()[0]
    own = net.get_layer("block1_column1_1_conv").get_weights()[0]
    y = np.arange(4)
    losses = [alone.train_on_batch(X, y) for _ in range(5)]
    assert losses[-1] < losses[0]
    np.testing.assert_array_equal(net.get_layer("block1_column2_1_conv").get_weights()[0], other)
    assert not np.array_equal(net.get_layer("block1_column1_1_conv").get_weights()[0], own)
    for model in (alone, net):
        model.save(tmp_path / "model.keras")
        loaded = keras.saving.load_model(tmp_path / "model.keras")
        np.testing.assert_allclose(run(loaded), run(model), rtol=0, atol=1e-6)
    # A loaded net has its columns too.
    np.testing.assert_allclose(run(column(loaded, 1)), run(alone), rtol=0, atol=1e-6)


def test_whole_net_learns_in_graph_mode():
    net = small(columns=2, drop_path=0.3)
    net.compile(keras.optimizers.SGD(0.01), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    history = net.fit(np.repeat(X, 8, axis=0), np.repeat(np.arange(4), 8), epochs=6, batch_size=8, verbose=0)
    assert history.history["loss"][-1] < history.history["loss"][0]


@pytest.mark.parametrize("index", [-1, 3, 1.0, None, True])
def test_columns_that_are_not_there(index):
    with pytest.raises(ValueError, match="`index` is a whole number from 0 to 2.* Received: index="):
        column(small(), index)


@pytest.mark.parametrize("model", [lambda: None, lambda: small(columns=1), lambda: kerasnets.build("LeNet5")])
def test_nets_without_columns(model):
    with pytest.raises(ValueError, match="`model` is a FractalNet of two columns or more.* Received: model="):
        column(model(), 0)
