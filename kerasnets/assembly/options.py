"""What the options of families may be, and the function that refuses everything else.

The options that several families share are in `OPTIONS`: a word means the same in each of them. The checks of
an option that a single family has stand beside it, in the argument `checks` of its decorator. A family's
`spec.checks` holds both, one `Check` for each of its options.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from kerasnets.checks import is_activation, is_int, is_ints, is_number, refuse


class Check(NamedTuple):
    """What an option may be.

    Attributes:
        test: Function that tells whether a value is allowed.
        allowed: The allowed values in words, as the end of "`option` is ...".
        hint: The option's type hint, as text.
    """

    test: Callable[[Any], bool]
    allowed: str
    hint: str


def one_of(*values: str | None) -> Check:
    """The check of an option that is one of a few words.

    Args:
        *values: The words; None if the option may be None.
    """
    words = ", ".join(repr(v) for v in values if v is not None)
    return Check(
        lambda v: v in values,
        f"one of {', '.join(map(repr, values))}" if len(values) > 2 else " or ".join(map(repr, values)),
        f"Literal[{words}] | None" if None in values else f"Literal[{words}]",
    )


def count(things: str = "") -> Check:
    """The check of an option that is a whole number, at least 1.

    Args:
        things: What is counted, for the message.
    """
    of_things = f" of {things}" if things else ""
    return Check(lambda v: is_int(v, 1), f"a whole number{of_things}, at least 1", "int")


def optional(check: Check) -> Check:
    """The check of an option that may also be None."""
    return Check(lambda v: v is None or check.test(v), f"None or {check.allowed}", f"{check.hint} | None")


def rows_of(test: Callable[[Sequence], bool], allowed: str, hint: str = "Sequence[Sequence[Any]]") -> Check:
    """The check of an option that is a table: a sequence of one or more rows, each a sequence too.

    Args:
        test: Function that tells whether a row is allowed.
        allowed: The allowed rows in words, as the end of "a tuple of rows, each ...".
        hint: The option's type hint.
    """

    def is_row(row):
        return isinstance(row, (tuple, list)) and len(row) > 0 and test(row)

    return Check(
        lambda v: isinstance(v, (tuple, list)) and len(v) > 0 and all(map(is_row, v)),
        f"a tuple of rows, each {allowed}",
        hint,
    )


def is_named(row: Sequence, counts: Sequence[int]) -> bool:
    """Whether a row is a name, followed by one of these counts of whole numbers of at least 1."""
    name, *numbers = row
    return isinstance(name, str) and len(numbers) in counts and is_ints(numbers, 1)


FLAG = Check(lambda v: isinstance(v, bool), "True or False", "bool")
FACTOR = Check(lambda v: is_number(v) and v > 0, "a positive number", "float")
RATE = Check(lambda v: is_number(v) and 0 <= v < 1, "a fraction in [0, 1)", "float")
KEPT = Check(lambda v: is_number(v) and 0 < v <= 1, "a fraction in (0, 1]", "float")
COUNTS = Check(
    lambda v: is_ints(v, 1) and len(v) > 0, "a tuple of whole numbers, each at least 1", "Sequence[int]"
)

OPTIONS = {
    "act": Check(is_activation, "the name of a Keras activation, or a function", "str | Callable[..., Any]"),
    "alpha": FACTOR,
    "aux_heads": FLAG,
    "batch_norm": FLAG,
    "bottleneck": FLAG,
    "cardinality": count("groups"),
    "decoder": FLAG,
    "depth": count("layers"),
    "depths": COUNTS,
    "dropout": RATE,
    "filters": COUNTS,
    "hidden": Check(
        lambda v: is_ints(v, 1), "a tuple of whole numbers, each at least 1, or ()", "Sequence[int]"
    ),
    "input_dropout": RATE,
    "kernels": rows_of(
        lambda row: is_ints(row, 1), "a tuple of whole numbers, at least 1", "Sequence[Sequence[int]]"
    ),
    "pool_padding": one_of("end", "both"),
    "pyramid": FLAG,
    "reduction": count(),
    "rho": FACTOR,
    "squeeze_excite": optional(count()),
    "width": count(),
}


def check_options(options: Mapping[str, Any], checks: Mapping[str, Check] = OPTIONS) -> None:
    """Refuses the options with which a network cannot be built.

    Args:
        options: Values by name.
        checks: The check of each name, such as a family's `spec.checks`.

    Raises:
        ValueError: A value is not allowed.
    """
    for name, value in options.items():
        if not checks[name].test(value):
            refuse(name, checks[name].allowed, value)


def pick(function: Callable, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that a function takes."""
    parameters = inspect.signature(function).parameters
    return {name: value for name, value in options.items() if name in parameters}
