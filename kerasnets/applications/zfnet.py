"""ZFNet: AlexNet with a finer first convolution, found by visualizing what its filters respond to.

Zeiler, Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014, arXiv:1311.2901.

`ZFNet` is the network of figure 3; `ZFNet512` has the wider last convolutions that table 2 tries. The grids
of figure 3 result from padding the first convolution by 1 on each side, and from pooling whose last window
may extend beyond the border. The paper does not state the constants of its contrast normalization; they are
AlexNet's. Weights are initialized by He's uniform distribution; `surgery.initialize(net, "paper")` gives the
paper's, "initialized to 10^-2". The paper's limit on the norm of the filters belongs to training.
"""

from typing import NamedTuple

from kerasnets.assembly.family import family, variant
from kerasnets.assembly.heads import FLATTENED
from kerasnets.assembly.options import FLAG
from kerasnets.assembly.starts import Start
from kerasnets.blocks.conv import conv_act, overlapping_pool
from kerasnets.checks import refuse
from kerasnets.layers.lrn import LRN

# Figure 3 and table 2. A row is a variant; its columns are arguments of ZFNets.
TABLE = {
    "ZFNet": dict(filters=(96, 256, 384, 384, 256)),
    "ZFNet512": dict(filters=(96, 256, 512, 1024, 512)),
}


class Layer(NamedTuple):
    """A convolution, and what follows it."""

    kernel: int
    strides: int = 1
    padding: str | int = "same"
    pooled: bool = False  # whether pooling follows
    normalized: bool = False  # whether contrast normalization follows


LAYERS = (
    Layer(7, strides=2, padding=1, pooled=True, normalized=True),
    Layer(5, strides=2, padding="valid", pooled=True, normalized=True),
    Layer(3),
    Layer(3),
    Layer(3, pooled=True),
)
TINY = dict(filters=(4, 6, 4, 5, 6), hidden=(8, 6))
STARTS = {"paper": Start("section 3, training details", kernels={"*": ("gaussian", dict(std=0.01))})}


@family(
    size=224,
    min_size=47,
    preprocess="caffe",
    head=FLATTENED,
    tiny=TINY,
    checks=dict(normalize_first=FLAG),
    starts=STARTS,
    hidden=(4096, 4096),
    dropout=0.5,
)
def ZFNets(x, filters, normalize_first=False):
    """Five convolutions with overlapping pooling and contrast normalization, followed by dense layers.

    Source: section 3 and figure 3.

    Args:
        filters: Number of filters of each of the five convolutions.
        normalize_first: Whether contrast normalization precedes the pooling instead of following it, as in
            AlexNet.
        hidden: Number of units of each hidden dense layer of the top.
        dropout: Dropout rate of the hidden units.
    """
    if len(filters) != len(LAYERS):
        refuse("filters", f"{len(LAYERS)} whole numbers, one for each convolution", filters)
    for i, (n, layer) in enumerate(zip(filters, LAYERS, strict=True), start=1):
        x = conv_act(x, n, layer.kernel, layer.strides, layer.padding, name=f"conv{i}")
        if layer.normalized and normalize_first:
            x = LRN(name=f"conv{i}_lrn")(x)
        if layer.pooled:
            x = overlapping_pool(x, name=f"conv{i}_pool")
        if layer.normalized and not normalize_first:
            x = LRN(name=f"conv{i}_lrn")(x)
    return x


ZFNet = variant(ZFNets, "ZFNet", TABLE)
ZFNet512 = variant(ZFNets, "ZFNet512", TABLE)

preprocess_input = ZFNet.preprocess_input
decode_predictions = ZFNet.decode_predictions
