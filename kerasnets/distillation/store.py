"""Stored logits: a folder with a JSON header and shards, any rows of which can be read without the others.

A shard is a file of records of fixed size and a tail, which says whether the shard is whole and which one it
is. Shards are written whole or not at all, in any order and by any process, so that an interrupted run
continues with the missing shards. They are read through memory maps.

Row r of view v of n examples is row v * n + r of the store. A shard has rows of one view.
"""

import hashlib
import importlib.metadata
import json
import mmap
import os
import pathlib
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np

from kerasnets import files
from kerasnets.checks import changes, is_int, refuse
from kerasnets.distillation.records import Form

HEADER, FORMAT = "store.json", 1
TAIL = struct.Struct("<8s16sQ32s")  # magic, which shard of which store, number of records, their SHA-256
MAGIC = b"KNLOGITS"
SHARD = 10_000  # examples in a shard by default
REMARKS = ("about", "versions")  # fields of the header that do not decide the logits
FREE = ("shard", *REMARKS)  # fields of the header that may differ when a store is continued
LIBRARIES = ("kerasnets", "keras", "tensorflow", "numpy")
OPEN = 1024  # most shards that are mapped at once
IN_MEMORY = 2**28  # bytes; larger stores are read batch by batch
MAPPED = 2**27  # bytes that may be mapped before all shards are closed: mapped pages count as memory used
AROUND = 2**16  # bytes that the system maps around a record that is read


