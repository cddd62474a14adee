"""GoogLeNet: modules of parallel kernels of several sizes, after 1x1 convolutions that reduce the channels.

Szegedy et al., "Going Deeper with Convolutions", CVPR 2015, arXiv:1409.4842.

The paper does not state the constants of local response normalization; they are those of AlexNet. Table 1
states 2.7K weights for the first convolution, which are those of a depthwise 7x7 convolution with 8 channels
for each color and a 1x1 after it (2,712). Here it is the full 7x7 convolution of figure 3 (9,408), padded
symmetrically. With batch normalization there are no biases and no local response normalization, as in Ioffe
and Szegedy (2015, section 4.2.1).

`naive` gives modules the naive form of figure 2(a), which the paper and lectures show to be too expensive:
their channels grow from module to module. In `GoogLeNet(naive=("3b",))`, module 3b has the input of
28x28x256, the 854 million multiply-adds and the output of 28x28x672 of the lectures' example.
"""

import functools

from keras import layers

from kerasnets.assembly.family import family, variant
from kerasnets.assembly.heads import Head, classify
from kerasnets.assembly.options import Check, is_named, rows_of
from kerasnets.assembly.starts import Start
from kerasnets.blocks.branches import branches
from kerasnets.blocks.conv import conv_act, max_pool
from kerasnets.blocks.dense import dense_stack
from kerasnets.checks import refuse
from kerasnets.layers.lrn import LRN

# Table 1: #1x1, #3x3 reduce, #3x3, #5x5 reduce, #5x5, pool proj.
MODULES = (
    ("3a", 64, 96, 128, 16, 32, 32),
    ("3b", 128, 128, 192, 32, 96, 64),
    ("pool3",),
    ("4a", 192, 96, 208, 16, 48, 64),
    ("4b", 160, 112, 224, 24, 64, 64),
    ("4c", 128, 128, 256, 24, 64, 64),
    ("4d", 112, 144, 288, 32, 64, 64),
    ("4e", 256, 160, 320, 32, 128, 128),
    ("pool4",),
    ("5a", 256, 160, 320, 32, 128, 128),
    ("5b", 384, 192, 384, 48, 128, 128),
)
AUX = {"4a": "aux1", "4d": "aux2"}  # modules with auxiliary heads
TABLE = {"GoogLeNet": dict(modules=MODULES)}
# The paper prints nothing. What Caffe calls "xavier" has a variance of 1 / fan-in.
STARTS = {
    "caffe": Start(
        "BVLC/caffe, models/bvlc_googlenet",
        kernels={"*": ("lecun", dict(distribution="uniform"))},
        biases={"*logits": 0.0, "*": 0.2},
    )
}
TINY = dict(
    modules=(("3a", 4, 3, 4, 3, 4, 4), ("pool3",), ("4a", 4, 4, 5, 3, 4, 4), ("4d", 4, 4, 4, 4, 3, 4))
)
CHECKS = dict(
    modules=rows_of(
        lambda row: is_named(row, (0, 1, 6)),
        "a name, alone, with a size of windows or with 6 numbers of filters",
    ),
    naive=Check(
        lambda v: isinstance(v, (tuple, list)) and all(isinstance(name, str) for name in v),
        "a tuple of names of modules",
        "Sequence[str]",
    ),
)


def auxiliary(x, classes, activation, batch_norm=False, name=None):
    """Pooling, a 1x1 convolution, a hidden dense layer over the whole grid, and a classifier; section 5."""
    x = layers.AveragePooling2D(5, 3, name=f"{name}_pool")(x)
    x = conv_act(x, 128, 1, batch_norm=batch_norm, name=f"{name}_project")
    x = layers.Flatten(name=f"{name}_flatten")(x)
    x = dense_stack(x, (1024,), dropout=0.7, name=f"{name}_fc")
    return classify(x, classes, activation, name)


AUXILIARY = Head(auxiliary, fixed_size=True, min_size=65)  # 65 pixels leave 5 for the pooling


@family(
    size=224,
    min_size=32,
    preprocess="caffe",
    aux=AUXILIARY,
    tiny=TINY,
    checks=CHECKS,
    starts=STARTS,
    dropout=0.4,
)
def GoogLeNets(x, modules, naive=(), aux_heads=False, batch_norm=False):
    """A stem of three convolutions and Inception modules.

    Source: section 5 and table 1.

    Args:
        modules: Rows of table 1: the name, and the number of filters of 1x1, 3x3 reduce, 3x3, 5x5 reduce, 5x5
            and pool proj. A name alone, or with the size of its windows where it is not 3, is max pooling
            that halves the grid.
        naive: Names of modules without the 1x1 convolutions before 3x3 and 5x5 ones and after pooling: the
            naive form of figure 2(a).
        aux_heads: Whether modules 4a and 4d have auxiliary classifiers too, which help training. The output
            is then a dict of "predictions", "aux1" and "aux2". They need an input of known size.
        batch_norm: Whether batch normalization replaces biases and local response normalization.
        dropout: Dropout rate before the classifier.
    """
    if aux_heads and not set(AUX) <= {row[0] for row in modules}:
        refuse("modules", f"a tuple with rows {' and '.join(AUX)}, which have auxiliary heads", modules)
    if not set(naive) <= {name for name, *numbers in modules if len(numbers) == 6}:
        refuse("naive", "a tuple of names of modules with 6 numbers of filters in `modules`", naive)

    convolve = functools.partial(conv_act, batch_norm=batch_norm)
    x = convolve(x, 64, 7, strides=2, name="conv1")
    x = max_pool(x, 3, 2, padding="same", name="pool1")
    if not batch_norm:
        x = LRN(name="norm1")(x)
    x = convolve(x, 64, 1, name="conv2_reduce")
    x = convolve(x, 192, 3, name="conv2")
    if not batch_norm:
        x = LRN(name="norm2")(x)
    x = max_pool(x, 3, 2, padding="same", name="pool2")

    aux_maps = {}
    for name, *numbers in modules:
        if len(numbers) == 6:
            build = naive_module if name in naive else module
            x = build(x, *numbers, convolve, f"inception_{name}")
        else:
            x = max_pool(x, numbers[0] if numbers else 3, 2, padding="same", name=name)
        if aux_heads and name in AUX:
            aux_maps[AUX[name]] = x
    return x, aux_maps


def module(x, ones, reduce3, threes, reduce5, fives, project, convolve, name):
    """1x1, 3x3 and 5x5 convolutions and max pooling side by side; figure 2(b)."""
    rows = (
        ((ones, 1),),
        ((reduce3, 1), (threes, 3)),
        ((reduce5, 1), (fives, 5)),
        (("max", 3, 1), (project, 1)),
    )
    return branches(x, rows, convolve, name)


def naive_module(x, ones, reduce3, threes, reduce5, fives, project, convolve, name):
    """The same without reductions and projection, whatever their numbers of filters; figure 2(a)."""
    return branches(x, (((ones, 1),), ((threes, 3),), ((fives, 5),), (("max", 3, 1),)), convolve, name)


GoogLeNet = variant(GoogLeNets, "GoogLeNet", TABLE)

preprocess_input = GoogLeNet.preprocess_input
decode_predictions = GoogLeNet.decode_predictions
