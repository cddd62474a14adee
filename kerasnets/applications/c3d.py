"""C3D: kernels of 3x3x3 cover the frames of a video clip as well as its pixels.

Tran, Bourdev, Fergus, Torresani, Paluri, "Learning Spatiotemporal Features with 3D Convolutional Networks",
ICCV 2015, arXiv:1412.0767.

The classes are the 101 of UCF101, the first dataset on which the paper tests; its network for Sports-1M has
487. Clips of 16 frames and 112 pixels leave 2 frames of 7 pixels before the last pooling, whose last windows
extend beyond the border as in the authors' release. In a network that others trained, its windows extend
beyond all borders of a frame (`pool_padding="both"`). The release subtracts the mean volume of Sports-1M from
its BGR clips, which is a file of 16 frames that is not available here. `preprocess_input` instead subtracts
UCF101's mean of each channel, also in BGR. Weights are initialized by He's uniform distribution and biases
with zeros; `surgery.initialize(net, "paper")` gives those of the release, Gaussians of 0.01 and 0.005, and
biases of 1 in all layers but the first and the last. The smaller networks with other temporal depths that the
paper also tries are not included.
"""

from kerasnets.assembly.family import family, variant
from kerasnets.assembly.heads import FLATTENED
from kerasnets.assembly.starts import Start
from kerasnets.blocks.conv import conv_act, max_pool
from kerasnets.checks import refuse

# Figure 3. A row is a variant; its columns are arguments of C3Ds.
TABLE = {"C3D": dict(depths=(1, 1, 2, 2, 2), filters=(64, 128, 256, 512, 512))}
PADDINGS = {"end": "same", "both": (0, 1, 1)}  # of the last pooling
TINY = dict(filters=(3, 4, 4, 6, 6), hidden=(8, 6))
STARTS = {
    "paper": Start(
        "the release, examples/c3d_train_ucf101/conv3d_ucf101_train.prototxt; the paper prints nothing",
        kernels={"fc*": ("gaussian", dict(std=0.005)), "*": ("gaussian", dict(std=0.01))},
        biases={"block1_conv1": 0.0, "block*": 1.0, "fc*": 1.0},
    )
}


@family(
    size=(16, 112, 112),
    min_size=(8, 16, 16),
    classes=101,
    preprocess="ucf101",
    head=FLATTENED,
    tiny=TINY,
    starts=STARTS,
    hidden=(4096, 4096),
    dropout=0.5,
)
def C3Ds(x, depths, filters, pool_padding="end"):
    """Blocks of 3x3x3 convolutions, each followed by pooling that halves the grid, and dense layers.

    The first pooling does not merge frames, so that temporal information is not lost early.

    Source: section 3.3 and figure 3.

    Args:
        depths: Number of convolutions in each block.
        filters: Number of filters of the convolutions of each block.
        pool_padding: Sides on which windows of the last pooling may extend beyond the border of a frame:
            "end" for the bottom and the right, "both" for all four.
        hidden: Number of units of each hidden dense layer of the top.
        dropout: Dropout rate of the hidden units.
    """
    if len(filters) != len(depths):
        refuse("filters", f"a tuple of {len(depths)} whole numbers, one for each of `depths`", filters)
    for b, (depth, n) in enumerate(zip(depths, filters, strict=True), start=1):
        for i in range(1, depth + 1):
            x = conv_act(x, n, 3, name=f"block{b}_conv{i}")
        window = (1, 2, 2) if b == 1 else 2
        padding = PADDINGS[pool_padding] if b == len(depths) else "valid"
        x = max_pool(x, window, window, padding, name=f"block{b}_pool")
    return x


C3D = variant(C3Ds, "C3D", TABLE)

preprocess_input = C3D.preprocess_input
decode_predictions = C3D.decode_predictions
