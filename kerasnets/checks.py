"""Checks of arguments, and the error for those that are not allowed."""

import difflib
import math
import numbers
import os
from collections.abc import Iterable
from typing import Any, NoReturn

INTERPOLATIONS = ("bilinear", "bicubic")  # of images that are resized


def refuse(argument: str, allowed: str, received: Any) -> NoReturn:
    """Raises a ValueError for an argument that is not allowed.

    Args:
        argument: Name of the argument.
        allowed: Its allowed values, as the end of the sentence "`argument` is ...".
        received: Its value.

    Raises:
        ValueError: Always.
    """
    raise ValueError(f"`{argument}` is {allowed}. Received: {argument}={received!r}")


def changes(before: dict, now: dict) -> list[str]:
    """Says in words which settings differ, with both values of each.

    Args:
        before: Values by name; those of a dict in it count one by one.
        now: Values by name.

    Returns:
        A list of texts such as "epochs was 2 and is now 3"; None stands for a missing value.
    """
    found = []
    for name in {**before, **now}:
        old, new = before.get(name), now.get(name)
        if isinstance(old, dict) and isinstance(new, dict):
            found += [f"{name}: {change}" for change in changes(old, new)]
        elif old != new:
            found.append(f"{name} was {old!r} and is now {new!r}")
    return found


def nearest(word: Any, words: Iterable[str]) -> str:
    """The end of an error message about an unknown word: similar words to suggest, or an empty string."""
    lower = {w.lower(): w for w in words}
    close = difflib.get_close_matches(str(word).lower(), lower, n=3, cutoff=0.5)
    return f" Did you mean {' or '.join(repr(lower[c]) for c in close)}?" if close else ""


def is_int(value: Any, least: int) -> bool:
    """Whether `value` is a whole number of at least `least`, and not a bool."""
    return isinstance(value, numbers.Integral) and not isinstance(value, bool) and value >= least


def is_number(value: Any) -> bool:
    """Whether `value` is a finite real number, and not a bool."""
    if not isinstance(value, numbers.Real) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number that is too large for a float
        return False


def is_folder(value: Any) -> bool:
    """Whether `value` is a path at which there is a folder, or nothing yet."""
    return isinstance(value, (str, os.PathLike)) and (os.path.isdir(value) or not os.path.exists(value))


def is_activation(value: Any) -> bool:
    """Whether `value` is a function, or the name of an activation of Keras."""
    import keras  # here, so that reading the catalogue does not import it

    try:
        keras.activations.get(value)
    except (ValueError, TypeError):
        return False
    return value is not None


def is_ints(value: Any, least: int) -> bool:
    """Whether `value` is a sequence of whole numbers of at least `least`."""
    return isinstance(value, (tuple, list)) and all(is_int(v, least) for v in value)


def check_interpolation(interpolation: Any, antialias: Any) -> None:
    """Refuses an unknown interpolation of images, and a wrong value of `antialias`."""
    if interpolation not in INTERPOLATIONS:
        refuse("interpolation", " or ".join(map(repr, INTERPOLATIONS)), interpolation)
    if not isinstance(antialias, bool):
        refuse("antialias", "True or False", antialias)
