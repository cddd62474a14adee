"""DenseNet: every layer reads the feature maps of all earlier layers of its block.

Huang, Liu, van der Maaten, Weinberger, "Densely Connected Convolutional Networks", CVPR 2017,
arXiv:1608.06993.

Where the paper leaves a choice, the networks are those of the authors' release, which trained weights fit:
there is a last batch normalization and ReLU before the head, and batch normalization and ReLU after the stem
of the ImageNet networks. `stem` is for weights that others published: their networks for CIFAR have 24
filters in the stem even without bottlenecks.

`memory_efficient` trains as in Pleiss et al., "Memory-Efficient Implementation of DenseNets", 2017,
arXiv:1707.06990: concatenated and normalized feature maps are not kept, but recomputed in the backward pass,
also before a 3x3 convolution if a network has no bottlenecks. Unlike in their release, the second batch
normalization of a dense layer and that of a transition are recomputed too, and the moments of a feature map
are computed once, not again for each layer that reads it.
"""

from keras import layers

from kerasnets.assembly.family import family, variant
from kerasnets.assembly.options import FLAG, KEPT, count, optional
from kerasnets.assembly.starts import Start
from kerasnets.blocks.conv import EPSILON, bn_act, bn_act_conv, conv, conv_bn_act, max_pool
from kerasnets.checks import refuse
from kerasnets.layers import BatchMoments, RecomputedConv2D

# Table 1, ImageNet. A row is a variant; its columns are arguments of DenseNet.
TABLE = {
    "DenseNet121": dict(depths=(6, 12, 24, 16), growth=32),
    "DenseNet161": dict(depths=(6, 12, 36, 24), growth=48),  # the release's, k = 48
    "DenseNet169": dict(depths=(6, 12, 32, 32), growth=32),
    "DenseNet201": dict(depths=(6, 12, 48, 32), growth=32),
    "DenseNet264": dict(depths=(6, 12, 64, 48), growth=32),
}
TINY = dict(depths=(1, 2), growth=4)

# Table 2, CIFAR and SVHN. BC means bottlenecks, and transitions that reduce the channels.
CIFAR_TABLE = {
    "DenseNet40": dict(depth=40, growth=12),
    "DenseNet100": dict(depth=100, growth=12),
    "DenseNetBC100": dict(depth=100, growth=12, keep=0.5, bottleneck=True),
    "DenseNetBC190": dict(depth=190, growth=40, keep=0.5, bottleneck=True),
    "DenseNetBC250": dict(depth=250, growth=24, keep=0.5, bottleneck=True),
}
CIFAR_TINY = dict(depth=10, growth=4)

CHECKS = dict(growth=count("channels"), keep=KEPT, memory_efficient=FLAG)
CIFAR_CHECKS = dict(CHECKS, stem=optional(count("filters")))
STARTS = {"paper": Start("section 4.2: as in He et al. 2015", kernels={"*": ("he", {})})}


@family(size=224, min_size=32, preprocess="torch", tiny=TINY, checks=CHECKS, starts=STARTS)
def DenseNet(x, depths, growth=32, keep=0.5, memory_efficient=False):
    """Dense blocks, connected by transitions that reduce the channels and halve the grid.

    Source: section 3 and table 1.

    Args:
        depths: Number of dense layers in each block.
        growth: Number of channels that a dense layer adds; k in the paper.
        keep: Fraction of the channels that a transition keeps; theta in the paper.
        memory_efficient: Whether training recomputes concatenated feature maps instead of keeping them.
    """
    x = conv_bn_act(x, 2 * growth, 7, strides=2, name="stem")
    x = max_pool(x, 3, strides=2, name="stem_pool")
    return dense_blocks(x, depths, growth, keep, True, memory_efficient)


