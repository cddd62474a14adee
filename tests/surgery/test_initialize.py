import keras
import numpy as np
import pytest
from keras import layers

import kerasnets
from kerasnets.assembly import registry
from kerasnets.surgery import SCHEMES, initialize, starts_of, widen
from kerasnets.surgery.initialize import start_of
from kerasnets.surgery.kernels import fans, kernels
from nets import kept, tiny


def every_kind():
    """A model with kernels of all kinds, in a nested model too, and the fans of each kernel by its layer."""
    inner = keras.Sequential([keras.Input((8, 8, 12)), layers.Conv2D(64, 3, name="nested", groups=4)])
    x = inputs = keras.Input((8, 8, 6))
    x = layers.Conv2D(12, 5, padding="same", name="plain")(x)
    x = inner(x)
    x = layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same", name="depthwise")(x)
    x = layers.SeparableConv2D(40, 3, padding="same", name="separable")(x)
    x = layers.Conv2DTranspose(20, 4, strides=2, padding="same", name="transposed")(x)
    x = layers.PReLU(name="prelu")(layers.BatchNormalization(name="norm")(x))
    x = layers.Dense(30, bias_initializer=keras.initializers.Constant(3.0), name="dense")(x)
    known = {
        ("nested", "kernel"): (
            9 * 3,
            9 * 16,
        ),  # groups of 12 / 4 and 64 / 4 channels
        ("plain", "kernel"): (25 * 6, 25 * 12),
        ("depthwise", "kernel"): (9, 18),
        ("separable", "depthwise_kernel"): (9, 9),
        ("separable", "pointwise_kernel"): (128, 40),
        ("transposed", "kernel"): (
            40 * 16 / 4,
            20 * 16,
        ),  # a pixel reads a quarter of the window
        ("dense", "kernel"): (20, 30),
    }
    return keras.Model(inputs, x), known


def arrays(model):
    return {
        w.path.split("/", w.path.count("/") - 1)[-1]: keras.ops.convert_to_numpy(w) for w in model.weights
    }


def test_fans_of_all_kinds_of_kernels():
    model, known = every_kind()
    found = {(layer.name, kernel.name): fans(kernel, layer) for kernel, layer in kernels(model)}
    assert found == known
    # LeCun et al. 1998, table I: 60 connections of 6 and 16 channels. Capsules predict from their values.
    lenet, capsnet = kerasnets.build("LeNet5"), kept("CapsNet")
    assert lenet.get_layer("c3_conv").fans == (25 * 60 / 16, 25 * 60 / 6)
    routed = next(x for x in capsnet.layers if type(x).__name__ == "RoutedCapsules")
    assert routed.fans == (routed.kernel.shape[1], routed.kernel.shape[2] * routed.kernel.shape[3])


@pytest.mark.parametrize(
    ("scheme", "options", "variance", "bound"),
    [
        ("gaussian", dict(std=0.05), lambda n, m: 0.05**2, None),
        ("uniform", dict(limit=0.3), lambda n, m: 0.3**2 / 3, lambda n, m: 0.3),
        ("uniform", dict(limit=2.4, shared=True), lambda n, m: (2.4 / n) ** 2 / 3, lambda n, m: 2.4 / n),
        ("lecun", {}, lambda n, m: 1 / n, None),
        ("glorot", {}, lambda n, m: 2 / (n + m), lambda n, m: (6 / (n + m)) ** 0.5),
        ("he", {}, lambda n, m: 2 / n, None),
        ("he", dict(fan="out", distribution="truncated"), lambda n, m: 2 / m, None),
    ],
)
def test_variances_are_those_of_the_formulas(scheme, options, variance, bound):
    model, known = every_kind()
    new = initialize(model, scheme, **options)
    for kernel, layer in kernels(new):
        values, (n, m) = keras.ops.convert_to_numpy(kernel), known[layer.name, kernel.name]
        # The mean of k squares of normal values has a relative deviation of the root of 2 / k.
        assert abs(np.mean(values**2) / variance(n, m) - 1) < 5 * (2 / values.size) ** 0.5, layer.name
        assert abs(values.mean()) < 5 * (variance(n, m) / values.size) ** 0.5
        if bound:
            assert 0.9 * bound(n, m) < np.abs(values).max() <= bound(n, m)


def test_everything_is_as_new_and_the_model_is_unchanged():
    model, _ = every_kind()
    before = arrays(model)
    for w in model.weights:
        w.assign(w + 1)
    trained = arrays(model)
    model.get_layer("dense").trainable = False
    new = initialize(model, "he", 1)
    assert all(np.array_equal(now, trained[path]) for path, now in arrays(model).items())
    assert not new.get_layer("dense").trainable
    for path, now in arrays(new).items():
        drawn = path.endswith("kernel")
        assert np.array_equal(now, before[path]) != drawn, path  # biases of 3 too
    assert new.output_shape == model.output_shape


