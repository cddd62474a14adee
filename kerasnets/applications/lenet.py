"""LeNet: convolutions and subsampling, then dense layers; the first convolutional nets.

LeCun et al., "Handwritten Digit Recognition with a Back-Propagation Network", NIPS 1989 (LeNet1); LeCun et
al., "Comparison of Learning Algorithms for Handwritten Digit Recognition", ICANN 1995 (LeNet4); LeCun,
Bottou, Bengio, Haffner, "Gradient-Based Learning Applied to Document Recognition", Proc. IEEE 1998 (LeNet5).

Differences: subsampling is the plain mean of 2x2 pixels unless `trainable_pooling` gives each map its
coefficient and bias, as the papers have it; the nonlinearity stands behind it and is an unscaled tanh; the
output is a softmax where LeNet-5 measures distances to fixed codes. Each map of LeNet-4's second convolution
reads all maps below, for its table was not printed; its 8 maps of subsampling, two for each of 4, exist with
`trainable_pooling` alone, since plain means would be equal.
"""

from keras import layers

from kerasnets.assembly.family import family, variant
from kerasnets.assembly.heads import FLATTENED
from kerasnets.assembly.options import FLAG, count, optional, rows_of
from kerasnets.checks import is_ints, refuse
from kerasnets.layers.partial_conv import PartialConv2D

# NIPS 1989, table 1: for each of the 12 maps of H3, the maps of H2 that it reads.
H3 = ((0,), (0, 1), (0, 1), (1,), (0, 1), (0, 1), (2,), (2, 3), (2, 3), (3,), (2, 3), (2, 3))

# Proc. IEEE 1998, table I: for each of the 16 maps of C3, the maps of S2 that it reads.
C3 = (
    (0, 1, 2),
    (1, 2, 3),
    (2, 3, 4),
    (3, 4, 5),
    (0, 4, 5),
    (0, 1, 5),
    (0, 1, 2, 3),
    (1, 2, 3, 4),
    (2, 3, 4, 5),
    (0, 3, 4, 5),
    (0, 1, 4, 5),
    (0, 1, 2, 5),
    (0, 1, 3, 4),
    (1, 2, 4, 5),
    (0, 2, 3, 5),
    (0, 1, 2, 3, 4, 5),
)

# A row is a variant; its columns are arguments of LeNet.
TABLE = {
    "LeNet1": dict(filters=(4, 12), connections=H3, hidden=()),
    "LeNet4": dict(filters=(4, 16, 120), copies=2, hidden=()),
    "LeNet5": dict(filters=(6, 16, 120), connections=C3, hidden=(84,)),
}
TINY = dict(filters=(2, 3, 4), connections=((0,), (1,), (0, 1)), hidden=(5,), trainable_pooling=True)
TINY1 = {**TINY, "filters": (2, 3)}

CHECKS = dict(
    connections=optional(
        rows_of(lambda row: is_ints(row, 0), "the maps that an output map reads", "Sequence[Sequence[int]]")
    ),
    full_connection=FLAG,
    trainable_pooling=FLAG,
    copies=count("maps"),
)


@family(
    size=32,
    min_size=32,
    channels=1,
    classes=10,
    preprocess="lecun",
    head=FLATTENED,
    tiny=TINY,
    checks=CHECKS,
    hidden=(84,),
)
def LeNet(
    x,
    filters,
    connections=None,
    full_connection=False,
    trainable_pooling=False,
    copies=1,
    act="tanh",
):
    """5x5 convolutions with subsampling behind all but the third, and dense layers.

    Source: LeCun 1998, section II.B and figure 2.

    Args:
        filters: Maps of each convolution.
        connections: For each map of the second convolution, the maps that it reads; None for all.
        full_connection: Whether it reads all maps after all.
        trainable_pooling: Whether subsampling gives each map a coefficient and a bias.
        copies: Maps that trainable subsampling makes of each.
        act: Activation.
        hidden: Units of each hidden dense layer of the top.
    """
    partial = bool(connections) and not full_connection
    if partial and [len(connections)] != list(filters[1:2]):
        refuse("connections", "None, or a tuple for each map of the second convolution", connections)
    for i, n in enumerate(filters, start=1):
        stage = 2 * i - 1
        if i == 2 and partial:
            x = PartialConv2D(connections, 5, name=f"c{stage}_conv")(x)
        else:
            x = layers.Conv2D(n, 5, name=f"c{stage}_conv")(x)
        if i < 3:
            x = subsample(x, copies if i == 1 else 1, trainable_pooling, name=f"s{stage + 1}")
        x = layers.Activation(act, name=f"c{stage}_act")(x)
    return x


def subsample(x, copies, trainable, name):
    """The mean of each 2x2 pixels, if `trainable` times a coefficient plus a bias, `copies` of each map."""
    x = layers.AveragePooling2D(2, name=f"{name}_pool")(x)
    if trainable:
        x = layers.DepthwiseConv2D(1, depth_multiplier=copies, name=f"{name}_scale")(x)
    return x


LeNet1 = variant(LeNet, "LeNet1", TABLE, size=28, min_size=16, tiny=TINY1)
LeNet4 = variant(LeNet, "LeNet4", TABLE)
LeNet5 = variant(LeNet, "LeNet5", TABLE)

preprocess_input = LeNet.preprocess_input
decode_predictions = LeNet.decode_predictions
