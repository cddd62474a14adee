import json

import numpy as np
import pytest

from kerasnets import runs


def test_a_run_is_moved_aside_or_resumed(tmp_path, capsys):
    out = tmp_path / "run"
    runs.prepare(out, {"seed": 0, "size": (8, 8)}, resume=False)
    assert json.loads((out / "config.json").read_text()) == {"seed": 0, "size": [8, 8]}
    runs.prepare(out, {"seed": 0, "size": (8, 8)}, resume=True)
    assert [p.name for p in tmp_path.iterdir()] == ["run"]
    with pytest.raises(ValueError, match="seed was 0"):
        runs.prepare(out, {"seed": 1, "size": (8, 8)}, resume=True)
    (out / "precious").touch()
    runs.prepare(out, {"seed": 1}, resume=False)
    assert (tmp_path / "run.1" / "precious").exists()
    assert json.loads((tmp_path / "run.1" / "config.json").read_text())["seed"] == 0
    assert json.loads((out / "config.json").read_text()) == {"seed": 1}
    assert f"{out}.1" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["", "{", "[1]"])
def test_settings_that_are_damaged_are_named(text, tmp_path):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(ValueError, match=r"config\.json is damaged"):
        runs.prepare(tmp_path, {"seed": 0}, resume=True)
    assert (tmp_path / "config.json").read_text() == text


def test_history(tmp_path):
    (tmp_path / "history.csv").write_text("epoch,loss\n0,1.5\n1,0.5\n")
    assert runs.history(tmp_path / "history.csv") == {"epoch": [0.0, 1.0], "loss": [1.5, 0.5]}


def test_values_that_some_epochs_lack_are_nan(tmp_path):
    (tmp_path / "history.csv").write_text("epoch,loss,val_loss\n0,1.5,NA\n1,0.5,2.5\n")
    found = runs.history(tmp_path / "history.csv")
    np.testing.assert_array_equal(found["val_loss"], [np.nan, 2.5])
    assert found["loss"] == [1.5, 0.5]
