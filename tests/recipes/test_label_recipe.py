import pytest

import distill
import kerasnets
import label
import shared
from kerasnets import runs
from kerasnets.distillation import store as stores


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    """The file of a net as a run leaves it, which says on which images it was trained."""
    net = kerasnets.build("MLP800", hidden=(9,), input_shape=(8, 8, 1), classes=10)
    known = dict(data="generated", augmentation=[["flip", {}]], batch=64, splits=["train", "test"])
    names = tuple(f"class {c}" for c in range(10))
    kerasnets.weights.describe(net, shape=(8, 8, 1), class_names=names, training=known)
    path = tmp_path_factory.mktemp("teacher") / "best.keras"
    kerasnets.save(net, path)
    return path


def test_labels_are_written_checked_and_learned_from(recipe, teacher, tmp_path, capsys, monkeypatch):
    out = tmp_path / "labels"
    words = ["--teacher", teacher, "--out", out, "--views", 2, "--top", 3, "--shards", 2]
    recipe(*words)
    assert "512 labels in" in capsys.readouterr().out
    header = stores.opened(out).header
    assert (header["views"], header["top"], header["shard"]) == (2, 3, 128)
    assert header["about"]["training"]["augmentation"] == [["flip", {}]]
    known = stores.Store.records
    for noise, status in ((0, 0), (2, 1)):

        def records(store, rows, noise=noise):
            found = known(store, rows)
            found["logits"] += noise
            return found

        monkeypatch.setattr(stores.Store, "records", records)
        with pytest.raises(SystemExit) as ended:
            recipe(*words, "--check")
        assert ended.value.code == status
    monkeypatch.undo()
    assert "largest difference 2" in capsys.readouterr().out

    def stands_in(student, folder, options, method):
        assert (student.model, student.options, student.shape) == ("MLP800", {"hidden": (8,)}, (8, 8, 1))
        assert (student.data, student.augmentation, student.batch) == ("generated", [["flip", {}]], 64)
        assert (folder, method.stored, method.files) == (tmp_path / "student", str(out), ())
        method.check(runs.data.Data(student, options))
        return {"top1": 0.5, "top5": 1.0, "weights": "last.keras"}

    monkeypatch.setattr(runs, "train", stands_in)
    words = ["--stored", out, "--student", "MLP800", "--hidden", "(8,)", "--seed", 3, "--out", tmp_path]
    monkeypatch.setattr("sys.argv", ["distill.py", *map(str, words)])
    shared.run(distill.main)
    assert (tmp_path / "results.json").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--augment", "jitter:2"), "jitter:pixels=2"),
        (("--augment", "mixup"), "'mixup'"),
        (("--top", "10"), "`top` is None or below 10"),
        (("--teacher-weights", "imagenet"), "--teacher that is a net's name"),
        (("--check",), "store.json"),
    ],
)
def test_wrong_input_ends_with_one_line_and_status_2(words, message, teacher, check_refused):
    check_refused(("--teacher", teacher, "--out", "labels", *words), message)


def test_rows_of_a_plan():
    assert label.row("flip") == ("flip", {})
    assert label.row("jitter:pixels=2,mode=reflect") == ("jitter", {"pixels": 2, "mode": "reflect"})
