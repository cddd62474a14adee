"""Memory that activations take: what is alive at once in inference, and what training keeps.

The tensors of a graph are values, numbered in the order in which they are made. A layer is a step that reads
some and makes others, or several steps where it works in stages: a separable convolution in two, and an
activation that belongs to a convolution or dense layer is one more.
"""

import dataclasses
import math
import re

from kerasnets.analysis.kinds import activation_keeps, keeps, kind_of


@dataclasses.dataclass(frozen=True)
class Value:
    """Elements and bytes of a tensor for one example; 0 where its shape is not known."""

    elements: int
    size: int


@dataclasses.dataclass(frozen=True)
class Step:
    """What a layer, or a stage of it, reads and makes.

    Attributes:
        reads: Numbers of the values that it reads.
        makes: Numbers of those that it makes.
        writes: Where these lie, as in `kinds.Kind.writes`.
        keeps: What the gradient reads again: of "inputs" and "output", those that it does.
        trained: Whether it has weights that training changes.
    """

    reads: tuple
    makes: tuple
    writes: str
    keeps: tuple
    trained: bool = False


class Tape:
    """The values of a graph and the steps that make them, in the order in which they run.

    Attributes:
        values: List of `Value`.
        steps: List of `Step`.
        inputs: Numbers of the model's inputs.
        outputs: Numbers of its outputs.
    """

    def __init__(self):
        self.values, self.steps, self.inputs, self.outputs = [], [], [], []

    def new(self, elements, dtype):
        """Number of a new value."""
        self.values.append(Value(elements, elements * bytes_of(dtype)))
        return len(self.values) - 1

    def run(self, layer, reads, outputs, kept=None):
        """Notes the steps of one call of a layer.

        Args:
            layer: A Keras layer or operation.
            reads: Numbers of the values that it reads.
            outputs: Keras tensors that it makes.
            kept: What the gradient reads again, where that is not what it does for such layers.

        Returns:
            Numbers of the values that `outputs` are, and of all that the layer stores.
        """
        kind = kind_of(layer)
        kept = keeps(layer) if kept is None else kept
        trained = bool(getattr(layer, "trainable_weights", ()))
        before = len(self.values)

        def step(reads, sizes, *how):
            made = tuple(self.new(n, x.dtype) for n, x in zip(sizes, outputs, strict=True))
            self.steps.append(Step(tuple(reads), made, *how))
            return made

        sizes = [elements_of(x.shape[1:]) or 0 for x in outputs]
        if hasattr(layer, "pointwise_kernel"):
            between = sizes[0] // layer.filters * layer.pointwise_kernel.shape[-2]
            reads = step(reads, [between], "new", kept, trained)
        made = step(reads, sizes, kind.writes, kept, trained)
        stored = range(before, len(self.values))
        activation = getattr(layer, "activation", None) if "weights" in kind.keeps else None
        if activation_keeps(activation):
            made = step(made, sizes, "over", activation_keeps(activation))
        return made, stored


def inference(tape):
    """What the values of a tape take where each is freed behind the last step that reads it.

    The layers that `kinds` says can do so write over an input of the same size that nothing else reads. The
    inputs belong to the caller: they stay, and nothing is written over them. The outputs stay.

    Returns:
        Numbers of the values that take memory of their own, and the bytes that are alive at once, at most.
    """
    root = roots(tape, ("view", "idle"))
    last = {root[v]: i for i, step in enumerate(tape.steps) for v in step.reads}
    last.update((root[v], math.inf) for v in (*tape.inputs, *tape.outputs))
    stored = list(tape.inputs)
    alive = peak = sum(tape.values[v].size for v in tape.inputs)
    for i, step in enumerate(tape.steps):
        fresh = [v for v in step.makes if root[v] == v]
        free = [v for v in {root[v] for v in step.reads} if last[v] == i]
        for v in fresh:
            size = tape.values[v].size
            over = [f for f in free if tape.values[f].size == size] if step.writes == "over" else []
            if over:
                free.remove(over[0])
            else:
                stored.append(v)
                alive += size
        peak = max(peak, alive)
        free += [v for v in fresh if v not in last]
        alive -= sum(tape.values[v].size for v in free)
    return stored, peak


def training(tape):
    """Bytes of the values that the gradients read again.

    A layer's gradient is taken where it has weights that training changes, or where its input follows from
    some. Gradients, the masks of dropout and the statistics of normalisation are not counted.
    """
    root, follows, kept = roots(tape, ("view",)), set(), set()
    for step in tape.steps:
        if not step.trained and follows.isdisjoint(step.reads):
            continue
        follows.update(step.makes)
        for word, values in (("inputs", step.reads), ("output", step.makes)):
            kept.update(root[v] for v in values if word in step.keeps)
    return sum(tape.values[v].size for v in kept)


def roots(tape, kinds):
    """For each value the first one whose memory it shares, where steps of these kinds share it."""
    root = list(range(len(tape.values)))
    for step in tape.steps:
        if step.writes in kinds and step.reads:
            root[step.makes[0]] = root[step.reads[0]]
    return root


def elements_of(shape):
    """Elements of a tensor of this shape; None where a side is not known."""
    return None if None in shape else math.prod(shape)


def bytes_of(dtype):
    """Bytes of an element: a bool takes one."""
    bits = re.search(r"\d+", dtype)
    return max(1, int(bits.group()) // 8) if bits else 1
