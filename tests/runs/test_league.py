import numpy as np
import pytest

from kerasnets.runs import league
from kerasnets.runs.league import PLAIN, League, Settings, combinations


@pytest.fixture
def made(tmp_path):
    """A league of tiny nets, and a function that leaves what a trained student would."""
    found = League(Settings(smoke=True), tmp_path / "league")

    def leave(method, seed, held_out, test, factor=1.0, seconds=1.0):
        (task,) = found.tasks([method], "resnet", [seed], [factor])
        task.path.parent.mkdir(exist_ok=True)
        predicted = {}
        for part, count in (("held_out", held_out), ("test", test)):
            predicted[part] = getattr(found.parts, part)[1].astype("uint8")
            predicted[part][:count] = 9 - predicted[part][:count]  # 9 - d is never d
        np.savez(task.path, **predicted, seconds=seconds)

    return found, leave


def test_methods_are_combined_by_held_out_images():
    found = {PLAIN: 1.0, "kl": 9.0, "dkd": 5.0, "attention": 7.0, "pkt": 4.0, "kl+pkt": 0.0}
    assert combinations(found, 3) == ["dkd+pkt", "dkd+attention", "kl+pkt"]
    assert combinations({"kl": 1.0, "dkd": 2.0}, 2) == []
    assert combinations(found, 0) == []


def test_weights_are_chosen_by_held_out_images(made):
    found, leave = made
    counts = {0.3: (5, 1), 1.0: (4, 9), 3.0: (3, 8)}  # held out, test
    for factor, (held_out, test) in counts.items():
        leave("kl", 0, held_out + 1, test, factor)
        leave("kl", 1, held_out - 1, test, factor)
        leave("dist", 0, 4, test, factor)
        leave("dist", 1, 4, test, factor)
    # Of equally good ones the published weight is chosen. The test images would choose 0.3.
    assert found.factors(["kl", "dist"], "resnet", [0, 1]) == {"kl": 3.0, "dist": 1.0}
    row = found.row("kl", "resnet", [0, 1], 3.0)
    assert (row["factor"], row["held_out"]["values"], row["test"]["mean"]) == (3.0, [4, 2], 8)
    assert row["held_out"]["deviation"] == pytest.approx(2**0.5)


def test_parts_are_apart():
    parts = league.read_parts(Settings(smoke=True), None)
    assert [len(labels) for _, labels in parts] == [64, 16, 84]
    train, held_out, _ = (set(map(bytes, images)) for images, _ in parts)
    assert not train & held_out


def test_every_view_is_read_once_in_as_many_epochs():
    settings = Settings(epochs=3, views=3, batch_size=4)
    batches = league.passes(np.arange(24), settings, seed=1)
    assert batches.steps == 2
    seen = np.concatenate([np.asarray(batch) for batch in batches.start(0)])
    assert sorted(seen) == list(range(24))
    rest = np.concatenate([np.asarray(batch) for batch in batches.start(2)])
    np.testing.assert_array_equal(rest, seen[8:])


@pytest.mark.parametrize("pair", ["resnets", ""])
def test_unknown_pairs_are_refused(pair):
    with pytest.raises(ValueError, match="`pairs` are among 'resnet', 'simpnet'"):
        league.check_pairs([pair])
