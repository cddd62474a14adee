"""FractalNet: columns of convolutions, each twice as deep as the one before, joined by their mean.

Larsson, Maire, Shakhnarovich, "FractalNet: Ultra-Deep Neural Networks without Residuals", ICLR 2017,
arXiv:1605.07648.

As in the authors' release, dropout is between a convolution and its batch normalization, the columns of a
block are pooled before their last join, and drop-path decides once for a whole batch. In the release, the
convolutions that read a block's input also bring it to the block's number of channels (`widen="conv"`). The
networks of the paper's table 3 then have the printed numbers of parameters, but FractalNet20 has 33.7 million
where table 1 prints 38.6. A linear 1x1 projection before each block that changes the number of channels
(`widen="project"`) gives 38.6 million, and is the default of FractalNet20.

FractalNet40 is the network of table 1's footnote. It has columns of 128, 64, 32 and 16 channels, linear
projections that widen thin columns before joins, and a mix of 1x1 and 3x3 filters "as in Iandola et al.",
here half of each as in SqueezeNet. The paper states 22.9 million parameters, but not how they are
distributed; this network has 27.5 million.

FractalNet80 is the network of table 3 with five columns, for CIFAR-100. It is a quarter as wide as
FractalNet20, and 80 convolutions deep along its last column.
"""

import functools

import keras
from keras import layers

from kerasnets.assembly.family import family, variant
from kerasnets.assembly.heads import AVERAGED
from kerasnets.assembly.options import FLAG, KEPT, RATE, Check, count, one_of
from kerasnets.blocks.conv import bn_act, conv, max_pool
from kerasnets.checks import is_int, is_number, refuse
from kerasnets.graph import fresh_inputs, run
from kerasnets.layers.drop_path import DropPathJoin, DropPathSampler

# Table 1 with its footnote, and table 3. A row is a variant; its columns are arguments of FractalNet.
TABLE = {
    "FractalNet20": dict(filters=(64, 128, 256, 512, 512), columns=3, widen="project"),
    "FractalNet40": dict(filters=(128, 256, 512, 1024, 1024), columns=4, taper=0.5, mixed=True),
    "FractalNet80": dict(filters=(16, 32, 64, 128, 128), columns=5),
}
TINY = dict(filters=(4, 6), columns=2)
CHECKS = dict(
    columns=count("columns"),
    taper=KEPT,
    widen=one_of("conv", "project"),
    mixed=FLAG,
    drop_path=RATE,
    global_drop_path=Check(lambda v: is_number(v) and 0 <= v <= 1, "a fraction in [0, 1]", "float"),
)


@family(size=32, min_size=8, classes=10, preprocess="torch", tiny=TINY, head=AVERAGED, checks=CHECKS)
def FractalNet(
    x,
    filters,
    columns,
    taper=1.0,
    widen="conv",
    mixed=False,
    dropout=0.4,
    drop_path=0.15,
    global_drop_path=0.5,
):
    """Fractal blocks, each of which halves the grid.

    In a fraction of the training steps (`global_drop_path`), a single column of the whole network is active.
    In the other steps, each join drops some of its branches (`drop_path`). The function `column` of this
    module extracts one column as a network.

    Source: section 3, figure 1 and table 1.

    Args:
        filters: Number of filters of each block.
        columns: Number of columns of each block; C in the paper. The last has 2 ** (C - 1) layers.
        taper: Fraction of a column's channels that the next, deeper column has.
        widen: What brings a block's input to a new number of channels: "conv" for the first convolution of
            each column, "project" for a linear 1x1 convolution before the block.
        mixed: Whether half of the filters of each convolution are 1x1.
        dropout: Dropout rate of the last block. The first block has none, and the rate grows linearly between
            them.
        drop_path: Probability that a join drops a branch in training.
        global_drop_path: Fraction of the training steps in which a single column is active.
    """
    draw = None
    if columns > 1 and global_drop_path:
        draw = DropPathSampler(columns, global_drop_path, name="paths")(x)
    meet = functools.partial(join, draw=draw, drop_path=drop_path)
    for b, n in enumerate(filters):
        name = f"block{b + 1}"
        if widen == "project" and x.shape[-1] != n:
            x = conv(x, n, 1, name=f"{name}_widen_conv")
        widths = [max(1, int(n * taper**c)) for c in range(columns)]
        dropped = dropout * b / max(1, len(filters) - 1)
        x = fractal(x, widths, mixed, dropped, meet, name=name)
    return x


