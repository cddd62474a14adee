"""Drawings of a net: its blocks, repeated ones folded, and the inside of its units, as papers draw them."""

import collections
import dataclasses
import graphlib
import re
from collections.abc import Sequence
from typing import Any

import keras

from atlas_pages import canvas, wiring, words
from atlas_pages.canvas import PAD, Bar, Node, Text, fitted, measured, wrapped
from atlas_pages.wiring import INPUT, Box
from kerasnets.analysis import profile
from kerasnets.analysis.diagram import Block, choose, grouped, has_cycle
from kerasnets.analysis.profile import Profile
from kerasnets.analysis.walk import LayerRow, shape_of
from kerasnets.assembly.registry import natural
from kerasnets.graph import functional, nodes, producer
from kerasnets.tables import FEW, count_text, first_of, shape_text

WIDTH = 340  # of a block in an overview, in pixels
NARROW = 196  # of a block beside others
LINES = 3  # most lines about what a block does
WHOLE = 12  # most layers of a block within a block
CHAINS = 5  # most branches that are told one by one
BOXES = 20  # most boxes of a unit that is drawn layer by layer
UNITS = 6  # most units of a net that are drawn
WIDEST = 150  # of a box in a unit
COSTS = {"params": "parameters", "mult_adds": "multiply-adds"}  # costs that a block shows


@dataclasses.dataclass
class Unit:
    """A drawing of the inside of a unit.

    Attributes:
        title: Its name in plain words.
        caption: Where the net has it.
        svg: The drawing, an <svg> element.
    """

    title: str
    caption: str
    svg: str


def anchor(name: str) -> str:
    """The id of a block on the page of a net, by the name of the first of the equal blocks."""
    return "block-" + re.sub(r"[^A-Za-z0-9_-]+", "-", name)


def overview(
    model: keras.Model, counts: Profile | None = None, blocks: dict[str, Block] | None = None
) -> str:
    """Draws a net as blocks, each with its shape and its shares of the parameters and multiply-adds.

    Each block links to its `anchor`.

    Args:
        model: A functional or sequential model.
        counts: Its profile, or None to compute it.
        blocks: Its blocks, from `kerasnets.analysis.diagram.choose`, or None to choose them.

    Returns:
        An <svg> element, to be put into a page.
    """
    counts = counts or profile(model)
    blocks = blocks or choose(model, None)
    calls, rows = wiring.calls_of(model, blocks), by_layer(counts)
    totals = {key: getattr(counts, key) for key in COSTS}
    drawn, beside = {}, parallel(blocks)
    for key, block in blocks.items():
        sums = {cost: cost_of(block, rows, cost) for cost in COSTS}
        narrow = key in beside or block.gives == [()]
        drawn[key] = node_of(block, summary(calls[key]), sums, totals, NARROW if narrow else WIDTH)
        drawn[key].trunk = not narrow
    arrows = [(read, key) for key, block in blocks.items() for read in sorted(block.reads)]
    label = f"The blocks of {model.name} from the input to the output, {len(blocks)} boxes"
    return canvas.svg(drawn, arrows, label)


def by_layer(counts: Profile) -> dict[str, list[LayerRow]]:
    """The rows of a profile by the names of their layers."""
    rows: dict[str, list[LayerRow]] = {}
    for row in counts.layers:
        rows.setdefault(row.name, []).append(row)
    return rows


def cost_of(block: Block, rows: dict[str, list[LayerRow]], key: str) -> int:
    """A cost of a block, and of those that are equal to it: an attribute of the rows of its layers."""
    layers = (*block.layers, *block.repeats)
    return sum(getattr(row, key) or 0 for layer in layers for row in rows[layer.name])


def parallel(blocks: dict[str, Block]) -> set[str]:
    """The blocks beside others: those that not all data passes."""
    before: dict[str, set[str]] = {}
    for key in graphlib.TopologicalSorter({k: b.reads for k, b in blocks.items()}).static_order():
        before[key] = set(blocks[key].reads).union(*(before[read] for read in blocks[key].reads))
    passed = collections.Counter(key for keys in before.values() for key in keys)
    return {key for key in blocks if len(before[key]) + passed[key] < len(blocks) - 1}


