"""The stages of a net as papers print them in tables, and how the receptive field grows with depth.

A graph is read as a chain of layers, between which it splits into branches that join again. From this follow
the units and their notation, that of table 1 of the ResNet paper: "[1x1, 64 · 3x3, 64 · 1x1, 256] x 3". The
names of the layers only say which layers of the chain belong to one unit, and where branches cross.
"""

import dataclasses
import itertools
import math
import re
from collections.abc import Iterator, Sequence
from typing import Any

import keras

from atlas_pages import words
from kerasnets.analysis.diagram import group
from kerasnets.analysis.profile import Profile
from kerasnets.graph import functional, nodes, producer
from kerasnets.tables import shape_text

SUMS = ("Add", "Average", "Maximum")
# Layers that read another tensor for its shape only, or give no maps at all.
SHAPED, APART = ("UpSampleLike",), ("DropPathSampler",)
DENSE = ("Dense", "RoutedCapsules")  # layers with weights and without a window
# Other layers that are told; normalization and activations, for example, are not.
TOLD = (
    *("GlobalAveragePooling2D", "GlobalAveragePooling3D", "GlobalMaxPooling2D", "LRN", "Maxout"),
    *("UpSampleLike", "UpSampling2D", "CapsuleLength"),
)
# Names of branches and of units, for graphs whose branches cross.
BRANCH, UNIT = (
    re.compile(r"_(branch\d+|column\d+|trunk|mask)"),
    re.compile(r"(_\d+x\d+_conv|_\d+_conv|_\d+)$"),
)
LONG = 200  # characters of a text, beyond which branches are told by their names too
FEW = 3  # most equal layers of a unit that are written out
AND, OR, TIMES = " · ", " | ", " × "
ABOUT = (
    "3x3, 64 is a convolution with a kernel of 3x3 and 64 filters; dw means depthwise, sep means separable, "
    "and C is the number of groups. 10-d fc is a dense layer of 10 units. SE is squeeze and excitation, with "
    "the widths of its layers. Steps in sequence are joined by ·, parallel branches by |, and branches whose "
    "outputs are multiplied by ×. Shortcuts and their projections are left out."
)


@dataclasses.dataclass(eq=False)
class Node:
    """A call of a layer.

    Attributes:
        layer: The layer.
        shape: Shape of its output, without the batch.
        reads: The calls whose outputs it reads.
        place: Its place in topological order.
        text: What it does, in the notation of papers; "" if that is not told.
        names: Names of the layers that it stands for: its own, and those of a gate.
    """

    layer: Any
    shape: tuple
    reads: list["Node"]
    place: int
    text: str = ""
    names: list[str] = dataclasses.field(default_factory=list)

    @property
    def kind(self) -> str:
        """The name of its class."""
        return type(self.layer).__name__

    @property
    def counts(self) -> bool:
        """Whether papers count it as a layer: a convolution or a dense layer."""
        return bool(self.text) and (hasattr(self.layer, "kernel_size") or self.kind in DENSE)


@dataclasses.dataclass
class Split:
    """Branches that begin at one point and join again.

    Attributes:
        branches: The parts of each branch; an empty list is a shortcut.
        join: The call at which they end.
        tangled: Whether branches cross, so that there is only one, which lists all its layers.
    """

    branches: list[list["Node | Split"]]
    join: Node
    tangled: bool = False

    def all(self) -> Iterator[Node]:
        """All its calls."""
        for part in itertools.chain(*self.branches):
            yield from part.all() if isinstance(part, Split) else (part,)


def stages(model: keras.Model, counts: Profile) -> list[dict[str, Any]]:
    """The rows of the table of stages.

    Args:
        model: A functional or sequential model.
        counts: Its profile.

    Returns:
        From the input to the classifier, for each row its `name`, the `size` and the `channels` of the
        output, `what` it does, `repeats`, its `params` and `mult_adds`, and the `stride` in pixels of the
        input from position to position, None behind the maps.
    """
    chain = graph_of(model)
    costs: dict[str, list[int]] = {}
    strides: dict[str, float | None] = {}
    for row in counts.layers:
        cost = costs.setdefault(row.name, [0, 0])
        cost[0], cost[1] = cost[0] + row.params, cost[1] + (row.mult_adds or 0)
        strides[row.name] = row.stride[-1] if row.stride and len(row.output_shape) > 2 else None
    made = [told(part, costs, strides) for part in rows_of(chain)]
    return merged(made)