def fractal(x, widths, mixed, dropout, meet, name):
    """A block. At each step, the columns that end a convolution are joined, and continue from the mean.

    Source: equations 1 and 2 and figure 1.
    """
    columns = len(widths)
    steps = 2 ** (columns - 1)
    spans = [steps // 2**c for c in range(columns)]  # steps from one convolution of a column to its next
    ends = [x] * columns
    for step in range(1, steps + 1):
        ready = [c for c in range(columns) if step % spans[c] == 0]
        for c in ready:
            i = step // spans[c]
            ends[c] = unit(ends[c], widths[c], mixed, dropout, name=f"{name}_column{c}_{i}")
            if step == steps:
                ends[c] = max_pool(ends[c], 2, strides=2, padding="same", name=f"{name}_column{c}_pool")
        joined = meet([ends[c] for c in ready], name=f"{name}_step{step}")
        for c in ready:
            ends[c] = joined
    return ends[-1]


def unit(x, filters, mixed, dropout, name):
    """A convolution, 3x3 or half 3x3 and half 1x1, then dropout, batch normalization and ReLU."""
    if mixed and filters > 1:
        small = conv(x, filters // 2, 1, name=f"{name}_1x1_conv")
        large = conv(x, filters - filters // 2, 3, name=f"{name}_3x3_conv")
        x = layers.Concatenate(name=f"{name}_mix")([small, large])
    else:
        x = conv(x, filters, 3, name=f"{name}_conv")
    if dropout:
        x = layers.Dropout(dropout, name=f"{name}_dropout")(x)
    return bn_act(x, name=name)


def join(ends, draw, drop_path, name):
    """The mean of columns, with drop-path. Linear projections widen columns of fewer channels first."""
    if len(ends) == 1:
        return ends[0]
    most = max(x.shape[-1] for x in ends)
    for i, x in enumerate(ends):
        if x.shape[-1] < most:
            ends[i] = conv(x, most, 1, name=f"{name}_widen{i}_conv")
    return DropPathJoin(drop_path, name=f"{name}_join")(ends, draw=draw)


def column(model, index):
    """One column of a FractalNet as a plain network, which shares its weights.

    Pooling, dropout, projections and the head are those of the whole network.

    Source: section 3.1 and table 1, "deepest column alone".

    Args:
        model: A FractalNet of two columns or more.
        index: Number of the column, from 0; it has 2 ** index layers in each block.

    Returns:
        A keras.Model, uncompiled, with the inputs and outputs of `model`.

    Raises:
        ValueError: `model` has no columns that are joined, or not this one.
    """
    joins = [part for part in getattr(model, "layers", ()) if isinstance(part, DropPathJoin)]
    if not joins:
        refuse("model", "a FractalNet of two columns or more", model)
    columns = max(part.branches for part in joins)
    if not is_int(index, 0) or index >= columns:
        refuse("index", f"a whole number from 0 to {columns - 1}", index)

    def choose(branches, draw=None):
        # A join that does not include this column is not on its path; its output is not used.
        return branches[max(index - columns, -len(branches))]

    inputs = fresh_inputs(model.input)
    outputs = run(model, inputs, lambda part: choose if isinstance(part, DropPathJoin) else part)
    return keras.Model(inputs, outputs, name=f"{model.name}_column{index}")


FractalNet20 = variant(FractalNet, "FractalNet20", TABLE)
FractalNet40 = variant(FractalNet, "FractalNet40", TABLE)
FractalNet80 = variant(FractalNet, "FractalNet80", TABLE, classes=100)

preprocess_input = FractalNet.preprocess_input
decode_predictions = FractalNet.decode_predictions