def test_a_seed_says_everything():
    first, again, other = (arrays(initialize(every_kind()[0], "he", seed)) for seed in (5, 5, 6))
    values = [list(x.values()) for x in (first, again, other)]  # layers without names are numbered anew
    assert all(np.array_equal(a, b) for a, b in zip(*values[:2], strict=True))
    drawn = [(a, b) for (path, a), b in zip(first.items(), values[2], strict=True) if "kernel" in path]
    assert not any(np.array_equal(a, b) for a, b in drawn)
    same = keras.Sequential([keras.Input((8,)), layers.Dense(8, name="a"), layers.Dense(8, name="b")])
    a, _, b, _ = initialize(same, "he").get_weights()
    assert not np.array_equal(a, b)  # each kernel has its own numbers


def test_nets_of_all_layers_keep_their_cards_but_for_their_training():
    for name, options in (("CapsNet", {}), ("DenseNet40", dict(memory_efficient=True))):
        net = tiny(name, **options)
        kerasnets.weights.describe(net, training={"epochs": 3}, results={"top1": 0.9}, scaling="torch")
        new = initialize(net, "glorot")
        card = kerasnets.weights.card_of(new)
        assert (card.builder, card.results, card.scaling.name) == (name, None, "torch")
        assert card.training == {"initialized": {"scheme": "glorot", "seed": 0}}
        for old, now in zip(kernels(net), kernels(new), strict=True):
            assert old[0].shape == now[0].shape
            assert not np.array_equal(*(keras.ops.convert_to_numpy(x[0]) for x in (old, now)))


def test_alexnet_as_its_paper_and_as_caffe():
    """Krizhevsky et al. 2012, section 5: biases of 1 in five layers; BVLC/caffe, models/bvlc_alexnet."""
    net = kept("AlexNet", filters=(16, 32, 32, 32, 32), hidden=(64, 48))
    one = {"conv2", "conv4", "conv5", "fc1", "fc2"}
    for start, bias, dense in (("paper", 1, 0.01), ("caffe", 0.1, 0.005)):
        new = initialize(net, start)
        for layer in (x for x in new.layers if x.weights):
            kernel, biases = layer.get_weights()
            std = dense if layer.name.startswith("fc") else 0.01
            assert abs(kernel.std() / std - 1) < 5 / (2 * kernel.size) ** 0.5, layer.name
            assert np.allclose(biases, bias if layer.name in one else 0), layer.name


def test_every_start_can_be_drawn():
    """The schemes of all nets are known, and all layers have one."""
    starts = {}
    for name in kerasnets.list_models():
        starts |= {start.source: start for start in registry.find(name).spec.starts.values()}
    assert len(starts) > 15
    for start in starts.values():
        assert start.source
        assert "*" in start.kernels
        assert all(start_of(scheme, options, {}) for scheme, options in start.kernels.values())
    assert set(starts_of(kept("AlexNet"))) == {"paper", "caffe"}


def test_he_keeps_the_size_of_values_and_a_gaussian_shrinks_it():
    """He et al. 2015, section 2.2: the reason that deep nets do not train from a Gaussian of 0.01."""
    x = inputs = keras.Input((64,))
    for _ in range(16):
        x = layers.Dense(64, "relu")(x)
    net = keras.Model(inputs, x)
    images = np.random.default_rng(0).normal(size=(64, 64)).astype("float32")

    def size(**how):
        return float(keras.ops.mean(keras.ops.square(initialize(net, **how)(images))))

    kept_size = np.mean([size(scheme="he", seed=seed) for seed in range(4)])
    assert 0.2 < kept_size / np.mean(images**2) < 4
    # Each layer multiplies the mean square by 64 x 0.01^2 / 2.
    assert size(scheme="gaussian") < 1e-35
    # Glorot's halves it in each layer.
    assert 1e-7 < size(scheme="glorot") < 1e-3


def test_bad_arguments_are_refused():
    net, unknown = kept("AlexNet"), every_kind()[0]
    calls = [
        (net, dict(scheme="papr"), "`scheme` is one of 'paper', 'caffe', 'gaussian', .*'paper'"),
        (
            unknown,
            dict(scheme="paper"),
            "`scheme` is one of 'gaussian', .* of whose paper no start is recorded",
        ),
        (kept("CapsNet"), dict(scheme="paper"), "no start is recorded"),
        (
            net,
            dict(scheme="gaussian", sd=0.1),
            "`sd` is not an option of 'gaussian', which has std, truncated",
        ),
        (net, dict(scheme="paper", std=0.1), "which has no options"),
        (net, dict(scheme="gaussian", std=0), "`std` is a number above 0"),
        (net, dict(scheme="he", fan="both"), "`fan` is one of 'in', 'out', 'average'"),
        (net, dict(scheme="he", seed=-1), "`seed`"),
        (layers.Dense(3), dict(scheme="he"), "`model` is a functional keras.Model"),
    ]
    for model, how, message in calls:
        with pytest.raises(ValueError, match=message):
            initialize(model, **how)
    assert set(SCHEMES) >= {"gaussian", "glorot", "he"}


def test_a_changed_net_still_has_its_paper():
    net = widen(kept("VGG11"), "block1_conv1", 6)
    assert initialize(net, "paper").get_layer("block1_conv1").filters == 6
