"""AlexNet: five convolutions, in two groups that meet only now and then, and three dense layers.

Krizhevsky, Sutskever, Hinton, "ImageNet Classification with Deep Convolutional Neural Networks", NIPS 2012.

The paper prints an input of 224 pixels and a grid of 55 behind the first convolution, which do not fit
without padding. Here 227 pixels, as in Caffe, need none, and 224 get 2 zeros on each side; other sides get
what the last window lacks. The groups are the maps of the paper's two GPUs, here on one device; `groups=1`
joins them. Weights start as He's uniform ones and biases as zeros, where the paper has a Gaussian of 0.01
and some biases of 1. `preprocess_input` takes the mean off each channel, the paper off each pixel.
"""

from kerasnets.assembly.family import family, variant
from kerasnets.assembly.heads import FLATTENED
from kerasnets.assembly.options import count
from kerasnets.blocks.conv import conv, max_pool
from kerasnets.checks import refuse
from kerasnets.layers.lrn import LRN

# Figure 2. A row is a variant; its columns are arguments of AlexNets.
TABLE = {"AlexNet": dict(filters=(96, 256, 384, 384, 256), groups=2)}
KERNELS = (11, 5, 3, 3, 3)
SPLIT = (2, 4, 5)  # convolutions that read the maps of their own group alone
NORMALISED = (1, 2)  # convolutions followed by local response normalisation
POOLED = (1, 2, 5)  # convolutions followed by pooling
TINY = dict(filters=(4, 6, 4, 4, 6), hidden=(8, 6))


@family(
    size=227,
    min_size=67,
    preprocess="caffe",
    head=FLATTENED,
    tiny=TINY,
    checks=dict(groups=count()),
    hidden=(4096, 4096),
    dropout=0.5,
)
def AlexNets(x, filters, groups=2):
    """Five convolutions with overlapping pooling and local response normalisation, and dense layers.

    The first has kernels of 11 pixels, every 4 pixels; zeros are added to fill its last window.

    Source: section 3.5 and figure 2.

    Args:
        filters: Maps of each of the five convolutions.
        groups: Groups of maps that the second, fourth and fifth convolution keep apart.
        hidden: Units of each hidden dense layer of the top.
        dropout: Share of the hidden units dropped in training.
    """
    if len(filters) != len(KERNELS):
        refuse("filters", f"{len(KERNELS)} whole numbers, one for each convolution", filters)
    if any(n % groups for n in filters):
        refuse("groups", f"a whole number that divides each of filters={filters}", groups)
    for i, (n, kernel) in enumerate(zip(filters, KERNELS, strict=True), start=1):
        strides, padding = (4, stem_padding(x)) if i == 1 else (1, "same")
        split = groups if i in SPLIT else 1
        x = conv(x, n, kernel, strides, padding, use_bias=True, act="relu", groups=split, name=f"conv{i}")
        if i in NORMALISED:
            x = LRN(name=f"conv{i}_lrn")(x)
        if i in POOLED:
            x = max_pool(x, 3, strides=2, padding="valid", name=f"conv{i}_pool")
    return x


def stem_padding(x):
    """Zeros on both ends of each side, half of what it lacks for whole strides; none on a free side."""
    lacks = [-(side - KERNELS[0]) % 4 if side else 0 for side in x.shape[1:3]]
    return tuple((n + 1) // 2 for n in lacks) if any(lacks) else "valid"


AlexNet = variant(AlexNets, "AlexNet", TABLE)

preprocess_input = AlexNet.preprocess_input
decode_predictions = AlexNet.decode_predictions
