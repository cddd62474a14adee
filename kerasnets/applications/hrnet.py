"""HRNet: branches of several resolutions run side by side and exchange their maps again and again.

Wang, Sun, Cheng, Jiang, Deng, Zhao, Liu, Mu, Tan, Wang, Liu, Xiao, "Deep High-Resolution Representation
Learning for Visual Recognition", TPAMI 2020, arXiv:1908.07919.

These are the classification nets, HRNet-Wx-C in the paper's appendix. They are those of the authors' release,
HRNet-Image-Classification, whose head has biases before batch normalisation. The grids need not be multiples
of 32: each is half the finer one, rounded up, and what hangs over when it is enlarged is cut off. `alpha`, a
share of the maps, is not the paper's.
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
STEM, STAGE1 = 64, 256  # maps of the stem and of the first stage's units
HEAD, LAST = (128, 256, 512, 1024), 2048  # maps of each branch in the head, and of the convolution behind it
TINY = dict(width=64, depths=(1, 1), units=1, alpha=0.0625)


@family(size=224, min_size=32, preprocess="torch", tiny=TINY, checks=dict(units=count("units")))
def HRNet(x, width, depths=(1, 1, 4, 3), units=4, pyramid=False, alpha=1.0):
    """Stages of one, two, three and four branches, each on half the grid and with twice the maps of the last.

    Source: sections 3.1 to 3.4 and table 1.

    Args:
        width: Maps of the branch of the highest resolution; C in the paper.
        depths: Modules in each stage, at most 4; branches exchange their maps behind every module.
        units: Residual units of each branch of a module.
        pyramid: Without a top, whether the output is a dict of each branch's maps, "P2", "P3", "P4" and "P5",
            where Pk has a pixel for each 2**k x 2**k of the input, instead of the last maps alone.
        alpha: Share of each layer's maps.
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
    """Gives each branch its count of maps, and adds one on half the grid of the last; figure 2."""
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
    """Adds to each branch's maps those of all others, brought to its grid and count; figure 3.

    Finer maps come by strided 3x3 convolutions, one for each halving; coarser ones by a 1x1 convolution and
    the nearest pixel.
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
