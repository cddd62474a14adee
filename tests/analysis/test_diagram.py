import html
import re
import sys

import keras
import pygraphviz
import pytest
from keras import layers

import kerasnets
from kerasnets.analysis import diagram
from kerasnets.graph import no_values


def drawn(model, tmp_path, depth=None):
    """Captions of the blocks by name, and the arrows, of what is drawn."""
    path = tmp_path / "x.dot"
    count = diagram(model, path, depth)
    graph = pygraphviz.AGraph(string=path.read_text())
    captions = {
        key: [html.unescape(line) for line in re.split(r"(?<!\\)\\n", graph.get_node(key).attr["label"])]
        for key in graph.nodes()
    }
    assert len(captions) == count
    return captions, set(graph.edges())


def two_blocks():
    x = inputs = keras.Input((8, 8, 3), name="images")
    x = layers.Conv2D(6, 3, padding="same", name="block1_conv1")(x)
    x = layers.Conv2D(6, 3, padding="same", name="block1_conv2")(x)
    x = layers.MaxPooling2D(2, name="block1_pool")(x)
    x = layers.Conv2D(8, 1, name="block2_conv")(x)
    x = layers.GlobalAveragePooling2D(name="block2_pool")(x)
    x = layers.Dense(5, name="fc1")(x)
    x = layers.Dropout(0.5, name="fc1_dropout")(x)
    return keras.Model(inputs, layers.Dense(2, name="logits")(x))


def residual(units):
    """A chain of units, of which the first has another number of maps."""
    x = inputs = keras.Input((8, 8, 3), name="images")
    for i in range(1, units + 1):
        y = layers.Conv2D(4, 3, padding="same", name=f"stage1_unit{i}_conv")(x)
        short = layers.Conv2D(4, 1, name=f"stage1_unit{i}_shortcut")(x) if i == 1 else x
        x = layers.Add(name=f"stage1_unit{i}_add")([y, short])
    return keras.Model(inputs, x)


@pytest.mark.parametrize("sequential", [False, True])
def test_a_block_is_what_is_named_alike(sequential, tmp_path):
    model = two_blocks()
    if sequential:
        model = keras.Sequential([keras.Input((8, 8, 3), name="images"), *model.layers[1:]])
    captions, arrows = drawn(model, tmp_path)
    assert captions == {
        "images": ["images", "InputLayer", "8x8x3"],
        # 3 * 9 * 6 + 6 and 6 * 9 * 6 + 6
        "block1": ["block1", "2 Conv2D 3x3", "MaxPooling2D 2x2", "4x4x6, 498 params"],
        "block2": ["block2", "Conv2D 1x1", "GlobalAveragePooling2D", "8, 56 params"],
        "fc1": ["fc1", "Dense", "5, 45 params"],  # and its dropout
        "logits": ["logits", "Dense", "2, 12 params"],
    }
    names = list(captions)
    assert arrows == set(zip(names, names[1:], strict=False))


def test_every_layer_at_depth_0(tmp_path):
    model = two_blocks()
    captions, arrows = drawn(model, tmp_path, depth=0)
    assert list(captions) == [layer.name for layer in model.layers]
    assert len(arrows) == len(captions) - 1


def test_blocks_that_are_alike_are_drawn_once(tmp_path):
    captions, arrows = drawn(residual(5), tmp_path)
    assert list(captions) == ["images", "stage1_unit1", "stage1_unit2"]
    assert captions["stage1_unit1"] == ["stage1_unit1", "Conv2D 3x3", "Conv2D 1x1", "8x8x4, 128 params"]
    assert captions["stage1_unit2"][0] == "stage1_unit2 to stage1_unit5: 4 times"
    assert captions["stage1_unit2"][-1] == "8x8x4, 148 params"
    assert arrows == {("images", "stage1_unit1"), ("stage1_unit1", "stage1_unit2")}
    assert list(drawn(residual(5), tmp_path, depth=1)[0]) == ["images", "stage1"]


def test_blocks_that_others_read_too_are_drawn_apart(tmp_path):
    model = residual(3)
    middle = model.get_layer("stage1_unit2_add").output
    end = layers.Concatenate(name="join")([middle, model.output])
    captions, arrows = drawn(keras.Model(model.input, end), tmp_path)
    assert list(captions) == ["images", "stage1_unit1", "stage1_unit2", "stage1_unit3", "join"]
    assert ("stage1_unit2", "join") in arrows


