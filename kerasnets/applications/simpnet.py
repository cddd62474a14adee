"""SimpleNet and SimpNet: thirteen plain convolutions whose numbers of filters grow gradually.

Hasanpour, Rouhani, Fayyaz, Sabokrou, "Lets keep it simple, Using simple architectures to outperform deeper
and more complex architectures", 2016, arXiv:1608.06037 (SimpleNet); Hasanpour, Rouhani, Fayyaz, Sabokrou,
Adeli, "Towards Principled Design of Deep Convolutional Networks: Introducing SimpNet", 2018, arXiv:1802.06205
(SimpNet, SimpNetSlim300K, SimpNetSlim600K).

SimpNet pools twice instead of four times, so that most layers see large feature maps, and has no 1x1
convolutions. In the releases' files for CIFAR-10, all its convolutions have kernels of 3x3; what is 2x2 are
the windows of its two poolings. Each pooling, including the last one over the whole grid, is the second
paper's SAF-pooling.
Convolutions have no biases, which batch normalization would cancel; the releases have them.

The numbers of filters are those of the releases' definition files. In the first release of SimpleNet, the
last three convolutions have no batch normalization, and the output of the seventh is pooled before its batch
normalization. Here all convolutions are alike, as in the authors' later release. The dropout rate is the same
after every convolution, as the papers advise. For ImageNet, that later release gives some of the first
convolutions `strides` of 2. The releases of SimpNet use a rate that is 0.1 higher from the second pooling
on, and that of 300K has dropout at most after poolings.
"""

import itertools

from keras import layers

from kerasnets.assembly.family import family, variant
from kerasnets.assembly.heads import MAX_POOLED
from kerasnets.assembly.options import OPTIONS, one_of
from kerasnets.blocks.conv import conv_bn_act, max_pool
from kerasnets.blocks.pooling import saf_pool
from kerasnets.checks import refuse

# The releases' files for CIFAR-10. A row is a variant; its columns are arguments of SimpNets.
TABLE = {
    "SimpleNet": dict(
        kernels=((3, 3, 3, 3), (3, 3, 3), (3, 3), (3, 1, 1), (3,)),
        filters=(64, 128, 128, 128, 128, 128, 256, 256, 256, 512, 2048, 256, 256),
        dropout=0.2,
    ),
    "SimpNet": dict(
        kernels=((3, 3, 3, 3, 3), (3, 3, 3, 3, 3), (3, 3, 3)),
        filters=(66, 128, 128, 128, 192, 192, 192, 192, 192, 288, 288, 355, 432),
        dropout=0.2,
    ),
    "SimpNetSlim300K": dict(
        kernels=((3, 3, 3, 3, 3), (3, 3, 3, 3, 3), (3, 3, 3)),
        filters=(30, 40, 40, 40, 50, 50, 50, 50, 50, 58, 58, 70, 90),
        dropout=0.1,
    ),
    "SimpNetSlim600K": dict(
        kernels=((3, 3, 3, 3, 3), (3, 3, 3, 3, 3), (3, 3, 3)),
        filters=(40, 60, 60, 60, 72, 73, 73, 73, 75, 81, 82, 90, 120),
        dropout=0.1,
    ),
}
TINY = dict(kernels=((3, 3), (3,), (3,)), filters=(4, 4, 6, 8), dropout=0.1)
SIMPLENET_TINY = dict(kernels=((3,), (3,), (3,), (3, 1), (3,)), filters=(4, 4, 4, 4, 8, 6), dropout=0.1)


CHECKS = dict(
    strides=OPTIONS["hidden"],  # which is a tuple of whole numbers or () too
    downsampling=one_of("saf", "pool", "stride"),
    dropout_at=one_of("all", "end"),
)


@family(size=32, min_size=4, classes=10, preprocess="torch", head=MAX_POOLED, tiny=TINY, checks=CHECKS)
def SimpNets(
    x,
    kernels,
    filters,
    dropout=0.2,
    strides=(),
    downsampling="saf",
    dropout_at="all",
    act="relu",
):
    """Groups of convolutions with batch normalization and ReLU, with SAF-pooling between any two groups.

    Source: figure 6 of the paper of 2018, and the releases' files; other downsampling tables VI and XI.

    Args:
        kernels: For each group, the kernel size of each of its convolutions in pixels.
        filters: Number of filters of each convolution of all groups.
        dropout: Dropout rate after each convolution, or after the pooling that follows it.
        strides: Strides of the first convolutions in pixels; those of the others are 1.
        downsampling: What halves the grid between two groups. "saf": SAF-pooling, which is max pooling
            followed by dropout. "pool": max pooling after the dropout of the last convolution. "stride":
            strides of 2 of that convolution, without pooling.
        dropout_at: "all": dropout after each convolution. "end": only before the classifier.
        act: Activation.
    """
    total = sum(len(row) for row in kernels)
    if len(filters) != total:
        refuse("filters", f"a tuple of {total} whole numbers, one for each convolution", filters)
    if len(strides) > total:
        refuse("strides", f"a tuple of at most {total} whole numbers, one for each convolution", strides)
    rate = dropout if dropout_at == "all" else 0.0
    remaining = itertools.zip_longest(filters, strides, fillvalue=1)
    for stage, row in enumerate(kernels, start=1):
        for i, kernel in enumerate(row, start=1):
            n, steps = next(remaining)
            name, halves = f"stage{stage}_unit{i}", i == len(row) and stage < len(kernels)
            if halves and downsampling == "stride":
                steps *= 2
            x = conv_bn_act(x, n, kernel, steps, act, name=name)
            if halves and downsampling == "saf":
                x = saf_pool(x, rate, name=f"stage{stage}_pool")
                continue
            if rate and (halves or i < len(row)):  # the head has that of the last convolution
                x = layers.Dropout(rate, name=f"{name}_dropout")(x)
            if halves and downsampling == "pool":
                x = max_pool(x, 2, 2, padding="valid", name=f"stage{stage}_pool")
    return x


SimpleNet = variant(SimpNets, "SimpleNet", TABLE, min_size=16, tiny=SIMPLENET_TINY)
SimpNet = variant(SimpNets, "SimpNet", TABLE)
SimpNetSlim300K = variant(SimpNets, "SimpNetSlim300K", TABLE)
SimpNetSlim600K = variant(SimpNets, "SimpNetSlim600K", TABLE)

preprocess_input = SimpNets.preprocess_input
decode_predictions = SimpNets.decode_predictions
