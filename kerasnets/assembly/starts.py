"""How papers initialize their nets, as data that stands beside each net in its family's file."""

from collections.abc import Mapping
from typing import Any, NamedTuple


class Start(NamedTuple):
    """The initial values of a net's weights, as a paper or a release prints them.

    Attributes:
        source: Where they are printed.
        kernels: For a shell pattern of names of layers, a pair: a key of `kerasnets.surgery.SCHEMES`, by
            which their kernels are drawn, and its options. The first pattern that fits a name counts.
        biases: For a shell pattern of names of layers, the initial value of their biases. Those of other
            layers start as the builder says, mostly from zero.
    """

    source: str
    kernels: Mapping[str, tuple[str, Mapping[str, Any]]]
    biases: Mapping[str, float] = {}
