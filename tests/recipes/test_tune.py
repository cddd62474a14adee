import gc
import json
import os
import shutil
import signal
import socket
import sys
import time

import keras
import numpy as np
import pytest
import tensorflow as tf

import shared
import tune
from kerasnets import files
from kerasnets.distillation import store
from kerasnets.training import distribution
from nets import check_digits_served

pytestmark = pytest.mark.usefixtures("eagerly")

# Nets that are built, traced and trained within a second or two.
TINY = ("--search", "growth", "--smoke", "--depths", "1-1", "--growths", "1", "2", "3")


@pytest.fixture(scope="module", autouse=True)
def no_search_for_garbage():
    """keras-tuner collects it twice before each trial, for a third of a second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gc.collect", lambda *generation: 0)
        yield


def results(out):
    return json.loads((out / "results.json").read_text())


@pytest.fixture(scope="module")
def finished(recipe, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "tiny"
    recipe(*TINY, "--budget-mult-adds", "200k", "--out", out)
    return out


def test_what_a_search_leaves(finished):
    names = {p.name for p in finished.iterdir()}
    assert names == {
        "tune.json",
        "search",
        "results.json",
        "front.png",
        "best.keras",
        "best.json",
        "best.csv",
    }
    assert (finished / "front.png").read_bytes().startswith(b"\x89PNG")
    found = results(finished)
    assert (found["done"], found["refused"], found["failed"]) == (2, 1, 0)
    assert sorted(t["values"]["growth"] for t in found["trials"]) == [1, 2, 3]
    assert [t["status"] for t in found["trials"] if t["mult_adds"] > 200_000] == ["refused"]
    for key in ("values", "status", "val_accuracy", "params", "mult_adds", "seconds"):
        assert all(key in t for t in found["trials"])
    assert found["best"]["score"] == max(t["score"] for t in found["trials"] if t["status"] == "done")
    assert found["front"]


def test_the_best_net_is_the_one_that_is_saved(finished):
    found = results(finished)
    net = keras.saving.load_model(finished / "best.keras")
    assert not net.compiled  # with a loss that only this package has
    assert net.count_params() == found["best"]["params"]
    assert net.predict(np.zeros((2, 32, 32, 3)), verbose=0).shape == (2, 10)
    assert 0 <= found["best"]["test_accuracy"] <= 1
    assert (found["train_examples"], found["validation_examples"], found["test_examples"]) == (256, 64, 320)


def test_the_best_net_is_trained_once_and_anew_when_another_is_best(finished, recipe, tmp_path):
    """Though the training of the one before was stopped."""
    out = tmp_path / "run"
    shutil.copytree(finished, out)
    before = (out / "best.keras").read_bytes()
    again = (*TINY, "--budget-mult-adds", "200k", "--out", out, "--resume")
    recipe(*again)
    assert (out / "best.keras").read_bytes() == before
    assert results(out)["best"] == results(finished)["best"]
    files.write_json(out / "best.json", {"growth": 9, "depths": [1, 1]})
    (out / "best.keras").unlink()
    (out / "best.weights.h5").write_text("the state of the training of a net of growth 9")
    recipe(*again)
    assert not (out / "best.weights.h5").exists()
    assert json.loads((out / "best.json").read_text()) == results(finished)["best"]["values"]
    assert results(out)["best"] == results(finished)["best"]


def test_every_trial_fails(recipe, tmp_path, capsys):
    """A depth that the family refuses when it is built."""
    out = tmp_path / "run"
    options = ("--search", "growth", "--smoke", "--model", "CIFARDenseNet", "--depths", "5", "6")
    with pytest.raises(SystemExit) as ended:
        recipe(*options, "--growths", "2", "--out", out)
    assert ended.value.code == 1
    errors = capsys.readouterr().err
    assert errors.count("ValueError: `depth` is 4 more than a multiple of 3") == 2
    assert "no trial has a result: 0 done, 0 refused, 2 failed" in errors
    assert results(out)["best"] is None
    assert [t["status"] for t in results(out)["trials"]] == ["failed", "failed"]


def test_every_trial_is_over_budget(recipe, tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        recipe(*TINY, "--budget-params", "10", "--out", tmp_path / "run")
    assert ended.value.code == 1
    assert "0 done, 3 refused, 0 failed; the smallest refused net needs" in capsys.readouterr().err


def test_students_of_a_teacher(recipe, tmp_path):
    """The teacher, a net of small grey images, runs once; students meet its logits."""
    teacher = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(10)])
    teacher.save(tmp_path / "teacher.keras")
    out = tmp_path / "run"
    options = ("--growths", "1", "2", "--teacher", tmp_path / "teacher.keras", "--hard-weight", "0.5")
    recipe(*TINY, *options, "--out", out)
    assert results(out)["done"] == 2
    [cached] = (out / "cache").iterdir()
    kept = store.opened(cached)
    assert (len(kept), kept.form.classes) == (320, 10)
    assert "soft_loss" in (out / "best.csv").read_text().splitlines()[0]
    assert keras.saving.load_model(out / "best.keras").output_shape == (None, 10)


def search(words, log, moment=None):
    """Runs the recipe, what it prints going to a file. Is killed when it writes JSON for the nth time."""
    with open(log, "w") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    wait, write, count = time.sleep, files.write_json, 0

    def write_until(path, content):
        nonlocal count
        count += 1
        if count == moment:
            os.kill(os.getpid(), signal.SIGKILL)
        write(path, content)

    files.write_json = write_until
    time.sleep = lambda seconds: wait(min(seconds, 0.5))  # the chief looks for ended workers every 20
    gc.collect = lambda *generation: 0
    tf.config.run_functions_eagerly(True)
    sys.argv = ["tune.py", *map(str, words)]
    shared.run(tune.main)


def test_a_killed_search_goes_on(recipe, finished, apart, tmp_path):
    """It is killed while its second trial runs."""
    out = tmp_path / "run"
    words = (*TINY, "--budget-mult-adds", "200k", "--out", out)
    killed = apart((search, words, tmp_path / "log", 11))
    assert killed == [-signal.SIGKILL], (tmp_path / "log").read_text()
    assert not (out / "results.json").exists()
    before = json.loads((out / "search" / "trial_0" / "record.json").read_text())
    assert json.loads((out / "search" / "trial_1" / "record.json").read_text())["status"] == "running"
    recipe(*words, "--resume")
    trials = results(out)["trials"]
    assert trials[0]["seconds"] == before["seconds"]  # it did not run again

    def without_seconds(trials):
        return [{k: v for k, v in t.items() if k != "seconds"} for t in trials]

    assert without_seconds(trials) == without_seconds(results(finished)["trials"])


def test_a_chief_and_two_workers(finished, apart, tmp_path):
    """They finish the trials that one process does, none twice."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    words = (*TINY, "--budget-mult-adds", "200k", "--out", tmp_path / "run", "--oracle", address)
    own = {"chief": ["--chief"], "first": ["--worker", 1], "second": ["--worker", 2]}
    ended = apart(*[(search, (*words, *more), tmp_path / name) for name, more in own.items()])
    assert ended == [None] * 3, [(tmp_path / name).read_text() for name in own]
    ours, alone = results(tmp_path / "run")["trials"], results(finished)["trials"]
    by_growth = {t["values"]["growth"]: t for t in ours}
    assert len(by_growth) == len(ours) == len(alone)
    assert {t["worker"] for t in ours} <= {"worker-1", "worker-2"}
    assert [t["status"] for t in ours] == [t["status"] for t in alone]
    assert [t["values"] for t in ours] == [t["values"] for t in alone]


