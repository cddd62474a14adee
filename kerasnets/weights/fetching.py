"""Files of trained weights: taken from a cache or a mirror, or downloaded, and what to do where that fails.

    fetch("timm/resnet18.a1_in1k", file="model.safetensors", repo="timm/resnet18.a1_in1k")

A file is checked by the hash that its publisher printed. Where none was printed, it must remain the file that
was fetched first. A file that is on this machine is used with no network. One that the user puts into the
folder of its checkpoint, or into a mirror, is as good as a download.
"""

import contextlib
import errno
import http.client
import os
import pathlib
import re
import shutil
import socket
import sys
import urllib.parse
import urllib.request
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any

import keras

from kerasnets import files
from kerasnets.checks import is_int, refuse
from kerasnets.graph import keras_home
from kerasnets.weights import cache
from kerasnets.weights.checkpoints import HUB, PERMISSIVE, Checkpoint
from kerasnets.weights.hashes import Hash, hash_of, parse
from kerasnets.weights.readers import STARTS

MIRROR = "KERASNETS_MIRROR"  # environment variable: a folder or URL that has ID/FILE of all checkpoints
CONFIG = "config.json"  # of a repository of the hub
GROWTH = 20  # how many times the size of a zip file its content may be; weights shrink by about a tenth

# Keras raises a plain Exception where a download fails, and a ValueError where it is incomplete.
SIGNS = ("URL fetch failure", "Incomplete or corrupted file")
BROKEN = (OSError, http.client.HTTPException)  # of downloads that break off, of files that cannot be read
UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError)  # the last for encrypted files

told = set()  # the ids and files whose licences this process has told


@contextlib.contextmanager
def fetching(
    what: str, instead: str, folder: pathlib.Path | None = None, file: str | None = None
) -> Iterator[None]:
    """Within it, a file is read from a cache, or downloaded first. Errors say what to do.

    Args:
        what: What the file contains, for the message.
        instead: What else the user can do, as the end of a sentence.
        folder: The folder into which the user can put the file; None for that of keras.applications.
        file: Which file that is, as "NAME of URL"; None to take it from Keras's error.

    Raises:
        OSError: The file is damaged, or neither is in the cache nor can be downloaded.
    """
    try:
        yield
    except Exception as error:
        if not (isinstance(error, BROKEN) or any(sign in str(error) for sign in SIGNS)):
            raise
        broken = ""
        if folder is None:
            folder = pathlib.Path(keras_home()).expanduser() / "models"
            broken = "".join(f" The file {path} is damaged: remove it." for path in damaged(folder))
        if file is None:
            url = re.search(r"https?://\S+[^\s:]", str(error))
            file = f"{url[0].rpartition('/')[2]} of {url[0]}" if url else "the file"
        raise OSError(
            f"{what} could not be fetched: {str(error).rstrip('.')}.{broken} Run this again with a network, "
            f"or put {file} into {folder}, or {instead}."
        ) from error


def damaged(folder: pathlib.Path) -> list[pathlib.Path]:
    """The HDF5 files of a folder that cannot be opened, as after a download that was killed."""
    import h5py

    found = []
    for path in sorted(folder.glob("*.h5")):
        try:
            h5py.File(path).close()
        except OSError:
            found.append(path)
    return found


def fetch(
    id: str,
    *,
    file: str,
    url: str | None = None,
    repo: str | None = None,
    hash: str | None = None,
    bytes: int | None = None,
    licence: str | None = None,
) -> pathlib.Path:
    """Finds a file of a checkpoint on this machine, or downloads it.

    It is taken from the first of these places that has it: the mirror, if it is a folder; the folder of the
    checkpoint in the cache, into which the user may have put it; the hub's cache. Otherwise it is downloaded
    from the mirror, if there is one, else from the hub or the URL. Its hash is checked each time. A licence
    that is not permissive is told once.

    Args:
        id: Id of the checkpoint, such as "timm/resnet34.a1_in1k".
        file: Name of the file.
        url: Where it can be downloaded, for files that are not from the hub. If this is a .zip, `file` is in
            it. Plain http is for files with a hash only.
        repo: The repository of the Hugging Face hub that has it, as "owner/name".
        hash: Hash that its publisher printed, such as "sha1 9116..." or "sha256 prefix 7be5be79", as
            `hashes.parse` takes it. That of a file in a .zip is of the file, not of the .zip.
        bytes: Its approximate size in bytes. This much must be free on the disk for a download.
        licence: Its licence.

    Returns:
        Path of the file.

    Raises:
        OSError: It is not there and cannot be downloaded, or is not the file that was published. Nothing
            unfinished is left, and a file that was there before stays as it was.
        ValueError: An argument or the mirror is not allowed.
        ModuleNotFoundError: It is on the hub, and huggingface_hub is not installed.
    """
    entry = cache.path_of(id, file)
    published = parse(hash, file)
    check_source(url, repo, published)
    if bytes is not None and not is_int(bytes, 0):
        refuse("bytes", "None or a whole number of at least 0", bytes)
    mirror = mirror_of(id, file, published)
    tell(licence, id, file)
    found = on_disk(entry, url, mirror)
    hub = found == cache.where_in_hub(entry) if found else bool(repo) and not mirror
    origin = f"{zip_name(url, file) or file} of {f'{HUB}{repo}/resolve/main/{file}' if repo else url}"
    if isinstance(mirror, pathlib.Path) and not found:
        raise FileNotFoundError(
            f"{mirror} is not there, though {MIRROR} is set: put {origin} there, or unset {MIRROR}"
        )
    instead = f"correct {MIRROR}" if mirror else f"set {MIRROR} to a folder or URL that has {id}/{file}"
    ready = bool(found) and found.name == file
    if ready:
        path = found
    else:
        with fetching(f"{file} of {id}", instead, entry.parent, origin):
            path = from_hub(repo, file) if hub else bring(found, mirror or url, entry, published, bytes)
    if ready or hub:  # other files were checked before they came to their place
        with refusing(path, id):
            cache.check(path, published, entry)
    cache.record(path, entry, hub)
    return path


