"""What is known of each class of layer: which units it reads, where its output lies, what its gradient reads.

All that the analysis knows of layers is in these tables; what is not in them counts as unknown.
"""

import dataclasses

from keras import layers

from kerasnets.graph import module_of
from kerasnets.layers import (
    LRN,
    DropPathJoin,
    DropPathSampler,
    Maxout,
    PartialConv2D,
    RoutedCapsules,
    SoftMask,
    Squash,
    UpSampleLike,
)


@dataclasses.dataclass(frozen=True)
class Kind:
    """What the layers of a class have in common.

    Attributes:
        reads: Name of the rule, in `rules.RULES`, for the units of the input that one of the output
            depends on; None where no rule is known.
        writes: Where the output lies: "new" memory; "over" an input that nothing else reads; the input's own
            as another "view" of it; or "idle", the input's own outside training.
        keeps: What the gradient reads again: "inputs", "output"; "weights" stands for the inputs of a layer
            with weights that are trained, "activation" for what its activation needs.
    """

    reads: str | None = None
    writes: str = "new"
    keeps: tuple = ("inputs", "output")


UNKNOWN = Kind()
POINT = Kind("point", "over", ())
PRODUCT = Kind("point", "over", ("inputs",))
ROOT = Kind("point", "over", ("output",))  # activations whose slope follows from what they give
NOISE = Kind("point", "idle", ())
NORM = Kind("axes", "new", ("inputs",))
MAPS = Kind("point", "new", ("inputs",))

GROUPS = {
    Kind("window", "new", ("weights",)): (
        layers.Conv1D,
        layers.Conv2D,
        layers.Conv3D,
        layers.SeparableConv1D,
        layers.SeparableConv2D,
        PartialConv2D,
    ),
    Kind("map_window", "new", ("weights",)): (layers.DepthwiseConv1D, layers.DepthwiseConv2D),
    Kind("transposed", "new", ("weights",)): (
        layers.Conv1DTranspose,
        layers.Conv2DTranspose,
        layers.Conv3DTranspose,
    ),
    Kind("features", "new", ("weights",)): (layers.Dense,),
    Kind("map_window", "new", ("inputs", "output")): (
        layers.MaxPooling1D,
        layers.MaxPooling2D,
        layers.MaxPooling3D,
    ),
    Kind("map_window", "new", ()): (
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
    # Outside training the statistics are constants; in training the gradient reads the maps again.
    Kind("point", "over", ("norm",)): (layers.BatchNormalization,),
    NORM: (layers.LayerNormalization, layers.RMSNormalization, layers.UnitNormalization),
    Kind("groups", "new", ("inputs",)): (layers.GroupNormalization,),
    ROOT: (layers.ELU, layers.LeakyReLU, layers.ReLU),
    POINT: (
        layers.Add,
        layers.Average,
        layers.Normalization,
        layers.Rescaling,
        layers.Subtract,
        DropPathJoin,
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
    MAPS: (LRN, Maxout, Squash),
    Kind("mask", "new", ("inputs",)): (SoftMask,),
    Kind("all", "new", ("inputs",)): (RoutedCapsules,),
    Kind("none", "new", ()): (DropPathSampler,),
}
KINDS = {layer: kind for kind, group in GROUPS.items() for layer in group}

# Operations of keras.ops, and layers of keras.applications that have no public name.
NAMED = {
    POINT: "Add Cast CustomScaleLayer Negative Subtract",
    ROOT: "Elu Exp LeakyRelu Relu Relu6 Selu Sigmoid Sqrt Tanh",
    PRODUCT: "Abs Absolute Celu Clip Divide Gelu HardSigmoid HardSilu HardTanh LayerScale Log LogSigmoid "
    "Maximum Minimum Multiply Power Reciprocal Rsqrt Silu Softplus Softsign Square TrueDivide",
    NOISE: "StochasticDepth",
    Kind("axes", "over", ("output",)): "Softmax",
    Kind("concatenate", "new", ()): "Concatenate",
    Kind("reshape", "view", ()): "ExpandDims Reshape Squeeze",
    Kind("shift", "new", ()): "Pad",
}
NAMES = {name: kind for kind, names in NAMED.items() for name in names.split()}

# Activations whose gradient reads nothing, or what they give; that of the others reads what they were given.
FREE_ACTIVATIONS = ("linear",)
ROOT_ACTIVATIONS = (
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
    """The kind of a layer or operation: that of its class or the nearest class above it, or `UNKNOWN`."""
    for cls in type(layer).__mro__:
        if cls in KINDS:
            return KINDS[cls]
    ours = module_of(layer).startswith(("ops.", "applications."))
    return NAMES.get(type(layer).__name__, UNKNOWN) if ours else UNKNOWN


def activation_keeps(activation):
    """What the gradient of an activation function reads again, as in `Kind.keeps`."""
    name = getattr(activation, "__name__", None)
    if activation is None or name in FREE_ACTIVATIONS:
        return ()
    return ("output",) if name in ROOT_ACTIVATIONS else ("inputs",)


def keeps(layer):
    """What the gradient of a layer reads again: of "inputs" and "output", those that it does.

    Args:
        layer: A Keras layer or operation, its own fused activation left aside.
    """
    words = kind_of(layer).keeps
    if words == ("activation",):
        return activation_keeps(layer.activation)
    if words == ("norm",):
        return ("inputs",) if layer.trainable else ()
    if words == ("weights",):
        return ("inputs",) if layer.trainable_weights else ()
    return words
