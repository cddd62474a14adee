"""Writes the page of the lectures: what each slide shows, the command that shows it here, and the figures.

    python recipes/lectures.py                                  the number of items of each lecture
    python recipes/lectures.py --list Das                       the items of a lecture
    python recipes/lectures.py --check                          compares all with recipes/lectures.md
    python recipes/lectures.py --out recipes/lectures.md        updates this file
    python recipes/lectures.py --record runs/net2net --out recipes/lectures.md

With --record, the measured figures in folders of results are stored first.

The slides are in recipes/lecture_rows.py, what shows them in recipes/lecture_shows.py. Printed figures come
from recipes/tables.py, recipes/printed.py and kerasnets/assembly/results.py; ours from recipes/tables.md, the
catalogue, the trained weights of the package and recipes/measured.json, which --record writes. Nothing is
built or trained. The exit status is 1 if --check finds the page out of date, a command that the recipes or
the command `kerasnets` would refuse, a figure that does not exist, or a dead link.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import dataclasses
import importlib
import json
import math
import pathlib
import re
import shlex
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import lecture_rows
import lecture_shows
import principles
import shared
import specialists_report
import tables
from kerasnets import files
from kerasnets.tables import first_of
from printed import PRINTED

HERE = pathlib.Path(__file__).parent
PAGE, MEASURED, COUNTED = HERE / "lectures.md", HERE / "measured.json", HERE / "tables.md"
HEADER = ("on the slides", "shown by", "figure", "printed", "here", "remarks")
ALIGNED = ("---", "---", "---", "---:", "---:", "---")
# The states of an item.
ABSENT, WAITING, DIFFERS, SHOWN, PRINTED_ONLY = (
    "not shown",
    "not measured yet",
    "differs",
    "shown",
    "printed only",
)
STATES = {
    SHOWN: "the command shows it, and our figures agree with the printed ones, if there are any",
    DIFFERS: "a figure or the outcome of an experiment is not as printed; the remarks say why or how far",
    PRINTED_ONLY: "the command shows printed figures, which were not measured here",
    WAITING: "the command measures it; no figures are recorded yet",
    ABSENT: "no command shows it; the remarks say why",
}
AGREE = ("equal", "rounded", "truncated")
FEW = 3  # reasons of a table that are repeated on the page
OWN = "kerasnets"  # the source of weights that come with the package


@dataclasses.dataclass(frozen=True)
class Line:
    """A figure of an item.

    Attributes:
        title: What it is.
        printed: The printed text.
        here: Ours.
        words: Where it is printed, why ours differs, how it was measured.
        state: Its state, a key of `STATES`.
    """

    title: str
    printed: str = ""
    here: str = ""
    words: tuple[str, ...] = ()
    state: str = SHOWN


@dataclasses.dataclass(frozen=True)
class Item:
    """A slide, what shows it, and its figures.

    Attributes:
        words: The slide in short.
        commands: What shows it.
        lines: Its figures.
        word: What is said of it.
        state: Its state, a key of `STATES`.
        above: The topic of the lecture that has the same commands and figures first, or "".
    """

    words: str
    commands: tuple[str, ...]
    lines: tuple[Line, ...]
    word: str
    state: str
    above: str = ""


def main() -> None:
    """Prints, writes or checks the page, or records measured figures."""
    args = options()
    if args.record:
        for folder, name in record(args.record).items():
            print(f"{folder}: recorded as {name}")
        print(f"In {MEASURED}")
    with shared.quiet():
        page = Page()
    if args.list:
        listed(page.items[args.list])
        return
    summary(page)
    if args.out:
        files.write_text(args.out, page.text())
        print(f"wrote {args.out}")
    if args.check:
        wrong = [*stale(page), *page.wrong, *check_commands(page), *check_links(page)]
        print("\n".join(wrong) if wrong else f"{PAGE} is up to date")
        sys.exit(1 if wrong else 0)


def options() -> argparse.Namespace:
    """Parses the command line."""
    p = shared.Parser(description="Write the page of the lectures.")
    p.add_argument("--out", type=markdown, metavar="FILE", help="write the page to a .md file")
    p.add_argument("--check", action="store_true", help=f"exit with status 1 if {PAGE.name} is out of date")
    names = tuple(lecture_rows.SLIDES)
    p.add_argument("--list", choices=names, metavar="NAME", help=f"items of one of {', '.join(names)}")
    text = "folders of results whose measures are stored; NAME=FOLDER names an experiment"
    p.add_argument("--record", nargs="+", metavar="FOLDER", help=text)
    return p.parse_args()


def markdown(text: str) -> pathlib.Path:
    """An argparse type: a Markdown file in a folder that exists."""
    path = pathlib.Path(text)
    if path.suffix != ".md" or path.is_dir() or not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"a .md file in a folder that exists. Received: {text}")
    return path


class Page:
    """The items of all lectures, and the page.

    Attributes:
        items: For each lecture, its items by topic.
        wrong: References to figures that do not exist, as text.
    """

    def __init__(self) -> None:
        self.counted = read_tables()
        self.measured = files.read_json(MEASURED) if MEASURED.exists() else {}
        self.wrong: list[str] = []
        self.items = {lecture: self.lecture(lecture) for lecture in lecture_rows.SLIDES}

    def lecture(self, lecture: str) -> dict[str, list[Item]]:
        """The items of a lecture, by topic."""
        first: dict[str, str] = {}
        items = {}
        for topic, rows in lecture_rows.SLIDES[lecture].items():
            items[topic] = []
            for words, name in rows:
                item = self.item(lecture, words, name)
                items[topic].append(dataclasses.replace(item, above=first.get(name, "")))
                first.setdefault(name, topic)
        return items

    def item(self, lecture: str, words: str, name: str) -> Item:
        """An item: the slide, and what shows it."""
        show = lecture_shows.SHOWS[name]
        lines = [line for figure in show.figures for line in self.lines(figure, lecture)]
        if not lines and show.figures:
            self.wrong.append(f"{lecture}, {name}: no figure is found")
        verdict, held = self.verdict(show.claim)
        states = {line.state for line in lines} | {held}
        if not show.commands:
            state = ABSENT
        else:
            state = next((s for s in (WAITING, DIFFERS, SHOWN, PRINTED_ONLY) if s in states), SHOWN)
        return Item(words, show.commands, tuple(lines), "; ".join(distinct([show.word, verdict])), state)

    def lines(self, figure: Any, lecture: str) -> list[Line]:
        """The lines of a figure of an item."""
        return LINES[type(figure)](self, figure, lecture)

    def cells(self, figure: lecture_shows.Cells, lecture: str) -> list[Line]:
        """Printed and recomputed figures of a table: one line for all, or one for each.

        All are those of the rows that name the lecture, or those of the paper if none does.
        """
        rows = self.counted.get(figure.table, [])
        if figure.row is None:
            own = [row for row in rows if lecture in row["source"]]
            return [summed(figure.table, own or rows)] if rows else []
        chosen = [row for row in rows if row["row"] == figure.row and figure.column in (None, row["figure"])]
        if not chosen:
            self.wrong.append(f"{lecture}: tables.md has no {figure}")
        return [
            Line(
                f"{row['row']}: {row['figure']}",
                row["printed"],
                row["ours"],
                (row["note"],),
                SHOWN if row["agreement"] in AGREE else DIFFERS,
            )
            for row in chosen
        ]

    def errors(self, figure: lecture_shows.Errors, lecture: str) -> list[Line]:
        """Published errors of nets, beside those of their best public weights."""
        from kerasnets.assembly import results

        lines, found = [], set()
        for (protocol, source), rows in [*results.TABLES.items(), *results.OTHERS.items()]:
            if not source.startswith(figure.source) or figure.protocol not in protocol.name:
                continue
            for net, (top1, top5, *note) in rows.items():
                if figure.nets and net not in figure.nets:
                    continue
                found.add(net)
                title = f"{net}: {protocol.name}"
                wrong = any(text.startswith("misprint") for text in note)
                here, own = weights_error(net, protocol, top1 is None)
                state = DIFFERS if wrong else SHOWN if own else PRINTED_ONLY
                lines.append(Line(title, shown(top1, top5), here, (source, *note), state))
        for net in set(figure.nets) - found:
            self.wrong.append(f"{lecture}: results.py has no error of {net} in {figure}")
        return lines

    def net(self, figure: lecture_shows.Net, lecture: str) -> list[Line]:
        """The counts of a net."""
        from kerasnets.assembly.catalogue import catalogue
        from kerasnets.tables import count_text

        counts = catalogue()[figure.name]
        parts = (count_text(counts["params"]), count_text(counts["mult_adds"]))
        return [Line(figure.name, figure.printed, "{} parameters, {} multiply-adds".format(*parts))]

    def weights(self, figure: lecture_shows.Weights, lecture: str) -> list[Line]:
        """The error of trained weights of the package."""
        from kerasnets.weights.checkpoints import chosen

        row = chosen(figure.net)[figure.data]
        title = f"{figure.net}, test error on {figure.data}"
        return [Line(title, figure.printed, f"{100 - row.top1:.2f} %", ("weights of the package",))]

    def measure(self, figure: lecture_shows.Measure, lecture: str) -> list[Line]:
        """A measured figure."""
        found = self.measured.get(figure.experiment)
        if found is None:
            return [Line(figure.title, figure.printed, WAITING, (), WAITING)]
        if figure.name not in found["measures"]:
            self.wrong.append(f"{lecture}: measured.json has no {figure}")
            return []
        measure = found["measures"][figure.name]
        said, state = gap(figure, measure) if figure.compares else ("", SHOWN)
        words = (said, how(figure.experiment, found))
        return [Line(figure.title, figure.printed, spread(measure, figure.kind), words, state)]

    def trial(self, figure: lecture_shows.Trial, lecture: str) -> list[Line]:
        """The figures of an experiment, printed and measured ones, and what follows from them."""
        name, found = figure.experiment, self.measured.get(figure.experiment)
        said = [PRINTED[key] for key in (name, *figure.more) if key in PRINTED]
        nets = [net.name for net in principles.EXPERIMENTS[name].nets] if is_trial(name) else []
        measure = principles.EXPERIMENTS[name].measures[0] if nets else ""
        lines = []
        for net in distinct([*nets, *(row for p in said for row in p.rows)]):
            text = ", ".join(f"{p.rows[net]:g}" for p in said if net in p.rows)
            if net not in nets:
                lines.append(Line(net, text, "", (), PRINTED_ONLY))
            elif found is None:
                lines.append(Line(net, text, WAITING, (), WAITING))
            else:
                lines.append(Line(net, text, spread(found["measures"][f"{net}: {measure}"])))
        words = tuple(f"printed: {p.measure}; {p.source}" for p in said)
        if not lines:
            return []
        if found and nets:
            verdict = principles.conclusion(name, found["measures"])
            other = principles.differs_from_print(verdict)
            lines[0] = dataclasses.replace(lines[0], state=DIFFERS if other else SHOWN)
            words = (*verdict.splitlines(), how(name, found), *words)
        lines[0] = dataclasses.replace(lines[0], words=words)
        return lines

    def jft(self, figure: lecture_shows.Jft, lecture: str) -> list[Line]:
        """The gains of specialists on JFT."""
        last = len(specialists_report.JFT) - 1
        return [
            Line(
                f"{n}{' or more' * (n == last)} specialist{'s' * (n != 1)}",
                f"{cases:,} cases, {won:+,}: {gain:+.1f} %",
                state=PRINTED_ONLY,
            )
            for n, (cases, won, gain) in enumerate(specialists_report.JFT)
        ]

    def temperature(self, figure: lecture_shows.Temperature, lecture: str) -> list[Line]:
        """The temperature that gives two classes a ratio of probabilities."""
        hard, soft = (math.log(a / b) for a, b in (figure.hard, figure.soft))
        return [Line(figure.title, "{:g} and {:g}".format(*figure.soft), f"T = {hard / soft:.1f}")]

    def printed(self, figure: lecture_shows.Printed, lecture: str) -> list[Line]:
        """A figure that is only printed."""
        return [Line(figure.title, figure.text, "", (), PRINTED_ONLY)]

    def verdict(self, claim: lecture_shows.Claim | None) -> tuple[str, str | None]:
        """Whether the measures are in the order in which a slide has them, and the state of the claim."""
        found = self.measured.get(claim.experiment) if claim else None
        if found is None:
            return "", None
        rows = [found["measures"][name] for name in claim.names]
        return judge(rows, claim.less)

    def text(self) -> str:
        """The page as Markdown."""
        parts = [HEAD, legend(), tally(self), contents(self)]
        for lecture, topics in self.items.items():
            parts.append(f"## {lecture}\n\n{tables.LECTURES[lecture]}.\n")
            for topic, items in topics.items():
                parts.append(f"### {heading(lecture, topic)}\n\n{table(lecture, items)}")
        return "\n".join(parts)


LINES: dict[type, Callable[[Page, Any, str], list[Line]]] = {
    lecture_shows.Cells: Page.cells,
    lecture_shows.Errors: Page.errors,
    lecture_shows.Net: Page.net,
    lecture_shows.Weights: Page.weights,
    lecture_shows.Measure: Page.measure,
    lecture_shows.Trial: Page.trial,
    lecture_shows.Jft: Page.jft,
    lecture_shows.Temperature: Page.temperature,
    lecture_shows.Printed: Page.printed,
}


def read_tables() -> dict[str, list[dict[str, str]]]:
    """The rows of recipes/tables.md by table, with the titles of its columns as keys."""
    found: dict[str, list[dict[str, str]]] = {}
    header, rows = None, []
    for line in COUNTED.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            header, rows = None, found.setdefault(line[3:], [])
        elif line.startswith("| ") and not line.startswith("| ---"):
            cells = [cell.strip() for cell in line.strip("|").split(" | ")]
            if header is None:
                header = cells
            else:
                rows.append(dict(zip(header, cells, strict=True)))
    return found


def summed(name: str, rows: list[dict[str, str]]) -> Line:
    """One line for the figures of a table that a lecture prints."""
    off = [row for row in rows if row["agreement"] not in AGREE]
    reasons: dict[str, list[str]] = {}
    for row in off:
        reasons.setdefault(row["note"], []).append(row["row"])
    notes = [f"{first_of(distinct(labels))}: {note}" for note, labels in reasons.items()]
    more = [f"{len(notes) - FEW} more reasons in the table"] if len(notes) > FEW + 1 else notes[FEW:]
    parts = [(len(rows) - len(off), "agree"), (len(off), "differ")]
    here = ", ".join(f"{n} {word}{'s' * (n == 1)}" for n, word in parts if n)
    words = (*notes[:FEW], *more)
    count = f"{len(rows)} figure{'s' * (len(rows) != 1)}"
    return Line(f"[{name}](tables.md#{name})", count, here, words, DIFFERS if off else SHOWN)


def shown(top1: float | None, top5: float | None) -> str:
    """A published error, top-1 and top-5."""
    if top1 is None:
        return f"top-5 {top5:g} %"
    return f"{top1:g} %" if top5 is None else f"{top1:g}, {top5:g} %"


def weights_error(net: str, protocol: Any, fifth: bool) -> tuple[str, bool]:
    """The error of the best public weights of a net as published, and whether they come with the package.

    Args:
        net: Name of the net.
        protocol: The protocol of the error to compare with; nothing compares with that of an ensemble.
        fifth: Whether it is the top-5 error.
    """
    from kerasnets.assembly import registry, results
    from kerasnets.weights.checkpoints import chosen

    if net not in registry.known() or protocol.nets != 1 or protocol.split != split_of(protocol):
        return "", False
    found = {results.DATASETS.get(data): row for data, row in chosen(net).items()}.get(protocol.dataset)
    top = None if found is None else found.top5 if fifth else found.top1
    if top is None:
        return "", False
    own = found.source == OWN
    return f"{'top-5 ' * fifth}{100 - top:.2f} % ({'trained here' if own else 'weights'})", own


def split_of(protocol: Any) -> str:
    """The split on which weights of a dataset are tested."""
    from kerasnets.assembly.protocols import IMAGENET, TEST, VALIDATION

    return VALIDATION if protocol.dataset == IMAGENET else TEST


def spread(measure: dict[str, Any], kind: str = "count") -> str:
    """A measured figure as text, with the deviation if it was measured more than once."""
    factor, unit = {"share": (100, " %"), "error": (100, " %"), "percent": (1, " %"), "count": (1, "")}[kind]
    mean, deviation = factor * measure["mean"], measure.get("deviation")
    mean = 100 - mean if kind == "error" else mean
    if deviation is None:
        return f"{mean:,.4g}{unit}"
    digits = 0 if factor * deviation >= 10 else 1 if factor * deviation >= 0.1 or not deviation else 2
    return f"{mean:,.{digits}f} ± {factor * deviation:,.{digits}f}{unit}"


def gap(figure: lecture_shows.Measure, measure: dict[str, Any]) -> tuple[str, str]:
    """By how much a measured figure differs from the printed one, and the state of the figure.

    A count of errors has the deviation of the seeds or, if that is larger, the root of the printed count; a
    difference of shares counts from one percentage point on.
    """
    printed = float(figure.printed.removesuffix(" %"))
    count = figure.kind == "count"
    over = measure["mean"] - printed if count else 100 * measure["mean"] - printed
    if abs(over) <= max(math.sqrt(printed) if count else 1, measure.get("deviation") or 0):
        return "as printed, within chance", SHOWN
    return f"{abs(over):.3g} {'' if count else 'points '}{'more' if over > 0 else 'less'}", DIFFERS


def how(experiment: str, found: dict[str, Any]) -> str:
    """How an experiment was measured."""
    count = len(found["seeds"])
    epochs = f", {found['epochs']} epochs" if found.get("epochs") else ""
    return f"{lecture_shows.EXPERIMENTS[experiment].data}{epochs}, {count} seed{'s' * (count > 1)}"


def judge(rows: list[dict[str, Any]], less: bool) -> tuple[str, str]:
    """Whether each of some measures is better than the one before it.

    Args:
        rows: The measures, of which print says that they get better.
        less: Whether a smaller measure is better.

    Returns:
        What is said of them, and the state of the claim.
    """
    gains = []
    for worse, better in zip(rows[:-1], rows[1:], strict=True):
        gain = (worse["mean"] - better["mean"]) * (1 if less else -1)
        noise = max(worse.get("deviation") or 0, better.get("deviation") or 0)
        gains.append(math.copysign(abs(gain) > noise, gain))
    if all(gain > 0 for gain in gains):
        return "in the order that the slide says", SHOWN
    if any(gain < 0 and gain for gain in gains):
        return "not in the order that the slide says", DIFFERS
    return "differences within the deviation of the seeds", DIFFERS


def is_trial(name: str) -> bool:
    """Whether an experiment is one of recipes/principles.py."""
    return name in principles.EXPERIMENTS


def distinct(words: Iterable[str]) -> list[str]:
    """The words that are not empty, each once."""
    return [word for word in dict.fromkeys(words) if word]


# The page


def heading(lecture: str, topic: str) -> str:
    """The heading of a topic, which no other lecture has."""
    return f"{lecture}: {topic}"


def anchor(text: str) -> str:
    """The anchor of a heading, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")


