"""Highway networks: learned gates decide how much of a layer's input bypasses it.

Srivastava, Greff, Schmidhuber, "Training Very Deep Networks", NIPS 2015, arXiv:1507.06228; Srivastava, Greff,
Schmidhuber, "Highway Networks", 2015, arXiv:1505.00387.

HighwayNet19 is network B of the paper as released for CIFAR, with a 1x1 convolution and global average
pooling in place of the dense layer of the text (section 3.3.2 says so). For HighwayNet32, network C, the
paper states the depth, the kernels and 1.25 million parameters; the release does not include it. Its numbers
of filters here are the round numbers that give these parameters with stages of equal depth. Weights are
initialized by He's uniform distribution, those of the release by Glorot's.
"""

from keras import layers

from kerasnets.assembly.family import family, variant
from kerasnets.assembly.options import Check
from kerasnets.blocks.conv import conv, max_pool
from kerasnets.checks import is_number, refuse

# Table 2, networks B and C, and the release's definition file. A row is a variant; its columns are arguments
# of HighwayNet.
TABLE = {
    "HighwayNet19": dict(
        kernels=((3, 3, 3, 3, 3), (3, 3, 3, 3, 3, 3), (3, 3, 3, 3, 3, 3)),
        filters=(32, 80, 128, 100),
    ),
    "HighwayNet32": dict(
        kernels=(
            (3, 1, 3, 1, 3, 1, 3, 1, 3, 1),
            (3, 1, 3, 1, 3, 1, 3, 1, 3, 1),
            (3, 1, 3, 1, 3, 1, 3, 1, 3, 1),
        ),
        filters=(32, 64, 96, 100),
    ),
}
TINY = dict(kernels=((3, 1), (3, 3)), filters=(4, 6, 8))


@family(
    size=32,
    min_size=8,
    classes=10,
    preprocess="torch",
    tiny=TINY,
    checks=dict(gate_bias=Check(is_number, "a number", "float")),
)
def HighwayNet(x, kernels, filters, gate_bias=-2.0, dropout=0.2):
    """Stages of a plain layer, which sets the number of channels, and highway layers, separated by pooling.

    Source: sections 2.1 and 3.3 and table 2.

    Args:
        kernels: For each stage, the kernel sizes of its plain layer and of its highway layers in pixels.
        filters: Number of filters of each stage, and of the 1x1 convolution after the last stage.
        gate_bias: Initial bias of the transform gates. A negative number lets the input pass at first.
        dropout: Dropout rate of the input, after each pooling and before the classifier.
    """
    if len(filters) != len(kernels) + 1:
        refuse("filters", f"a tuple of {len(kernels) + 1} whole numbers, one more than `kernels`", filters)
    for stage, (row, n) in enumerate(zip(kernels, filters, strict=False), start=1):
        if stage > 1:
            x = max_pool(x, 2, strides=2, padding="same", name=f"stage{stage - 1}_pool")
        if dropout:
            x = layers.Dropout(dropout, name=f"stage{stage}_dropout")(x)
        x = conv(x, n, row[0], use_bias=True, act="relu", name=f"stage{stage}_plain")
        for i, kernel in enumerate(row[1:], start=1):
            x = highway(x, kernel, gate_bias, name=f"stage{stage}_highway{i}")
    return conv(x, filters[-1], 1, use_bias=True, act="relu", name="last_conv")


def highway(x, kernel, gate_bias, name):
    """A highway layer: H(x) T(x) + x (1 - T(x)), computed as x + T(x) (H(x) - x).

    Source: equation 3.
    """
    new = conv(x, x.shape[-1], kernel, use_bias=True, act="relu", name=f"{name}_transform")
    gate = conv(x, x.shape[-1], kernel, use_bias=True, act="sigmoid", bias=gate_bias, name=f"{name}_gate")
    change = layers.Subtract(name=f"{name}_change")([new, x])
    change = layers.Multiply(name=f"{name}_gated")([gate, change])
    return layers.Add(name=f"{name}_add")([x, change])


HighwayNet19 = variant(HighwayNet, "HighwayNet19", TABLE)
HighwayNet32 = variant(HighwayNet, "HighwayNet32", TABLE)

preprocess_input = HighwayNet.preprocess_input
decode_predictions = HighwayNet.decode_predictions
