"""Tables of layers: which units a layer reads, where its output is stored, and what its gradient needs.

All that the analysis knows about classes of layers is in these tables. Other classes count as unknown.
"""

import dataclasses

from keras import layers

from kerasnets.graph import module_of
from kerasnets.layers import (
    LRN,
    DropPathJoin,
    DropPathSampler,
    Maxout,
    MirrorPadding2D,
    PartialConv2D,
    RoutedCapsules,
    SoftMask,
    Squash,
    StochasticDepth,
    UpSampleLike,
    WindowPadding2D,
)


@dataclasses.dataclass(frozen=True)
class Kind:
    """Properties that several classes of layers share.

    Attributes:
        reads: Name of the rule, in `rules.RULES`, that says which units of the input a unit of the output
            depends on; None if unknown.
        writes: Where the output is stored: in "new" memory; "over" an input that nothing else reads; in the
            memory of the input, as a "view" of it; or "idle": as a view in inference, in new memory in
            training.
        keeps: What is kept for the gradient: "inputs", "output", or both. "weights" means the inputs if
            weights are trained, "norm" the inputs if the layer is trainable, and "activation" what the
            layer's activation needs.
    """

    reads: str | None = None
    writes: str = "new"
    keeps: tuple[str, ...] = ("inputs", "output")


UNKNOWN = Kind()
POINT = Kind("point", "over", ())
PRODUCT = Kind("point", "over", ("inputs",))
ACTIVATION = Kind("point", "over", ("output",))  # those whose derivative follows from their output
NOISE = Kind("point", "idle", ())
NORM = Kind("axes", "new", ("inputs",))
CHANNELS = Kind("point", "new", ("inputs",))  # each unit reads all channels at its position

GROUPS = {
    Kind("window", "new", ("weights",)): (
        layers.Conv1D,
        layers.Conv2D,
        layers.Conv3D,
        layers.SeparableConv1D,
        layers.SeparableConv2D,
        PartialConv2D,
    ),
    Kind("channel_window", "new", ("weights",)): (layers.DepthwiseConv1D, layers.DepthwiseConv2D),
    Kind("transposed", "new", ("weights",)): (
        layers.Conv1DTranspose,
        layers.Conv2DTranspose,
        layers.Conv3DTranspose,
    ),
    Kind("features", "new", ("weights",)): (layers.Dense,),
    Kind("channel_window", "new", ("inputs", "output")): (
        layers.MaxPooling1D,
        layers.MaxPooling2D,
        layers.MaxPooling3D,
    ),
    Kind("channel_window", "new", ()): (
        layers.AveragePooling1D,
        layers.AveragePooling2D,
        layers.AveragePooling3D,
    ),
    Kind("grid", "new", ("inputs", "output")): (
        layers.GlobalMaxPooling1D,
        layers.GlobalMaxPooling2D,
        layers.GlobalMaxPooling3D,
    ),
    Kind("grid", "new", ()): (
        layers.GlobalAveragePooling1D,
        layers.GlobalAveragePooling2D,
        layers.GlobalAveragePooling3D,
    ),
    Kind("shift", "new", ()): (
        layers.Cropping1D,
        layers.Cropping2D,
        layers.Cropping3D,
        layers.ZeroPadding1D,
        layers.ZeroPadding2D,
        layers.ZeroPadding3D,
        MirrorPadding2D,
        WindowPadding2D,
    ),
    Kind("enlarged", "new", ()): (
        layers.UpSampling1D,
        layers.UpSampling2D,
        layers.UpSampling3D,
        UpSampleLike,
    ),
    Kind("reshape", "view", ()): (layers.Flatten, layers.Reshape),
    Kind("permute", "new", ()): (layers.Permute,),
    Kind("concatenate", "new", ()): (layers.Concatenate,),
    Kind("point", "view", ()): (layers.Identity, layers.ActivityRegularization),
    Kind("point", "over", ("activation",)): (layers.Activation,),
    Kind("axes", "over", ("output",)): (layers.Softmax,),
    # In inference the statistics are constants; in training the gradient needs the inputs.
    Kind("point", "over", ("norm",)): (layers.BatchNormalization,),
    NORM: (layers.LayerNormalization, layers.RMSNormalization, layers.UnitNormalization),
    Kind("groups", "new", ("inputs",)): (layers.GroupNormalization,),
    ACTIVATION: (layers.ELU, layers.LeakyReLU, layers.ReLU),
    POINT: (
        layers.Add,
        layers.Average,
        layers.Normalization,
        layers.Rescaling,
        layers.Subtract,
        DropPathJoin,
        StochasticDepth,
    ),
    PRODUCT: (layers.Maximum, layers.Minimum, layers.Multiply, layers.PReLU),
    NOISE: (
        layers.AlphaDropout,
        layers.Dropout,
        layers.GaussianDropout,
        layers.GaussianNoise,
        layers.SpatialDropout1D,
        layers.SpatialDropout2D,
        layers.SpatialDropout3D,
    ),
    CHANNELS: (LRN, Maxout, Squash),
    Kind("mask", "new", ("inputs",)): (SoftMask,),
    Kind("all", "new", ("inputs",)): (RoutedCapsules,),
    Kind("none", "new", ()): (DropPathSampler,),
}
KINDS = {layer: kind for kind, group in GROUPS.items() for layer in group}

