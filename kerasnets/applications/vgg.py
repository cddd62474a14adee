"""VGG: eight to sixteen small convolutions, and three dense layers.

Simonyan, Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR 2015,
arXiv:1409.1556.

The names of the layers are those of keras.applications. Weights are initialized by He's uniform distribution,
with which the networks can be trained from scratch. From the paper's Gaussian, which `surgery.initialize(net,
"paper")` gives, the deep ones do not train (recipes/initialisation.py). The paper copies the first and last
layers from network A, and notes that Glorot's initialization would also work. `batch_norm`, which is not in
the paper, adds batch normalization between each convolution, which then has no biases, and its ReLU.
"""

from kerasnets.assembly.family import family, variant
from kerasnets.assembly.heads import FLATTENED
from kerasnets.assembly.options import FLAG
from kerasnets.assembly.starts import Start
from kerasnets.blocks.conv import conv_act, max_pool
from kerasnets.checks import refuse
from kerasnets.layers.lrn import LRN

# Table 1. A row is a variant; its columns are arguments of VGG: the kernel sizes of each block.
TABLE = {
    "VGG11": dict(kernels=((3,), (3,), (3, 3), (3, 3), (3, 3))),
    "VGG11LRN": dict(kernels=((3,), (3,), (3, 3), (3, 3), (3, 3)), lrn=True),
    "VGG13": dict(kernels=((3, 3), (3, 3), (3, 3), (3, 3), (3, 3))),
    "VGG16C": dict(kernels=((3, 3), (3, 3), (3, 3, 1), (3, 3, 1), (3, 3, 1))),
    "VGG16": dict(kernels=((3, 3), (3, 3), (3, 3, 3), (3, 3, 3), (3, 3, 3))),
    "VGG19": dict(kernels=((3, 3), (3, 3), (3, 3, 3, 3), (3, 3, 3, 3), (3, 3, 3, 3))),
}
TINY = dict(filters=(4, 4, 6, 6, 8), hidden=(8, 6))
# The paper prints "zero mean and 10^-2 variance". He et al. (2015, arXiv:1502.01852, section 2.2) report it
# as a standard deviation of 0.01.
STARTS = {
    "paper": Start(
        "section 3.1, its 10^-2 read as the standard deviation",
        kernels={"*": ("gaussian", dict(std=0.01))},
    ),
    "printed": Start("section 3.1, as printed", kernels={"*": ("gaussian", dict(std=0.1))}),
}


@family(
    size=224,
    min_size=32,
    preprocess="caffe",
    head=FLATTENED,
    tiny=TINY,
    checks=dict(lrn=FLAG),
    starts=STARTS,
    hidden=(4096, 4096),
    dropout=0.5,
)
def VGG(x, kernels, filters=(64, 128, 256, 512, 512), lrn=False, batch_norm=False):
    """Blocks of convolutions, each followed by pooling that halves the grid, and dense layers.

    Source: section 2 and table 1.

    Args:
        kernels: For each block, the kernel size of each of its convolutions in pixels.
        filters: Number of filters of the convolutions of each block.
        lrn: Whether local response normalization follows the first convolution.
        batch_norm: Whether batch normalization follows each convolution.
        hidden: Number of units of each hidden dense layer of the top.
        dropout: Dropout rate of the hidden units.
    """
    if len(filters) != len(kernels):
        refuse("filters", f"a tuple of {len(kernels)} whole numbers, one for each row of `kernels`", filters)
    for b, (row, n) in enumerate(zip(kernels, filters, strict=True), start=1):
        for i, kernel in enumerate(row, start=1):
            x = conv_act(x, n, kernel, batch_norm=batch_norm, name=f"block{b}_conv{i}")
            if lrn and b == i == 1:
                x = LRN(name="block1_lrn")(x)
        x = max_pool(x, 2, strides=2, padding="valid", name=f"block{b}_pool")
    return x


VGG11 = variant(VGG, "VGG11", TABLE)
VGG11LRN = variant(VGG, "VGG11LRN", TABLE)
VGG13 = variant(VGG, "VGG13", TABLE)
VGG16C = variant(VGG, "VGG16C", TABLE)
VGG16 = variant(VGG, "VGG16", TABLE)
VGG19 = variant(VGG, "VGG19", TABLE)

preprocess_input = VGG.preprocess_input
decode_predictions = VGG.decode_predictions
