import re
from xml.etree import ElementTree

import keras
import pytest
from keras import layers

import kerasnets
from atlas_pages import canvas, figure, words
from kerasnets.analysis.diagram import choose
from kerasnets.graph import no_values

SVG = "{http://www.w3.org/2000/svg}"


def built(name, **options):
    with no_values():
        return kerasnets.build(name, **options)


def read(svg):
    """The root of a drawing, which is well-formed when it is in a page."""
    return ElementTree.fromstring(svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))


def texts_of(node):
    return [text.text for text in node.iter(f"{SVG}text")]


def residual(units, name="unit"):
    x = inputs = keras.Input((8, 8, 4), name="images")
    for i in range(1, units + 1):
        y = layers.Conv2D(4, 3, padding="same", name=f"stage1_{name}{i}_conv")(x)
        y = layers.BatchNormalization(name=f"stage1_{name}{i}_bn")(y)
        x = layers.Add(name=f"stage1_{name}{i}_add")([y, x])
    return keras.Model(inputs, layers.Dense(3, name="logits")(x))


NETS = {
    "LeNet5": {},
    "ResNet20": {},
    "GoogLeNet": dict(aux_heads=True),
    "FractalNet20": {},
    "HRNetV2W18": {},
    "CapsNet": {},
    "DenseNet40": {},
}


@pytest.fixture(scope="module")
def models():
    return {name: built(name, **options) for name, options in NETS.items()}


@pytest.mark.parametrize("name", NETS)
def test_every_block_is_drawn_and_links_to_its_table(name, models):
    root = read(figure.overview(models[name]))
    blocks = choose(models[name], None)
    links = [a.get("href") for a in root.iter(f"{SVG}a")]
    assert links == [f"#{figure.anchor(block.names[0])}" for block in blocks.values()]
    lines = [p for p in root.iter(f"{SVG}path") if p.get("class") == "line"]
    assert len(lines) == sum(len(block.reads) for block in blocks.values())
    assert root.get("role") == "group"  # an image has no links
    assert name.lower() in root.get("aria-label").lower()


@pytest.mark.parametrize("name", NETS)
def test_text_stays_in_its_box_and_boxes_in_the_drawing(name, models, monkeypatch):
    drawn = []
    real = canvas.svg

    def seen(nodes, *args, **options):
        text = real(nodes, *args, **options)
        drawn.append((nodes, [float(x) for x in read(text).get("viewBox").split()]))
        return text

    monkeypatch.setattr(canvas, "svg", seen)
    figure.overview(models[name])
    figure.units(models[name])
    for nodes, (_, _, width, height) in drawn:
        for node in nodes.values():
            assert 0 <= node.x <= node.x + node.width <= width
            assert 0 <= node.y <= node.y + node.height <= height
            for text in node.texts:
                left, right = text.extent
                assert 0 <= left <= right <= node.width, text
                assert text.size - 3 <= text.y <= node.height - 3, text
            rows = sorted((t.y, *t.extent) for t in node.texts)
            for (y, _, end), (below, start, _) in zip(rows, rows[1:], strict=False):
                assert below > y or start > end


def test_repeats_are_folded_and_counted(models):
    root = read(figure.overview(models["ResNet20"]))
    shown = [texts_of(a) for a in root.iter(f"{SVG}a")]
    titles = {t[0]: t for t in shown}
    assert "x 3" in titles["stage 1, units 1 to 3"]
    assert "x 2" in titles["stage 2, units 2 to 3"]
    assert "8x8x64" in titles["stage 3, unit 1"]
    # 3 stages of 3 units: 3 + (1 + 2) + (1 + 2)
    units = [t for t in shown if t[0].startswith("stage")]
    assert sum(int(t[1][2:]) if t[1].startswith("x") else 1 for t in units) == 9
    kinds = figure.units(models["ResNet20"])
    assert [kind.caption for kind in kinds] == [
        "Used 7 times: stage 1, units 1 to 3; stage 2, units 2 to 3; stage 3, units 2 to 3.",
        "Used 2 times: stage 2, unit 1; stage 3, unit 1.",
    ]
    assert texts_of(read(kinds[0].svg)) == [
        *("32x32x16", "3x3 conv, 16", "BN, ReLU", "3x3 conv, 16", "BN", "+", "ReLU"),
    ]


def test_shares_are_of_the_whole_net(models):
    root = read(figure.overview(models["LeNet5"]))
    shown = {texts_of(a)[0]: texts_of(a) for a in root.iter(f"{SVG}a")}
    # 5 * 5 * 16 * 120 + 120 of 60,850; and as many multiply-adds, without the biases
    assert shown["c5 conv"][-4:] == ["48.1k parameters", "79 %", "48k multiply-adds", "15 %"]
    assert shown["c3 conv"][1:3] == ["10x10x16", "5x5 partial, 16"]


def test_branches_of_a_unit(models):
    (kind,) = [k for k in figure.units(models["GoogLeNet"]) if k.title.startswith("inception")]
    root = read(kind.svg)
    assert kind.caption.startswith("Used 9 times: inception 3a; ")
    assert texts_of(root).count("ReLU") == 6
    assert texts_of(root)[-1] == "concatenate"
    lines = [p for p in root.iter(f"{SVG}path") if p.get("class") == "line"]
    assert len(lines) == 4 + 3 + 4  # from the input, within three branches, to the end
    assert root.get("role") == "img"


def test_blocks_that_are_joined_differently_at_their_ends_are_alike(models):
    shown = [texts_of(a) for a in read(figure.overview(models["HRNetV2W18"])).iter(f"{SVG}a")]
    assert {t[0]: t[1] for t in shown}["stage 3, modules 1 to 4"] == "x 4"


def test_names_are_escaped_and_shortened(tmp_path):
    name = "<b>&amp; " + 30 * "long "
    model = residual(2, name=name)
    svg = figure.overview(model)
    title = texts_of(list(read(svg).iter(f"{SVG}a"))[1])[0]
    assert title.startswith("stage 1, <b>&amp")
    assert "…" in title
    assert "<b>" not in svg
    (kind,) = figure.units(model)
    assert "<b>" not in kind.svg
    assert read(kind.svg).get("aria-label") == f"The layers of stage1_{name}1"
    assert re.fullmatch(r"block-[\w-]+", figure.anchor(f"stage1_{name}1"))


def test_the_same_model_gives_the_same_drawing(models):
    assert figure.overview(models["HRNetV2W18"]) == figure.overview(models["HRNetV2W18"])
    assert figure.units(models["FractalNet20"]) == figure.units(models["FractalNet20"])


@pytest.mark.parametrize(
    ("names", "title"),
    [
        (["stage1_unit2", "stage1_unit3"], "stage 1, units 2 to 3"),
        (["inception_a1", "inception_a4"], "inception a1 to a4"),
        (["inception_3a"], "inception 3a"),
        (["c1_conv"], "c1 conv"),
        (["middle1", "middle2", "middle8"], "middle 1 to 8"),
        (["images"], "images"),
        (["head_branch1", "head_branch4"], "head branch 1 to 4"),
        (["block2_column3_1", "block2_column3_2"], "block 2, column 3, 1 to 2"),
        (["block2", "block4"], "blocks 2 to 4"),
        (["a_1", "b_2"], "a 1 to b 2"),
    ],
)
def test_titles(names, title):
    assert words.title(names) == title
