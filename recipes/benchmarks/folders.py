"""Datasets as folders of PNG files, with a folder for each class in `train` and `test`."""

import pathlib

import shared


def write_digits(folder: pathlib.Path, count: int) -> pathlib.Path:
    """Writes digits: `count` training images of each, and always the same 1,000 test images.

    The images of a smaller number are among those of a larger one.

    Args:
        folder: Path of the folder, which is made unless it exists.
        count: Number of training images of each digit.

    Returns:
        The path of the folder.
    """
    with shared.quiet():
        import numpy as np

        from kerasnets import data
        from kerasnets.data.datasets import CLASSES

        images, labels = data.to_arrays(data.load("digits", "train").batch(1000))
        test = data.to_arrays(data.load("digits", "test").batch(1000))
    order = np.random.default_rng(0).permutation(len(labels))
    rows = np.concatenate([order[labels[order] == digit][:count] for digit in range(10)])
    if len(rows) < 10 * count:
        raise ValueError(
            f"there are at most {np.bincount(labels).min()} images of each digit. Received: {count}"
        )
    write(folder / "train", images[rows], labels[rows], CLASSES["digits"])
    write(folder / "test", *test, CLASSES["digits"])
    return folder


def write(folder: pathlib.Path, images, labels, names) -> None:
    """Writes images of one channel, uint8, (n, height, width, 1), into a folder for each class."""
    import keras

    for name in names:
        (folder / name).mkdir(parents=True, exist_ok=True)
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        keras.utils.save_img(folder / names[label] / f"{number:05}.png", image, scale=False)