def tell(licence: str | None, id: str, file: str) -> None:
    """Warns of a licence that is not permissive, once in a process for each file."""
    if licence and licence.lower() not in PERMISSIVE and (id, file) not in told:
        told.add((id, file))
        warnings.warn(f"the licence of {id} ({file}) is: {licence}", stacklevel=3)


def fetch_config(repo: str) -> dict[str, Any]:
    """Reads config.json of a repository of the Hugging Face hub, which `fetch` finds or downloads.

    Args:
        repo: The repository, as "owner/name", which is also the id of the checkpoint.

    Returns:
        What the file says.

    Raises:
        OSError: It is not there and cannot be downloaded, or is not what it was at first.
        ValueError: It is not a JSON object.
        ModuleNotFoundError: huggingface_hub is not installed.
    """
    path = fetch(repo, file=CONFIG, repo=repo)
    config = files.read_json(path)
    if not isinstance(config, dict):
        raise ValueError(f"{path} is damaged: it has no JSON object")
    return config


def fetch_checkpoint(row: Checkpoint) -> pathlib.Path:
    """Finds the file of a checkpoint on this machine, or downloads it, as `fetch` does.

    The files that come with this package are never downloaded.

    Args:
        row: What is known of it.

    Returns:
        Path of the file.

    Raises:
        OSError: It is not there and cannot be downloaded, or is not the one that was published.
        ValueError: keras.applications downloads it itself.
        ModuleNotFoundError: It is on the hub, and huggingface_hub is not installed.
    """
    if not row.file:
        raise ValueError(
            f"the weights {row.id} are downloaded by keras.applications when they are first loaded, by "
            f"kerasnets.build({row.net!r}, weights={row.id!r}), and are used with no network from then on"
        )
    if row.path is not None:
        return row.path
    url = None if row.repo else row.url
    facts = {"hash": row.hash, "bytes": row.bytes, "licence": row.licence}
    return fetch(row.id, file=row.file, url=url, repo=row.repo, **facts)


def check_source(url, repo, published):
    """Refuses sources that are neither a repository nor a URL that can be trusted."""
    if repo is None and url is None:
        refuse("url", "given where `repo` is not", url)
    if repo is not None and (not isinstance(repo, str) or not re.fullmatch(r"[\w.-]+/[\w.-]+", repo)):
        refuse("repo", "None or a repository of the hub, as 'owner/name'", repo)
    if repo is None:
        check_url("url", url, published)


def check_url(argument, url, published):
    """Refuses what is no URL, and plain http if no hash tells whether the right file comes."""
    scheme = url.partition("://")[0] if isinstance(url, str) else None
    if scheme not in ("https", "file", "http"):
        refuse(argument, "a URL of https, http or file", url)
    if scheme == "http" and published is None:
        refuse(argument, "a URL of https, since no hash of the file is known", url)


def mirror_of(id: str, file: str, published: Hash | None) -> pathlib.Path | str | None:
    """Where a file is in the mirror: its path in a folder, its URL, or None if there is no mirror."""
    mirror = os.environ.get(MIRROR)
    if not mirror:
        return None
    if "://" in mirror:
        check_url(MIRROR, mirror, published)
        return f"{mirror.rstrip('/')}/{urllib.parse.quote(id)}/{urllib.parse.quote(file)}"
    folder = pathlib.Path(mirror).expanduser()
    if not folder.is_dir():
        refuse(MIRROR, "a URL or a folder that exists", mirror)
    return folder / id / file


def zip_name(url: str | None, file: str) -> str | None:
    """The name of the zip file at a URL that has the file; None if the URL is that of the file itself."""
    name = urllib.parse.urlsplit(url or "").path.rpartition("/")[2]
    return name if name.endswith(".zip") and not file.endswith(".zip") else None


