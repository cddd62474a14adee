import csv
import json
import os
import pathlib
import random
import runpy
import signal
import subprocess
import sys

import h5py
import keras
import numpy as np
import pytest

import kerasnets
import train
from kerasnets.training import Recipe

RECIPES = pathlib.Path(train.__file__).parent
CONFIGS = sorted((RECIPES / "configs").glob("*.py"))
# A net with batch normalisation and dropout, augmentation, an average of the weights, and a plateau.
TINY = """
from kerasnets.training import Recipe

RECIPE = Recipe(
    model="WRN16_8",
    options=dict(depth=10, width=1, dropout=0.3),
    size=8,
    data="generated",
    augmentation=(("pad_crop", dict(pixels=1)), ("flip", {})),
    optimizer=("sgd", dict(momentum=0.9, nesterov=True)),
    rate=0.1,
    schedule=("plateau", dict(patience=1, factor=0.5)),
    loss=("crossentropy", dict(label_smoothing=0.1)),
    weight_decay=1e-4,
    ema=0.9,
    batch=32,
    epochs=6,
)
"""


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    path = tmp_path_factory.mktemp("configs") / "tiny.py"
    path.write_text(TINY)
    return path


@pytest.fixture(scope="module")
def finished(recipe, tiny, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "whole"
    recipe(tiny, "--out", out)
    return out


@pytest.mark.parametrize("path", CONFIGS, ids=lambda p: p.stem)
def test_a_config_tells_its_command_source_and_result(path):
    module = runpy.run_path(str(path))
    assert isinstance(module["RECIPE"], Recipe)
    text = module["__doc__"]
    assert f"python recipes/train.py {path.stem}" in text
    assert "Published" in text
    assert "arXiv" in text or "Proc. IEEE" in text or "NIPS" in text
    net = train.spec_of(module["RECIPE"])
    assert len(train.sides(module["RECIPE"])) == len(net.min_grid)


def test_the_configs_are_all_there():
    assert len(CONFIGS) >= 19


@pytest.mark.parametrize("config", ["lenet5_mnist", "capsnet_mnist", "squeezenet_imagenet"])
def test_smoke(recipe, config, tmp_path):
    recipe(config, "--smoke", "--out", tmp_path / "run")
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    assert 0 <= results["top1"] <= results["top5"] <= 1
    assert results["epochs"] == 2


def test_what_a_run_leaves(finished):
    names = {p.name for p in finished.iterdir()}
    assert names == {
        "config.json",
        "history.csv",
        "curves.png",
        "tensorboard",
        "best.weights.h5",
        "last.weights.h5",
        "results.json",
    }
    assert (finished / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert list((finished / "tensorboard").rglob("events.*"))
    config = json.loads((finished / "config.json").read_text())
    assert (config["model"], config["epochs"], config["seed"]) == ("WRN16_8", 6, 0)
    with open(finished / "history.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["epoch"]) for row in rows] == list(range(6))
    assert {float(row["learning_rate"]) for row in rows} <= {np.float32(0.1 * 0.5**i) for i in range(6)}


def test_the_best_weights_are_those_of_the_best_epoch(finished):
    """They fit the net as users build it, and have the accuracy that the history tells of that epoch."""
    from kerasnets import data
    from kerasnets.applications import wide_resnet

    results = json.loads((finished / "results.json").read_text())
    net = kerasnets.build(
        "WRN16_8",
        depth=10,
        width=1,
        input_shape=(8, 8, 3),
        weights=finished / "best.weights.h5",
    )
    test = data.stream("generated", "test", size=(8, 8, 3), batch_size=64)
    images, labels = data.to_arrays(test.dataset)
    scores = net.predict(wide_resnet.preprocess_input(images), verbose=0)
    error = 100 * float(np.mean(scores.argmax(1) != labels))
    assert error == pytest.approx(results["best_epoch_error"], abs=0.01)
    assert error < 60  # of 90 by chance


def weights(folder):
    """All arrays of the state of a run, the optimizer's and the random ones too, by name."""
    found = {}
    with h5py.File(folder / "last.weights.h5") as file:
        file.visititems(lambda name, part: found.update({name: part[()]} if hasattr(part, "shape") else {}))
    return found


# Runs the recipe and kills it without a word at one of its moments: a step, an array that is written into a
# file of HDF5, or a file that is put in its place.
KILLED = """
import os, runpy, signal, sys
import h5py
from kerasnets.training import Checkpoint

left = int(sys.argv[1])

def watch(owner, name):
    real = getattr(owner, name)
    def watched(*args, **kwargs):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*args, **kwargs)
    setattr(owner, name, watched)

watch(os, "replace")
watch(h5py.Group, "__setitem__")
watch(Checkpoint, "on_train_batch_end")
sys.argv = sys.argv[2:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def run_apart(config, out, moment, *options):
    """A run in a process of its own, killed at a moment if that comes, and how it ended."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(RECIPES.parent), str(RECIPES)])}
    command = [config, "--out", out, "--save-every", 0, *options]
    command = [sys.executable, "-c", KILLED, moment, RECIPES / "train.py", *command]
    done = subprocess.run([str(word) for word in command], env=environment, capture_output=True, text=True)
    return done.returncode, done.stderr


def test_a_killed_run_ends_with_the_weights_it_would_have_had(tiny, finished, tmp_path):
    """Killed at three random moments, at least one of them within an epoch."""
    out = tmp_path / "killed"
    draw = random.Random(1)
    kept = []
    for kill in range(3):
        ended, words = run_apart(tiny, out, draw.randint(1000, 2500), *(["--resume"] if kill else []))
        assert ended == -signal.SIGKILL, words
        with h5py.File(out / "last.weights.h5") as file:  # whole, whatever was being written
            kept.append(int(file.attrs["kerasnets_step"]))
    assert kept == sorted(set(kept))
    assert any(step % 8 for step in kept)
    ended, words = run_apart(tiny, out, 0, "--resume")
    assert ended == 0, words
    one, other = weights(finished), weights(out)
    assert set(one) == set(other)
    for name, value in one.items():
        np.testing.assert_allclose(other[name], value, atol=1e-6, err_msg=name)
    tables = [np.genfromtxt(d / "history.csv", delimiter=",", names=True) for d in (finished, out)]
    for name in tables[0].dtype.names:
        np.testing.assert_allclose(tables[1][name], tables[0][name], rtol=1e-4, atol=1e-5, err_msg=name)


def test_a_loss_that_is_no_number_stops_the_run(recipe, tmp_path, capsys):
    path = tmp_path / "wild.py"
    path.write_text(TINY.replace("rate=0.1", "rate=1e30"))
    with pytest.raises(SystemExit) as ended:
        recipe(path, "--out", tmp_path / "run")
    assert ended.value.code == 2
    message = capsys.readouterr().err.splitlines()[-1]
    assert "at step" in message
    assert "rate of 1e+30" in message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("resnet20_cifar",), "'resnet20_cifar10'"),
        (("no/such/file.py",), "`config`"),
        (("resnet20_cifar10", "--data", "digit"), "'digits'"),
        (("resnet20_cifar10", "--precision", "half"), "`precision`"),
        (("resnet20_cifar10", "--replicas", "0"), "at least 1"),
        (("resnet20_cifar10", "--epochs", "0"), "at least 1"),
    ],
)
def test_wrong_input_ends_with_one_line_and_status_2(options, message, check_refused):
    check_refused(options, message)


