import ast
import pathlib
import re

import keras
import pytest
from keras import layers

import kerasnets
import lectures
from atlas_pages import lines, net, records
from atlas_pages.site import Site
from kerasnets.analysis import profile
from kerasnets.analysis.diagram import choose
from kerasnets.assembly import results
from kerasnets.assembly.catalogue import catalogue
from kerasnets.graph import no_values
from kerasnets.weights.checkpoints import checkpoints, chosen

NETS = ("LeNet5", "ResNet20", "SqueezeNet")
# Nets with all kinds of lines: weights of ImageNet, of MNIST, or none; configs; photographs, digits, videos.
LINES = ("LeNet5", "ResNet50", "ResNet20", "CapsNet", "C3D", "PlainNet20", "SqueezeNet", "SimpNetSlim300K")


@pytest.fixture(scope="module")
def made():
    """The records of the nets."""
    found = {}
    for name in NETS:
        with no_values():
            found[name] = records.record(kerasnets.build(name))
    return found


@pytest.fixture(scope="module")
def pages(made, tmp_path_factory):
    """The pages of the nets, as text."""
    site = Site(tmp_path_factory.mktemp("site"), NETS)
    net.write(site, made)
    return {name: (site.root / f"nets/{name}.html").read_text(encoding="utf-8") for name in NETS}


@pytest.mark.parametrize("name", NETS)
def test_links_within_the_page_lead_somewhere(pages, name):
    ids = re.findall(r' id="([^"]+)"', pages[name])
    assert len(ids) == len(set(ids))
    links = set(re.findall(r'href="#([^"]+)"', pages[name]))
    assert {"what", "stages", "costs", "weights", "lines", "source"} < links
    assert {link for link in links if link.startswith("block-")}  # from the figure
    assert links <= set(ids)


def test_code_in_the_meaning_of_an_option_is_code(pages):
    assert "<code>connections</code>" in pages["LeNet5"]
    assert "`" not in pages["LeNet5"].partition('id="options"')[2].partition('id="source"')[0]


@pytest.mark.parametrize("name", NETS)
def test_links_to_nets_are_those_of_the_site(pages, name):
    linked = re.findall(r'href="(\w+)\.html"', pages[name])
    assert set(linked) <= set(NETS)


def test_a_page_says_what_the_net_is(made):
    lenet, resnet = (net.lead(catalogue()[name], made[name]) for name in ("LeNet5", "ResNet20"))
    assert lenet[0].startswith("LeNet: convolutions and subsampling")
    assert "5 layers with weights on its longest path and 60.8k parameters" in lenet[2]
    assert any("depth = 20 and shortcut = 'pad'" in sentence for sentence in resnet)
    assert len({*lenet, *resnet}) == len(lenet) + len(resnet)
    for name in ("LeNet5", "ResNet50"):
        best = max(row.top1 for row in checkpoints(name) if row.top1)
        assert f"{best:g} %" in net.accuracy(name)
    assert net.accuracy("PlainNet20").startswith("No public trained weights: ")


@pytest.mark.parametrize("name", NETS)
def test_costs_of_steps_are_those_of_their_block(made, name):
    for block in made[name]["blocks"]:
        for key in records.COSTS:
            assert sum(step[key] for step in block["steps"]) * len(block["names"]) == block["costs"][key]


def test_repeated_blocks_have_the_costs_of_all():
    with no_values():
        model = kerasnets.build("Xception")  # the last of its middle units is read by another kind of layer
    counts = profile(model)
    totals = dict.fromkeys(records.COSTS, 0)
    for block in records.blocks(model, counts, choose(model, None)):
        totals = {key: totals[key] + block["costs"][key] for key in totals}
    assert totals["params"] == counts.params
    assert totals["mult_adds"] == counts.mult_adds
    assert totals["kept_bytes"] == counts.training_activation_bytes


