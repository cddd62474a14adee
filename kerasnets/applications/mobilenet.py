"""MobileNet: each convolution is factorized into a depthwise and a 1x1 convolution.

Howard et al., "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications", 2017,
arXiv:1704.04861.

As in the authors' release, which trained weights fit, ReLU is capped at 6 and there is a small dropout before
the classifier; the paper mentions neither. Table 1 prints strides of 2 for the last depthwise layer, but
equal input and output grids: the strides are 1. Squeeze-and-excitation (`squeeze_excite`) is by Hu et al.
(2018); as in their published network (github.com/hujie-frank/SENet, issue 64), it follows the last ReLU of
each unit. Some weights that others published need another `padding` or `act`.
"""

from kerasnets.assembly.family import family, variant
from kerasnets.assembly.inputs import resolution
from kerasnets.assembly.options import FLAG, one_of
from kerasnets.assembly.starts import Start
from kerasnets.blocks.attention import squeeze_excite as squeezed
from kerasnets.blocks.conv import conv_bn_act, separable_bn_act
from kerasnets.checks import refuse

# Tables 1, 4 and 5. A row is a variant; its columns are arguments of MobileNets.
TABLE = {
    "MobileNet": dict(depths=(1, 2, 2, 6, 2), separable=True),
    "ConvMobileNet": dict(depths=(1, 2, 2, 6, 2), separable=False),
    "ShallowMobileNet": dict(depths=(1, 2, 2, 1, 2), separable=True),
}
STEM, FILTERS = 32, (64, 128, 256, 512, 1024)
EPSILON = 1e-3  # what the published weights were trained with
TINY = dict(depths=(1, 1, 1, 1, 1), alpha=0.125)
STARTS = {
    "paper": Start(
        "the release, tensorflow/models, research/slim/nets/mobilenet_v1.py; the paper prints nothing",
        kernels={"*": ("gaussian", dict(std=0.09, truncated=True))},
    )
}


@family(
    size=resolution,
    min_size=32,
    preprocess="tf",
    tiny=TINY,
    checks=dict(separable=FLAG, padding=one_of("same", "symmetric")),
    starts=STARTS,
    rho=1.0,
    dropout=0.001,
)
def MobileNets(x, depths, alpha=1.0, separable=True, squeeze_excite=None, padding="same", act="relu6"):
    """Stages of depthwise-separable units, with a width multiplier `alpha` and a resolution multiplier `rho`.

    Source: sections 3.2 to 3.4 and table 1.

    Args:
        depths: Number of units in each stage; every stage but the first halves the grid.
        alpha: Width multiplier: fraction of the filters of each layer.
        separable: Whether a unit is a depthwise and a 1x1 convolution, instead of one full 3x3 convolution.
        squeeze_excite: Reduction of a squeeze-and-excitation unit on the output of each unit, or None.
        padding: Padding of convolutions with strides: "same" as in Keras, which is more at the bottom and on
            the right if the sides are even, or "symmetric".
        act: Activation.
        rho: Resolution multiplier: fraction of the input's side of 224 pixels. It replaces `input_shape`.
        dropout: Dropout rate before the classifier.
    """
    if len(depths) != len(FILTERS):
        refuse("depths", f"{len(FILTERS)} whole numbers, one for each stage", depths)
    if int(alpha * STEM) < 1:
        refuse("alpha", f"at least 1/{STEM}, which leaves the stem one filter", alpha)
    form = dict(act=act, padding=padding, epsilon=EPSILON)
    x = conv_bn_act(x, int(alpha * STEM), 3, strides=2, **form, name="stem")
    convolve = separable_bn_act if separable else conv_bn_act
    for s, (filters, depth) in enumerate(zip(FILTERS, depths, strict=True), start=1):
        for i in range(1, depth + 1):
            strides = 2 if s > 1 and i == 1 else 1
            name = f"stage{s}_unit{i}"
            x = convolve(x, int(alpha * filters), 3, strides, **form, name=name)
            x = squeezed(x, squeeze_excite, name=f"{name}_se") if squeeze_excite else x
    return x


MobileNet = variant(MobileNets, "MobileNet", TABLE)
ConvMobileNet = variant(MobileNets, "ConvMobileNet", TABLE)
ShallowMobileNet = variant(MobileNets, "ShallowMobileNet", TABLE)

preprocess_input = MobileNet.preprocess_input
decode_predictions = MobileNet.decode_predictions
