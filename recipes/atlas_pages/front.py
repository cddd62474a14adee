"""The front page: a chart of all nets, their table, and the ideas of the lectures with their nets."""

import collections
import json
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import vl_convert

import lectures
from atlas_pages.ideas import IDEAS
from atlas_pages.site import Site
from kerasnets import files
from kerasnets.analysis.compare import by_protocol, published_of, ranked
from kerasnets.assembly.catalogue import catalogue
from kerasnets.assembly.citations import Citation
from kerasnets.assembly.protocols import words
from kerasnets.tables import axes_text, bytes_text, count_text, shape_text
from kerasnets.weights.checkpoints import checkpoints

PAGE = "index.html"
PROTOCOL = "imagenet one crop"  # by which errors are shown at first
FEWEST = 2  # nets that a protocol has to compare
HUES = 10  # colors of families; more families have other shapes
SHAPES = ("circle", "square", "triangle-up", "diamond")


class Measure(NamedTuple):
    """A figure of a net that the chart and the table show.

    Attributes:
        name: Its name.
        unit: Its unit on an axis, or "".
        value: Function of a record that gives the number, or None if it is unknown.
        text: Function that gives the number as text.
    """

    name: str
    unit: str
    value: Callable[[dict[str, Any]], float | None]
    text: Callable[[Any], str]


def total(key: str) -> Callable[[dict[str, Any]], float | None]:
    """The function of a record that gives one of its totals."""
    return lambda record: record["totals"][key]


def field(record: dict[str, Any]) -> float | None:
    """The receptive field of a net along the last side of its input, in pixels."""
    found = record["totals"]["receptive_field"]
    return found[-1] if found else None


def year(record: dict[str, Any]) -> int:
    """The year of the paper of a net."""
    return catalogue()[record["name"]]["citation"]["year"]


MEASURES = {
    "year": Measure("Year", "", year, str),
    "params": Measure("Parameters", "", total("trainable_params"), count_text),
    "mult_adds": Measure("Multiply-adds", "", total("mult_adds"), count_text),
    "memory": Measure("Memory in inference", "bytes", total("peak_activation_bytes"), bytes_text),
    "kept": Measure("Memory kept in training", "bytes", total("training_activation_bytes"), bytes_text),
    "field": Measure("Receptive field", "pixels", field, lambda side: axes_text((side,))),
}


def write(site: Site, records: dict[str, dict[str, Any]]) -> None:
    """Writes the front page, its data and the script of its chart.

    Args:
        site: The site.
        records: The records of its nets, by their names.
    """
    nets = [about(records[name]) for name in by_year(site.nets)]
    families = list(dict.fromkeys(net["family"] for net in nets))
    data = {
        "NETS": nets,
        "FAMILIES": {name: look(i) for i, name in enumerate(families)},
        "MEASURES": {key: {"name": m.name, "unit": m.unit} for key, m in MEASURES.items()},
        "PROTOCOLS": protocols(site.nets),
    }
    lines = (f"const {name} = {json.dumps(value, ensure_ascii=False)};\n" for name, value in data.items())
    (site.root / "assets").mkdir(parents=True, exist_ok=True)
    files.write_text(site.root / "assets/nets.js", "".join(lines))
    # Within a function, the names of the library do not meet those of the page.
    script = f"(() => {{\n{vl_convert.javascript_bundle()}\n}})();\n"
    files.write_text(site.root / "assets/vega.js", script)
    site.write(
        PAGE,
        "front",
        measures=MEASURES,
        rows=nets,
        families=data["FAMILIES"],
        protocols=data["PROTOCOLS"],
        years=sorted({net["year"] for net in nets}),
        inputs=sorted({net["input"] for net in nets}, key=lambda text: math.prod(map(int, text.split("x")))),
        timeline=timeline(nets),
    )


def by_year(names: Sequence[str]) -> list[str]:
    """Names of nets by year, within a year as their papers came to arXiv, and then as they are ordered."""
    papers = {name: catalogue()[name]["citation"] for name in names}
    return sorted(names, key=lambda name: (papers[name]["year"], papers[name]["arxiv"] or ""))


def look(i: int) -> dict[str, str]:
    """The color and the shape of the dots of a family, given its number in order of year."""
    return {"color": f"var(--hue{i % HUES})", "shape": SHAPES[i // HUES % len(SHAPES)]}


def about(record: dict[str, Any]) -> dict[str, Any]:
    """What the front page tells of a net.

    Args:
        record: The record of the net.

    Returns:
        Its name, family, paper, input, number of checkpoints and ideas; `values`, its figures by the keys of
        `MEASURES`, and `texts`, the same as text.
    """
    row = catalogue()[record["name"]]
    paper = Citation(**row["citation"])
    values = {key: measure.value(record) for key, measure in MEASURES.items()}
    return {
        "name": record["name"],
        "family": row["family"],
        "year": paper.year,
        "paper": paper.short,
        "title": paper.title,
        "input": shape_text(row["input"]),
        "weights": len(checkpoints(record["name"])),
        "ideas": record["ideas"],
        "values": values,
        "texts": {k: "unknown" if v is None else MEASURES[k].text(v) for k, v in values.items()},
    }


def protocols(names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The protocols by which published errors of nets can be compared, in the order in which one is chosen.

    Args:
        names: Names of nets.

    Returns:
        By the name of each protocol that `FEWEST` nets share: its `dataset`, `words` that say how the errors
        were measured, and `errors`: for each net, its top-1 and top-5 error in percent, or None, and their
        source, with the note on the figure if there is one.
    """
    published = [published_of(name) for name in names]
    found = {}
    for protocol in ranked(published):
        chosen = by_protocol(published, protocol)
        results = {name: r for name, r in zip(names, chosen, strict=True) if r is not None}
        if len(results) >= FEWEST:
            first = next(iter(results.values()))
            found[protocol] = {
                "dataset": first.dataset,
                "words": words([r.protocol for r in results.values()], protocol),
                "errors": {
                    name: [r.top1, r.top5, f"{r.source}: {r.note}" if r.note else r.source]
                    for name, r in results.items()
                },
            }
    usual = {PROTOCOL: found.pop(PROTOCOL)} if PROTOCOL in found else {}
    return usual | found


def timeline(nets: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The ideas that nets use, in the order of the years of the first nets with them.

    Args:
        nets: Nets as `about` describes them, by year.

    Returns:
        For each idea its key, the idea, the name of the first net with it, the number of nets with it by
        year, and the link to the lecture that teaches it.
    """
    rows = []
    for key, idea in IDEAS.items():
        users = [net for net in nets if key in net["ideas"]]
        if users:
            rows.append(
                {
                    "key": key,
                    "idea": idea,
                    "first": users[0]["name"],
                    "counts": dict(collections.Counter(net["year"] for net in users)),
                    "lecture": f"docs/lectures.html#{lectures.anchor(lectures.heading(*idea.lecture))}",
                }
            )
    return sorted(rows, key=lambda row: min(row["counts"]))
