"""Batch normalization as convolutions, and what TensorFlow makes of it."""

import dataclasses

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from kerasnets.scaling import MODES
from kerasnets.serving import nets
from kerasnets.surgery.norms import norms_as_convolutions
from nets import array, filled, images, tiny


def changed(model):
    """The net with convolutions, once its outputs are compared; and the norms and activations left in it."""
    new = norms_as_convolutions(model)
    x = images(model)
    np.testing.assert_allclose(array(new(x)), array(model(x)), rtol=1e-5, atol=1e-5)
    left = layers.Activation, layers.BatchNormalization, layers.ReLU
    return new, [layer.name for layer in new.layers if isinstance(layer, left)]


def test_every_place_of_batch_normalization():
    norm = layers.BatchNormalization
    inputs = keras.Input((6, 6, 4))
    x = layers.ReLU(name="fused")(norm()(inputs))
    x = layers.ReLU(6, name="fused6")(norm(scale=False)(x))
    x = layers.Activation("relu", name="named")(norm(center=False)(x))
    x = layers.ReLU(negative_slope=0.1, name="leaky")(norm()(x))
    read_twice = norm()(x)
    x = layers.Add()([layers.ReLU(name="behind_two_readers")(read_twice), read_twice])
    shared = norm(name="shared")
    x = shared(layers.ReLU(name="behind_shared")(shared(x)))
    x = norm(axis=1, name="of_rows")(x)
    x = norm(name="of_batch")(x, training=True)
    x = norm(name="flat")(layers.Flatten()(x))
    model = filled(keras.Model(inputs, layers.Dense(3)(x)))
    left = ["leaky", "behind_two_readers", "shared", "behind_shared", "of_rows", "of_batch", "flat"]
    new, found = changed(model)
    assert sorted(found) == sorted(left)
    assert sum(type(layer) is layers.DepthwiseConv2D for layer in new.layers) == 5


def test_normalized_maps_that_are_an_output_are_not_rectified():
    inputs = keras.Input((4, 4, 2))
    x = layers.BatchNormalization()(inputs)
    model = filled(keras.Model(inputs, [x, layers.ReLU()(x)]))
    for given, expected in zip(
        norms_as_convolutions(model)(images(model)), model(images(model)), strict=True
    ):
        np.testing.assert_allclose(array(given), array(expected), rtol=1e-5, atol=1e-5)


def operations(net):
    """How often each operation is in the graph of a net as it is served."""
    graph = net.function(True).get_concrete_function().graph
    return [node.op for node in graph.as_graph_def().node]


def test_bfloat16_has_no_casts_between_the_layers():
    pixels = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype("float32")
    net = nets.net_of(tiny("DenseNet121", input_shape=(32, 32, 3)), "tf")
    served = nets.folded(net, pixels, convolutions=True)
    assert served.folded
    assert not any(isinstance(layer, layers.BatchNormalization) for layer in served.model.layers)
    served = nets.in_bfloat16(served)
    assert nets.difference(net.predict(pixels), served.predict(pixels)) < 0.05
    found = operations(served)
    assert "Rsqrt" not in found
    # The images and the logits; and the weights, which TensorFlow casts once.
    reals = sum(layer.compute_dtype == "bfloat16" for layer in served.model.layers if layer.weights)
    assert found.count("Cast") <= 2 * reals + 8


def test_images_are_scaled_before_borders_are_padded():
    inputs = keras.Input((6, 6, 3))
    parts = [layers.Conv2D(2, 3, padding=padding)(inputs) for padding in ("valid", "same")]
    parts.append(layers.Conv2D(2, 3)(layers.ZeroPadding2D(1)(inputs)))
    maps = [layers.Flatten()(layers.BatchNormalization()(x)) for x in parts]
    model = filled(keras.Model(inputs, layers.Dense(4)(layers.Concatenate()(maps))))
    pixels = np.random.default_rng(0).integers(0, 256, (2, 6, 6, 3)).astype("float32")
    served = nets.folded(nets.net_of(model, "none"), pixels, convolutions=True)
    assert served.folded
    for scaling in MODES.values():
        expected = array(model(scaling(pixels)))
        run = dataclasses.replace(served, preprocess=scaling).function(True)
        given = run(tf.constant(pixels))["logits"].numpy()
        np.testing.assert_allclose(given, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())
