"""ZFNet: AlexNet with a finer first convolution, found by looking at what its maps respond to.

Zeiler, Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014, arXiv:1311.2901.

`ZFNet` is the net of figure 3; `ZFNet512` has the wider last convolutions that table 2 tries. The first
convolution has a zero on each side, and the last window of pooling may hang over the border: so the grids of
figure 3 come out. Its constants of contrast normalisation are not printed and are AlexNet's. Weights start as
He's uniform ones, where the paper has 0.01; its limit on the filters' norm belongs to training.
"""

from kerasnets.assembly.family import family, variant
from kerasnets.assembly.heads import FLATTENED
from kerasnets.blocks.conv import conv, overlapping_pool
from kerasnets.checks import refuse
from kerasnets.layers.lrn import LRN

# Figure 3 and table 2. A row is a variant; its columns are arguments of ZFNets.
TABLE = {
    "ZFNet": dict(filters=(96, 256, 384, 384, 256)),
    "ZFNet512": dict(filters=(96, 256, 512, 1024, 512)),
}
# Of each convolution: kernel, strides, padding, whether pooling follows, whether normalisation follows that.
LAYERS = (
    (7, 2, 1, True, True),
    (5, 2, "valid", True, True),
    (3, 1, "same", False, False),
    (3, 1, "same", False, False),
    (3, 1, "same", True, False),
)
TINY = dict(filters=(4, 6, 4, 5, 6), hidden=(8, 6))


@family(
    size=224,
    min_size=47,
    preprocess="caffe",
    head=FLATTENED,
    tiny=TINY,
    hidden=(4096, 4096),
    dropout=0.5,
)
def ZFNets(x, filters):
    """Five convolutions with overlapping pooling and contrast normalisation behind it, and dense layers.

    Source: section 3 and figure 3.

    Args:
        filters: Maps of each of the five convolutions.
        hidden: Units of each hidden dense layer of the top.
        dropout: Share of the hidden units dropped in training.
    """
    if len(filters) != len(LAYERS):
        refuse("filters", f"{len(LAYERS)} whole numbers, one for each convolution", filters)
    for i, (n, row) in enumerate(zip(filters, LAYERS, strict=True), start=1):
        kernel, strides, padding, pooled, normalised = row
        x = conv(x, n, kernel, strides, padding, use_bias=True, act="relu", name=f"conv{i}")
        if pooled:
            x = overlapping_pool(x, name=f"conv{i}_pool")
        if normalised:
            x = LRN(name=f"conv{i}_lrn")(x)
    return x


ZFNet = variant(ZFNets, "ZFNet", TABLE)
ZFNet512 = variant(ZFNets, "ZFNet512", TABLE)

preprocess_input = ZFNet.preprocess_input
decode_predictions = ZFNet.decode_predictions
