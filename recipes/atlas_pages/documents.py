"""Pages from the Markdown files of the project, and the page of the helps of its commands."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import io
import os
import pathlib
import posixpath
import re
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple
from unittest import mock

import shared
from atlas_pages import markup

if TYPE_CHECKING:
    from atlas_pages.site import Site

ROOT = pathlib.Path(__file__).parents[2]
RECIPES = ROOT / "recipes"
# Files with pages: the names of the pages, and how the pages of all documents name them.
DOCUMENTS = {
    "README.md": ("guide", "Guide"),
    "recipes/README.md": ("recipes", "Recipes and results"),
    "recipes/lectures.md": ("lectures", "Lectures"),
    "recipes/tables.md": ("tables", "Printed tables"),
    "kerasnets/applications/README.md": ("models", "Models"),
    "kerasnets/weights/README.md": ("weights", "Weights"),
    "kerasnets/distillation/README.md": ("distillation", "Distillation"),
    "kerasnets/serving/README.md": ("serving", "Serving"),
}
COMMANDS = ("commands", "Commands")
APPLICATIONS = "kerasnets/applications"
# Of the text of a help: its width, and no colors.
TERMINAL = {"COLUMNS": "100", "NO_COLOR": "1"}


class Help(NamedTuple):
    """The help of a command.

    Attributes:
        name: The command, without the folder of a recipe.
        id: Anchor of its heading.
        about: What it does.
        lines: Examples of its use.
        text: What `--help` prints.
        level: 2 for a recipe and for `kerasnets`, 3 for a subcommand.
    """

    name: str
    id: str
    about: str
    lines: str
    text: str
    level: int


def write(site: Site) -> None:
    """Writes the pages of the documents and of the commands.

    Args:
        site: The site. Names of nets lead to their pages if it has them.
    """
    for file in DOCUMENTS:
        write_document(site, file)
    write_commands(site, helps())


def write_document(site: Site, file: str) -> None:
    """Writes the page of a Markdown file.

    Args:
        site: The site.
        file: Path of the file in the checkout.
    """
    path = page_of(DOCUMENTS[file])
    text = (ROOT / file).read_text(encoding="utf-8")
    body, headings = markup.document(text, lambda href, words: link(site, file, href, words))
    write_page(site, path, body, headings)


def write_commands(site: Site, found: list[Help]) -> None:
    """Writes the page of the helps of commands."""

    def about(text):
        return markup.document(text, lambda href, words: None)[0]

    headings = [markup.Heading(1, COMMANDS[1], "commands")]
    headings += [markup.Heading(h.level, h.name, h.id) for h in found]
    template = site.environment.get_template("commands.html.jinja")
    body = template.render(helps=found, about=about, code=markup.code)
    write_page(site, page_of(COMMANDS), body, headings)


def write_page(site: Site, path: str, body: str, headings: list[markup.Heading]) -> None:
    """Writes a page of a document, with its contents and the list of all documents."""
    documents = [(page_of(page), page[1]) for page in (*DOCUMENTS.values(), COMMANDS)]
    contents = list(contents_of(headings))
    site.write(path, "document", title=headings[0].text, body=body, contents=contents, documents=documents)


def contents_of(headings: list[markup.Heading]) -> Iterator[markup.Heading]:
    """The headings of two levels, those of the lower one without the words of the one above."""
    above = ""
    for level, text, id_ in headings:
        if level == 2:
            above = text
        if level in (2, 3):
            short = re.sub(rf"^{re.escape(above)}:? ", "", text) if level == 3 else text
            yield markup.Heading(level, short, id_)


def page_of(page: tuple[str, str]) -> str:
    """The path of the page of a document in the site."""
    return f"docs/{page[0]}.html"


# Links


def link(site: Site, file: str, href: str, words: str) -> str | None:
    """The link of a page for a link of the Markdown file that it shows.

    Args:
        site: The site.
        file: Path of the file in the checkout.
        href: The link, relative to the file, or an address on the web.
        words: The text of the link. The name of a net leads to the page of the net.

    Returns:
        The link, or None if the site has nothing to show.
    """
    if "://" in href or href.startswith("#"):
        return href
    path, _, part = href.partition("#")
    path = posixpath.normpath(posixpath.join(posixpath.dirname(file), path))
    if path in DOCUMENTS:
        return f"{DOCUMENTS[path][0]}.html{'#' if part else ''}{part}"
    folder, name = posixpath.split(path.removesuffix(".py"))
    if folder == APPLICATIONS:
        return site.net(words, page_of(("", ""))) or f"../api/{path.removesuffix('.py')}.html"
    if folder == "recipes" and name in recipes():
        return f"{COMMANDS[0]}.html#{name}"
    return None


# Helps


def recipes() -> list[str]:
    """The names of the recipes that run as commands."""
    files = sorted(RECIPES.glob("*.py"))
    return [file.stem for file in files if "\nif __name__ ==" in file.read_text(encoding="utf-8")]


def helps() -> list[Help]:
    """The helps of the command `kerasnets`, of the recipes, and of their subcommands."""
    from kerasnets import cli

    found = [*helps_of(cli.parser(), "kerasnets", "kerasnets", cli.__doc__ or "")]
    for name in recipes():
        module = importlib.import_module(name)
        found += helps_of(parser_of(module), f"python recipes/{name}.py", name, module.__doc__ or "")
    return found


def helps_of(parser: shared.Parser, command: str, id_: str, doc: str) -> Iterator[Help]:
    """The help of a command, and those of its subcommands.

    Args:
        parser: Its parser.
        command: The command, as it is typed.
        id_: Anchor of its heading.
        doc: Docstring of its module: what it does, and then examples of its use, if any.
    """
    about, *rest = inspect.cleandoc(doc).split("\n\n")
    lines = examples(rest[0]) if rest and rest[0].startswith(" ") else [f"{command} --help"]
    name = posixpath.basename(command)
    yield Help(name, id_, " ".join(about.split()), "\n".join(lines), help_of(parser), 2)
    for word, found in subparsers(parser).items():
        own = [line for line in lines if line.startswith(f"{command} {word} ")]
        own = own or [f"{command} {word} --help"]
        yield Help(f"{name} {word}", f"{id_}-{word}", found.description, "\n".join(own), help_of(found), 3)


def examples(text: str) -> list[str]:
    """Lines of a docstring to copy: what is said of a command, after two spaces, becomes a comment."""
    lines = inspect.cleandoc(text).splitlines()
    return [re.sub(r"(\S {2,})(?=\S)", r"\1# ", line, count=1) for line in lines]


def subparsers(parser: shared.Parser) -> dict[str, shared.Parser]:
    """The parsers of the subcommands of a command."""
    return parser.commands.choices if parser.commands else {}


def help_of(parser: shared.Parser) -> str:
    """What `--help` prints."""
    with mock.patch.dict(os.environ, TERMINAL):
        return parser.format_help()


def parser_of(recipe: Any) -> shared.Parser:
    """The parser of a recipe, which is asked for its help and does nothing else."""
    found = []

    def print_help(parser, file=None):
        found.append(parser)

    argv = [f"{recipe.__name__}.py", "--help"]
    with (
        mock.patch.object(sys, "argv", argv),
        mock.patch.object(shared.Parser, "print_help", print_help),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.suppress(SystemExit),
    ):
        recipe.main()
    return found[0]
