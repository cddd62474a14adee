"""Records of logits: what is stored of an example's logits, all of them or the largest.

Stored logits are those of the teacher, before any temperature, so that students may choose theirs.

A record of the k largest logits has their classes, their values, and the log-sum-exp of all other logits.
When it is read, this is spread evenly over the other classes. At temperature 1, each of the k classes and all
others together then have the teacher's probabilities. At higher temperatures the other classes matter more,
and so does the error of spreading them evenly. (Z. Shen, E. Xing, "A Fast Knowledge Distillation Framework
for Visual Recognition", ECCV 2022, arXiv:2112.01528, store probabilities instead, which fix the temperature
at 1.)
"""

import dataclasses
import functools

import numpy as np

from kerasnets.checks import is_int, refuse

DTYPES = {"float16": "<f2", "float32": "<f4"}
TOLERANCE = 1e-3  # allowed difference, relative to the largest logit; float16 rounds by at most half of it


@dataclasses.dataclass(frozen=True)
class Form:
    """How the logits of an example are stored, in a record of fixed size.

    Args:
        classes: Number of logits.
        dtype: Type of the stored logits, "float16" or "float32". Float16 keeps 11 bits: a logit of 20 is
            rounded by at most 0.008.
        top: Number of the largest logits to store; None for all.

    Raises:
        ValueError: An argument is not allowed.
    """

    classes: int
    dtype: str = "float16"
    top: int | None = None

    def __post_init__(self) -> None:
        check_form(self.dtype, self.top)
        if self.top is not None and self.top >= self.classes:
            refuse("top", f"None or below {self.classes}, the number of classes", self.top)

    @functools.cached_property
    def record(self) -> np.dtype:
        """The type of a record, little-endian."""
        value = DTYPES[self.dtype]
        if self.top is None:
            return np.dtype((value, (self.classes,)))
        number = "<u2" if self.classes <= 2**16 else "<u4"
        return np.dtype([("classes", number, self.top), ("logits", value, self.top), ("rest", "<f4")])

    def encode(self, logits: np.ndarray) -> np.ndarray:
        """Makes records of logits.

        Args:
            logits: Logits, float32, (batch, classes).

        Returns:
            Records: with `top`, (batch,), the largest logit first; else the logits, (batch, classes).

        Raises:
            ValueError: A logit is not finite, or too large for float16.
        """
        logits = np.asarray(logits, "float32")
        if logits.ndim != 2 or logits.shape[1] != self.classes:
            refuse("logits", f"(batch, {self.classes})", logits.shape)
        largest = np.abs(logits).max(initial=0.0)
        if not np.isfinite(largest):
            refuse("teacher", "a net that gives finite logits for these images", "NaN or infinite logits")
        if self.dtype == "float16" and largest > np.finfo("float16").max:
            refuse("dtype", f"'float32' for logits as large as {largest:g}", self.dtype)
        if self.top is None:
            return logits.astype(DTYPES[self.dtype])
        chosen = np.argpartition(-logits, self.top - 1, axis=1)[:, : self.top]
        chosen.sort(axis=1)  # of equal logits, that of the first class is the first
        values = np.take_along_axis(logits, chosen, 1)
        order = np.argsort(-values, axis=1, kind="stable")
        records = np.empty(len(logits), self.record)
        records["classes"] = np.take_along_axis(chosen, order, 1)
        records["logits"] = np.take_along_axis(values, order, 1)
        records["rest"] = self.rest(logits, chosen)
        return records

    def rest(self, logits: np.ndarray, chosen: np.ndarray) -> np.ndarray:
        """The log-sum-exp of all logits but the chosen ones, (batch,)."""
        others = logits.copy()
        np.put_along_axis(others, chosen, -np.inf, 1)
        largest = others.max(axis=1)
        return largest + np.log(np.exp(others - largest[:, None]).sum(axis=1, dtype="float64"))

    def decode(self, records: np.ndarray) -> np.ndarray:
        """The logits of records, float32, (batch, classes)."""
        if self.top is None:
            return records.astype("float32")
        even = records["rest"] - np.float32(np.log(self.classes - self.top))
        logits = np.repeat(even[:, None], self.classes, axis=1)
        np.put_along_axis(logits, records["classes"].astype("int64"), records["logits"].astype("float32"), 1)
        return logits

    def difference(self, records: np.ndarray, logits: np.ndarray) -> tuple[float, float, float]:
        """Compares records with newly computed logits.

        Args:
            records: Records, as `encode` makes them.
            logits: Logits of the same examples, float32, (batch, classes).

        Returns:
            The largest difference of the values in the records, how large it may be by rounding, and the
            share of the examples whose largest logit is that of another class.
        """
        known = self.decode(records)
        if self.top is None:
            differences = np.abs(known - logits)
        else:
            chosen = records["classes"].astype("int64")
            pairs = np.take_along_axis(known, chosen, 1), np.take_along_axis(logits, chosen, 1)
            differences = np.abs(np.subtract(*pairs)).max(axis=1)
            differences = np.maximum(differences, np.abs(records["rest"] - self.rest(logits, chosen)))
        allowed = TOLERANCE * max(1.0, float(np.abs(logits).max()))
        changed = float(np.mean(known.argmax(axis=1) != logits.argmax(axis=1)))
        largest = float(differences.max())
        return largest if np.isfinite(largest) else np.inf, allowed, changed


def check_form(dtype: str, top: int | None) -> None:
    """Refuses a type or a number of largest logits that is not allowed for any number of classes."""
    if not isinstance(dtype, str) or dtype not in DTYPES:
        refuse("dtype", f"one of {', '.join(map(repr, DTYPES))}", dtype)
    if top is not None and not is_int(top, 1):
        refuse("top", "None or a whole number, at least 1", top)
