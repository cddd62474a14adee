import json

import numpy as np
import pytest

from kerasnets import runs

ACCURACY = {  # on the validation images after each of two epochs, by folder
    "teacher": (0.5, 0.94),
    "wider-from-the-teacher": (0.955, 0.97),
    "wider-random": (0.3, 0.965),
    "deeper-from-the-teacher": (0.92, 0.94),
    "deeper-random": (0.2, 0.3),
}


@pytest.fixture
def seen(monkeypatch):
    """The recipes of the runs, none of which takes place: each leaves the history that it would."""
    found = {}

    def stands_in(recipe, out, options):
        found[out.parent.name, out.name] = (recipe, options)
        out.mkdir(parents=True)
        rows = np.add(ACCURACY[out.name], 0.002 * (options.seed - 5))
        (out / "history.csv").write_text("\n".join(["val_accuracy", *map(str, rows)]))
        return {"top1": 0.5 + options.seed / 100}

    monkeypatch.setattr(runs, "train", stands_in)
    return found


def test_nets_from_the_teacher_are_compared_with_random_ones(recipe, seen, tmp_path, capsys):
    recipe("--epochs", 2, "--seed", 4, "--out", tmp_path)
    assert list(seen) == [(f"seed{seed}", name) for seed in (4, 5, 6) for name in ACCURACY]
    for (folder, name), (made, options) in seen.items():
        assert options.resume
        assert folder == f"seed{options.seed}"
        teacher = str(tmp_path / folder / "teacher" / "best.keras")
        assert made.weights == (teacher if name.endswith("teacher") and name != "teacher" else None)
        assert (made.epochs, made.validation) == (2, 0.2)
    results = json.loads((tmp_path / "results.json").read_text())
    reached = results["epochs"]
    assert reached["wider, from the teacher"] == {"90%": 1, "93%": 1, "95%": 1, "96%": 2}
    assert reached["wider, random"] == {"90%": 2, "93%": 2, "95%": 2, "96%": 2}
    assert reached["deeper, random"] == dict.fromkeys(("90%", "93%", "95%", "96%"))
    assert results["measures"]["teacher"]["mean"] == pytest.approx(0.55)
    assert (tmp_path / "net2net.png").read_bytes().startswith(b"\x89PNG")
    assert "55.00 ± 1.00%" in capsys.readouterr().out


def test_both_starts_are_the_same_net(seen, recipe, tmp_path):
    """Surgery of the teacher makes nets of as many parameters as the random ones."""
    import kerasnets
    from kerasnets import surgery

    recipe("--runs", 1, "--out", tmp_path)
    made = {name: found for (_, name), (found, _) in seen.items()}

    def build(found):
        return kerasnets.build(found.model, input_shape=found.shape, classes=10, **found.options)

    for kind in ("wider", "deeper"):
        net = build(made["teacher"])
        for change, options in made[f"{kind}-from-the-teacher"].surgery:
            net = getattr(surgery, change)(net, **options)
        other = build(made[f"{kind}-random"])
        assert net.count_params() == other.count_params()
        assert [w.shape for w in net.weights] == [w.shape for w in other.weights]
