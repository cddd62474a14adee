"""The four commands of the README: from a folder of photographs to a small net that is served."""

import json
import pathlib
import re

import keras
import numpy as np
import pytest
import tensorflow as tf

import kerasnets
from kerasnets import cli

FEW = ["--epochs", "1", "--batch-size", "4"]


@pytest.fixture
def cats(tmp_path):
    """A folder of photographs of two classes."""
    rng = np.random.default_rng(0)
    for split, count in (("train", 8), ("test", 3)):
        for name, level in (("black cat", 40), ("white cat", 215)):
            folder = tmp_path / "cats" / split / name
            folder.mkdir(parents=True)
            for i in range(count):
                keras.utils.save_img(folder / f"{i}.png", rng.normal(level, 10, (40, 35, 3)), scale=False)
    return tmp_path / "cats"


def run(capsys, *words):
    """Runs a command, and gives what it prints."""
    assert cli.main([*map(str, words)]) == 0
    return capsys.readouterr().out


@pytest.mark.usefixtures("eagerly")
def test_each_command_prints_the_next_and_asks_for_nothing_twice(cats, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    start = ["--model", "LeNet5", "--weights", "mnist", "--data-dir", "cats", "--head-epochs", "2"]
    text = run(capsys, "finetune", *start, "--augment", "none", *FEW)
    _, *words = re.search(r"kerasnets (distill .*) --student", text)[1].split()
    trained = pathlib.Path(words[words.index("--teacher") + 1]).parent
    assert {"report.html", "predictions.csv"} <= {path.name for path in trained.iterdir()}
    results = json.loads((trained / "results.json").read_text())
    assert results["top1"] == results["accuracy"]
    text = run(capsys, "distill", *words, "--student", "LeNet1", *FEW)
    run(capsys, *re.search(r"kerasnets (export .*)", text)[1].split())
    photographs = [cats / "test" / name / "0.png" for name in ("white cat", "black cat")]
    found = run(capsys, "classify", *photographs, "--model", "saved_models/LeNet1", "--json")

    (student,) = pathlib.Path("runs/distill").rglob("best.keras")
    card = kerasnets.weights.read_card(student)
    assert (card.builder, card.class_names) == ("LeNet1", ("black cat", "white cat"))
    served = tf.saved_model.load("saved_models/LeNet1/1").signatures["serving_bytes"]
    answer = served(image_bytes=tf.constant([path.read_bytes() for path in photographs]))
    expected = kerasnets.classify(student, photographs)
    for i, image in enumerate(json.loads(found)["images"]):
        names = [name for name, _ in expected[i].labels]
        assert {*names} == {"black cat", "white cat"}
        assert [label["name"] for label in image["labels"]] == names
        assert [name.decode() for name in answer["classes"][i].numpy()] == names
        shares = [share for _, share in expected[i].labels]
        np.testing.assert_allclose(answer["scores"][i], shares, atol=1e-4)
        np.testing.assert_allclose([label["probability"] for label in image["labels"]], shares, atol=1e-4)
