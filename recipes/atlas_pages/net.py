"""The page of a net: what it is, its figures, stages, costs, errors, weights, and its source.

All is put into words from the catalogue, the tables of errors and of checkpoints, and the record of the net.
"""

import ast
import functools
import math
import pathlib
import re
from collections.abc import Iterator, Sequence
from typing import Any

import lecture_rows
import lecture_shows
import lectures
from atlas_pages import figure, lines, markup
from atlas_pages.records import COSTS
from atlas_pages.site import Site
from atlas_pages.stages import ABOUT
from atlas_pages.words import title
from kerasnets import applications, tables
from kerasnets.assembly import results
from kerasnets.assembly.catalogue import catalogue
from kerasnets.assembly.citations import Citation
from kerasnets.cli import show
from kerasnets.weights.architectures import ARCHITECTURES, architecture_of
from kerasnets.weights.checkpoints import OWN, RULE, checkpoints

APPLICATIONS = pathlib.Path(applications.__file__).parent
# The sources of checkpoints by their own names.
LIBRARIES = {
    "keras": "Keras",
    "torchvision": "torchvision",
    "timm": "timm",
    "pytorchcv": "pytorchcv",
    "onnx": "ONNX Model Zoo",
    "caffe": "Caffe Model Zoo",
    "torchdistill": "torchdistill",
    "mmaction2": "MMAction2",
}
# The sections of the page, and what some of them need.
SECTIONS = (
    ("what", "What it is"),
    ("figure", "Figure"),
    ("stages", "Stages"),
    ("costs", "Layers and costs"),
    ("growth", "Receptive field"),
    ("seen", "What it sees"),
    ("errors", "Published errors"),
    ("weights", "Trained weights"),
    ("lines", "Lines to copy"),
    ("called", "In other libraries"),
    ("options", "Options"),
    ("source", "Source"),
    ("lectures", "Lectures"),
)
ONLY_WITH = {"figure": "overview"} | {
    name: name for name in ("growth", "seen", "errors", "called", "options", "lectures")
}
LONG = 60  # most characters of an option in a sentence
OTHERS = 3  # nets of other families with which a net is compared
COLUMN = 370  # pixels: an overview that is not wider has the units beside it


def write(site: Site, records: dict[str, dict[str, Any]]) -> None:
    """Writes the pages of all nets.

    Args:
        site: The site.
        records: The records of its nets.
    """
    names = [name for name in site.nets if name in catalogue()]
    for name in names:
        site.write(f"nets/{name}.html", "net", title=name, **page(name, records[name], names))


