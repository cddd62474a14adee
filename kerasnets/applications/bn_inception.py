"""BN-Inception, or Inception v2: GoogLeNet with batch normalization, and two 3x3 convolutions for each 5x5.

Ioffe, Szegedy, "Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate
Shift", ICML 2015, arXiv:1502.03167.

The numbers of filters are those of the columns of figure 5, whose output sizes contradict them: 4c and 4d
have 608 channels where 576 are printed, 4e has 1,056 where 1,024 are printed, and 3c and 4e, which have
strides of 2, halve the printed grid. The authors split the first 7x7 convolution in two. Here it is a full
convolution, as in the weights that others published and in the published counts, unless `separable_stem` is
set. Strided convolutions are padded symmetrically, as these weights expect. Average pooling at the border
leaves out the padding, which these networks count as zeros (`include_pad`).
"""

from typing import NamedTuple

from keras import layers

from kerasnets.assembly.family import family, variant
from kerasnets.assembly.options import FLAG, rows_of
from kerasnets.blocks.branches import branches, including_pad
from kerasnets.blocks.conv import bn_act, conv_bn_act, max_pool, pad
from kerasnets.checks import is_int, is_ints


class Module(NamedTuple):
    """A row of `modules`: numbers of filters, as in the columns of figure 5, and the pooling."""

    name: str
    ones: int  # 0 for none
    reduce: int
    threes: int
    double_reduce: int
    doubles: int
    pool: str  # "avg" or "max"
    project: int | str  # with "pass through" nothing is projected, and the strides are 2


# Figure 5: #1x1, #3x3 reduce, #3x3, double #3x3 reduce, double #3x3, pool + proj.
MODULES = (
    ("3a", 64, 64, 64, 64, 96, "avg", 32),
    ("3b", 64, 64, 96, 64, 96, "avg", 64),
    ("3c", 0, 128, 160, 64, 96, "max", "pass through"),
    ("4a", 224, 64, 96, 96, 128, "avg", 128),
    ("4b", 192, 96, 128, 96, 128, "avg", 128),
    ("4c", 160, 128, 160, 128, 160, "avg", 128),
    ("4d", 96, 128, 192, 160, 192, "avg", 128),
    ("4e", 0, 128, 192, 192, 256, "max", "pass through"),
    ("5a", 352, 192, 320, 160, 224, "avg", 128),
    ("5b", 352, 192, 320, 192, 224, "max", 128),
)
TABLE = {"BNInception": dict(modules=MODULES)}
TINY = dict(
    modules=(("3a", 4, 3, 4, 3, 4, "avg", 4), ("3c", 0, 4, 3, 3, 4, "max", "pass through")),
    separable_stem=True,
)


def is_module(row):
    """Whether a row of `modules` can be built."""
    if len(row) != 8:
        return False
    row = Module(*row)
    return (
        isinstance(row.name, str)
        and is_int(row.ones, 0)
        and is_ints((row.reduce, row.threes, row.double_reduce, row.doubles), 1)
        and row.pool in ("avg", "max")
        and (row.project == "pass through" or is_int(row.project, 1))
    )


CHECKS = dict(
    modules=rows_of(
        is_module, "a name, 5 numbers of filters, 'avg' or 'max', and a number of filters or 'pass through'"
    ),
    separable_stem=FLAG,
    include_pad=FLAG,
)


@family(size=224, min_size=32, preprocess="caffe", tiny=TINY, checks=CHECKS)
def BNInceptions(x, modules, separable_stem=False, include_pad=False):
    """A stem of three convolutions and Inception modules, some of which halve the grid.

    Source: the appendix and figure 5.

    Args:
        modules: Rows of figure 5: the name; the number of filters of 1x1, 3x3 reduce, 3x3, double 3x3 reduce
            and double 3x3; the kind of pooling, "avg" or "max"; and the number of filters of its projection,
            or "pass through" for a module without a projection and with strides of 2.
        separable_stem: Whether the first convolution is a depthwise one that makes 8 channels of each,
            followed by a 1x1 convolution.
        include_pad: Whether average pooling counts the padding at the border, as zeros.
    """
    if separable_stem:
        x, padding = pad(x, 7, 2, "symmetric", name="conv1_pad")
        stem = layers.SeparableConv2D(
            64, 7, 2, padding, depth_multiplier=8, use_bias=False, name="conv1_conv"
        )
        x = bn_act(stem(x), name="conv1")
    else:
        x = conv_bn_act(x, 64, 7, strides=2, name="conv1")
    x = max_pool(x, 3, 2, padding="same", name="pool1")
    x = conv_bn_act(x, 64, 1, name="conv2_reduce")
    x = conv_bn_act(x, 192, 3, name="conv2")
    x = max_pool(x, 3, 2, padding="same", name="pool2")
    for row in modules:
        module = Module(*row)
        rows = branches_of(module)
        rows = including_pad(rows) if include_pad else rows
        x = branches(x, rows, conv_bn_act, f"inception_{module.name}")
    return x


def branches_of(module):
    """The branches of a row of `modules`."""
    pass_through = module.project == "pass through"
    strides = 2 if pass_through else 1
    ones = [[(module.ones, 1)]] if module.ones else []
    project = [] if pass_through else [(module.project, 1)]
    return [
        *ones,
        [(module.reduce, 1), (module.threes, 3, strides, "symmetric")],
        [(module.double_reduce, 1), (module.doubles, 3), (module.doubles, 3, strides, "symmetric")],
        [(module.pool, 3, 1) if strides == 1 else (module.pool, 3, 2, "same"), *project],
    ]


BNInception = variant(BNInceptions, "BNInception", TABLE)

preprocess_input = BNInception.preprocess_input
decode_predictions = BNInception.decode_predictions
