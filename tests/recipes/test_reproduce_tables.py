import csv
import dataclasses
import sys
from fractions import Fraction

import keras
import pytest
from keras import layers

import kerasnets
import reproduce_tables
import shared
import tables

TEXT = reproduce_tables.REPORT.read_text()
WRITE = "python recipes/reproduce_tables.py --out recipes/tables.md writes it anew"
NUMBERS = tables.Column("numbers", "params")


def written(name):
    """The rows of a table in recipes/tables.md, as lists of cells."""
    lines = TEXT.partition(f"## {name}\n")[2].partition("\n## ")[0].splitlines()
    rows = [line.removeprefix("| ").removesuffix(" |").split(" | ") for line in lines if line.startswith("|")]
    return [row for row in rows if row not in (list(reproduce_tables.HEADER), list(reproduce_tables.ALIGNED))]


@pytest.mark.parametrize("name", tables.TABLES)
def test_what_takes_no_building_is_up_to_date(name):
    rows = written(name)
    expected = [
        [label, column.title, cell, source, note]
        for source, label, _, column, cell, _, note, _ in reproduce_tables.printed(name)
    ]
    assert [[cell.strip() for cell in (*row[:3], *row[5:])] for row in rows] == expected, WRITE
    for row, (*_, kind, _, _) in zip(rows, reproduce_tables.printed(name), strict=True):
        agrees = row[4] in ("equal", "rounded", "truncated")
        assert agrees == (kind != "differs"), row


def test_the_file_has_all_tables_and_no_other():
    assert [line[3:] for line in TEXT.splitlines() if line.startswith("## ")] == list(tables.TABLES), WRITE
    assert TEXT.startswith(reproduce_tables.HEAD), WRITE
    for name, lecture in tables.LECTURES.items():
        assert f"- {name}: {lecture}\n" in TEXT, WRITE


def test_quick_tables_are_up_to_date():
    figures = reproduce_tables.recompute(["bottlenecks", "mobilenet-shares"])
    assert reproduce_tables.out_of_date(TEXT, figures) == [], WRITE
    assert all(f.holds for group in figures.values() for f in group)


@pytest.mark.parametrize("name", tables.TABLES)
def test_data(name):
    table = tables.TABLES[name]
    rows = list(reproduce_tables.rows(name))
    labels = [label for _, label, _, _ in rows]
    assert len(labels) == len(set(labels))
    cells = {(label, column.title) for _, label, _, column, *_ in reproduce_tables.printed(name)}
    assert set(table.notes) <= cells
    for *_, things, column, _, kind, note, _ in reproduce_tables.printed(name):
        assert kind in ("exact", "rounded", "truncated", "differs")
        assert note or kind != "differs"
        assert len(things) == (2 if column.ratio else 1)
        for net, *_ in things:
            model = tables.NETS.get(net, (net,))[0]
            assert model in kerasnets.list_models() or net in {**tables.STACKS, **tables.SEPARABLE}


@pytest.mark.parametrize(
    ("text", "options", "value", "step"),
    [
        ("1,728", {}, 1728, 1),
        ("150K", {}, 150_000, 1000),
        ("150K", {"digits": 2}, 150_000, 10_000),
        ("25K", {"digits": 2}, 25_000, 1000),
        ("4096", {"digits": 2}, 4096, 1),
        ("15300", {"digits": 3}, 15_300, 100),
        ("15.2M", {"digits": 2}, 15_200_000, 100_000),
        ("1.0M", {}, 1_000_000, 100_000),
        ("112K", {"kilo": 1024}, 112 * 1024, 1024),
        ("107.82MB", {"kilo": 1024}, Fraction(10782, 100) * 2**20, Fraction(2**20, 100)),
        ("7.12%", {}, Fraction(712, 10_000), Fraction(1, 10_000)),
        ("1/64 + 1/9", {}, Fraction(73, 576), 0),
        ("0", {"digits": 2}, 0, 1),
    ],
)
def test_numbers_as_they_are_printed(text, options, value, step):
    assert reproduce_tables.number(text, **options) == (value, step)


def figure(printed, ours, kind="exact", column=NUMBERS):
    ours = ours if isinstance(ours, str) else Fraction(ours)
    return reproduce_tables.Figure("row", column, printed, ours, kind, column.digits, "source", "")


@pytest.mark.parametrize(
    ("printed", "ours", "kind", "agreement", "holds"),
    [
        ("133", 133, "exact", "equal", True),
        ("133", 134, "exact", "0.75% more", False),
        ("1.2K", 1249, "rounded", "rounded", True),
        ("1.2K", 1250, "rounded", "rounded", True),
        ("1.2K", 1251, "rounded", "truncated", False),
        ("1.2K", 1149, "rounded", "4.25% less", False),
        ("1.2K", 1200, "rounded", "equal", True),
        ("1.2K", 1299, "truncated", "truncated", True),
        ("1.2K", 1220, "truncated", "truncated", True),
        ("1.2K", 1300, "truncated", "8.33% more", False),
        ("1.2K", 1199, "truncated", "rounded", False),
        ("1.2K", 1220, "exact", "rounded", False),
        ("1.2K", 1300, "differs", "8.33% more", True),
        ("1.2K", 1249, "differs", "rounded", False),
        ("7x7x512", "7x7x512", "exact", "equal", True),
        ("1x1x512", "512", "exact", "equal", True),
        ("7x7x512", "7x7x2048", "exact", "no", False),
        ("7x7x512", "7x7x2048", "differs", "no", True),
    ],
)
def test_agreement(printed, ours, kind, agreement, holds):
    f = figure(printed, ours, kind)
    assert (f.agreement, f.holds) == (agreement, holds)


