"""The ideas of the lectures, and which of them a net uses: found in its graph, not by its name.

A test asks which layers a graph has, and what is merged in it. The layers on which only one input of a merge
depends are the path of this input. A shortcut is then a sum in which one path has large kernels and another
has none, and a dense connection is a concatenation in which one input has no path.
"""

import functools
import operator
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import layers

import kerasnets.layers as own
from kerasnets.graph import flat, nodes, trail

SUMS = (layers.Add, layers.Average, own.DropPathJoin)
NORMS = (layers.BatchNormalization, own.FrozenBatchNormalization)
DROPOUT = (layers.Dropout, layers.SpatialDropout2D, layers.SpatialDropout3D)
GLOBAL = (layers.GlobalAveragePooling1D, layers.GlobalAveragePooling2D, layers.GlobalAveragePooling3D)
WINDOWS = (layers.MaxPooling2D, layers.AveragePooling2D)
DEPTHWISE = (layers.DepthwiseConv2D, layers.SeparableConv2D)
CONVS = (layers.Conv2D, layers.Conv3D, own.PartialConv2D, *DEPTHWISE)


class Graph:
    """What the tests ask of a net.

    A set of calls of layers is a whole number with a bit for each.

    Attributes:
        model: The net, without nested models.
        calls: Its calls of layers, in topological order.
        reach: For the id of each tensor, the calls on which it depends.
    """

    def __init__(self, model: keras.Model) -> None:
        self.model = flat(model)
        self.calls = nodes(self.model)
        self.reach: dict[int, int] = {}
        for i, call in enumerate(self.calls):
            reach = 1 << i
            for x in call.input_tensors:
                reach |= self.reach.get(id(x), 0)
            self.reach.update({id(x): reach for x in call.outputs})

    def has(self, test: Callable[[Any], bool]) -> bool:
        """Whether a test holds for one of the layers."""
        return any(test(call.operation) for call in self.calls)

    def those(self, test: Callable[[Any], bool]) -> int:
        """The calls of layers for which a test holds."""
        return sum(1 << i for i, call in enumerate(self.calls) if test(call.operation))

    def merges(self, kinds: Any) -> Iterator[tuple[Any, list[int]]]:
        """The calls of layers of some classes that merge tensors, each with the paths that lead to it alone.

        Args:
            kinds: The classes.

        Yields:
            Pairs of a call and, for each of its inputs, the calls on which this input alone depends.
        """
        for call in self.calls:
            if isinstance(call.operation, kinds) and len(call.input_tensors) > 1:
                reach = [self.reach.get(id(x), 0) for x in call.input_tensors if len(x.shape) > 1]
                yield (
                    call,
                    [
                        r & ~functools.reduce(operator.or_, reach[:i] + reach[i + 1 :], 0)
                        for i, r in enumerate(reach)
                    ],
                )


def sides(layer: Any) -> tuple[int, ...]:
    """The sides of the kernel of a convolution; none for other layers."""
    return tuple(np.ravel(layer.kernel_size)) if isinstance(layer, CONVS) else ()


def wide(layer: Any) -> bool:
    """Whether a layer is a convolution whose kernel is larger than one pixel."""
    return max(sides(layer), default=1) > 1


def pointwise(graph: Graph) -> bool:
    """Whether 1x1 convolutions read maps of more than one pixel."""
    return any(
        set(sides(call.operation)) == {1} and max(call.input_tensors[0].shape[1:-1]) > 1
        for call in graph.calls
    )


def small_kernels(graph: Graph) -> bool:
    """Whether there are two or more convolutions of 3x3 pixels or 3x3x3, and no larger kernel."""
    kernels = [sides(call.operation) for call in graph.calls if sides(call.operation)]
    return max(map(max, kernels), default=0) == 3 and sum(set(k) == {3} for k in kernels) > 1


def averaged(graph: Graph) -> bool:
    """Whether the classes are read from means over whole maps."""
    return any(isinstance(call.operation, GLOBAL) for call, _ in trail(graph.model.outputs[0]))


def branches(graph: Graph) -> bool:
    """Whether paths join that each have layers of their own.

    In a concatenation, these are convolutions or pooling, but no global pooling, which leaves no maps. In a
    sum they are kernels and rectified units: the projection of a shortcut has no rectified units.
    """
    steps = graph.those(lambda layer: isinstance(layer, (*CONVS, *WINDOWS)))
    kernels, units = graph.those(wide), graph.those(rectified)
    means = graph.those(lambda layer: isinstance(layer, GLOBAL))
    joins = graph.merges(layers.Concatenate)
    joined = (all(p & steps and not p & means for p in paths) for _, paths in joins)
    added = ([p for p in paths if p & kernels and p & units] for _, paths in graph.merges(SUMS))
    return any(joined) or any(len(paths) > 1 for paths in added)


def shortcuts(graph: Graph) -> bool:
    """Whether a sum has a path with kernels and rectified units, and another without."""
    kernels, units = graph.those(wide), graph.those(rectified)
    sums = ([bool(p & kernels and p & units) for p in paths] for _, paths in graph.merges(SUMS))
    return any(len(set(paths)) == 2 for paths in sums)


def dense(graph: Graph) -> bool:
    """Whether maps are concatenated with others that were made from them."""
    return any(sum(map(bool, paths)) < len(paths) for _, paths in graph.merges(layers.Concatenate))


