"""Memory-efficient DenseNets are the plain ones but for the memory that training takes."""

import keras
import numpy as np
import pytest
from keras import ops

import kerasnets
from kerasnets.analysis import profile
from kerasnets.graph import no_values

NETS = {
    "DenseNet121": dict(depths=(2, 2), growth=4, input_shape=(32, 32, 3), classes=6),
    "DenseNetBC100": dict(depth=10, growth=3, input_shape=(8, 8, 3), classes=6),
    "DenseNet40": dict(depth=7, growth=4, input_shape=(8, 8, 3), classes=6),
}
each_net = pytest.mark.parametrize("name", NETS)
LABELS = np.arange(6)


def twins(name):
    """A plain and an efficient net of equal random weights, and images for both."""
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    nets = [kerasnets.build(name, memory_efficient=e, **NETS[name]) for e in (False, True)]
    for w in nets[0].weights:
        if w.name in ("gamma", "moving_variance"):
            w.assign(rng.uniform(0.5, 1.5, w.shape))
        elif w.name in ("beta", "moving_mean"):
            w.assign(rng.uniform(-0.3, 0.3, w.shape))
    nets[1].set_weights(nets[0].get_weights())
    return *nets, rng.normal(size=(6, *NETS[name]["input_shape"])).astype("float32")


def train(net, x, rate, epochs=1, run_eagerly=False):
    net.compile(
        keras.optimizers.SGD(rate),
        "sparse_categorical_crossentropy",
        run_eagerly=run_eagerly,
        jit_compile=keras.backend.backend() == "jax" and not run_eagerly,
    )
    return net.fit(x, LABELS, batch_size=6, epochs=epochs, verbose=0).history["loss"]


@pytest.fixture
def dtype_policy():
    before = keras.config.dtype_policy()
    yield keras.config.set_dtype_policy
    keras.config.set_dtype_policy(before)


def predict(net, x):
    return ops.convert_to_numpy(ops.cast(net(x, training=False), "float32"))


@each_net
def test_weights_have_the_same_shapes_order_and_names(name):
    plain, efficient, _ = twins(name)
    for kind in ("weights", "trainable_weights"):
        ours, theirs = (getattr(net, kind) for net in (efficient, plain))
        assert [w.shape for w in ours] == [w.shape for w in theirs]
        assert [w.path.split("/")[-2:] for w in ours] == [w.path.split("/") for w in theirs]


@pytest.mark.parametrize(
    ("name", "policy", "eager"),
    [("DenseNet121", "float64", True), ("DenseNet40", "float64", True), ("DenseNet40", "float32", False)],
)
def test_gradients_and_statistics_of_a_step(name, policy, eager, dtype_policy):
    if policy == "float64" and keras.backend.backend() != "tensorflow":
        pytest.skip("this backend computes parts of it in float32")
    dtype_policy(policy)
    plain, efficient, x = twins(name)
    np.testing.assert_allclose(predict(efficient, x), predict(plain, x), rtol=1e-5, atol=1e-6)
    before = plain.get_weights()
    for net in (plain, efficient):
        # The rate is so large that rounding what it is added to is nothing.
        train(net, x, rate=2.0**12, run_eagerly=eager)
    steps = [np.linalg.norm(a - old) for a, old in zip(plain.get_weights(), before, strict=True)]
    assert min(steps) > 0
    for w, step, a, b in zip(plain.weights, steps, plain.get_weights(), efficient.get_weights(), strict=True):
        if not w.trainable:
            np.testing.assert_allclose(b, a, rtol=1e-5, atol=1e-6, err_msg=w.path)
        else:
            # Of some gradients, float32 knows less than 1e-5, for they are small sums of large terms.
            scale = step if policy == "float64" else max(steps)
            assert np.linalg.norm(a - b) < 1e-5 * scale, w.path


def test_a_frozen_block_keeps_its_statistics():
    plain, efficient, x = twins("DenseNet121")
    before, kept = plain.get_weights(), []
    for net in (plain, efficient):
        for layer in net.layers:
            layer.trainable = not layer.name.startswith("block2")
        train(net, x, rate=1.0, run_eagerly=True)
        kept.append([np.array_equal(a, b) for a, b in zip(before, net.get_weights(), strict=True)])
    assert kept[0] == kept[1] == [w.path.startswith("block2") for w in plain.weights]
    for a, b in zip(plain.get_weights(), efficient.get_weights(), strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("policy", ["float16", "mixed_float16"])
def test_half_precision(policy, dtype_policy):
    dtype_policy(policy)
    plain, efficient, x = twins("DenseNet40")
    np.testing.assert_allclose(predict(efficient, x), predict(plain, x), atol=0.01)
    losses = train(efficient, x, rate=0.01, epochs=3, run_eagerly=True)
    assert losses[-1] < losses[0]
    assert np.isfinite(predict(efficient, x)).all()


@each_net
def test_costs_are_counted_part_by_part(name):
    def rows(net):
        kinds = "BatchMoments", "Concatenate"
        return [row for row in profile(net).layers if row.type not in kinds]

    plain, efficient, _ = twins(name)
    assert rows(efficient) == rows(plain)
    assert profile(efficient).unknown == ()


def test_saved_nets_train_on(tmp_path):
    _, net, x = twins("DenseNet121")
    net.save(tmp_path / "net.keras")
    loaded = keras.saving.load_model(tmp_path / "net.keras")
    np.testing.assert_allclose(predict(loaded, x), predict(net, x), rtol=0, atol=1e-6)
    for each in (net, loaded):
        train(each, x, rate=0.1, run_eagerly=True)
    for a, b in zip(net.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("options", [{"include_top": False}, {"input_shape": (None, None, 3)}])
def test_other_forms_of_a_net(options):
    nets = [
        kerasnets.build("DenseNet121", memory_efficient=e, **NETS["DenseNet121"] | options)
        for e in (False, True)
    ]
    nets[1].set_weights(nets[0].get_weights())
    x = np.random.default_rng(0).normal(size=(2, 37, 32, 3)).astype("float32")
    if options.get("include_top") is False:
        x = x[:, :32]
    np.testing.assert_allclose(predict(nets[1], x), predict(nets[0], x), rtol=1e-5, atol=1e-6)


@no_values()
def test_filters_of_the_stem():
    """Section 4.2: 16, or twice the growth rate in DenseNet-BC."""
    for name, options, filters in (
        ("DenseNet40", {}, 16),
        ("DenseNet40", {"stem": 24}, 24),
        ("DenseNetBC100", {}, 6),
    ):
        net = kerasnets.build(name, **NETS[name], **options)
        assert net.get_layer("stem_conv").filters == filters
