import json

import keras
import numpy as np
import pytest
import tensorflow as tf

import vanishing_gradients
from kerasnets import blocks
from kerasnets.blocks.residual import basic_rows, residual


def small_net():
    """A stem and a residual unit with a projection, which is not on the longest path."""
    keras.utils.set_random_seed(0)
    images = keras.Input((8, 8, 1))
    x = blocks.conv.conv_bn_act(images, 4, 3, name="stem")
    x = residual(x, basic_rows(6, 2), name="unit")
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(images, keras.layers.Dense(3)(x))


def test_norms_are_those_of_tensorflow_s_gradients_of_the_kernels():
    net, rng = small_net(), np.random.default_rng(0)
    images, labels = rng.normal(size=(5, 8, 8, 1)).astype("float32"), np.array([0, 2, 1, 1, 0])
    with tf.GradientTape() as tape:
        logits = net(images, training=True)
        loss = tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(labels, logits, from_logits=True))
    kernels = [net.get_layer(name).kernel.value for name in ("stem_conv", "unit_1_conv", "unit_2_conv")]
    expected = [np.linalg.norm(g) for g in tape.gradient(loss, kernels)]
    np.testing.assert_allclose(vanishing_gradients.gradient_norms(net, images, labels), expected, rtol=1e-5)


def test_without_batch_normalization_a_net_keeps_its_other_layers():
    net = small_net()
    bare = vanishing_gradients.without_norm(net)
    assert not [x for x in bare.layers if isinstance(x, keras.layers.BatchNormalization)]
    kept = [x for x in net.layers if not isinstance(x, keras.layers.BatchNormalization)]
    assert {id(x) for x in bare.layers} == {id(x) for x in kept}


@pytest.mark.parametrize(("ratio", "word"), [(0.009, "vanish"), (1.0, "keep their size"), (101, "explode")])
def test_the_verdict_follows_from_the_ratio(ratio, word):
    assert vanishing_gradients.verdict(ratio) == word


def test_gradients_are_measured_and_drawn(recipe, tmp_path, capsys):
    recipe("LeNet5", "--batch-size", 4, "--out", tmp_path / "run")
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    for net in ("LeNet5", "LeNet5, no batch normalization"):
        norms = results["norms"][net]
        assert len(norms) > 1
        assert min(norms) > 0
        assert results["nets"][net] == {"first / last": norms[0] / norms[-1]}
    assert (tmp_path / "run" / "gradients.png").read_bytes().startswith(b"\x89PNG")
    assert "keep their size" in capsys.readouterr().out


def test_wrong_words_are_refused(check_refused, tmp_path):
    check_refused(["LeNet6"], "LeNet5")
    check_refused(["--trained", tmp_path], "PlainNet20/last.keras")