def on_disk(entry: pathlib.Path, url: str | None, mirror: pathlib.Path | str | None) -> pathlib.Path | None:
    """Where a file, or a zip file that has it, already is on this machine; None if it is not there."""
    places = [mirror if isinstance(mirror, pathlib.Path) else None, entry, cache.where_in_hub(entry)]
    packed = zip_name(url, entry.name)
    places += [entry.with_name(packed)] if packed else []
    return next((path for path in places if path and path.is_file()), None)


@contextlib.contextmanager
def refusing(path, id):
    """Within it, a file is checked and left as it is. Errors say what to do."""
    try:
        yield
    except OSError as error:
        raise OSError(
            f"{path.resolve()} is not used: {error}. Remove it, or all files of {id} and their first "
            f"hashes by `kerasnets weights clean {id}`, and run this again."
        ) from error


def bring(packed, url, entry, published, size):
    """Brings a file to its path in the cache, from a zip file on this machine or from a URL."""
    if packed:
        unpack(packed, entry, published)
    elif zip_name(url, entry.name):
        with room(entry, size and 2 * size), files.passing(entry.with_suffix(".zip")) as part:
            download(url, part)
            unpack(part, entry, published)
    else:
        with room(entry, size), files.replacing(entry) as part:
            download(url, part)
            cache.check(part, published, entry)
    return entry


def download(url, part):
    """Downloads a file with Keras, whose progress bar is printed to stderr, as that of the hub is."""
    with contextlib.redirect_stdout(sys.stderr):
        keras.utils.get_file(part.name, url, cache_subdir=str(part.parent))
    with open(part, "rb") as file:
        start = file.read(200).lstrip().lower()
    for first, (what, suffixes) in STARTS.items():
        if not suffixes and start.startswith(first.lower()):  # what servers send in place of a file
            raise OSError(f"{url} gave {what}")


def from_hub(repo, file):
    """Downloads a file into the hub's cache, or finds it there, and gives its path."""
    hub = cache.hub()
    lost = unreachable(hub.hf_hub_url(repo, file))
    try:
        path = pathlib.Path(hub.hf_hub_download(repo, file, local_files_only=lost is not None))
    except Exception as error:  # each library that it downloads with has its own
        offline = os.environ.get("HF_HUB_OFFLINE")
        reason = f"HF_HUB_OFFLINE is set to {offline}" if offline else lost or type(error).__name__
        detail = "" if lost and not offline else f": {' '.join(str(error).split())}"
        raise OSError(f"{reason}{detail}") from error
    stated = hash_in_hub(path)
    if stated and hash_of(path) != stated:
        raise OSError(f"{path.resolve()} is damaged, since the hub states {stated}: remove it")
    return path


def unreachable(url):
    """Why the host of a URL cannot be reached, or None if it has an address or is behind a proxy.

    Without this, huggingface_hub tries for half a minute to find the hub where there is no network.
    """
    host = urllib.parse.urlsplit(url).hostname
    if urllib.request.getproxies():
        return None
    try:
        socket.getaddrinfo(host, None)
    except OSError as error:
        return f"{host} cannot be reached: {error}"
    return None


def hash_in_hub(path):
    """The sha256 that the hub states for a large file, the name of the file to which `path` links."""
    blob = pathlib.Path(os.readlink(path)).name if path.is_symlink() else ""
    return Hash("sha256", blob) if re.fullmatch("[0-9a-f]{64}", blob) else None


@contextlib.contextmanager
def room(entry, size):
    """Makes the folder of a file, and refuses a full disk. An error removes the folder if it is empty."""
    entry.parent.mkdir(parents=True, exist_ok=True)
    try:
        free = shutil.disk_usage(entry.parent).free
        if size and free < size:
            raise OSError(errno.ENOSPC, f"{size:,} bytes are needed and {free:,} are free", str(entry.parent))
        yield
    except BaseException:
        for folder in (entry.parent, *entry.parent.parents):
            if folder != cache.home() and cache.home() not in folder.parents:
                break
            with contextlib.suppress(OSError):  # other files are in it
                folder.rmdir()
        raise


def unpack(packed, entry, published):
    """Unpacks a file from a zip file to its path in the cache, if it has the right hash."""
    try:
        with zipfile.ZipFile(packed) as archive, files.replacing(entry) as part:
            members = [m for m in archive.infolist() if m.filename.endswith(entry.suffix) and not m.is_dir()]
            if len(members) != 1:
                raise OSError(f"{packed.name} has {len(members)} files that end in {entry.suffix}, not one")
            if members[0].file_size > GROWTH * packed.stat().st_size:
                raise OSError(f"{packed.name} claims a file of {members[0].file_size:,} bytes in it")
            with archive.open(members[0]) as source, open(part, "wb") as whole:
                shutil.copyfileobj(source, whole, 1 << 20)
            cache.check(part, published, entry)
    except UNREADABLE as error:
        raise OSError(f"{packed.name} is no zip file that can be read: {error}") from error
