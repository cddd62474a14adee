"""CapsNet: capsules of several values instead of single ones, and routing between them by agreement.

Sabour, Frosst, Hinton, "Dynamic Routing Between Capsules", NIPS 2017, arXiv:1710.09829.

The scores are the lengths of the class capsules, each from 0 to 1 by itself; `classifier_activation=None`
leaves them so and is the default. The net is trained by `kerasnets.training.MarginLoss` on
these and, with a decoder, by `kerasnets.training.ReconstructionLoss` on the images that it draws again. The
images are scaled to 0 to 1, as the decoder's sigmoid needs. The capsules have no biases, as in the paper's
equations; the release adds some. `decoder=True` gives a dict of outputs, "predictions" and "reconstruction",
in which the decoder sees the longest capsule alone; `labelled(model)` is the same net fed with labels too,
and in training the decoder sees the capsule of the label:

    net = CapsNet(decoder=True)
    train = labelled(net)
    train.compile("adam", {"predictions": MarginLoss(), "reconstruction": ReconstructionLoss()})
    train.fit({"images": x, "labels": y}, {"predictions": y, "reconstruction": x})
    net.predict(x)
"""

import math

import keras
from keras import layers

from kerasnets.assembly.family import family, variant
from kerasnets.assembly.heads import Head, activate
from kerasnets.assembly.options import count
from kerasnets.blocks.conv import conv
from kerasnets.blocks.dense import dense_stack
from kerasnets.checks import refuse
from kerasnets.layers.capsule import CapsuleLength, CapsuleMask, RoutedCapsules, Squash

# Section 4: "3 iterations of routing". A row is a variant; its columns are arguments of CapsNets.
TABLE = {"CapsNet": dict(iterations=3)}
# Figure 1.
FILTERS, CAPSULES = 256, 32  # maps of the first convolution; primary capsules at each pixel
KERNEL = 9
DIMS, CLASS_DIMS = 8, 16  # values of a primary and of a class capsule
TINY = dict(alpha=0.0625, hidden=(6, 5))


def capsule_head(x, classes, activation, images, iterations=3, decoder=False, hidden=(512, 1024)):
    """A capsule for each class, its length as score, and a decoder that draws the images again.

    Source: section 4 and figures 1 and 2.

    Args:
        x: Maps of primary capsules, (batch, height, width, maps), the grid known.
        classes: Number of classes.
        activation: Activation of the lengths, or None for the lengths themselves.
        images: Input of the net, whose shape the decoder's images have.
        iterations: Rounds of the routing.
        decoder: Whether there is a decoder.
        hidden: Units of each hidden layer of the decoder.

    Returns:
        (batch, classes), or a dict of these as "predictions" and of the images as "reconstruction".
    """
    x = layers.Reshape((-1, DIMS), name="primary_capsules")(x)
    x = RoutedCapsules(classes, CLASS_DIMS, iterations, name="class_capsules")(x)
    predictions = activate(CapsuleLength(name="lengths")(x), activation)
    if not decoder:
        return predictions
    x = CapsuleMask(name="mask")(x)
    return {"predictions": predictions, "reconstruction": make_decoder(x, images, hidden)(x)}


def make_decoder(x, images, hidden):
    """Dense layers from masked class capsules to images of 0 to 1, as a model, "reconstruction".

    Source: figure 2.
    """
    shape = tuple(images.shape[1:])
    inputs = keras.Input(x.shape[1:], dtype=x.dtype, name="capsules")
    x = dense_stack(inputs, hidden, name="decoder_fc")
    x = layers.Dense(math.prod(shape), name="decoder_logits")(x)
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
    """A convolution, and one whose maps are capsules of 8 values; then routed class capsules of 16.

    Source: section 4 and figure 1.

    Args:
        alpha: Share of the paper's 256 maps of the first convolution and 32 primary capsules at each pixel.
        iterations: Rounds of the routing.
        decoder: Whether a decoder draws the images again, a second output.
        hidden: Units of each hidden layer of the decoder.
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


def labelled(model):
    """A CapsNet with a decoder, fed with labels beside the images: what is trained.

    In training its decoder sees the capsule of the label, else the longest one, as that of `model` always.

    Source: section 4.1.

    Args:
        model: A CapsNet with a decoder.

    Returns:
        A keras.Model, uncompiled, that shares every weight: a dict of the images, by the name of the input of
        `model`, "images", and of "labels", (batch,), whole numbers, in; the outputs of `model` out.

    Raises:
        ValueError: `model` is no CapsNet with a decoder.
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
        name=f"{model.name}_labelled",
    )


CapsNet = variant(CapsNets, "CapsNet", TABLE)

preprocess_input = CapsNet.preprocess_input
decode_predictions = CapsNet.decode_predictions