def growth(model: keras.Model, counts: Profile) -> dict[str, Any]:
    """How the receptive field grows with the number of convolutions and poolings that data have passed.

    Windows within gates, such as squeeze and excitation, are not counted; what they read is.

    Args:
        model: A functional or sequential model.
        counts: Its profile.

    Returns:
        `depth`, the number of layers with weights on the longest path; `side`, the width of the input;
        `points`, for each number of windows passed the largest receptive field in pixels; `strides`, the
        numbers at which maps become coarser, with their strides; and `first`, the name of the layer whose
        field is the first to cover the width, or None.
    """
    fields = {row.name: row.receptive_field for row in counts.layers if row.stride}
    steps = {row.name: row.stride[-1] for row in counts.layers if row.stride}
    chain = graph_of(model)
    passed: dict[int, int] = {}
    weights: dict[int, int] = {}
    points: dict[int, float] = {}
    shape = counts.input_shape
    side = shape[-2] if len(shape) > 2 and isinstance(shape[-2], int) else None
    coarser: list[list[float]] = []
    first = None
    for node in chain:
        windowed = bool(words.window(node.layer)) and node.layer.name in fields
        passed[node.place] = max((passed.get(r.place, 0) for r in node.reads), default=0) + windowed
        weights[node.place] = max((weights.get(r.place, 0) for r in node.reads), default=0) + node.counts
        field = fields.get(node.layer.name)
        if field is None:
            continue
        n = passed[node.place]
        points[n] = max(points.get(n, 0), field[-1])
        if steps[node.layer.name] > max([1, *(stride for _, stride in coarser)]):
            coarser.append([n, steps[node.layer.name]])
        if first is None and side and field[-1] >= side:
            first = node.layer.name
    return {
        "depth": max(weights.values(), default=0),
        "side": side,
        "points": [[n, points[n]] for n in sorted(points)],
        "strides": coarser,
        "first": first,
    }


def graph_of(model: keras.Model) -> list[Node]:
    """The calls of layers that lead from the input to the first output, gates as parts of their products."""
    graph = functional(model)
    found: dict[int, Node] = {}
    every: list[Node] = []
    for call in nodes(graph, inputs=True):
        layer = call.operation
        reads = [found[id(producer(x))] for x in call.input_tensors]
        if type(layer).__name__ in SHAPED:
            reads = reads[:1]
        reads = [node for node in reads if node.kind not in APART]
        node = Node(layer, tuple(call.outputs[0].shape[1:]), reads, len(every), step(call), [layer.name])
        found[id(call)] = node
        every.append(node)
    # Of each call the calls before it, as bits of an integer.
    before = [0] * len(every)
    for node in every:
        for read in node.reads:
            before[node.place] |= before[read.place] | 1 << read.place
    last = found[id(producer(graph.outputs[0]))]
    for node in every:
        if node.kind == "Multiply" and len(node.reads) == 2:
            fold_gate(node, every, before)
    kept = before[last.place] | 1 << last.place
    gated = {name for node in every for name in node.names[1:]}
    return [node for node in every if kept >> node.place & 1 and node.layer.name not in gated]


def fold_gate(product: Node, every: list[Node], before: list[int]) -> None:
    """Makes the layers that compute one factor for each channel a part of the product with the maps."""
    maps, gate = sorted(product.reads, key=lambda node: -positions(node.shape))
    if positions(gate.shape) > 1 or positions(maps.shape) == 1:
        return
    own = (before[gate.place] | 1 << gate.place) & ~(before[maps.place] | 1 << maps.place)
    inside = [node for node in every if own >> node.place & 1]
    used: dict[int, set[int]] = {}
    for node in every:
        for read in node.reads:
            used.setdefault(read.place, set()).add(node.place)
    held = {product.place}
    for node in reversed(inside):
        if used[node.place] <= held:
            held.add(node.place)
    inside = [node for node in inside if node.place in held]
    widths = [str(node.shape[-1]) for node in inside if node.counts]
    product.text = f"SE [{', '.join(widths)}]"
    product.names += [node.layer.name for node in inside]
    product.reads = [maps]


def positions(shape: Sequence[int | None]) -> int:
    """The number of positions of maps."""
    return math.prod(side or 2 for side in shape[:-1])  # a free side has several


def step(call: Any) -> str:
    """What a call of a layer does, in the notation of papers."""
    layer, kind = call.operation, type(call.operation).__name__
    channels = call.outputs[0].shape[-1]
    size = words.window(layer)
    if size is None:
        if kind == "Dense":
            return f"{channels}-d fc"
        if kind == "RoutedCapsules":
            return "{} capsules of {}, routed".format(*call.outputs[0].shape[1:])
        return words.word(layer) if kind in TOLD else ""
    if words.kind(layer) == "pool":
        return words.operation(layer, channels)
    groups = getattr(layer, "groups", 1)
    form = " dw" if "Depthwise" in kind else " sep" if "Separable" in kind else ""
    more = f", C={groups}" if groups > 1 else ", partly connected" if kind == "PartialConv2D" else ""
    return f"{shape_text(size)}{form}, {channels}{more}"


