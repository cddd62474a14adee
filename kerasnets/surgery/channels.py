"""Which channels of a net must change in number together.

The channels of a tensor are described by a list of segments. A segment is the channels that one layer makes,
repeated one or more times, as behind a depthwise convolution with a depth multiplier. Concatenation gives
several segments. Flattening repeats the segments once for each position of the grid. Where tensors are added
or multiplied, their segments must stay equally long, so their channels are merged into one `ChannelGroup`.
"""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import keras
import numpy as np
from keras import layers

from kerasnets.graph import tensors
from kerasnets.layers import (
    DropPathJoin,
    MirrorPadding2D,
    SoftMask,
    StochasticDepth,
    UpSampleLike,
    WindowPadding2D,
)
from kerasnets.recording import Call, Recording
from kerasnets.surgery.activations import is_elementwise

CONVS = (layers.Conv1D, layers.Conv2D, layers.Conv3D)
DEPTHWISE = (layers.DepthwiseConv1D, layers.DepthwiseConv2D)
SEPARABLE = (layers.SeparableConv1D, layers.SeparableConv2D)
# Layers whose every output channel depends on all input channels.
MIXING = (*CONVS, *SEPARABLE, layers.Dense)
MERGING = (
    layers.Add,
    layers.Average,
    layers.Maximum,
    layers.Minimum,
    layers.Multiply,
    layers.Subtract,
    DropPathJoin,
)
# Layers that process each channel separately, all in the same way except for batch normalization.
CHANNELWISE = (
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
    MirrorPadding2D,
    SoftMask,
    StochasticDepth,
    UpSampleLike,
    WindowPadding2D,
)


class ChannelGroup:
    """The output channels of a layer, and those of all layers that must have as many.

    Attributes:
        size: Number of channels.
        fixed: Why the number cannot grow, as the end of the phrase "whose channels ...", or None.
        merged_into: The group that this one has been merged into, or None.
    """

    def __init__(self, size: int, fixed: str | None = None) -> None:
        self.size, self.fixed = size, fixed
        self.merged_into: ChannelGroup | None = None

    @property
    def root(self) -> "ChannelGroup":
        """The group that stands for this one after all merges; itself if it was not merged."""
        return self.merged_into.root if self.merged_into else self

    def merge(self, other: "ChannelGroup") -> None:
        """Merges another group into this one."""
        a, b = self.root, other.root
        if a is not b:
            a.fixed = a.fixed or b.fixed
            b.merged_into = a


class Segment(NamedTuple):
    """Successive channels of a tensor: each channel of a group `repeat` times."""

    group: ChannelGroup
    repeat: int


