import keras
import numpy as np
import pytest
from keras import ops

import kerasnets
from kerasnets.applications.vgg import TINY
from kerasnets.graph import no_values


@pytest.mark.parametrize("name", ["VGG16", "VGG19"])
def test_layers_are_named_as_in_keras_applications(name):
    peer = getattr(keras.applications, name)(weights=None, input_shape=(32, 32, 3), classes=2)
    ours = kerasnets.build(name, input_shape=(32, 32, 3), **TINY)
    names = [layer.name for layer in peer.layers[1:]]
    assert [layer.name for layer in ours.layers if layer.name in names] == names
    more = {layer.name for layer in ours.layers} - set(names)
    assert more == {"images", "fc1_dropout", "fc2_dropout", "logits"}


@pytest.mark.parametrize(("name", "convolutions"), [("VGG11", 8), ("VGG11LRN", 8), ("VGG16C", 13)])
def test_batch_norm(name, convolutions):
    keras.utils.set_random_seed(0)
    net = kerasnets.build(
        name, input_shape=(32, 32, 3), classes=3, batch_norm=True, **{**TINY, "dropout": 0.0}
    )
    convs = [layer for layer in net.layers if isinstance(layer, keras.layers.Conv2D)]
    norms = [layer for layer in net.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert len(convs) == len(norms) == convolutions
    assert not any(layer.use_bias for layer in convs)
    for w in net.trainable_weights:
        w.assign_add(keras.random.normal(w.shape, stddev=0.1))
    before = [ops.convert_to_numpy(w) for w in net.trainable_weights]
    net.compile(keras.optimizers.SGD(0.01), "sparse_categorical_crossentropy", run_eagerly=True)
    net.train_on_batch(np.random.default_rng(0).uniform(-1, 1, (6, 32, 32, 3)), np.array([0, 1, 2, 0, 1, 2]))
    for w, b in zip(net.trainable_weights, before, strict=True):
        assert not np.array_equal(ops.convert_to_numpy(w), b), w.path


@no_values()
def test_normalization_of_net_a_lrn_stands_behind_its_first_convolution():
    names = [layer.name for layer in kerasnets.build("VGG11LRN", **TINY).layers]
    assert names[1:4] == ["block1_conv1", "block1_lrn", "block1_pool"]
    assert sum("lrn" in name for name in names) == 1
