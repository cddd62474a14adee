import dataclasses
import itertools
import sys
import xml.etree.ElementTree

import keras
import pytest
from keras import layers

import kerasnets
from kerasnets import weights
from kerasnets.analysis import Comparison, ModelRow, compare, profile
from kerasnets.assembly.results import Result, results
from kerasnets.tables import count_text
from kerasnets.weights.checkpoints import checkpoints, chosen

NAMES = ["ResNet20", "FitNet1", "MLP800"]


@pytest.fixture(scope="module")
def comparison():
    return compare(NAMES)


def test_rows_are_what_profile_counts(comparison):
    assert [row.name for row in comparison.rows] == NAMES
    for row in comparison.rows:
        counts = profile(kerasnets.build(row.name))
        for field in ("input_shape", "params", "trainable_params", "mult_adds", "receptive_field"):
            assert getattr(row, field) == getattr(counts, field), field
        assert row.peak_activation_bytes == counts.peak_activation_bytes > 0


def test_published_errors_stand_beside_names(comparison):
    resnet, fitnet, mlp = comparison.rows
    # That of the trained weights, where there are some; Hinton et al. 2015: 146 errors of 10,000.
    best = chosen("ResNet20")["cifar10"]
    assert (resnet.top1, resnet.top5, resnet.result.dataset) == (round(100 - best.top1, 4), None, "CIFAR-10")
    assert (mlp.top1, mlp.result.dataset) == (1.46, "MNIST")
    assert (fitnet.top1, fitnet.top5, fitnet.result) == (None, None, None)
    assert [row.family for row in comparison.rows] == ["resnet", "fitnet", "mlp"]


def test_a_model_that_is_handed_in_is_not_the_one_that_was_tested():
    own = keras.Sequential([keras.Input((7,)), layers.Dense(5)], name="ResNet20")
    row, named = compare([own, "PlainNet20"]).rows
    assert (row.params, row.mult_adds, row.result, row.family, row.weights) == (40, 35, None, None, None)
    assert (named.result, named.weights) == (None, None)


def test_trained_weights(comparison, monkeypatch):
    best = chosen("ResNet20")["cifar10"]
    assert [row.weights for row in comparison.rows] == [best.id, None, None]
    other = checkpoints("ResNet20")[-1]
    facts = {"weights": other.id, "data": "cifar10"}
    built = keras.Sequential([keras.Input((7,)), layers.Dense(5)])  # as a builder leaves it
    weights.describe(built, training=facts, results={"published": {"top-1 accuracy (%)": other.top1}})
    (row,) = compare([built]).rows
    assert (row.weights, row.top1) == (other.id, round(100 - other.top1, 4))
    unmeasured = dataclasses.replace(best, top1=None)  # then the paper's
    monkeypatch.setattr(sys.modules[ModelRow.__module__], "chosen", lambda name: {"cifar10": unmeasured})
    (row,) = compare(["ResNet20"]).rows
    assert (row.weights, row.result) == (best.id, results("ResNet20")[0])


@pytest.mark.parametrize(
    ("by", "descending", "order"),
    [
        ("name", False, "FitNet1 MLP800 ResNet20"),
        ("params", False, "FitNet1 ResNet20 MLP800"),
        ("mult_adds", True, "ResNet20 FitNet1 MLP800"),
        ("top1", False, "MLP800 ResNet20 FitNet1"),
        ("top1", True, "ResNet20 MLP800 FitNet1"),  # what has none comes last either way
    ],
)
def test_orders(comparison, by, descending, order):
    assert [row.name for row in comparison.sorted(by, descending).rows] == order.split()


def test_compare_sorts():
    assert [row.name for row in compare(NAMES[1:], "params", descending=True).rows] == ["MLP800", "FitNet1"]


def test_table(comparison):
    text = str(comparison)
    rows = {line.split()[0]: line for line in text.splitlines() if line}
    assert all(word in rows["ResNet20"] for word in ("32x32x3", "270k", "40.6M", "KiB", " 81", "[1]", "yes"))
    assert f"{comparison.rows[0].top1:.2f}" in rows["ResNet20"]
    assert "[" not in rows["FitNet1"]
    best = chosen("ResNet20")["cifar10"]
    assert rows["[1]"] == f"[1] CIFAR-10, whole images: the trained weights {best.id}"
    assert max(map(len, text.splitlines())) <= 110


def test_models_of_a_generator(comparison):
    assert compare(name for name in NAMES).rows == comparison.rows


@pytest.mark.parametrize(
    ("number", "words"),
    [(0, "0"), (999, "999"), (1000, "1k"), (270_896, "271k"), (999_600, "1M"), (25_557_032, "25.6M")],
)
def test_short_numbers(number, words):
    assert count_text(number) == words