def strided(node: Node) -> str:
    """The stride of a layer as it is added to its text; "" if it is 1."""
    stride = words.stride(node.layer)
    return f", stride {stride}" if node.text and stride else ""


def series(inside: list[Node], source: Node | None, sink: Node | None) -> list[Node | Split]:
    """Calls as a chain, whose links are single calls and splits.

    Args:
        inside: The calls, in topological order.
        source: The call before them, which any of them may read.
        sink: The call after them, which may read any of them.

    Returns:
        The chain.
    """
    order = [*([source] if source else []), *inside, *([sink] if sink else [])]
    at = {id(node): i for i, node in enumerate(order)}
    farthest = list(range(len(order)))  # the last call that reads each
    for node in order[1:] if source else order:
        for read in node.reads:
            if id(read) in at and not (read is source and node is sink):
                farthest[at[id(read)]] = max(farthest[at[id(read)]], at[id(node)])
    reach = itertools.accumulate([0, *farthest], max)
    cuts = [i for i, last in zip(range(len(order)), reach, strict=False) if last <= i]
    chain: list[Node | Split] = [] if source else [order[0]]
    for start, end in itertools.pairwise(cuts):
        between = order[start + 1 : end]
        if between and between == inside and len(connected(inside)) == 1:
            chain.append(Split([between], order[end], True))
        elif between:
            chain.append(split(order[start], between, order[end]))
        if order[end] is not sink:
            chain.append(order[end])
    return chain


def split(source: Node, inside: list[Node], sink: Node) -> Split:
    """The branches between two calls of a chain, in the order in which the second reads them."""
    branches = [series(part, source, sink) for part in connected(inside)]
    direct = any(read is source for read in sink.reads)
    if len(branches) == 1 and not direct and isinstance(branches[0][0], Split):
        return branches[0][0]  # branches that cross
    ends = [id(read) for read in sink.reads]

    def rank(branch):
        return min((ends.index(id(node)) for node in flat(branch) if id(node) in ends), default=len(ends))

    return Split([*sorted(branches, key=rank), *[[]] * direct], sink)


def flat(parts: Sequence[Node | Split]) -> list[Node]:
    """All calls of parts of a chain."""
    return [n for part in parts for n in (part.all() if isinstance(part, Split) else (part,))]


def connected(inside: list[Node]) -> list[list[Node]]:
    """Calls in groups such that no call reads one of another group."""
    root = {id(node): id(node) for node in inside}

    def find(key):
        while root[key] != key:
            root[key] = root[root[key]]
            key = root[key]
        return key

    for node in inside:
        for read in node.reads:
            if id(read) in root:
                root[find(id(read))] = find(id(node))
    groups: dict[int, list[Node]] = {}
    for node in inside:
        groups.setdefault(find(id(node)), []).append(node)
    return list(groups.values())


def text_of(parts: Sequence[Node | Split], strides: bool = False, most: int = FEW) -> str:
    """What parts of a chain do, one after the other; more equal neighbours than `most` are one."""
    texts = [
        part_text(part) if isinstance(part, Split) else part.text + (strided(part) if strides else "")
        for part in parts
    ]
    return AND.join(folded([text for text in texts if text], most))


def folded(texts: Sequence[str], most: int = 1) -> Iterator[str]:
    """Texts, of which equal neighbours are one with their number if they are more than `most`."""
    for text, same in itertools.groupby(texts):
        n = len(list(same))
        yield from [text] * n if n <= most else [times(text, n)]


def times(text: str, n: int) -> str:
    """A text that stands for n of the same."""
    whole = text[0] in "([" and bracketed(text) == text
    return f"{text if whole else f'[{text}]'} x {n}"


def bracketed(text: str) -> str:
    """A text of several steps in brackets, unless it is in brackets as a whole."""
    depth = 0
    for i, sign in enumerate(text):
        depth += (sign in "([") - (sign in ")]")
        if depth == 0 and text[i:].startswith(AND):
            return f"[{text}]"
    return text


def part_text(part: Split) -> str:
    """What the branches of a split do, without shortcuts and projections."""
    if part.tangled:
        return named_text(part.branches[0])
    branches = part.branches
    if part.join.kind in SUMS:
        most = max(sum(node.counts for node in flat(b)) for b in branches)
        branches = [b for b in branches if most < 2 or sum(node.counts for node in flat(b)) > 1]
    texts = [text for text in map(text_of, branches) if text]
    if len(texts) < 2:
        return "".join(texts)
    return f"({(TIMES if part.join.kind == 'Multiply' else OR).join(folded(texts, FEW))})"


