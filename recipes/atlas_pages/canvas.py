"""Drawings as SVG: boxes of measured text, laid out by Graphviz."""

import collections
import copy
import dataclasses
import functools
import pathlib
import re
from collections.abc import Sequence

import jinja2

from kerasnets.analysis.pictures import library

HERE = pathlib.Path(__file__).parent
SIZES = {"head": 13, "times": 13, "text": 12, "note": 11}  # sizes of fonts, in pixels, by the class of a text
WIDE = 720  # width of a drawing, in pixels, above which it is drawn from the left to the right
PAD = 9  # between a box and its text
MARGIN = 4  # around the drawing
FEW = 14  # most nodes whose branches keep their order, whatever crosses
STEP = 4  # between the cards of a stack


@dataclasses.dataclass
class Text:
    """A line of text.

    Attributes:
        words: The text.
        style: Its class, one of `SIZES`.
        x: Its place, from the left of its node; the right end if it is aligned right, the middle if centered.
        y: Its base line, from the top of its node.
        anchor: "start", "middle" or "end".
    """

    words: str
    style: str = "text"
    x: float = 0
    y: float = 0
    anchor: str = "start"

    @property
    def size(self) -> int:
        """Size of its font."""
        return SIZES[self.style]

    @property
    def extent(self) -> tuple[float, float]:
        """Its left and right ends."""
        width = measured(self.words, self.style)
        left = self.x - width * {"start": 0, "middle": 0.5, "end": 1}[self.anchor]
        return left, left + width


@dataclasses.dataclass
class Bar:
    """A bar: a share of a whole.

    Attributes:
        x: Its left end, from the left of its node.
        y: Its top, from the top of its node.
        width: Width of the whole.
        share: The share, 0 to 1.
        style: Its class.
    """

    x: float
    y: float
    width: float
    share: float
    style: str


@dataclasses.dataclass
class Node:
    """A box of a drawing.

    Attributes:
        width: Its width.
        height: Its height.
        kind: Class of its fill.
        texts: Its lines of text.
        bars: Its bars.
        radius: Radius of its corners.
        stacked: Whether it is drawn as a stack of cards.
        link: What it links to, or None.
        trunk: Whether it is placed below others of the trunk, where that is possible.
        told: What a reader who points at it, or a screen reader, is told; "" for nothing.
        x: Left of the drawn node, in the drawing.
        y: Its top.
    """

    width: float
    height: float
    kind: str
    texts: list[Text]
    bars: list[Bar] = dataclasses.field(default_factory=list)
    radius: float = 6
    stacked: bool = False
    link: str | None = None
    trunk: bool = False
    told: str = ""
    x: float = 0
    y: float = 0


@functools.cache
def font(style: str) -> object:
    """The widest of the usual fonts of screens, so that text in others fits too."""
    from PIL import ImageFont

    name = "DejaVuSans-Bold" if SIZES[style] == 13 else "DejaVuSans"
    path = pathlib.Path(library("matplotlib").get_data_path(), "fonts", "ttf", f"{name}.ttf")
    return ImageFont.truetype(str(path), SIZES[style])


@functools.cache
def measured(words: str, style: str) -> float:
    """The width of a text, in pixels."""
    return font(style).getlength(words)


def fitted(words: str, style: str, width: float) -> str:
    """A text, shortened in the middle if it is too long.

    Args:
        words: The text.
        style: Its class.
        width: The width that it may have.
    """
    if measured(words, style) <= width:
        return words
    kept = next(n for n in range(len(words), -1, -1) if measured(ends(words, n), style) <= width or not n)
    return ends(words, kept)


