"""Memory of activations: the peak in inference, and what training keeps.

The tensors of a graph are called values, and numbered in the order in which they are made. A layer is a step
that reads values and makes others. Some layers are several steps: a separable convolution is two, and the
activation of a convolution or dense layer is a step of its own.
"""

import dataclasses
import math
import re

from kerasnets.analysis.kinds import activation_keeps, keeps, kind_of


@dataclasses.dataclass(frozen=True)
class Value:
    """Number of elements and of bytes of a tensor for one example; 0 if its shape is unknown."""

    elements: int
    size: int


@dataclasses.dataclass(frozen=True)
class Step:
    """A layer, or a part of it.

    Attributes:
        reads: Numbers of the values that it reads.
        makes: Numbers of the values that it makes.
        writes: Where these are stored, as in `kinds.Kind.writes`.
        keeps: What is kept for the gradient: "inputs", "output", both or nothing.
        trained: Whether it has trainable weights.
    """

    reads: tuple[int, ...]
    makes: tuple[int, ...]
    writes: str
    keeps: tuple[str, ...]
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
        """Adds a value, and returns its number."""
        self.values.append(Value(elements, elements * bytes_of(dtype)))
        return len(self.values) - 1

    def run(self, layer, reads, outputs, kept=None):
        """Adds the steps of one call of a layer.

        Args:
            layer: A Keras layer or operation.
            reads: Numbers of the values that it reads.
            outputs: Keras tensors that it makes.
            kept: What is kept for the gradient, if it differs from `kinds.keeps`; else None.

        Returns:
            Numbers of the values of `outputs`, and numbers of all values that the layer stores.
        """
        kind = kind_of(layer)
        kept = keeps(layer) if kept is None else kept
        trained = bool(getattr(layer, "trainable_weights", ()))
        before = len(self.values)

        def step(reads, sizes, writes, keeps, trained=False):
            made = tuple(self.new(n, x.dtype) for n, x in zip(sizes, outputs, strict=True))
            self.steps.append(Step(tuple(reads), made, writes, keeps, trained))
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
    """Memory in inference, where each value is freed after the last step that reads it.

    Layers whose kind allows it write over an input of the same size that nothing else reads. The inputs of
    the model are never freed or overwritten, and its outputs are never freed.

    Returns:
        Numbers of the values that take memory of their own, and the peak memory in bytes.
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
    """Numbers of the values that are kept for the gradients.

    A layer has a gradient if it has trainable weights, or if its input depends on trainable weights.
    Gradients, dropout masks and the statistics of normalization are not counted.
    """
    root, dependent, kept = roots(tape, ("view",)), set(), set()
    for step in tape.steps:
        if not step.trained and dependent.isdisjoint(step.reads):
            continue
        dependent.update(step.makes)
        for word, values in (("inputs", step.reads), ("output", step.makes)):
            kept.update(root[v] for v in values if word in step.keeps)
    return kept


def roots(tape, kinds):
    """For each value, the first value whose memory it shares. Steps that write as in `kinds` share memory."""
    root = list(range(len(tape.values)))
    for step in tape.steps:
        if step.writes in kinds and step.reads:
            root[step.makes[0]] = root[step.reads[0]]
    return root


def elements_of(shape):
    """Number of elements of a tensor of this shape; None if a side is unknown."""
    return None if None in shape else math.prod(shape)


def bytes_of(dtype):
    """Number of bytes of an element of this dtype; 1 for bool."""
    bits = re.search(r"\d+", dtype)
    return max(1, int(bits.group()) // 8) if bits else 1
