"""Short codes of bits for the features of a net, to search many images by.

    vectors = kerasnets.surgery.features(net).predict(images)
    encoder = kerasnets.surgery.binary_encoder(vectors, bits=32)
    codes = encoder.predict(vectors)
    indices, _ = kerasnets.surgery.nearest(codes[:5], codes, metric="hamming")

"Computing similarity by using Euclidean distance between two 4096-dimensional, real-valued vectors is
inefficient, but it could be made efficient by training an auto-encoder to compress these vectors to short
binary codes" (Krizhevsky, Sutskever, Hinton, "ImageNet Classification with Deep Convolutional Neural
Networks", NIPS 2012, section 6.1).

The codes are those of Krizhevsky and Hinton, "Using Very Deep Autoencoders for Content-Based Image
Retrieval", ESANN 2011. Their autoencoder reads pixels, and each of its layers is first trained as a
restricted Boltzmann machine. This one reads features, has one hidden layer on each side of the code, and
starts from random weights.
"""

import keras
import numpy as np
from keras import layers

from kerasnets.checks import is_int, refuse
from kerasnets.graph import with_outputs
from kerasnets.layers.rounded import Rounded

RATE = 2e-3  # Adam's; it falls to 0 along half a cosine


def binary_encoder(
    vectors: np.ndarray,
    bits: int = 32,
    hidden: int = 256,
    epochs: int = 50,
    batch_size: int = 128,
    seed: int = 0,
) -> keras.Model:
    """Trains an autoencoder whose code consists of bits, and returns the half that gives the code.

    It restores the standardized vectors, and learns by their squared error. Code units are sigmoids that are
    rounded in the forward pass (`kerasnets.layers.Rounded`).

    Source: Krizhevsky et al. 2012, section 6.1; Krizhevsky and Hinton 2011.

    Args:
        vectors: Features of images, (n, features), n at least 2.
        bits: Length of the code.
        hidden: Units of the hidden layer on each side of the code.
        epochs: Epochs of the training.
        batch_size: Vectors in a batch.
        seed: Seed of the weights and of the order of the vectors.

    Returns:
        A keras.Model, (batch, features) -> (batch, bits), whose values are 0 and 1.

    Raises:
        ValueError: `vectors` are not finite or not of this shape, or another argument is not positive.
    """
    vectors = np.asarray(vectors)
    if vectors.ndim != 2 or len(vectors) < 2 or not np.isfinite(vectors).all():
        refuse("vectors", "an array (n, features) of finite numbers, n at least 2", vectors.shape)
    sizes = dict(bits=bits, hidden=hidden, epochs=epochs, batch_size=batch_size)
    for name, value in sizes.items():
        if not is_int(value, 1):
            refuse(name, "a whole number, at least 1", value)
    if not is_int(seed, 0):
        refuse("seed", "a whole number, at least 0", seed)
    keras.utils.set_random_seed(seed)
    vectors = vectors.astype("float32")
    mean, variance = vectors.mean(axis=0), vectors.var(axis=0)
    variance[variance < 1e-6 * max(1e-6, variance.max())] = 1  # units that are always the same
    inputs = keras.Input(vectors.shape[1:], name="features")
    scaled = layers.Normalization(mean=mean, variance=variance, name="standardize")
    x = layers.Dense(hidden, activation="relu", name="encode")(scaled(inputs))
    x = layers.Dense(bits, activation="sigmoid", name="code_units")(x)
    code = Rounded(name="code")(x)
    x = layers.Dense(hidden, activation="relu", name="decode")(code)
    net = keras.Model(inputs, layers.Dense(vectors.shape[1], name="restored")(x), name="autoencoder")
    steps = -(-len(vectors) // batch_size) * epochs
    adam = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(RATE, steps))
    net.compile(adam, "mse", jit_compile=False)
    targets = (vectors - mean) / np.sqrt(variance)
    net.fit(vectors, targets, batch_size=batch_size, epochs=epochs, verbose=0)
    return with_outputs(net, code, name="binary_encoder")
