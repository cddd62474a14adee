"""The checkpoints that others have published: which net each is of, where it is, and what it takes.

published.csv has a row for each file. Which layers it fills, and how, depends on its architecture alone: see
`kerasnets.weights.architectures`.
"""

from __future__ import annotations

import csv
import dataclasses
import functools
import pathlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kerasnets.scaling import Scaling

FILE = pathlib.Path(__file__).with_name("published.csv")
# Licences that let anybody use the weights for anything.
PERMISSIVE = ("apache-2.0", "bsd", "bsd-2-clause", "bsd-3-clause", "mit", "unrestricted")


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """A published file of trained weights. None stands for what its publisher does not say.

    Attributes:
        id: Name by which `weights` takes it: source/architecture or source/architecture.tag.
        net: Name of the model that it fills.
        data: Name of the dataset that it was trained on.
        file: Name of the file.
        url: Address of the file, or of the repository on the Hugging Face hub that has it.
        licence: Its licence, in lower case as the hub writes it.
        hash: Kind and digits of the hash that the publisher prints, such as "sha256 prefix 7be5be79".
        megabytes: Size of the file.
        input: Sides of the images of the published test in pixels, frames first.
        crop: Share of the shorter side that the test's center crop keeps.
        interpolation: How the test resizes images: "bilinear" or "bicubic".
        mean: What is subtracted from each channel, or from all, in the order RGB.
        std: What they are divided by then.
        order: Order of the channels that the net takes, "RGB" or "BGR".
        range: Largest value of a pixel on the scale of `mean` and `std`, 1 or 255.
        top1: Published top-1 accuracy in percent.
        top5: Published top-5 accuracy in percent.
    """

    id: str
    net: str
    data: str
    file: str
    url: str
    licence: str | None
    hash: str | None
    megabytes: float | None
    input: tuple[int, ...] | None
    crop: float | None
    interpolation: str | None
    mean: tuple[float, ...] | None
    std: tuple[float, ...] | None
    order: str
    range: int
    top1: float | None
    top5: float | None

    @property
    def source(self) -> str:
        """The first part of the id: who published it."""
        return self.id.partition("/")[0]

    @property
    def permissive(self) -> bool:
        """Whether its licence lets anybody use it for anything."""
        return self.licence in PERMISSIVE

    @property
    def scaling(self) -> Scaling | None:
        """How the images of its training were scaled; None if that is not known."""
        from kerasnets.scaling import MODES, Scaling

        if self.mean is None:
            return None
        mean, std = (tuple(v * 255 / self.range for v in values) for values in (self.mean, self.std))
        own = Scaling(self.id, mean, std, self.order)
        same = (m for m in MODES.values() if close(m.mean, mean) and close(m.std, std))
        return next((m for m in same if m.order == self.order), own)


def close(known: Any, values: tuple[float, ...]) -> bool:
    """Whether the numbers of a scaling are these, up to rounding."""
    known = known if isinstance(known, tuple) else (known,) * len(values)
    return len(known) == len(values) and all(
        abs(a - b) < 1e-6 * max(1.0, abs(b)) for a, b in zip(known, values, strict=True)
    )


def numbers(text: str) -> tuple[float, ...] | None:
    """The numbers in a text, separated by blanks; None if there are none."""
    return tuple(map(float, text.split())) or None


# How the columns that are not texts are read.
COLUMNS = {
    "megabytes": float,
    "input": lambda text: tuple(map(int, text.split("x"))),
    "crop": float,
    "mean": numbers,
    "std": numbers,
    "range": int,
    "top1": float,
    "top5": float,
}


@functools.cache
def table() -> dict[str, Checkpoint]:
    """All published checkpoints by their ids."""
    with FILE.open(encoding="utf-8", newline="") as file:
        return {
            row["id"]: Checkpoint(
                **{c: COLUMNS.get(c, str)(text) if text else None for c, text in row.items()}
            )
            for row in csv.DictReader(file)
        }


def checkpoints(name: str | None = None) -> list[Checkpoint]:
    """The published checkpoints of a net.

    Args:
        name: Name of a model, such as "ResNet34"; None for those of all nets.

    Returns:
        A list of `Checkpoint`. `weights` of the model's builder takes the id of each.

    Raises:
        ValueError: There is no such model.
    """
    rows = list(table().values())
    if name is None:
        return rows
    found = [row for row in rows if row.net == name]
    if not found:
        from kerasnets.assembly import registry

        if name not in registry.known():
            registry.refuse_name(name)
    return found
