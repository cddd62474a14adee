"""Which maps of a net are the same maps, and so have to change together.

The maps of a tensor are a row of segments. A segment is a space, the maps that one layer gives, and how often
each of them is there side by side, as behind a depthwise convolution with a multiplier. Concatenated maps are
several segments; flattened ones are the same segments once for each position. Where tensors are added or
multiplied, their spaces become one.
"""

import math

import numpy as np
from keras import layers

from kerasnets.graph import tensors
from kerasnets.layers import DropPathJoin, SoftMask, UpSampleLike
from kerasnets.surgery.activations import is_elementwise

CONVS = (layers.Conv1D, layers.Conv2D, layers.Conv3D)
DEPTHWISE = (layers.DepthwiseConv1D, layers.DepthwiseConv2D)
SEPARABLE = (layers.SeparableConv1D, layers.SeparableConv2D)
# Layers whose every map depends on all that they read.
MAKERS = (*CONVS, *SEPARABLE, layers.Dense)
MERGES = (
    layers.Add,
    layers.Average,
    layers.Maximum,
    layers.Minimum,
    layers.Multiply,
    layers.Subtract,
    DropPathJoin,
)
# Layers that treat every map by itself, and all alike but for batch normalization.
EACH_MAP = (
    *(
        getattr(layers, f"{kind}{rank}D")
        for rank in (1, 2, 3)
        for kind in (
            "AveragePooling",
            "Cropping",
            "GlobalAveragePooling",
            "GlobalMaxPooling",
            "MaxPooling",
            "SpatialDropout",
            "UpSampling",
            "ZeroPadding",
        )
    ),
    layers.Activation,
    layers.BatchNormalization,
    layers.Dropout,
    layers.ELU,
    layers.GaussianDropout,
    layers.GaussianNoise,
    layers.Identity,
    layers.LeakyReLU,
    layers.ReLU,
    layers.Rescaling,
    SoftMask,
    UpSampleLike,
)


class Space:
    """Maps of a layer, and all that are bound to be as many.

    Attributes:
        size: How many.
        fixed: Why there cannot be more, as the end of "whose maps ...", or None.
        into: The space that this one has become part of, or None.
    """

    def __init__(self, size, fixed=None):
        self.size, self.fixed, self.into = size, fixed, None

    @property
    def root(self):
        """The space that this one is part of, or itself."""
        return self.into.root if self.into else self

    def join(self, other):
        """Makes one of two spaces."""
        a, b = self.root, other.root
        if a is not b:
            a.fixed = a.fixed or b.fixed
            b.into = a


class Channels:
    """The maps of every tensor of a recording.

    Args:
        recording: A `Recording`.
    """

    def __init__(self, recording):
        self.rows, self.made = {}, {}
        for x in recording.inputs:
            self.rows[id(x)] = [(Space(x.shape[-1], "are the input's"), 1)]
        for call in recording.calls:
            row = self.row(call)
            self.rows.update((id(x), row) for x in call.gives)
        self.fix(tensors(recording.outputs), "are the model's outputs")

    def space(self, x):
        """The space that a layer of `MAKERS` gives as `x`."""
        return self.rows[id(x)][0][0].root

    def sources(self, x, space, picks):
        """Where the maps of a tensor come from once a space is picked from anew.

        Args:
            x: A Keras tensor of the trace.
            space: The space that changes.
            picks: Of each of its new maps, the old one that it repeats; array, (new maps,).

        Returns:
            Of each new map of `x` the old one; array, or None if nothing changes.
        """
        row = self.rows[id(x)]
        if all(part.root is not space for part, _ in row):
            return None
        start, sources = 0, []
        for part, repeat in row:
            own = picks if part.root is space else np.arange(part.size)
            sources.append(start + (own[:, None] * repeat + np.arange(repeat)).ravel())
            start += part.size * repeat
        return np.concatenate(sources)

    def fix(self, xs, reason):
        """Says why there cannot be more of the maps of some tensors; the first reason stands."""
        for x in xs:
            for space, _ in self.rows[id(x)]:
                space.root.fixed = space.root.fixed or reason

    def row(self, call):
        """The segments of what a call gives."""
        layer, given = call.operation, call.gives[0]
        reads = tensors(call.args[:1]) or call.reads
        if not is_known(layer, call):
            self.fix(call.reads, f"are read by {call}, which may mix them")
            return [(Space(given.shape[-1] if given.ndim else 1, f"come from {call}"), 1)]
        if isinstance(layer, MAKERS):
            space = self.made.setdefault(id(layer), Space(given.shape[-1]))
            if getattr(layer, "groups", 1) > 1:
                self.fix(reads, f"are read in groups by {call}")
                space.root.fixed = space.root.fixed or f"come from {call} in groups"
            if not is_elementwise(layer.activation):
                space.root.fixed = space.root.fixed or f"are compared by the activation of {call}"
            return [(space, 1)]
        if isinstance(layer, MERGES):
            return self.merged(call, [x for x in reads if x.shape[-1] == given.shape[-1]])
        rows = [self.rows[id(x)] for x in reads]
        if isinstance(layer, layers.Concatenate):
            return sum(rows, [])
        if isinstance(layer, DEPTHWISE):
            return [(space, repeat * layer.depth_multiplier) for space, repeat in rows[0]]
        if isinstance(layer, (layers.Flatten, layers.Reshape)):
            return rows[0] * math.prod(reads[0].shape[1:-1])
        return rows[0]

    def merged(self, call, reads):
        """The segments of tensors that are added or multiplied, from now on the same."""
        first, *others = (self.rows[id(x)] for x in reads)
        for other in others:
            if [(s.size, n) for s, n in first] != [(s.size, n) for s, n in other]:
                self.fix(reads, f"are joined by {call} with maps that are made otherwise")
                continue
            for (a, _), (b, _) in zip(first, other, strict=True):
                a.join(b)
        return first


def is_known(layer, call):
    """Whether `Channels` can tell what a layer does to maps."""
    read, given = call.reads[0] if call.reads else None, call.gives[0]
    if read is None or getattr(layer, "data_format", None) == "channels_first":
        return False
    if isinstance(layer, (layers.Flatten, layers.Reshape)):
        flattens = given.ndim == 2 or set(read.shape[1:-1]) <= {1}
        return flattens and given.shape[-1] == math.prod(n or 0 for n in read.shape[1:])
    if isinstance(layer, (layers.Concatenate, layers.BatchNormalization)):
        return layer.axis in (-1, given.ndim - 1)
    if isinstance(layer, layers.Rescaling):
        return np.ndim(layer.scale) == np.ndim(layer.offset) == 0
    if isinstance(layer, SoftMask):
        return layer.kind != "channel"
    if isinstance(layer, (layers.Activation, *DEPTHWISE)):
        return is_elementwise(layer.activation)
    return isinstance(layer, (*MAKERS, *MERGES, *EACH_MAP))
