"""Reading PyTorch's checkpoints: zip archives since version 1.6, streams before. Nothing is executed.

The state dict is a pickle, which `pickles` reads. Its numbers are in storages: members of the archive, or one
after another behind the pickles of the stream.
"""

import io
import mmap
import os
import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

from kerasnets.weights.readers.common import CHECKPOINTS, FLOATS, check_claim, mapped, names, view
from kerasnets.weights.readers.pickles import BYTES, Storage, Tensor, run
from kerasnets.weights.units import COUNTERS, Unit, units_of

ZIP = b"PK\x03\x04"
MAGIC, VERSION = 0x1950A86A20F9469CFC6C, 1001  # first two pickles of a stream
WRAPPERS = ("state_dict", "model_state_dict", "model", "net")  # keys of the state dict in a checkpoint
PREFIX = "module."  # of all names, if the net was trained on several devices
PICKLE = "/data.pkl"
# Of a member of an archive: its mark, and the lengths of the two fields that follow.
HEADER = struct.Struct("<4s22xHH")
ENCRYPTED = 1  # flag of a member
PIECE = 2**20  # bytes
COUNT = 8  # bytes before each storage of a stream, which say how many numbers it has

Load = Callable[[Storage], tuple[Any, int]]  # from a storage to a buffer and its place there


def read(path: str | os.PathLike) -> list[Unit]:
    """The layers of a PyTorch checkpoint, or of a zip archive that has one. Arrays are views of the file.

    Raises:
        ValueError: The file is damaged, has anything but data, or no state dict of layers of ours.
    """
    content = mapped(path)
    if str(path).endswith(".zip"):
        content = inner(content)
    found, load = read_archive(content) if content[: len(ZIP)] == ZIP else read_stream(content)
    state = state_dict(found)
    cut = len(PREFIX) if all(name.startswith(PREFIX) for name in state) else 0
    return units_of(
        (name[cut:], array(name, tensor, load))
        for name, tensor in state.items()
        if name.rpartition(".")[2] not in COUNTERS
    )


def state_dict(found: Any) -> dict[str, Tensor]:
    """The state dict of what a checkpoint has, by itself or under one of `WRAPPERS`."""
    for _ in range(2):  # a wrapper may be in another
        if isinstance(found, dict):
            found = next((found[key] for key in WRAPPERS if isinstance(found.get(key), dict)), found)
    if not isinstance(found, dict) or not all(isinstance(key, str) for key in found):
        raise ValueError("It has no state dict.")
    odd = [key for key, value in found.items() if not isinstance(value, Tensor)]
    if odd or not found:
        raise ValueError(f"It has no state dict: {names(odd) or 'what it has'} is no tensor.")
    return found


def array(name: str, tensor: Tensor, load: Load) -> Any:
    """The array of a tensor, as a view."""
    storage, offset, shape, strides = tensor
    if storage.kind not in FLOATS:
        raise ValueError(f"{name!r} holds {storage.kind}, where weights are {', '.join(FLOATS)}.")
    buffer, start = load(storage)
    size = storage.count * BYTES[storage.kind]
    if start + size > len(buffer):
        raise ValueError(f"The storage of {name!r} is longer than the file.")
    part = memoryview(buffer)[start : start + size]
    return view(name, part, storage.kind, shape, offset * BYTES[storage.kind], strides)


def read_stream(content: mmap.mmap) -> tuple[Any, Load]:
    """What a stream has, and a function that finds its storages."""
    content.seek(0)
    if run(content) != MAGIC or run(content) != VERSION:
        raise ValueError("It is no checkpoint of PyTorch.")
    system = run(content)
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise ValueError("Its numbers are not little-endian.")
    storages: dict[str, Storage] = {}
    found, keys = run(content, storages), run(content)
    if not isinstance(keys, list) or any(type(key) is not str or key not in storages for key in keys):
        raise ValueError("Its list of storages is not that of its tensors.")
    starts, place = {}, content.tell()
    for key in keys:
        count = int.from_bytes(content[place : place + COUNT], "little")
        if count != storages[key].count:
            raise ValueError(f"Its storage {key!r} has another size than its tensors say, or is missing.")
        starts[key] = place + COUNT
        place += COUNT + count * BYTES[storages[key].kind]
    return found, lambda storage: (content, starts[storage.key])


