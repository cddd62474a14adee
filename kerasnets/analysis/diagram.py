"""A drawing of a model's graph, block by block."""

import collections
import dataclasses
import graphlib
import math
import urllib.parse

from kerasnets import files
from kerasnets.analysis import pictures
from kerasnets.analysis.walk import shape_of
from kerasnets.checks import is_int, refuse
from kerasnets.graph import check_graph, functional, nodes, producer
from kerasnets.tables import shape_text

SUFFIXES = (".svg", ".png", ".pdf", ".dot")
READABLE = 40  # blocks that a page shows
LINES = 4  # that say what a block does
# The color of a block says what it does; the first row that fits counts.
FILLS = (
    ("Conv", "#d3e3f3"),
    ("Dense", "#f6dfc4"),
    ("Pooling", "#d8ecd3"),
    ("", "#ececec"),
)


def diagram(model, path, depth=None):
    """Draws the graph of a model, block by block.

    A block is the layers whose names start alike: "stage1_unit1_conv" and "stage1_unit1_bn" are of the block
    "stage1_unit1", or of "stage1" at depth 1. Blocks that are alike and follow one another are drawn once,
    with their number.

    Args:
        model: Any functional or sequential keras.Model.
        path: Path of the drawing; its suffix, one of `SUFFIXES`, says the format. A .dot file is Graphviz's
            own text.
        depth: Parts of a name, parted by "_", that make a block, 0 for every layer by itself; None chooses
            what gives at most `READABLE` blocks without circles.

    Returns:
        How many blocks are drawn.

    Raises:
        ValueError: `model` has no graph of layers, `depth` is none of the above, another suffix, or no such
            folder.
        OSError: Graphviz's program `dot` is missing or fails; a .dot file does not need it.
        ModuleNotFoundError: The package graphviz is missing.
    """
    check_graph(model)
    if depth is not None and not is_int(depth, 0):
        refuse("depth", "None or a whole number, at least 0", depth)
    path = pictures.check_path(path, SUFFIXES)
    blocks = choose(model, depth)
    graph = drawing(model.name, blocks)
    form = path.suffix[1:]
    files.write_bytes(path, graph.source.encode() if form == "dot" else rendered(graph, form))
    return len(blocks)


@dataclasses.dataclass
class Block:
    """Layers that are drawn as one.

    Attributes:
        names: Names of the blocks that it stands for.
        layers: Its layers, in the order in which data meets them.
        gives: Shapes of what others read of it, without the batch.
        reads: Names of the blocks that it reads.
    """

    names: list
    layers: list
    gives: list
    reads: set

    @property
    def params(self):
        """Parameters of its layers."""
        return sum(math.prod(w.shape) for layer in self.layers for w in getattr(layer, "weights", ()))

    @property
    def alike(self):
        """What two blocks that are drawn once have in common."""
        return [(type(layer), steps(layer)) for layer in self.layers], self.gives, self.params


def choose(model, depth):
    """The blocks of a model at a depth, or at the deepest that gives a readable drawing.

    Args:
        model: A functional or sequential model.
        depth: As in `diagram`.

    Returns:
        Blocks by name, in the order in which data meets them.
    """
    if depth is not None:
        return collapse(grouped(model, depth))
    plain = [blocks for blocks in (grouped(model, d) for d in (2, 1, 0)) if not circular(blocks)]
    drawn = [collapse(blocks) for blocks in plain]
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
    """The block of a layer: the first parts of its name, without the last, which says what the layer does.

    Args:
        name: Name of the layer.
        depth: Parts at most; 0 for the whole name.
        layers: Names of all layers. What is named after another, as "conv_pad" is after "conv", is in its
            block.
    """
    first, _, last = name.rpartition("_")
    if not (depth and first):
        return name
    return group(first, depth, layers) if first in layers else "_".join(first.split("_")[:depth])