# Operations of keras.ops, and layers of keras.applications that have no public name.
NAMED = {
    POINT: "Add Cast CustomScaleLayer Negative Subtract",
    ACTIVATION: "Elu Exp LeakyRelu Relu Relu6 Selu Sigmoid Sqrt Tanh",
    PRODUCT: "Abs Absolute Celu Clip Divide Gelu HardSigmoid HardSilu HardTanh LayerScale Log LogSigmoid "
    "Maximum Minimum Multiply Power Reciprocal Rsqrt Silu Softplus Softsign Square TrueDivide",
    NOISE: "StochasticDepth",
    Kind("axes", "over", ("output",)): "Softmax",
    Kind("concatenate", "new", ()): "Concatenate",
    Kind("reshape", "view", ()): "ExpandDims Reshape Squeeze",
    Kind("shift", "new", ()): "Pad",
}
NAMES = {name: kind for kind, names in NAMED.items() for name in names.split()}

# Activations whose gradient needs nothing, and those whose gradient needs the output; others need the input.
FREE_ACTIVATIONS = ("linear",)
OUTPUT_ACTIVATIONS = (
    "elu",
    "exponential",
    "leaky_relu",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "softmax",
    "tanh",
)


def kind_of(layer):
    """The kind of a layer or operation: that of its class or nearest base class, or `UNKNOWN`."""
    for cls in type(layer).__mro__:
        if cls in KINDS:
            return KINDS[cls]
    ours = module_of(layer).startswith(("ops.", "applications."))
    return NAMES.get(type(layer).__name__, UNKNOWN) if ours else UNKNOWN


def activation_keeps(activation):
    """What is kept for the gradient of an activation function: "inputs", "output" or nothing."""
    name = getattr(activation, "__name__", None)
    if activation is None or name in FREE_ACTIVATIONS:
        return ()
    return ("output",) if name in OUTPUT_ACTIVATIONS else ("inputs",)


def keeps(layer):
    """What is kept for the gradient of a layer: "inputs", "output", both or nothing.

    Args:
        layer: A Keras layer or operation. The activation of a convolution or dense layer is left aside.
    """
    words = kind_of(layer).keeps
    if words == ("activation",):
        return activation_keeps(layer.activation)
    if words == ("norm",):
        return ("inputs",) if layer.trainable else ()
    if words == ("weights",):
        return ("inputs",) if layer.trainable_weights else ()
    return words