def cell(text: str) -> str:
    """A text in a cell of a table: bars and angle brackets stand for themselves."""
    return text.replace("|", "\\|").replace("<", "&lt;").replace(">", "&gt;")


def table(lecture: str, items: list[Item]) -> str:
    """The items of a topic as a table, with a row for each figure, without columns that would be empty."""
    rows = []
    for item in items:
        commands = "<br>".join(f"`{cell(command)}`" for command in item.commands)
        above = f"as in [{item.above}](#{anchor(heading(lecture, item.above))})"
        lines = (Line(""),) if item.above or not item.lines else item.lines
        for i, (line, said) in enumerate(zip(lines, remarks(item, lines), strict=True)):
            word = "; ".join(distinct([above if item.above else item.word, *said]) if i == 0 else said)
            if i == 0 and item.state != SHOWN:
                word = f"**{item.state}**: {word}".removesuffix(": ")
            about = ("", "") if i else (cell(item.words), commands)
            rows.append((*about, *map(cell, (line.title, line.printed, line.here, word))))
    kept = [i for i in range(len(HEADER)) if i < 2 or any(row[i] for row in rows)]
    lines = ([row[i] for i in kept] for row in (HEADER, ALIGNED, *rows))
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def remarks(item: Item, lines: Iterable[Line]) -> list[list[str]]:
    """What is said of each line that was not said of a line of the item before."""
    said, found = {item.word}, []
    for line in lines:
        found.append([word for word in distinct(line.words) if word not in said])
        said |= set(line.words)
    return found


