"""Side by side: two to four nets on one page, with their key figures and their stages aligned.

The page is one for all choices of nets: side_by_side.html?nets=ResNet50,DenseNet121. A script reads the
choice from the address, and the figures of all nets from assets/stages.js, which this module writes.
"""

import collections
import json
from typing import Any

from atlas_pages.site import Site
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
    site.write("side_by_side.html", "side_by_side", suggestions=offered)


def data(records: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """What the page's script needs of all nets.

    Args:
        records: Records of nets by name.

    Returns:
        A dict: `protocols`, in the order in which one is chosen, each a name, its words and the name of the
        wider protocol or None; `sources`, of published errors; and `nets` by name.
    """
    published = {name: published_of(name) for name in records}
    every = [result for found in published.values() for result in found]
    sources = list(dict.fromkeys(result.source for result in every))
    by_name = collections.defaultdict(list)
    for result in every:
        for name in result.names:
            by_name[name].append(result.protocol)
    wider = {result.protocol.name: result.protocol.wider for result in every}
    names = list(ranked(published.values()))
    return {
        "protocols": [[name, protocols.words(by_name[name], name), wider.get(name)] for name in names],
        "sources": sources,
        "nets": {
            name: facts(record)
            | {
                "errors": [
                    [[names.index(n) for n in r.names], r.top1, r.top5, sources.index(r.source), r.note]
                    for r in published[name]
                    if r.names
                ]
            }
            for name, record in records.items()
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
            [totals["params"], f"{totals['params']:,}"],
            [totals["mult_adds"], count_text(totals["mult_adds"])],
            [totals["peak_activation_bytes"], bytes_text(totals["peak_activation_bytes"])],
            [totals["training_activation_bytes"], bytes_text(totals["training_activation_bytes"])],
        ],
        "field": axes_text(totals["receptive_field"]),
        "stages": stages(record),
    }


def stages(record: dict[str, Any]) -> list[list[Any]]:
    """The stages of a net in the order of the data flow.

    Args:
        record: Its record.

    Returns:
        For each stage its row in the page (a stride, `POOLED` or `CLASSIFIER`), name, size of its output,
        layers, parameters and multiply-adds.
    """
    rows, last = [], 1
    for block in record["blocks"]:
        layers = block["layers"]
        strides = [layer["stride"] for layer in layers if layer["stride"]]
        grid = len(block["gives"][0]) == len(record["totals"]["input_shape"])
        if grid:
            last = max(strides[-1]) if strides else last
            row = last
        else:
            row = CLASSIFIER if block["costs"]["params"] or (rows and rows[-1][0] == CLASSIFIER) else POOLED
        kinds = collections.Counter(
            f"{layer['type']} {axes_text(layer['kernel'])}" if layer["kernel"] else layer["type"]
            for layer in layers
        )
        text = ", ".join(f"{n} {kind}" if n > 1 else kind for kind, n in kinds.items())
        name = block["names"][0] + (f" × {len(block['names'])}" if len(block["names"]) > 1 else "")
        size = ", ".join(map(shape_text, block["gives"]))
        rows.append([row, name, size, text, block["costs"]["params"], block["costs"]["mult_adds"]])
    return rows
