import csv
import dataclasses
import json
import os
import pathlib
import pickle
import random
import signal
import subprocess
import sys

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf

import kerasnets
from kerasnets import cli, data, runs
from kerasnets.applications import wide_resnet
from kerasnets.runs.data import Data
from kerasnets.runs.train import build
from kerasnets.training import Recipe

ROOT = pathlib.Path(kerasnets.__file__).parents[1]


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
    """They fit the net as users build it, and have the accuracy that the history has for that epoch."""
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


# Forks a process for each of some moments, so that what a run needs is imported once. Each trains, and kills
# itself without a word at its moment: a step, an array that is written into a file of HDF5, or a file that is
# put in its place. Prints how each ended, and the step of its checkpoint, which is whole in any case.
KILLED = """
import json, os, pickle, signal, sys
import h5py
from kerasnets import runs
from kerasnets.training import Checkpoint

recipe, out, moments = pickle.load(sys.stdin.buffer)

def watch(owner, name):
    real = getattr(owner, name)
    def watched(*args, **kwargs):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*args, **kwargs)
    setattr(owner, name, watched)

ended = []
for kill, left in enumerate(moments):
    pid = os.fork()
    if not pid:
        try:
            watch(os, "replace")
            watch(h5py.Group, "__setitem__")
            watch(Checkpoint, "on_train_batch_end")
            runs.train(recipe, out, runs.Options(save_every=0, resume=kill > 0))
        finally:
            os._exit(1)
    _, status = os.waitpid(pid, 0)
    with h5py.File(out / "last.weights.h5") as file:
        ended.append((os.waitstatus_to_exitcode(status), int(file.attrs["kerasnets_step"])))
print(json.dumps(ended))
"""