def node_of(
    block: Block, parts: list[str], sums: dict[str, int], totals: dict[str, int], wide: float
) -> Node:
    """The node of a block in an overview.

    Args:
        block: The block.
        parts: What it does, in parts that are not divided between lines.
        sums: Its parameters and multiply-adds.
        totals: Those of the net.
        wide: Width of the node.
    """
    shape = ", ".join(map(shape_text, block.gives))
    name, times = words.title(block.names), f"x {len(block.names)}" if len(block.names) > 1 else ""
    kinds = collections.Counter(words.kind(layer) for layer in block.layers)
    kind = next((k for k in ("conv", "dense", "pool", "norm", "act", "join") if kinds[k]), "other")
    inner = wide - 2 * PAD
    told = f"{block.names[0]}{' to ' + block.names[-1] if times else ''}: {first_of(layers_told(block))}"
    link = f"#{anchor(block.names[0])}"
    if not any(sums.values()):
        room = inner - measured(shape, "note") - 8
        text = fitted(name, "head", room)
        does = fitted("".join(parts).strip(), "note", max(room - measured(text, "head") - 8, 0))
        texts = [
            Text(text, "head", PAD, 17),
            Text("" if len(does) < 3 or does in name else does, "note", PAD + measured(text, "head") + 8, 17),
            Text(shape, "note", wide - PAD, 17, "end"),
        ]
        return Node(wide, 25, kind, [t for t in texts if t.words], link=link, told=told)
    room = inner - (measured(times, "times") + 8 if times else 0)
    name = fitted(name, "head", room)
    texts = [Text(name, "head", PAD, 19)]
    texts += [Text(times, "times", PAD + measured(name, "head") + 8, 19)] if times else []
    lines = [Text(line, "text") for line in wrapped(parts, "text", inner, LINES)]
    if measured(name, "head") + measured(shape, "note") + 8 <= room:
        texts.append(Text(shape, "note", wide - PAD, 19, "end"))
    else:
        pieces = re.split(r"(?<=, )", shape)
        lines += [Text(line, "note") for line in wrapped(pieces, "note", inner, LINES)]
    y = 19
    for line in lines:
        y += 16
        line.x, line.y = PAD, y
    told_costs, bars = costs_told(sums, totals, wide, y + 17)
    texts += [*lines, *told_costs]
    return Node(wide, bars[-1].y + 11, kind, texts, bars, stacked=bool(times), link=link, told=told)


def costs_told(
    sums: dict[str, int], totals: dict[str, int], wide: float, y: float
) -> tuple[list[Text], list[Bar]]:
    """The costs of a block with their bars: beside each other, or below each other in a narrow node.

    Args:
        sums: The costs of the block.
        totals: Those of the net.
        wide: Width of the node.
        y: Base line of the first text.
    """
    texts, bars = [], []
    inner = wide - 2 * PAD
    room = (inner - 14) / 2 if wide > NARROW else inner
    for i, (key, unit) in enumerate(COSTS.items()):
        x = PAD + i * (inner - room)
        y += 20 if i and room == inner else 0
        share = sums[key] / totals[key] if totals[key] else 0
        texts.append(Text(f"{count_text(sums[key])} {unit}", "note", x, y))
        texts.append(Text(percent(share), "note", x + room, y, "end"))
        bars.append(Bar(x, y + 5, room, share, key))
    return texts, bars


def percent(share: float) -> str:
    """A share as text."""
    return "0 %" if not share else "< 1 %" if share < 0.01 else f"{100 * share:.0f} %"


def layers_told(block: Block) -> list[str]:
    """The classes of a block's layers, with their numbers."""
    kinds = collections.Counter(type(layer).__name__ for layer in block.layers)
    return [f"{n} {name}" if n > 1 else name for name, n in kinds.items()]


def summary(calls: Sequence[Any]) -> list[str]:
    """What a block does, in parts that are not divided between lines.

    Args:
        calls: The calls of its layers, in the order of the data flow.
    """
    found = wiring.boxes(calls)
    if len(found) > BOXES:
        return parts_told(calls)
    lists = [[brief(box) for box in chain] for chain in wiring.chains(found)]
    lists = lists or [[", ".join(filter(None, box.lines)) for box in found.values()]]
    if len(lists) > CHAINS:
        return in_row(collections.Counter(text for told in lists for text in told))
    parts = []
    for i, (told, count) in enumerate(collections.Counter(map(tuple, lists)).items()):
        pieces = [f"{text} · " for text in told[:-1]] + [told[-1]]
        if count > 1:
            pieces = [f"[{pieces[0]}", *pieces[1:]]
            pieces[-1] += f"] x {count}"
        parts += ["| "] if i else []
        parts += [*pieces[:-1], f"{pieces[-1]} "]
    return parts


def brief(box: Box) -> str:
    """What a box does, in short: "3x3, 64", or "3x3, 64 /2" for a stride of 2."""
    if box.main is None:
        return ", ".join(map(words.word, box.layers))
    main = box.layers[box.main]
    text = words.operation(main, box.maps).replace(" conv", "")
    return f"{text} /{words.stride(main)}" if words.stride(main) else text


def parts_told(calls: Sequence[Any]) -> list[str]:
    """What a large block does, by the blocks within it, equal ones in a row told once."""
    told = collections.Counter()
    for _, inner in inner_blocks(calls).items():
        text = "".join(summary(inner)).strip() if len(inner) > 1 else ""
        if any(hasattr(call.operation, "kernel_size") for call in inner):
            told[text or brief(next(iter(wiring.boxes(inner).values())))] += 1
    return in_row(told)


