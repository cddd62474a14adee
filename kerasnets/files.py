"""Atomic writing of files: whatever stops a writer, the file has either its old or its new content."""

import contextlib
import errno
import json
import os
import pathlib
import shutil
import time
from collections.abc import Iterator
from typing import Any

PART = ".part-"  # prefix of the names of unfinished files and folders
STALE = 24 * 3600  # seconds without a write after which an unfinished file is removed


@contextlib.contextmanager
def replacing(path: str | os.PathLike) -> Iterator[pathlib.Path]:
    """Yields a temporary path, whose file replaces `path` if the body succeeds and is removed if it fails.

        with files.replacing("net.weights.h5") as part:
            model.save_weights(part)

    The file is flushed to the disk before it is renamed. A new file gets the permissions of the umask; a
    replaced file keeps its permissions. If `path` is a symbolic link, the file that it points to is replaced.
    Unfinished files of killed writers are removed after a day.

    Args:
        path: Path of the file, in a folder that exists.

    Yields:
        Path of a file that does not exist yet, in the same folder. Its name is unique and ends like that of
        `path`, since some writers infer the format from the suffix.

    Raises:
        OSError: The file cannot be written, or the body wrote none. `path` is unchanged. A folder or a device
            is refused before the body runs.
    """
    if os.path.exists(path) and not os.path.isfile(path):  # renaming would replace a device, as root
        raise OSError(errno.EINVAL, "not a regular file", os.fspath(path))
    path = pathlib.Path(os.path.realpath(path))
    if not path.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "no such folder", os.fspath(path.parent))
    sweep(path)
    part = part_of(path)
    try:
        yield part
        sync(part)
        with contextlib.suppress(FileNotFoundError):
            shutil.copymode(path, part)
        os.replace(part, path)
    except BaseException:
        with contextlib.suppress(OSError):  # so that the error of the body is raised
            part.unlink()
        raise
    sync_folder(path.parent)


@contextlib.contextmanager
def passing(path: str | os.PathLike) -> Iterator[pathlib.Path]:
    """Yields the path of a temporary file, which is removed in the end if the body wrote it.

    Unfinished files of killed writers are removed after a day.

    Args:
        path: Path of a file, in a folder that exists, which is not touched.

    Yields:
        Path of a file that does not exist yet, in the same folder. Its name ends like that of `path`.
    """
    path = pathlib.Path(os.path.realpath(path))
    sweep(path)
    part = part_of(path)
    try:
        yield part
    finally:
        part.unlink(missing_ok=True)


def part_of(path: pathlib.Path) -> pathlib.Path:
    """A path beside another for an unfinished file, with a name that no other file has."""
    return path.with_name(f"{PART}{os.urandom(4).hex()}-{tail(path)}")


def tail(path: pathlib.Path) -> str:
    """The end of a file's name, which leaves room for a prefix: a name may have 255 bytes."""
    return path.name[-60:]  # at most 240 bytes in UTF-8


def sweep(path: pathlib.Path) -> None:
    """Removes unfinished files of killed writers of `path` that are at least a day old."""
    for part in path.parent.glob(f"{PART}*"):
        with contextlib.suppress(OSError):  # another writer may have removed it
            if part.name.endswith(f"-{tail(path)}") and time.time() - part.stat().st_mtime > STALE:
                part.unlink()


def write_bytes(path: str | os.PathLike, content: bytes) -> None:
    """Writes bytes to a file, atomically as `replacing` does."""
    with replacing(path) as part:
        part.write_bytes(content)


def write_text(path: str | os.PathLike, text: str) -> None:
    """Writes text to a file in UTF-8, with line ends unchanged, atomically as `replacing` does."""
    write_bytes(path, text.encode())


def write_json(path: str | os.PathLike, data: Any) -> None:
    """Writes data to a file as indented JSON, atomically as `replacing` does."""
    write_text(path, json.dumps(data, indent=2) + "\n")


def read_json(path: str | os.PathLike) -> Any:
    """Reads data from a JSON file.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is not JSON.
    """
    try:
        return json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is damaged: {error}") from error


def sync(path: str | os.PathLike) -> None:
    """Flushes the content of a file to the disk."""
    descriptor = os.open(path, os.O_RDWR)  # Windows cannot flush a file opened for reading only
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(path: str | os.PathLike) -> None:
    """Flushes the names of a folder's files to the disk, if the platform supports it; Windows does not."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
