"""HRNet: branches of several resolutions run in parallel and exchange their feature maps repeatedly.

Wang, Sun, Cheng, Jiang, Deng, Zhao, Liu, Mu, Tan, Wang, Liu, Xiao, "Deep High-Resolution Representation
Learning for Visual Recognition", TPAMI 2020, arXiv:1908.07919.

These are the classification networks, HRNet-Wx-C in the paper's appendix, as in the authors' release,
HRNet-Image-Classification, whose head has biases before batch normalization. The sides of the input need not
be multiples of 32: each grid is half the finer one, rounded up, and upsampled feature maps are cropped.
`alpha`, the width multiplier, is not the paper's.
"""

from keras import layers

from kerasnets.assembly.family import family, variant
from kerasnets.assembly.options import count
from kerasnets.blocks.conv import bn, bn_act, conv, conv_bn_act
from kerasnets.blocks.residual import basic_rows, bottleneck_rows, residual
from kerasnets.checks import refuse
from kerasnets.layers.upsample_like import UpSampleLike

# Section 3.4 and the release's configurations. A row is a variant; its columns are arguments of HRNet.
TABLE = {
    "HRNetV2W18": dict(width=18),
    "HRNetV2W30": dict(width=30),
    "HRNetV2W32": dict(width=32),
    "HRNetV2W40": dict(width=40),
    "HRNetV2W44": dict(width=44),
    "HRNetV2W48": dict(width=48),
    "HRNetV2W64": dict(width=64),
}
STEM, STAGE1 = 64, 256  # filters of the stem and of the first stage's units
HEAD, LAST = (128, 256, 512, 1024), 2048  # filters of each branch in the head, and of the last convolution
TINY = dict(width=64, depths=(1, 1), units=1, alpha=0.0625)


@family(size=224, min_size=32, preprocess="torch", tiny=TINY, checks=dict(units=count("units")))
def HRNet(x, width, depths=(1, 1, 4, 3), units=4, pyramid=False, alpha=1.0):
    """Stages of one to four branches, each of half the resolution and twice the channels of the one before.

    Source: sections 3.1 to 3.4 and table 1.

    Args:
        width: Number of channels of the branch of the highest resolution; C in the paper.
        depths: Number of modules in each of at most 4 stages. Branches exchange their feature maps after
            every module.
        units: Number of residual units of each branch of a module.
        pyramid: Whether a network without a top gives a dict of the feature maps of all branches, "P2", "P3",
            "P4" and "P5", instead of the last feature maps alone. Pk has one pixel for each 2**k x 2**k
            pixels of the input.
        alpha: Width multiplier: fraction of the filters of each layer.
    """
    if len(depths) > len(HEAD):
        refuse("depths", f"at most {len(HEAD)} numbers", depths)
    stem, stage1, last, *head = (max(1, int(alpha * n)) for n in (STEM, STAGE1, LAST, *HEAD))
    filters = [max(1, int(alpha * width * 2**b)) for b in range(len(depths))]
    x = conv_bn_act(x, stem, 3, strides=2, name="stem1")
    x = conv_bn_act(x, stem, 3, strides=2, name="stem2")

    maps = [x]
    for stage, depth in enumerate(depths, start=1):
        if stage > 1:
            maps = transition(maps, filters[:stage], name=f"stage{stage}_transition")
        rows = [basic_rows(n) for n in filters[:stage]] if stage > 1 else [bottleneck_rows(stage1)]
        for m in range(1, depth + 1):
            maps = module(maps, rows, units, name=f"stage{stage}_module{m}")
    if pyramid:
        return {f"P{level}": x for level, x in enumerate(maps, start=2)}

    x, *coarser = (
        residual(x, bottleneck_rows(n), name=f"head_branch{b}")
        for b, (x, n) in enumerate(zip(maps, head, strict=False), start=1)
    )
    for b, other in enumerate(coarser, start=2):
        x = conv(x, other.shape[-1], 3, strides=2, use_bias=True, name=f"head_down{b}_conv")
        x = layers.Add(name=f"head_down{b}_add")([other, bn_act(x, name=f"head_down{b}")])
    return bn_act(conv(x, last, 1, use_bias=True, name="last_conv"), name="last")


def transition(maps, filters, name):
    """Brings each branch to its number of channels, and adds one of half the resolution; figure 2."""
    kept = [
        x if x.shape[-1] == n else conv_bn_act(x, n, 3, name=f"{name}{b}")
        for b, (x, n) in enumerate(zip(maps, filters, strict=False), start=1)
    ]
    return [*kept, conv_bn_act(maps[-1], filters[-1], 3, strides=2, name=f"{name}{len(filters)}")]


def module(maps, rows, units, name):
    """Residual units on each branch, and an exchange between the branches; section 3.2."""
    ends = []
    for b, (x, branch) in enumerate(zip(maps, rows, strict=True), start=1):
        for u in range(1, units + 1):
            x = residual(x, branch, name=f"{name}_branch{b}_unit{u}")
        ends.append(x)
    return exchange(ends, name=f"{name}_exchange") if len(ends) > 1 else ends


def exchange(maps, name):
    """Adds to each branch the feature maps of all others, brought to its shape; figure 3.

    Finer feature maps are reduced by strided 3x3 convolutions, one for each halving of the grid. Coarser ones
    are brought in by a 1x1 convolution and nearest-neighbor upsampling.
    """
    fused = []
    for i, own in enumerate(maps):
        terms = []
        for j, x in enumerate(maps):
            step = f"{name}{j + 1}to{i + 1}"
            for k in range(j + 1, i):
                x = conv_bn_act(x, x.shape[-1], 3, strides=2, name=f"{step}_{k - j}")
            if j != i:
                kernel, strides = (3, 2) if j < i else (1, 1)
                x = conv(x, own.shape[-1], kernel, strides, name=f"{step}_conv")
                x = bn(x, name=f"{step}_bn")
            terms.append(UpSampleLike(2 ** (j - i), name=f"{step}_up")([x, own]) if j > i else x)
        x = layers.Add(name=f"{name}_add{i + 1}")(terms)
        fused.append(layers.Activation("relu", name=f"{name}_act{i + 1}")(x))
    return fused


HRNetV2W18 = variant(HRNet, "HRNetV2W18", TABLE)
HRNetV2W30 = variant(HRNet, "HRNetV2W30", TABLE)
HRNetV2W32 = variant(HRNet, "HRNetV2W32", TABLE)
HRNetV2W40 = variant(HRNet, "HRNetV2W40", TABLE)
HRNetV2W44 = variant(HRNet, "HRNetV2W44", TABLE)
HRNetV2W48 = variant(HRNet, "HRNetV2W48", TABLE)
HRNetV2W64 = variant(HRNet, "HRNetV2W64", TABLE)

preprocess_input = HRNet.preprocess_input
decode_predictions = HRNet.decode_predictions
