import dataclasses
import json

import numpy as np
import pytest

import kerasnets
from kerasnets import data, runs, serving, weights
from kerasnets.distillation import Hint
from kerasnets.runs.data import Data
from nets import check_served

TINY = """
from kerasnets.training import Recipe

RECIPE = Recipe(
    model="MLP800",
    size=8,
    data="generated",
    augmentation=(("flip", {}),),
    rate=0.1,
    batch=32,
    epochs=4,
)
"""
TEACHER = ["--teacher", "MLP800", "--teacher-options", "hidden=(9,)"]
NETS = [*TEACHER, "--student", "MLP800", "--hidden", "(8,)", "--dropout", "0.1"]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    path = tmp_path_factory.mktemp("configs") / "tiny.py"
    path.write_text(TINY)
    return path


@pytest.fixture(scope="module")
def finished(recipe, tiny, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "two"
    recipe("--config", tiny, *NETS, "--teachers", 2, "--epochs", 2, "--plain", "--out", out)
    return out


def test_what_a_run_leaves(finished):
    assert {p.name for p in finished.iterdir()} == {
        "teacher1",
        "teacher2",
        "plain",
        "student",
        "results.json",
    }
    found = json.loads((finished / "results.json").read_text())
    assert list(found) == ["teacher1", "teacher2", "plain student", "distilled student", "teachers together"]
    assert all(0 <= r["top1"] <= r["top5"] <= 1 for r in found.values())
    first, second = ([w.copy() for w in load(finished / f"teacher{i}").get_weights()] for i in (1, 2))
    assert not all(np.array_equal(a, b) for a, b in zip(first, second, strict=True)), "teachers are one"
    history = (finished / "student" / "history.csv").read_text().splitlines()
    assert {"hard_loss", "soft_loss", "val_accuracy"} <= set(history[0].split(","))
    assert len(history) == 3


def load(folder):
    net = kerasnets.build("MLP800", hidden=(9,), input_shape=(8, 8, 1), classes=10)
    net.load_weights(folder / "last.keras")
    return net


def test_what_the_command_line_says_reaches_the_student(recipe, tiny, tmp_path, monkeypatch):
    """Teachers that are read from files are not trained."""
    seen = []

    def stands_in(*args):
        seen.append(args)
        return {"top1": 0.5, "top5": 1.0, "weights": "last.keras"}

    monkeypatch.setattr(runs, "train", stands_in)
    files = [tmp_path / "one.weights.h5", tmp_path / "two.weights.h5"]
    for file in files:
        file.touch()
    out = tmp_path / "run"
    out.mkdir()
    words = (
        "--temperature 2 --hard-weight 0.25 --hint a b --hint c d --hint-weight 3 --hint-epochs 1 --seed 4"
    )
    recipe("--config", tiny, *NETS, "--teacher-weights", *files, *words.split(), "--out", out)
    ((student, folder, options, method),) = seen
    assert (student.model, student.options) == ("MLP800", {"hidden": (8,), "dropout": 0.1})
    assert (folder, options) == (out / "student", runs.Options(seed=4))
    assert method == runs.Distillation(
        teacher=dataclasses.replace(student, options={"hidden": (9,)}),
        files=tuple(map(str, files)),
        temperature=2.0,
        hard_weight=0.25,
        hints=(Hint("a", "b", 3.0), Hint("c", "d", 3.0)),
        hint_epochs=1,
    )
    assert json.loads((out / "results.json").read_text())["distilled student"]["top1"] == 0.5


@pytest.mark.parametrize("words", [(), ("--validation", "0.25")])
def test_a_teacher_has_the_weights_that_were_tested(recipe, tiny, tmp_path, monkeypatch, words):
    seen = []

    def stands_in(made, out, options, method=None):
        seen.append((made.validation, method))
        weights = "last.keras" if made.validation is None else "best.keras"
        return {"top1": 0.5, "top5": 1.0, "weights": weights}

    monkeypatch.setattr(runs, "train", stands_in)
    (tmp_path / "run").mkdir()
    recipe("--config", tiny, *NETS, *words, "--out", tmp_path / "run")
    share, name = (0.25, "best") if words else (None, "last")
    assert [validation for validation, _ in seen] == [share, share]
    assert seen[1][1].files == (str(tmp_path / "run" / "teacher1" / f"{name}.keras"),)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--teacher", "WRN16_9", "--student", "WRN16_8"), "'WRN16_8'"),
        (("--teacher", "WRN16_8", "--student", "WRN16_8", "--wdth", "2"), "'--width'"),
        (("--teacher", "WRN16_8", "--student", "WRN16_8", "--teacher-options", "width"), "alpha=0.5"),
        (("--teacher", "WRN16_8", "--student", "WRN16_8", "--hint-epochs", "1"), "--hint"),
        (("--teacher", "WRN16_8", "--student", "WRN16_8", "--teacher-weights", "no.h5"), "no.h5"),
        (("--teacher", "WRN16_8", "--student", "WRN16_8", "--assistants", "WRN16_9"), "'WRN16_8'"),
        (("--teacher", "WRN16_8", "--student", "WRN16_8", "--assistants", "WRN16_8:wdth=2"), "'--width'"),
        (("--teacher", "WRN16_8", "--student", "WRN16_8", "--teacher-shares", "0.5", "0.5"), "several"),
        (("--teacher", "WRN16_8", "--student", "WRN16_8", "--mutual", "--temperature", "2"), "--temperature"),
        (
            ("--teacher", "WRN16_8", "--student", "WRN16_8", "--generations", "2", "--hint", "a", "b"),
            "--hint",
        ),
    ],
)
def test_wrong_input_ends_with_one_line_and_status_2(options, message, check_refused):
    check_refused(options, message)