def test_corrupt_images_are_named_or_refused(recipe, tmp_path, capsys):
    draw = np.random.default_rng(0)
    for place in ("train/cat", "train/dog", "test/cat", "test/dog"):
        folder = tmp_path / "pets" / place
        folder.mkdir(parents=True)
        for i in range(2):
            keras.utils.save_img(folder / f"{i}.png", draw.random((9, 9, 3)))
    (tmp_path / "pets" / "train" / "cat" / "bad.png").write_bytes(b"no image")
    small = tmp_path / "small.py"
    small.write_text(TINY.replace("epochs=6", "epochs=2").replace('"generated"', '"pets"'))
    recipe(small, "--data-dir", tmp_path / "pets", "--out", tmp_path / "run")
    assert "train/cat/bad.png" in capsys.readouterr().out
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    assert results["skipped_images"] == ["train/cat/bad.png"]
    assert (results["train_examples"], results["test_examples"]) == (4, 4)
    with pytest.raises(SystemExit) as ended:
        recipe(small, "--data-dir", tmp_path / "pets", "--strict", "--out", tmp_path / "other")
    assert ended.value.code == 2
    assert "train/cat/bad.png" in capsys.readouterr().err
    assert not (tmp_path / "other").exists()


def test_a_recipe_must_be_one(recipe, tmp_path, capsys):
    (tmp_path / "empty.py").write_text("RECIPE = None\n")
    with pytest.raises(SystemExit):
        recipe(tmp_path / "empty.py")
    assert "RECIPE" in capsys.readouterr().err


def test_other_settings_cannot_resume(recipe, finished, tiny, capsys):
    with pytest.raises(SystemExit):
        recipe(tiny, "--batch-size", 16, "--out", finished, "--resume")
    assert "batch was 32" in capsys.readouterr().err


def test_epochs_stretch_the_schedule(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["train.py", "resnet20_cifar10", "--epochs", "82"])
    short = train.adapted(train.read(train.find("resnet20_cifar10")), train.options())
    assert short.epochs == 82
    assert short.schedule[1]["at"] == (41, 61.5)
    assert short.rate == 0.1
