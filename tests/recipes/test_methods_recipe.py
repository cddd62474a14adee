import json

import pytest

pytestmark = pytest.mark.usefixtures("eagerly")
OPTIONS = ("--smoke", "--pairs", "resnet", "--runs", 1, "--resume", "--methods")


def test_the_whole_way(recipe, tmp_path, capsys):
    """A finished student is kept when the table is resumed, and those that are missing are trained."""
    out = tmp_path / "league"
    recipe(*OPTIONS, "plain", "--out", out)
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
        assert row["seconds"]["mean"] > 0
    assert 0 <= found["teachers"]["digits"]["resnet"]["test"] <= 84
    assert (out / "methods.png").read_bytes().startswith(b"\x89PNG")
    assert "kl+attention" in (out / "report.html").read_text()


def test_unknown_methods_are_refused(check_refused):
    check_refused(["--methods", "plain,kk"], "`method` is one of 'kl'")
    check_refused(["--methods", "kl+dkd"], "at most one loss on logits, and no loss twice")
