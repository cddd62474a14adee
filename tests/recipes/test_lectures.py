"""The recipes of the lecture's experiments: soft_targets.py, class_trees.py and mimic.py."""

import importlib
import json
import sys

import keras
import pytest

import lectures
import shared

pytestmark = pytest.mark.usefixtures("eagerly")


@pytest.fixture
def recipe(monkeypatch):
    """Function that runs a recipe with words on its command line, on few images."""
    monkeypatch.setattr(lectures, "FEW", 100)

    def run(name, *words):
        monkeypatch.setattr(sys, "argv", [f"{name}.py", *map(str, words)])
        shared.run(importlib.import_module(name).main)

    return run


def results(folder):
    return json.loads((folder / "results.json").read_text())


def errors(path, images, labels):
    guesses = keras.saving.load_model(path, compile=False).predict(images, verbose=0).argmax(1)
    return int((guesses != labels).sum())


def test_soft_targets_of_few_images(recipe, tmp_path, capsys):
    words = ("--smoke", "--share", 0.3, "--few-epochs", 3, "--runs", 1, "--out", tmp_path)
    recipe("soft_targets", *words)
    found, printed = results(tmp_path / "seed0"), capsys.readouterr().out
    assert found["nets"].keys() == {"whole", "hard", "stopped", "soft"}
    from kerasnets.runs import arrays

    test = arrays.read_images("digits", "test", least=100)
    for name, row in found["nets"].items():
        assert row["test"] == pytest.approx(100 - errors(tmp_path / "seed0" / f"{name}.keras", *test))
    assert found["nets"]["stopped"]["epochs"] in (1, 2, 3)
    rows = printed[printed.index("accuracy, %") :].splitlines()
    assert [row.split()[-2:] for row in (rows[2], rows[4], rows[5])] == [
        ["63.4", "58.9"],
        ["67.3", "44.5"],
        ["65.4", "57.0"],
    ]
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
    values = results(tmp_path)["measures"]["soft: test"]["values"]
    assert values == [found["nets"]["soft"]["test"]]

    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "seed0").iterdir()}
    recipe("soft_targets", *words)  # a run that is done is not done again
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "seed0").iterdir()}


@pytest.mark.parametrize("kind", ["binary", "kmeans"])
def test_class_trees(kind, recipe, tmp_path, capsys):
    recipe("class_trees", "--smoke", "--held-out", "--tree", kind, "--out", tmp_path)
    found = results(tmp_path)
    assert (found["train_size"], found["test_size"]) == (83, 17)
    assert found["nets"].keys() == {"teacher", "labels", "path", "hierarchical", "tree", "soft"}
    for row in found["nets"].values():
        assert 1 <= row["severity"] <= 9 if row["errors"] else row["severity"] == 0
    nodes = keras.saving.load_model(tmp_path / "path.keras", compile=False).output_shape[-1]
    assert nodes == 18 if kind == "binary" else 10 < nodes <= 14
    assert "labels on the path to the root" in capsys.readouterr().out


def test_a_net_of_few_images_sees_no_other(recipe, tmp_path, monkeypatch):
    """With --held-out, none of the images that count is among those that any net is trained on."""
    seen, train = [], lectures.Nets.trained

    def trained(self, name, build, examples, *rest, **more):
        seen.append((name, examples[0]))
        return train(self, name, build, examples, *rest, **more)

    monkeypatch.setattr(lectures.Nets, "trained", trained)
    tested = []
    monkeypatch.setattr(lectures.Nets, "errors", lambda self, *given: tested.append(self.test[0]) or 0)
    recipe("soft_targets", "--smoke", "--share", 0.2, "--held-out", "--out", tmp_path)
    counted = {image.tobytes() for image in tested[0]}
    sets = {name: {image.tobytes() for image in images} for name, images in seen}
    assert not any(counted & images for images in sets.values())
    assert sets["probe"] < sets["hard"] == sets["stopped"] == sets["soft"] < sets["whole"]
    assert (len(sets["probe"]), len(sets["soft"]), len(sets["whole"])) == (13, 17, 83)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("soft_targets", "--share", "0"), "--share"),
        (("soft_targets", "--net", "MLP80"), "MLP800"),
        (("class_trees", "--tree", "superclasses"), "only the classes of cifar100"),
        (("class_trees", "--smoke", "--net", "AlexNet"), "input_shape"),
        (("mimic", "--dataset", "cifar100"), "digits"),
        (("mimic", "--passes", "0"), "at least 1"),
    ],
)
def test_wrong_input_ends_with_one_line_and_status_2(words, message, recipe, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        recipe(*words)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


def test_means_are_shown_with_their_deviation():
    assert lectures.cell({"mean": 12.0, "deviation": None}) == "12"
    assert lectures.cell({"mean": 97.25}) == "97.25"
    assert lectures.cell({"mean": 12.0, "deviation": 1.0}) == "12.00 ± 1.00"
    assert lectures.cell(None) == ""
