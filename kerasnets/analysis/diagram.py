"""Diagrams of a model's graph, block by block."""

import collections
import dataclasses
import graphlib
import html
import math
import os
import re
import urllib.parse

import keras

from kerasnets import files
from kerasnets.analysis import pictures
from kerasnets.analysis.walk import shape_of
from kerasnets.checks import is_int, refuse
from kerasnets.graph import check_graph, functional, nodes, producer
from kerasnets.tables import shape_text

SUFFIXES = (".svg", ".png", ".pdf", ".dot")
READABLE = 40  # most blocks that are readable on a page
LINES = 4  # most lines about the layers of a block
# Colors of blocks by a part of a layer's class name; the first row that matches counts.
FILLS = (
    ("Conv", "#d3e3f3"),
    ("Dense", "#f6dfc4"),
    ("Pooling", "#d8ecd3"),
    ("", "#ececec"),
)


def diagram(model: keras.Model, path: str | os.PathLike, depth: int | None = None) -> int:
    """Draws the graph of a model, block by block.

    A block consists of layers whose names begin with the same parts: "stage1_unit1_conv" and
    "stage1_unit1_bn" belong to the block "stage1_unit1", or to "stage1" at depth 1. Consecutive equal blocks
    are drawn once, with their number.

    Args:
        model: Any functional or sequential keras.Model.
        path: Path of the drawing. Its suffix, one of `SUFFIXES`, is the format; .dot is Graphviz's own.
        depth: Number of parts of a name, separated by "_", that define a block; 0 draws every layer by
            itself. None chooses a depth that gives at most `READABLE` blocks and no cycle, if there is one.

    Returns:
        Number of blocks drawn.

    Raises:
        ValueError: `model` has no graph of layers, `depth` is not allowed, the suffix is not supported, or
            the folder does not exist.
        OSError: Graphviz fails, or was built without this format.
        ModuleNotFoundError: The package pygraphviz is missing.
    """
    check_graph(model)
    if depth is not None and not is_int(depth, 0):
        refuse("depth", "None or a whole number, at least 0", depth)
    path = pictures.check_path(path, SUFFIXES)
    blocks = choose(model, depth)
    graph = drawing(model.name, blocks)
    form = path.suffix[1:]
    files.write_bytes(path, graph.to_string().encode() if form == "dot" else rendered(graph, form))
    return len(blocks)


@dataclasses.dataclass
class Block:
    """Layers that are drawn as one node.

    Attributes:
        names: Names of the equal blocks that the node represents.
        layers: Layers of the first of them, in the order of the data flow.
        gives: Shapes of its outputs, without the batch.
        reads: Names of the blocks whose outputs it reads.
        repeats: Layers of the others.
    """

    names: list[str]
    layers: list[keras.Layer]
    gives: list[tuple]
    reads: set[str]
    repeats: list[keras.Layer] = dataclasses.field(default_factory=list)

    @property
    def params(self):
        """Number of parameters of its layers."""
        return sum(math.prod(w.shape) for layer in self.layers for w in getattr(layer, "weights", ()))

    @property
    def signature(self):
        """What two blocks have in common if they are drawn as one node.

        The order of parallel layers may differ: it depends on the layers behind a block.
        """
        return sorted(map(steps, self.layers)), self.gives, self.params


def choose(model, depth):
    """The blocks of a model at a depth, or at the greatest depth with a readable drawing.

    Args:
        model: A functional or sequential model.
        depth: Number of parts of a name, or None, as for `diagram`.

    Returns:
        Blocks by name, in the order of the data flow.
    """
    if depth is not None:
        return collapse(grouped(model, depth))
    acyclic = [blocks for blocks in (grouped(model, d) for d in (2, 1, 0)) if not has_cycle(blocks)]
    drawn = [collapse(blocks) for blocks in acyclic]
    return next((blocks for blocks in drawn if len(blocks) <= READABLE), min(drawn, key=len))


def grouped(model, depth):
    """The blocks of a model at a depth, by name."""
    graph = functional(model)
    calls = nodes(graph, inputs=True)
    layers = {node.operation.name for node in calls}
    blocks = {}
    for node in calls:
        name = group(node.operation.name, depth, layers)
        block = blocks.setdefault(name, Block([name], [], [], set()))
        block.layers += [] if node.operation in block.layers else [node.operation]
        for x in node.input_tensors:
            source = group(producer(x).operation.name, depth, layers)
            if source != name:
                block.reads.add(source)
                blocks[source].gives.append(shape_of(x))
    for x in graph.outputs:
        blocks[group(producer(x).operation.name, depth, layers)].gives.append(shape_of(x))
    for block in blocks.values():
        block.gives = sorted(set(block.gives), key=lambda shape: [-(side or 0) for side in shape])
        if len(block.layers) == 1:
            block.names = [block.layers[0].name]
    return blocks


