"""The folder of a site: its templates, and the links between its pages.

Every page is opened from disk as well as from a server, so all links are relative, and nothing is requested
from elsewhere.
"""

import pathlib
from collections.abc import Sequence
from typing import Any

import jinja2

from kerasnets import files

HERE = pathlib.Path(__file__).parent
ASSETS = HERE / "assets"
# The navigation: paths of pages and their names.
PAGES = (
    ("index.html", "All nets"),
    ("side_by_side.html", "Side by side"),
    ("docs/guide.html", "Guide"),
    ("docs/commands.html", "Commands"),
    ("docs/lectures.html", "Lectures"),
    ("api/kerasnets.html", "API"),
)


class Site:
    """A folder of pages.

    Attributes:
        root: The folder.
        nets: Names of the nets that have pages.
    """

    def __init__(self, root: pathlib.Path, nets: Sequence[str]) -> None:
        self.root, self.nets = root, tuple(nets)
        self.environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def write(self, path: str, template: str, **data: Any) -> None:
        """Writes a page.

        Args:
            path: Its path in the site, such as "nets/LeNet5.html".
            template: Name of its template, without ".html.jinja".
            **data: What the template needs.
        """
        found = self.environment.get_template(f"{template}.html.jinja")
        text = found.render(path=path, root=up(path), pages=PAGES, nets=self.nets, **data)
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        files.write_text(self.root / path, text)

    def net(self, name: str, path: str) -> str | None:
        """The link from a page to that of a net, or None if the net has none.

        Args:
            name: Name of the net.
            path: Path of the page that has the link.
        """
        return f"{up(path)}nets/{name}.html" if name in self.nets else None


def up(path: str) -> str:
    """What leads from a page to the folder of the site: "../" for each folder of its path."""
    return "../" * path.count("/")
