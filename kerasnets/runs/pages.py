"""Self-contained HTML reports, from the templates beside this file."""

import base64
import pathlib
from typing import NamedTuple

from kerasnets.analysis.pictures import library

TEMPLATES = pathlib.Path(__file__).parent / "templates"


class Figure(NamedTuple):
    """A figure in a page.

    Attributes:
        heading: Heading above the figure.
        path: Path of its PNG file.
        caption: Text below the figure.
    """

    heading: str
    path: pathlib.Path
    caption: str


def page(title: str, parts: list[str | list[list] | Figure]) -> str:
    """Renders a page.

    Args:
        title: Title of the page.
        parts: Its parts in order. Strings are paragraphs; lists of rows are tables with a header row.

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
    environment.filters["data_url"] = data_url
    return environment.get_template("page.html").render(title=title, parts=parts)


def data_url(path: pathlib.Path) -> str:
    """A data URL with the content of a PNG file."""
    return f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()}"