def named_text(inside: Sequence[Node]) -> str:
    """What calls do whose branches cross: for each branch, by names, its units one after the other."""
    branches: dict[str, dict[str, list[str]]] = {}
    for node in inside:
        name = node.layer.name
        branch = BRANCH.search(name)
        if node.counts and branch and "shortcut" not in name:
            units = branches.setdefault(branch[0], {})
            units.setdefault(UNIT.sub("", name), []).append(node.text)
    texts = [
        AND.join(folded([AND.join(folded(unit, FEW)) for unit in branches[name].values()]))
        for name in sorted(branches)
    ]
    if not texts:
        texts = list(folded(sorted(node.text for node in inside if node.counts)))
    return f"({OR.join(texts)})" if len(texts) > 1 else "".join(texts)


@dataclasses.dataclass
class Row:
    """A row of the table before it is told.

    Attributes:
        key: Name of the unit.
        parts: Parts of the chain.
    """

    key: str
    parts: list[Node | Split]


def rows_of(chain: list[Node]) -> list[Row]:
    """The units of a graph, in order; poolings are rows of their own."""
    layers = {node.layer.name for node in chain}
    rows: list[Row] = []
    for part in untangled(series(chain, None, None)):
        last = part.join if isinstance(part, Split) else part
        key = group(last.layer.name, 2, layers)
        silent = not isinstance(part, Split) and not part.text
        pool = not isinstance(part, Split) and "Pooling" in part.kind
        if rows and (silent or (key == rows[-1].key and not pool)) and not is_input(rows[-1], silent, key):
            rows[-1].parts.append(part)
        else:
            rows.append(Row(last.layer.name if pool else key, [part]))
    return rows


def is_input(row: Row, silent: bool, key: str) -> bool:
    """Whether a row is the input, to which only what has no text is added."""
    return isinstance(row.parts[0], Node) and row.parts[0].kind == "InputLayer" and not silent


def untangled(chain: list[Node | Split]) -> Iterator[Node | Split]:
    """A chain in which branches that cross are groups of layers by their names."""
    for part in chain:
        if not (isinstance(part, Split) and part.tangled):
            yield part
            continue
        inside = part.branches[0]
        layers = {node.layer.name for node in inside}
        groups: dict[str, list[Node]] = {}
        for node in inside:
            groups.setdefault(group(node.layer.name, 2, layers), []).append(node)
        if len(groups) == 1:
            yield part
            continue
        for nodes_ in groups.values():
            yield Split([nodes_], nodes_[-1], True)


def told(row: Row, costs: dict[str, list[int]], strides: dict[str, float | None]) -> dict[str, Any]:
    """A row of the table as data."""
    own = flat(row.parts)
    names = [name for node in own for name in node.names]
    plain = sum(bool(node.text) for node in own) <= 2 and sum(node.counts for node in own) < 2
    end = next((part for part in reversed(row.parts) if isinstance(part, Split) or part.text), own[0])
    last = end.join if isinstance(end, Split) else end
    if isinstance(end, Split) and end.tangled:  # of maps of several resolutions, the largest
        told_of = [node for node in end.all() if node.text] or [last]
        last = max(told_of, key=lambda node: (positions(node.shape), node.place))
    text, short = (text_of(row.parts, plain, most) for most in (FEW, 1))
    if len(text) > LONG and len(named := named_text(own)) < len(text):
        text = short = named
    if own[0].kind == "InputLayer":
        text = short = "input"
    stride = strides.get(last.layer.name)
    steps = [part for part in row.parts if isinstance(part, Split) or part.text]
    alone = len(steps) == 1 and isinstance(steps[0], Node)
    return {
        "name": steps[0].layer.name.removesuffix("_conv") if alone else row.key,
        "size": shape_text(last.shape[:-1]) if len(last.shape) > 1 else "1x1",
        "channels": last.shape[-1],
        "what": text,
        "short": short,
        "repeats": 1,
        "params": sum(costs.get(name, (0, 0))[0] for name in names),
        "mult_adds": sum(costs.get(name, (0, 0))[1] for name in names),
        "stride": stride if stride is None or stride % 1 else int(stride),
    }


def merged(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows, of which equal neighbours are one; one without a text belongs to the one before."""
    made: list[dict[str, Any]] = []
    for row in rows:
        same = made and all(row[k] == made[-1][k] for k in ("size", "what"))
        if made and (same or not row["what"]):
            above = made[-1]
            above["repeats"] += bool(same and row["what"])
            above["channels"] = row["channels"] if same else above["channels"]
            above["last"] = row["name"] if same else above.get("last", above["name"])
            for key in ("params", "mult_adds"):
                above[key] = above[key] + row[key]
        else:
            made.append(row)
    for row in made:
        last, short = row.pop("last", None), row.pop("short")
        row["name"] = words.title([row["name"], last] if last else [row["name"]])
        if row["repeats"] > 1:
            row["what"] = times(row["what"], row["repeats"])
        else:
            row["what"] = bracketed(short)
    return made