def test_what_is_served_is_what_the_run_trained(finished, tmp_path):
    student = finished / "student" / "last.keras"
    path = serving.export(kerasnets.load_model(student), tmp_path)
    net = kerasnets.build(
        "MLP800", hidden=(8,), input_shape=(8, 8, 1), classes=10, classifier_activation=None
    )
    net.load_weights(student)
    stream = data.stream("generated", "test", size=(8, 8, 1), batch_size=8, examples=8)
    pixels = next(iter(stream.dataset))[0].numpy()
    check_served(path, pixels, net, pixels / np.float32(255))
    names = (path / "assets" / "class_names.txt").read_text().splitlines()
    assert tuple(names) == stream.class_names


def test_a_run_that_is_done_is_not_done_again(recipe, tiny, finished, monkeypatch, capsys):
    monkeypatch.setattr(Data, "__init__", None)  # no data is read
    words = ("--config", tiny, *NETS, "--teachers", 2, "--epochs", 2, "--plain", "--resume")
    before = (finished / "results.json").read_text()
    recipe(*words, "--out", finished)
    assert (finished / "results.json").read_text() == before
    assert "teachers together" in capsys.readouterr().out


def test_an_assistant_is_taught_first_and_then_teaches(recipe, tiny, tmp_path, monkeypatch):
    seen = []

    def stands_in(made, out, options, method):
        seen.append((out.name, made.options["hidden"], method.teacher, method.files, method.temperature))
        return {"top1": 0.5, "top5": 1.0, "weights": "last.keras"}

    monkeypatch.setattr(runs, "train", stands_in)
    (file := tmp_path / "one.weights.h5").touch()
    words = ("--teacher-weights", file, "--assistants", "MLP800:hidden=(9,)", "MLP800:hidden=7:dropout=0.1")
    recipe("--config", tiny, *NETS, *words, "--out", tmp_path)
    (_, _, teacher, *_), *others = seen
    assert teacher.options == {"hidden": (9,)}
    assert [row[2] for row in others] == [None, None]  # the files say it all
    names = ("assistant1", "assistant2")
    files = [str(file), *(str(tmp_path / name / "last.keras") for name in names)]
    assert [row[:2] for row in seen] == list(zip((*names, "student"), [(9,), (7,), (8,)], strict=True))
    assert [row[3:] for row in seen] == [((file,), 4.0) for file in files]
    found = json.loads((tmp_path / "results.json").read_text())
    assert list(found) == ["assistant 1, MLP800", "assistant 2, MLP800", "distilled student"]


@pytest.mark.usefixtures("eagerly")
def test_generations_go_on_where_they_were_stopped(recipe, tiny, finished, tmp_path, monkeypatch):
    """Two teachers, of which one counts more, teach the first of two generations by function matching."""
    out, real = tmp_path / "run", runs.train
    files = [finished / f"teacher{i}" / "last.keras" for i in (1, 2)]
    words = ("--config", tiny, *NETS, "--teacher-weights", *files, "--teacher-shares", 3, 1, "--smoke")
    words += ("--data", "generated", "--generations", 2, "--function-matching", "--epochs", 1, "--resume")

    def stops(made, folder, *args):
        if folder.name == "generation2":
            raise KeyboardInterrupt
        return real(made, folder, *args)

    monkeypatch.setattr(runs, "train", stops)
    with pytest.raises(SystemExit):
        recipe(*words, "--out", out)
    monkeypatch.setattr(runs, "train", real)
    before = {p: p.stat().st_mtime_ns for p in out.rglob("*.*")}
    assert {p.parent.name for p in before} >= {"generation1"}
    recipe(*words, "--out", out)
    assert {p: p.stat().st_mtime_ns for p in before} == before
    found = json.loads((out / "results.json").read_text())
    assert list(found)[:3] == ["generation 1", "teachers together", "generation 2"]
    assert list(found)[3:] == ["generations 1 to 2 together"]
    first, second = (json.loads((out / f"generation{k}" / "config.json").read_text()) for k in (1, 2))
    assert (first["files"], first["shares"], first["mean"]) == (list(map(str, files)), [3, 1], "arithmetic")
    assert second["files"] == second["earlier"] == [str(out / "generation1" / "last.keras")]
    assert first["seed"] != second["seed"]
    for row in (first, second):
        assert (row["temperature"], row["hard_weight"], row["soft_weight"]) == (1, 0, 1)
        assert row["augmentation"] == [["flip", {}], ["mixup", {"alpha": 1.0}]]


@pytest.mark.usefixtures("eagerly")
def test_nets_that_learn_from_one_another(recipe, tiny, tmp_path):
    words = ("--config", tiny, *NETS, "--mutual", "--smoke", "--epochs", 1, "--validation", "validation")
    recipe(*words, "--out", tmp_path)
    found = json.loads((tmp_path / "results.json").read_text())
    assert list(found) == ["student", "peer 1, MLP800", "all together"]
    nets = [kerasnets.load_model(tmp_path / "mutual" / f"{name}.keras") for name in ("best", "net2")]
    assert [list(weights.card_of(net).options["hidden"]) for net in nets] == [[8], [9]]
    history = runs.history(tmp_path / "mutual" / "history.csv")
    assert {"peer_loss", "net1_accuracy", "val_net2_accuracy"} <= set(history)
