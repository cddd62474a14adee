"""Folders of versions: written aside and renamed, so that one is whole or not there."""

import contextlib
import fcntl
import os
import pathlib
import re
import shutil
import tempfile

from kerasnets.checks import is_int, refuse

PART = ".part-"  # how folders begin that are being written; TF Serving reads those named by numbers alone
NAME = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}"  # of a model: a folder right below the root
LARGEST = 2**63 - 1  # TF Serving's versions are int64
STEM = "0"  # stands for the number in the names of files that are not published
ANY = "([.-].*)?"  # what may follow the number in the names of these


def check_name(name):
    """Refuses a name of a model that could lead out of the root."""
    if not isinstance(name, str) or not re.fullmatch(NAME, name):
        refuse("name", "letters, digits, '_', '-' and '.', up to 200, the first no '-' or '.'", name)


def check_version(folder, version, ending=""):
    """Refuses a version that is no number, or that is there."""
    if version is None:
        return
    if not is_int(version, 1) or version > LARGEST:
        refuse("version", f"None or a whole number from 1 to {LARGEST}", version)
    if (folder / f"{version}{ending}").exists():
        there = versions(folder, re.escape(ending))
        refuse("version", f"one that is not there: {folder} has {there}", version)


def versions(folder, ending=""):
    """Numbers of the versions in the folder of a model, in order.

    Args:
        folder: The folder.
        ending: Regular expression of what follows the number: nothing, but for files of `export_file`.
    """
    if not folder.is_dir():
        return []
    found = (re.fullmatch(rf"(\d+){ending}", p.name) for p in folder.iterdir())
    return sorted({int(name[1]) for name in found if name})


@contextlib.contextmanager
def staged(folder):
    """A new folder to write a version in, which goes if it is not published.

    What killed exporters left goes as well: theirs are the folders that nobody has a lock on.

    Args:
        folder: Folder of the model; it is made if need be, and goes again if it stays empty.

    Yields:
        Path of a folder inside.
    """
    made = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    sync_one(folder.parent)
    try:
        with contextlib.ExitStack() as stack:
            with lock(folder):
                sweep(folder)
                part = pathlib.Path(tempfile.mkdtemp(prefix=PART, dir=folder))
                stack.callback(shutil.rmtree, part, ignore_errors=True)
                fcntl.flock(stack.enter_context(opened(part)), fcntl.LOCK_EX)
            yield part
    finally:
        if made:
            with contextlib.suppress(OSError):  # there is a version in it
                folder.rmdir()


@contextlib.contextmanager
def lock(folder):
    """Keeps other exporters out of a folder, as long as this one works in it."""
    with opened(folder) as place:
        fcntl.flock(place, fcntl.LOCK_EX)
        yield


def sweep(folder):
    """Removes the unfinished folders whose exporters are gone."""
    for part in folder.glob(f"{PART}*"):
        with contextlib.suppress(BlockingIOError, FileNotFoundError), opened(part) as owner:
            fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(part, ignore_errors=True)


def publish(part, version=None):
    """Makes a folder that is written a version; with no number, no file of `export_file` has its number.

    Args:
        part: The folder, of `staged`.
        version: Its number, or None for the one after the last.

    Returns:
        Path of the version.

    Raises:
        ValueError: Another exporter has written this version.
    """
    folder = part.parent
    part.chmod(0o755)
    sync(part)
    with lock(folder):
        number = version or following(folder)
        check_version(folder, number)
        path = part.rename(folder / str(number))
    sync_one(folder)
    return path


def publish_files(part, ending, version=None):
    """Makes files that are written a version, beside the folders of others.

    They are there whole or not at all, for the model itself comes last.

    Args:
        part: Folder of the files, of `staged`; their names begin with `STEM`.
        ending: What follows `STEM` in the name of the model.
        version: Its number, or None for the one after the last of any format.

    Returns:
        Path of the model.

    Raises:
        ValueError: Another exporter has written this version.
    """
    folder = part.parent
    sync(part)
    with lock(folder):
        number = version or following(folder)
        check_version(folder, number, ending)
        for file in sorted(part.iterdir(), key=lambda file: file.name == f"{STEM}{ending}"):
            path = file.rename(folder / f"{number}{file.name.removeprefix(STEM)}")
    sync_one(folder)
    return path


def following(folder):
    """The number after the last in the folder of a model, be it of a folder or of a file."""
    return max(versions(folder, ANY), default=0) + 1


def sync(folder):
    """Waits until all files of a folder are on the disk."""
    for place, _, files in os.walk(folder):
        for file in files:
            sync_one(os.path.join(place, file))
        sync_one(place)


def sync_one(path):
    """Waits until a file, or the list of a folder's files, is on the disk."""
    with opened(path) as descriptor:
        os.fsync(descriptor)


@contextlib.contextmanager
def opened(path):
    """A descriptor of a file or folder, which ends its lock when it is closed."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def replace(path, text):
    """Writes a file whole or not at all."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=PART, delete=False) as file:
        try:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
            os.chmod(file.name, 0o644)
            os.replace(file.name, path)
        except BaseException:
            os.unlink(file.name)
            raise
