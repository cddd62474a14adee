import json

import numpy as np

from kerasnets import runs


def test_four_nets_are_trained_alike_and_compared(recipe, tmp_path, monkeypatch, capsys):
    seen = []

    def stands_in(recipe, out, options):
        """Leaves the history that a run would."""
        seen.append((recipe, out.name))
        out.mkdir()
        rows = np.array([[0.5, 1.5, 0.4], [0.75, 0.5 + len(seen), 0.6]])
        lines = [",".join(map(str, row)) for row in rows]
        (out / "history.csv").write_text("\n".join(["accuracy,crossentropy,val_accuracy", *lines]))

    monkeypatch.setattr(runs, "train", stands_in)
    recipe("--epochs", 2, "--out", tmp_path / "run")
    assert [name for _, name in seen] == ["PlainNet20", "PlainNet56", "ResNet20", "ResNet56"]
    assert [r.model for r, _ in seen] == [name for _, name in seen]
    first = seen[0][0].as_json()
    for run, _ in seen:
        assert {**run.as_json(), "model": "", "rate": 0.1} == {**first, "model": ""}
        assert all(name != "flip" for name, _ in run.augmentation)
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    assert results["PlainNet56"] == {"accuracy": 0.75, "crossentropy": 2.5, "val_accuracy": 0.6}
    assert (tmp_path / "run" / "degradation.png").read_bytes().startswith(b"\x89PNG")
    assert "2.5000" in capsys.readouterr().out
    recipe("--epochs", 2, "--runs", 2, "--seed", 3, "--out", tmp_path / "more")
    found = json.loads((tmp_path / "more" / "results.json").read_text())
    assert found["seeds"] == [3, 4]
    error = {"mean": 0.25, "deviation": 0.0, "values": [0.25, 0.25]}
    assert found["measures"]["PlainNet56, training error"] == error
