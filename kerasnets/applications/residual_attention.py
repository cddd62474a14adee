"""Residual attention network: masks computed on coarser grids weight the output of residual units.

Wang, Jiang, Qian, Yang, Li, Zhang, Wang, Tang, "Residual Attention Network for Image Classification", CVPR
2017, arXiv:1704.06904.

What the paper does not state is as in the definition files of the release
(fwang91/residual-attention-network): residual units after each pooling of a mask and one more before each
interpolation, one on each skip connection, and neither bias nor batch normalization after the last
convolution of a mask. Pooling rounds odd grids up, not down. Interpolation treats pixels as areas, while
Caffe aligns the corners. The release's Attention92 has TanH in place of the paper's sigmoid.

The CIFAR networks were not released, and the paper states neither their width nor the depth of their masks.
Here the numbers of channels are those of ResNet's CIFAR networks with bottlenecks, and masks have 3, 2 and 1
poolings as on ImageNet. This gives 1.84, 5.08 and 8.75 million parameters, where table 6 prints 1.9, 5.1 and
8.6. `alpha`, the width multiplier, is not the paper's.
"""

import functools

from keras import layers

from kerasnets.assembly.family import family, variant
from kerasnets.assembly.options import count, one_of
from kerasnets.blocks.conv import bn_act, bn_act_conv, conv, conv_bn_act, max_pool
from kerasnets.blocks.residual import bottleneck_rows, preact_residual
from kerasnets.layers.soft_mask import SoftMask
from kerasnets.layers.upsample_like import UpSampleLike

# Table 2, ImageNet. A row is a variant; its columns are arguments of ResidualAttention.
TABLE = {
    "Attention56": dict(depths=(1, 1, 1)),
    "Attention92": dict(depths=(1, 2, 3)),
}
FILTERS, CIFAR_FILTERS = 64, 16  # filters of the stem; the first stage has four times as many
TINY = dict(depths=(1,), trunk_units=1, alpha=0.0625)

# Table 6 and its footnote, CIFAR.
CIFAR_TABLE = {
    "Attention92C": dict(depths=(2, 2, 2)),
    "Attention236C": dict(depths=(6, 6, 6)),
    "Attention452C": dict(depths=(6, 6, 6), pre_units=2, trunk_units=4, mask_units=3),
}
CIFAR_TINY = dict(depths=(1,), trunk_units=1, alpha=0.25)

CHECKS = dict(
    pre_units=count("units"),
    trunk_units=count("units"),
    mask_units=count("units"),
    attention=one_of("mixed", "channel", "spatial"),
)


@family(size=224, min_size=32, preprocess="caffe", tiny=TINY, checks=CHECKS)
def ResidualAttention(x, depths, pre_units=1, trunk_units=2, mask_units=1, attention="mixed", alpha=1.0):
    """Attention modules in each of three stages, followed by three residual units.

    Source: figure 2 and table 2.

    Args:
        depths: Number of attention modules in each stage; every stage but the first halves the grid. The
            masks of the last stage have one pooling, and those of each earlier stage one more.
        pre_units: Number of residual units before a module splits into trunk and mask, and again after it; p
            in the paper.
        trunk_units: Number of residual units of a trunk; t in the paper.
        mask_units: Number of residual units after each pooling of a mask; r in the paper.
        attention: Which masks are used: "mixed", over channels and pixels; "channel", over channels;
            "spatial", over pixels.
        alpha: Width multiplier: fraction of the filters of each layer.
    """
    filters = max(1, int(alpha * FILTERS))
    module = functools.partial(attention_module, p=pre_units, t=trunk_units, r=mask_units, kind=attention)
    x = conv_bn_act(x, filters, 7, strides=2, name="stem")
    x = max_pool(x, 3, 2, padding="same", name="stem_pool")
    x = stages(x, 4 * filters, depths, module)
    x = unit(x, 2 * x.shape[-1], 2, name="last_unit1")
    x = chain(x, 2, name="last_unit", first=2)
    return bn_act(x, name="final")


