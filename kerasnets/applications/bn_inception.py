"""BN-Inception, or Inception v2: GoogLeNet with batch normalisation and two 3x3 convolutions for each 5x5.

Ioffe, Szegedy, "Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate
Shift", ICML 2015, arXiv:1502.03167.

Figure 5's columns of maps hold, not its output sizes, which contradict them: 4c and 4d give 608 maps where
576 is printed, 4e 1,056 where 1,024 is, and 3c and 4e, of stride 2, halve the grid that is printed. The
authors split the first 7x7 convolution in two; here it is whole, as in the weights that others published and
in the counts, unless `separable_stem`. Strided convolutions are padded on both sides, as those weights
expect; means over the border leave out the padding, which they count as zeros.
"""

from keras import layers

from kerasnets.assembly.family import family, variant
from kerasnets.assembly.options import FLAG, rows_of
from kerasnets.blocks.branches import branches
from kerasnets.blocks.conv import bn_act, conv_bn_act, max_pool, pad
from kerasnets.checks import is_int, is_ints

# Figure 5: #1x1, #3x3 reduce, #3x3, double #3x3 reduce, double #3x3, pool + proj. With "pass through" nothing
# is projected and the strides are 2.
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
    name, ones, *maps, pool, project = row
    return (
        isinstance(name, str)
        and is_int(ones, 0)
        and is_ints(maps, 1)
        and pool in ("avg", "max")
        and (project == "pass through" or is_int(project, 1))
    )


CHECKS = dict(
    modules=rows_of(
        is_module, "a name, 5 numbers of maps, 'avg' or 'max', and a number of maps or 'pass through'"
    ),
    separable_stem=FLAG,
)


@family(size=224, min_size=32, preprocess="caffe", tiny=TINY, checks=CHECKS)
def BNInceptions(x, modules, separable_stem=False):
    """Inception modules, some of which halve the grid, on a stem of three convolutions.

    Source: the appendix and figure 5.

    Args:
        modules: Rows of figure 5: name, maps of 1x1, 3x3 reduce, 3x3, double 3x3 reduce, double 3x3, the
            pooling, "avg" or "max", and maps of its projection or "pass through", which
            makes the strides 2.
        separable_stem: Whether the first convolution is a depthwise one with 8 maps for each channel, and a
            1x1 behind it.
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
    for name, *columns in modules:
        x = branches(x, rows(*columns), conv_bn_act, f"inception_{name}")
    return x


def rows(ones, reduce, threes, double_reduce, doubles, pool, project):
    """Branches of a module."""
    through = project == "pass through"
    strides = 2 if through else 1
    return [
        *([((ones, 1),)] if ones else []),
        ((reduce, 1), (threes, 3, strides, "symmetric")),
        ((double_reduce, 1), (doubles, 3), (doubles, 3, strides, "symmetric")),
        ((pool, 3, strides, "same"), *([] if through else [(project, 1)])),
    ]


BNInception = variant(BNInceptions, "BNInception", TABLE)

preprocess_input = BNInception.preprocess_input
decode_predictions = BNInception.decode_predictions
