"""Network in network: 1x1 convolutions after each convolution, and the mean of one feature map per class.

Lin, Chen, Yan, "Network In Network", ICLR 2014, arXiv:1312.4400.

The paper does not state the numbers of filters; they are those of the authors' release. So is the whole
ImageNet network, which the paper does not describe. As in the release, dropout follows the pooling, whose
last window may extend beyond the border; in a network whose weights others published, poolings are padded on
all sides (`pool_padding="both"`). Weights are initialized by He's uniform distribution, those of the release
by Gaussians, which `surgery.initialize(net, "paper")` gives. The paper normalizes the contrast of CIFAR
images and whitens them, which needs the dataset; `preprocess_input` uses ImageNet's mean and standard
deviation.
"""

from typing import NamedTuple

from keras import layers

from kerasnets.assembly.family import family, variant
from kerasnets.assembly.heads import CONVOLVED
from kerasnets.assembly.options import rows_of
from kerasnets.assembly.starts import Start
from kerasnets.blocks.conv import conv_act, max_pool, overlapping_pool
from kerasnets.checks import is_int, is_ints


class Mlpconv(NamedTuple):
    """A row of `mlpconvs`: a convolution, the 1x1 convolutions after it, and what follows them."""

    kernel: int
    strides: int
    filters: tuple  # of the convolution and of each 1x1
    pooling: str | None  # "max" or "avg"
    dropped: bool  # whether dropout follows


# The release's files. A row is a variant; its column is an argument of NINs. The last 1x1 convolution is in
# the head.
TABLE = {
    "NIN": dict(
        mlpconvs=(
            (5, 1, (192, 160, 96), "max", True),
            (5, 1, (192, 192, 192), "avg", True),
            (3, 1, (192, 192), None, False),
        )
    ),
    "NINImageNet": dict(
        mlpconvs=(
            (11, 4, (96, 96, 96), "max", False),
            (5, 1, (256, 256, 256), "max", False),
            (3, 1, (384, 384, 384), "max", True),
            (3, 1, (1024, 1024), None, False),
        )
    ),
}
TINY = dict(mlpconvs=((5, 1, (6, 4), "max", True), (3, 1, (8,), "avg", True), (3, 1, (16, 16), None, False)))
IMAGENET_TINY = dict(
    mlpconvs=(
        (11, 4, (6, 4), "max", False),
        (5, 1, (6,), "max", False),
        (3, 1, (8,), "max", True),
        (3, 1, (16, 16), None, False),
    )
)


def is_mlpconv(row):
    """Whether a row of `mlpconvs` can be built."""
    if len(row) != 5:
        return False
    row = Mlpconv(*row)
    return (
        is_int(row.kernel, 1)
        and is_int(row.strides, 1)
        and is_ints(row.filters, 1)
        and len(row.filters) > 0
        and row.pooling in (None, "max", "avg")
        and isinstance(row.dropped, bool)
    )


def average_pool(x, name):
    """Average pooling of 3x3 windows with strides of 2, which leaves out what is beyond the border."""
    return layers.AveragePooling2D(3, 2, "same", name=name)(x)


def padded_max_pool(x, name):
    """Max pooling of 3x3 windows with strides of 2, padded on all sides."""
    return max_pool(x, 3, 2, name=name)


def padded_average_pool(x, name):
    """Average pooling of 3x3 windows with strides of 2, which counts zeros on all sides."""
    return layers.AveragePooling2D(3, 2, name=name)(layers.ZeroPadding2D(1, name=f"{name}_pad")(x))


# By the column of `mlpconvs`, and by `pool_padding`.
POOLS = {
    ("max", "end"): overlapping_pool,
    ("avg", "end"): average_pool,
    ("max", "both"): padded_max_pool,
    ("avg", "both"): padded_average_pool,
}
STARTS = {
    "paper": Start(
        "the release, NIN/cifar-10_def; the paper says that initial weights were set by hand",
        kernels={"*": ("gaussian", dict(std=0.05))},
    )
}
CHECKS = dict(mlpconvs=rows_of(is_mlpconv, "(kernel, strides, filters, 'max', 'avg' or None, True or False)"))


@family(size=32, min_size=8, classes=10, preprocess="torch", head=CONVOLVED, tiny=TINY, checks=CHECKS)
def NINs(x, mlpconvs, dropout=0.5, pool_padding="end"):
    """Mlpconv layers, which are a convolution and 1x1 convolutions with ReLU; pooling between any two.

    Source: sections 3.1 and 3.3, figure 2.

    Args:
        mlpconvs: For each layer, the kernel size of its convolution in pixels, its strides, the number of
            filters of the convolution and of each 1x1 after it, "max", "avg" or None for the pooling after
            them, and whether dropout follows. Convolutions with strides above 1 are not padded.
        dropout: Dropout rate.
        pool_padding: Sides on which windows of a pooling may extend beyond the border: "end" for the bottom
            and the right, where average pooling leaves out what is beyond; "both" for all four, where it
            counts zeros.
    """
    for i, row in enumerate((Mlpconv(*row) for row in mlpconvs), start=1):
        padding = "same" if row.strides == 1 else "valid"
        first, *others = row.filters
        x = conv_act(x, first, row.kernel, row.strides, padding, name=f"mlpconv{i}_conv1")
        for j, n in enumerate(others, start=2):
            x = conv_act(x, n, 1, padding="same", name=f"mlpconv{i}_conv{j}")
        if row.pooling:
            x = POOLS[row.pooling, pool_padding](x, name=f"mlpconv{i}_pool")
        if row.dropped and dropout:
            x = layers.Dropout(dropout, name=f"mlpconv{i}_dropout")(x)
    return x


NIN = variant(NINs, "NIN", TABLE, starts=STARTS)
NINImageNet = variant(NINs, "NINImageNet", TABLE, size=224, min_size=39, classes=1000, tiny=IMAGENET_TINY)

preprocess_input = NIN.preprocess_input
decode_predictions = NIN.decode_predictions