@family(size=32, min_size=8, classes=10, preprocess="torch", tiny=CIFAR_TINY, checks=CHECKS)
def CIFARResidualAttention(x, depths, pre_units=1, trunk_units=2, mask_units=1, attention="mixed", alpha=1.0):
    """Attention modules between two residual units in each of three stages, for small images.

    Source: section 4.1.

    Args:
        depths: Number of attention modules in each stage; every stage but the first halves the grid. The
            masks of the last stage have one pooling, and those of each earlier stage one more.
        pre_units: Number of residual units before a module splits into trunk and mask, and again after it; p
            in the paper.
        trunk_units: Number of residual units of a trunk; t in the paper.
        mask_units: Number of residual units after each pooling of a mask; r in the paper.
        attention: Which masks are used: "mixed", over channels and pixels; "channel", over channels;
            "spatial", over pixels.
        alpha: Width multiplier: fraction of the filters of each layer.
    """
    filters = max(1, int(alpha * CIFAR_FILTERS))
    module = functools.partial(attention_module, p=pre_units, t=trunk_units, r=mask_units, kind=attention)
    x = conv(x, filters, 3, name="stem_conv")
    x = stages(x, 4 * filters, depths, module, closed=True)
    return bn_act(x, name="final")


def stages(x, filters, depths, module, closed=False):
    """A residual unit and attention modules in each stage; if `closed`, another residual unit at its end."""
    for s, depth in enumerate(depths):
        x = unit(x, filters * 2**s, 2 if s else 1, name=f"stage{s + 1}_unit1")
        for i in range(1, depth + 1):
            x = module(x, len(depths) - s, name=f"stage{s + 1}_attention{i}")
        if closed:
            x = unit(x, name=f"stage{s + 1}_unit2")
    return x


def attention_module(x, poolings, p, t, r, kind, name):
    """The trunk T and its mask M, combined to (1 + M) T; section 3.1 and figure 2."""
    x = chain(x, p, name=f"{name}_pre")
    trunk = chain(x, t, name=f"{name}_trunk")
    mask = down_and_up(x, poolings, r, name=f"{name}_mask")
    mask = bn_act_conv(mask, x.shape[-1], 1, name=f"{name}_mask_out1")
    mask = bn_act_conv(mask, x.shape[-1], 1, name=f"{name}_mask_out2")
    mask = SoftMask(kind, name=f"{name}_mask")(mask)
    masked = layers.Multiply(name=f"{name}_masked")([trunk, mask])
    x = layers.Add(name=f"{name}_add")([trunk, masked])
    return chain(x, p, name=f"{name}_post")


def down_and_up(x, poolings, r, name):
    """The grid is halved `poolings` times with residual units, and upsampled again to that of `x`."""
    y = max_pool(x, 3, 2, padding="same", name=f"{name}_pool{poolings}")
    y = chain(y, r, name=f"{name}_down{poolings}_unit")
    if poolings > 1:
        skip = unit(y, name=f"{name}_skip{poolings}")
        coarser = down_and_up(y, poolings - 1, r, name)
        y = layers.Add(name=f"{name}_add{poolings}")([skip, coarser])
    y = unit(y, name=f"{name}_up{poolings}")
    return UpSampleLike(interpolation="bilinear", name=f"{name}_interpolate{poolings}")([y, x])


def chain(x, depth, name, first=1):
    """Residual units one after another, numbered from `first`."""
    for i in range(first, first + depth):
        x = unit(x, name=f"{name}{i}")
    return x


def unit(x, filters=None, strides=1, name=None):
    """A pre-activation bottleneck. Without `filters` it keeps the number of channels."""
    return preact_residual(x, bottleneck_rows(filters or x.shape[-1], strides), name=name)


Attention56 = variant(ResidualAttention, "Attention56", TABLE)
Attention92 = variant(ResidualAttention, "Attention92", TABLE)
Attention92C = variant(CIFARResidualAttention, "Attention92C", CIFAR_TABLE)
Attention236C = variant(CIFARResidualAttention, "Attention236C", CIFAR_TABLE)
Attention452C = variant(CIFARResidualAttention, "Attention452C", CIFAR_TABLE)

preprocess_input = ResidualAttention.preprocess_input
decode_predictions = ResidualAttention.decode_predictions
