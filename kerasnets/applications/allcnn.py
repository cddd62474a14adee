"""The all convolutional net: strided convolutions replace pooling.

Springenberg, Dosovitskiy, Brox, Riedmiller, "Striving for Simplicity: The All Convolutional Net", ICLR
workshop 2015, arXiv:1412.6806.

There are three base networks, A to C, each in the four forms that the paper compares: with max pooling
(`BaseCNN`), with strides in the convolution before it instead (`StridedCNN`), with an additional convolution
before the pooling (`ConvPoolCNN`), and with a strided convolution in its place (`AllCNN`). The paper does not
state the padding. Here it is such that the final mean is over the paper's 6x6 pixels: all convolutions but
the last 3x3 are padded symmetrically, and the last window of a pooling may extend beyond the border, as in
Caffe. Table 3 states about 1.3M parameters for C and its strided form; the layers of tables 1 and 2 have
0.95M in total. The paper normalizes the contrast of CIFAR images and whitens them, which needs the dataset;
`preprocess_input` uses ImageNet's mean and standard deviation.
"""

from keras import layers

from kerasnets.assembly.family import family, variant
from kerasnets.assembly.heads import CONVOLVED
from kerasnets.assembly.options import one_of
from kerasnets.blocks.conv import conv_act, overlapping_pool
from kerasnets.checks import refuse

# Table 1: kernels of the convolutions before each pooling.
A = ((5,), (5,))
B = ((5, 1), (5, 1))
C = ((3, 3), (3, 3))
# Table 2 and section 3.1. A row is a variant; its columns are arguments of AllCNN.
TABLE = {
    "BaseCNNA": dict(kernels=A, downsampling="pool"),
    "BaseCNNB": dict(kernels=B, downsampling="pool"),
    "BaseCNNC": dict(kernels=C, downsampling="pool"),
    "StridedCNNA": dict(kernels=A, downsampling="stride"),
    "StridedCNNB": dict(kernels=B, downsampling="stride"),
    "StridedCNNC": dict(kernels=C, downsampling="stride"),
    "ConvPoolCNNA": dict(kernels=A, downsampling="conv_pool"),
    "ConvPoolCNNB": dict(kernels=B, downsampling="conv_pool"),
    "ConvPoolCNNC": dict(kernels=C, downsampling="conv_pool"),
    "AllCNNA": dict(kernels=A, downsampling="conv"),
    "AllCNNB": dict(kernels=B, downsampling="conv"),
    "AllCNNC": dict(kernels=C, downsampling="conv"),
}
TINY = dict(filters=(4, 6))


@family(
    size=32,
    min_size=12,
    classes=10,
    preprocess="torch",
    head=CONVOLVED,
    tiny=TINY,
    checks=dict(downsampling=one_of("pool", "stride", "conv_pool", "conv")),
)
def AllCNN(x, kernels, downsampling="conv", filters=(96, 192), input_dropout=0.2, dropout=0.5):
    """Blocks of convolutions, each of which halves the grid, followed by two convolutions.

    Source: sections 2 and 3.1 and tables 1 and 2.

    Args:
        kernels: For each block, the kernel size of each of its convolutions in pixels.
        downsampling: What halves the grid at the end of a block. "pool" is max pooling, "stride" the strides
            of the block's last convolution, "conv" a strided 3x3 convolution, and "conv_pool" a 3x3
            convolution and max pooling.
        filters: Number of filters of the convolutions of each block.
        input_dropout: Dropout rate of the input.
        dropout: Dropout rate after each block.
    """
    if len(filters) != len(kernels):
        refuse("filters", f"a tuple of {len(kernels)} whole numbers, one for each row of `kernels`", filters)
    if input_dropout:
        x = layers.Dropout(input_dropout, name="input_dropout")(x)
    for b, (row, n) in enumerate(zip(kernels, filters, strict=True), start=1):
        strides = 2 if downsampling == "stride" else 1
        for i, kernel in enumerate(row, start=1):
            x = conv_act(x, n, kernel, strides if i == len(row) else 1, name=f"block{b}_conv{i}")
        if downsampling == "conv":
            x = conv_act(x, n, 3, 2, name=f"block{b}_down")
        elif downsampling == "conv_pool":
            x = conv_act(x, n, 3, name=f"block{b}_down")
        if downsampling in ("pool", "conv_pool"):
            x = overlapping_pool(x, name=f"block{b}_pool")
        if dropout:
            x = layers.Dropout(dropout, name=f"block{b}_dropout")(x)
    x = conv_act(x, filters[-1], 3, padding="valid", name="last_conv1")
    return conv_act(x, filters[-1], 1, name="last_conv2")


BaseCNNA = variant(AllCNN, "BaseCNNA", TABLE)
BaseCNNB = variant(AllCNN, "BaseCNNB", TABLE)
BaseCNNC = variant(AllCNN, "BaseCNNC", TABLE)
StridedCNNA = variant(AllCNN, "StridedCNNA", TABLE, min_size=9)
StridedCNNB = variant(AllCNN, "StridedCNNB", TABLE, min_size=9)
StridedCNNC = variant(AllCNN, "StridedCNNC", TABLE, min_size=9)
ConvPoolCNNA = variant(AllCNN, "ConvPoolCNNA", TABLE)
ConvPoolCNNB = variant(AllCNN, "ConvPoolCNNB", TABLE)
ConvPoolCNNC = variant(AllCNN, "ConvPoolCNNC", TABLE)
AllCNNA = variant(AllCNN, "AllCNNA", TABLE, min_size=9)
AllCNNB = variant(AllCNN, "AllCNNB", TABLE, min_size=9)
AllCNNC = variant(AllCNN, "AllCNNC", TABLE, min_size=9)

preprocess_input = AllCNN.preprocess_input
decode_predictions = AllCNN.decode_predictions
