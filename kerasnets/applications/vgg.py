"""VGG: nothing but small convolutions, eight to sixteen of them, and three dense layers.

Simonyan, Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR 2015,
arXiv:1409.1556.

Names of layers are those of keras.applications. Weights start as He's uniform ones, which train from scratch;
the paper fills the first and last layers from net A, and says that Glorot's would do. `batch_norm`, which is
later than the paper, puts batch normalisation between each convolution, then without bias, and its ReLU.
"""

from kerasnets.assembly.family import family, variant
from kerasnets.assembly.heads import FLATTENED
from kerasnets.assembly.options import FLAG
from kerasnets.blocks.conv import conv_act, max_pool
from kerasnets.checks import refuse
from kerasnets.layers.lrn import LRN
from kerasnets.weights.keras_applications import KerasApplications

# Table 1. A row is a variant; its columns are arguments of VGG: the kernels of each block's convolutions.
TABLE = {
    "VGG11": dict(kernels=((3,), (3,), (3, 3), (3, 3), (3, 3))),
    "VGG11LRN": dict(kernels=((3,), (3,), (3, 3), (3, 3), (3, 3)), lrn=True),
    "VGG13": dict(kernels=((3, 3), (3, 3), (3, 3), (3, 3), (3, 3))),
    "VGG16C": dict(kernels=((3, 3), (3, 3), (3, 3, 1), (3, 3, 1), (3, 3, 1))),
    "VGG16": dict(kernels=((3, 3), (3, 3), (3, 3, 3), (3, 3, 3), (3, 3, 3))),
    "VGG19": dict(kernels=((3, 3), (3, 3), (3, 3, 3, 3), (3, 3, 3, 3), (3, 3, 3, 3))),
}
TINY = dict(filters=(4, 4, 6, 6, 8), hidden=(8, 6))


@family(
    size=224,
    min_size=32,
    preprocess="caffe",
    head=FLATTENED,
    tiny=TINY,
    checks=dict(lrn=FLAG),
    hidden=(4096, 4096),
    dropout=0.5,
)
def VGG(x, kernels, filters=(64, 128, 256, 512, 512), lrn=False, batch_norm=False):
    """Blocks of convolutions, each halved by pooling, and dense layers.

    Source: section 2 and table 1.

    Args:
        kernels: For each block, the kernel of each of its convolutions in pixels.
        filters: Maps of each block's convolutions.
        lrn: Whether local response normalisation follows the first convolution.
        batch_norm: Whether batch normalisation stands behind each convolution.
        hidden: Units of each hidden dense layer of the top.
        dropout: Share of the hidden units dropped in training.
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
VGG16 = variant(VGG, "VGG16", TABLE, imagenet=KerasApplications())
VGG19 = variant(VGG, "VGG19", TABLE, imagenet=KerasApplications())

preprocess_input = VGG.preprocess_input
decode_predictions = VGG.decode_predictions
