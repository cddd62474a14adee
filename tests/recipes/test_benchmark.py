import json
import pathlib
import sys

import pytest

RECIPES = pathlib.Path(__file__).parents[2] / "recipes"
sys.path.insert(0, str(RECIPES))

import benchmark  # noqa: E402
import shared  # noqa: E402


def recipe(monkeypatch, *options):
    monkeypatch.setattr(sys, "argv", ["benchmark.py", *map(str, options)])
    shared.run(benchmark.main)


def test_digits(monkeypatch, tmp_path, capsys):
    out = tmp_path / "digits.json"
    recipe(monkeypatch, "digits", "--smoke", "--models", "LeNet5", "CapsNet", "--seed", 3, "--out", out)
    figures = json.loads(out.read_text())
    assert list(figures) == ["LeNet5", "CapsNet"]
    for name, figure in figures.items():
        assert (figure["epochs"], figure["seed"]) == (1, 3)
        assert 0 <= figure["accuracy"] <= 1
        assert figure["seconds"] > 0
        assert figure["rate"] == benchmark.DIGITS[name]["rate"]
    printed = capsys.readouterr().out
    for figure in figures.values():
        assert f"{figure['accuracy']:.2%}" in printed


def test_an_unknown_net_ends_with_one_line_and_status_2(monkeypatch, capsys):
    with pytest.raises(SystemExit) as ended:
        recipe(monkeypatch, "digits", "--models", "LeNet5", "ResNet50")
    assert ended.value.code == 2
    assert "ResNet50" in capsys.readouterr().err.splitlines()[-1]