def counts(page: Page) -> dict[str, collections.Counter]:
    """For each lecture, how many of its items are in each state."""
    return {
        lecture: collections.Counter(item.state for items in topics.values() for item in items)
        for lecture, topics in page.items.items()
    }


def tally(page: Page) -> str:
    """The table of `counts`."""
    rows = [("lecture", "items", *STATES), ("---", *["---:"] * (len(STATES) + 1))]
    total = collections.Counter()
    for lecture, found in counts(page).items():
        total += found
        row = (f"[{lecture}](#{anchor(lecture)})", found.total(), *(found[state] for state in STATES))
        rows.append(row)
    rows.append(("all", total.total(), *(total[state] for state in STATES)))
    return "".join(f"| {' | '.join(map(str, row))} |\n" for row in rows)


def legend() -> str:
    """What the states mean."""
    return "".join(f"- **{state}**: {text}\n" for state, text in STATES.items())


def contents(page: Page) -> str:
    """The list of contents."""
    lines = []
    for lecture, topics in page.items.items():
        links = ", ".join(f"[{topic}](#{anchor(heading(lecture, topic))})" for topic in topics)
        lines.append(f"- [{lecture}](#{anchor(lecture)}): {links}\n")
    return "".join(lines)


HEAD = """# The lectures, slide by slide

This project repeats five lectures about convolutional nets. The page goes through their slides in order. For
each item it has the command that shows it here, the figures that the slides or their papers print, and our
figures. `python recipes/lectures.py --out recipes/lectures.md` writes the page, and `--check` says whether it
is up to date.

FOLDER stands for a folder of images. Measured figures are means and standard deviations over seeds; the
remarks say on which images they were measured. "(weights)" marks errors of the best public weights of a net,
as their publisher measured them: `kerasnets evaluate NAME --weights imagenet --data-dir FOLDER` measures them
again. Each item is in one of these states:
"""