def group(name, depth, layers):
    """The name of a layer's block: the first parts of the layer's name, but not the last part.

    Args:
        name: Name of the layer.
        depth: Largest number of parts; 0 for the whole name.
        layers: Names of all layers. A layer named after another, as "conv_pad" is after "conv", belongs to
            the same block.
    """
    first, _, last = name.rpartition("_")
    if not (depth and first):
        return name
    return group(first, depth, layers) if first in layers else "_".join(first.split("_")[:depth])


def has_cycle(blocks):
    """Whether data returns to a block that it has left."""
    try:
        graphlib.TopologicalSorter({name: block.reads for name, block in blocks.items()}).prepare()
    except graphlib.CycleError:
        return True
    return False


def collapse(blocks):
    """The blocks, with consecutive equal ones merged."""
    readers = collections.Counter(name for block in blocks.values() for name in block.reads)
    kept, merged_into = {}, {}
    for name, block in blocks.items():
        reads = {merged_into.get(read, read) for read in block.reads}
        if len(block.reads) == 1:
            (read,), (target,) = block.reads, reads
            if readers[read] == 1 and target in kept and kept[target].signature == block.signature:
                kept[target].names.append(block.names[0])
                kept[target].repeats.extend(block.layers)
                merged_into[name] = target
                continue
        kept[name] = dataclasses.replace(block, reads=reads)
    return kept


def steps(layer):
    """A layer's class and window as text: "Conv2D 3x3"."""
    size = getattr(layer, "kernel_size", None) or getattr(layer, "pool_size", None)
    size = size if isinstance(size, (tuple, list)) else (size,)
    return type(layer).__name__ + (f" {shape_text(size)}" if size != (None,) else "")


def caption(block):
    """The text in a block: its name, layers, output shapes and number of parameters."""
    title = block.names[0]
    if len(block.names) > 1:
        title += f" to {block.names[-1]}: {len(block.names)} times"
    main = [layer for layer in block.layers if fill([layer]) != FILLS[-1][1]] or block.layers
    counts = collections.Counter(steps(layer) for layer in main)
    lines = [f"{n} {step}" if n > 1 else step for step, n in counts.items()]
    if len(lines) > LINES:
        lines[LINES:] = [f"and {len(lines) - LINES} other kinds"]
    outputs = ", ".join(map(shape_text, block.gives))
    params = f", {block.params:,} params" if block.params else ""
    return "\n".join((title, *lines, f"{outputs}{params}"))


def fill(layers):
    """The color of a block with these layers."""
    kinds = {type(layer).__name__ for layer in layers}
    return next(color for word, color in FILLS if any(word in kind for kind in kinds))


def drawing(name, blocks):
    """The blocks as a pygraphviz.AGraph of this name."""
    graph = pictures.library("pygraphviz").AGraph(
        name=name, directed=True, strict=False, nodesep="0.3", ranksep="0.25"
    )
    graph.node_attr.update(shape="box", style="filled,rounded", fontname="Helvetica", fontsize="11")
    graph.edge_attr.update(color="#666666", arrowsize="0.7")
    for key, block in blocks.items():
        graph.add_node(identifier(key), label=label_of(block), fillcolor=fill(block.layers))
    for key, block in blocks.items():
        graph.add_edges_from((identifier(read), identifier(key)) for read in sorted(block.reads))
    return graph


def identifier(key):
    """The name of a block, quoted, since a colon and a first percent sign have meanings in Graphviz."""
    return urllib.parse.quote(key).replace("%", "=")


def label_of(block):
    """The text in a block, escaped for Graphviz, which reads entities of HTML and backslashes."""
    return html.escape(caption(block), quote=False).replace("\\", r"\\").replace("\n", r"\n")


def rendered(graph, form):
    """Renders a graph as a picture.

    Args:
        graph: A pygraphviz.AGraph.
        form: "svg", "png" or "pdf".

    Returns:
        Content of the file, bytes: the same for the same graph, since a PDF has no date.

    Raises:
        OSError: Graphviz fails, or was built without this format.
    """
    try:
        content = graph.draw(format=form, prog="dot")
    except ValueError as error:
        raise OSError(f"Graphviz cannot draw a .{form} file: {error}") from None
    if form == "pdf":  # spaces in place of the date keep all parts where the file says they are
        content = re.sub(rb"/CreationDate \(.*?\)", lambda date: b" " * len(date[0]), content)
    return content
