"""Batch normalization as one operation of TensorFlow, against float64 and against Keras's own operations."""

import contextlib

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from kerasnets import training
from kerasnets.graph import all_layers
from kerasnets.layers import FrozenBatchNormalization
from kerasnets.training import distribution
from kerasnets.training.distribution import on_tensorflow

RNG = np.random.default_rng(0)
X, LABELS = RNG.normal(3, 2, (12, 5, 7, 3)).astype("float32"), RNG.integers(0, 4, 12)


@pytest.fixture(autouse=True)
def policy():
    """Restores the policy that a test changes."""
    yield
    keras.config.set_dtype_policy("float32")


def others(x):
    """Layers that cannot be fused."""
    x = FrozenBatchNormalization(name="frozen")(x)
    x = layers.BatchNormalization(axis=1, name="rows")(x)
    x = layers.BatchNormalization(renorm=True, name="renorm")(x)
    return layers.BatchNormalization(dtype="float64", name="double")(x)


def compiled(more=lambda x: x, **options):
    """A net with two layers that can be fused, which is nested in another one."""
    keras.utils.set_random_seed(0)
    x = images = keras.Input((5, 7, 3))
    x = layers.BatchNormalization(epsilon=1e-2, name="first")(layers.Conv2D(4, 3)(x))
    x = more(layers.BatchNormalization(scale=False, center=False, momentum=0.5, name="bare")(x))
    x = layers.BatchNormalization(name="vectors")(layers.GlobalAveragePooling2D()(x))
    inner = keras.Model(images, x)
    net = keras.Sequential([keras.Input((5, 7, 3)), inner, layers.Dense(4, dtype="float32")])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    net.compile(keras.optimizers.SGD(0.1, 0.9), loss, **{"run_eagerly": True, **options})
    return net


def fused(net):
    """Names of the layers that are fused now."""
    return {layer.name for layer in all_layers(net) if "call" in vars(layer)}


def trained(context, policy):
    """The loss of each step, and the weights, of a net that is trained within a context."""
    keras.config.set_dtype_policy(policy)
    net = compiled()
    with context(net):
        losses = [net.train_on_batch(X[i : i + 4], LABELS[i : i + 4]) for i in (0, 4, 8)]
    return np.array(losses), [keras.ops.convert_to_numpy(w).astype("float64") for w in net.weights]


@pytest.mark.parametrize(("policy", "close"), [("float32", 1e-5), ("mixed_bfloat16", 1e-2)])
def test_nets_train_as_with_keras(policy, close):
    plain = trained(contextlib.nullcontext, policy)
    own = trained(distribution.batch_norm_fused, policy)
    np.testing.assert_allclose(own[0], plain[0], rtol=close)
    for a, b in zip(own[1], plain[1], strict=True):
        np.testing.assert_allclose(a, b, rtol=close, atol=close)


def test_which_layers_are_fused():
    net = compiled(others)
    with distribution.batch_norm_fused(net):
        assert fused(net) == {"first", "bare"}
        with distribution.batch_norm_fused(net):  # changes nothing more
            pass
        assert fused(net) == {"first", "bare"}
    assert not fused(net)
    net.compile(jit_compile=True)
    with distribution.batch_norm_fused(net):
        assert not fused(net)


def test_gradients_and_statistics_are_those_of_float64():
    net = compiled()
    norm = net.layers[0].get_layer("first")
    x = RNG.normal(5, 3, (6, 3, 4, 4))
    dy, gamma, beta = RNG.normal(size=x.shape), RNG.uniform(0.5, 2, 4), RNG.normal(size=4)
    norm.set_weights([gamma, beta, RNG.normal(size=4), RNG.uniform(1, 2, 4)])
    old = [keras.ops.convert_to_numpy(w) for w in (norm.moving_mean, norm.moving_variance)]
    with distribution.batch_norm_fused(net), tf.GradientTape() as tape:
        tape.watch(given := tf.constant(x, tf.float32))
        y = norm(given, training=True)
    read = [given, norm.gamma.value, norm.beta.value]
    found = tape.gradient(y, read, tf.constant(dy, tf.float32))

    over, n = (0, 1, 2), x[..., 0].size
    mean, variance = x.mean(over), x.var(over)
    scaled = (x - mean) / np.sqrt(variance + 1e-2)
    by_gamma, by_beta = (dy * scaled).sum(over), dy.sum(over)
    by_x = gamma / np.sqrt(variance + 1e-2) * (dy - by_beta / n - scaled * by_gamma / n)
    np.testing.assert_allclose(y, scaled * gamma + beta, rtol=1e-5, atol=1e-5)
    for own, exact in zip(found, (by_x, by_gamma, by_beta), strict=True):
        np.testing.assert_allclose(own, exact, rtol=1e-4, atol=1e-5)
    moving = norm.moving_mean, norm.moving_variance
    for moved, before, new in zip(moving, old, (mean, variance), strict=True):
        np.testing.assert_allclose(moved, 0.99 * before + 0.01 * new, rtol=1e-5)


def test_a_run_trains_fused_and_layers_that_are_not_trainable_keep_their_statistics(tmp_path, monkeypatch):
    net, seen = compiled(), []
    bare = net.layers[0].get_layer("bare")
    bare.trainable = False
    before = bare.get_weights()
    operation = tf.raw_ops.FusedBatchNormV3
    monkeypatch.setattr(tf.raw_ops, "FusedBatchNormV3", lambda **given: seen.append(1) or operation(**given))

    def batches(first):
        return tf.data.Dataset.from_tensor_slices((X, LABELS)).batch(4).skip(first)

    training.fit(net, batches, 3, 1, state=tmp_path / "s.weights.h5", history=tmp_path / "history.csv")
    assert len(seen) == 3  # the steps
    for a, b in zip(bare.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not fused(net)


def test_xla_is_for_gpus_and_other_backends(monkeypatch):
    for has_gpu, words in ((False, False), (True, "auto")):
        monkeypatch.setattr(on_tensorflow, "has_gpu", lambda found=has_gpu: found)
        assert distribution.jit_compile() == words
    monkeypatch.setattr(on_tensorflow, "has_gpu", lambda: False)
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    assert distribution.jit_compile() == "auto"
