"""LeNet: convolutions and subsampling followed by dense layers; the first convolutional networks.

LeCun et al., "Handwritten Digit Recognition with a Back-Propagation Network", NIPS 1989 (LeNet1); LeCun et
al., "Comparison of Learning Algorithms for Handwritten Digit Recognition", ICANN 1995 (LeNet4); LeCun,
Bottou, Bengio, Haffner, "Gradient-Based Learning Applied to Document Recognition", Proc. IEEE 1998 (LeNet5).

Three things differ from the papers. Subsampling is the mean of 2x2 pixels; `trainable_pooling` adds the
papers' coefficient and bias of each channel. The nonlinearity follows the subsampling and is tanh without
scaling. The output is a softmax, where LeNet-5 measures distances to fixed codes. Each channel of LeNet-4's
second convolution reads all channels before it, since the table of its connections was not printed. Its
subsampling makes 8 channels of 4 only with `trainable_pooling`, since without coefficients the two copies
would be equal.
"""

from keras import layers

from kerasnets.assembly.family import family, variant
from kerasnets.assembly.heads import FLATTENED
from kerasnets.assembly.options import FLAG, count, optional, rows_of
from kerasnets.assembly.starts import Start
from kerasnets.checks import refuse
from kerasnets.layers.partial_conv import CONNECTION, PartialConv2D, is_connection

# NIPS 1989, table 1: for each of the 12 feature maps of H3, those of H2 that it reads.
H3 = ((0,), (0, 1), (0, 1), (1,), (0, 1), (0, 1), (2,), (2, 3), (2, 3), (3,), (2, 3), (2, 3))

# Proc. IEEE 1998, table I: for each of the 16 feature maps of C3, those of S2 that it reads.
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

STARTS = {
    "paper": Start(
        "LeCun 1998, appendix A: between -2.4 / F and 2.4 / F for a unit of F inputs",
        kernels={"*": ("uniform", dict(limit=2.4, shared=True))},
    )
}
CHECKS = dict(
    connections=optional(rows_of(is_connection, CONNECTION, "Sequence[Sequence[int]]")),
    full_connection=FLAG,
    trainable_pooling=FLAG,
    copies=count("channels"),
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
    """5x5 convolutions with subsampling after all but the third, followed by dense layers.

    Source: LeCun 1998, section II.B and figure 2.

    Args:
        filters: Number of filters of each convolution.
        connections: For each filter of the second convolution, the input channels that it reads; None for
            all.
        full_connection: Whether the second convolution reads all channels in spite of `connections`.
        trainable_pooling: Whether subsampling has a coefficient and a bias for each channel.
        copies: Number of channels that the first subsampling makes of each, with `trainable_pooling`.
        act: Activation.
        hidden: Number of units of each hidden dense layer of the top.
    """
    partial = bool(connections) and not full_connection
    if partial and [len(connections)] != list(filters[1:2]):
        refuse("connections", "None, or a tuple for each filter of the second convolution", connections)
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
    """The mean of each 2x2 pixels; if `trainable`, `copies` times with a coefficient and a bias each."""
    x = layers.AveragePooling2D(2, name=f"{name}_pool")(x)
    if trainable:
        x = layers.DepthwiseConv2D(1, depth_multiplier=copies, name=f"{name}_scale")(x)
    return x


LeNet1 = variant(LeNet, "LeNet1", TABLE, size=28, min_size=16, tiny=TINY1)
LeNet4 = variant(LeNet, "LeNet4", TABLE)
LeNet5 = variant(LeNet, "LeNet5", TABLE, starts=STARTS)

preprocess_input = LeNet.preprocess_input
decode_predictions = LeNet.decode_predictions
