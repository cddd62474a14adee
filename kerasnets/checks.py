"""Checks of arguments, and the words in which they refuse one."""

import difflib
import math
import numbers


def refuse(argument, allowed, received):
    """Raises the ValueError that every refused argument gets.

    Args:
        argument: Name of the argument.
        allowed: What it may be, as the end of "`argument` is ...".
        received: What came.

    Raises:
        ValueError: Always.
    """
    raise ValueError(f"`{argument}` is {allowed}. Received: {argument}={received!r}")


def nearest(word, words):
    """The end of a message about an unknown word: those that look like it, or nothing."""
    lower = {w.lower(): w for w in words}
    close = difflib.get_close_matches(str(word).lower(), lower, n=3, cutoff=0.5)
    return f" Did you mean {' or '.join(repr(lower[c]) for c in close)}?" if close else ""


def is_int(value, least):
    """Whether `value` is a whole number, not a bool, of at least `least`."""
    return isinstance(value, numbers.Integral) and not isinstance(value, bool) and value >= least


def is_number(value):
    """Whether `value` is a finite real number and not a bool."""
    return isinstance(value, numbers.Real) and not isinstance(value, bool) and math.isfinite(value)


def is_activation(value):
    """Whether `value` is a function, or the name of an activation of Keras."""
    import keras  # not needed to read the catalogue, which is quick without it

    try:
        keras.activations.get(value)
    except (ValueError, TypeError):
        return False
    return value is not None


def is_ints(value, least):
    """Whether `value` is a sequence of whole numbers of at least `least`."""
    return isinstance(value, (tuple, list)) and all(is_int(v, least) for v in value)
