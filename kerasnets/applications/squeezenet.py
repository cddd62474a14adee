"""SqueezeNet: 1x1 convolutions squeeze the maps before 1x1 and 3x3 convolutions expand them.

Iandola, Han, Moskewicz, Ashraf, Dally, Keutzer, "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters
and <0.5MB model size", 2016, arXiv:1602.07360.

The grids are those of the authors' release (github.com/forresti/SqueezeNet): the first convolution reads no
zeros beyond the border, and the last window of a pooling may hang over it. Table 1 prints 111 pixels behind
the first convolution, which an input of 227 gives, as the release has it. There, version 1.0 puts a border of
zeros around what its last 1x1 convolution reads; here, as in version 1.1, there is none.

Figure 2 draws the bypasses; `bypass="simple"` is the net of github.com/songhan/SqueezeNet-Residual. Whether
ReLU follows the convolution of a complex bypass is not said; here it does, as behind every other convolution.
Table 3 prints 7.7 MB for that net; the convolutions that section 6 describes make it 6.4 MB.
"""

from keras import layers

from kerasnets.assembly.family import family, variant
from kerasnets.assembly.heads import Head, convolved
from kerasnets.assembly.options import is_named, one_of, rows_of
from kerasnets.blocks.conv import conv_act, overlapping_pool

# Table 1 and the release's files. Of the convolution: maps and kernel. Of fire modules: s1x1, e1x1, e3x3.
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
)


def classifier(x, classes, activation, dropout=0.5):
    """Dropout, a 1x1 convolution to one map for each class, and the mean of each map."""
    if dropout:
        x = layers.Dropout(dropout, name="dropout")(x)
    return convolved(x, classes, activation)


@family(
    size=224, min_size=21, preprocess="caffe", head=Head(classifier), tiny=TINY, checks=CHECKS, dropout=0.5
)
def SqueezeNets(x, modules, bypass=None):
    """Fire modules on a convolution, with three poolings between them.

    Source: sections 3.2, 3.3 and 6, table 1 and figure 2.

    Args:
        modules: Rows of table 1: name, maps and kernel of a convolution that halves the grid; name and maps
            of the squeeze, 1x1 and 3x3 convolutions of a fire module; a name alone is a max pooling that
            halves the grid.
        bypass: "simple" adds the input of a fire module to what it makes where the two have as many maps;
            "complex" does so with a 1x1 convolution in the way where they have not; None adds nothing.
        dropout: Share of the last maps' values dropped in training before the classifier.
    """
    for name, *columns in modules:
        if not columns:
            x = overlapping_pool(x, name=name)
        elif len(columns) == 2:
            x = conv_act(x, *columns, strides=2, padding="valid", name=name)
        else:
            x = fire(x, *columns, bypass, name=name)
    return x


def fire(x, squeeze, ones, threes, bypass, name):
    """Convolutions of 1x1 and 3x3 side by side on squeezed maps, and what goes past them; figures 1 and 2."""
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