def test_a_killed_run_ends_with_the_weights_it_would_have_had(tiny, finished, tmp_path):
    """Killed at two random moments, at least one of them within an epoch."""
    out = tmp_path / "killed"
    draw = random.Random(1)
    done = subprocess.run(
        [sys.executable, "-c", KILLED],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        input=pickle.dumps((tiny, out, [draw.randint(1000, 2500) for _ in range(2)])),
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr.decode()[-3000:]
    ended, kept = zip(*json.loads(done.stdout.splitlines()[-1]), strict=True)
    assert ended == (-signal.SIGKILL,) * 2
    assert 0 < kept[0] < kept[1] < 6 * 8
    assert any(step % 8 for step in kept)
    runs.train(tiny, out, runs.Options(save_every=0, resume=True))
    one, other = weights(finished), weights(out)
    assert set(one) == set(other)
    for name, value in one.items():
        np.testing.assert_allclose(other[name], value, atol=1e-6, err_msg=name)
    tables = [np.genfromtxt(d / "history.csv", delimiter=",", names=True) for d in (finished, out)]
    for name in tables[0].dtype.names:
        np.testing.assert_allclose(tables[1][name], tables[0][name], rtol=1e-4, atol=1e-5, err_msg=name)


def test_nan_stops_the_run(tiny, tmp_path):
    wild = dataclasses.replace(tiny, rate=1e30, model="MLP800", options=dict(hidden=(8,)))
    with pytest.raises(FloatingPointError, match=r"at step .*rate of 1e\+30"):
        runs.train(wild, tmp_path / "run")


def test_corrupt_images_are_named_or_refused(tiny, tmp_path, capsys):
    draw = np.random.default_rng(0)
    for place in ("train/cat", "train/dog", "test/cat", "test/dog"):
        folder = tmp_path / "pets" / place
        folder.mkdir(parents=True)
        for i in range(2):
            keras.utils.save_img(folder / f"{i}.png", draw.random((9, 9, 3)))
    (tmp_path / "pets" / "train" / "cat" / "bad.png").write_bytes(b"no image")
    recipe = dataclasses.replace(tiny, data="pets", epochs=2, model="MLP800", options=dict(hidden=(8,)))
    results = runs.train(recipe, tmp_path / "run", runs.Options(data_dir=tmp_path / "pets"))
    assert "train/cat/bad.png" in capsys.readouterr().out
    assert results == json.loads((tmp_path / "run" / "results.json").read_text())
    assert results["skipped_images"] == ["train/cat/bad.png"]
    assert (results["train_examples"], results["test_examples"]) == (4, 4)
    with pytest.raises(ValueError, match="train/cat/bad.png"):
        runs.train(recipe, tmp_path / "other", runs.Options(data_dir=tmp_path / "pets", strict=True))
    assert not (tmp_path / "other").exists()


def test_a_batch_that_the_devices_cannot_share_is_refused_first(tiny, tmp_path):
    with pytest.raises(ValueError, match="`batch` is a multiple of 3"):
        runs.train(dataclasses.replace(tiny, replicas=3), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_what_is_trained_is_what_is_served(finished, tmp_path):
    """From the weights of a run by the command's export to answers to raw images."""
    net = ["WRN16_8", "--depth", "10", "--width", "1", "--input", "8x8"]
    weights = str(finished / "best.weights.h5")
    assert cli.main(["export", *net, "--weights", weights, "--out", str(tmp_path)]) == 0
    served = tf.saved_model.load(tmp_path / "WRN16_8" / "1").signatures["serving_default"]
    images, labels = data.to_arrays(data.stream("generated", "test", size=(8, 8, 3), batch_size=64).dataset)
    scores = served(images=tf.constant(images, "float32"))["probabilities"].numpy()
    results = json.loads((finished / "results.json").read_text())
    assert 100 * np.mean(scores.argmax(1) != labels) == pytest.approx(results["best_epoch_error"], abs=0.01)


def test_one_hot_labels_where_images_are_mixed(tiny):
    """Both splits have them, so that the same metrics fit both; the evaluation has class numbers."""
    mixed = dataclasses.replace(tiny, augmentation=(("mixup", {}),))
    read = Data(mixed, runs.Options(steps=1))
    net = build(read)
    for batches in (read.batches(net), read.validation(net)):
        _, labels = next(batches.as_numpy_iterator())
        assert labels.shape == (32, 10)
        np.testing.assert_allclose(labels.sum(1), 1, rtol=1e-6)
    _, labels = next(read.images().as_numpy_iterator())
    assert labels.shape == (32,)


def test_tiny_recipes():
    recipe = Recipe(model="VGG16", data="imagenet2012", rate=0.01, batch=256, epochs=74, size=(100, 224))
    small = runs.tiny(recipe, devices=2)
    assert (small.size, small.batch, small.epochs, small.data) == ((50, 112), 4, 2, "generated")
    assert small.rate == pytest.approx(0.01 * 4 / 256)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("seed", -1),
        ("seed", 2**32),
        ("steps", 0),
        ("steps", 1.5),
        ("save_every", -1),
        ("save_every", "60"),
        ("hosts", 0),
        ("resume", "no"),
        ("strict", None),
    ],
)
def test_wrong_options_are_refused_before_a_run(name, value):
    with pytest.raises(ValueError, match=f"`{name}` is .*Received: {name}={value!r}$"):
        runs.Options(**{name: value})


def test_wrong_arguments_are_refused_before_data_is_read(tmp_path):
    recipe = Recipe(model="LeNet5", data="missing", rate=0.1, batch=2, epochs=1)
    file = tmp_path / "file"
    file.touch()
    for argument, call in {
        "recipe": ("resnet20", tmp_path / "run"),
        "out": (recipe, file),
        "options": (recipe, tmp_path / "run", {"seed": 1}),
        "method": (recipe, tmp_path / "run", None, runs.Supervised),
    }.items():
        with pytest.raises(ValueError, match=f"^`{argument}` is "):
            runs.train(*call)
    assert list(tmp_path.iterdir()) == [file]