@pytest.mark.parametrize("models", ["LeNet5", keras.Sequential([keras.Input((3,))]), ["LeNet5", 3]])
def test_what_is_no_sequence_of_models(models):
    with pytest.raises(
        ValueError, match="`models` is a sequence of names and keras.Models. Received: models="
    ):
        compare(models)


def test_names_and_orders_are_checked_before_anything_is_built(monkeypatch):
    monkeypatch.setattr("kerasnets.assembly.registry.build", None)
    with pytest.raises(ValueError, match="Did you mean 'LeNet5'.*Received: name='lenet5'"):
        compare(["LeNet5", "lenet5"])
    with pytest.raises(
        ValueError, match="`sort` is one of name, .*Did you mean 'params'.*Received: sort='parms'"
    ):
        compare(["LeNet5"], sort="parms")


def row(name, mult_adds, top1, params=10**6, dataset="ImageNet", protocol="one crop", family="resnet"):
    result = top1 and Result(dataset, protocol, top1, None, "a table")
    return ModelRow(name, family, (224, 224, 3), params, params, mult_adds, 1, (9, 9), None, result)


# Close together, so that names beside their markers would lie on one another.
CROWD = [row(f"AVeryLongName{i}", 10**9 * (1 + i % 3 / 50), 25 + i // 3 / 50) for i in range(12)]


@pytest.fixture
def drawn(monkeypatch):
    """Keeps the figures that are drawn."""
    from matplotlib.figure import Figure

    figures = []
    save = Figure.savefig
    monkeypatch.setattr(Figure, "savefig", lambda self, *a, **k: (figures.append(self), save(self, *a, **k)))
    return figures


def test_names_do_not_overlap(drawn, tmp_path):
    Comparison(tuple(CROWD)).plot(tmp_path / "x.png")
    (axis,) = drawn[0].axes
    boxes = [text.get_window_extent() for text in axis.texts if text.get_text().startswith("AVery")]
    assert len(boxes) == len(CROWD)
    assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))


def test_datasets_share_no_axis_and_area_stands_for_parameters(drawn, tmp_path):
    rows = (
        row("Big", 10**9, 25.0, 4 * 10**6),
        row("Small", 10**8, 40.0, 10**6, protocol="ten crops", family="vgg"),
        row("Digits", 10**6, 5.0, dataset="CIFAR-10"),
        row("Nothing", 10**6, None),
    )
    assert Comparison(rows).plot(tmp_path / "x.png") == ("Nothing",)
    imagenet, cifar = drawn[0].axes
    points = {tuple(c.get_offsets()[0]): c for c in imagenet.collections if len(c.get_offsets())}
    assert set(points) == {(10**9, 75.0), (10**8, 60.0)}
    big, small = points[10**9, 75.0], points[10**8, 60.0]
    assert big.get_sizes()[0] == 4 * small.get_sizes()[0]
    assert big.get_facecolor()[0][3] > 0 == small.get_facecolor()[0][3]  # another protocol is hollow
    assert tuple(big.get_edgecolor()[0]) != tuple(small.get_edgecolor()[0])
    assert [tuple(c.get_offsets()[0]) for c in cifar.collections if len(c.get_offsets())] == [(10**6, 95.0)]
    assert imagenet.get_title().strip() == "ImageNet"
    assert cifar.get_title().strip() == "CIFAR-10"


@pytest.mark.parametrize(("suffix", "start"), [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF")])
def test_pictures_are_written_whole_and_alike(suffix, start, tmp_path):
    path = tmp_path / f"x{suffix}"
    first = (Comparison(tuple(CROWD[:2])).plot(path), path.read_bytes())[1]
    assert first.startswith(start)
    Comparison(tuple(CROWD[:2])).plot(path)
    assert path.read_bytes() == first
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    if suffix == ".svg":
        xml.etree.ElementTree.fromstring(first)


@pytest.mark.parametrize("path", ["x.jpg", "x", "nowhere/x.png"])
def test_paths_of_pictures(path, tmp_path):
    with pytest.raises(
        ValueError, match="`path` is a file in a folder that exists, ending in .*Received: path="
    ):
        Comparison(tuple(CROWD)).plot(tmp_path / path)


def test_nothing_to_draw(tmp_path):
    with pytest.raises(ValueError, match="published error. Received: models=.'Nothing'"):
        Comparison((row("Nothing", 10**6, None),)).plot(tmp_path / "x.png")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["matplotlib", "adjustText"])
def test_without_a_library(name, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ModuleNotFoundError, match=rf"Pictures need {name}: pip install 'kerasnets\[plots\]'"):
        Comparison(tuple(CROWD)).plot(tmp_path / "x.png")
