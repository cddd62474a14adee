"""Markdown and code as HTML, in the classes of the style sheets."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import markdown_it
import markdown_it.renderer
import pygments
from markdown_it.token import Token
from pygments import formatters, lexers

from lectures import anchor

LANGUAGES = {"sh": "bash"}  # names of languages that are aliases of pygments' lexers
# Tokens that code.css does not color: names, punctuation, operators, blanks.
PLAIN = re.compile(r'<span class="(?:n|nb|nn|nt|bp|p|o|w|gp|go|l|err)">([^<]*)</span>')
WIDE = 4  # columns of a table that keeps a legible width on a phone, in its box


class Heading(NamedTuple):
    """A heading of a page.

    Attributes:
        level: 1 to 6.
        text: Its text.
        id: Its anchor.
    """

    level: int
    text: str
    id: str


def document(text: str, link: Callable[[str, str], str | None]) -> tuple[str, list[Heading]]:
    """Renders Markdown. Its tables and its code scroll in boxes of their own, which the keyboard reaches.

    Args:
        text: The Markdown. Of HTML, it may have <br> only; all else is shown as text.
        link: Function of a link and its text that returns the link for the page, or None if only the text is
            to be shown.

    Returns:
        The HTML, and the headings in order.
    """
    markdown = markdown_it.MarkdownIt("commonmark", renderer_cls=Renderer).enable("table")
    tokens = markdown.parse(text)
    headings = list(number_headings(tokens))
    label_tables(tokens)
    for token in tokens:
        if token.children:
            token.children = list(linked(token.children, link))
    return markdown.renderer.render(tokens, markdown.options, {}), headings


def inline(text: str) -> str:
    """Renders sentences with code; all other marks stay as they are, such as powers."""
    return markdown_it.MarkdownIt("zero", renderer_cls=Renderer).enable("backticks").renderInline(text)


def number_headings(tokens: Sequence[Token]) -> Iterator[Heading]:
    """Gives headings their anchors."""
    used: dict[str, int] = {}
    for token, inline in zip(tokens, tokens[1:], strict=False):
        if token.type == "heading_open":
            text = plain(inline)
            base = anchor(text)
            count = used[base] = used.get(base, -1) + 1
            token.attrs["id"] = f"{base}-{count}" if count else base
            yield Heading(int(token.tag[1]), text, token.attrs["id"])


def plain(inline: Token) -> str:
    """The text of an inline token, without its marks."""
    return "".join(child.content for child in inline.children or ())


def label_tables(tokens: Sequence[Token]) -> None:
    """Names tables by the headings above them, and tells how many columns they have."""
    heading, count, table = "", 0, None
    for token, following in zip(tokens, [*tokens[1:], None], strict=True):
        if token.type == "heading_open" and following:
            heading, count = plain(following), 0
        elif token.type == "table_open":
            count += 1
            table = token
            token.meta.update(label=f"{heading}, table {count}", columns=0)
        elif token.type == "th_open" and table:
            table.meta["columns"] += 1
        if token.type in ("th_open", "td_open") and token.attrs.pop("style", "") == "text-align:right":
            token.attrs["class"] = "number"


def linked(children: Sequence[Token], link: Callable[[str, str], str | None]) -> Iterator[Token]:
    """Leads the links of a text to pages. Those that lead nowhere leave their text."""
    keeps = True
    for i, token in enumerate(children):
        if token.type == "link_open":
            end = next(j for j in range(i, len(children)) if children[j].type == "link_close")
            words = "".join(child.content for child in children[i:end])
            href = link(str(token.attrs["href"]), words)
            keeps = href is not None
            if keeps:
                token.attrs["href"] = href
        if keeps or token.type not in ("link_open", "link_close"):
            yield token


def code(text: str, language: str = "") -> str:
    """A block of code in a box that scrolls.

    Args:
        text: The code.
        language: Name of its language, as in Markdown; text without one is not colored.
    """
    if language:
        lexer = lexers.get_lexer_by_name(LANGUAGES.get(language, language))
        text = PLAIN.sub(r"\1", pygments.highlight(text, lexer, formatters.HtmlFormatter(nowrap=True)))
    else:
        text = html.escape(text, quote=False)
    return f'<pre class="code" tabindex="0"><code>{text.rstrip()}</code></pre>\n'


class Renderer(markdown_it.renderer.RendererHTML):
    """HTML whose tables and code scroll, and which has no HTML of the Markdown but line breaks."""

    def fence(self, tokens, at, options, env) -> str:
        """A block of code."""
        return code(tokens[at].content, tokens[at].info.strip())

    code_block = fence

    def table_open(self, tokens, at, options, env) -> str:
        """The begin of a table, and of its box."""
        label, columns = (tokens[at].meta[key] for key in ("label", "columns"))
        kind = "scroll wide" if columns > WIDE else "scroll"
        return f'<div class="{kind}" role="region" tabindex="0" aria-label="{html.escape(label)}">\n<table>\n'

    def table_close(self, tokens, at, options, env) -> str:
        """The end of a table, and of its box."""
        return "</table>\n</div>\n"

    def code_inline(self, tokens, at, options, env) -> str:
        """Code in a line of text, whose options are not broken at their dashes."""
        text = html.escape(tokens[at].content, quote=False)
        text = re.sub(r"(?<!\S)--?[a-z][\w-]*", r'<span class="whole">\g<0></span>', text)
        return f"<code>{text}</code>"

    def html_inline(self, tokens, at, options, env) -> str:
        """A line break, or text that only looks like HTML."""
        text = tokens[at].content
        return "<br>" if re.fullmatch(r"<br\s*/?>", text) else html.escape(text, quote=False)

    html_block = html_inline
