"""The cache of checkpoints: where their files are, which hashes they had at first, and how to remove them.

A checkpoint has a folder of its name within "kerasnets" in Keras's folder: ~/.keras/kerasnets/ID/FILE. Files
of the Hugging Face hub are in the hub's own cache, which other programs share. FILE.sha256 has the hash that
the file had when it was first fetched, in the form of the program sha256sum, and where it is.
"""

import contextlib
import dataclasses
import errno
import pathlib
import re
from types import ModuleType

from kerasnets import files
from kerasnets.checks import refuse
from kerasnets.graph import keras_home
from kerasnets.weights.hashes import Hash, hash_of

RECORD = ".sha256"  # ending of the files with first hashes
NAME = re.compile(r"(?!\.)[^\\/:*?\"<>|\x00-\x1f]+")  # a name of a folder or a file on every platform

READ_ONLY = (errno.EACCES, errno.EPERM, errno.EROFS)


@dataclasses.dataclass(frozen=True)
class Cached:
    """A file of a checkpoint.

    Attributes:
        id: Name of the checkpoint.
        file: Name of the file.
        bytes: Its size.
        path: Where it is.
    """

    id: str
    file: str
    bytes: int
    path: pathlib.Path


def home() -> pathlib.Path:
    """The folder of all checkpoints."""
    return pathlib.Path(keras_home()).expanduser() / "kerasnets"


def check_names(place: str, file: str | None = None) -> None:
    """Refuses names of a checkpoint and its file that are no relative path, or lead outside the cache."""
    if not isinstance(place, str) or not all(NAME.fullmatch(part) for part in place.split("/")):
        refuse("place", "the name of a checkpoint, such as 'timm/resnet34.a1_in1k'", place)
    if file is not None and (not isinstance(file, str) or not NAME.fullmatch(file) or file.endswith(RECORD)):
        refuse("file", "the name of a file, such as 'model.safetensors'", file)


def path_of(place: str, file: str) -> pathlib.Path:
    """Where a file of a checkpoint is or would be, unless it comes from the hub."""
    check_names(place, file)
    return home() / place / file


def record_of(path: pathlib.Path) -> pathlib.Path:
    """Path of the file with the first hash of a file."""
    return path.with_name(path.name + RECORD)


def first_hash(path: pathlib.Path) -> tuple[Hash, pathlib.Path] | None:
    """The hash that a file had when it was first fetched, and where it was then.

    Args:
        path: Its path in the folder of the checkpoint.

    Returns:
        The hash and a path, which is in the hub's cache for a file from there; None if it was never fetched.

    Raises:
        OSError: The record cannot be read, or is damaged.
    """
    record = record_of(path)
    try:
        text = record.read_bytes().decode("utf-8", "replace")
    except FileNotFoundError:
        return None
    found = re.fullmatch(r"([0-9a-f]{64})  ([^\n]+)\n", text)
    if not found:
        raise OSError(f"{record} is damaged: remove it, and the hash of {path.name} is recorded anew")
    return Hash("sha256", found[1]), path.parent / found[2]


def check(path: pathlib.Path, published: Hash | None, entry: pathlib.Path) -> None:
    """Checks the hash of a file.

    What the publisher printed is checked. Where that is nothing or a prefix, the file must also be the one
    that was fetched first.

    Args:
        path: The file.
        published: Its published hash, or None.
        entry: Its path in the folder of the checkpoint, beside which its first hash is recorded.

    Raises:
        OSError: It is another file, or cannot be read.
    """
    expected = {} if published is None else {"published": published}
    first = None if published and published.whole else first_hash(entry)
    if first:
        expected["fetched first"] = first[0]
    found = {a: hash_of(path, a) for a in {known.algorithm for known in expected.values()}}
    for how, known in expected.items():
        if not found[known.algorithm].digits.startswith(known.digits):
            raise OSError(f"it has {found[known.algorithm]}, and the file that was {how} has {known}")


def record(path: pathlib.Path, entry: pathlib.Path, hub: bool = False) -> None:
    """Records the hash of a file that was fetched for the first time, or its new place in the hub's cache.

    Args:
        path: The file, which was checked.
        entry: Its path in the folder of the checkpoint.
        hub: Whether `path` is in the hub's cache.
    """
    first = first_hash(entry)
    if first and (not hub or first[1] == path):
        return
    try:
        entry.parent.mkdir(parents=True, exist_ok=True)
        line = f"{hash_of(path).digits}  {path if hub else entry.name}\n"
        files.write_text(record_of(entry), line)
    except OSError as error:
        if error.errno not in READ_ONLY:  # a cache that others filled may be used without a record
            raise


def cached(place: str | None = None) -> list[Cached]:
    """The files of checkpoints that are in the caches, and what downloads that were killed left.

    Args:
        place: Name of a checkpoint, or None for all.

    Returns:
        Rows in the order of their names. Weights that keras.applications downloads are not among them, nor
        are files that a mirror has.
    """
    found = []
    for path in contents(place):
        file, at = path.name, path
        if path.suffix == RECORD:
            file = path.stem
            at = where_in_hub(path.with_name(file))
        if at is not None and at.is_file():
            found.append(Cached(path.parent.relative_to(home()).as_posix(), file, at.stat().st_size, at))
    return found


def contents(place):
    """The files in the folder of one checkpoint or of all."""
    if place is None:
        paths = home().rglob("*")
    else:
        check_names(place)
        paths = (home() / place).glob("*")
    return [path for path in sorted(paths) if path.is_file()]


def where_in_hub(entry):
    """The path of a file in the hub's cache as its record says; None if it is not there, or has no record."""
    try:
        path = first_hash(entry)[1]
    except (OSError, TypeError):
        return None
    return path if path.parts[-3:-2] == ("snapshots",) else None


def clean(place: str | None = None) -> list[Cached]:
    """Removes the files of checkpoints from the caches, and forgets their first hashes.

    From the hub's cache, the whole revision is removed of which a file was fetched.

    Args:
        place: Name of a checkpoint, or None for all.

    Returns:
        Rows of what was removed.

    Raises:
        OSError: A file cannot be removed.
        ModuleNotFoundError: A file is in the hub's cache, and huggingface_hub is not installed.
    """
    rows = cached(place)
    revisions = {}
    for row in rows:
        if home() not in row.path.parents:
            revisions.setdefault(row.path.parents[3], set()).add(row.path.parent.name)
    for folder, commits in revisions.items():
        hub().scan_cache_dir(folder).delete_revisions(*commits).execute()
    for path in contents(place):
        path.unlink(missing_ok=True)
        for parent in path.relative_to(home()).parents:
            with contextlib.suppress(OSError):  # it has other files
                (home() / parent).rmdir()
    return rows


def hub() -> ModuleType:
    """The package huggingface_hub.

    Raises:
        ModuleNotFoundError: It is not installed.
    """
    try:
        import huggingface_hub
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "files of the Hugging Face hub need huggingface_hub: pip install 'kerasnets[weights]'",
            name=error.name,
        ) from error
    return huggingface_hub