def in_row(told: dict[str, int]) -> list[str]:
    """Texts with their numbers, as parts of a line."""
    parts = [f"[{text}] x {n}" if n > 1 else text for text, n in told.items()]
    return [f"{part} · " for part in parts[:-1]] + parts[-1:]


def inner_blocks(calls: Sequence[Any]) -> dict[str, list]:
    """The calls of the layers of a block, by the blocks within it, each with one output and few layers."""
    by_name = {call.operation.name: call for call in calls}
    readers = collections.defaultdict(set)
    for call in calls:
        for name in wiring.sources(call):
            readers[name].add(call.operation.name)

    def whole(group: list[str]) -> bool:
        inside = set(group)
        return len(group) <= WHOLE and sum(not readers[n] or bool(readers[n] - inside) for n in group) == 1

    first = calls[0].operation.name
    prefix = "_".join(common([name.split("_") for name in by_name])) if len(by_name) > 1 else first
    found = wiring.tree(by_name, prefix, whole)
    blocks = collections.defaultdict(list)
    for name, call in by_name.items():
        blocks[found[name]].append(call)
    return blocks


def common(lists: list[list[str]]) -> list[str]:
    """The elements with which all lists begin."""
    first, last = min(lists), max(lists)
    return first[: next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))]


def units(model: keras.Model) -> list[Unit]:
    """Draws the inside of each kind of unit: of those that repeat, and of those with branches.

    Units with the same layers are of one kind, whatever their numbers of maps. The most frequent come first.

    Args:
        model: A functional or sequential model.

    Returns:
        At most `UNITS` drawings.
    """
    found: dict[tuple, list[tuple[str, list]]] = {}
    for name, calls in unit_calls(model).items():
        if len(calls) > 1:
            found.setdefault(likeness(calls), []).append((name, calls))
        if len(calls) > BOXES and len(wiring.boxes(calls)) > BOXES:
            for inner, own in inner_blocks(calls).items():
                if len(inputs(own)) == 1 and any(words.kind(call.operation) == "join" for call in own):
                    found.setdefault(likeness(own), []).append((inner, own))
    kept = [group for group in found.values() if worth_drawing(group)]
    kept.sort(key=lambda group: -len(group))
    return [unit(group) for group in kept[:UNITS]]


def unit_calls(model: keras.Model) -> dict[str, list]:
    """The calls of the layers of each unit of a net, in the order of the data flow.

    A unit has the first two parts of its layers' names, or only the first, where what is below it is joined.
    """
    blocks = next((found for found in (grouped(model, d) for d in (2, 1)) if not has_cycle(found)), {})
    joined = {key for key, b in blocks.items() if any(words.kind(layer) == "join" for layer in b.layers)}
    unit_of = {}
    for key, block in blocks.items():
        first = key.split("_")[0]
        unit_of.update({layer.name: first if first in joined else key for layer in block.layers})
    found = collections.defaultdict(list)
    for call in nodes(functional(model)):
        if call.operation.name in unit_of:
            found[unit_of[call.operation.name]].append(call)
    return found


def likeness(calls: Sequence[Any]) -> tuple:
    """What units of one kind have in common: their layers but for the numbers of maps."""
    layers = [call.operation for call in calls]
    told = [(type(x).__name__, words.window(x) or (), *words.details(x), words.act(x) or "") for x in layers]
    return tuple(sorted(told))


def worth_drawing(group: list[tuple[str, list]]) -> bool:
    """Whether units of a kind are drawn: they have several boxes, and repeat or have branches."""
    drawn, arrows = nodes_of(group[0][1])
    ends = [end for _, end in arrows]
    return len(drawn) > 1 and (len(group) > 1 or len(ends) > len(set(ends)))


def unit(group: list[tuple[str, list]]) -> Unit:
    """The drawing of a kind of unit: of the first of them."""
    name, calls = group[0]
    drawn, arrows = nodes_of(calls)
    drawn = {**inputs(calls), **drawn}
    title, names = words.title([name]), [key for key, _ in group]
    caption = f"Used {len(group)} times: {runs(names)}." if len(group) > 1 else "Used once."
    svg = canvas.svg(drawn, arrows, f"The layers of {name}", turn=True)
    return Unit(title, caption, svg)


def nodes_of(calls: Sequence[Any]) -> tuple[dict[str, Node], list[tuple[str, str]]]:
    """The nodes and arrows of a unit, without those of what it reads."""
    found = wiring.boxes(calls)
    return layer_nodes(found) if len(found) <= BOXES else part_nodes(calls)