class Channels:
    """The channels of every tensor of a recording."""

    def __init__(self, recording: Recording) -> None:
        self.segments: dict[int, list[Segment]] = {}  # by the tensor's id
        self.group_of_layer: dict[int, ChannelGroup] = {}  # by the layer's id
        for x in recording.inputs:
            self.segments[id(x)] = [Segment(ChannelGroup(x.shape[-1], "are the input's"), 1)]
        for call in recording.calls:
            segments = self.outputs_of(call)
            self.segments.update((id(x), segments) for x in call.output_tensors)
        self.fix(tensors(recording.outputs), "are the model's outputs")

    def group(self, x: keras.KerasTensor) -> ChannelGroup:
        """The group of the channels of `x`, which is the output of a layer of `MIXING`."""
        return self.segments[id(x)][0].group.root

    def sources(self, x: keras.KerasTensor, group: ChannelGroup, picks: np.ndarray) -> np.ndarray | None:
        """The old channel that each new channel of a tensor repeats, after one group has changed.

        Args:
            x: A Keras tensor of the recording.
            group: The group that changes.
            picks: For each of its new channels, the index of the old one that it repeats, (new channels,).

        Returns:
            For each new channel of `x`, the index of the old one, (new channels of x,); None if `x` does not
            change.
        """
        segments = self.segments[id(x)]
        if all(part.root is not group for part, _ in segments):
            return None
        start, sources = 0, []
        for part, repeat in segments:
            own = picks if part.root is group else np.arange(part.size)
            sources.append(start + (own[:, None] * repeat + np.arange(repeat)).ravel())
            start += part.size * repeat
        return np.concatenate(sources)

    def fix(self, xs: Iterable[keras.KerasTensor], reason: str) -> None:
        """Records why the channels of some tensors cannot grow in number; the first reason is kept."""
        for x in xs:
            for group, _ in self.segments[id(x)]:
                group.root.fixed = group.root.fixed or reason

    def outputs_of(self, call: Call) -> list[Segment]:
        """The segments of a call's outputs."""
        layer, output = call.operation, call.output_tensors[0]
        inputs = tensors(call.args[:1]) or call.input_tensors
        if not is_known(layer, call):
            self.fix(call.input_tensors, f"are read by {call}, which may mix them")
            return [Segment(ChannelGroup(output.shape[-1] if output.ndim else 1, f"come from {call}"), 1)]
        if isinstance(layer, MIXING):
            group = self.group_of_layer.setdefault(id(layer), ChannelGroup(output.shape[-1]))
            if getattr(layer, "groups", 1) > 1:
                self.fix(inputs, f"are read in groups by {call}")
                group.root.fixed = group.root.fixed or f"come from {call} in groups"
            if not is_elementwise(layer.activation):
                group.root.fixed = group.root.fixed or f"are mixed by the activation of {call}"
            return [Segment(group, 1)]
        if isinstance(layer, MERGING):
            # An input of one channel is broadcast to all channels of the others.
            return self.merged(call, [x for x in inputs if x.shape[-1] == output.shape[-1]])
        segments = [self.segments[id(x)] for x in inputs]
        if isinstance(layer, layers.Concatenate):
            return sum(segments, [])
        if isinstance(layer, DEPTHWISE):
            return [Segment(group, repeat * layer.depth_multiplier) for group, repeat in segments[0]]
        if isinstance(layer, (layers.Flatten, layers.Reshape)):
            return segments[0] * math.prod(inputs[0].shape[1:-1])
        return segments[0]

    def merged(self, call: Call, inputs: Sequence[keras.KerasTensor]) -> list[Segment]:
        """Merges the groups of tensors that are added or multiplied; returns the segments of the result."""
        first, *others = (self.segments[id(x)] for x in inputs)
        for other in others:
            if [(s.size, n) for s, n in first] != [(s.size, n) for s, n in other]:
                self.fix(inputs, f"are joined by {call} with channels in other segments")
                continue
            for (a, _), (b, _) in zip(first, other, strict=True):
                a.merge(b)
        return first


def is_known(layer: keras.Layer, call: Call) -> bool:
    """Whether `Channels` knows how the output channels of a layer depend on its input channels."""
    output = call.output_tensors[0]
    if not call.input_tensors or getattr(layer, "data_format", None) == "channels_first":
        return False
    x = call.input_tensors[0]
    if isinstance(layer, (layers.Flatten, layers.Reshape)):
        flattens = output.ndim == 2 or set(x.shape[1:-1]) <= {1}
        return flattens and output.shape[-1] == math.prod(n or 0 for n in x.shape[1:])
    if isinstance(layer, (layers.Concatenate, layers.BatchNormalization)):
        return layer.axis in (-1, output.ndim - 1)
    if isinstance(layer, layers.Rescaling):
        return np.ndim(layer.scale) == np.ndim(layer.offset) == 0
    if isinstance(layer, SoftMask):
        return layer.kind != "channel"
    if isinstance(layer, (layers.Activation, *DEPTHWISE)):
        return is_elementwise(layer.activation)
    return isinstance(layer, (*MIXING, *MERGING, *CHANNELWISE))
