import json
import pathlib
import re

import keras
import pytest
from keras import layers

import kerasnets
import lectures
from atlas_pages import front, ideas
from atlas_pages.ideas import IDEAS
from atlas_pages.site import Site
from kerasnets.analysis.compare import published_of
from kerasnets.assembly import results
from kerasnets.assembly.catalogue import catalogue
from kerasnets.graph import no_values

BASE = {"convolution", "relu"}
HEAD = BASE | {"averaged"}
# The ideas of the papers.
PAPERS = {
    "MLP800": {"relu"},
    "LeNet5": {"convolution"},
    "AlexNet": BASE | {"lrn", "dropout", "grouped"},
    "VGG16": BASE | {"dropout", "small"},
    "C3D": BASE | {"dropout", "small", "volumes"},
    "NIN": HEAD | {"dropout", "pointwise"},
    "GoogLeNet": HEAD | {"lrn", "dropout", "pointwise", "branches"},
    "HighwayNet19": HEAD | {"dropout", "pointwise", "small", "shortcuts"},
    "PlainNet20": HEAD | {"norm", "small"},
    "ResNet20": HEAD | {"norm", "small", "shortcuts"},
    "ResNet18": HEAD | {"norm", "pointwise", "shortcuts"},
    "SqueezeNet": HEAD | {"dropout", "pointwise", "branches"},
    "InceptionV3": HEAD | {"dropout", "pointwise", "branches", "norm", "factorized"},
    "DenseNet40": HEAD | {"pointwise", "norm", "small", "dense"},
    "FractalNet80": HEAD | {"dropout", "branches", "norm", "small"},
    "ResNeXt29": HEAD | {"pointwise", "norm", "small", "shortcuts", "grouped"},
    "MobileNet": HEAD | {"dropout", "pointwise", "norm", "small", "depthwise"},
    "CapsNet": BASE | {"capsules"},
    "SENet154": HEAD | {"dropout", "pointwise", "norm", "small", "shortcuts", "grouped", "attention"},
    "CMPESEWRN28_10": HEAD | {"pointwise", "norm", "small", "shortcuts", "attention"},
}
NETS = ("AlexNet", "LeNet5", "ResNet20", "VGG16", "VGG19", "MLP800")
TOTALS = (
    *("trainable_params", "mult_adds", "peak_activation_bytes", "training_activation_bytes"),
    "receptive_field",
)


@pytest.mark.parametrize("name", PAPERS)
def test_ideas_are_those_of_the_papers(name):
    with no_values():
        model = kerasnets.build(name)
    assert set(ideas.used(model)) == PAPERS[name]


def used(outputs_of):
    x = keras.Input((16, 16, 4))
    with no_values():
        return set(ideas.used(keras.Model(x, outputs_of(x))))


def conv(x, kernel=3, **options):
    return layers.Conv2D(4, kernel, padding="same", activation="relu", **options)(x)


def test_a_projection_is_no_branch():
    found = used(lambda x: layers.Add()([conv(conv(x)), layers.Conv2D(4, 3, padding="same")(x)]))
    assert "shortcuts" in found
    assert "branches" not in found


def test_a_sum_of_two_paths_is_no_shortcut():
    found = used(lambda x: layers.Add()([conv(conv(x)), conv(x)]))
    assert "branches" in found
    assert "shortcuts" not in found


def test_a_concatenation_with_an_earlier_map_is_dense_and_no_branch():
    found = used(lambda x: layers.Concatenate()([x, conv(x)]))
    assert "dense" in found
    assert "branches" not in found
    found = used(lambda x: layers.Concatenate()([conv(x), conv(x, 1)]))
    assert "branches" in found
    assert "dense" not in found


def test_a_gate_of_pooled_maps_is_attention_and_no_1x1_convolution():
    def gated(x):
        means = layers.GlobalAveragePooling2D(keepdims=True)(x)
        return layers.Multiply()([x, layers.Conv2D(4, 1, activation="sigmoid")(means)])

    assert used(gated) == {"convolution", "attention"}
    assert "attention" not in used(lambda x: layers.Multiply()([x, conv(x)]))


def test_groups_of_one_channel_are_depthwise():
    assert used(lambda x: conv(x, groups=4)) & {"grouped", "depthwise"} == {"depthwise"}
    assert used(lambda x: conv(x, groups=2)) & {"grouped", "depthwise"} == {"grouped"}
    assert not used(lambda x: conv(x)) & {"grouped", "depthwise"}