def inputs(calls: Sequence[Any]) -> dict[str, Node]:
    """The nodes of what a unit reads."""
    inside = {call.operation.name for call in calls}
    read = {producer(x).operation.name: x for call in calls for x in call.input_tensors}
    drawn = {}
    used = {name for call in calls for name in wiring.sources(call)}
    for name in sorted(used - inside, key=natural):
        text = shape_text(shape_of(read[name]))
        width = measured(text, "note") + 2 * PAD
        texts = [Text(text, "note", width / 2, 14, "middle")]
        drawn[INPUT + name] = Node(width, 20, "outside", texts, radius=10, told=name)
    return drawn


def runs(names: list[str]) -> str:
    """Names as titles, those with consecutive numbers as one."""
    found: list[list[str]] = []
    for name in names:
        stem, number = re.fullmatch(r"(.*?)(\d*)", name).groups()
        last = re.fullmatch(r"(.*?)(\d*)", found[-1][-1]).groups() if found else ("", "")
        if number and last[1] and stem == last[0] and int(number) == int(last[1]) + 1:
            found[-1].append(name)
        else:
            found.append([name])
    more = f" and {sum(map(len, found[FEW:]))} more" if len(found) > FEW else ""
    return "; ".join(map(words.title, found[:FEW])) + more


def layer_nodes(found: dict[str, Box]) -> tuple[dict[str, Node], list[tuple[str, str]]]:
    """The nodes and arrows of a unit that is drawn layer by layer."""
    ordered = sorted(found.items(), key=lambda item: natural(item[0]))
    arrows = [(read, key) for key, box in ordered for read in box.reads]
    return {key: box_node(box) for key, box in found.items()}, arrows


def box_node(box: Box) -> Node:
    """The node of a box in a unit."""
    before, main, after = box.lines
    told = ", ".join(layer.name for layer in box.layers)
    sign = words.SIGNS.get(type(box.layers[box.main or 0]).__name__)
    if sign and not before and not after:
        return Node(22, 22, "join", [Text(sign, "head", 11, 15.5, "middle")], radius=11, told=told)
    lines = [(before, "note"), (sign or main, "text"), (after, "note")]
    rows = []
    for text, style in lines:
        pieces = [f"{piece}, " for piece in text.split(", ")]
        pieces[-1] = pieces[-1][:-2]
        rows += [(line, style) for line in wrapped(pieces, style, WIDEST, 2) if line]
    width = max(measured(text, style) for text, style in rows) + 2 * PAD
    texts = [Text(text, style, width / 2, 17 + 14 * i, "middle") for i, (text, style) in enumerate(rows)]
    return Node(width, 11 + 14 * len(rows), box.kind, texts, told=told)


def part_nodes(calls: Sequence[Any]) -> tuple[dict[str, Node], list[tuple[str, str]]]:
    """The nodes and arrows of a large unit, drawn by the blocks within it, equal ones in a row once."""
    blocks = inner_blocks(calls)
    block_of = {call.operation.name: key for key, own in blocks.items() for call in own}
    reads = {}
    for key, own in blocks.items():
        sources = [block_of.get(name, INPUT + name) for call in own for name in wiring.sources(call)]
        reads[key] = [source for source in dict.fromkeys(sources) if source != key]
    readers = collections.Counter(read for those in reads.values() for read in those)
    merged: dict[str, str] = {}
    names = collections.defaultdict(list)
    for key in blocks:
        (read,) = reads[key] if len(reads[key]) == 1 else (None,)
        target = merged.get(read, read)
        alike = target in names and len(blocks[key]) > 1 and likeness(blocks[key]) == likeness(blocks[target])
        merged[key] = target if alike and readers[read] == 1 else key
        names[merged[key]].append(key)
    ordered = sorted(names.items(), key=lambda item: natural(item[0]))
    arrows = [(merged.get(read, read), key) for key, those in ordered for read in reads[those[0]]]
    drawn = {key: part_node(those, blocks[key]) for key, those in names.items()}
    return drawn, list(dict.fromkeys(arrows))


def part_node(names: list[str], calls: Sequence[Any]) -> Node:
    """The node of a block within a unit.

    Args:
        names: Names of the equal blocks that it stands for.
        calls: The calls of the layers of the first.
    """
    found = wiring.boxes(calls)
    if len(found) == 1:
        return box_node(next(iter(found.values())))
    times = f"x {len(names)}" if len(names) > 1 else ""
    rows = [(line, "text") for line in wrapped(summary(calls), "text", WIDEST, LINES)]
    rows += [(times, "head")] if times else []
    width = max(measured(text, style) for text, style in rows) + 2 * PAD
    texts = [Text(text, style, width / 2, 18 + 15 * i, "middle") for i, (text, style) in enumerate(rows)]
    kinds = [box.kind for box in found.values()]
    kind = "conv" if "conv" in kinds else kinds[0]
    return Node(width, 13 + 15 * len(rows), kind, texts, stacked=bool(times), told=names[0])