class Store:
    """Logits of examples in a folder.

    Args:
        folder: The folder.
        header: The content of its header.

    Attributes:
        form: The `Form` of the records.
        examples: Number of examples in a view.
        views: Number of views.
        size: Number of examples in a shard; the last one of a view may have fewer.
        shards: Number of shards.
    """

    def __init__(self, folder: str | os.PathLike, header: dict[str, Any]) -> None:
        self.folder, self.header = pathlib.Path(folder), header
        self.form = Form(header["classes"], header["dtype"], header["top"])
        self.examples, self.views, self.size = header["examples"], header["views"], header["shard"]
        self.in_view = -(-self.examples // self.size)
        self.shards = self.views * self.in_view
        self.maps, self.touched = {}, 0

    def __len__(self) -> int:
        return self.views * self.examples

    @property
    def name(self) -> str:
        """A hash of the header, by which these logits are distinguished from others."""
        return self.key(0).hex()

    @property
    def bytes(self) -> int:
        """Size of all records, in bytes."""
        return len(self) * self.form.record.itemsize

    def place(self, shard: int) -> tuple[int, int]:
        """The first row of a shard, and the number of its rows."""
        view, part = divmod(shard, self.in_view)
        start = part * self.size
        return view * self.examples + start, min(self.size, self.examples - start)

    def path(self, shard: int) -> pathlib.Path:
        """The file of a shard."""
        view, part = divmod(shard, self.in_view)
        return self.folder / f"view{view:04}-{part:05}.logits"

    def key(self, shard: int) -> bytes:
        """16 bytes by which a shard of this store is distinguished from all others."""
        own = {name: value for name, value in self.header.items() if name not in REMARKS}
        return hashlib.sha256(json.dumps([own, shard], sort_keys=True).encode()).digest()[:16]

    def is_whole(self, shard: int, thorough: bool = False) -> bool:
        """Whether a shard exists and is complete.

        Args:
            shard: Number of the shard.
            thorough: Whether all of it is read and compared with its hash, not only its size and its tail.
        """
        count = self.place(shard)[1]
        size = count * self.form.record.itemsize
        try:
            with open(self.path(shard), "rb") as file:
                if file.seek(0, os.SEEK_END) != size + TAIL.size:
                    return False
                file.seek(size)
                *found, digest = TAIL.unpack(file.read(TAIL.size))
                if found != [MAGIC, self.key(shard), count]:
                    return False
                if not thorough:
                    return True
                file.seek(0)
                return hashlib.sha256(file.read(size)).digest() == digest
        except (FileNotFoundError, struct.error):
            return False

    def missing(self, thorough: bool = True) -> list[int]:
        """The numbers of the shards that are not whole."""
        return [shard for shard in range(self.shards) if not self.is_whole(shard, thorough)]

    def write(self, shard: int, records: np.ndarray) -> None:
        """Writes a shard, whole or not at all.

        Args:
            shard: Number of the shard.
            records: The records of its rows.

        Raises:
            ValueError: The records are not those of such a shard in number or type.
            OSError: The shard cannot be written.
        """
        _, count = self.place(shard)
        if len(records) != count or records.dtype not in (self.form.record, self.form.record.base):
            refuse("records", f"{count} records of {self.form}", f"{len(records)} of {records.dtype}")
        content = np.ascontiguousarray(records).tobytes()
        with files.replacing(self.path(shard)) as part, open(part, "wb") as file:
            file.write(content)
            file.write(TAIL.pack(MAGIC, self.key(shard), count, hashlib.sha256(content).digest()))

    def parts(self, start: int, count: int) -> Iterator[tuple[int, slice, slice]]:
        """Divides successive rows among their shards.

        Args:
            start: The first row.
            count: Number of rows.

        Yields:
            The number of a shard, the rows in it, and the same rows counted from `start`.
        """
        row = start
        while row < start + count:
            shard = int(self.shards_of(np.array(row)))
            first, size = self.place(shard)
            stop = min(start + count, first + size)
            yield shard, slice(row - first, stop - first), slice(row - start, stop - start)
            row = stop

    def shards_of(self, rows: np.ndarray) -> np.ndarray:
        """The numbers of the shards that have these rows."""
        views, places = np.divmod(rows, self.examples)
        return views * self.in_view + places // self.size

    def mapped(self, shard: int) -> np.ndarray:
        """The records of a shard, as a memory map."""
        with open(self.path(shard), "rb") as file:
            content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        return np.frombuffer(content, self.form.record, self.place(shard)[1])

    def records(self, rows: np.ndarray) -> np.ndarray:
        """Reads the records of rows, in any order.

        Args:
            rows: Their numbers, (batch,).

        Returns:
            The records, (batch,), or (batch, classes) for all logits.
        """
        rows = np.asarray(rows, "int64")
        if len(rows) and not 0 <= rows.min() <= rows.max() < len(self):
            refuse("rows", f"from 0 to {len(self) - 1}", rows)
        touched = len(rows) * max(AROUND, self.form.record.itemsize)
        if self.touched + touched > MAPPED:
            self.maps.clear()
            self.touched = 0
        self.touched += touched
        found = np.empty(len(rows), self.form.record)
        shards = self.shards_of(rows)
        for shard in np.unique(shards):
            mine = shards == shard
            if shard not in self.maps:
                if len(self.maps) == OPEN:
                    self.maps.clear()
                self.maps[shard] = self.mapped(int(shard))
            found[mine] = self.maps[shard][rows[mine] - self.place(int(shard))[0]]
        return found

    def rows(self, rows: np.ndarray) -> np.ndarray:
        """Reads the logits of rows, float32, (batch, classes), as `records` does."""
        return self.form.decode(self.records(rows))

    def values(self) -> Any:
        """All rows, for `kerasnets.data.rows_of`: in memory if they are small, or the function `rows`."""
        if self.form.top is not None or self.bytes > IN_MEMORY:
            return self.rows
        return self.records(np.arange(len(self)))

    def remove(self) -> None:
        """Removes the header and all shards."""
        self.maps.clear()
        for path in (self.folder / HEADER, *map(self.path, range(self.shards))):
            path.unlink(missing_ok=True)
        if not any(self.folder.iterdir()):
            self.folder.rmdir()


def made(
    folder: str | os.PathLike,
    form: Form,
    examples: int,
    *,
    views: int = 1,
    shards: int | None = None,
    multiple: int = 1,
    argument: str = "out",
    about: dict[str, Any] | None = None,
    **facts: Any,
) -> Store:
    """Makes a store, without any shard, or opens one to continue it.

    Args:
        folder: The folder, which may not exist yet.
        form: Form of the records.
        examples: Number of examples in a view.
        views: Number of views.
        shards: Most shards of a view; None for shards of about 10,000 examples. A store that is continued
            keeps its own.
        multiple: The number of examples in a shard is a multiple of this, such as the size of a batch.
        argument: What the caller calls `folder`.
        about: Remarks for the header that do not decide the logits, as JSON data.
        **facts: What else decides the logits, as JSON data.

    Returns:
        The Store.

    Raises:
        ValueError: The store in the folder is of other logits, its header is damaged, or an argument is not
            allowed.
        OSError: The header cannot be written.
    """
    check_layout(shards, views)
    folder = pathlib.Path(folder)
    size = -(-examples // shards) if shards else min(SHARD, examples)
    header = {
        "format": FORMAT,
        **facts,
        "classes": form.classes,
        "dtype": form.dtype,
        "top": form.top,
        "examples": examples,
        "views": views,
        "shard": -(-size // multiple) * multiple,
        "about": about or {},
        "versions": {name: version(name) for name in LIBRARIES},
    }
    header = json.loads(json.dumps(header, default=int))  # as it is read, also if numbers are those of numpy
    if (folder / HEADER).exists():
        known = read_header(folder, argument)
        before, now = ({n: v for n, v in h.items() if n not in FREE} for h in (known, header))
        if before != now:
            differences = "; ".join(changes(before, now))
            refuse(argument, f"an empty folder, or one with the same logits: {differences}", str(folder))
        return Store(folder, known)
    folder.mkdir(parents=True, exist_ok=True)
    files.write_json(folder / HEADER, header)
    return Store(folder, header)


def opened(folder: str | os.PathLike, argument: str = "stored") -> Store:
    """Opens a store that has all of its shards.

    Args:
        folder: The folder.
        argument: What the caller calls `folder`.

    Returns:
        The Store.

    Raises:
        ValueError: There is no store in the folder, its header is damaged, or shards are missing.
    """
    if not (pathlib.Path(folder) / HEADER).is_file():
        refuse(argument, f"a folder of stored logits, with the file {HEADER}", str(folder))
    store = Store(folder, read_header(folder, argument))
    missing = store.missing(thorough=False)
    if missing:
        words = f"a folder of all {store.shards} shards: {len(missing)} are missing, such as "
        words += f"{store.path(missing[0]).name}. The command that writes them goes on where it stopped"
        refuse(argument, words, str(folder))
    return store


def read_header(folder: str | os.PathLike, argument: str) -> dict[str, Any]:
    """The header of a store.

    Raises:
        ValueError: It is damaged, or of another version of this format.
    """
    path = pathlib.Path(folder) / HEADER
    header = files.read_json(path)
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        found = header.get("format") if isinstance(header, dict) else header
        refuse(argument, f"a folder whose {HEADER} has the format {FORMAT}", found)
    numbers = [header.get(name) for name in ("classes", "examples", "views", "shard")]
    if not all(is_int(number, 1) for number in numbers) or not {"dtype", "top"} <= set(header):
        raise ValueError(f"{path} is damaged: it lacks the sizes of the store")
    return header


def check_layout(shards: int | None, views: int) -> None:
    """Refuses numbers of shards and views that are not allowed."""
    if shards is not None and not is_int(shards, 1):
        refuse("shards", "None or a whole number, at least 1", shards)
    if not is_int(views, 1):
        refuse("views", "a whole number, at least 1", views)


def version(library: str) -> str | None:
    """The version of a library; None if it is not installed as a package."""
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return None
