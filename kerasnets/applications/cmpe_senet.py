"""CMPE-SE: channel weights that depend on the output of a residual unit and on the identity it is added to.

Hu, Wen, Luo, Dai, Ma, Yu, "Competitive Inner-Imaging Squeeze and Excitation for Residual Network", 2018,
arXiv:1807.08920.

Three of the paper's forms are included. "double_fc" squeezes and reduces residual and identity separately,
and excites from both. "pair_view" places their means side by side and reads each pair with 1x1 kernels.
"inner_imaging" folds the means into an image, whose rows alternate between a group of the residual's channels
and the same group of the identity's. It reads the image with 3x3 kernels, which see neighbors in both. The
last version of the paper is named after this form, and it is the default.

The units follow the paper's abstract and the authors' release in MXNet; the paper's equations were not
available. As in the release, no layer has biases, the number of kernels is that of the units of the first
excitation layer (one for each `reduction` channels), the image is not padded, the kernels are followed by
batch normalization alone and then by the mean over the kernels at each pixel, and the number of groups in a
fold is the width of the network. In training, this normalization almost cancels the scale of a 1x1 kernel, so
that "pair_view" learns mainly in the layers after it.

The body is the wide residual network of Zagoruyko and Komodakis 2016 with their dropout, which the release
does not have. The release also normalizes the images, as `preprocess_input` does here, and the output of the
stem, as the first unit does again; both are left out.
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
    """Three stages of pre-activation units, whose channel weights depend on both residual and identity.

    Source: the release, CIFARWideResNet, CMPESEBlockDoubleFC, CMPESEBlock1x1 and CMPESEBlock3x3.

    Args:
        depth: Total number of convolutions: 4 more than a multiple of 6.
        width: Widening factor of the body, and number of groups in a fold.
        form: What the channel weights are computed from: "double_fc", "pair_view" or "inner_imaging", as
            described in the docstring of the module.
        reduction: Number of channels for each unit of the first excitation layer, and for each kernel.
        dropout: Dropout rate between the convolutions of a unit.
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
    """The residual with its channels scaled by weights in one of the three forms."""
    if form == "double_fc":
        return double_fc(new, old, reduction, name)
    groups, kernel = (new.shape[-1], 1) if form == "pair_view" else (width, 3)
    return imaged(new, old, groups, kernel, reduction, name)


def double_fc(new, old, reduction, name):
    """Scales the residual by weights from the means of residual and identity, each reduced separately."""
    channels, signals = new.shape[-1], []
    for side, x in {"residual": new, "identity": old}.items():
        x = layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}_{side}_squeeze")(x)
        signals.append(conv(x, max(1, channels // reduction), 1, act="relu", name=f"{name}_{side}_reduce"))
    weights = layers.Concatenate(name=f"{name}_join")(signals)
    weights = conv(weights, channels, 1, act="sigmoid", name=f"{name}_excite")
    return layers.Multiply(name=f"{name}_scale")([new, weights])


def imaged(new, old, groups, kernel, reduction, name):
    """Scales the residual by weights from an image of the means of residual and identity.

    Args:
        new: The residual, (batch, height, width, channels).
        old: The identity, of the same shape.
        groups: Number of groups into which the means of each are folded; each gives a pair of rows of the
            image.
        kernel: Kernel size of the convolutions.
        reduction: Number of channels for each kernel, and for each unit of the first excitation layer.
        name: Prefix of the layers' names.

    Returns:
        Feature maps of the shape of `new`.
    """
    channels, rows = new.shape[-1], []
    kernels = max(1, channels // reduction)
    for side, x in {"residual": new, "identity": old}.items():
        x = layers.GlobalAveragePooling2D(name=f"{name}_{side}_squeeze")(x)
        rows.append(layers.Reshape((groups, 1, channels // groups), name=f"{name}_{side}_fold")(x))
    image = layers.Concatenate(axis=2, name=f"{name}_pairs")(rows)
    image = layers.Reshape((2 * groups, channels // groups, 1), name=f"{name}_image")(image)
    views = bn(conv(image, kernels, kernel, padding="valid", name=f"{name}_conv"), name=f"{name}_bn")
    pixels = views.shape[1] * views.shape[2]
    signals = layers.Reshape((pixels, kernels), name=f"{name}_views")(views)
    # With channels first, the mean is over the kernels.
    signals = layers.GlobalAveragePooling1D(data_format="channels_first", name=f"{name}_mean")(signals)
    signals = layers.Reshape((1, 1, pixels), name=f"{name}_signals")(signals)
    return excite(new, signals, reduction, use_bias=False, name=name)


CMPESEWRN28_10 = variant(CMPESEWRN, "CMPESEWRN28_10", TABLE)

preprocess_input = CMPESEWRN.preprocess_input
decode_predictions = CMPESEWRN.decode_predictions