def test_nested_models_are_entered():
    inner = keras.Sequential([keras.Input((16, 16, 4)), layers.BatchNormalization()])
    assert "norm" in used(inner)


@pytest.mark.parametrize("key", IDEAS)
def test_a_lecture_teaches_each_idea(key):
    lecture, topic = IDEAS[key].lecture
    assert f"\n### {lectures.heading(lecture, topic)}\n" in lectures.PAGE.read_text(encoding="utf-8")


def record(name):
    """The record of a net, with the figures of the catalogue and others."""
    row = catalogue()[name]
    totals = dict.fromkeys(TOTALS, 1) | {"trainable_params": row["params"], "mult_adds": row["mult_adds"]}
    return {
        "name": name,
        "totals": totals | {"receptive_field": (5, 9)},
        "ideas": sorted(PAPERS.get(name, BASE)),
    }


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    site = Site(tmp_path_factory.mktemp("site"), NETS)
    front.write(site, {name: record(name) for name in NETS})
    return site


@pytest.fixture(scope="module")
def data(site):
    """The data of the script, by the names of its constants."""
    lines = (site.root / "assets/nets.js").read_text(encoding="utf-8").splitlines()
    found = (re.fullmatch(r"const (\w+) = (.*);", line).groups() for line in lines)
    return {name: json.loads(value) for name, value in found}


def test_rows_agree_with_the_catalogue(data):
    assert [net["name"] for net in data["NETS"]] == [
        "LeNet5",
        "AlexNet",
        "VGG16",
        "VGG19",
        "MLP800",
        "ResNet20",
    ]
    for net in data["NETS"]:
        row = catalogue()[net["name"]]
        assert net["values"]["params"] == row["params"]
        assert net["values"]["mult_adds"] == row["mult_adds"]
        assert net["values"]["field"] == 9
        assert (net["year"], net["family"]) == (row["citation"]["year"], row["family"])
        assert net["input"] == "x".join(map(str, row["input"]))


def test_an_unknown_figure_is_none():
    unknown = record("LeNet5")
    unknown["totals"] |= {"receptive_field": None, "peak_activation_bytes": None}
    net = front.about(unknown)
    assert net["values"]["field"] is None
    assert net["texts"]["memory"] == "unknown"


def test_errors_are_published_by_their_protocol_and_none_is_compared_with_itself(data):
    protocols = data["PROTOCOLS"]
    assert next(iter(protocols)) == front.PROTOCOL
    assert set(protocols[front.PROTOCOL]["errors"]) == {"AlexNet", "VGG16", "VGG19"}
    for protocol, found in protocols.items():
        assert len(found["errors"]) >= front.FEWEST
        for name, (top1, top5, source) in found["errors"].items():
            rows = [r for r in results.every(name) if protocol in r.names]
            assert (top1, top5) in [(r.top1, r.top5) for r in rows], (protocol, name)
            sources = [r.source for r in published_of(name) if protocol in r.names]
            assert any(map(source.startswith, sources))


def test_families_look_different(data):
    assert len({tuple(front.look(i).values()) for i in range(front.HUES * len(front.SHAPES))}) == 40
    assert list(data["FAMILIES"]) == ["lenet", "alexnet", "vgg", "mlp", "resnet"]


def test_the_timeline_counts_nets_by_year(data):
    rows = {row["key"]: row for row in front.timeline(data["NETS"])}
    assert rows["convolution"]["counts"] == {1998: 1, 2012: 1, 2015: 2, 2016: 1}
    assert rows["small"]["first"] == "VGG16"
    assert "capsules" not in rows
    assert [min(row["counts"]) for row in rows.values()] == sorted(
        min(row["counts"]) for row in rows.values()
    )


def test_the_page_has_a_row_and_a_link_for_each_net_and_colors_of_the_style_sheet_only(site):
    text = (site.root / "index.html").read_text(encoding="utf-8")
    assert re.findall(r'<tr data-net="(\w+)"', text) == front.by_year(NETS)
    assert set(re.findall(r'href="nets/(\w+)\.html"', text)) == set(NETS)
    script = pathlib.Path(front.__file__).with_name("assets") / "front.js"
    for source in (text, script.read_text(encoding="utf-8")):
        assert not re.findall(r"#[0-9a-f]{6}\b|rgb\(", source)
    assert "://" not in text
