"""Small nets for tests, as training would leave them, and images for them."""

import functools

import keras
import numpy as np
from keras import ops

import kerasnets


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