def summary(page: Page) -> None:
    """Prints how many items of each lecture are in each state."""
    rows = [("lecture", "items", *STATES)]
    for lecture, found in counts(page).items():
        rows.append((lecture, found.total(), *(found[state] for state in STATES)))
    shared.show(rows)


def listed(topics: dict[str, list[Item]]) -> None:
    """Prints the items of a lecture."""
    for topic, items in topics.items():
        print(f"\n{topic}")
        for item in items:
            print(f"  {item.words} [{item.state}]")
            for command in item.commands:
                print(f"    $ {command}")
            for line in item.lines:
                print(f"    {line.title}: printed {line.printed or '-'}, here {line.here or '-'}")
            for word in distinct([item.word, *(word for line in item.lines for word in line.words)]):
                print(f"    {word}")


# Checks


def stale(page: Page) -> list[str]:
    """Says that the page is out of date, if it is."""
    now = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    if now == page.text():
        return []
    return [f"{PAGE} is out of date; to update it: python recipes/lectures.py --out recipes/lectures.md"]


def check_commands(page: Page) -> list[str]:
    """Says which commands of the page are refused, and by what."""
    commands = {
        command
        for topics in page.items.values()
        for items in topics.values()
        for i in items
        for command in i.commands
    }
    commands |= {experiment.command for experiment in lecture_shows.EXPERIMENTS.values()}
    wrong = []
    for command in sorted(commands):
        try:
            parsed(command)
        except (ValueError, OSError, ImportError) as error:
            wrong.append(f"{command}: {' '.join(str(error).split())}")
    return wrong