def page(name: str, record: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """What the template of a net needs.

    Args:
        name: Name of the net.
        record: Its record.
        names: The nets that have pages.
    """
    about = catalogue()[name]
    paper = Citation(**about["citation"])
    data = {
        "net": about,
        "paper": paper,
        "lead": lead(about, record),
        "tiles": tiles(about, record),
        "near": neighbours(name, names),
        "record": record,
        "notation": ABOUT,
        "where": where(record),
        "blocks": list(blocks(record)),
        "costs": list(COSTS.values()),
        "growth": growth(record["growth"]),
        "errors": errors(name),
        "weights": weights(name),
        "lines": {title: list(some) for title, some in lines.to_copy(name)},
        "called": called(name),
        "options": about["options"],
        "source": source(about["family"]),
        "lectures": lectures_of().get(name, []),
        "text": texts(),
    }
    data |= {key: record.get(key) for key in ("overview", "units", "seen")}
    data["slim"] = natural_width(data["overview"]) <= COLUMN
    contents = [(id_, words) for id_, words in SECTIONS if data.get(ONLY_WITH.get(id_, "net"))]
    return data | {"contents": contents}


def natural_width(svg: str | None) -> float:
    """The width of a drawing in pixels."""
    found = re.search(r'viewBox="0 0 ([\d.]+) ', svg or "")
    return float(found[1]) if found else 0


def texts() -> dict[str, Any]:
    """The functions that write figures."""
    return {
        "count": tables.count_text,
        "shape": tables.shape_text,
        "axes": tables.axes_text,
        "error": show.error_text,
        "option": show.option_text,
        "inline": markup.inline,
        "value": lambda value: repr(show.tuples(value)),
    }


# What it is.


@functools.cache
def idea(family: str) -> str:
    """The idea of a family: the first sentence of the docstring of its module."""
    text = ast.get_docstring(ast.parse(file_of(family).read_text(encoding="utf-8"))) or ""
    return text.partition("\n\n")[0]


def file_of(family: str) -> pathlib.Path:
    """The source file of a family."""
    return APPLICATIONS / f"{family}.py"


def lead(about: dict[str, Any], record: dict[str, Any]) -> list[str]:
    """What a net is, in sentences: the idea of its family, its body, its size, and its weights."""
    depth = record["growth"]["depth"]
    size = tables.shape_text(about["input"])
    counts = [tables.count_text(about[key]) for key in ("params", "mult_adds")]
    sentence = (
        f"{about['name']} has {depth} layers with weights on its longest path and {counts[0]} parameters, "
        f"and needs {counts[1]} multiply-adds for an input of {size}."
    )
    return [idea(about["family"]), about["summary"], sentence, *own_options(about), accuracy(about["name"])]


def own_options(about: dict[str, Any]) -> Iterator[str]:
    """The sentence on the options in which a net differs from others of its family; none if it is alone."""
    others = [net for net in siblings(about["name"]) if net != about["name"]]
    theirs = [{o["name"]: o["default"] for o in catalogue()[net]["options"]} for net in others]
    own = [
        (o["name"], show.tuples(o["default"]))
        for o in about["options"]
        if any(o["default"] != other.get(o["name"], o["default"]) for other in theirs)
    ]
    words = [text for text in (f"{k} = {v!r}" for k, v in own) if len(text) <= LONG]
    if words:
        yield f"The nets of its family differ in their options; this one has {tables.listed(words)}."


def siblings(name: str) -> list[str]:
    """The nets of a net's family, those of the same data beside each other, in the order of the catalogue."""
    rows = [row for row in catalogue().values() if row["family"] == catalogue()[name]["family"]]
    return [row["name"] for row in sorted(rows, key=lambda row: (-row["classes"], -row["input"][0]))]


def accuracy(name: str) -> str:
    """The sentence on the best published accuracy of a net's weights, or on why there are none."""
    rows = checkpoints(name)
    if not rows:
        text = show.none_because(show.trained(name)["unpublished"])
        return f"{text[0].upper()}{text[1:]}."
    known = [row for row in rows if row.top1 is not None]
    count = f"{len(rows)} checkpoints of it are" if len(rows) > 1 else "One checkpoint of it is"
    if not known:
        return f"{count} public, without a published top-1 accuracy."
    best = max(known, key=lambda row: row.top1 or 0)
    data = results.DATASETS.get(best.data, best.data)
    said = "as measured with kerasnets" if best.source == OWN else "as its publisher states"
    what = f"The highest top-1 accuracy, that of {best.id}," if len(known) > 1 else "Its top-1 accuracy"
    return f"{count} public. {what} is {best.top1:g} % on {data}, {said}."


def tiles(about: dict[str, Any], record: dict[str, Any]) -> list[tuple[str, str, str]]:
    """The key figures: a title, a short figure, and what is said of it."""
    totals = record["totals"]
    field = totals["receptive_field"]
    return [
        ("parameters", tables.count_text(about["params"]), trainable(totals)),
        ("multiply-adds", tables.count_text(about["mult_adds"]), f"{about['mult_adds']:,}"),
        ("depth", str(record["growth"]["depth"]), "layers with weights on the longest path"),
        ("input", tables.shape_text(about["input"]), f"{about['classes']:,} classes"),
        (
            "receptive field",
            f"{tables.axes_text(field)} px" if field else "unknown",
            "of the last maps",
        ),
        (
            "memory in inference",
            tables.bytes_text(totals["peak_activation_bytes"]),
            f"for one example; training keeps {tables.bytes_text(totals['training_activation_bytes'])}",
        ),
    ]


def trainable(totals: dict[str, Any]) -> str:
    """The parameters that are trained, and those that are not."""
    fixed = totals["params"] - totals["trainable_params"]
    return f"{totals['trainable_params']:,} trainable" + (f", {fixed:,} not" if fixed else "")


def neighbours(name: str, names: Sequence[str]) -> dict[str, Any]:
    """The nets around a net.

    Args:
        name: Name of the net.
        names: The nets that have pages.

    Returns:
        `before` and `after`, the nets beside it in its family, or None; `year`, the first nets of the other
        families of its year; and `compare`, nets to compare it with.
    """
    family = [net for net in siblings(name) if net in names]
    place = family.index(name)
    about = catalogue()[name]
    year = {}
    for net in names:
        row = catalogue()[net]
        if row["citation"]["year"] == about["citation"]["year"] and row["family"] != about["family"]:
            year.setdefault(row["family"], net)
    before, after = family[:place][-1:], family[place + 1 :][:1]
    return {
        "before": before[0] if before else None,
        "after": after[0] if after else None,
        "year": list(year.values()),
        "compare": [net for net in (*before, *after) if alike(net, name)] + similar(name, names),
    }


def alike(net: str, other: str) -> bool:
    """Whether two nets tell the same number of classes apart."""
    return catalogue()[net]["classes"] == catalogue()[other]["classes"]


def similar(name: str, names: Sequence[str]) -> list[str]:
    """Nets of other families with the same classes and about the same costs, those of its input first."""
    about = catalogue()[name]

    def far(net):
        row = catalogue()[net]
        other = row["input"] != about["input"]
        return other, sum(abs(math.log(row[key] / about[key])) for key in ("params", "mult_adds"))

    nearest: dict[str, str] = {}
    for net in sorted(names, key=far):
        row = catalogue()[net]
        if row["family"] != about["family"] and alike(net, name):
            nearest.setdefault(row["family"], net)
    return list(nearest.values())[:OTHERS]


# Costs.


def where(record: dict[str, Any]) -> str:
    """The sentence on the blocks that have most parameters and most multiply-adds."""
    found: dict[str, list[str]] = {}
    for key, words in figure.COSTS.items():
        block = max(record["blocks"], key=lambda b: b["costs"][key])
        percent = 100 * block["costs"][key] / record["totals"][key]
        found.setdefault(title(block["names"]), []).append(f"of the {words}, {percent:.0f} %,")
    parts = [f"{tables.listed(shares)} is in {name}" for name, shares in found.items()]
    return f"The largest part {'; the largest part '.join(parts)}."


def blocks(record: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The blocks with their shares of the costs, and their steps."""
    totals = {key: sum(block["costs"][key] for block in record["blocks"]) for key in COSTS}
    for block in record["blocks"]:
        yield {
            "id": figure.anchor(block["names"][0]),
            "title": title(block["names"]),
            "repeats": len(block["names"]),
            "costs": told(block["costs"], totals),
            "steps": [step | {"costs": told(step, totals)} for step in block["steps"]],
        }


def told(costs: dict[str, Any], totals: dict[str, int]) -> list[tuple[str, str]]:
    """For each cost its text and its share of the whole net."""
    return [(cost(costs[key], key), share(costs[key], totals[key])) for key in COSTS]


def cost(number: float, key: str) -> str:
    """A cost as a short text; "" for nothing."""
    if not number:
        return ""
    return tables.bytes_text(number) if key == "kept_bytes" else tables.count_text(number)


def share(number: float, total: float) -> str:
    """A share in percent, as the width of a bar; "" if nothing would be seen of it."""
    percent = 100 * number / total if total else 0
    return f"{percent:.3g}" if percent >= 0.3 else ""


# The receptive field.


def growth(grown: dict[str, Any]) -> dict[str, Any] | None:
    """The chart of the receptive field, in percent of its width and height; None without windows."""
    points, side = grown["points"], grown["side"]
    if len(points) < 3 or not side:
        return None
    right, top = points[-1][0], 1.15 * max(side, points[-1][1])

    def at(n, field):
        return f"{100 * n / right:.4g} {100 - 100 * field / top:.4g}"

    kept = [
        point
        for i, point in enumerate(points)
        if i in (0, len(points) - 1) or slope(points[i - 1], point) != slope(point, points[i + 1])
    ]
    first, last = grown["first"], f"{points[-1][1]:g}"
    sentence = (
        f"The receptive field first covers the whole width of the input, {side} pixels, at layer {first}. "
        f"That of the last maps is {last} pixels wide."
        if first
        else f"The receptive field never covers the whole width of the input, {side} pixels. "
        f"That of the last maps is {last} pixels wide."
    )
    return {
        "line": "M" + "L".join(at(*point) for point in kept),
        "side": side,
        "low": side < 0.2 * top,
        "side_at": f"{100 - 100 * side / top:.4g}",
        "last": last,
        "last_at": f"{100 - 100 * points[-1][1] / top:.4g}",
        "passed": right,
        "strides": [(f"{100 * n / right:.4g}", f"{stride:g}") for n, stride in grown["strides"]],
        "sentence": sentence,
    }


def slope(a: Sequence[float], b: Sequence[float]) -> float:
    """The growth between two points of the chart."""
    return (b[1] - a[1]) / (b[0] - a[0])


# Errors and weights.


def errors(name: str) -> list[dict[str, Any]]:
    """The published errors of a net, by protocol."""
    found: dict[str, list[results.Result]] = {}
    for result in results.every(name):
        found.setdefault(result.protocol.text, []).append(result)
    return [{"protocol": text, "rows": rows} for text, rows in found.items()]


def weights(name: str) -> dict[str, Any]:
    """What is said of the checkpoints of a net, in the words of `kerasnets show`."""
    data = show.trained(name)
    reason = show.none_because(data["unpublished"])
    return data | {
        "rule": RULE,
        "note": show.NOTE,
        "none": f"{reason[0].upper()}{reason[1:]}.",
        "loads": {id_: data_ for data_, id_ in data["chosen"].items()},
        "several": len({row["data"] for row in data["checkpoints"]}) > 1,
    }


def called(name: str) -> list[tuple[str, str, str]]:
    """What libraries call a net: the library, the name there, and the options of the net that they have."""
    keys = {architecture_of(row.id) or row.id: None for row in checkpoints(name)}
    keys |= {key: None for key, row in ARCHITECTURES.items() if row.net == name}
    found = []
    for key in keys:
        source, _, word = key.partition("/")
        if source == OWN:
            continue
        options = dict(ARCHITECTURES[key].options) if key in ARCHITECTURES else {}
        library = LIBRARIES.get(source, source)
        if source == "keras":
            library = "KerasHub" if "_" in word else "keras.applications"
        found.append((library, word, ", ".join(show.option_text(*item) for item in options.items())))
    order = list(LIBRARIES.values())
    return sorted(found, key=lambda row: (order.index(row[0]) if row[0] in order else -1, row[1]))


# Source and lectures.


@functools.cache
def source(family: str) -> dict[str, Any]:
    """The source file of a family: its path, the number of its lines, and its code in colors."""
    text = file_of(family).read_text(encoding="utf-8")
    return {
        "path": f"kerasnets/applications/{family}.py",
        "lines": text.count("\n"),
        "code": markup.code(text, "python"),
    }


@functools.cache
def lectures_of() -> dict[str, list[tuple[str, str]]]:
    """For each net the topics of lectures in which it appears: their anchors and headings."""
    found: dict[str, dict[str, str]] = {}
    for lecture, topics in lecture_rows.SLIDES.items():
        for topic, rows in topics.items():
            heading = lectures.heading(lecture, topic)
            for _, shown in rows:
                for net in nets_of(lecture_shows.SHOWS[shown]):
                    found.setdefault(net, {})[lectures.anchor(heading)] = heading
    return {net: list(topics.items()) for net, topics in found.items()}


def nets_of(shown: lecture_shows.Show) -> set[str]:
    """The nets in the commands and the figures of what shows an item of a lecture."""
    words = set(re.findall(r"\w+", " ".join(shown.commands)))
    for each in shown.figures:
        if isinstance(each, lecture_shows.Errors):
            words |= {results.named(net)[0] for net in each.nets}
        words |= {getattr(each, key) for key in ("name", "net") if isinstance(getattr(each, key, 0), str)}
    return words & set(catalogue())
