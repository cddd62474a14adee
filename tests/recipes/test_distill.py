import json

import keras
import numpy as np
import pytest

import kerasnets

TINY = """
from kerasnets.training import Recipe

RECIPE = Recipe(
    model="WRN16_8",
    size=8,
    data="generated",
    augmentation=(("flip", {}),),
    rate=0.1,
    batch=32,
    epochs=4,
)
"""
NETS = [
    "--teacher",
    "WRN16_8",
    "--teacher-options",
    "depth=10",
    "width=1",
    "--student",
    "WRN16_8",
    "--depth",
    "10",
    "--width",
    "1",
]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    path = tmp_path_factory.mktemp("configs") / "tiny.py"
    path.write_text(TINY)
    return path


@pytest.fixture(scope="module")
def finished(recipe, tiny, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "two"
    recipe("--config", tiny, *NETS, "--teachers", 2, "--epochs", 2, "--plain", "--out", out)
    return out


def test_what_a_run_leaves(finished):
    assert {p.name for p in finished.iterdir()} == {
        "teacher1",
        "teacher2",
        "plain",
        "student",
        "results.json",
    }
    found = json.loads((finished / "results.json").read_text())
    assert list(found) == ["teacher1", "teacher2", "plain student", "distilled student", "teachers together"]
    assert all(0 <= r["top1"] <= r["top5"] <= 1 for r in found.values())
    first, second = ([w.copy() for w in load(finished / f"teacher{i}").get_weights()] for i in (1, 2))
    assert not all(np.array_equal(a, b) for a, b in zip(first, second, strict=True)), "teachers are one"
    history = (finished / "student" / "history.csv").read_text().splitlines()
    assert {"hard_loss", "soft_loss", "val_accuracy"} <= set(history[0].split(","))
    assert len(history) == 3


def load(folder):
    net = kerasnets.build("WRN16_8", depth=10, width=1, input_shape=(8, 8, 3))
    net.load_weights(folder / "best.weights.h5")
    return net


def test_trained_teachers_and_hints_first(recipe, finished, tiny, tmp_path):
    """The student of a good teacher, guided by hints at first, learns more than chance."""
    file = finished / "teacher1" / "best.weights.h5"
    layer = next(x.name for x in load(finished / "teacher1").layers if isinstance(x, keras.layers.Add))
    hints = ("--hint", layer, layer, "--hint-epochs", 1)
    recipe(
        "--config", tiny, *NETS, "--teacher-weights", file, *hints, "--epochs", 3, "--out", tmp_path / "run"
    )
    hinted = (tmp_path / "run" / "student" / "hints.csv").read_text().splitlines()
    assert len(hinted) == 2
    assert "hint_loss" in hinted[0]
    assert not list((tmp_path / "run").glob("teacher*"))
    found = json.loads((tmp_path / "run" / "results.json").read_text())
    assert found["distilled student"]["top1"] > 0.2  # 0.1 by chance


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--teacher", "WRN16_9", "--student", "WRN16_8"), "'WRN16_8'"),
        (("--teacher", "WRN16_8", "--student", "WRN16_8", "--wdth", "2"), "'--width'"),
        (("--teacher", "WRN16_8", "--student", "WRN16_8", "--teacher-options", "width"), "alpha=0.5"),
        (("--teacher", "WRN16_8", "--student", "WRN16_8", "--hint-epochs", "1"), "--hint"),
        (("--teacher", "WRN16_8", "--student", "WRN16_8", "--teacher-weights", "no.h5"), "no.h5"),
    ],
)
def test_wrong_input_ends_with_one_line_and_status_2(options, message, check_refused):
    check_refused(options, message)