def parsed(command: str) -> argparse.Namespace:
    """The options of a command, as the command itself parses them; it does not run.

    Raises:
        ValueError: It would be refused.
        ImportError: There is no such recipe.
    """
    program, *words = shlex.split(command)
    if program == "kerasnets":
        return of_kerasnets(words)
    if program != "python" or not re.fullmatch(r"recipes/\w+\.py", words[0]):
        raise ValueError("a command of the page is `kerasnets` or `python recipes/NAME.py`")
    name, words = pathlib.Path(words[0]).stem, words[1:]
    with shared.quiet():
        recipe = importlib.import_module(name)
    with words_of(recipe, words):
        found = recipe.options() if hasattr(recipe, "options") else caught(recipe.main)
    found = found[0] if isinstance(found, tuple) else found
    if name == "train" and found.config:
        recipe.find(found.config)
    return found


def of_kerasnets(words: list[str]) -> argparse.Namespace:
    """The options of the command `kerasnets`."""
    with shared.quiet():
        from kerasnets import cli
        from kerasnets.assembly import registry, results
        from kerasnets.cli.options import SHARED, model_options

        found, rest = cli.parser().parse_known_args(words)
        given = (getattr(found, "name", None), *(getattr(found, "names", None) or ()))
        nets = [name for name in (*given, getattr(found, "model", None)) if name]
        for name in nets:
            registry.find(results.named(name)[0])
            protocol = getattr(found, "protocol", None)
            if protocol and not any(protocol in result.names for result in results.results(name)):
                raise ValueError(f"{name} has no error of the protocol {protocol}")
        if rest and not found.takes_options:
            raise ValueError(f"unknown option or argument {rest[0]!r}")
        if rest:
            model_options(nets[0], rest, SHARED)
    return found


