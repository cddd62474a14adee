"""Layers, blocks and counts in the words of papers."""

import re

import keras

from kerasnets.tables import axes_text, shape_text

# Kinds of layers, which are classes of the style sheet, by a part of the class's name; the first that
# matches counts.
KINDS = (
    ("Conv", "conv"),
    ("Dense", "dense"),
    ("RoutedCapsules", "dense"),
    ("Pool", "pool"),
    ("UpSampl", "pool"),
    *((name, "norm") for name in ("Normalization", "LRN")),
    *((name, "join") for name in ("Add", "Concatenate", "Multiply", "Subtract", "Average", "Maximum")),
    *((name, "join") for name in ("Join", "Mask")),
    *((name, "act") for name in ("Activation", "ReLU", "ELU", "Maxout", "Squash", "Softmax", "Dropout")),
)
# Classes of layers in the words of papers; of others, the words of the class's name.
WORDS = {
    "BatchNormalization": "BN",
    "LayerNormalization": "LN",
    "LRN": "LRN",
    "ReLU": "ReLU",
    "DropPathJoin": "mean",
    "DropPathSampler": "paths to drop",
    "GlobalAveragePooling1D": "mean",
    "GlobalAveragePooling2D": "global average pool",
    "GlobalAveragePooling3D": "global average pool",
    "GlobalMaxPooling2D": "global max pool",
    "CapsuleLength": "lengths of the capsules",
    "InputLayer": "input",
    "UpSampleLike": "upsample",
    "UpSampling2D": "upsample",
    "SoftMask": "soft mask",
    "ZeroPadding2D": "zero padding",
}
SIGNS = {"Add": "+", "Multiply": "×", "Subtract": "−"}  # by which drawings show them
ACTIVATIONS = {"relu": "ReLU", "relu6": "ReLU6", "elu": "ELU", "selu": "SELU"}
KINDS_OF_CONV = {
    "DepthwiseConv2D": "depthwise conv",
    "SeparableConv2D": "separable conv",
    "PartialConv2D": "partial conv",
}
PLURALS = {word: f"{word}s" for word in ("block", "column", "layer", "module", "stage", "unit")}


def kind(layer: keras.Layer | str) -> str:
    """The kind of a layer, or of a class of this name: "conv", "pool" and so on, or "other"."""
    name = layer if isinstance(layer, str) else type(layer).__name__
    return next((kind for word, kind in KINDS if word in name), "other")


def act(layer: keras.Layer) -> str | None:
    """The activation that a layer applies, or None."""
    function = getattr(layer, "activation", None)
    if function is None or function is keras.activations.linear:
        return None
    name = getattr(function, "__name__", None) or getattr(function, "name", type(function).__name__)
    return ACTIVATIONS.get(name, name.replace("_", " ").strip())


def word(layer: keras.Layer) -> str:
    """What a layer without weights and window does, or one beside a convolution: "BN", "ReLU"."""
    name = type(layer).__name__
    if name == "Activation":
        return act(layer) or "linear"
    if name == "Dropout":
        return f"dropout {layer.rate:g}"
    if name in WORDS:
        return WORDS[name]
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", re.sub(r"\d?D$", "", name)).lower()


def window(layer: keras.Layer) -> tuple[int, ...] | None:
    """The sides of a layer's kernel or pooling window; None if it has none."""
    size = getattr(layer, "kernel_size", None) or getattr(layer, "pool_size", None)
    return (size, size) if isinstance(size, int) else size  # one number in a PartialConv2D


def stride(layer: keras.Layer) -> str:
    """The stride of a convolution or pooling, or one for each axis: "2", "1x2x2"; "" if it is 1."""
    strides = getattr(layer, "strides", None) or 1
    strides = (strides,) if isinstance(strides, int) else strides
    return axes_text(strides) if window(layer) and set(strides) != {1} else ""


def operation(layer: keras.Layer, maps: int | None) -> str:
    """What a layer does, in short: "3x3 conv, 64", "3x3 max pool", "dense, 10".

    Args:
        layer: A layer.
        maps: Number of its maps or units.
    """
    name, size = type(layer).__name__, window(layer)
    maps = getattr(layer, "filters", None) or maps
    if kind(layer) == "conv" and size:
        text = f"{shape_text(size)} {KINDS_OF_CONV.get(name, 'conv')}"
        return text if name.startswith("Depthwise") else f"{text}, {maps}"
    if name == "Dense":
        return f"dense, {maps}"
    if size:
        return f"{shape_text(size)} {'max' if 'Max' in name else 'average'} pool"
    if name == "RoutedCapsules":
        return "routed capsules"
    return word(layer)


def details(layer: keras.Layer) -> list[str]:
    """What else is told of a convolution or pooling: strides, groups."""
    told = [f"stride {stride(layer)}"] if stride(layer) else []
    if getattr(layer, "groups", 1) > 1:
        told.append(f"{layer.groups} groups")
    if any(d != 1 for d in getattr(layer, "dilation_rate", None) or ()):
        told.append(f"dilation {layer.dilation_rate[0]}")
    return told


def title(names: list[str]) -> str:
    """The names of equal blocks as a title: "stage 1, units 2 to 3", "inception a1 to a4"."""
    first, last = parted(names[0]), parted(names[-1])
    if len(names) == 1 or len(first) != len(last) or first[:-1] != last[:-1]:
        return joined(first) if len(names) == 1 else f"{joined(first)} to {joined(last)}"
    stem, _, number = first[-1].rpartition(" ")
    end, _, until = last[-1].rpartition(" ")
    if stem != end:
        return f"{joined(first)} to {joined(last)}"
    several = f"{PLURALS.get(stem, stem)} {number}".strip()
    return f"{joined([*first[:-1], several])} to {until}"


def joined(parts: list[str]) -> str:
    """The parts of a name as text: "stage 1, unit 2", but "conv 1 pool"."""
    text = parts[0]
    for part in parts[1:]:
        text += f", {part}" if text[-1].isdigit() and re.search(r"\d$", part) else f" {part}"
    return text


def parted(name: str) -> list[str]:
    """The parts of a name: "stage 1" and "unit 2" of "stage1_unit2", "inception 3a" of "inception_3a"."""
    parts = []
    for part in name.split("_"):
        if parts and not parts[-1][-1].isdigit() and re.fullmatch(r"\d+[a-z]?|[a-z]\d*", part):
            parts[-1] += f" {part}"
        elif part:
            parts.append(re.sub(r"(?<=[a-z]{3})(?=\d+$)", " ", part))
    return parts or [name]
