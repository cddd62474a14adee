"""The checkpoints that others have published: which net each is of, where it is, and what it takes.

checkpoints.csv has a row for each file. Which layers it fills, and how, depends on its architecture alone:
see `kerasnets.weights.architectures`.
"""

from __future__ import annotations

import csv
import dataclasses
import functools
import pathlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from kerasnets.checks import nearest

if TYPE_CHECKING:
    from kerasnets.scaling import Scaling

FILE = pathlib.Path(__file__).with_name("checkpoints.csv")
UNPUBLISHED = FILE.with_name("unpublished.csv")  # the nets without checkpoints, and why
PACKAGED = FILE.with_name("trained")  # the files that come with the package
OWN = "kerasnets"  # the source of these files
HUB = "https://huggingface.co/"
RULE = (  # by which `best` orders checkpoints, in words
    "the one for which the fewest options of the paper's net have to be changed; among these, one whose "
    "licence allows any use; among these, the one with the highest published top-1 accuracy"
)
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
        url: Address of the file, or of the repository on the Hugging Face hub that has it; the command that
            made a file that comes with this package.
        licence: Its licence, in lower case as the hub writes it.
        hash: Kind and digits of the hash that the publisher prints, such as "sha256 prefix 7be5be79".
        megabytes: Size of the file in millions of bytes.
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

    @classmethod
    def from_config(cls, id: str, net: str, config: Any) -> Checkpoint:
        """What config.json of a repository of timm on the hub says of its checkpoint.

        Args:
            id: The repository, "timm/architecture.tag".
            net: Name of our model.
            config: Contents of the file.

        Raises:
            ValueError: They are not those of such a file.
        """
        facts = config.get("pretrained_cfg", config)
        try:
            return cls(
                id=id,
                net=net,
                data="imagenet" if facts.get("num_classes", 1000) == 1000 else "other",
                file="model.safetensors",
                url=f"{HUB}{id}",
                licence=facts.get("license"),
                hash=None,
                megabytes=None,
                input=tuple(map(int, facts["input_size"][1:])),
                crop=float(facts["crop_pct"]),
                interpolation=facts["interpolation"] if facts["interpolation"] != "random" else None,
                mean=tuple(map(float, facts["mean"])),
                std=tuple(map(float, facts["std"])),
                order="RGB",
                range=1,
                top1=None,
                top5=None,
            )
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise ValueError(f"config.json of {id} is not that of a checkpoint of timm: {error}") from error

    @property
    def source(self) -> str:
        """The first part of the id: who published it."""
        return self.id.partition("/")[0]

    @property
    def path(self) -> pathlib.Path | None:
        """Path of the file if it comes with this package, or None."""
        return PACKAGED / self.file if self.source == OWN else None

    @property
    def repo(self) -> str | None:
        """The repository of the Hugging Face hub that has it, as "owner/name", or None."""
        return self.url.removeprefix(HUB) if self.url.startswith(HUB) else None

    @property
    def bytes(self) -> int | None:
        """The approximate size of its file in bytes."""
        return self.megabytes and round(self.megabytes * 1e6)

    @property
    def shorter(self) -> int | None:
        """The length in pixels to which the test resizes the shorter side of an image, or None."""
        return int(self.input[-1] / self.crop) if self.input and self.crop else None

    @property
    def protocol(self) -> str:
        """How the images of the published test are brought to its size, in words; "" if that is not known."""
        how = f"{self.interpolation}, " if self.interpolation else ""
        return f"{how}shorter side {self.shorter}, center crop" if self.shorter else how.rstrip(", ")

    @property
    def sizing(self) -> tuple[str, dict[str, Any]] | None:
        """The protocol as a row of `kerasnets.data.augment`; None if it is not known."""
        if self.shorter is None:
            return None
        options = {"interpolation": self.interpolation} if self.interpolation else {}
        return "center_crop", {"shorter": self.shorter, **options}

    @property
    def permissive(self) -> bool:
        """Whether its licence lets anybody use it for anything."""
        return self.licence in PERMISSIVE

    @property
    def scaling(self) -> Scaling | None:
        """How the images that it was trained on were scaled; None if that is not known."""
        from kerasnets.scaling import MODES, Scaling

        if self.mean is None:
            return None
        mean, std = (tuple(v * 255 / self.range for v in values) for values in (self.mean, self.std))
        own = Scaling(self.id, mean, std, self.order)
        same = (m for m in MODES.values() if close(m.mean, mean) and close(m.std, std))
        return next((m for m in same if m.order == self.order), own)


def close(known: Any, values: tuple[float, ...]) -> bool:
    """Whether the mean or the standard deviations of a scaling are these, up to rounding."""
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
    rows = (
        {column: COLUMNS.get(column, str)(text) if text else None for column, text in row.items()}
        for row in read(FILE)
    )
    return {row["id"]: Checkpoint(**row) for row in rows}


@functools.cache
def unpublished() -> dict[str, dict[str, str]]:
    """For each net without checkpoints, the reason, and a related net that has some."""
    return {row["net"]: row for row in read(UNPUBLISHED)}


def read(path: pathlib.Path) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def checkpoints(name: str | None = None) -> list[Checkpoint]:
    """The published checkpoints of a net, the best first as `best` orders them.

    Args:
        name: Name of a model, such as "ResNet34"; None for those of all nets.

    Returns:
        A list of `Checkpoint`, empty if nobody has published any. `weights` of the model's builder takes the
        id of each.

    Raises:
        ValueError: There is no such model.
    """
    rows = list(table().values())
    if name is None:
        return rows
    nets = {row.net for row in rows} | set(unpublished())
    if name not in nets:
        raise ValueError(f"`name` is that of a model.{nearest(name, nets)} Received: name={name!r}")
    return best(row for row in rows if row.net == name)


def best(rows: Iterable[Checkpoint]) -> list[Checkpoint]:
    """Checkpoints of a net in the order in which `weights="imagenet"` prefers them.

    The fewer options of the paper's net a checkpoint changes, the earlier it comes. Among equals, permissive
    licences come before others, and then higher published top-1 accuracies before lower ones and none.
    """
    from kerasnets.weights.architectures import ARCHITECTURES, architecture_of

    def rank(row):
        key = architecture_of(row.id)
        options = ARCHITECTURES[key].options if key else {"unknown": True}
        return len(options), not row.permissive, -(row.top1 or 0)

    return sorted(rows, key=rank)


def chosen(name: str) -> dict[str, Checkpoint]:
    """The checkpoints of a net that the names of datasets load, as `weights="imagenet"` does.

    Args:
        name: Name of a model.

    Returns:
        A dict from the names of datasets to checkpoints, empty if there are none.

    Raises:
        ValueError: There is no such model.
    """
    from kerasnets.weights.architectures import architecture_of

    first: dict[str, Checkpoint] = {}
    for row in checkpoints(name):
        if architecture_of(row.id):
            first.setdefault(row.data, row)
    return first


def find(id: str) -> Checkpoint:
    """The published checkpoint of an id.

    Raises:
        ValueError: There is no such checkpoint; the message lists the closest ids.
    """
    if id not in table():
        raise ValueError(
            f"`id` is one of kerasnets.weights.checkpoints(). Received: id={id!r}.{nearest(id, table())}"
        )
    return table()[id]