@family(
    size=32,
    min_size=8,
    classes=10,
    preprocess="torch",
    tiny=CIFAR_TINY,
    checks=CIFAR_CHECKS,
    starts=STARTS,
)
def CIFARDenseNet(x, depth, growth=12, keep=1.0, bottleneck=False, memory_efficient=False, stem=None):
    """Three dense blocks of equal depth for small images.

    Source: section 4.2 and table 2.

    Args:
        depth: Total number of layers with weights; L in the paper. It is 4 more than a multiple of 3, or of 6
            with bottlenecks.
        growth: Number of channels that a dense layer adds; k in the paper.
        keep: Fraction of the channels that a transition keeps; theta in the paper.
        bottleneck: Whether a 1x1 convolution of 4k filters precedes each 3x3.
        memory_efficient: Whether training recomputes concatenated feature maps instead of keeping them.
        stem: Number of filters of the first convolution; None for the paper's 16, or 2k with bottlenecks.
    """
    step = 6 if bottleneck else 3
    if depth <= 4 or (depth - 4) % step:
        refuse("depth", f"4 more than a multiple of {step}", depth)
    x = conv(x, stem or (2 * growth if bottleneck else 16), 3, name="stem_conv")
    return dense_blocks(x, ((depth - 4) // step,) * 3, growth, keep, bottleneck, memory_efficient)


def dense_blocks(x, depths, growth, keep, bottleneck, memory_efficient):
    """Dense blocks with a transition between any two."""
    form = (recomputed, append) if memory_efficient else (bn_act_conv, concatenate)
    for b, depth in enumerate(depths, start=1):
        if b > 1:
            x = transition(x, keep, form, name=f"transition{b - 1}")
        if memory_efficient:
            x = append([], x, name=f"block{b}")
        for i in range(1, depth + 1):
            x = dense_layer(x, growth, bottleneck, form, name=f"block{b}_layer{i}")
    if memory_efficient:
        x = layers.Concatenate(name="final_join")([maps for maps, _ in x])
    return bn_act(x, name="final")


def dense_layer(x, growth, bottleneck, form, name):
    """Appends `growth` channels, computed from all channels so far."""
    unit, join = form
    new = unit(x, 4 * growth, 1, name=f"{name}_squeeze") if bottleneck else x
    new = unit(new, growth, 3, name=f"{name}_grow")
    return join(x, new, name=name)


def transition(x, keep, form, name):
    """Reduces the channels to a fraction `keep` of them and halves the grid."""
    unit, _ = form
    channels = sum(maps.shape[-1] for maps, _ in x) if isinstance(x, list) else x.shape[-1]
    x = unit(x, max(1, int(keep * channels)), 1, name=name)
    return layers.AveragePooling2D(2, name=f"{name}_pool")(x)


def concatenate(x, new, name):
    """All channels so far as one tensor."""
    return layers.Concatenate(name=f"{name}_join")([x, new])


def append(x, new, name):
    """All channels so far as a list of tensors with their moments, to be concatenated when they are read."""
    return [*x, (new, BatchMoments(name=f"{name}_moments")(new))]


def recomputed(x, filters, kernel, name):
    """`bn_act_conv` of such a list, or of a tensor that nothing else reads, with recomputation."""
    x = x if isinstance(x, list) else append([], x, name)
    maps, moments = (list(column) for column in zip(*x, strict=True))
    unit = RecomputedConv2D(filters, kernel, epsilon=EPSILON, kernel_initializer="he_uniform", name=name)
    return unit(maps, moments)


DenseNet121 = variant(DenseNet, "DenseNet121", TABLE)
DenseNet161 = variant(DenseNet, "DenseNet161", TABLE)
DenseNet169 = variant(DenseNet, "DenseNet169", TABLE)
DenseNet201 = variant(DenseNet, "DenseNet201", TABLE)
DenseNet264 = variant(DenseNet, "DenseNet264", TABLE)
DenseNet40 = variant(CIFARDenseNet, "DenseNet40", CIFAR_TABLE)
DenseNet100 = variant(CIFARDenseNet, "DenseNet100", CIFAR_TABLE)
DenseNetBC100 = variant(CIFARDenseNet, "DenseNetBC100", CIFAR_TABLE)
DenseNetBC190 = variant(CIFARDenseNet, "DenseNetBC190", CIFAR_TABLE)
DenseNetBC250 = variant(CIFARDenseNet, "DenseNetBC250", CIFAR_TABLE)

preprocess_input = DenseNet.preprocess_input
decode_predictions = DenseNet.decode_predictions
