"""Inception v4: a deeper Inception network of uniform modules.

Szegedy, Ioffe, Vanhoucke, Alemi, "Inception-v4, Inception-ResNet and the Impact of Residual Connections on
Learning", AAAI 2017, arXiv:1602.07261.

The network is the paper's. Where its figures leave open whether a row or a column comes first, it is as in
the authors' release. As there, branches that pool come last. `alpha`, the width multiplier, is not the
paper's.
"""

from kerasnets.assembly.family import family, variant
from kerasnets.blocks.branches import V4_STEM, branches, repeated, scaled_conv, sequence
from kerasnets.checks import refuse

# Figures 4 and 7.
INCEPTION_A = [[(96, 1)], [(64, 1), (96, 3)], [(64, 1), (96, 3), (96, 3)], [("avg", 3, 1), (96, 1)]]
REDUCTION_A = [[(384, 3, 2)], [(192, 1), (224, 3), (256, 3, 2)], [("max", 3, 2)]]
# Figures 5 and 8.
INCEPTION_B = [
    [(384, 1)],
    [(192, 1), (224, (1, 7)), (256, (7, 1))],
    [(192, 1), (192, (7, 1)), (224, (1, 7)), (224, (7, 1)), (256, (1, 7))],
    [("avg", 3, 1), (128, 1)],
]
REDUCTION_B = [
    [(192, 1), (192, 3, 2)],
    [(256, 1), (256, (1, 7)), (320, (7, 1)), (320, 3, 2)],
    [("max", 3, 2)],
]
# Figure 6. The row and the column are side by side.
SPLIT = [[(256, (1, 3))], [(256, (3, 1))]]
INCEPTION_C = [
    [(256, 1)],
    [(384, 1), SPLIT],
    [(384, 1), (448, (3, 1)), (512, (1, 3)), SPLIT],
    [("avg", 3, 1), (256, 1)],
]

TABLE = {"InceptionV4": dict(depths=(4, 7, 3))}
TINY = dict(depths=(1, 1, 1), alpha=0.04)


@family(size=299, min_size=75, preprocess="tf", tiny=TINY, dropout=0.2)
def InceptionV4s(x, depths, alpha=1.0):
    """Three stages of equal Inception modules, with reductions of the grid between them.

    Source: section 3.1 and figures 3 to 9.

    Args:
        depths: Number of modules in each of the three stages.
        alpha: Width multiplier: fraction of the filters of each convolution.
        dropout: Dropout rate before the classifier.
    """
    if len(depths) != 3:
        refuse("depths", "three whole numbers, one for each stage", depths)
    convolve = scaled_conv(alpha)
    x = sequence(x, V4_STEM, convolve, "stem")
    x = repeated(x, [INCEPTION_A], depths[0], convolve, "inception_a")
    x = branches(x, REDUCTION_A, convolve, "reduction_a")
    x = repeated(x, [INCEPTION_B], depths[1], convolve, "inception_b")
    x = branches(x, REDUCTION_B, convolve, "reduction_b")
    return repeated(x, [INCEPTION_C], depths[2], convolve, "inception_c")


InceptionV4 = variant(InceptionV4s, "InceptionV4", TABLE)

preprocess_input = InceptionV4.preprocess_input
decode_predictions = InceptionV4.decode_predictions