def attention(graph: Graph) -> bool:
    """Whether maps are multiplied by a factor that alone was made from pooled maps."""
    pools = graph.those(lambda layer: isinstance(layer, (*GLOBAL, *WINDOWS)))
    return any(p & pools for _, paths in graph.merges(layers.Multiply) for p in paths)


def grouped(layer: Any) -> bool:
    """Whether a convolution has groups of several channels."""
    return isinstance(layer, layers.Conv2D) and layer.groups > 1 and layer.kernel.shape[2] > 1


def depthwise(layer: Any) -> bool:
    """Whether a convolution has a kernel for each channel."""
    split = isinstance(layer, layers.Conv2D) and layer.groups > 1
    return isinstance(layer, DEPTHWISE) or (split and layer.kernel.shape[2] == 1)


def rectified(layer: Any) -> bool:
    """Whether negative outputs of a layer become zero."""
    name = getattr(getattr(layer, "activation", None), "__name__", "")
    return name in ("relu", "relu6") or isinstance(layer, layers.ReLU)


def a(*kinds: Any) -> Callable[[Graph], bool]:
    """The test whether a layer is of one of some classes."""
    return lambda graph: graph.has(lambda layer: isinstance(layer, kinds))


class Idea(NamedTuple):
    """An idea.

    Attributes:
        name: Its name.
        words: What it is, in a sentence.
        lecture: The lecture that teaches it, and its topic there.
        test: Whether a net uses it.
    """

    name: str
    words: str
    lecture: tuple[str, str]
    test: Callable[[Graph], bool]


IDEAS = {
    "convolution": Idea(
        "Convolution",
        "The same small kernel reads every part of the image, so that a pattern is found wherever it is.",
        ("Aich", "LeNet-5"),
        a(*CONVS),
    ),
    "relu": Idea(
        "Rectified units",
        "Negative values become zero, so that gradients do not fade where units are large.",
        ("Hasanpour", "AlexNet"),
        lambda graph: graph.has(rectified),
    ),
    "lrn": Idea(
        "Local response normalization",
        "Each value is divided by a measure of its neighboring maps at the same pixel.",
        ("Das", "AlexNet"),
        a(own.LRN),
    ),
    "dropout": Idea(
        "Dropout",
        "In training, random units are left out, so that none relies on a few others.",
        ("Labate", "Dropout"),
        a(*DROPOUT),
    ),
    "grouped": Idea(
        "Grouped convolution",
        "Channels are split into groups, and a kernel reads only those of its own.",
        ("Labate", "ResNeXt, Xception"),
        lambda graph: graph.has(grouped),
    ),
    "pointwise": Idea(
        "1x1 convolution",
        "A kernel of one pixel mixes the channels there, at a fraction of the cost of a larger one.",
        ("Hasanpour", "Network in network"),
        pointwise,
    ),
    "averaged": Idea(
        "Global average pooling",
        "The classifier reads the mean of each map instead of all its pixels, which saves most parameters.",
        ("Aich", "Network in network"),
        averaged,
    ),
    "small": Idea(
        "Small kernels only",
        "Stacked 3x3 kernels see as much as a large one, with fewer parameters and more nonlinearities.",
        ("Das", "VGG"),
        small_kernels,
    ),
    "volumes": Idea(
        "Convolution in space and time",
        "Kernels also extend over the frames of a video.",
        ("Das", "C3D"),
        a(layers.Conv3D),
    ),
    "branches": Idea(
        "Parallel branches",
        "Several paths of layers read the same maps, and their outputs are joined.",
        ("Das", "GoogLeNet"),
        branches,
    ),
    "norm": Idea(
        "Batch normalization",
        "Each map is normalized by its mean and variance in a batch, which makes deep nets trainable.",
        ("Hasanpour", "Batch normalization"),
        a(*NORMS),
    ),
    "shortcuts": Idea(
        "Shortcuts",
        "The input of some layers is added to their output, so that they learn only the difference.",
        ("Das", "ResNet"),
        shortcuts,
    ),
    "factorized": Idea(
        "Factorized convolution",
        "A square kernel is replaced by a wide one and a tall one, such as 1x7 and 7x1.",
        ("Aich", "Breaking down convolution"),
        lambda graph: graph.has(lambda layer: len(set(sides(layer))) > 1),
    ),
    "dense": Idea(
        "Dense connections",
        "Layers read the maps of all layers before them in their block, not only of the last one.",
        ("Aich", "DenseNet"),
        dense,
    ),
    "depthwise": Idea(
        "Depthwise convolution",
        "Each channel has a kernel of its own, and 1x1 convolutions mix the channels.",
        ("Das", "MobileNet"),
        lambda graph: graph.has(depthwise),
    ),
    "attention": Idea(
        "Attention",
        "Maps are multiplied by weights that the net computes from a wider part of the image.",
        ("Jin", "SENet, MobileNet"),
        attention,
    ),
    "capsules": Idea(
        "Capsules",
        "Units are vectors, and routing by agreement takes the place of pooling.",
        ("Labate", "CapsNets"),
        a(own.RoutedCapsules),
    ),
}


def used(model: keras.Model) -> list[str]:
    """The ideas that a model uses.

    Args:
        model: A functional or sequential model.

    Returns:
        Keys of `IDEAS`, in their order.
    """
    graph = Graph(model)
    return [key for key, idea in IDEAS.items() if idea.test(graph)]
