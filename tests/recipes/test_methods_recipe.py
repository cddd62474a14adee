import json

import pytest

from kerasnets.runs import arrays

pytestmark = pytest.mark.usefixtures("eagerly")
OPTIONS = ("--smoke", "--pairs", "resnet", "--runs", 1, "--resume", "--methods")


def test_the_whole_way(recipe, tmp_path, capsys, monkeypatch):
    """A finished student is kept when the table is resumed, and those that are missing are trained."""
    out, save = tmp_path / "league", arrays.save

    def stop(net, path):
        if path.name.startswith("plain"):
            raise OSError("No space left")
        save(net, path)

    with monkeypatch.context() as patch:
        patch.setattr(arrays, "save", stop)
        with pytest.raises(SystemExit):
            recipe(*OPTIONS, "plain", "--out", out)
    assert "plain, seed 0 failed: OSError: No space left" in capsys.readouterr().err
    recipe(*OPTIONS, "plain", "--out", out)  # trains for no further epoch
    kept = out / "digits" / "resnet" / "plain-times1-seed0.npz"
    before = kept.stat().st_mtime_ns
    capsys.readouterr()

    recipe(*OPTIONS, "plain,attention,kl", "--tuned", 0, "--combined", 1, "--out", out)
    assert kept.stat().st_mtime_ns == before
    text = capsys.readouterr().out
    assert "resnet, plain, seed 0" not in text
    found = json.loads((out / "results.json").read_text())
    assert [row["method"] for row in found["rows"]] == ["plain", "attention", "kl", "kl+attention"]
    for row in found["rows"]:
        assert 0 <= row["test"]["mean"] <= 84
    assert found["rows"][0]["seconds"] is None
    assert all(row["seconds"]["mean"] > 0 for row in found["rows"][1:])
    assert 0 <= found["teachers"]["digits"]["resnet"]["test"] <= 84
    assert (out / "methods.png").read_bytes().startswith(b"\x89PNG")
    assert "kl+attention" in (out / "report.html").read_text()


def test_unknown_methods_are_refused(check_refused):
    check_refused(["--methods", "plain,kk"], "`method` is one of 'kl'")
    check_refused(["--methods", "kl+dkd"], "at most one loss on logits, and no loss twice")


def test_a_dataset_that_is_not_there_is_found_first(check_refused, tmp_path):
    check_refused(["--smoke", "--data", "digits", "mnist", "--data-dir", str(tmp_path)], "mnist")
