"""AlexNet: five convolutions in two groups that are connected only in some layers, and three dense layers.

Krizhevsky, Sutskever, Hinton, "ImageNet Classification with Deep Convolutional Neural Networks", NIPS 2012.

The paper states an input of 224 pixels and a grid of 55 after the first convolution, which do not fit without
padding. Here 227 pixels need no padding, as in Caffe, and 224 are padded by 2 on each side. Other sizes are
padded so that the last window is complete. The groups are the paper's two GPUs; here both run on one device,
and `groups=1` joins them. With `groups=1`, `lrn=False` and other `filters` it is the network of Krizhevsky,
"One weird trick for parallelizing convolutional neural networks", 2014, arXiv:1404.5997.

The paper normalizes before it pools, and drops units after each hidden dense layer. In lectures and in
CaffeNet, pooling comes first (`pool_first`); in others and in torchvision, dropout comes before each hidden
dense layer (`dropout_first`). Both have as many parameters as the paper's network.

Weights are initialized by He's uniform distribution and biases with zeros; `surgery.initialize(net, "paper")`
gives the paper's Gaussian of 0.01 and biases of 1, and "caffe" those of Caffe. `preprocess_input` subtracts
the mean of each channel, the paper that of each pixel.
"""

from typing import NamedTuple

from kerasnets.assembly.family import family, variant
from kerasnets.assembly.heads import FLATTENED
from kerasnets.assembly.options import FLAG, Check, count
from kerasnets.assembly.starts import Start
from kerasnets.blocks.conv import conv, max_pool
from kerasnets.checks import is_int, refuse
from kerasnets.layers.lrn import LRN
from kerasnets.layers.window_padding import WindowPadding2D, completing

# Figure 2. A row is a variant; its columns are arguments of AlexNets.
TABLE = {"AlexNet": dict(filters=(96, 256, 384, 384, 256), groups=2)}


class Layer(NamedTuple):
    """A convolution, and what follows it."""

    kernel: int
    strides: int = 1
    grouped: bool = False  # whether it reads only the channels of its own group
    normalized: bool = False  # whether local response normalization follows
    pooled: bool = False  # whether pooling follows


LAYERS = (
    Layer(11, strides=4, normalized=True, pooled=True),
    Layer(5, grouped=True, normalized=True, pooled=True),
    Layer(3),
    Layer(3, grouped=True),
    Layer(3, grouped=True, pooled=True),
)
TINY = dict(filters=(4, 6, 4, 4, 6), hidden=(8, 6))
CHECKS = dict(
    groups=count(),
    lrn=FLAG,
    pool_first=FLAG,
    dropout_first=FLAG,
    window=Check(lambda v: v in (2, 3) and is_int(v, 2), "2 or 3", "int"),
    removed=Check(lambda v: v is None or (is_int(v, 2) and v <= 5), "None or 2, 3, 4 or 5", "int | None"),
)
STARTS = {
    "paper": Start(
        "section 5",
        kernels={"*": ("gaussian", dict(std=0.01))},
        biases={"conv[245]": 1.0, "fc*": 1.0},
    ),
    "caffe": Start(
        "BVLC/caffe, models/bvlc_alexnet: with biases of 1 its loss did not fall",
        kernels={"fc*": ("gaussian", dict(std=0.005)), "*": ("gaussian", dict(std=0.01))},
        biases={"conv[245]": 0.1, "fc*": 0.1},
    ),
}


@family(
    size=227,
    min_size=67,
    preprocess="caffe",
    head=FLATTENED,
    tiny=TINY,
    checks=CHECKS,
    starts=STARTS,
    hidden=(4096, 4096),
    dropout=0.5,
    dropout_first=False,
)
def AlexNets(x, filters, groups=2, lrn=True, pool_first=False, window=3, removed=None):
    """Five convolutions with overlapping pooling and local response normalization, followed by dense layers.

    The first convolution has kernels of 11 pixels and strides of 4. The input is padded so that its last
    window is complete.

    Source: section 3.5 and figure 2.

    Args:
        filters: Number of filters of each of the five convolutions.
        groups: Number of groups of channels that the second, fourth and fifth convolution keep separate.
        lrn: Whether local response normalization follows the first two convolutions.
        pool_first: Whether pooling comes before local response normalization instead of after it.
        window: Size of the windows of pooling, whose strides are 2: 3 for overlapping pooling, 2 for the
            other, with which section 3.4 compares it.
        removed: Number of a convolution that is left out, with its normalization but not with its pooling, as
            in section 7; None leaves out none.
        hidden: Number of units of each hidden dense layer of the top.
        dropout: Dropout rate of the hidden units.
        dropout_first: Whether dropout comes before each hidden dense layer instead of after it: it drops
            pooled maps and units of all hidden layers but the last.
    """
    if len(filters) != len(LAYERS):
        refuse("filters", f"{len(LAYERS)} whole numbers, one for each convolution", filters)
    if any(n % groups for n in filters):
        refuse("groups", f"a whole number that divides each of filters={filters}", groups)
    x, padding = padded(x, LAYERS[0])
    for i, (n, layer) in enumerate(zip(filters, LAYERS, strict=True), start=1):
        if i != removed:
            x = conv(
                x,
                n,
                layer.kernel,
                layer.strides,
                padding=padding if i == 1 else "same",
                use_bias=True,
                act="relu",
                groups=groups if layer.grouped else 1,
                name=f"conv{i}",
            )
        normalized = layer.normalized and lrn and i != removed
        if normalized and not pool_first:
            x = LRN(name=f"conv{i}_lrn")(x)
        if layer.pooled:
            x = max_pool(x, window, strides=2, padding="valid", name=f"conv{i}_pool")
        if normalized and pool_first:
            x = LRN(name=f"conv{i}_lrn")(x)
    return x


def padded(x, first):
    """The input of the first convolution, and its padding, with which the last window is complete."""
    if None in x.shape[1:3]:
        return WindowPadding2D(first.kernel, first.strides, name="conv1_pad")(x), "valid"
    zeros = tuple(completing(side, first.kernel, first.strides) for side in x.shape[1:3])
    return x, zeros if any(zeros) else "valid"


AlexNet = variant(AlexNets, "AlexNet", TABLE)

preprocess_input = AlexNet.preprocess_input
decode_predictions = AlexNet.decode_predictions
