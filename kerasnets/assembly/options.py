"""The options of the families: what each may be, and the check that refuses the rest."""

from collections.abc import Callable
from typing import Any, NamedTuple

from kerasnets.checks import is_activation, is_int, is_ints, is_number, refuse


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


class Option(NamedTuple):
    """What an option may be.

    Attributes:
        test: Function of a value that says whether it is allowed.
        allowed: What is allowed, in the words of the error.
        hint: The same as a type hint, for editors.
    """

    test: Callable[[Any], bool]
    allowed: str
    hint: str


def whole(what):
    """An option that is a whole number of at least 1."""
    return Option(lambda v: is_int(v, 1), f"a whole number{what}, at least 1", "int")


def choice(*values):
    """An option that is one of these values, words or None."""
    said = ", ".join(map(repr, values))
    hint = f"Literal[{', '.join(repr(v) for v in values if v is not None)}]"
    return Option(
        lambda v: v in values,
        f"one of {said}" if len(values) > 2 else " or ".join(map(repr, values)),
        f"{hint} | None" if None in values else hint,
    )


# What the families' own options may be. A word means the same in every family, so it stands here once.
FLAG = Option(lambda v: isinstance(v, bool), "True or False", "bool")
DROPPED = Option(lambda v: is_number(v) and 0 <= v < 1, "a share in [0, 1)", "float")
KEPT = Option(lambda v: is_number(v) and 0 < v <= 1, "a share in (0, 1]", "float")
FACTOR = Option(lambda v: is_number(v) and v > 0, "a positive number", "float")
COUNTS = Option(
    lambda v: is_ints(v, 1) and len(v) > 0, "a tuple of whole numbers, each at least 1", "Sequence[int]"
)
UNITS = whole(" of units")
PIECES = whole(" of linear pieces")
ROWS = "Sequence[Sequence[Any]]"
OPTIONS = {
    "act": Option(
        is_activation,
        "the name of a Keras activation, or a function",
        "str | Callable[..., Any]",
    ),
    "alpha": FACTOR,
    "attention": choice("mixed", "channel", "spatial"),
    "aux_heads": FLAG,
    "batch_norm": FLAG,
    "bottleneck": FLAG,
    "bypass": choice(None, "simple", "complex"),
    "cardinality": whole(" of groups"),
    "columns": whole(" of columns"),
    "connections": Option(
        lambda v: v is None or (isinstance(v, (tuple, list)) and all(is_ints(r, 0) and r for r in v)),
        "None, or for each output map the tuple of input maps that it reads",
        "Sequence[Sequence[int]] | None",
    ),
    "copies": whole(" of maps"),
    "decoder": FLAG,
    "depth": whole(" of layers"),
    "depths": COUNTS,
    "downsampling": choice("pool", "stride", "conv_pool", "conv"),
    "drop_path": DROPPED,
    "dropout": DROPPED,
    "expansion": whole(""),
    "filters": COUNTS,
    "form": choice("double_fc", "pair_view", "inner_imaging"),
    "full_connection": FLAG,
    "gate_bias": Option(is_number, "a number", "float"),
    "global_drop_path": Option(lambda v: is_number(v) and 0 <= v <= 1, "a share in [0, 1]", "float"),
    "groups": whole(""),
    "growth": whole(" of maps"),
    "hidden": Option(lambda v: is_ints(v, 1), "a tuple of whole numbers, each at least 1", "Sequence[int]"),
    "hidden_pieces": PIECES,
    "input_dropout": DROPPED,
    "iterations": whole(""),
    "keep": KEPT,
    "kernels": Option(
        lambda v: is_rows_of_ints(v) and len(v) > 0,
        "a tuple of rows, each a tuple of whole numbers, at least 1",
        "Sequence[Sequence[int]]",
    ),
    "lrn": FLAG,
    "mask_units": UNITS,
    "max_norm": Option(
        lambda v: v is None or (is_number(v) and v > 0), "None or a positive number", "float | None"
    ),
    "memory_efficient": FLAG,
    "mixed": FLAG,
    "mlpconvs": Option(
        lambda v: isinstance(v, (tuple, list)) and len(v) > 0 and all(is_mlpconv(r) for r in v),
        "a tuple of rows (kernel, strides, filters, 'max', 'avg' or None, True or False)",
        ROWS,
    ),
    "modules": Option(
        is_rows, "a tuple of rows, each a name and then whole numbers, at least 0, or words", ROWS
    ),
    "pieces": PIECES,
    "pre_units": UNITS,
    "pyramid": FLAG,
    "reduction": whole(""),
    "released": FLAG,
    "rho": FACTOR,
    "separable": FLAG,
    "separable_stem": FLAG,
    "shortcut": choice(None, "project", "pad"),
    "squeeze_excite": Option(
        lambda v: v is None or is_int(v, 1), "None or a whole number, at least 1", "int | None"
    ),
    "stride_in": choice("1x1", "3x3"),
    "taper": KEPT,
    "trainable_pooling": FLAG,
    "trunk_units": UNITS,
    "units": UNITS,
    "version": Option(lambda v: is_int(v, 1) and v <= 2, "1 or 2", "Literal[1, 2]"),
    "widen": choice("conv", "project"),
    "width": whole(""),
}


def check_options(options):
    """Refuses the options of a family that its net cannot be built with.

    Args:
        options: Values by name.

    Raises:
        ValueError: A value is not allowed.
    """
    for name, value in options.items():
        if not OPTIONS[name].test(value):
            refuse(name, OPTIONS[name].allowed, value)
