"""Self-contained HTML pages about runs; the templates are the files in recipes/templates."""

import base64
import pathlib
from typing import NamedTuple

import jinja2

TEMPLATES = pathlib.Path(__file__).parent / "templates"


class Figure(NamedTuple):
    """A PNG file in a page.

    Attributes:
        heading: The heading above it.
        path: Its path.
        caption: The text below it.
    """

    heading: str
    path: pathlib.Path
    caption: str


def page(title: str, parts: list[str | list[list] | Figure]) -> str:
    """Makes a page.

    Args:
        title: Its title.
        parts: In order: a string is a paragraph, a list of rows a table with its header first, and a `Figure`
            a figure.

    Returns:
        HTML.
    """
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
    """A PNG file as a URL that holds its content."""
    return f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()}"