def circular(blocks):
    """Whether data comes back to a block that it has left."""
    try:
        graphlib.TopologicalSorter({name: block.reads for name, block in blocks.items()}).prepare()
    except graphlib.CycleError:
        return True
    return False


def collapse(blocks):
    """The blocks, those of a chain that are alike made one."""
    readers = collections.Counter(name for block in blocks.values() for name in block.reads)
    kept, stands_for = {}, {}
    for name, block in blocks.items():
        reads = {stands_for.get(read, read) for read in block.reads}
        last = kept[next(iter(reads))] if len(reads) == 1 and next(iter(reads)) in kept else None
        if last and readers[next(iter(block.reads))] == 1 and last.alike == block.alike:
            last.names.append(block.names[0])
            stands_for[name] = next(iter(reads))
        else:
            kept[name] = dataclasses.replace(block, reads=reads)
    return kept


def steps(layer):
    """What a layer does, as words: "Conv2D 3x3"."""
    size = getattr(layer, "kernel_size", None) or getattr(layer, "pool_size", None)
    size = size if isinstance(size, (tuple, list)) else (size,)
    return type(layer).__name__ + (f" {shape_text(size)}" if size != (None,) else "")


def caption(block):
    """The words in a block: its name, what it does, what it gives and its parameters."""
    first, *_, last = block.names * 2
    times = f" to {last}: {len(block.names)} times" if len(block.names) > 1 else ""
    main = [layer for layer in block.layers if fill([layer]) != FILLS[-1][1]] or block.layers
    counts = collections.Counter(steps(layer) for layer in main)
    done = [f"{n} {step}" if n > 1 else step for step, n in counts.items()]
    more = [f"and {len(done) - LINES} kinds more"] if len(done) > LINES else []
    params = f", {block.params:,} params" if block.params else ""
    return "\n".join(
        (f"{first}{times}", *done[:LINES], *more, f"{', '.join(map(shape_text, block.gives))}{params}")
    )


def fill(layers):
    """The color of layers."""
    kinds = {type(layer).__name__ for layer in layers}
    return next(color for word, color in FILLS if any(word in kind for kind in kinds))


def drawing(name, blocks):
    """Blocks as a graphviz.Digraph."""
    graph = pictures.library("graphviz").Digraph(
        name,
        graph_attr=dict(nodesep="0.3", ranksep="0.25"),
        node_attr=dict(shape="box", style="filled,rounded", fontname="Helvetica", fontsize="11"),
        edge_attr=dict(color="#666666", arrowsize="0.7"),
    )
    for key, block in blocks.items():
        graph.node(identifier(key), label_of(block), fillcolor=fill(block.layers))
        graph.edges((identifier(read), identifier(key)) for read in sorted(block.reads))
    return graph


def identifier(key):
    """The name of a block where Graphviz would take what follows a colon for a place on the block."""
    return urllib.parse.quote(key)


def label_of(block):
    """The words in a block as Graphviz reads them, where a backslash begins an escape."""
    graphviz = pictures.library("graphviz")
    return graphviz.nohtml(graphviz.escape(caption(block)).replace("\n", "\\n"))


def rendered(graph, form):
    """A drawing as the bytes of a picture.

    Args:
        graph: A graphviz.Digraph.
        form: "svg", "png" or "pdf".

    Raises:
        OSError: Graphviz's program `dot` is missing or fails.
    """
    graphviz = pictures.library("graphviz")
    try:
        return graph.pipe(form, quiet=True)
    except graphviz.ExecutableNotFound:
        raise OSError(
            "Drawing needs Graphviz, whose program `dot` is not there: apt install graphviz or "
            "brew install graphviz. A .dot file needs none."
        ) from None
    except graphviz.CalledProcessError as error:
        said = " ".join(error.stderr.decode(errors="replace").split())
        raise OSError(f"Graphviz's program `dot` failed, exit status {error.returncode}: {said}") from None
