"""Maps of several resolutions, out of any net."""

import collections

from kerasnets.checks import is_int, refuse
from kerasnets.graph import check_graph, deep_recursion, nodes, producer, with_outputs
from kerasnets.surgery.features import body
from kerasnets.surgery.strides import strides_of

# Operations that add a border: what they give stands for no other pixels than what they read.
PADDING = ("Pad", "ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D")


@deep_recursion()
def feature_pyramid(model, strides=(4, 8, 16, 32)):
    """A model that gives the last feature map at each stride.

    A map's stride is the step in pixels of the input from one of its pixels to the next, on the axis where it
    is largest. The last map is the end of a stage, from which the first coarser map is made, and not that of
    a branch inside the unit that halves the grid. Where finer maps are made of coarser ones again, it is the
    last that has seen them.

    Source: Lin et al. 2017, arXiv:1612.03144, section 3, "the output of the last layer of each stage".

    Args:
        model: Any functional or sequential model of images or clips, (batch, *grid, channels), with a top or
            without. Its classifier is left out, and so are auxiliary heads beside "predictions".
        strides: Strides, powers of two, or None for all that the net has.

    Returns:
        A keras.Model that shares its weights and gives a dict of maps, "P2" for stride 4, "P3" for 8 and so
        on, Pk for 2**k.

    Raises:
        ValueError: `model` has no graph of layers, or `strides` are not among those that it has, which the
            message lists.
    """
    check_graph(model)
    listed = isinstance(strides, (tuple, list)) and len(strides) > 0
    if strides is not None and not (listed and all(map(is_power_of_two, strides))):
        refuse("strides", "None or powers of two, such as (4, 8, 16, 32)", strides)
    net = body(model)
    steps = strides_of(net)
    found = sorted({s for s in steps.values() if is_power_of_two(s)})
    wanted = found if strides is None else sorted(set(strides))
    if not wanted or set(wanted) - set(found):
        refuse("strides", f"among those of {model.name}, {tuple(found)}", strides)
    maps = {f"P{s.bit_length() - 1}": last_map(net, steps, s) for s in wanted}
    return with_outputs(net, maps, name=f"{model.name}_pyramid")


def is_power_of_two(value):
    """Whether a number is 1, 2, 4 or so on."""
    return is_int(value, 1) and value & (value - 1) == 0


def last_map(model, steps, stride):
    """The map at which what is computed at a stride ends.

    Of the maps of this stride, those count that are made of the same maps of other strides as the last is. A
    way out is one of them that is read at another stride. The first way out is the end if it leads to all
    others, else that which is made of the most; without any, the last map.

    Args:
        model: A functional model.
        steps: Strides by ids of its tensors.
        stride: The stride, one that a map has.

    Returns:
        A Keras tensor.
    """
    calls = nodes(model)
    tensors = [x for node in calls for x in node.outputs]
    bit = {id(x): 1 << i for i, x in enumerate(tensors)}
    made_of = collections.defaultdict(int)  # for each tensor, those that it is made of, as bits
    readers = collections.defaultdict(list)
    for node in calls:
        for x in node.input_tensors:
            for y in node.outputs:
                made_of[id(y)] |= made_of[id(x)] | bit.get(id(x), 0)
                readers[id(x)].append(y)

    def leaves(x):
        return any(
            steps.get(id(y), stride) != stride or (is_padding(y) and leaves(y)) for y in readers[id(x)]
        )

    maps = [x for x in tensors if steps.get(id(x)) == stride and not is_padding(x)]
    others = sum(bit[x] for x, s in steps.items() if s != stride)
    group = [x for x in maps if made_of[id(x)] & others == made_of[id(maps[-1])] & others]
    first, *more = ways_out = [x for x in group if leaves(x)] or maps[-1:]
    leads = all(made_of[id(x)] & bit[id(first)] for x in more)
    return first if leads else max(ways_out, key=lambda x: made_of[id(x)].bit_count())


def is_padding(tensor):
    """Whether a Keras tensor is another with a border."""
    return type(producer(tensor).operation).__name__ in PADDING
