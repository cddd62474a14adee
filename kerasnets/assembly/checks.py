"""Checks of arguments, and the words in which they refuse one."""

import difflib
import math
import numbers

import keras


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
    try:
        keras.activations.get(value)
    except (ValueError, TypeError):
        return False
    return value is not None


def is_ints(value, least):
    """Whether `value` is a sequence of whole numbers of at least `least`."""
    return isinstance(value, (tuple, list)) and all(is_int(v, least) for v in value)


def is_rows_of_ints(value):
    """Whether `value` is a sequence of rows, each of one or more whole numbers of at least 1."""
    return isinstance(value, (tuple, list)) and all(is_ints(row, 1) and len(row) > 0 for row in value)


def is_mlpconv(row):
    """Whether `row` is kernel, strides, maps of each convolution, pooling, and whether dropout follows."""
    if not isinstance(row, (tuple, list)) or len(row) != 5:
        return False
    kernel, strides, filters, pooling, dropped = row
    return (
        is_ints((kernel, strides), 1)
        and is_rows_of_ints((filters,))
        and pooling in (None, "max", "avg")
        and isinstance(dropped, bool)
    )


def is_rows(value):
    """Whether `value` is a sequence of rows, each a name and then whole numbers or words."""
    return isinstance(value, (tuple, list)) and all(
        isinstance(row, (tuple, list))
        and all(isinstance(v, str) or (i and is_int(v, 0)) for i, v in enumerate(row))
        for row in value
    )


# What the families' own options may be. A word means the same in every family, so it stands here once:
# name: (test, what is allowed).
FLAG = (lambda v: isinstance(v, bool), "True or False")
DROPPED = (lambda v: is_number(v) and 0 <= v < 1, "a share in [0, 1)")
FACTOR = (lambda v: is_number(v) and v > 0, "a positive number")
COUNTS = (lambda v: is_ints(v, 1) and len(v) > 0, "a tuple of whole numbers, each at least 1")
OPTIONS = {
    "act": (is_activation, "the name of a Keras activation, or a function"),
    "alpha": FACTOR,
    "aux_heads": FLAG,
    "batch_norm": FLAG,
    "bottleneck": FLAG,
    "connections": (
        lambda v: v is None or (isinstance(v, (tuple, list)) and all(is_ints(r, 0) and r for r in v)),
        "None, or for each output map the tuple of input maps that it reads",
    ),
    "copies": (lambda v: is_int(v, 1), "a whole number of maps, at least 1"),
    "depth": (lambda v: is_int(v, 1), "a whole number of layers, at least 1"),
    "depths": COUNTS,
    "dropout": DROPPED,
    "filters": COUNTS,
    "full_connection": FLAG,
    "groups": (lambda v: is_int(v, 1), "a whole number, at least 1"),
    "growth": (lambda v: is_int(v, 1), "a whole number of maps, at least 1"),
    "hidden": (lambda v: is_ints(v, 1), "a tuple of whole numbers, each at least 1"),
    "input_dropout": DROPPED,
    "keep": (lambda v: is_number(v) and 0 < v <= 1, "a share in (0, 1]"),
    "kernels": (
        lambda v: is_rows_of_ints(v) and len(v) > 0,
        "a tuple of rows, each a tuple of whole numbers, at least 1",
    ),
    "lrn": FLAG,
    "max_norm": (lambda v: v is None or (is_number(v) and v > 0), "None or a positive number"),
    "mlpconvs": (
        lambda v: isinstance(v, (tuple, list)) and len(v) > 0 and all(is_mlpconv(r) for r in v),
        "a tuple of rows (kernel, strides, filters, 'max', 'avg' or None, True or False)",
    ),
    "modules": (is_rows, "a tuple of rows, each a name and then whole numbers, at least 0, or words"),
    "rho": FACTOR,
    "separable": FLAG,
    "separable_stem": FLAG,
    "trainable_pooling": FLAG,
    "version": (lambda v: is_int(v, 1) and v <= 2, "1 or 2"),
}


def check_options(options):
    """Refuses the options of a family that its net cannot be built with.

    Args:
        options: Values by name.

    Raises:
        ValueError: A value is not allowed.
    """
    for name, value in options.items():
        test, allowed = OPTIONS[name]
        if not test(value):
            refuse(name, allowed, value)
