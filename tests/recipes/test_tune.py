import json
import os
import pathlib
import signal
import socket
import subprocess
import sys

import keras
import numpy as np
import pytest

import tune

RECIPES = pathlib.Path(tune.__file__).parent


# Nets that are built, traced and trained within a second or two.
TINY = ("--search", "growth", "--smoke", "--depths", "1-1", "--growths", "1", "2", "3")


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
        "best.csv",
        "best.weights.h5",
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


def test_every_trial_fails(recipe, tmp_path, capsys):
    """A depth that the family refuses when it is built."""
    out = tmp_path / "run"
    options = ("--search", "growth", "--smoke", "--model", "CIFARDenseNet", "--depths", "5", "6")
    with pytest.raises(SystemExit) as ended:
        recipe(*options, "--growths", "2", "--out", out)
    assert ended.value.code == 1
    told = capsys.readouterr().err
    assert told.count("ValueError: `depth` is 4 more than a multiple of 3") == 2
    assert "no trial has a result: 0 done, 0 refused, 2 failed" in told
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
    assert np.load(cached).shape == (320, 10)
    assert "soft_loss" in (out / "best.csv").read_text().splitlines()[0]
    assert keras.saving.load_model(out / "best.keras").output_shape == (None, 10)


# Runs the recipe and kills it without a word when it writes a file for the nth time.
KILLED = """
import os, runpy, signal, sys
from kerasnets import files

path, left, real = sys.argv[1], int(sys.argv[2]), files.write_json
sys.argv[:3] = [path]
sys.path.insert(0, os.path.dirname(path))

def write(path, data):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    real(path, data)

files.write_json = write
runpy.run_path(path, run_name="__main__")
"""


def start(*command):
    """A process of its own."""
    words = {**os.environ, "PYTHONPATH": str(RECIPES.parent)}
    command = [sys.executable, *map(str, command)]
    return subprocess.Popen(command, env=words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_a_killed_search_goes_on(recipe, finished, tmp_path):
    """It is killed while its second trial runs."""
    out = tmp_path / "run"
    options = (*TINY, "--budget-mult-adds", "200k", "--out", out)
    process = start("-c", KILLED, RECIPES / "tune.py", 11, *options)
    said = process.communicate(timeout=300)[0]
    assert process.returncode == -signal.SIGKILL, said
    assert not (out / "results.json").exists()
    before = json.loads((out / "search" / "trial_0" / "record.json").read_text())
    assert json.loads((out / "search" / "trial_1" / "record.json").read_text())["status"] == "running"
    recipe(*options, "--resume")
    ended = results(out)["trials"]
    assert ended[0]["seconds"] == before["seconds"]  # it did not run again

    def told(trials):
        return [{k: v for k, v in t.items() if k != "seconds"} for t in trials]

    assert told(ended) == told(results(finished)["trials"])


def test_a_chief_and_two_workers(finished, tmp_path):
    """They finish the trials that one process does, none twice; one trains on two parts of the CPU."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    out = tmp_path / "run"
    options = (*TINY, "--budget-mult-adds", "200k", "--out", out, "--oracle", address)
    roles = (["--chief"], ["--worker", 1, "--replicas", 2], ["--worker", 2])
    parts = [start(RECIPES / "tune.py", *options, *role) for role in roles]
    said = [part.communicate(timeout=300)[0] for part in parts]
    assert [part.returncode for part in parts] == [0, 0, 0], "\n".join(said)
    ours, alone = results(out)["trials"], results(finished)["trials"]
    by_growth = {t["values"]["growth"]: t for t in ours}
    assert len(by_growth) == len(ours) == len(alone)
    assert {t["worker"] for t in ours} <= {"worker-1", "worker-2"}
    assert [t["status"] for t in ours] == [t["status"] for t in alone]
    assert [t["values"] for t in ours] == [t["values"] for t in alone]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--search", "alpha", "--model", "MobilNet"), "'MobileNet'"),
        (("--search", "growth", "--tuner", "hyperbant"), "invalid choice"),
        (("--search", "growth", "--objective", "accuracy"), "invalid choice"),
        (("--search", "growth", "--alphas", "0.5"), "--alphas is no option of --search growth"),
        (("--search", "alpha", "--rhos", "0.5"), "`input_shape` is"),
        (("--search", "alpha", "--dataset", "digitz"), "'digits'"),
        (("--search", "alpha", "--teacher", "none.keras"), "`teacher` is a .keras file that exists"),
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
