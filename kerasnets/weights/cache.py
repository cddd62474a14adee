"""The cache of checkpoints: where their files are, which hashes they had at first, and how to remove them.

The folder of a checkpoint has its id: ~/.keras/kerasnets/ID/FILE, unless Keras's folder is elsewhere. Files
of the Hugging Face hub are in the hub's own cache, which other programs share. FILE.sha256 has the hash that
the file had when it was first fetched, and where it is, in the format of the program sha256sum.
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

RECORD = ".sha256"  # suffix of the files that have first hashes
NAME = re.compile(r"(?!\.)[^\\/:*?\"<>|\x00-\x1f]+")  # what every platform allows as the name of a file

READ_ONLY = (errno.EACCES, errno.EPERM, errno.EROFS)  # errors of a folder that may not be written to


@dataclasses.dataclass(frozen=True)
class Cached:
    """A file of a checkpoint.

    Attributes:
        id: Id of the checkpoint.
        file: Name of the file.
        bytes: Its size in bytes.
        path: Where it is.
    """

    id: str
    file: str
    bytes: int
    path: pathlib.Path


def home() -> pathlib.Path:
    """The folder of all checkpoints."""
    return pathlib.Path(keras_home()).expanduser() / "kerasnets"


def check_names(id: str, file: str | None = None) -> None:
    """Refuses an id and a file name that are no relative path, or lead outside the cache."""
    if not isinstance(id, str) or not all(NAME.fullmatch(part) for part in id.split("/")):
        refuse("id", "the id of a checkpoint, such as 'timm/resnet34.a1_in1k'", id)
    if file is not None and (not isinstance(file, str) or not NAME.fullmatch(file) or file.endswith(RECORD)):
        refuse("file", "the name of a file, such as 'model.safetensors'", file)


def path_of(id: str, file: str) -> pathlib.Path:
    """Where a file of a checkpoint is or would be, unless it comes from the hub."""
    check_names(id, file)
    return home() / id / file


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

    The hash that the publisher printed is checked. Where there is none, or only a prefix of one, the file
    must also be the one that was fetched first.

    Args:
        path: The file.
        published: Its published hash, or None.
        entry: Its path in the folder of the checkpoint, beside which its first hash is recorded.

    Raises:
        OSError: The file has another hash, or cannot be read.
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
    """Records the hash of a file that was fetched for the first time, or its new path in the hub's cache.

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


def cached(id: str | None = None) -> list[Cached]:
    """The files of checkpoints that are in the caches, unfinished ones of killed downloads among them.

    Args:
        id: Id of a checkpoint, or None for all.

    Returns:
        Rows in the order of their names, without files in a mirror and those that keras.applications
        downloads.
    """
    found = []
    for path in contents(id):
        file, at = path.name, path
        if path.suffix == RECORD:
            file = path.stem
            at = where_in_hub(path.with_name(file))
        if at is not None and at.is_file():
            found.append(Cached(path.parent.relative_to(home()).as_posix(), file, at.stat().st_size, at))
    return found


def contents(id):
    """The files in the folder of one checkpoint or of all."""
    if id is None:
        paths = home().rglob("*")
    else:
        check_names(id)
        paths = (home() / id).glob("*")
    return [path for path in sorted(paths) if path.is_file()]


def where_in_hub(entry):
    """The path that the record of a file gives, if it is in the hub's cache; None otherwise."""
    try:
        first = first_hash(entry)
    except OSError:
        return None
    return first[1] if first and first[1].parts[-3:-2] == ("snapshots",) else None


def clean(id: str | None = None) -> list[Cached]:
    """Removes the files of checkpoints from the caches, and forgets their first hashes.

    In the hub's cache, a file is removed together with its whole revision of the repository.

    Args:
        id: Id of a checkpoint, or None for all.

    Returns:
        Rows of what was removed.

    Raises:
        OSError: A file cannot be removed.
        ModuleNotFoundError: A file is in the hub's cache, and huggingface_hub is not installed.
    """
    rows = cached(id)
    revisions = {}
    for row in rows:
        if home() not in row.path.parents:
            revisions.setdefault(row.path.parents[3], set()).add(row.path.parent.name)
    for folder, commits in revisions.items():
        hub().scan_cache_dir(folder).delete_revisions(*commits).execute()
    for path in contents(id):
        path.unlink(missing_ok=True)
        for parent in path.relative_to(home()).parents:
            with contextlib.suppress(OSError):  # other files are in it
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
