import json

import pytest

from kerasnets import runs
from kerasnets.weights.checkpoints import chosen


def found(net, weights, *_, **__):
    measured = {1: 70.0, 5: 90.0}
    return runs.Evaluation(net, weights, "d", "s", "", 9, True, 10, 10, measured, {1: 75.0}, 0.5, 1.0)


def test_nets_and_ids_are_measured_once(recipe, monkeypatch, tmp_path, capsys):
    calls = []
    monkeypatch.setattr(runs, "evaluate", lambda *a, **k: calls.append(a[:2]) or found(*a, **k))
    best = chosen("ResNet20")["cifar10"].id
    for words in ([], ["--resume"]):
        with pytest.raises(SystemExit) as end:
            recipe("ResNet20", "akamaster/resnet56", "--out", tmp_path, *words)
        assert end.value.code == 1
    assert calls == [("ResNet20", best), ("ResNet56", "akamaster/resnet56")]
    assert list(json.loads((tmp_path / "results.json").read_text())) == [id for _, id in calls]
    row = capsys.readouterr().out.splitlines()[-3].split()
    assert row == [best, "9", "75.00", "70.00", "0.50", "no", "9.0"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["AllCNNA"], "AllCNNA has no published checkpoints"),
        (["akamaster/resnet21"], "Received: id='akamaster/resnet21'. Did you mean"),
        (["ResNet20", "--limit", "0"], "--limit: a whole number, at least 1"),
    ],
)
def test_mistakes(words, message, check_refused):
    check_refused(words, message)
