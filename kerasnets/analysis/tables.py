"""Tables as text, for terminals and pipes."""

import io
import re

import rich.box
import rich.console
import rich.table

WIDTH = 110  # in columns


def text_table(header, rows, left=None):
    """A table as text.

    Args:
        header: Titles of the columns.
        rows: Cells of each row.
        left: How many columns are flush left; None for all but those of numbers.

    Returns:
        Lines of at most `WIDTH` columns, without spaces at their ends.
    """
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