@contextlib.contextmanager
def words_of(recipe: Any, words: list[str]) -> Iterator[None]:
    """A context in which the command line is that of a recipe."""
    before, sys.argv = sys.argv, [f"{recipe.__name__}.py", *words]
    try:
        yield
    finally:
        sys.argv = before


class Caught(Exception):  # noqa: N818
    """What a recipe that parses its options in `main` would run with."""


def caught(main: Callable[[], Any]) -> argparse.Namespace:
    """The options that a recipe parses first, without what it would then do."""
    before = shared.Parser.parse_args

    def parse_args(parser, *args):
        raise Caught(before(parser, *args))

    shared.Parser.parse_args = parse_args
    try:
        main()
    except Caught as found:
        return found.args[0]
    finally:
        shared.Parser.parse_args = before
    raise ValueError("the recipe parses no options")


def check_links(page: Page) -> list[str]:
    """Says which links of the page are dead."""
    wrong = []
    for link in dict.fromkeys(re.findall(r"\]\(([^)\s]+)\)", page.text())):
        if "://" in link:
            continue
        path, _, part = link.partition("#")
        file = HERE / path if path else None
        text = page.text() if file is None else file.read_text(encoding="utf-8") if file.is_file() else None
        if text is None or (part and part not in map(anchor, re.findall(r"^#+ (.*)$", text, re.MULTILINE))):
            wrong.append(f"dead link: {link}")
    return wrong


