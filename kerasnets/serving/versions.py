"""Folders of versions, which are written to a temporary folder and published atomically by renaming."""

import contextlib
import os
import pathlib
import re
import shutil

from kerasnets import files
from kerasnets.checks import is_folder, is_int, refuse

LOCK = ".lock"  # an empty file that stays; TF Serving ignores it, because its name is not a number
NAME = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}"  # of a model, whose folder is in the root
MAX_VERSION = 2**63 - 1  # TF Serving's versions are int64
CARD = "assets.extra/model_card.json"  # in the folder of a version
STEM = "0"  # takes the place of the number in the names of unpublished files
COMPANION = r"\d+(-int8)?(\.[a-z]+\.json|\.bin)"  # names of model cards, and of weights of OpenVINO
ANY_ENDING = "([.-].*)?"  # regular expression of what may follow the number in a file name


def card_path(path):
    """The path of the model card of the folder of a version, or of a file, beside which it lies."""
    return path / CARD if path.is_dir() else path.with_name(f"{path.name}.json")


def check_root(root):
    """The path of a root, which is refused if it is not that of a folder."""
    if not is_folder(root):
        refuse("root", "a folder, which need not exist yet", root)
    return pathlib.Path(root)


def check_name(name):
    """Refuses a model name that could lead out of the root."""
    if not isinstance(name, str) or not re.fullmatch(NAME, name):
        allowed = "1 to 200 letters, digits, '_', '-' and '.', not starting with '-' or '.'"
        refuse("name", allowed, name)


def check_version(folder, version, ending=""):
    """Refuses a version that is not a valid number, or that already exists."""
    if version is None:
        return
    if not is_int(version, 1) or version > MAX_VERSION:
        refuse("version", f"None or a whole number from 1 to {MAX_VERSION}", version)
    if (folder / f"{version}{ending}").exists():
        existing = versions(folder, re.escape(ending))
        refuse("version", f"one that does not exist yet: {folder} has {existing}", version)


def versions(folder, ending=""):
    """Numbers of the versions in the folder of a model, in ascending order.

    Args:
        folder: The folder.
        ending: Regular expression of what follows the number: "" for folders, else the ending of a format.
    """
    if not folder.is_dir():
        return []
    found = (re.fullmatch(rf"(\d+){ending}", p.name) for p in folder.iterdir())
    return sorted({int(name[1]) for name in found if name})


@contextlib.contextmanager
def staged(folder):
    """Makes a temporary folder to write a version in, and removes it unless it is published.

    Unfinished folders that killed exporters left, whose locks nobody holds, are removed too.

    Args:
        folder: Folder of the model, in the root. It is created if needed, and removed if it stays empty.

    Yields:
        Path of the temporary folder, two levels below `folder`.
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
    """Removes an unfinished folder, and the folder of the model if it is empty then."""
    shutil.rmtree(place, ignore_errors=True)
    with lock(place.parents[1]), contextlib.suppress(OSError):  # the folder is not empty
        place.parent.rmdir()


def lock(folder, wait=True):
    """A lock of a folder, as a context manager that keeps other exporters out.

    Args:
        folder: The root of all models, or a folder in which an exporter works.
        wait: Whether to wait until the lock is free; if False, filelock.Timeout is raised when it is held.
    """
    import filelock  # only writers need it

    return filelock.FileLock(folder / LOCK, blocking=wait)


def sweep(folder):
    """Removes the unfinished folders of exporters that no longer run."""
    import filelock

    for place in folder.glob(f"{files.PART}*"):
        with contextlib.suppress(filelock.Timeout, FileNotFoundError):
            with lock(place, wait=False):
                pass  # the lock is free, so no exporter works in it
            for file in companions(folder):
                file.unlink()
            shutil.rmtree(place, ignore_errors=True)


def companions(folder):
    """Files of the folder of a model that belong to a model's file that is not there.

    An exporter leaves them if it is killed between the renames of `publish_files`.
    """
    for file in list(folder.iterdir()):
        owner = file.with_suffix("") if file.suffix == ".json" else file.with_suffix(".xml")
        if re.fullmatch(COMPANION, file.name) and not owner.exists():
            yield file


def publish(part, version=None):
    """Publishes a folder as a version.

    Args:
        part: The folder, as `staged` yields it.
        version: Number of the version, or None for the one after the last of any folder or file.

    Returns:
        Path of the version.

    Raises:
        ValueError: Another exporter has written this version meanwhile.
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
    """Publishes files as a version, beside the folders of other versions.

    The file of the model is renamed last, so when it exists, all files do.

    Args:
        part: Folder of the files, as `staged` yields it; their names begin with `STEM`.
        ending: What follows `STEM` in the name of the model's file.
        version: Number of the version, or None for the one after the last of any folder or file.

    Returns:
        Path of the model's file.

    Raises:
        ValueError: Another exporter has written this version meanwhile.
    """
    folder = part.parents[1]
    sync(part)
    with lock(folder.parent):
        number = version or following(folder)
        check_version(folder, number, ending)
        with contextlib.ExitStack() as stack:  # whose functions undo what is done until one step fails
            for file in sorted(part.iterdir(), key=lambda file: file.name == f"{STEM}{ending}"):
                path = file.rename(folder / f"{number}{file.name.removeprefix(STEM)}")
                stack.callback(path.unlink)
            stack.pop_all()
    files.sync_folder(folder)
    return path


def following(folder):
    """The number after the last version in the folder of a model, be it a folder or a file."""
    return max(versions(folder, ANY_ENDING), default=0) + 1


def sync(folder):
    """Flushes all files of a folder to the disk."""
    for place, _, names in os.walk(folder):
        for name in names:
            files.sync(os.path.join(place, name))
        files.sync_folder(place)
