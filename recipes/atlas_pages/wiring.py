"""How the layers of a block are joined; a convolution and its normalization are one box, as in papers."""

import collections
import dataclasses
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import keras

from atlas_pages import words
from kerasnets.analysis.diagram import Block
from kerasnets.analysis.walk import shape_of
from kerasnets.assembly.registry import natural
from kerasnets.graph import functional, nodes, producer
from kerasnets.layers import UpSampleLike

SMALL = ("norm", "act")  # kinds that are told in the box of the layer before them, or of that behind them
INPUT = "input "  # begins the keys of what a block reads from outside


@dataclasses.dataclass
class Box:
    """Layers that are drawn as one box.

    Attributes:
        layers: The layers, in the order of the data flow.
        shape: Shape of the output of the last, without the batch.
        reads: Keys of the boxes whose outputs it reads, or `INPUT` with the name of a layer outside.
        copies: Number of equal boxes in a row that it stands for.
        main: Place of the convolution, pooling or other main layer among the layers; None if all are small.
    """

    layers: list[keras.Layer]
    shape: tuple
    reads: list[str]
    copies: int = 1
    main: int | None = None

    @property
    def kind(self) -> str:
        """The kind of its main layer."""
        return words.kind(self.layers[self.main or 0])

    @property
    def maps(self) -> int | None:
        """Number of its maps or units."""
        return self.shape[-1] if self.shape else None

    @property
    def lines(self) -> tuple[str, str, str]:
        """What it does: before its main layer, the main layer, and what follows."""
        if self.main is None:
            return "", ", ".join(map(words.word, self.layers)), ""
        main = self.layers[self.main]
        before = [words.word(layer) for layer in self.layers[: self.main] if not pads(layer)]
        after = [*words.details(main), *filter(None, [words.act(main)])]
        after += [words.word(layer) for layer in self.layers[self.main + 1 :]]
        return ", ".join(before), words.operation(main, self.maps), ", ".join(after)


def calls_of(model: keras.Model, blocks: dict[str, Block]) -> dict[str, list]:
    """The calls of the layers of each block, in the order of the data flow."""
    block_of = {layer.name: key for key, block in blocks.items() for layer in block.layers}
    found: dict[str, list] = {key: [] for key in blocks}
    for call in nodes(functional(model), inputs=True):
        if call.operation.name in block_of:  # not of those that are equal to another
            found[block_of[call.operation.name]].append(call)
    return found


def boxes(calls: Sequence[Any]) -> dict[str, Box]:
    """The boxes of a block.

    Args:
        calls: The calls of its layers, in the order of the data flow.

    Returns:
        Boxes by the name of their first layer, in the order of the data flow.
    """
    inside = {call.operation.name for call in calls}
    readers = collections.Counter(name for call in calls for name in sources(call))
    made: dict[str, Box] = {}
    box_of: dict[str, str] = {}
    for call in calls:
        layer, reads = call.operation, []
        for name in sources(call):
            key = box_of[name] if name in inside else INPUT + name
            reads += [] if key in reads else [key]
        source = made.get(reads[0]) if len(reads) == 1 else None
        last = source and source.layers[-1].name
        if source and readers[last] == 1 and goes_on(source, layer):
            key = reads[0]
            source.layers.append(layer)
            source.shape = shape_of(call.outputs[0])
        else:
            key = layer.name
            made[key] = source = Box([layer], shape_of(call.outputs[0]), reads)
        if source.main is None and not (words.kind(layer) in SMALL or pads(layer)):
            source.main = len(source.layers) - 1
        box_of[layer.name] = key
    return made


def sources(call: Any) -> list[str]:
    """The names of the layers whose outputs a call reads as data, not as a size or a choice of paths."""
    first = 1 if isinstance(call.operation, UpSampleLike) else None
    return [producer(x).operation.name for x in call.input_tensors[:first] if shape_of(x)]


def goes_on(box: Box, layer: keras.Layer) -> bool:
    """Whether a layer is told in the box of the only layer that it reads."""
    if box.main is None:
        return True
    main = box.layers[box.main]
    before = any(not pads(each) for each in box.layers[: box.main])
    return words.kind(layer) in SMALL and words.kind(main) != "join" and not before and not pads(layer)


def pads(layer: keras.Layer) -> bool:
    """Whether a layer only widens its input for a window behind it."""
    return "Padding" in type(layer).__name__


def chains(found: dict[str, Box]) -> list[list[Box]]:
    """The boxes as chains without forks, in the order of their names, without joins and normalization."""
    readers = collections.Counter(read for box in found.values() for read in box.reads)
    chain_of: dict[str, tuple[str, list[Box]]] = {}
    lists: list[tuple[str, list[Box]]] = []
    for key, box in found.items():
        goes = len(box.reads) == 1 and box.reads[0] in chain_of and readers[box.reads[0]] == 1
        if goes:
            chain = chain_of[box.reads[0]]
        else:
            chain = (key, [])
            lists.append(chain)
        chain_of[key] = chain
        if (
            box.main is not None
            and box.kind != "join"
            and not isinstance(box.layers[-1], keras.layers.Reshape)
        ):
            chain[1].append(box)
    return [chain for _, chain in sorted(lists, key=lambda c: natural(c[0])) if chain]


def tree(names: Iterable[str], prefix: str, whole: Callable[[list[str]], bool]) -> dict[str, str]:
    """The sub-blocks of a block, by the parts of its layers' names.

    Args:
        names: Names of the layers.
        prefix: What all of them begin with, without the last "_"; "" for nothing.
        whole: Function of the names of some layers: whether they are one sub-block.

    Returns:
        The name of the sub-block of each layer; that of a layer by itself is the layer's.
    """
    below: dict[str, list[str]] = {}
    for name in names:
        rest = name[len(prefix) :].removeprefix("_") if prefix else name
        part = rest.split("_")[0]
        key = f"{prefix}_{part}" if prefix else part
        below.setdefault(key if "_" in rest else name, []).append(name)
    found = {}
    for key, group in below.items():
        if len(group) == 1:
            found[group[0]] = group[0]
        elif whole(group):
            found.update(dict.fromkeys(group, key))
        elif key == prefix:
            found.update({name: name for name in group})
        else:
            found.update(tree(group, key, whole))
    return found
