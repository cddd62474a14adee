"""Small nets for tests, as training would leave them, and images for them."""

import functools

import keras
import numpy as np
from keras import ops

import kerasnets

# Nets that together have every kind of layer that any net of the package has, as test_contract.py checks.
# What code does to any layer, such as to save or to copy it, is tried on these.
EVERY_LAYER = (
    *("AlexNet", "Attention56", "BNInception", "C3D", "CapsNet", "CMPESEWRN28_10", "FitNet1", "FractalNet40"),
    *("HighwayNet19", "InceptionResNetV2", "LeNet5"),
)


def tiny(name, **options):
    """A net of the package of 5 classes, small, on its smallest images, and `filled`."""
    spec = getattr(kerasnets.applications, name).spec
    shape = (*spec.min_grid, spec.channels)
    return filled(kerasnets.build(name, **{"input_shape": shape, "classes": 5, **spec.tiny, **options}))


@functools.cache
def kept(name, **options):
    """The same, built once for all tests of a process that leave it as it is."""
    keras.utils.set_random_seed(0)
    net = tiny(name, **options)
    keras.utils.set_random_seed(0)  # as where the net was there already
    return net


def filled(model):
    """A model whose weights are all random, those of normalisation and biases too."""
    rng = np.random.default_rng(0)
    for w in model.weights:
        if w.name in ("gamma", "moving_variance"):
            w.assign(rng.uniform(0.5, 1.5, w.shape))
        elif w.name in ("beta", "bias", "moving_mean"):
            w.assign(rng.normal(0, 0.3, w.shape))
    return model


def images(model, count=2):
    """Images that a model takes; free sides have 16 pixels."""
    shape = [side or 16 for side in model.input_shape[1:]]
    return np.random.default_rng(1).normal(size=(count, *shape)).astype("float32")


def array(x):
    """A tensor as an array."""
    return ops.convert_to_numpy(x)


def check_served(path, pixels, net, scaled, logits=True):
    """Checks that a SavedModel gives for the pixels of images what a net gives for the scaled images."""
    import tensorflow as tf

    signature = tf.saved_model.load(str(path)).signatures["serving_default"]
    given = signature(images=tf.constant(pixels, tf.float32))
    scores = net(scaled, training=False)
    scores = scores["predictions"] if isinstance(scores, dict) else scores
    expected = array(ops.softmax(scores) if logits else scores)
    np.testing.assert_allclose(given["probabilities"], expected, atol=1e-4)
    if logits:
        scores = array(scores)
        np.testing.assert_allclose(given["logits"], scores, rtol=1e-3, atol=1e-4 * np.abs(scores).max())
    assert np.ptp(scores, 0).max() > 1e-3 * np.abs(scores).max()  # the images matter


def check_digits_served(file, root):
    """Exports the net of a file to a root, and checks what it gives for digits of values 0 to 1.

    Returns:
        The names of its classes.
    """
    from kerasnets import data, serving

    path = serving.export(kerasnets.load_model(file), root)
    net = keras.saving.load_model(file)  # plain Keras's
    stream = data.stream("digits", "test", size=net.input_shape[1:], batch_size=8, examples=8)
    pixels = array(next(iter(stream.dataset))[0])
    check_served(path, pixels, net, pixels / np.float32(255))
    return (path / "assets" / "class_names.txt").read_text().split()
