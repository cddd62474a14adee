import json
import statistics

import numpy as np
import pytest

import kerasnets
from kerasnets import cli, runs
from kerasnets.runs.data import Data

pytestmark = pytest.mark.usefixtures("eagerly")
CONFIG = """
from kerasnets.training import Recipe

RECIPE = Recipe(
    model="MLP800", options=dict(hidden=(8,)), size=8, data="generated", rate=0.1, batch=32, epochs=4
)
"""


@pytest.fixture
def command(tmp_path, monkeypatch):
    """Function that runs `kerasnets train` ; gives its status, and the seeds whose data it read."""
    (tmp_path / "tiny.py").write_text(CONFIG)
    trained, real = [], Data.__init__

    def counted(self, recipe, options, start=None):
        trained.append(options.seed)
        real(self, recipe, options, start)

    monkeypatch.setattr(Data, "__init__", counted)

    def run(*words):
        trained.clear()
        status = cli.main(["train", str(tmp_path / "tiny.py"), "--smoke", *map(str, words)])
        return status, tuple(trained)

    return run


def weights(folder):
    return kerasnets.load_model(folder / "last.keras", compile=False).get_weights()


def test_runs_that_are_done_are_not_done_again(command, tmp_path, monkeypatch, capsys):
    out, real = tmp_path / "run", runs.Supervised.test

    def stop(self, net, data, out):
        if data.options.seed == 1:
            raise KeyboardInterrupt
        return real(self, net, data, out)

    with monkeypatch.context() as patch:
        patch.setattr(runs.Supervised, "test", stop)
        assert command("--runs", 2, "--out", out) == (130, (0, 1))
    assert not (out / "results.json").exists()
    assert command("--runs", 2, "--out", out) == (0, (1,))
    capsys.readouterr()
    assert command("--runs", 2, "--out", out, "--json") == (0, ())  # not even data is read
    found = json.loads(capsys.readouterr().out)
    assert found == json.loads((out / "results.json").read_text())
    values = [json.loads((out / f"seed{seed}" / "results.json").read_text())["top1"] for seed in (0, 1)]
    measure = found["measures"]["top1"]
    assert (found["seeds"], measure["values"]) == ([0, 1], values)
    assert measure["mean"] == pytest.approx(sum(values) / 2)
    assert measure["deviation"] == pytest.approx(abs(values[0] - values[1]) / 2**0.5)

    assert command("--seed", 1, "--out", tmp_path / "alone") == (0, (1,))
    for ours, alone in zip(weights(out / "seed1"), weights(tmp_path / "alone"), strict=True):
        np.testing.assert_array_equal(ours, alone)
    for words, message in (
        (("--epochs", 3), "epochs was 2 and is now 3"),
        (("--data-dir", tmp_path), "data_dir was None"),
    ):
        assert command("--runs", 2, "--out", out, *words) == (2, ())
        assert message in capsys.readouterr().err
    assert command("--runs", 2, "--out", tmp_path / "alone") == (2, ())
    assert "`out`" in capsys.readouterr().err
    assert command("--runs", 2, "--hosts", 2) == (2, ())
    assert "--hosts" in capsys.readouterr().err


def test_a_spread_is_that_of_a_sample(tmp_path):
    errors = {3: 10, 4: 14, 6: 15}
    found = runs.several(lambda seed, _: {"errors": errors[seed]}, tmp_path, errors, dict)
    assert found["measures"]["errors"]["deviation"] == statistics.stdev(errors.values())
    text = runs.table(found, percent=False)
    assert text.splitlines()[-1].split() == ["errors", "13.00", "2.65", "10.00", "14.00", "15.00"]
    one = runs.several(lambda seed, _: {"top1": 0.5}, tmp_path, [0])
    assert one["measures"]["top1"] == {"mean": 0.5, "deviation": None, "values": [0.5]}
    assert runs.table(one).splitlines()[-1].split() == ["top1", "50.00", "-", "50.00"]


@pytest.mark.parametrize("seeds", [[], [1, 1], [-1], [0.5]])
def test_seeds_that_are_none(seeds, tmp_path):
    with pytest.raises(ValueError, match="`seeds` is"):
        runs.several(lambda seed, folder: {}, tmp_path, seeds)
