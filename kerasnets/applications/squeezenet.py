"""SqueezeNet: 1x1 convolutions reduce the channels before 1x1 and 3x3 convolutions expand them.

Iandola, Han, Moskewicz, Ashraf, Dally, Keutzer, "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters
and <0.5MB model size", 2016, arXiv:1602.07360.

The grids are those of the authors' release (github.com/forresti/SqueezeNet): the first convolution is not
padded, and the last window of a pooling may extend beyond the border. Table 1 states 111 pixels after the
first convolution, which requires an input of 227, as in the release. Version 1.0 of the release pads the
input of its last 1x1 convolution; here it is not padded, as in version 1.1, unless `released` is set.

Figure 2 shows the bypasses; `bypass="simple"` is the network of github.com/songhan/SqueezeNet-Residual. The
paper does not say whether ReLU follows the convolution of a complex bypass; here it does, as after every
other convolution. Table 3 states 7.7 MB for this network; the convolutions that section 6 describes give 6.4
MB.
"""

from keras import layers

from kerasnets.assembly.family import family, variant
from kerasnets.assembly.heads import Head, convolved
from kerasnets.assembly.options import FLAG, RATE, is_named, one_of, rows_of
from kerasnets.assembly.starts import Start
from kerasnets.blocks.conv import conv_act, overlapping_pool

# Table 1 and the release's files. A convolution has filters and kernel size, a fire module s1x1, e1x1 and
# e3x3.
TABLE = {
    "SqueezeNet": dict(
        modules=(
            ("conv1", 96, 7),
            ("pool1",),
            ("fire2", 16, 64, 64),
            ("fire3", 16, 64, 64),
            ("fire4", 32, 128, 128),
            ("pool4",),
            ("fire5", 32, 128, 128),
            ("fire6", 48, 192, 192),
            ("fire7", 48, 192, 192),
            ("fire8", 64, 256, 256),
            ("pool8",),
            ("fire9", 64, 256, 256),
        )
    ),
    "SqueezeNet11": dict(
        modules=(
            ("conv1", 64, 3),
            ("pool1",),
            ("fire2", 16, 64, 64),
            ("fire3", 16, 64, 64),
            ("pool3",),
            ("fire4", 32, 128, 128),
            ("fire5", 32, 128, 128),
            ("pool5",),
            ("fire6", 48, 192, 192),
            ("fire7", 48, 192, 192),
            ("fire8", 64, 256, 256),
            ("fire9", 64, 256, 256),
        )
    ),
}
TINY = dict(
    modules=(
        ("conv1", 6, 7),
        ("pool1",),
        ("fire2", 4, 6, 6),
        ("pool2",),
        ("fire3", 4, 6, 6),
        ("pool3",),
    ),
    bypass="complex",
)
TINY11 = dict(
    modules=(("conv1", 8, 3), ("pool1",), ("fire2", 4, 6, 6), ("pool2",), ("fire3", 4, 6, 6), ("pool3",))
)
CHECKS = dict(
    modules=rows_of(lambda row: is_named(row, (0, 2, 3)), "a name and 0, 2 or 3 whole numbers, at least 1"),
    bypass=one_of(None, "simple", "complex"),
    released=FLAG,
    pool_dropout=RATE,
)
# What Caffe calls "xavier" has a variance of 1 / fan-in.
STARTS = {
    "paper": Start(
        "the release, train_val.prototxt of both versions; the paper prints nothing",
        kernels={
            "class_maps": ("gaussian", dict(std=0.01)),
            "*": ("lecun", dict(distribution="uniform")),
        },
    )
}


def classifier(x, classes, activation, dropout=0.5, released=False):
    """Dropout, a 1x1 convolution with one filter for each class, and global average pooling."""
    if dropout:
        x = layers.Dropout(dropout, name="dropout")(x)
    if released:
        x = layers.ZeroPadding2D(1, name="class_maps_pad")(x)
    return convolved(x, classes, activation)


@family(
    size=224,
    min_size=21,
    preprocess="caffe",
    head=Head(classifier),
    tiny=TINY,
    checks=CHECKS,
    starts=STARTS,
    dropout=0.5,
    released=False,
)
def SqueezeNets(x, modules, bypass=None, pool_dropout=0.0):
    """A convolution and fire modules, with three poolings between them.

    Source: sections 3.2, 3.3 and 6, table 1 and figure 2.

    Args:
        modules: Rows of table 1. A convolution that halves the grid is its name, number of filters and kernel
            size. A fire module is its name and the numbers of filters of its squeeze, 1x1 and 3x3
            convolutions. A name alone is max pooling that halves the grid.
        bypass: "simple" adds the input of a fire module to its output if they have the same number of
            channels. "complex" also does so otherwise, with a 1x1 convolution of the input. None adds
            nothing.
        pool_dropout: Dropout rate after each pooling. Above 0, pooling is SAF-pooling (Hasanpour et al. 2018,
            table XI).
        dropout: Dropout rate before the classifier.
        released: Whether the input of the last 1x1 convolution is padded with zeros, as in version 1.0 of the
            release.
    """
    for name, *columns in modules:
        if not columns:
            x = overlapping_pool(x, name=name)
            if pool_dropout:
                x = layers.Dropout(pool_dropout, name=f"{name}_dropout")(x)
        elif len(columns) == 2:
            x = conv_act(x, *columns, strides=2, padding="valid", name=name)
        else:
            x = fire(x, *columns, bypass, name=name)
    return x


def fire(x, squeeze, ones, threes, bypass, name):
    """Squeezed channels, read by 1x1 and 3x3 convolutions side by side, and the bypass; figures 1 and 2."""
    new = conv_act(x, squeeze, 1, name=f"{name}_squeeze")
    expanded = [
        conv_act(new, ones, 1, name=f"{name}_expand1x1"),
        conv_act(new, threes, 3, name=f"{name}_expand3x3"),
    ]
    new = layers.Concatenate(name=f"{name}_join")(expanded)
    fits = x.shape[-1] == ones + threes
    if bypass is None or (bypass == "simple" and not fits):
        return new
    old = x if fits else conv_act(x, ones + threes, 1, name=f"{name}_bypass")
    return layers.Add(name=f"{name}_add")([old, new])


SqueezeNet = variant(SqueezeNets, "SqueezeNet", TABLE)
SqueezeNet11 = variant(SqueezeNets, "SqueezeNet11", TABLE, min_size=17, tiny=TINY11)

preprocess_input = SqueezeNet.preprocess_input
decode_predictions = SqueezeNet.decode_predictions
