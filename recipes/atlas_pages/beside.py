"""Side by side: two to four nets on one page, with their key figures and their stages aligned.

The page is one for all choices of nets: side_by_side.html?nets=ResNet50,DenseNet121. A script reads the
choice from the address, and the figures of all nets from assets/stages.js, which this module writes.
"""

import collections
import json
from collections.abc import Sequence
from typing import Any

from atlas_pages.site import Site
from atlas_pages.stages import ABOUT
from kerasnets import files
from kerasnets.analysis.compare import published_of, ranked
from kerasnets.assembly import protocols
from kerasnets.assembly.catalogue import catalogue
from kerasnets.tables import axes_text, bytes_text, count_text, shape_text

FILE = "assets/stages.js"
# Choices to start with: nets, and what to look at. The page offers those whose nets it has.
SUGGESTIONS = (
    (("ResNet50", "DenseNet121"), "a shortcut that adds, and one that concatenates"),
    (("VGG16", "MobileNet"), "a large net, and one made for phones"),
    (("PlainNet34", "ResNet34"), "the same layers without and with shortcuts"),
    (("AlexNet", "SqueezeNet"), "the net of 2012, and one made to be small"),
    (("GoogLeNet", "BNInception", "InceptionV3", "InceptionV4"), "four generations of Inception"),
    (("ResNet50", "ResNeXt50", "SEResNet50", "WRN50_2"), "four ways to change a residual unit"),
    (("ResNet20", "WRN28_10", "DenseNetBC100"), "deep, wide and dense on CIFAR-10"),
    (("LeNet5", "CapsNet"), "convolutions and capsules on digits"),
)
POOLED, CLASSIFIER = "pooled", "classifier"  # rows of stages whose outputs have no grid


def write(site: Site, records: dict[str, dict[str, Any]]) -> None:
    """Writes the page and its data.

    Args:
        site: The site.
        records: Records of its nets by name.
    """
    offered = [(nets, why) for nets, why in SUGGESTIONS if set(nets) <= set(records)]
    if not offered and len(records) > 1:
        offered = [(tuple(records)[:2], "the first two of this atlas")]
    text = json.dumps(data(records), separators=(",", ":"), ensure_ascii=False)
    (site.root / FILE).parent.mkdir(parents=True, exist_ok=True)
    files.write_text(site.root / FILE, f"var ATLAS = {text};\n")
    site.write("side_by_side.html", "side_by_side", suggestions=offered, notation=ABOUT)


def data(records: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """What the page's script needs of all nets: that of `published`, and `nets`, the `facts` of each by name.

    Args:
        records: Records of nets by name.
    """
    return published(tuple(records)) | {"nets": {name: facts(record) for name, record in records.items()}}


def published(names: Sequence[str]) -> dict[str, Any]:
    """The published errors of nets.

    Args:
        names: Names of nets.

    Returns:
        A dict: `protocols`, in the order in which one is chosen, each a name, its words and the name of the
        wider protocol or None; `sources`; and `errors`, for each net those that can be compared, the main one
        first: places of protocols, top-1 and top-5 error in percent or None, place of the source, and a note.
    """
    found = {name: published_of(name) for name in names}
    every = [result for results in found.values() for result in results]
    sources = list(dict.fromkeys(result.source for result in every))
    measured = collections.defaultdict(list)
    for result in every:
        for name in result.names:
            measured[name].append(result.protocol)
    wider = {result.protocol.name: result.protocol.wider for result in every}
    order = ranked(found.values())
    place = {name: i for i, name in enumerate(order)}
    return {
        "protocols": [[name, protocols.words(measured[name], name), wider.get(name)] for name in order],
        "sources": sources,
        "errors": {
            net: [
                [[place[name] for name in r.names], r.top1, r.top5, sources.index(r.source), r.note]
                for r in results
                if r.names
            ]
            for net, results in found.items()
        },
    }


def facts(record: dict[str, Any]) -> dict[str, Any]:
    """The key figures and stages of a net, numbers with their texts.

    Args:
        record: Its record.
    """
    about, totals = catalogue()[record["name"]], record["totals"]
    return {
        "family": about["family"],
        "year": about["citation"]["year"],
        "input": shape_text(totals["input_shape"]),
        "classes": about["classes"],
        "figures": [
            [totals["trainable_params"], f"{totals['trainable_params']:,}"],
            [totals["mult_adds"], count_text(totals["mult_adds"])],
            [totals["peak_activation_bytes"], bytes_text(totals["peak_activation_bytes"])],
            [totals["training_activation_bytes"], bytes_text(totals["training_activation_bytes"])],
        ],
        "field": axes_text(totals["receptive_field"]),
        "stages": stages(record),
    }


def stages(record: dict[str, Any]) -> list[list[Any]]:
    """The stages of a net in the order of the data flow, without the input.

    Args:
        record: Its record.

    Returns:
        For each stage its row in the page (a stride, `POOLED` or `CLASSIFIER`), name, size of its output,
        layers in the notation of papers, parameters and multiply-adds, and these as texts.
    """
    made: list[list[Any]] = []
    width = record["totals"]["input_shape"][-2]
    rows = record["stages"][1:]
    pools = (i for i, s in enumerate(rows) if s["stride"] is None and not s["params"] and "pool" in s["what"])
    pool = next(pools, 0)
    for i, stage in enumerate(rows):
        row = stage["stride"]
        if row is None and i < pool:  # maps of one position, as FractalNet's last ones
            row = width // int(stage["size"].split("x")[-1])
        elif row is None:
            row = POOLED if i == pool and not stage["params"] else CLASSIFIER
        size = f"{stage['size']}x{stage['channels']}"
        costs = (stage["params"], stage["mult_adds"])
        made.append([row, stage["name"], size, stage["what"], *costs, *map(count_text, costs)])
    return made