def ends(words: str, kept: int) -> str:
    """The first and last characters of a text."""
    return words[: kept - kept // 2] + "…" + words[len(words) - kept // 2 :]


def wrapped(parts: Sequence[str], style: str, width: float, lines: int) -> list[str]:
    """Parts of a text, put together into lines.

    Args:
        parts: Parts that are not divided; they bring the signs between them.
        style: Class of the text.
        width: Width of a line.
        lines: Largest number of lines; the last ends in "…" if that is too few.
    """
    made = [""]
    for part in parts:
        if made[-1] and measured(made[-1] + part, style) > width:
            made.append("")
        made[-1] += part
    if len(made) > lines:
        made = [*made[: lines - 1], made[lines - 1].rstrip(" ·|") + " …"]
    return [fitted(line.strip(), style, width) for line in made]


def svg(nodes: dict[str, Node], arrows: Sequence[tuple[str, str]], label: str, turn: bool = False) -> str:
    """A drawing, from the top to the bottom.

    Args:
        nodes: Nodes by key. They get their places.
        arrows: Pairs of keys.
        label: What it shows, in words.
        turn: Whether it may go from the left to the right, if it is too wide otherwise.

    Returns:
        An <svg> element.
    """
    width, height, paths = laid_out(nodes, arrows)
    if turn and width > WIDE and laid_out(copy.deepcopy(nodes), arrows, "LR")[0] < width:
        width, height, paths = laid_out(nodes, arrows, "LR")
    template = environment().get_template("figure.svg.jinja")
    links = any(node.link for node in nodes.values())
    return template.render(
        nodes=nodes.values(), paths=paths, width=width, height=height, label=label, links=links, step=STEP
    )


@functools.cache
def environment() -> jinja2.Environment:
    """The environment of the template."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["short"] = short
    return made


def laid_out(
    nodes: dict[str, Node], arrows: Sequence[tuple[str, str]], direction: str = "TB"
) -> tuple[float, float, list[tuple[str, str]]]:
    """Places the nodes, by Graphviz.

    Args:
        nodes: Nodes by key. They get their places.
        arrows: Pairs of keys.
        direction: "TB" from the top to the bottom, "LR" from the left to the right.

    Returns:
        Width and height of the drawing, and for each arrow the paths of its line and of its head.
    """
    graph = library("pygraphviz").AGraph(
        directed=True,
        strict=False,
        rankdir=direction,
        ranksep=0.24 if direction == "TB" else 0.5,
        nodesep=0.16,
    )
    if len(nodes) <= FEW:
        graph.graph_attr["ordering"] = "out"  # branches from left to right in the order of their arrows
    graph.node_attr.update(shape="box", fixedsize="true", label="")
    graph.edge_attr["arrowsize"] = "0.6"
    keys = {key: f"n{i}" for i, key in enumerate(nodes)}
    for key, node in nodes.items():
        more = 2 * STEP if node.stacked else 0
        size = dict(width=(node.width + 2 * more) / 72, height=(node.height + more) / 72)
        graph.add_node(keys[key], **size, group="trunk" if node.trunk else "")
    leaving, coming = (
        (collections.Counter(ends) for ends in zip(*arrows, strict=True)) if arrows else ({}, {})
    )
    for start, end in arrows:
        alone = leaving[start] == coming[end] == 1  # a link of a chain, which is drawn straight
        graph.add_edge(keys[start], keys[end], weight=8 if alone else 1)
    graph.layout(prog="dot")
    left, low, right, high = map(float, re.split(r"[ ,]", graph.graph_attr["bb"]))

    def place(x: str, y: str) -> tuple[float, float]:
        return float(x) - left + MARGIN, high - float(y) + MARGIN

    for key, node in nodes.items():
        x, y = place(*graph.get_node(keys[key]).attr["pos"].split(","))
        node.x, node.y = x - node.width / 2, y - node.height / 2 - (STEP if node.stacked else 0)
    paths = []
    for edge in graph.edges():
        points = edge.attr["pos"].split()
        tip = next((p[2:] for p in points if p.startswith("e,")), None)
        curve = [place(*p.split(",")) for p in points if not p.startswith(("e,", "s,"))]
        paths.append(drawn(curve, place(*tip.split(",")) if tip else curve[-1]))
    return right - left + 2 * MARGIN, high - low + 2 * MARGIN, paths


def drawn(curve: list[tuple[float, float]], tip: tuple[float, float]) -> tuple[str, str]:
    """The paths of an arrow's line and of its head.

    Args:
        curve: The points of its curve, as Graphviz gives them: a start, and three points for each piece.
        tip: Where it ends.
    """
    start, *rest = [f"{short(x)} {short(y)}" for x, y in curve]
    (x, y), (u, v) = curve[-1], tip
    length = max(((u - x) ** 2 + (v - y) ** 2) ** 0.5, 1e-6)
    a, b = (u - x) / length, (v - y) / length
    sides = [(x - 3 * b, y + 3 * a), (x + 3 * b, y - 3 * a)]
    head = " ".join(f"L{short(p)} {short(q)}" for p, q in sides)
    return f"M{start}C{' '.join(rest)}", f"M{short(u)} {short(v)}{head}Z"


def short(x: float) -> str:
    """A number with at most one decimal."""
    return f"{x:.1f}".removesuffix(".0")
