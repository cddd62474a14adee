"""Folders of versions: written aside and renamed, so that one is whole or not there."""

import contextlib
import os
import re
import shutil

import filelock

from kerasnets import files
from kerasnets.checks import is_int, refuse

LOCK = ".lock"  # an empty file that stays; TF Serving reads folders named by numbers alone
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
    """A new folder to write a version in, which is removed if it is not published.

    What killed exporters left is removed as well: the unfinished folders whose locks nobody holds.

    Args:
        folder: Folder of the model, in the root; it is made if need be, and removed again if it stays empty.

    Yields:
        Path of a folder, two levels below `folder`.
    """
    root = folder.parent
    root.mkdir(parents=True, exist_ok=True)
    place = folder / f"{files.PART}{os.urandom(4).hex()}"
    with contextlib.ExitStack() as stack:
        with lock(root):
            sweep(folder)
            stack.callback(remove, place)
            place.mkdir(parents=True)
            stack.enter_context(lock(place))
        files.sync_folder(root)
        part = place / "version"
        part.mkdir()
        yield part


def remove(place):
    """Removes what is left of an unfinished folder, and the folder of the model if it holds no version."""
    shutil.rmtree(place, ignore_errors=True)
    with lock(place.parents[1]), contextlib.suppress(OSError):  # not empty
        place.parent.rmdir()


def lock(folder, wait=True):
    """A context manager that keeps other exporters out of a folder.

    Args:
        folder: The folder: the root of all models, or one that an exporter works in.
        wait: Whether to wait for another that has it, else filelock.Timeout is raised.
    """
    return filelock.FileLock(folder / LOCK, blocking=wait)


def sweep(folder):
    """Removes the unfinished folders whose exporters are gone."""
    for place in folder.glob(f"{files.PART}*"):
        with contextlib.suppress(filelock.Timeout, FileNotFoundError):
            with lock(place, wait=False):
                pass  # nobody is at work in it
            shutil.rmtree(place, ignore_errors=True)


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
    folder = part.parents[1]
    sync(part)
    with lock(folder.parent):
        number = version or following(folder)
        check_version(folder, number)
        path = part.rename(folder / str(number))
    files.sync_folder(folder)
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
    folder = part.parents[1]
    sync(part)
    with lock(folder.parent):
        number = version or following(folder)
        check_version(folder, number, ending)
        for file in sorted(part.iterdir(), key=lambda file: file.name == f"{STEM}{ending}"):
            path = file.rename(folder / f"{number}{file.name.removeprefix(STEM)}")
    files.sync_folder(folder)
    return path


def following(folder):
    """The number after the last in the folder of a model, be it of a folder or of a file."""
    return max(versions(folder, ANY), default=0) + 1


def sync(folder):
    """Waits until all files of a folder are on the disk."""
    for place, _, names in os.walk(folder):
        for name in names:
            files.sync(os.path.join(place, name))
        files.sync_folder(place)
