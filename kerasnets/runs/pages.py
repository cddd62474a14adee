"""Self-contained HTML pages for desks and phones, from the templates beside this file.

A page is a list of parts. Whatever is wider than a phone scrolls in its own box. Names are text of the page
and not of pictures, so that they are readable in every script. Nothing is loaded from elsewhere.
"""

import base64
import pathlib
from collections.abc import Sequence
from typing import Any, NamedTuple

from kerasnets.analysis.pictures import library

TEMPLATES = pathlib.Path(__file__).parent / "templates"


class Heading(NamedTuple):
    """A heading of a section.

    Attributes:
        text: The heading.
    """

    text: str
    kind = "heading"


class Figure(NamedTuple):
    """A figure in a page.

    Attributes:
        heading: Heading above the figure.
        path: Path of its PNG file.
        caption: Text below the figure.
        wide: Whether it keeps its size on a phone, in a box that scrolls.
    """

    heading: str
    path: pathlib.Path
    caption: str
    wide: bool = False
    kind = "figure"


class Drawing(NamedTuple):
    """A picture in a page.

    Attributes:
        url: Its data URL.
        alt: What it shows, in words.
    """

    url: str
    alt: str


class Drawings(NamedTuple):
    """Pictures side by side, or on a phone one below the other.

    Attributes:
        drawings: A list of `Drawing`.
    """

    drawings: Sequence[Drawing]
    kind = "drawings"


class Cell(NamedTuple):
    """A cell of a table that is more than a number.

    Attributes:
        text: Its text.
        share: Length of a bar below the text, 0 to 1, or None for a text that is aligned left.
    """

    text: str
    share: float | None = None


class Tile(NamedTuple):
    """An image on a contact sheet.

    Attributes:
        url: Data URL of the image, or None if there is none.
        lines: Lines below it, each of three texts, of which the second is a name. The first line is bold.
        file: Name of its file, or an empty text.
        wrong: Whether the first line is wrong.
        coarse: Whether the image has few pixels, which are then shown as squares.
    """

    url: str | None
    lines: Sequence[tuple[str, str, str]]
    file: str = ""
    wrong: bool = False
    coarse: bool = False

    @property
    def alt(self) -> str:
        """What is said of the image, in words."""
        return ", ".join(filter(None, [self.file, *map("".join, self.lines)]))


class Sheet(NamedTuple):
    """A contact sheet: small images with text.

    Attributes:
        tiles: A list of `Tile`.
    """

    tiles: Sequence[Tile]
    kind = "sheet"


class Square(NamedTuple):
    """A cell of a matrix.

    Attributes:
        text: Its text.
        color: Its color.
        ink: The color of its text.
        words: What it says, in words.
    """

    text: str
    color: str
    ink: str
    words: str


class Matrix(NamedTuple):
    """A square matrix with the same names for its rows and columns.

    Attributes:
        names: The names.
        rows: Rows of `Square`.
    """

    names: Sequence[str]
    rows: Sequence[Sequence[Square]]
    kind = "matrix"


class Commands(NamedTuple):
    """Commands to copy.

    Attributes:
        commands: Pairs: what a command does, and the command.
    """

    commands: Sequence[tuple[str, str]]
    kind = "commands"


class Fold(NamedTuple):
    """Parts that are shown when the reader opens them.

    Attributes:
        summary: The text that is always shown.
        parts: The parts.
    """

    summary: str
    parts: Sequence[Any]
    kind = "fold"


def page(title: str, parts: Sequence[Any]) -> str:
    """Renders a page.

    Args:
        title: Title of the page.
        parts: Its parts in order. Strings are paragraphs; lists of rows are tables with a header row, whose
            cells are texts, numbers or `Cell`. The other parts are those of this module.

    Returns:
        The text of the HTML page.

    Raises:
        ModuleNotFoundError: Jinja2 is not installed.
    """
    jinja2 = library("jinja2", "Pages", "recipes")
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["data_url"] = lambda path: data_url(path.read_bytes(), "png")
    return environment.get_template("page.html").render(title=title, parts=parts)


def data_url(content: bytes, form: str) -> str:
    """A data URL with the content of a picture.

    Args:
        content: The content of its file.
        form: "png", "jpeg" or "svg+xml".

    Returns:
        The URL.
    """
    return f"data:image/{form};base64,{base64.b64encode(content).decode()}"