def test_ours_in_the_words_of_the_print():
    assert figure("3.2M", 3_211_264).ours_text == "3,211,264"
    assert figure("7.12%", Fraction(57, 800)).ours_text == "7.125%"
    assert figure("1/32 + 1/25", Fraction(57, 800)).ours_text == "57/800"
    assert figure("30", Fraction(98, 3)).ours_text == "32.67"


@pytest.fixture
def status(recipe):
    """Function that runs the recipe and gives its exit status."""

    def run(*options):
        with pytest.raises(SystemExit) as end:
            recipe(*options)
        return end.value.code

    return run


@pytest.fixture
def tiny(monkeypatch):
    """One table of one net."""
    row = "LeNet1", ("LeNet1", "c1_conv"), "24x24x4", "104"  # 4 kernels of 5x5 and 4 biases
    columns = tables.Column("output", "output"), tables.Column("params", "params")
    table = tables.Table("A table", columns, {"LeCun 1989": (row,)})
    monkeypatch.setattr(tables, "TABLES", {"tiny": table})
    return table


def test_figures_that_agree(tiny, status, capsys, tmp_path):
    assert status("--out", tmp_path / "t.csv") == 0
    assert "2 of 2 figures are as expected" in capsys.readouterr().out
    with (tmp_path / "t.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(r["table"], r["figure"], r["ours"], r["agreement"]) for r in rows] == [
        ("tiny", "output", "24x24x4", "equal"),
        ("tiny", "params", "104", "equal"),
    ]


def test_an_exact_figure_that_disagrees_is_named_and_ends_it_with_1(tiny, status, monkeypatch, capsys):
    row = "LeNet1", ("LeNet1", "c1_conv"), "24x24x4", "105"
    monkeypatch.setitem(tables.TABLES, "tiny", dataclasses.replace(tiny, rows={"LeCun 1989": (row,)}))
    assert status() == 1
    assert "tiny, LeNet1, params: exact 105, ours 104: 0.95% less" in capsys.readouterr().out


def test_check(tiny, status, monkeypatch, capsys, tmp_path):
    path = tmp_path / "tables.md"
    monkeypatch.setattr(reproduce_tables, "REPORT", path)
    assert status("--check") == 2  # there is no file yet
    assert status("--out", path) == 0
    text = path.read_text()
    assert "| LeNet1 | params | 104 | 104 | equal | LeCun 1989 |  |" in text
    assert status("--check") == 0
    for stale, word in ((text.replace("104 | equal", "103 | equal"), "tiny"), (text + "\n", "head")):
        path.write_text(stale)
        capsys.readouterr()
        assert status("--check") == 1
        assert word in capsys.readouterr().out
        assert path.read_text() == stale
    assert [file.name for file in tmp_path.iterdir()] == ["tables.md"]


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (("--out", "tables.txt"), ".csv"),
        (("--out", "no-such-folder/tables.md"), "folder"),
        (("goglenet",), "'googlenet'"),
        (("--smoke", "googlenet"), "--smoke"),
    ],
)
def test_bad_options_are_refused_before_anything_is_built(options, word, status, monkeypatch, capsys):
    monkeypatch.setattr(reproduce_tables, "layers_of", None)
    assert status(*options) == 2
    assert word in capsys.readouterr().err


def test_list_builds_nothing(monkeypatch, capsys):
    monkeypatch.setattr(reproduce_tables, "layers_of", None)
    monkeypatch.setattr(sys, "argv", ["reproduce_tables.py", "--list"])
    shared.run(reproduce_tables.main)
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(tables.TABLES)


def test_smoke(status, tmp_path, capsys):
    assert status("--smoke", "--out", tmp_path / "t.md", "--check") == 0
    assert "up to date" in capsys.readouterr().out
    assert "| Conv dw, 9 | stride | s2 | s1 | no |" in (tmp_path / "t.md").read_text()


def test_a_pattern_without_a_layer_is_refused():
    with pytest.raises(ValueError, match="no layer is named conv9"):
        reproduce_tables.select([], ["conv9"])


def test_depth_is_the_longest_path_of_layers_with_weights():
    images = keras.Input((4, 4, 3), name="images")
    x = layers.Conv2D(4, 1, name="stem")(images)
    short = layers.Conv2D(4, 1, name="short")(x)
    long = layers.SeparableConv2D(4, 3, padding="same", name="long")(
        layers.ReLU(name="act")(x)
    )  # two kernels
    x = layers.Concatenate(name="join")([short, layers.BatchNormalization(name="bn")(long)])
    x = layers.Dense(2, name="logits")(layers.GlobalAveragePooling2D(name="pool")(x))
    found = reproduce_tables.facts(keras.Model(images, x))
    depths = {layer.name: (layer.before, layer.after) for layer in found}
    assert (depths["short"], depths["long"], depths["join"]) == ((1, 2), (1, 3), (3, 3))
    assert reproduce_tables.depth(found) == 4
    assert reproduce_tables.depth(reproduce_tables.select(found, ["short", "long", "join"])) == 2
    assert reproduce_tables.order(reproduce_tables.select(found, ["stem", "logits"])) == "CONV-FC"


def test_the_first_convolution_with_and_without_biases():
    """The figures of two lectures, by hand."""
    cells = {(row[0], row[1]): row[3] for row in written("alexnet-listing")}
    assert cells["CONV1 without biases", "params without biases"] == f"{11 * 11 * 3 * 96:,}" == "34,848"
    assert cells["CONV1 with biases", "params"] == f"{(11 * 11 * 3 + 1) * 96:,}" == "34,944"