def test_names_that_would_make_circles_are_not_put_together(tmp_path):
    x = inputs = keras.Input((8,), name="images")
    for i in (1, 2):
        x = layers.Dense(8, name=f"left_{i}")(x)
        x = layers.Dense(8, name=f"right_{i}")(x)
    captions, _ = drawn(keras.Model(inputs, x), tmp_path)
    assert "left" not in captions
    assert "left_1" in captions


def test_a_shared_layer_and_several_inputs_and_outputs(tmp_path):
    a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b")
    dense = layers.Dense(3, name="dense")
    model = keras.Model([a, b], [dense(a), dense(b)])
    captions, arrows = drawn(model, tmp_path)
    assert captions["dense"] == ["dense", "Dense", "3, 15 params"]
    assert arrows == {("a", "dense"), ("b", "dense")}


FAMILIES = {getattr(kerasnets.applications, n).spec.body: n for n in kerasnets.list_models()}


@pytest.mark.parametrize("name", FAMILIES.values())
def test_every_family_gives_a_readable_drawing(name, tmp_path):
    with no_values():
        model = kerasnets.build(name, **getattr(kerasnets.applications, name).spec.tiny)
    captions, arrows = drawn(model, tmp_path)
    assert 3 <= len(captions) <= 40
    assert {end for arrow in arrows for end in arrow} == set(captions)


@pytest.mark.parametrize(("suffix", "start"), [(".svg", b"<?xml"), (".png", b"\x89PNG"), (".pdf", b"%PDF")])
def test_pictures(suffix, start, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))  # no program of the machine is needed
    model, path = two_blocks(), tmp_path / f"x{suffix}"
    assert diagram(model, path) == 5
    content = path.read_bytes()
    assert content.startswith(start)
    assert b"CreationDate" not in content
    if suffix == ".svg":
        assert "498 params" in path.read_text()
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    diagram(model, path)
    assert path.read_bytes() == content


def test_what_graphviz_cannot_draw_is_told_in_one_line(monkeypatch, tmp_path):
    def failing(*args, **options):
        raise ValueError("Bad format")

    monkeypatch.setattr("pygraphviz.AGraph.draw", failing)
    with pytest.raises(OSError, match=r"^Graphviz cannot draw a .pdf file: Bad format$"):
        diagram(two_blocks(), tmp_path / "x.pdf")
    assert not list(tmp_path.iterdir())


def test_without_the_package(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    with pytest.raises(ModuleNotFoundError, match="Pictures need pygraphviz: pip install"):
        diagram(two_blocks(), tmp_path / "x.dot")


def test_names_that_graphviz_would_read_otherwise(tmp_path):
    x = inputs = keras.Input((8,), name="images")
    for units, name in enumerate(("a:b", r"a\n", 'say "a"', "<b>&lt;"), start=1):
        x = layers.Dense(units, name=name)(x)
    captions, arrows = drawn(keras.Model(inputs, x), tmp_path, depth=0)
    assert {key: words[0] for key, words in captions.items()} == {
        "images": "images",
        # A colon would name a place on a block, a backslash begins an escape, a percent sign means no name.
        "a=3Ab": "a:b",
        "a=5Cn": r"a\\n",
        "say=20=22a=22": 'say "a"',
        "=3Cb=3E=26lt=3B": "<b>&lt;",
    }
    keys = list(captions)
    assert arrows == set(zip(keys, keys[1:], strict=False))


@pytest.mark.parametrize("path", ["x.jpg", "x", "nowhere/x.svg"])
def test_paths(path, tmp_path):
    with pytest.raises(
        ValueError, match="`path` is a file in a folder that exists, ending in .*Received: path="
    ):
        diagram(two_blocks(), tmp_path / path)


@pytest.mark.parametrize("depth", [-1, 1.5, True, "2"])
def test_depths(depth, tmp_path):
    with pytest.raises(ValueError, match="`depth` is None or a whole number, at least 0. Received: depth="):
        diagram(two_blocks(), tmp_path / "x.svg", depth)


@pytest.mark.parametrize("model", [None, "LeNet5", keras.Sequential([layers.Dense(2)])])
def test_what_has_no_graph(model, tmp_path):
    with pytest.raises(ValueError, match="`model` is a functional keras.Model.*Received: model="):
        diagram(model, tmp_path / "x.svg")
