import keras
import numpy as np
import pytest
from keras import layers, ops

from kerasnets.surgery import features
from nets import kept, tiny


def images(net, n=3):
    return np.random.default_rng(0).uniform(-1, 1, (n, *net.input_shape[1:])).astype("float32")


def predict(model, x):
    return ops.convert_to_numpy(model(x, training=False))


# What the classifier of each kind of head reads.
@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("AlexNet", "fc2"),
        ("ResNet20", "avg_pool"),
        ("SimpNet", "max_pool"),
        ("GoogLeNet", "avg_pool"),
        ("FitNet1", "fc1_maxout"),
        ("LeNet5", "fc1"),
        ("MLP800", "fc2"),
    ],
)
@pytest.mark.parametrize("activation", ["softmax", None])
def test_vectors_that_a_classifier_reads(name, layer, activation):
    net = kept(name, classifier_activation=activation)
    x = images(net)
    expected = predict(keras.Model(net.input, net.get_layer(layer).output), x)
    np.testing.assert_array_equal(predict(features(net), x), expected)


@pytest.mark.parametrize(("name", "layer"), [("NIN", "mlpconv3_conv2"), ("AllCNNC", "last_conv2")])
@pytest.mark.parametrize("activation", ["softmax", None])
@pytest.mark.parametrize("pooling", [None, "avg", "max"])
def test_maps_that_a_classifier_reads_are_pooled(name, layer, activation, pooling):
    net = kept(name, classifier_activation=activation)
    x = images(net)
    maps = predict(keras.Model(net.input, net.get_layer(layer).output), x)
    expected = maps.max(axis=(1, 2)) if pooling == "max" else maps.mean(axis=(1, 2))
    np.testing.assert_allclose(predict(features(net, pooling=pooling), x), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", ["AlexNet", "ResNet20", "CapsNet", "C3D", "LeNet1"])
def test_pooling_takes_the_last_maps(name):
    net, body = kept(name), tiny(name, include_top=False)
    body.set_weights(net.get_weights()[: len(body.weights)])
    x = images(net)
    maps = predict(body, x)
    axes = tuple(range(1, maps.ndim - 1))
    for pooling, reduce in {"avg": np.mean, "max": np.max}.items():
        found = predict(features(net, pooling=pooling), x)
        np.testing.assert_allclose(found, reduce(maps, axis=axes), rtol=1e-4, atol=1e-5)


def test_capsules_are_flattened():
    net = kept("CapsNet")
    x = images(net)
    capsules = predict(keras.Model(net.input, net.get_layer("primary_capsules").output), x)
    np.testing.assert_array_equal(predict(features(net), x), capsules.reshape(len(x), -1))


@pytest.mark.parametrize("pooling", [None, "avg", "max"])
@pytest.mark.parametrize("name", ["ResNet20", "SqueezeNet", "LeNet5"])
def test_a_net_without_a_top_gives_its_own(name, pooling):
    net = kept(name, include_top=False, pooling=pooling)
    x = images(net)
    expected = predict(net, x)
    expected = expected if pooling else expected.mean(axis=(1, 2))
    np.testing.assert_allclose(predict(features(net), x), expected, rtol=1e-5, atol=1e-6)


def test_hidden_layers_are_no_classifier():
    net = kept("MLP800", include_top=False, hidden=(9, 7), dropout=0.0)
    assert features(net).output_shape == (None, 7)
    assert features(features(kept("MLP800", hidden=(9, 7)))).output_shape == (None, 7)


def test_a_layer_by_name():
    net = kept("AlexNet")
    x = images(net)
    expected = predict(keras.Model(net.input, net.get_layer("fc1").output), x)
    np.testing.assert_array_equal(predict(features(net, "fc1"), x), expected)
    maps = predict(keras.Model(net.input, net.get_layer("conv3").output), x)
    found = predict(features(net, "conv3", pooling="max"), x)
    np.testing.assert_allclose(found, maps.max(axis=(1, 2)), rtol=1e-6)


def test_normalized_scores():
    inputs = keras.Input((4,))
    hidden = layers.Dense(5, "relu", name="hidden")(inputs)
    x = layers.BatchNormalization()(layers.Dense(3, name="scores")(hidden))
    assert features(keras.Model(inputs, layers.Softmax()(x))).layers[-1].name == "hidden"


def test_weights_are_shared():
    net = tiny("LeNet5")
    model, x = features(net), images(net)
    before = predict(model, x)
    net.get_layer("fc1").bias.assign(net.get_layer("fc1").bias + 1)
    assert np.abs(predict(model, x) - before).min() > 0


def test_several_outputs():
    net = kept("GoogLeNet", aux_heads=True, input_shape=(65, 65, 3))
    assert not [layer for layer in features(net).layers if layer.name.startswith("aux")]
    inputs = keras.Input((4,))
    two = keras.Model(inputs, [layers.Dense(2)(inputs), layers.Dense(3)(inputs)])
    with pytest.raises(ValueError, match="`model` is a net of one output.* Received: model="):
        features(two)


def test_misuse():
    with pytest.raises(ValueError, match="`pooling` is None for MLP800, which has no feature maps"):
        features(kept("MLP800"), pooling="avg")
    with pytest.raises(ValueError, match="`pooling` is one of None, 'avg', 'max'"):
        features(kept("MLP800"), pooling="mean")
    with pytest.raises(
        ValueError, match="`layer` is None or .*Did you mean 'conv3'.* Received: layer='conv33'"
    ):
        features(kept("AlexNet"), "conv33")
    with pytest.raises(ValueError, match="`model` is a functional keras.Model"):
        features(layers.Dense(3))
