"""The options of the families: what each may be, and the check that refuses the rest."""

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


# What the families' own options may be. A word means the same in every family, so it stands here once:
# name: (test, what is allowed).
FLAG = (lambda v: isinstance(v, bool), "True or False")
DROPPED = (lambda v: is_number(v) and 0 <= v < 1, "a share in [0, 1)")
FACTOR = (lambda v: is_number(v) and v > 0, "a positive number")
COUNTS = (lambda v: is_ints(v, 1) and len(v) > 0, "a tuple of whole numbers, each at least 1")
UNITS = (lambda v: is_int(v, 1), "a whole number of units, at least 1")
PIECES = (lambda v: is_int(v, 1), "a whole number of linear pieces, at least 1")
OPTIONS = {
    "act": (is_activation, "the name of a Keras activation, or a function"),
    "alpha": FACTOR,
    "attention": (lambda v: v in ("mixed", "channel", "spatial"), "one of 'mixed', 'channel', 'spatial'"),
    "aux_heads": FLAG,
    "batch_norm": FLAG,
    "bottleneck": FLAG,
    "bypass": (lambda v: v in (None, "simple", "complex"), "one of None, 'simple', 'complex'"),
    "cardinality": (lambda v: is_int(v, 1), "a whole number of groups, at least 1"),
    "columns": (lambda v: is_int(v, 1), "a whole number of columns, at least 1"),
    "connections": (
        lambda v: v is None or (isinstance(v, (tuple, list)) and all(is_ints(r, 0) and r for r in v)),
        "None, or for each output map the tuple of input maps that it reads",
    ),
    "copies": (lambda v: is_int(v, 1), "a whole number of maps, at least 1"),
    "decoder": FLAG,
    "depth": (lambda v: is_int(v, 1), "a whole number of layers, at least 1"),
    "depths": COUNTS,
    "downsampling": (
        lambda v: v in ("pool", "stride", "conv_pool", "conv"),
        "one of 'pool', 'stride', 'conv_pool', 'conv'",
    ),
    "drop_path": DROPPED,
    "dropout": DROPPED,
    "expansion": (lambda v: is_int(v, 1), "a whole number, at least 1"),
    "filters": COUNTS,
    "form": (
        lambda v: v in ("double_fc", "pair_view", "inner_imaging"),
        "one of 'double_fc', 'pair_view', 'inner_imaging'",
    ),
    "full_connection": FLAG,
    "gate_bias": (is_number, "a number"),
    "global_drop_path": (lambda v: is_number(v) and 0 <= v <= 1, "a share in [0, 1]"),
    "groups": (lambda v: is_int(v, 1), "a whole number, at least 1"),
    "growth": (lambda v: is_int(v, 1), "a whole number of maps, at least 1"),
    "hidden": (lambda v: is_ints(v, 1), "a tuple of whole numbers, each at least 1"),
    "hidden_pieces": PIECES,
    "input_dropout": DROPPED,
    "iterations": (lambda v: is_int(v, 1), "a whole number, at least 1"),
    "keep": (lambda v: is_number(v) and 0 < v <= 1, "a share in (0, 1]"),
    "kernels": (
        lambda v: is_rows_of_ints(v) and len(v) > 0,
        "a tuple of rows, each a tuple of whole numbers, at least 1",
    ),
    "lrn": FLAG,
    "mask_units": UNITS,
    "max_norm": (lambda v: v is None or (is_number(v) and v > 0), "None or a positive number"),
    "memory_efficient": FLAG,
    "mixed": FLAG,
    "mlpconvs": (
        lambda v: isinstance(v, (tuple, list)) and len(v) > 0 and all(is_mlpconv(r) for r in v),
        "a tuple of rows (kernel, strides, filters, 'max', 'avg' or None, True or False)",
    ),
    "modules": (is_rows, "a tuple of rows, each a name and then whole numbers, at least 0, or words"),
    "pieces": PIECES,
    "pre_units": UNITS,
    "pyramid": FLAG,
    "reduction": (lambda v: is_int(v, 1), "a whole number, at least 1"),
    "released": FLAG,
    "rho": FACTOR,
    "separable": FLAG,
    "separable_stem": FLAG,
    "shortcut": (lambda v: v in (None, "project", "pad"), "one of None, 'project', 'pad'"),
    "squeeze_excite": (lambda v: v is None or is_int(v, 1), "None or a whole number, at least 1"),
    "stride_in": (lambda v: v in ("1x1", "3x3"), "'1x1' or '3x3'"),
    "taper": (lambda v: is_number(v) and 0 < v <= 1, "a share in (0, 1]"),
    "trainable_pooling": FLAG,
    "trunk_units": UNITS,
    "units": UNITS,
    "version": (lambda v: is_int(v, 1) and v <= 2, "1 or 2"),
    "widen": (lambda v: v in ("conv", "project"), "'conv' or 'project'"),
    "width": (lambda v: is_int(v, 1), "a whole number, at least 1"),
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
