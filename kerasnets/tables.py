"""Tables and figures as text, for terminals and pipes."""

import io
import re
from collections.abc import Sequence
from typing import Any

WIDTH = 110  # characters
FEW = 5  # names that are written out


def text_table(header: Sequence[str], rows: Sequence[Sequence[Any]], left: int | None = None) -> str:
    """Formats a table as text.

    Args:
        header: Titles of the columns.
        rows: Cells of each row.
        left: Number of columns that are aligned left; None for all columns that do not hold numbers.

    Returns:
        Lines of at most `WIDTH` characters, without trailing spaces.
    """
    import rich.box
    import rich.console
    import rich.table

    sheet = rich.table.Table(box=rich.box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for i, title in enumerate(header):
        numbers = all(re.fullmatch(r"[\d,.]*", str(row[i])) for row in rows)
        right = numbers if left is None else i >= left
        sheet.add_column(title, justify="right" if right else "left", overflow="fold")
    for row in rows:
        sheet.add_row(*(str(cell) for cell in row))
    text = io.StringIO()
    rich.console.Console(file=text, width=WIDTH, markup=False).print(sheet)
    return "\n".join(line.rstrip() for line in text.getvalue().rstrip().splitlines())


def first_of(names: Sequence[Any]) -> str:
    """The first names as text, and how many more there are: a, b, c, d, e and 3 more."""
    more = f" and {len(names) - FEW} more" if len(names) > FEW else ""
    return ", ".join(map(str, names[:FEW])) + more


def listed(words: Sequence[str]) -> str:
    """Words as an enumeration: a, b and c."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def shape_text(shape: Sequence) -> str:
    """A shape as text, as papers write it: 224x224x3."""
    if any(isinstance(s, (tuple, list)) for s in shape):
        return ", ".join(shape_text(s) for s in shape)
    return "x".join("?" if s is None else str(s) for s in shape) or "scalar"


def axes_text(numbers: Sequence[float] | None) -> str:
    """Numbers for each axis as text, or one number if they are all equal: 1x7, 3."""
    if numbers is None:
        return "unknown"
    if len(set(numbers)) == 1:
        numbers = numbers[:1]
    return "x".join(f"{n:g}" for n in numbers) or "-"


def bytes_text(size: float | None) -> str:
    """A number of bytes as text, in the largest unit in which it is at least 1: 12.2 MiB."""
    if size is None:
        return "unknown"
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024 or unit == "GiB":
            break
        size /= 1024
    return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"


def count_text(number: float) -> str:
    """A count as text, with three digits and a unit: 25.6M."""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= 0.9995 * size:
            return f"{number / size:.3g}{unit}" if number < 999.5 * size else f"{number / size:.0f}{unit}"
    return str(number)
