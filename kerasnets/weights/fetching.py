"""Files that Keras downloads into its cache, and what to do where it cannot."""

import contextlib
import http.client
import pathlib
import re
from collections.abc import Iterator

from kerasnets.graph import keras_home

# Keras raises a plain Exception where a download fails, and a ValueError where it is incomplete.
SIGNS = ("URL fetch failure", "Incomplete or corrupted file")
BROKEN = (OSError, http.client.HTTPException)  # a download that breaks off, a file that cannot be read


@contextlib.contextmanager
def fetching(what: str, instead: str) -> Iterator[None]:
    """Within it, Keras reads a file from its cache, or downloads it first. Its errors say what to do.

    Args:
        what: What the file contains, for the message.
        instead: What else the user can do, as the end of a sentence.

    Raises:
        OSError: The file is damaged, or neither is in the cache nor can be downloaded.
    """
    try:
        yield
    except Exception as error:
        if not (isinstance(error, BROKEN) or any(sign in str(error) for sign in SIGNS)):
            raise
        folder = pathlib.Path(keras_home()).expanduser() / "models"
        url = re.search(r"https?://\S+[^\s:]", str(error))
        file = f"{url[0].rpartition('/')[2]} of {url[0]}" if url else "the file"
        spoilt = "".join(f" The file {path} is damaged: remove it." for path in damaged(folder))
        raise OSError(
            f"{what} could not be fetched: {error}.{spoilt} Run this again with a network, or put {file} "
            f"into {folder}, or {instead}."
        ) from error


def damaged(folder: pathlib.Path) -> list[pathlib.Path]:
    """The HDF5 files of a folder that cannot be opened, as where a download was killed."""
    import h5py

    found = []
    for path in sorted(folder.glob("*.h5")):
        try:
            h5py.File(path).close()
        except OSError:
            found.append(path)
    return found
