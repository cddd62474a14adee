"""Feature maps of several resolutions from any net."""

import collections
from collections.abc import Sequence
from typing import Any

import keras

from kerasnets.checks import is_int, refuse
from kerasnets.graph import check_graph, deep_recursion, nodes, producer, with_outputs
from kerasnets.surgery.features import body
from kerasnets.surgery.strides import strides_of
from kerasnets.weights import inherit

# Operations that only add a border. Their outputs are not feature maps of their own.
PADDING = ("MirrorPadding2D", "Pad", "WindowPadding2D", "ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D")


@deep_recursion()
def feature_pyramid(model: keras.Model, strides: Sequence[int] | None = (4, 8, 16, 32)) -> keras.Model:
    """Returns a model that gives the last feature map of each stride.

    The stride of a map is the distance, in pixels of the input, between neighboring positions, on the axis
    where it is largest. The last map of a stride is the output of the stage, from which the next coarser map
    is computed. It is not the output of a branch inside the unit that reduces the resolution. Where a net
    computes finer maps from coarser ones again, as decoders do, the last map depends on these coarser ones.

    Source: Lin et al. 2017, arXiv:1612.03144, section 3, "the output of the last layer of each stage".

    Args:
        model: A functional or sequential model of images or clips, (batch, *grid, channels), with or without
            a classifier. The classifier is left out, and so are auxiliary heads beside "predictions".
        strides: Strides in pixels, powers of two, or None for all that the net has.

    Returns:
        A keras.Model that shares its weights with `model` and gives a dict of feature maps, (batch, *grid,
        channels): "P2" for stride 4, "P3" for stride 8 and in general "Pk" for stride 2**k.

    Raises:
        ValueError: `model` has no graph of layers, or it does not have all of the strides. The message lists
            those that it has.
    """
    check_graph(model)
    listed = isinstance(strides, (tuple, list)) and len(strides) > 0
    if strides is not None and not (listed and all(map(is_power_of_two, strides))):
        refuse("strides", "None or powers of two, such as (4, 8, 16, 32)", strides)
    net = body(model)
    stride_of = strides_of(net)
    found = sorted({s for s in stride_of.values() if is_power_of_two(s)})
    wanted = found if strides is None else sorted(set(strides))
    if not wanted or set(wanted) - set(found):
        refuse("strides", f"among those of {model.name}, {tuple(found)}", strides)
    maps = {f"P{s.bit_length() - 1}": last_map(net, stride_of, s) for s in wanted}
    pyramid = with_outputs(net, maps, name=f"{model.name}_pyramid")
    return inherit(pyramid, model, "feature_pyramid", names=False)


def is_power_of_two(value: Any) -> bool:
    """Whether a value is an integer 1, 2, 4 and so on."""
    return is_int(value, 1) and value & (value - 1) == 0


def last_map(model: keras.Model, stride_of: dict[int, int | float], stride: int) -> keras.KerasTensor:
    """The feature map that ends the stage of a stride.

    The candidates are the maps of this stride that are computed from the same maps of other strides as the
    last one. An exit is a candidate that is read at another stride. The result is the first exit if all other
    exits are computed from it, otherwise the exit that is computed from the most maps. Without exits, it is
    the last map of the stride.

    Args:
        model: A functional model.
        stride_of: Strides in pixels, by the ids of the model's tensors.
        stride: The stride, which at least one map has.

    Returns:
        A Keras tensor.
    """
    calls = nodes(model)
    tensors = [x for node in calls for x in node.outputs]
    bit = {id(x): 1 << i for i, x in enumerate(tensors)}
    ancestors = collections.defaultdict(
        int
    )  # by tensor, those that it is computed from, as bits of an integer
    readers = collections.defaultdict(list)
    for node in calls:
        for x in node.input_tensors:
            for y in node.outputs:
                ancestors[id(y)] |= ancestors[id(x)] | bit.get(id(x), 0)
                readers[id(x)].append(y)

    def is_exit(x):
        return any(
            stride_of.get(id(y), stride) != stride or (is_padding(y) and is_exit(y)) for y in readers[id(x)]
        )

    maps = [x for x in tensors if stride_of.get(id(x)) == stride and not is_padding(x)]
    others = sum(bit[x] for x, s in stride_of.items() if s != stride)
    candidates = [x for x in maps if ancestors[id(x)] & others == ancestors[id(maps[-1])] & others]
    first, *more = exits = [x for x in candidates if is_exit(x)] or maps[-1:]
    if all(ancestors[id(x)] & bit[id(first)] for x in more):
        return first
    return max(exits, key=lambda x: ancestors[id(x)].bit_count())


def is_padding(tensor: keras.KerasTensor) -> bool:
    """Whether a Keras tensor is the output of an operation that only adds a border."""
    return type(producer(tensor).operation).__name__ in PADDING
