"""FitNets: thin and deep students with maxout layers, trained with hints from a wider and shallower teacher.

Romero, Ballas, Kahou, Chassang, Gatta, Bengio, "FitNets: Hints for Thin Deep Nets", ICLR 2015,
arXiv:1412.6550.

The text and the release give the hidden dense layer the teacher's five pieces. The printed counts, 250K, 862K
and 2.5M parameters, are those of two pieces, which is the default of `hidden_pieces` here. FitNet3's printed
1.6M parameters and 392M multiply-adds are those of 64 filters in each of its first four layers; here it
follows table 7, which has fewer filters, 1.5M parameters and 324M multiply-adds. Weights are initialized by
LeCun's uniform distribution, which keeps the scale of the feature maps; those of the paper, within 0.005 of
zero (`surgery.initialize(net, "paper")`), rely on hints. The release also limits the norms of weights. The
paper normalizes the contrast of CIFAR images and whitens them, which needs the dataset; `preprocess_input`
uses ImageNet's mean and standard deviation.
"""

from keras import layers

from kerasnets.assembly.family import family, variant
from kerasnets.assembly.heads import Head, classify, pool
from kerasnets.assembly.options import count
from kerasnets.assembly.starts import Start
from kerasnets.blocks.conv import conv, max_pool
from kerasnets.checks import refuse
from kerasnets.layers.maxout import Maxout

# Table 7. A row is a variant; its columns are arguments of FitNet.
TABLE = {
    "FitNet1": dict(depths=(3, 3, 3), filters=(16, 16, 16, 32, 32, 32, 48, 48, 64)),
    "FitNet2": dict(depths=(3, 3, 3), filters=(16, 32, 32, 48, 64, 80, 96, 96, 128)),
    "FitNet3": dict(depths=(4, 4, 3), filters=(32, 48, 64, 64, 80, 80, 80, 80, 128, 128, 128)),
    "FitNet4": dict(
        depths=(5, 6, 6),
        filters=(32, 32, 32, 48, 48, 80, 80, 80, 80, 80, 80, 128, 128, 128, 128, 128, 128),
    ),
}
INIT = "lecun_uniform"  # keeps the scale with two pieces; He's would double it
TINY = dict(depths=(2, 1, 1), filters=(4, 4, 6, 8), hidden=(6,))
STARTS = {"paper": Start("appendix A", kernels={"*": ("uniform", dict(limit=0.005))})}


def maxout_head(x, classes, activation, hidden, hidden_pieces):
    """Global max pooling, hidden maxout layers and a classifier.

    Source: section A.1.2.
    """
    x = pool(x, "max")
    for i, n in enumerate(hidden, start=1):
        x = layers.Dense(hidden_pieces * n, kernel_initializer=INIT, name=f"fc{i}")(x)
        x = Maxout(hidden_pieces, name=f"fc{i}_maxout")(x)
    return classify(x, classes, activation)


@family(
    size=32,
    min_size=4,
    classes=10,
    preprocess="torch",
    tiny=TINY,
    head=Head(maxout_head),
    starts=STARTS,
    checks=dict(pieces=count("linear pieces"), hidden_pieces=count("linear pieces")),
    hidden=(500,),
    hidden_pieces=2,
)
def FitNet(x, depths, filters, pieces=2):
    """Stages of 3x3 convolutions with maxout, and pooling between any two stages.

    Source: section A.1.2 and table 7.

    Args:
        depths: Number of convolutions in each stage.
        filters: Number of channels of each convolution of all stages, after maxout.
        pieces: Number of linear pieces of each channel.
        hidden: Number of units of each hidden dense layer of the top, after maxout.
        hidden_pieces: Number of linear pieces of each hidden unit.
    """
    if len(filters) != sum(depths):
        refuse("filters", f"a tuple of {sum(depths)} whole numbers, one for each convolution", filters)
    remaining = iter(filters)
    for stage, depth in enumerate(depths, start=1):
        if stage > 1:
            x = max_pool(x, 2, strides=2, padding="valid", name=f"stage{stage - 1}_pool")
        for i in range(1, depth + 1):
            x = maxout_conv(x, next(remaining), pieces, name=f"stage{stage}_unit{i}")
    return x


def maxout_conv(x, filters, pieces, name):
    """A 3x3 convolution with `pieces` times the filters, and the maximum of each `pieces` of its channels."""
    x = conv(x, pieces * filters, 3, use_bias=True, init=INIT, name=f"{name}_conv")
    return Maxout(pieces, name=f"{name}_maxout")(x)


FitNet1 = variant(FitNet, "FitNet1", TABLE)
FitNet2 = variant(FitNet, "FitNet2", TABLE)
FitNet3 = variant(FitNet, "FitNet3", TABLE)
FitNet4 = variant(FitNet, "FitNet4", TABLE)

preprocess_input = FitNet.preprocess_input
decode_predictions = FitNet.decode_predictions