# Records


def record(folders: list[str]) -> dict[str, str]:
    """Stores the measures of folders of results.

    Args:
        folders: Paths of folders with results.json; "NAME=FOLDER" names the experiment.

    Returns:
        For each folder, the experiment that it is stored as.

    Raises:
        ValueError: A folder has no results, or is of none or several experiments. Nothing is stored then.
    """
    records = files.read_json(MEASURED) if MEASURED.exists() else {}
    names = {}
    for text in folders:
        name, _, folder = text.rpartition("=")
        path = pathlib.Path(folder)
        if not (path / "results.json").is_file():
            raise ValueError(f"--record takes folders with results.json. Received: {text}")
        results, settings = files.read_json(path / "results.json"), settings_in(path)
        names[folder] = name or experiment_of(path, results, settings)
        records[names[folder]] = made(names[folder], results, settings)
    files.write_json(MEASURED, dict(sorted(records.items())))
    return names


def settings_in(path: pathlib.Path) -> dict[str, Any]:
    """The settings of a run, or of the first of several runs; empty if its folder has none."""
    for folder in (path, *sorted(path.glob("seed*"))):
        for file in sorted(folder.glob("*.json")):
            found = files.read_json(file)
            if isinstance(found, dict) and "seed" in found:
                return found
    return {}


