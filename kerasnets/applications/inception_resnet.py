"""Inception-ResNet: Inception modules whose output is scaled down and added to their input.

Szegedy, Ioffe, Vanhoucke, Alemi, "Inception-v4, Inception-ResNet and the Impact of Residual Connections on
Learning", AAAI 2017, arXiv:1602.07261.

InceptionResNetV2 is the network of the authors' release, which trained weights fit. It has the stem of
Inception v3, an Inception module before the first stage, and 10, 20 and 10 modules of other widths, where the
paper has 5, 10 and 5 modules after the stem of Inception v4 (figures 3 and 15). `stem_form="v4"` has the stem
of the paper, and `depths=(5, 10, 5)` its numbers of modules; the figures print 1154 and 2048 channels where
their own branches add up to 1152 and 2144.

In both networks, as in the release, the last 1x1 convolution of a module has biases and no batch
normalization, the scales are 0.17, 0.10 and 0.20 in the three stages, and the last module of the network is
neither scaled nor followed by ReLU. The authors did not release InceptionResNetV1. It is the paper's network
with such a last module after its 5, 10 and 5, as in FaceNet. `embedding` adds the dense layer of networks
that others trained to recognize faces, as FaceNet (Schroff et al., CVPR 2015, section 4.3) calls it. Batch
normalization has a scale, which the trained weights of Keras set to 1. `alpha`, the width multiplier, is not
the paper's.
"""

from keras import layers

from kerasnets.assembly.family import family, variant
from kerasnets.assembly.heads import Head, classify, pool
from kerasnets.assembly.options import Check, count, one_of, optional
from kerasnets.blocks.branches import EPSILON, V4_STEM, branches, scaled_conv, sequence
from kerasnets.blocks.conv import bn, conv
from kerasnets.checks import is_int, refuse

# The stem of each version: figure 14, and the release's.
STEM = [(32, 3, 2), (32, 3, 1, "valid"), (64, 3), ("max", 3, 2), (80, 1), (192, 3, 1, "valid")]
MIXED = [[(96, 1)], [(48, 1), (64, 5)], [(64, 1), (96, 3), (96, 3)], [("avg", 3, 1), (64, 1)]]
STEMS = {1: [*STEM, (256, 3, 2)], 2: [*STEM, ("max", 3, 2), MIXED]}

# The branches of each stage's modules: figures 10, 11 and 13, and the release's.
STAGES = {
    1: [
        [[(32, 1)], [(32, 1), (32, 3)], [(32, 1), (32, 3), (32, 3)]],
        [[(128, 1)], [(128, 1), (128, (1, 7)), (128, (7, 1))]],
        [[(192, 1)], [(192, 1), (192, (1, 3)), (192, (3, 1))]],
    ],
    2: [
        [[(32, 1)], [(32, 1), (32, 3)], [(32, 1), (48, 3), (64, 3)]],
        [[(192, 1)], [(128, 1), (160, (1, 7)), (192, (7, 1))]],
        [[(192, 1)], [(192, 1), (224, (1, 3)), (256, (3, 1))]],
    ],
}
SCALES = (0.17, 0.10, 0.20)

# The reductions before the second and the third stage: figures 7 and 12, and the release's.
REDUCTIONS = {
    1: [
        [[(384, 3, 2)], [(192, 1), (192, 3), (256, 3, 2)], [("max", 3, 2)]],
        [
            [(256, 1), (384, 3, 2)],
            [(256, 1), (256, 3, 2)],
            [(256, 1), (256, 3), (256, 3, 2)],
            [("max", 3, 2)],
        ],
    ],
    2: [
        [[(384, 3, 2)], [(256, 1), (256, 3), (384, 3, 2)], [("max", 3, 2)]],
        [
            [(256, 1), (384, 3, 2)],
            [(256, 1), (288, 3, 2)],
            [(256, 1), (288, 3), (320, 3, 2)],
            [("max", 3, 2)],
        ],
    ],
}
LAST = {1: [], 2: [(1536, 1)]}

TABLE = {
    "InceptionResNetV1": dict(version=1, depths=(5, 10, 6)),
    "InceptionResNetV2": dict(version=2, depths=(10, 20, 10)),
}
TINY = dict(depths=(1, 1, 2), alpha=0.08)
CHECKS = dict(
    version=Check(lambda v: is_int(v, 1) and v <= 2, "1 or 2", "Literal[1, 2]"),
    embedding=optional(count("units")),
    stem_form=one_of("v3", "v4"),
)


def classifier(x, classes, activation, dropout=0.0, embedding=None):
    """The mean of each channel, dropout, the embedding with batch normalization, and the classes."""
    x = pool(x, "avg")
    if dropout:
        x = layers.Dropout(dropout, name="dropout")(x)
    if embedding:
        x = layers.Dense(embedding, use_bias=False, name="embedding")(x)
        x = bn(x, EPSILON, name="embedding_bn")
    return classify(x, classes, activation)


@family(
    size=299,
    min_size=75,
    preprocess="tf",
    head=Head(classifier),
    tiny=TINY,
    checks=CHECKS,
    dropout=0.2,
    embedding=None,
)
def InceptionResNet(x, version, depths, stem_form="v3", alpha=1.0):
    """Three stages of residual Inception modules, with reductions of the grid between them.

    Source: sections 3.2 and 3.3 and figures 10 to 15.

    Args:
        version: 1 or 2: which of the paper's tables of branches is used.
        depths: Number of modules in each of the three stages.
        stem_form: "v3" for a stem like that of Inception v3, as in figure 14 and in the release; "v4" for
            that of Inception v4, as in figure 15.
        alpha: Width multiplier: fraction of the filters of each convolution.
        dropout: Dropout rate before the classifier.
        embedding: Number of units of a dense layer with batch normalization before the classifier, or None.
    """
    if len(depths) != 3:
        refuse("depths", "three whole numbers, one for each stage", depths)
    convolve = scaled_conv(alpha)
    x = sequence(x, V4_STEM if stem_form == "v4" else STEMS[version], convolve, "stem")
    for s, (rows, depth, scale) in enumerate(zip(STAGES[version], depths, SCALES, strict=True)):
        stage = "abc"[s]
        if s:
            x = branches(x, REDUCTIONS[version][s - 1], convolve, f"reduction_{'abc'[s - 1]}")
        for i in range(1, depth + 1):
            last = stage == "c" and i == depth
            x = module(x, rows, 1.0 if last else scale, convolve, f"inception_{stage}{i}")
            if not last:
                x = layers.Activation("relu", name=f"inception_{stage}{i}_act")(x)
    return sequence(x, LAST[version], convolve, "last")


def module(x, rows, scale, convolve, name):
    """Adds `scale` times the output of branches, which a 1x1 convolution brings to the channels of `x`."""
    new = branches(x, rows, convolve, name)
    new = conv(new, x.shape[-1], 1, use_bias=True, name=f"{name}_up")
    if scale != 1:
        new = layers.Rescaling(scale, name=f"{name}_scale")(new)
    return layers.Add(name=f"{name}_add")([x, new])


InceptionResNetV1 = variant(InceptionResNet, "InceptionResNetV1", TABLE)
InceptionResNetV2 = variant(InceptionResNet, "InceptionResNetV2", TABLE)

preprocess_input = InceptionResNet.preprocess_input
decode_predictions = InceptionResNet.decode_predictions