def test_layers_are_told_with_their_normalization_and_padding(made):
    steps = {step["name"]: step for block in made["ResNet20"]["blocks"] for step in block["steps"]}
    step = steps["stage2_unit1_1_conv"]
    assert step["what"] == "3x3 conv, 32, stride 2, BN, ReLU"
    assert step["params"] == 9 * 16 * 32 + 4 * 32
    assert steps["stage2_unit1_add"]["what"] == "add"
    assert not [name for name in steps if name.endswith(("conv_pad", "_bn"))]


def test_what_comes_before_a_layer_is_told_with_it():
    x = inputs = keras.Input((8, 8, 4), name="images")
    x = layers.ReLU(name="unit_act")(layers.BatchNormalization(name="unit_bn")(x))
    x = layers.Conv2D(4, 3, strides=2, name="unit_conv")(x)
    *_, step = [step for block in records.record(keras.Model(inputs, x))["blocks"] for step in block["steps"]]
    assert (step["name"], step["what"]) == ("unit_conv", "BN, ReLU, 3x3 conv, 4, stride 2")


def test_where_the_costs_are(made):
    assert net.where(made["LeNet5"]) == (
        "The largest part of the parameters, 79 %, is in c5 conv; "
        "the largest part of the multiply-adds, 46 %, is in c3 conv."
    )


def test_chart_has_the_side_of_the_input(made):
    chart = net.growth(made["LeNet5"]["growth"])
    assert ", 32 pixels, at layer c5_conv." in chart["sentence"]
    assert chart["line"].startswith("M0 ")
    assert [words for _, words in chart["strides"]] == ["2", "4"]
    assert net.growth({"points": [[0, 1]], "side": 28, "first": None, "strides": []}) is None


def test_every_published_error_is_shown(pages):
    for name in NETS:
        for result in results.every(name):
            assert result.source in pages[name].replace("&amp;", "&")


@pytest.mark.parametrize("name", NETS)
def test_every_checkpoint_is_shown(pages, name):
    assert all(f">{row.id}<" in pages[name].replace("\n", "") for row in checkpoints(name))
    for data in chosen(name):
        assert f'weights="{data}"' in pages[name]


@pytest.mark.parametrize("name", LINES)
def test_lines_are_valid(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for title, some in lines.to_copy(name):
        for file in re.findall(r"\S+\.keras", " ".join(some)):  # of a run that came before
            pathlib.Path(file).parent.mkdir(parents=True, exist_ok=True)
            pathlib.Path(file).touch()
        for line in some:
            if title == "Build":
                ast.parse(line)
            else:
                lectures.parsed(line)


def test_lines_fit_the_weights_of_the_net():
    found = {name: dict(lines.to_copy(name)) for name in LINES}
    assert 'weights="mnist"' in found["LeNet5"]["Build"][1]
    assert "weights" not in found["PlainNet20"]["Build"][1]
    assert not {"Classify", "Fine-tune"} & set(found["PlainNet20"])
    assert "Train as in capsnet_mnist" in found["CapsNet"]
    assert found["SqueezeNet"]["Export"] == (
        "kerasnets export SqueezeNet --weights imagenet --out saved_models",
    )


def test_names_in_other_libraries():
    names = {library: word for library, word, _ in net.called("DenseNet121")}
    assert names["timm"] == names["torchvision"] == "densenet121"
    assert names["keras.applications"] == "DenseNet121"


def test_lectures_of_a_net_have_anchors_of_their_page():
    anchors = {
        lectures.anchor(lectures.heading(lecture, topic))
        for lecture, topics in lectures.lecture_rows.SLIDES.items()
        for topic in topics
    }
    assert ("aich-alexnet", "Aich: AlexNet") in net.lectures_of()["AlexNet"]
    assert {anchor for topics in net.lectures_of().values() for anchor, _ in topics} <= anchors


def test_neighbours_have_pages_and_the_same_classes():
    near = net.neighbours("ResNet50", ["ResNet34", "ResNet50", "ResNet101", "VGG16", "ResNet20"])
    assert (near["before"], near["after"]) == ("ResNet34", "ResNet101")
    assert near["compare"] == ["ResNet34", "ResNet101", "VGG16"]
    assert net.neighbours("VGG16", ["VGG16"])["compare"] == []
