"""Inception v3: large kernels are factorized into small ones, and into rows and columns.

Szegedy, Vanhoucke, Ioffe, Shlens, Wojna, "Rethinking the Inception Architecture for Computer Vision", CVPR
2016, arXiv:1512.00567.

Where the paper's text and table leave a choice, the network is that of the authors' release, which trained
weights fit: the 5x5 convolutions of the first modules are not factorized, the stem contains a 1x1
convolution, and the numbers of filters inside the modules are those below. The auxiliary head is the one with
batch normalization of section 4 and figure 8. Batch normalization has a scale, which the trained weights of
Keras set to 1. Average pooling leaves out the padding at the border, as in the release; in the networks whose
weights were published for PyTorch, it counts the padding as zeros (`include_pad`). `alpha` is the depth
multiplier of the release. Squeeze-and-excitation (`squeeze_excite`) is by Hu et al. (CVPR 2018, figure 2); it
follows the concatenation of every module, including the reductions, as in their release of BN-Inception.
"""

from keras import layers

from kerasnets.assembly.family import family, variant
from kerasnets.assembly.heads import Head, classify
from kerasnets.assembly.options import FLAG
from kerasnets.blocks.branches import branches, including_pad, repeated, scaled_conv, sequence
from kerasnets.checks import refuse

STEM = [(32, 3, 2), (32, 3, 1, "valid"), (64, 3), ("max", 3, 2), (80, 1), (192, 3, 1, "valid"), ("max", 3, 2)]
# Figure 5, one module for each number of filters after the pooling.
INCEPTION_A = [
    [[(64, 1)], [(48, 1), (64, 5)], [(64, 1), (96, 3), (96, 3)], [("avg", 3, 1), (pooled, 1)]]
    for pooled in (32, 64, 64)
]
REDUCTION_A = [[(384, 3, 2)], [(64, 1), (96, 3), (96, 3, 2)], [("max", 3, 2)]]
# Figure 6, one module for each number of filters inside the branches. A 7x7 is a row and a column.
INCEPTION_B = [
    [
        [(192, 1)],
        [(n, 1), (n, (1, 7)), (192, (7, 1))],
        [(n, 1), (n, (7, 1)), (n, (1, 7)), (n, (7, 1)), (192, (1, 7))],
        [("avg", 3, 1), (192, 1)],
    ]
    for n in (128, 160, 160, 192)
]
REDUCTION_B = [
    [(192, 1), (320, 3, 2)],
    [(192, 1), (192, (1, 7)), (192, (7, 1)), (192, 3, 2)],
    [("max", 3, 2)],
]
# Figure 7. The row and the column are side by side.
SPLIT = [[(384, (1, 3))], [(384, (3, 1))]]
INCEPTION_C = [[[(320, 1)], [(384, 1), SPLIT], [(448, 1), (384, 3), SPLIT], [("avg", 3, 1), (192, 1)]]]

TABLE = {"InceptionV3": dict(depths=(3, 4, 2))}
TINY = dict(depths=(1, 1, 1), alpha=0.04)


def auxiliary(x, classes, activation, name, alpha):
    """The auxiliary classifier of section 4 on the last feature maps of 17x17.

    A smaller grid is padded, so that the weights have the same shapes for every input size.
    """
    padding = "same" if min(x.shape[1:3]) < 17 else "valid"
    x = layers.AveragePooling2D(5, 3, padding, name=f"{name}_pool")(x)
    x = sequence(x, [(128, 1), (768, 5, 1, padding)], scaled_conv(alpha), name)
    x = layers.GlobalAveragePooling2D(name=f"{name}_avg_pool")(x)
    return classify(x, classes, activation, name=name)


@family(
    size=299,
    min_size=75,
    preprocess="tf",
    tiny=TINY,
    aux=Head(auxiliary, fixed_size=True),
    checks=dict(include_pad=FLAG),
    dropout=0.2,
)
def InceptionV3s(x, depths, alpha=1.0, aux_heads=False, squeeze_excite=None, include_pad=False):
    """Three stages of Inception modules, with reductions of the grid between them.

    Source: section 6, table 1 and figures 5 to 7 and 10.

    Args:
        depths: Number of modules in each of the three stages. A stage that is deeper than the paper's repeats
            its last module.
        alpha: Width multiplier: fraction of the filters of each convolution.
        aux_heads: Whether the output is a dict of "predictions" and of "aux1", the output of an auxiliary
            head on the second stage.
        squeeze_excite: Reduction of a squeeze-and-excitation unit on the output of each module, or None.
        include_pad: Whether average pooling counts the padding at the border, as zeros.
        dropout: Dropout rate before the classifier.
    """
    if len(depths) != 3:
        refuse("depths", "three whole numbers, one for each stage", depths)
    convolve = scaled_conv(alpha)

    def modules(rows):
        return list(map(including_pad, rows)) if include_pad else rows

    x = sequence(x, STEM, convolve, "stem")
    x = repeated(x, modules(INCEPTION_A), depths[0], convolve, "inception_a", squeeze_excite)
    x = branches(x, REDUCTION_A, convolve, "reduction_a", squeeze_excite)
    x = repeated(x, modules(INCEPTION_B), depths[1], convolve, "inception_b", squeeze_excite)
    aux_maps = {"aux1": x} if aux_heads else {}
    x = branches(x, REDUCTION_B, convolve, "reduction_b", squeeze_excite)
    return repeated(x, modules(INCEPTION_C), depths[2], convolve, "inception_c", squeeze_excite), aux_maps


InceptionV3 = variant(InceptionV3s, "InceptionV3", TABLE)

preprocess_input = InceptionV3.preprocess_input
decode_predictions = InceptionV3.decode_predictions