def made(name: str, results: dict[str, Any], settings: dict[str, Any]) -> dict[str, Any]:
    """The record of an experiment."""
    if name not in lecture_shows.EXPERIMENTS:
        from kerasnets.checks import nearest

        known = lecture_shows.EXPERIMENTS
        raise ValueError(f"`--record` knows no experiment {name}.{nearest(name, known)}")
    try:
        measures = measures_of(name, results)
    except (AttributeError, KeyError, TypeError):
        raise ValueError(f"the results are not those of the command of {name}") from None
    lacking = [m for m in wanted(name) if m not in measures]
    if lacking:
        raise ValueError(f"the results of {name} have no {', '.join(lacking)}")
    seeds = results.get("seeds", [settings.get("seed", results.get("seed", 0))])
    return {"seeds": seeds, "epochs": settings.get("epochs"), "measures": measures}


def measures_of(name: str, results: dict[str, Any]) -> dict[str, dict[str, float | None]]:
    """The measures in the results of an experiment, each with its mean and its deviation."""
    found = {}
    for row, levels in results.get("epochs", {}).items() if isinstance(results.get("epochs"), dict) else ():
        found |= {f"{row}: epochs to {level}": {"mean": n} for level, n in levels.items() if n is not None}
    if "measures" in results:
        return found | {
            measure: {key: rounded(row[key]) for key in ("mean", "deviation")}
            for measure, row in results["measures"].items()
        }
    take = lecture_shows.EXPERIMENTS[name].measures
    if take:
        module, _, function = take.partition(".")
        values = getattr(importlib.import_module(module), function)(results)
    else:
        values = dict(numbers(results.get("nets", results)))
    return found | {measure: {"mean": rounded(value)} for measure, value in values.items()}


def rounded(value: float | None) -> float | None:
    """A number with the digits that can matter."""
    return None if value is None else float(f"{value:.6g}")


def numbers(results: dict[str, Any], before: str = "") -> Iterator[tuple[str, float]]:
    """The numbers in results, with the names that lead to them."""
    for key, value in results.items():
        if isinstance(value, dict):
            yield from numbers(value, f"{before}{key}: ")
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            yield f"{before}{key}", value


def wanted(name: str) -> list[str]:
    """The measures of an experiment that the page has."""
    shows = lecture_shows.SHOWS.values()
    figures = [f for show in shows for f in show.figures if isinstance(f, lecture_shows.Measure)]
    if is_trial(name):
        nets, kinds = principles.EXPERIMENTS[name].nets, principles.EXPERIMENTS[name].measures
        return [f"{net.name}: {kind}" for net in nets for kind in kinds]
    claims = [show.claim for show in shows if show.claim and show.claim.experiment == name]
    return distinct(
        [*(f.name for f in figures if f.experiment == name), *(n for claim in claims for n in claim.names)]
    )


def experiment_of(path: pathlib.Path, results: dict[str, Any], settings: dict[str, Any]) -> str:
    """The experiment that a folder has the results of."""
    fits = [name for name in lecture_shows.EXPERIMENTS if is_of(name, results, settings)]
    if len(fits) != 1:
        which = " or ".join(fits) if fits else "none that the page has"
        raise ValueError(f"{path} has the results of {which}; NAME={path} names the experiment")
    return fits[0]


def is_of(name: str, results: dict[str, Any], settings: dict[str, Any]) -> bool:
    """Whether results have the measures of an experiment, with the options of its command."""
    try:
        measures = measures_of(name, results)
    except (AttributeError, KeyError, TypeError):
        return False
    given = vars(parsed(lecture_shows.EXPERIMENTS[name].command))
    given = json.loads(json.dumps(given, default=str))  # tuples become lists, as in the file
    same = all(
        given[key] == value
        for key, value in settings.items()
        if key not in ("seed", "smoke") and given.get(key) is not None
    )
    same = same and settings.get("experiment") in (None, name)
    return same and not settings.get("smoke") and set(wanted(name)) <= set(measures)


if __name__ == "__main__":
    shared.run(main, "")
