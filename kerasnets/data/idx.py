"""Images and labels in the IDX format of MNIST.

Source: http://yann.lecun.com/exdb/mnist, "File formats for the MNIST database".
"""

import gzip
import math
import pathlib
import zlib

import numpy as np

PREFIX = {"train": "train", "test": "t10k"}
KINDS = {"images": "idx3", "labels": "idx1"}
UNSIGNED_BYTE = 0x08


def find(folder, split, kind):
    """Finds the file of a split's images or labels.

    Args:
        folder: Folder that holds the files, plain or gzipped.
        split: "train" or "test".
        kind: "images" or "labels".

    Returns:
        Its path, or None.
    """
    for dot in "-.":
        for end in ("", ".gz"):
            path = pathlib.Path(folder) / f"{PREFIX[split]}-{kind}{dot}{KINDS[kind]}-ubyte{end}"
            if path.is_file():
                return path
    return None


def read(path):
    """Reads an IDX file of bytes.

    Args:
        path: Path of the file; gzipped if it ends in ".gz".

    Returns:
        uint8 array of the shape in the file's header.

    Raises:
        ValueError: The file is corrupt, truncated, too long, or not IDX.
    """
    path = pathlib.Path(path)
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f"{path} is not a complete gzip file: {error}") from error
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] != UNSIGNED_BYTE or not content[3]:
        raise ValueError(
            f"{path} is not an IDX file of bytes: it starts with the magic number "
            f"0x{content[:4].hex()}, not with 0x000008 and the number of axes"
        )
    header = 4 + 4 * content[3]
    if len(content) < header:
        raise ValueError(f"{path} is truncated: {len(content)} bytes, less than its header of {header}")
    shape = tuple(np.frombuffer(content[4:header], ">u4").tolist())
    expected = header + math.prod(shape)
    if len(content) != expected:
        raise ValueError(
            f"{path} holds {len(content)} bytes, but its header names shape {shape}: {expected} bytes"
        )
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)


def read_split(folder, split, classes=10):
    """Reads images and labels of a split.

    Args:
        folder: Folder that holds the files.
        split: "train" or "test".
        classes: Number of classes; labels must be below it.

    Returns:
        Images, uint8, (n, height, width, 1), and labels, int64, (n,).

    Raises:
        ValueError: A file is missing or corrupt, or the two disagree.
    """
    paths = {kind: find(folder, split, kind) for kind in KINDS}
    missing = [f"{PREFIX[split]}-{k}-{KINDS[k]}-ubyte[.gz]" for k, p in paths.items() if p is None]
    if missing:
        raise ValueError(f"{folder} holds IDX files, but not {' and '.join(missing)}")
    images, labels = read(paths["images"]), read(paths["labels"])
    if images.ndim != 3 or labels.ndim != 1:
        raise ValueError(
            f"{paths['images']} and {paths['labels']} hold images (n, height, width) and labels (n,), "
            f"not {images.shape} and {labels.shape}"
        )
    if len(images) != len(labels):
        raise ValueError(
            f"{paths['images']} holds {len(images)} images, but {paths['labels']} {len(labels)} labels"
        )
    if len(labels) and labels.max() >= classes:
        raise ValueError(f"{paths['labels']} holds label {labels.max()}, above {classes - 1}")
    return images[..., None], labels.astype("int64")
