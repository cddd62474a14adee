"""What a net says of test images: its errors, figures for each class, and which images to look at.

There are three kinds of nets: those that choose one class of many, those that tell one class from all others
by one score, and those that give a score to each of several labels of an image. Labels and threshold say
which kind a net is. scikit-learn computes the figures, and images are read only when they are drawn.
"""

import csv
import dataclasses
import functools
import math
import os
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from kerasnets import files
from kerasnets.analysis.pictures import library
from kerasnets.checks import is_number, refuse

CONFIDENCE = 0.95  # of intervals
PAIRS = 25  # pairs of classes in the results
SCORES = {"precision": "precision", "recall": "recall", "f1": "f1-score"}  # scikit-learn's name for each
AVERAGES = ("micro avg", "macro avg", "weighted avg")
TOLERANCE = 0.02  # of sums of probabilities that half precision has rounded


class Pair(NamedTuple):
    """Two classes that are confused.

    Attributes:
        true: Number of the class.
        guess: Number of the class that its images are taken for.
        images: Number of these images.
        share: Their share of the images of the class.
    """

    true: int
    guess: int
    images: int
    share: float


class Pick(NamedTuple):
    """An image to look at, and what for.

    Attributes:
        image: Number of the image.
        column: Number of the class or label that it is chosen for.
    """

    image: int
    column: int


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Tested:
    """The predictions of a net for n test images, with the labels.

    Attributes:
        labels: Class numbers, (n,); with one score 0 or 1, (n,); with several labels an image 0 or 1 for each
            label, (n, classes).
        probabilities: Probabilities, not logits: (n, classes), or (n,) or (n, 1) with one score.
        class_names: A name for each class or label. With one score: the name for label 0, then for label 1.
        threshold: None for a net that chooses one class. With scores: the least score of the labels that it
            gives an image, one number or one for each label.
        image: Function that gives image i, (height, width) or (height, width, channels), or clip i, (frames,
            height, width, channels), with 1 or 3 channels and values of 0..255. It is called for images that
            are drawn, and may raise an OSError or a ValueError for one that cannot be read. None if there are
            no images to draw.
        names: A name or path for each image, or None.

    Raises:
        ValueError: The values do not fit together.
    """

    labels: np.ndarray
    probabilities: np.ndarray
    class_names: Sequence[str]
    threshold: float | Sequence[float] | None = None
    image: Callable[[int], np.ndarray] | None = None
    names: Sequence[str | os.PathLike] | None = None

    def __post_init__(self):
        labels, p = np.asarray(self.labels), np.asarray(self.probabilities)
        check_probabilities(p, self.threshold)
        several = self.threshold is not None and p.size > len(p)
        if self.threshold is not None and not several:  # one score
            p = p.reshape(-1)
            p = np.stack([1 - p, p], axis=1)
            labels = labels.reshape(-1)
        check_labels(labels, p, several, self.class_names)
        if self.image is not None and not callable(self.image):
            refuse("image", "None or a function of the number of an image", self.image)
        if self.names is not None and len(self.names) != len(p):
            refuse("names", f"None or a name for each of the {len(p):,} images", len(self.names))
        object.__setattr__(self, "labels", labels.astype(bool if several else np.int64))
        object.__setattr__(self, "probabilities", p)
        object.__setattr__(self, "class_names", tuple(map(str, self.class_names)))

    @property
    def several(self) -> bool:
        """Whether an image may have several labels."""
        return self.labels.ndim == 2

    @property
    def one_score(self) -> bool:
        """Whether one class is told from all others by one score."""
        return self.threshold is not None and not self.several

    @functools.cached_property
    def guesses(self) -> np.ndarray:
        """The predicted classes, (n,), or with several labels an image whether it gets each, (n, classes)."""
        if self.threshold is None:
            return self.probabilities.argmax(axis=1)
        if self.several:
            return self.probabilities >= np.asarray(self.threshold)
        return (self.probabilities[:, 1] >= np.asarray(self.threshold)).astype(np.int64)

    @property
    def right(self) -> np.ndarray:
        """Whether all that the net says of each image is right, (n,)."""
        equal = self.guesses == self.labels
        return equal.all(axis=1) if self.several else equal

    @functools.cached_property
    def confusion(self) -> np.ndarray:
        """Numbers of images, (classes, classes): a row for each class, a column for each prediction.

        Not defined for several labels an image.
        """
        metrics = library("sklearn.metrics", "Reports", "recipes")
        return metrics.confusion_matrix(self.labels, self.guesses, labels=range(len(self.class_names)))

    @functools.cached_property
    def counts(self) -> dict[str, np.ndarray]:
        """Images of each class or label, (classes,): with the label, the prediction, and both."""
        if self.several:
            both = (self.labels & self.guesses).sum(axis=0)
            return {"true": self.labels.sum(axis=0), "guessed": self.guesses.sum(axis=0), "both": both}
        table = self.confusion
        return {"true": table.sum(axis=1), "guessed": table.sum(axis=0), "both": table.diagonal()}

    @functools.cached_property
    def report(self) -> dict[str, dict[str, float]]:
        """scikit-learn's `classification_report`, as a dict: by the number of each class, and averages."""
        metrics = library("sklearn.metrics", "Reports", "recipes")
        options = {"output_dict": True, "zero_division": 0}
        if not self.several:
            return metrics.classification_report(self.labels, self.guesses, **options)
        sparse = library("scipy.sparse", "Reports", "recipes")  # scikit-learn makes such matrices anyway
        labels, guesses = (sparse.csr_matrix(x, dtype=np.int8) for x in (self.labels, self.guesses))
        return metrics.classification_report(labels, guesses, **options)

    def averages(self) -> dict[str, dict[str, float]]:
        """The averages of precision, recall and F1 over the classes, by the kind of average, as JSON data."""
        return {
            name.removesuffix(" avg"): {score: rounded(row[at]) for score, at in SCORES.items()}
            for name, row in self.report.items()
            if name in AVERAGES
        }

    def per_class(self) -> list[dict[str, Any]]:
        """A row for each class or label, as JSON data: precision, recall, F1, and the images it is based on.

        Precision is None for a class that is never predicted, recall for one without test images, F1 for one
        with neither.
        """
        rows = []
        for number, name in enumerate(self.class_names):
            true, guessed, both = (int(count[number]) for count in self.counts.values())
            found = self.report.get(str(number), {})
            defined = {"precision": guessed, "recall": true, "f1": true or guessed}
            row = {
                "class": name,
                **{score: rounded(found[at]) if defined[score] else None for score, at in SCORES.items()},
                "support": true,
            }
            if self.several:
                row |= {"false_positives": guessed - both, "false_negatives": true - both}
            rows.append(row)
        return rows

    def pairs(self, count: int = PAIRS) -> list[Pair]:
        """The pairs of classes that are confused most often, the most frequent first."""
        wrong = self.confusion * ~np.eye(len(self.confusion), dtype=bool)
        order = np.argsort(-wrong, axis=None, kind="stable")[:count]
        places = zip(*np.unravel_index(order, wrong.shape), strict=True)
        found = ((int(true), int(guess), int(wrong[true, guess])) for true, guess in places)
        return [Pair(t, g, images, images / self.counts["true"][t]) for t, g, images in found if images]

    def results(self) -> dict[str, Any]:
        """The figures of the test, as JSON data for results.json."""
        n, errors = len(self.labels), int((~self.right).sum())
        found = {
            "all_labels_right" if self.several else "accuracy": rounded(1 - errors / n),
            "errors": errors,
            "error_interval": [rounded(x) for x in interval(errors, n)],
            "averages": self.averages(),
            "per_class": self.per_class(),
        }
        if not self.several:
            names = self.class_names
            found["confused"] = [
                {"class": names[p.true], "taken_for": names[p.guess], "images": p.images}
                for p in self.pairs()
            ]
        return found

    def surest(self, count: int) -> list[Pick]:
        """The images that the net is surest of and right about, about equally many of each class.

        Args:
            count: Largest number of images.

        Returns:
            A list of `Pick`, the highest probability first.
        """
        most = math.ceil(count / len(self.class_names))
        return self.chosen(self.labels & self.guesses if self.several else self.right, count, most)

    def worst(self, count: int, guess: int | None = None) -> list[Pick]:
        """The images that the net is most wrong about: those with the highest probability of a wrong class.

        With several labels an image, those of the wrong labels with the highest probability.

        Args:
            count: Largest number of images.
            guess: Number of the predicted class, or None for all.

        Returns:
            A list of `Pick`, the highest probability first.
        """
        wrong = self.guesses & ~self.labels if self.several else ~self.right
        if guess is not None:
            wrong = wrong & (self.guesses == guess)
        return self.chosen(wrong, count)

    def missed(self, count: int) -> list[Pick]:
        """Images with a label that the net does not give them, the lowest probability first.

        Only for several labels an image.
        """
        return self.chosen(self.labels & ~self.guesses, count, sign=-1)

    def chosen(self, among: np.ndarray, count: int, most: int | None = None, sign: int = 1) -> list[Pick]:
        """The images with the highest probability.

        Args:
            among: Whether to choose from each image, (n,), or for each of its labels, (n, classes).
            count: Largest number of images; no image is chosen twice.
            most: Largest number of a class, or None.
            sign: 1; or -1 for the images with the lowest probability.

        Returns:
            A list of `Pick`, in this order.
        """
        candidates = []
        for column in range(len(self.class_names)):
            images = np.flatnonzero(among[:, column] if self.several else among & (self.guesses == column))
            ranks = -sign * self.probabilities[images, column]
            # Fewer than `count` images are chosen already for other classes.
            first = np.argsort(ranks, kind="stable")[: 2 * count]
            candidates += [
                (rank, image, column) for rank, image in zip(ranks[first], images[first], strict=True)
            ]
        picks, used = {}, dict.fromkeys(range(len(self.class_names)), 0)
        for _, image, column in sorted(candidates):
            if len(picks) < count and image not in picks and (most is None or used[column] < most):
                picks[image] = Pick(int(image), column)
                used[column] += 1
        return list(picks.values())

    def words(self, values: np.ndarray, image: int, separator: str = ", ") -> str:
        """The names of the labels of an image, or of what is predicted for it.

        Args:
            values: `labels` or `guesses`.
            image: Number of the image.
            separator: What stands between several names.

        Returns:
            The names; with several labels an image, an empty text if there is none.
        """
        if not self.several:
            return self.class_names[values[image]]
        return separator.join(self.class_names[c] for c in np.flatnonzero(values[image]))

    def write_csv(self, path: str | os.PathLike) -> None:
        """Writes a row for each image: its name, its label, the prediction, and whether this is right.

        The row has the probability of the predicted class too, unless an image may have several labels, which
        are separated by semicolons.

        Args:
            path: Path of the .csv file.
        """
        score = () if self.several else ("probability",)
        with files.replacing(path) as part, open(part, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(("image", "label", "predicted", "right", *score))
            for i, right in enumerate(self.right.tolist()):
                texts = (self.words(values, i, ";") for values in (self.labels, self.guesses))
                row = [i if self.names is None else os.fspath(self.names[i]), *texts, int(right)]
                writer.writerow(
                    row if self.several else [*row, f"{self.probabilities[i, self.guesses[i]]:.6g}"]
                )


def interval(errors: int, images: int) -> tuple[float, float]:
    """Wilson's interval for the share of errors, of 95% confidence.

    Args:
        errors: Number of images with an error.
        images: Number of images, at least 1.

    Returns:
        The lowest and the highest share.
    """
    test = library("scipy.stats", "Reports", "recipes").binomtest(errors, images)
    low, high = test.proportion_ci(CONFIDENCE, method="wilson")
    return float(low), float(high)


def rounded(value: float | None) -> float | None:
    """A share with 6 decimals, or None."""
    return None if value is None else round(float(value), 6)


def check_probabilities(p: np.ndarray, threshold: Any) -> None:
    """Refuses what is not probabilities, and a threshold that does not fit them."""
    if p.ndim not in (1, 2) or not p.size or not np.issubdtype(p.dtype, np.floating):
        refuse("probabilities", "an array of numbers, (n, classes), or (n,) with one score", words_for(p))
    if not (np.isfinite(p).all() and p.min() >= 0 and p.max() <= 1 + TOLERANCE):
        refuse("probabilities", "an array of numbers from 0 to 1, not logits", words_for(p))
    if threshold is None:
        if p.ndim == 1 or p.shape[1] < 2:
            refuse("probabilities", "an array, (n, classes), unless there is a threshold", words_for(p))
        if np.abs(p.sum(axis=1, dtype=np.float64) - 1).max() > TOLERANCE:
            refuse(
                "probabilities", "an array with rows that sum to 1, unless there is a threshold", words_for(p)
            )
        return
    values, columns = np.ravel(threshold), p.size // len(p)
    if len(values) not in (1, columns) or not all(is_number(x) and 0 <= x <= 1 for x in values.tolist()):
        refuse("threshold", "None, a number from 0 to 1, or one for each label", threshold)


def check_labels(labels: np.ndarray, p: np.ndarray, several: bool, names: Sequence[str]) -> None:
    """Refuses labels and class names that do not fit the probabilities, which have two columns or more."""
    if isinstance(names, str) or len(names) != p.shape[1]:
        refuse("class_names", f"a name for each of {p.shape[1]} classes", names)
    shape = p.shape if several else (len(p),)
    if labels.shape != shape:
        refuse("labels", f"an array {shape}", words_for(labels))
    top = 1 if several else p.shape[1] - 1
    numbers = labels.dtype.kind in "biuf" and (labels == labels.astype(np.int64)).all()
    if not numbers or labels.min() < 0 or labels.max() > top:
        refuse("labels", f"an array of whole numbers from 0 to {top}", words_for(labels))


def words_for(array: np.ndarray) -> str:
    """An array in a few words, for an error."""
    bounds = f", {array.min():g} to {array.max():g}" if array.size and array.dtype.kind in "fiu" else ""
    return f"array {array.shape} of {array.dtype}{bounds}"