def test_trials_are_trained_on_the_replicas_that_are_asked_for(recipe, monkeypatch, tmp_path, capsys):
    """tests/training trains on them."""

    def stands_in(settings, recipe, out, strategy):
        raise ValueError(f"searches on {strategy}")

    monkeypatch.setattr(distribution, "mirrored", lambda count: f"{count} parts")
    monkeypatch.setattr("kerasnets.runs.search.Search", stands_in)
    with pytest.raises(SystemExit):
        recipe(*TINY, "--replicas", 2, "--out", tmp_path / "run")
    assert "searches on 2 parts" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--search", "alpha", "--model", "MobilNet"), "'MobileNet'"),
        (("--search", "growth", "--tuner", "hyperbant"), "invalid choice"),
        (("--search", "growth", "--objective", "accuracy"), "invalid choice"),
        (("--search", "growth", "--alphas", "0.5"), "--alphas is not an option of --search growth"),
        (("--search", "alpha", "--rhos", "0.5"), "`input_shape` is"),
        (("--search", "alpha", "--dataset", "digitz"), "'digits'"),
        (("--search", "alpha", "--teacher", "none.keras"), "file that exists"),
        (("--search", "alpha", "--chief"), "--oracle HOST:PORT comes with --chief"),
        (("--search", "alpha", "--oracle", "here:1"), "--oracle HOST:PORT comes with --chief"),
        (("--search", "alpha", "--oracle", "here", "--chief"), "`oracle` is HOST:PORT"),
        (("--search", "alpha", "--oracle", "here:1", "--worker", "chief2"), "`worker` is a name"),
        (("--search", "alpha", "--batch-size", "3", "--replicas", "2"), "`batch`"),
        (("--search", "beta"), "invalid choice"),
        (("--search", "alpha", "--budget-mult-adds", "50X"), "a number, at least 1, such as 500k"),
    ],
)
def test_what_is_refused(recipe, options, words, tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        recipe("--smoke", *options, "--out", tmp_path / "run")
    assert ended.value.code == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("text", "value"), [("500k", 500_000), ("50M", 50_000_000), ("1.5G", 1_500_000_000)])
def test_amounts(text, value):
    assert tune.amount(text) == value


def test_what_is_served_is_what_the_run_trained(finished, tmp_path):
    served = check_digits_served(finished / "best.keras", tmp_path)
    assert served == [*"0123456789"]


def test_a_search_that_is_done_is_kept(finished, check_kept):
    best = results(finished)["best"]
    measures = {name: best[name] for name in ("val_accuracy", "test_accuracy")}
    check_kept(finished, (*TINY, "--budget-mult-adds", "200k"), measures)
