"""What a row of the tables of architectures says."""

import dataclasses
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True, kw_only=True)
class Architecture:
    """How the checkpoints of one architecture of a source fill a net of ours.

    The layers of a checkpoint, in the order in which its authors defined them, are paired with the layers of
    our net in the order in which we make them.

    Attributes:
        net: Name of our model.
        options: Its options that the weights need, where these are not the defaults.
        order: Words of the names of layers in the order of definition, such as "conv1 bn1 layer fc", for
            files that are sorted by name; empty if the files keep the order. A word stands for itself and
            for itself with a number behind it; with dots, as in "blocks.0.0.conv", for this layer alone.
        head: Beginnings of the names of the layers behind the last feature maps.
        aux: Beginnings of the names of the layers of auxiliary heads.
        behind_pyramid: Beginnings of the names of the layers behind the maps of several resolutions, which a
            net with the option `pyramid` does not have.
        skip: Beginnings of the names of layers that our net does not have, and does not need.
        body: Whether its files lack the head.
        epsilon: Epsilon of its batch normalization.
        chw: Whether it flattens feature maps channel by channel, as frameworks other than Keras do.
        classes: Number of classes; None for that of our model.
        input: Sides of its images in pixels, if its files need others than our model's default; else None.
        names: Checksum of the names of its layers, without those of `head`, `aux` and `skip`, by which
            `layout_of` recognizes files.
        adds: What its files lack and the pairing adds: "bias" for biases, which are zeros; "border" for the
            zeros around kernels that are smaller than ours; "norm" for batch normalization that was folded
            into convolutions.
        mends: Names of functions of `kerasnets.weights.mends`, with their arguments.
    """

    net: str
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    order: str = ""
    head: tuple[str, ...] = ("fc",)
    aux: tuple[str, ...] = ()
    behind_pyramid: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    body: bool = False
    epsilon: float = 1e-5
    chw: bool = True
    classes: int | None = None
    input: tuple[int, ...] | None = None
    names: str = ""
    adds: tuple[str, ...] = ()
    mends: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, kw_only=True)
class KerasArchitecture:
    """A net that keras.applications has with trained weights, whose graph is that of ours.

    Attributes:
        net: Name of our model.
        options: Its options that the weights need, where these are not the defaults.
        choices: Options that its function in keras.applications accepts too, each with the values that have
            trained weights.
        sizes: Sides in pixels of the square inputs that have their own weights, largest last; empty if the
            same weights serve all sizes.
    """

    net: str
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    choices: Mapping[str, tuple] = dataclasses.field(default_factory=dict)
    sizes: tuple[int, ...] = ()


@dataclasses.dataclass(frozen=True, kw_only=True)
class PackagedArchitecture:
    """A net whose trained weights come with this package, in files as it saves them.

    Attributes:
        net: Name of our model.
        options: Its options that the weights need, where these are not the defaults.
    """

    net: str
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
