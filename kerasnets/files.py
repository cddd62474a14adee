"""Files written whole or not at all: whatever stops a writer, the file is the old one or the new one."""

import contextlib
import json
import os
import pathlib
import shutil
import time
from collections.abc import Iterator
from typing import Any

PART = ".part-"  # how the names of unfinished files and folders begin
STALE = 24 * 3600  # seconds after which an unfinished file that nobody writes to is removed


@contextlib.contextmanager
def replacing(path: str | os.PathLike) -> Iterator[pathlib.Path]:
    """Gives a path to write to, whose file replaces `path` if the body succeeds and is removed if it fails.

        with files.replacing("net.weights.h5") as part:
            model.save_weights(part)

    The file is flushed to the disk before it gets its name. A new file has the permissions that the umask
    gives it; a file that is replaced keeps its own. What writers left that were killed goes after a day.

    Args:
        path: Path of the file, in a folder that exists.

    Yields:
        Path of a file that does not exist yet: in the same folder, with a name of its own that ends as
        that of `path` does, since writers tell formats by endings.

    Raises:
        OSError: The file cannot be written, or the body wrote none; `path` is as it was.
    """
    path = pathlib.Path(path)
    sweep(path)
    part = path.with_name(f"{PART}{os.urandom(4).hex()}-{path.name}")
    try:
        yield part
        sync(part)
        with contextlib.suppress(FileNotFoundError):
            shutil.copymode(path, part)
        os.replace(part, path)
    except BaseException:
        with contextlib.suppress(OSError):  # the error of the body is the one to raise
            part.unlink()
        raise
    sync_folder(path.parent)


def sweep(path):
    """Removes the unfinished files that killed writers of `path` left a day ago or longer."""
    for part in path.parent.glob(f"{PART}*"):
        with contextlib.suppress(OSError):  # another writer removed it
            if part.name.endswith(f"-{path.name}") and time.time() - part.stat().st_mtime > STALE:
                part.unlink()


def write_bytes(path: str | os.PathLike, content: bytes):
    """Writes bytes, as `replacing` does."""
    with replacing(path) as part:
        part.write_bytes(content)


def write_text(path: str | os.PathLike, text: str):
    """Writes text in UTF-8 with the line ends that it has, as `replacing` does."""
    write_bytes(path, text.encode())


def write_json(path: str | os.PathLike, data: Any):
    """Writes data as indented JSON, as `replacing` does."""
    write_text(path, json.dumps(data, indent=2) + "\n")


def read_json(path: str | os.PathLike) -> Any:
    """Reads data from a JSON file."""
    return json.loads(pathlib.Path(path).read_text(encoding="utf-8"))


def sync(path: str | os.PathLike):
    """Waits until the content of a file is on the disk."""
    descriptor = os.open(path, os.O_RDWR)  # Windows flushes no file that is open for reading alone
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(path: str | os.PathLike):
    """Waits until the names of a folder's files are on the disk, where the platform can: not on Windows."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
