"""Pairs of digits side by side: 100 classes from real images of ten."""

import numpy as np

from kerasnets.checks import is_int, refuse

GROUPS = 6  # a pair has both of its digits from the same of 6 groups
NAMES = tuple(f"{number:02d}" for number in range(100))


def digit_pairs(
    images: np.ndarray, labels: np.ndarray, count: int, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Puts images of digits side by side, as numbers of two digits.

    A class is the number: 37 is easily taken for 31 or 87. The classes have the same number of pairs if
    `count` is a multiple of 600. The digits of each kind are dealt into 6 groups, and pair i consists of two
    digits of group i % 6. So every sixth pair can be held out without a digit that the others have too.

    Args:
        images: Images of digits, uint8, (n, height, width, channels).
        labels: The digits, whole numbers from 0 to 9, (n,).
        count: Number of pairs, at least 1.
        seed: Seed of the choice of digits, a whole number.

    Returns:
        The pairs, uint8, (count, height, 2 * width, channels), and their classes, int64, (count,).

    Raises:
        ValueError: There are too few digits of a kind or not as many labels as images, or `count` or `seed`
            is out of range.
    """
    for name, value, least in (("count", count, 1), ("seed", seed, 0)):
        if not is_int(value, least):
            refuse(name, f"a whole number, at least {least}", value)
    labels = np.asarray(labels)
    if labels.shape != (len(images),):
        refuse("labels", f"one for each of {len(images)} images", labels.shape)
    kinds = [np.flatnonzero(labels == digit) for digit in range(10)]
    if min(map(len, kinds)) < GROUPS:
        few = [len(rows) for rows in kinds]
        refuse("labels", f"those of {GROUPS} images or more of each digit", f"{few} images of 0 to 9")
    rng, numbers = np.random.default_rng(seed), np.arange(count)
    groups, classes = numbers % GROUPS, numbers // GROUPS % 100
    rows = np.zeros((2, count), "int64")
    for row, wanted in zip(rows, np.divmod(classes, 10), strict=True):
        for digit, kind in enumerate(kinds):
            for group in range(GROUPS):
                here = (wanted == digit) & (groups == group)
                row[here] = rng.choice(kind[group::GROUPS], here.sum())
    return np.concatenate([images[row] for row in rows], axis=2), classes