def read_archive(content: mmap.mmap) -> tuple[Any, Load]:
    """What a zip archive of PyTorch has, and a function that finds its storages."""
    archive = Archive(content)
    pickles = [name for name in archive.members if name.endswith(PICKLE)]
    if len(pickles) != 1:
        raise ValueError(f"It is no checkpoint of PyTorch: it has {names(archive.members)}.")
    folder = pickles[0].removesuffix(PICKLE)
    if archive.read(f"{folder}/byteorder", b"little") != b"little":
        raise ValueError("Its numbers are not little-endian.")
    found = run(io.BytesIO(archive.read(pickles[0])))
    parts: dict[str, memoryview] = {}

    def load(storage: Storage) -> tuple[Any, int]:
        if storage.key not in parts:
            parts[storage.key] = archive.read(f"{folder}/data/{storage.key}")
        return parts[storage.key], 0

    return found, load


def inner(content: mmap.mmap) -> mmap.mmap:
    """The checkpoint that is the only file of a zip archive, or the archive itself if it is one."""
    archive = Archive(content)
    if any(name.endswith(PICKLE) for name in archive.members):
        return content
    if len(archive.members) != 1 or not next(iter(archive.members)).endswith(CHECKPOINTS):
        raise ValueError(f"It has {names(archive.members)}, where one checkpoint of PyTorch is expected.")
    part = archive.read(next(iter(archive.members)))
    if isinstance(part.obj, mmap.mmap) and len(part.obj) == len(part):  # it was compressed
        return part.obj
    whole = mmap.mmap(-1, len(part))
    whole.write(part)
    return whole


class Archive:
    """A zip archive in a buffer.

    Raises:
        ValueError: It claims to hold far more than its size.
    """

    def __init__(self, content: mmap.mmap):
        self.content = content
        with zipfile.ZipFile(content) as archive:
            self.members = {info.filename: info for info in archive.infolist() if not info.is_dir()}
        check_claim(sum(info.file_size for info in self.members.values()), len(content))

    def read(self, name: str, default: bytes | None = None) -> memoryview:
        """The content of a member. It is a view, unless it is compressed."""
        info = self.members.get(name)
        if info is None:
            if default is None:
                raise ValueError(f"It lacks {name[:80]!r}.")
            return memoryview(default)
        start = info.header_offset
        mark, *lengths = HEADER.unpack(self.content[start : start + HEADER.size])
        start += HEADER.size + sum(lengths)
        part = memoryview(self.content)[start : start + info.compress_size]
        if mark != ZIP or len(part) != info.compress_size or info.flag_bits & ENCRYPTED:
            raise ValueError(f"Its {name[:80]!r} is damaged or encrypted.")
        if info.compress_type == zipfile.ZIP_DEFLATED:
            part = memoryview(inflated(part, info.file_size))
        elif info.compress_type != zipfile.ZIP_STORED:
            raise ValueError(f"Its {name[:80]!r} is compressed in an unknown way.")
        if len(part) != info.file_size or zlib.crc32(part) != info.CRC:
            raise ValueError(f"Its {name[:80]!r} is damaged.")
        return part


def inflated(part: memoryview, size: int) -> mmap.mmap:
    """What a compressed member has, as a buffer of `size` bytes. It is written in pieces."""
    whole, inflater = mmap.mmap(-1, size), zlib.decompressobj(-zlib.MAX_WBITS)
    for start in range(0, len(part), PIECE):
        data = part[start : start + PIECE]
        while data and not inflater.eof:
            whole.write(inflater.decompress(data, PIECE))  # a ValueError where it is longer than it claims
            data = inflater.unconsumed_tail
    return whole
