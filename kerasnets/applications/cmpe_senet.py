"""CMPE-SE: the weights of a residual unit's new maps depend on these and on the identity they are added to.

Hu, Wen, Luo, Dai, Ma, Yu, "Competitive Inner-Imaging Squeeze and Excitation for Residual Network", 2018,
arXiv:1807.08920.

Of the paper's forms there are three. "double_fc" squeezes and reduces the two apart and excites from both.
"pair_view" puts the means of the two side by side and reads them with 1x1 kernels. "inner_imaging" folds the
means into an image, whose rows are in turn a group of the new maps and the same group of the identity, and
reads it with 3x3 kernels, so that they see neighbours in both; it is what the paper's last version is named
after, and the default here.

The units are written from the paper's abstract and the authors' release in MXNet; its equations were not at
hand. As in the release, no layer has biases; there is one kernel for each `reduction` maps, as many as the
first exciting layer has units; an image gets no zeros around it; behind the kernels is batch normalisation
alone, then the mean over the kernels, pixel by pixel; a fold has as many groups as the net is wide. In
training that normalisation all but undoes the size of a 1x1 kernel: what "pair_view" learns is in the layers
behind it.

The body is the wide residual net of Zagoruyko and Komodakis 2016, with their dropout, which the release has
not. The release also normalises the images, as `preprocess_input` does here, and the stem, as the first unit
does once more: both are left out.
"""

from keras import layers

from kerasnets.assembly.family import family, variant
from kerasnets.assembly.heads import AVERAGED
from kerasnets.assembly.options import one_of
from kerasnets.blocks.attention import excite
from kerasnets.blocks.conv import bn, bn_act, conv
from kerasnets.blocks.residual import basic_rows, preact_branches, units
from kerasnets.checks import refuse

# The release: cmpe_se_3x3_wrn28_10. A row is a variant; its columns are arguments of CMPESEWRN.
TABLE = {"CMPESEWRN28_10": dict(depth=28, width=10)}
FILTERS = (16, 32, 64)
TINY = dict(depth=10, width=2, reduction=4)


@family(
    size=32,
    min_size=8,
    classes=10,
    preprocess="torch",
    tiny=TINY,
    head=AVERAGED,
    checks=dict(form=one_of("double_fc", "pair_view", "inner_imaging")),
)
def CMPESEWRN(x, depth, width, form="inner_imaging", reduction=16, dropout=0.0):
    """Three stages of pre-activated units, in which residual and identity compete for the weights.

    Source: the release, CIFARWideResNet, CMPESEBlockDoubleFC, CMPESEBlock1x1 and CMPESEBlock3x3.

    Args:
        depth: Convolutions, all told: 4 more than a multiple of 6.
        width: Widening factor of the body, and groups in a fold.
        form: What the weights are computed from: "double_fc", "pair_view" or "inner_imaging"; see above.
        reduction: Maps for each unit of the first of the two layers that excite, and for each kernel.
        dropout: Share dropped in training between the convolutions of a unit.
    """
    if depth <= 4 or depth % 6 != 4:
        refuse("depth", "4 more than a multiple of 6", depth)
    if form == "inner_imaging" and width < 2:
        refuse("width", "at least 2 with form='inner_imaging', whose kernels are 3 rows high", width)
    x = conv(x, FILTERS[0], 3, name="stem_conv")
    for stage, strides, name in units((depth // 6,) * 3):
        new, old = preact_branches(x, basic_rows(width * FILTERS[stage], strides), dropout=dropout, name=name)
        new = compete(new, old, form, width, reduction, name=f"{name}_se")
        x = layers.Add(name=f"{name}_add")([old, new])
    return bn_act(x, name="final")


def compete(new, old, form, width, reduction, name):
    """The residual's maps, each times its weight in one of the three forms."""
    if form == "double_fc":
        return double_fc(new, old, reduction, name)
    groups, kernel = (new.shape[-1], 1) if form == "pair_view" else (width, 3)
    return imaged(new, old, groups, kernel, reduction, name)


def double_fc(new, old, reduction, name):
    """Means of residual and identity, each reduced by a layer of its own, excite the residual together."""
    maps, signals = new.shape[-1], []
    for side, x in {"residual": new, "identity": old}.items():
        x = layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}_{side}_squeeze")(x)
        signals.append(conv(x, max(1, maps // reduction), 1, act="relu", name=f"{name}_{side}_reduce"))
    weights = layers.Concatenate(name=f"{name}_join")(signals)
    weights = conv(weights, maps, 1, act="sigmoid", name=f"{name}_excite")
    return layers.Multiply(name=f"{name}_scale")([new, weights])


def imaged(new, old, groups, kernel, reduction, name):
    """Means of residual and identity, folded into one image that convolutions read, excite the residual.

    Args:
        new: The residual's maps, (batch, height, width, channels).
        old: The identity's, likewise.
        groups: Groups into which the means of each are folded: pairs of rows of the image.
        kernel: Side of the convolutions' kernels.
        reduction: Maps for each kernel, and for each unit of the first layer that excites.
        name: Start of the layers' names.

    Returns:
        The shape of `new`.
    """
    maps, rows = new.shape[-1], []
    kernels = max(1, maps // reduction)
    for side, x in {"residual": new, "identity": old}.items():
        x = layers.GlobalAveragePooling2D(name=f"{name}_{side}_squeeze")(x)
        rows.append(layers.Reshape((groups, 1, maps // groups), name=f"{name}_{side}_fold")(x))
    image = layers.Concatenate(axis=2, name=f"{name}_pairs")(rows)
    image = layers.Reshape((2 * groups, maps // groups, 1), name=f"{name}_image")(image)
    views = bn(conv(image, kernels, kernel, padding="valid", name=f"{name}_conv"), name=f"{name}_bn")
    pixels = views.shape[1] * views.shape[2]
    signals = layers.Reshape((pixels, kernels), name=f"{name}_views")(views)
    # Read as channels first, the pixels are channels, and the mean is over the kernels.
    signals = layers.GlobalAveragePooling1D(data_format="channels_first", name=f"{name}_mean")(signals)
    signals = layers.Reshape((1, 1, pixels), name=f"{name}_signals")(signals)
    return excite(new, signals, reduction, use_bias=False, name=name)


CMPESEWRN28_10 = variant(CMPESEWRN, "CMPESEWRN28_10", TABLE)

preprocess_input = CMPESEWRN.preprocess_input
decode_predictions = CMPESEWRN.decode_predictions
