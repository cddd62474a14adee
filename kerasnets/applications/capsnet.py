"""CapsNet: capsules, which are vectors of features instead of single ones, with routing by agreement.

Sabour, Frosst, Hinton, "Dynamic Routing Between Capsules", NIPS 2017, arXiv:1710.09829.

The scores are the lengths of the class capsules, each independently between 0 and 1. The default of
`classifier_activation` is None, which leaves them as they are. The network is trained by
`kerasnets.training.MarginLoss` on the scores and, with a decoder, by `kerasnets.training.ReconstructionLoss`
on the reconstructed images. Images are scaled to 0..1, as the decoder's sigmoid requires. The capsules have
no biases, as in the paper's equations; the authors' release adds some.

`decoder=True` gives a dict of outputs, "predictions" and "reconstruction". The decoder sees only the longest
capsule. `labeled(model)` is the same network with the labels as a second input: in training, its decoder
sees the capsule of the label.

    net = CapsNet(decoder=True)
    train = labeled(net)
    train.compile("adam", {"predictions": MarginLoss(), "reconstruction": ReconstructionLoss()})
    train.fit({"images": x, "labels": y}, {"predictions": y, "reconstruction": x})
    net.predict(x)
"""

import math

import keras
from keras import layers

from kerasnets.assembly.family import family, variant
from kerasnets.assembly.heads import Head, activate, full_precision
from kerasnets.assembly.options import count
from kerasnets.blocks.conv import conv
from kerasnets.blocks.dense import dense_stack
from kerasnets.checks import refuse
from kerasnets.layers.capsule import CapsuleLength, CapsuleMask, RoutedCapsules, Squash

# Section 4: "3 iterations of routing". A row is a variant; its columns are arguments of CapsNets.
TABLE = {"CapsNet": dict(iterations=3)}
# Figure 1.
FILTERS, CAPSULES = 256, 32  # filters of the first convolution; primary capsules at each pixel
KERNEL = 9
DIMS, CLASS_DIMS = 8, 16  # values of a primary and of a class capsule
TINY = dict(alpha=0.0625, hidden=(6, 5))


def capsule_head(x, classes, activation, images, iterations=3, decoder=False, hidden=(512, 1024)):
    """A capsule for each class, whose length is the score, and a decoder that reconstructs the images.

    Source: section 4 and figures 1 and 2.

    Args:
        x: Feature maps that consist of primary capsules, (batch, height, width, channels), of known grid.
        classes: Number of classes.
        activation: Activation of the lengths, or None for the lengths themselves.
        images: Input of the network, whose shape the reconstructed images have.
        iterations: Number of routing iterations.
        decoder: Whether there is a decoder.
        hidden: Number of units of each hidden layer of the decoder.

    Returns:
        (batch, classes), or a dict of these as "predictions" and of the images as "reconstruction".
    """
    x = layers.Reshape((-1, DIMS), name="primary_capsules")(x)
    dtype = full_precision()
    x = RoutedCapsules(classes, CLASS_DIMS, iterations, dtype=dtype, name="class_capsules")(x)
    predictions = activate(CapsuleLength(dtype=dtype, name="lengths")(x), activation)
    if not decoder:
        return predictions
    x = CapsuleMask(name="mask")(x)
    return {"predictions": predictions, "reconstruction": make_decoder(x, images, hidden)(x)}


def make_decoder(x, images, hidden):
    """A model, "reconstruction", of dense layers that turn masked class capsules into images of 0..1.

    Source: figure 2.
    """
    shape = tuple(images.shape[1:])
    inputs = keras.Input(x.shape[1:], dtype=x.dtype, name="capsules")
    x = dense_stack(inputs, hidden, name="decoder_fc")
    x = layers.Dense(math.prod(shape), dtype=full_precision(), name="decoder_logits")(x)
    x = activate(x, "sigmoid", name="decoder_pixels")
    x = layers.Reshape(shape, dtype=x.dtype, name="decoder_images")(x)
    return keras.Model(inputs, x, name="reconstruction")


@family(
    size=28,
    min_size=17,
    channels=1,
    classes=10,
    preprocess="unit",
    head=Head(capsule_head, fixed_size=True),
    classifier_activation=None,
    tiny=TINY,
    checks=dict(iterations=count()),
    decoder=False,
    hidden=(512, 1024),
    iterations=3,
)
def CapsNets(x, alpha=1.0):
    """A convolution, one whose channels are primary capsules of 8 values, and class capsules of 16 values.

    Source: section 4 and figure 1.

    Args:
        alpha: Fraction of the paper's 256 filters of the first convolution and of its 32 primary capsules at
            each pixel.
        iterations: Number of routing iterations.
        decoder: Whether the network has a decoder that reconstructs the images as a second output.
        hidden: Number of units of each hidden layer of the decoder.
    """
    if int(alpha * CAPSULES) < 1:
        refuse("alpha", f"at least 1/{CAPSULES}, which leaves one capsule", alpha)
    x = conv(x, int(alpha * FILTERS), KERNEL, padding="valid", use_bias=True, act="relu", name="conv1")
    x = conv(
        x,
        int(alpha * CAPSULES) * DIMS,
        KERNEL,
        strides=2,
        padding="valid",
        use_bias=True,
        name="primary",
    )
    return Squash(DIMS, name="primary_squash")(x)


def labeled(model):
    """A CapsNet with the labels as a second input, for training.

    In training its decoder sees the capsule of the label. Otherwise it sees the longest capsule, like
    `model`.

    Source: section 4.1.

    Args:
        model: A CapsNet with a decoder.

    Returns:
        A keras.Model, uncompiled, that shares all weights. Its input is a dict of the images, by the name of
        the input of `model`, and of "labels", whole numbers of shape (batch,). Its outputs are those of
        `model`.

    Raises:
        ValueError: `model` is not a CapsNet with a decoder.
    """
    masks = [part for part in getattr(model, "layers", ()) if isinstance(part, CapsuleMask)]
    if not masks:
        refuse("model", "a CapsNet with decoder=True", model)
    (mask,), (images,) = masks, model.inputs
    labels = keras.Input((), dtype="int32", name="labels")
    drawn = model.get_layer("reconstruction")(mask(mask.input, labels))
    return keras.Model(
        {images.name: images, "labels": labels},
        {**model.output, "reconstruction": drawn},
        name=f"{model.name}_labeled",
    )


CapsNet = variant(CapsNets, "CapsNet", TABLE)

preprocess_input = CapsNet.preprocess_input
decode_predictions = CapsNet.decode_predictions
