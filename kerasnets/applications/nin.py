"""Network in network: 1x1 convolutions behind each convolution, and the mean of a map for each class.

Lin, Chen, Yan, "Network In Network", ICLR 2014, arXiv:1312.4400.

The paper leaves the numbers of maps open; they are those of the authors' release, as is the whole ImageNet
net, which the paper does not have. As there, dropout stands behind the pooling, whose last window may hang
over the border. Weights start as He's uniform ones, where the release has Gaussians. The paper normalises
the contrast of CIFAR images and whitens them, which needs the data set; `preprocess_input` takes ImageNet's
mean and deviation.
"""

from keras import layers

from kerasnets.assembly.family import family, variant
from kerasnets.assembly.heads import convolved
from kerasnets.blocks.conv import conv, overlapping_pool

# The release's files. A row is a variant; its column is an argument of NINs. Of each mlpconv layer: kernel,
# strides, maps, pooling, whether dropout follows. The very last 1x1 convolution stands in the head.
TABLE = {
    "NIN": dict(
        mlpconvs=(
            (5, 1, (192, 160, 96), "max", True),
            (5, 1, (192, 192, 192), "avg", True),
            (3, 1, (192, 192), None, False),
        )
    ),
    "NINImageNet": dict(
        mlpconvs=(
            (11, 4, (96, 96, 96), "max", False),
            (5, 1, (256, 256, 256), "max", False),
            (3, 1, (384, 384, 384), "max", True),
            (3, 1, (1024, 1024), None, False),
        )
    ),
}
TINY = dict(mlpconvs=((5, 1, (6, 4), "max", True), (3, 1, (8,), "avg", True), (3, 1, (16, 16), None, False)))
IMAGENET_TINY = dict(
    mlpconvs=(
        (11, 4, (6, 4), "max", False),
        (5, 1, (6,), "max", False),
        (3, 1, (8,), "max", True),
        (3, 1, (16, 16), None, False),
    )
)


@family(size=32, min_size=8, classes=10, preprocess="torch", head=convolved, tiny=TINY)
def NINs(x, mlpconvs, dropout=0.5):
    """Mlpconv layers: a convolution and 1x1 convolutions, each with ReLU; pooling between any two.

    Source: sections 3.1 and 3.3, figure 2.

    Args:
        mlpconvs: For each layer, its kernel in pixels, its strides, the maps of its convolution and of each
            1x1 behind it, "max", "avg" or None for the pooling behind them, and whether dropout follows. A
            kernel with strides above 1 reads no zeros beyond the border.
        dropout: Share of the values dropped in training.
    """
    for i, (kernel, strides, filters, pooling, dropped) in enumerate(mlpconvs, start=1):
        padding = "same" if strides == 1 else "valid"
        for j, n in enumerate(filters, start=1):
            k, s, p = (kernel, strides, padding) if j == 1 else (1, 1, "same")
            x = conv(x, n, k, s, p, use_bias=True, act="relu", name=f"mlpconv{i}_conv{j}")
        if pooling == "max":
            x = overlapping_pool(x, name=f"mlpconv{i}_pool")
        elif pooling == "avg":
            x = layers.AveragePooling2D(3, 2, "same", name=f"mlpconv{i}_pool")(x)
        if dropped and dropout:
            x = layers.Dropout(dropout, name=f"mlpconv{i}_dropout")(x)
    return x


NIN = variant(NINs, "NIN", TABLE)
NINImageNet = variant(NINs, "NINImageNet", TABLE, size=224, min_size=39, classes=1000, tiny=IMAGENET_TINY)

preprocess_input = NIN.preprocess_input
decode_predictions = NIN.decode_predictions
