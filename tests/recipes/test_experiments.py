"""The recipes of the lecture's experiments: soft_targets.py, class_trees.py and mimic.py."""

import importlib
import json
import sys

import keras
import numpy as np
import pytest
from scipy.special import log_softmax

import experiments
import shared
from kerasnets.distillation import Tree, hierarchical_loss, path_logits
from kerasnets.runs import arrays
from nets import array

pytestmark = pytest.mark.usefixtures("eagerly")


@pytest.fixture
def small(monkeypatch):
    """Puts a small net in the place of each, and few images in the place of those of a tiny run."""
    real = experiments.Nets.build

    def build(self, model, classes=10, **options):
        return real(self, "MLP800", hidden=(16,), classes=classes)

    monkeypatch.setattr(experiments.Nets, "build", build)
    monkeypatch.setattr(experiments, "FEW", 100)


@pytest.fixture
def untrained(small, monkeypatch):
    """The arguments with which each net would be trained, which stays as it was built."""
    seen = {}

    def stands_in(path, build, batches, epochs, **how):
        seen[path.stem] = dict(how, batches=batches, epochs=epochs)
        return build()

    monkeypatch.setattr(arrays, "train_once", stands_in)
    return seen


@pytest.fixture
def recipe(monkeypatch):
    """Function that runs a recipe with words on its command line."""

    def run(name, *words):
        monkeypatch.setattr(sys, "argv", [f"{name}.py", *map(str, words)])
        shared.run(importlib.import_module(name).main)

    return run


def results(folder):
    return json.loads((folder / "results.json").read_text())


def errors(path, images, labels):
    guesses = keras.saving.load_model(path, compile=False).predict(images, verbose=0).argmax(1)
    return int((guesses != labels).sum())


def test_soft_targets_of_few_images(recipe, small, tmp_path, monkeypatch, capsys):
    seen, train = {}, experiments.Nets.trained

    def trained(self, name, build, examples, *rest, **more):
        seen[name] = {image.tobytes() for image in examples[0]}
        seen["counted"] = {image.tobytes() for image in self.test[0]}
        return train(self, name, build, examples, *rest, **more)

    monkeypatch.setattr(experiments.Nets, "trained", trained)
    words = ("--smoke", "--share", 0.2, "--few-epochs", 1, "--epochs", 1, "--held-out", "--runs", 1)
    recipe("soft_targets", *words, "--out", tmp_path)
    # No net sees an image that counts, and the nets of few images see the same ones.
    counted = seen.pop("counted")
    assert not any(counted & images for images in seen.values())
    assert seen["probe"] < seen["hard"] == seen["stopped"] == seen["soft"] < seen["whole"]
    assert [len(seen[name]) for name in ("probe", "soft", "whole")] == [13, 17, 83]

    found, printed = results(tmp_path / "seed0"), capsys.readouterr().out
    assert found["nets"].keys() == {"whole", "hard", "stopped", "soft"}
    held_out = tuple(a[::6] for a in arrays.read_images("digits", "train", least=100))
    wrong = errors(tmp_path / "seed0" / "soft.keras", *held_out)
    assert found["nets"]["soft"]["test"] == pytest.approx(100 * (1 - wrong / 17))
    assert found["nets"]["stopped"]["epochs"] == 1
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
    recipe("soft_targets", *words, "--out", tmp_path)  # a run that is done is not done again
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "seed0").iterdir()}


def test_class_trees(recipe, untrained, tmp_path, capsys):
    words = ("--tree", "kmeans", "--alpha", 0.7, "--beta", 5, "--epochs", 3)
    recipe("class_trees", "--smoke", *words, "--out", tmp_path)
    found = results(tmp_path)["nets"]
    assert found.keys() == untrained.keys() == {"teacher", "labels", "path", "hierarchical", "tree", "soft"}
    assert (untrained["teacher"]["epochs"], untrained["soft"]["epochs"]) == (6, 3)
    for row in found.values():
        assert 1 <= row["severity"] <= 2
    assert "labels on the path to the root" in capsys.readouterr().out

    lines = (tmp_path / "tree.txt").read_text().strip().split("; ")
    groups = [list(map(int, line.split(": ")[1].split())) for line in lines]
    alone = sorted(set(range(10)) - {c for group in groups for c in group})
    tree = Tree([*groups, *alone])
    labels, rng = np.arange(10), np.random.default_rng(0)
    logits, units = (rng.normal(size=(10, n)).astype("float32") for n in (10, len(tree.nodes) - 1))
    ours = hierarchical_loss(labels, logits, tree, 0.7)
    np.testing.assert_allclose(untrained["hierarchical"]["loss"](labels, logits), ours, rtol=1e-6)
    shares = -(tree.soft_labels(5) * log_softmax(logits, axis=1)).sum(1)
    np.testing.assert_allclose(untrained["tree"]["loss"](labels, logits), shares, rtol=1e-5)
    assert array(untrained["path"]["loss"](labels, units)).sum() > 0
    guesses = array(path_logits(units, tree)).argmax(1)
    np.testing.assert_array_equal(untrained["path"]["accuracy"](labels, units), guesses == labels)
    assert untrained["soft"]["distiller"]["temperature"] == 4.0


def test_a_shallow_net_mimics_a_deep_one(recipe, untrained, tmp_path, capsys):
    recipe("mimic", "--smoke", "--hidden", 50, "--bottleneck", 20, "--passes", 2, "--out", tmp_path)
    found = [row["parameters"] for row in results(tmp_path)["nets"].values()]
    assert found[1:] == [784 * 20 + 20 * 50 + 50 + 50 * 10 + 10] * 3
    assert untrained["squared"]["distiller"] == {"method": "squared", "hard_weight": 0.0}
    assert untrained["labels"].get("distiller") is None
    images, targets = next(iter(untrained["squared"]["batches"].start(0)))
    assert images.shape == (128, 28, 28, 1)
    assert targets["teacher_logits"].shape == (128, 10)
    assert "TIMIT" in capsys.readouterr().out


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
def test_wrong_input_ends_with_one_line_and_status_2(words, message, check_refused):
    check_refused(words, message)


def test_means_are_shown_with_their_deviation():
    assert experiments.cell({"mean": 12.0, "deviation": None}) == "12"
    assert experiments.cell({"mean": 97.25}) == "97.25"
    assert experiments.cell({"mean": 12.0, "deviation": 1.0}) == "12.00 ± 1.00"
    assert experiments.cell(None) == ""
