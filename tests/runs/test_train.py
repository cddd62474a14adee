import csv
import dataclasses
import json
import os
import signal

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf

import kerasnets
from kerasnets import cli, data, runs, training
from kerasnets.applications import wide_resnet
from kerasnets.runs.data import Data, rows_for_tests
from kerasnets.runs.train import build
from kerasnets.training import Recipe
from kerasnets.weights import read_card


def test_what_a_run_leaves(finished):
    names = {p.name for p in finished.iterdir()}
    assert names == {
        "config.json",
        "history.csv",
        "curves.png",
        "tensorboard",
        "best.keras",
        "last.keras",
        "state.weights.h5",
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


def error_of(weights, split):
    """The error of a net as users build it, with the weights of a file, in percent."""
    net = kerasnets.build("WRN16_8", depth=10, width=1, input_shape=(8, 8, 3), weights=weights)
    stream = data.stream("generated", split, size=(8, 8, 3), batch_size=64)
    images, labels = data.to_arrays(stream.dataset)
    scores = net.predict(wide_resnet.preprocess_input(images), verbose=0)
    return 100 * float(np.mean(scores.argmax(1) != labels))


def test_validation_data_choose_the_best_epoch_which_is_tested(finished):
    results = json.loads((finished / "results.json").read_text())
    errors = [100 * (1 - share) for share in runs.history(finished / "history.csv")["val_accuracy"]]
    best = min(errors)
    assert results["best_epoch"] == len(errors) - errors[::-1].index(best)  # the last of equal ones
    assert results["best_epoch_error"] == pytest.approx(best, abs=0.01)
    assert error_of(finished / "best.keras", "validation") == pytest.approx(best, abs=0.01)
    assert error_of(finished / "last.keras", "validation") == pytest.approx(errors[-1], abs=0.01)
    assert results["weights"] == "best.keras"
    tested = error_of(finished / "best.keras", "test")
    assert 100 * (1 - results["top1"]) == pytest.approx(tested, abs=0.01)
    assert tested < 60  # of 90 by chance


@pytest.mark.usefixtures("eagerly")
def test_test_data_choose_nothing(tiny, tmp_path, monkeypatch):
    """Whatever they are, the run ends with the same weights, those of the last epoch."""
    small = dict(model="MLP800", options=dict(hidden=(8,)), epochs=2, ema=None, batch=64)
    recipe = dataclasses.replace(tiny, validation=None, **small)
    results = runs.train(recipe, tmp_path / "run", runs.Options(steps=2))
    assert results["weights"] == "last.keras"
    assert not {"best_epoch", "best_epoch_error"} & set(results)
    assert not (tmp_path / "run" / "best.keras").exists()
    wrong = Data.stream

    def stream(self, split, *args, **changes):
        return wrong(self, "train" if split == "test" else split, *args, **changes)

    monkeypatch.setattr(Data, "stream", stream)
    runs.train(recipe, tmp_path / "other", runs.Options(steps=2))
    one, other = weights(tmp_path / "run"), weights(tmp_path / "other")
    for name, value in one.items():
        np.testing.assert_array_equal(other[name], value, err_msg=name)


def test_validation_data_are_held_out_of_the_training_data(tiny):
    recipe = dataclasses.replace(tiny, validation=0.25)
    read = Data(recipe, runs.Options())
    sizes = (read.training.examples, read.watched.examples, read.testing.examples)
    assert sizes == (192, 64, 256)
    assert "192 examples to train on, 64 to choose by, 256 to test on" in read.summary()
    held_out = data.to_arrays(read.validation(build(read)))[0]
    own = data.stream(
        "generated", "train", size=(8, 8, 3), batch_size=64, validation_split=0.25, subset="validation"
    )
    np.testing.assert_allclose(recipe.scale.undo(held_out), data.to_arrays(own.dataset)[0], atol=1e-3)


def test_validation_data_that_are_the_test_data_are_refused(tiny, tmp_path):
    for place in ("train/cat", "train/dog", "test/cat", "test/dog"):
        (tmp_path / place).mkdir(parents=True)
        for i in range(2):
            keras.utils.save_img(tmp_path / place / f"{i}.png", np.zeros((9, 9, 3)))
    recipe = dataclasses.replace(tiny, data="pets")
    with pytest.raises(ValueError, match="`validation` is other data than 'test', which is the same in"):
        Data(recipe, runs.Options(data_dir=tmp_path))


def weights(folder):
    """All arrays of the state of a run, the optimizer's and the random ones too, by name."""
    found = {}
    with h5py.File(folder / "state.weights.h5") as file:
        file.visititems(lambda name, part: found.update({name: part[()]} if hasattr(part, "shape") else {}))
    return found


def train_until(left, recipe, out):
    """Trains, and is killed at a moment: a step, an array that is written, or a file that is put in place."""

    def watch(owner, name):
        real = getattr(owner, name)

        def watched(*args, **kwargs):
            nonlocal left
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*args, **kwargs)

        setattr(owner, name, watched)

    watch(os, "replace")
    watch(h5py.Group, "__setitem__")
    watch(training.Checkpoint, "on_train_batch_end")
    runs.train(recipe, out, runs.Options(save_every=0))


def test_a_killed_run_ends_with_the_weights_it_would_have_had(apart, tiny, finished, tmp_path):
    """Killed within an epoch. tests/training kills a smaller run three times."""
    out = tmp_path / "killed"
    assert apart((train_until, 1500, tiny, out)) == [-signal.SIGKILL]
    with h5py.File(out / "state.weights.h5") as file:  # which is whole in any case
        step = int(file.attrs["kerasnets_step"])
    assert 8 < step < 5 * 8
    assert step % 8
    runs.train(tiny, out, runs.Options(resume=True))
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
    small = dict(epochs=2, model="MLP800", options=dict(hidden=(8,)))
    recipe = dataclasses.replace(tiny, data="cifar10", validation=None, **small)
    results = runs.train(recipe, tmp_path / "run", runs.Options(data_dir=tmp_path / "pets"))
    said = capsys.readouterr().out
    assert " on pets: 4 examples" in said  # the folder, not the dataset of the recipe
    assert "1 image cannot be decoded: train/cat/bad.png" in said
    assert read_card(tmp_path / "run" / "last.keras").training["data"] == "pets"
    assert results == json.loads((tmp_path / "run" / "results.json").read_text())
    assert results["skipped_images"] == ["train/cat/bad.png"]
    assert (results["train_examples"], results["test_examples"]) == (4, 4)
    with pytest.raises(ValueError, match="train/cat/bad.png"):
        runs.train(recipe, tmp_path / "other", runs.Options(data_dir=tmp_path / "pets", strict=True))
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    ("options", "center", "whole"),
    [
        ({}, {}, {}),
        ({"sizes": (9, 12)}, {"shorter": 9}, {"shorter": 12}),
        ({"sizes": 9, "interpolation": "bicubic"},) + ({"shorter": 9, "interpolation": "bicubic"},) * 2,
        ({"antialias": False}, {"antialias": False}, {"antialias": False}),
    ],
)
def test_test_images_are_resized_as_the_evaluation_says(tiny, options, center, whole):
    recipe = dataclasses.replace(tiny, evaluation=("center", options), augmentation=("flip",))
    assert rows_for_tests(recipe) == (("center_crop", center),)
    assert rows_for_tests(recipe, whole=True) == (("whole", whole),)
    with pytest.raises(ValueError, match="`interpolation`"):
        dataclasses.replace(tiny, evaluation=("center", {"interpolation": "area"}))


def test_a_protocol_may_have_scales_of_its_own(tiny):
    recipe = dataclasses.replace(tiny, evaluation=("144_crops", {}))
    assert recipe.test_scales == (256, 288, 320, 352)
    assert rows_for_tests(recipe, whole=True)[0] == ("whole", {"shorter": 352})


def test_a_batch_that_the_devices_cannot_share_is_refused_first(tiny, tmp_path):
    with pytest.raises(ValueError, match="`batch` is a multiple of 3"):
        runs.train(dataclasses.replace(tiny, replicas=3), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_what_is_trained_is_what_is_served(finished, tmp_path):
    """From the weights of a run by the command's export to answers to raw images."""
    net = ["WRN16_8", "--depth", "10", "--width", "1", "--input", "8x8"]
    weights = str(finished / "best.keras")
    assert cli.main(["export", *net, "--weights", weights, "--out", str(tmp_path)]) == 0
    served = tf.saved_model.load(tmp_path / "WRN16_8" / "1").signatures["serving_default"]
    images, labels = data.to_arrays(data.stream("generated", "test", size=(8, 8, 3), batch_size=64).dataset)
    scores = served(images=tf.constant(images, "float32"))["probabilities"].numpy()
    results = json.loads((finished / "results.json").read_text())
    assert np.mean(scores.argmax(1) == labels) == pytest.approx(results["top1"], abs=1e-4)


@pytest.mark.parametrize(
    ("model", "options", "main"), [("LeNet5", {}, ""), ("CapsNet", dict(decoder=True), "predictions_")]
)
@pytest.mark.parametrize("validation", [None, "validation"])
def test_what_a_run_chooses_by(monkeypatch, tmp_path, model, options, main, validation):
    """The plateau and the best epoch are those of the accuracy of the main output, as it is logged."""
    recipe = Recipe(
        model=model,
        options=options,
        data="generated",
        validation=validation,
        rate=0.1,
        schedule=("plateau", dict(patience=1)),
        batch=2,
        epochs=2,
    )
    read = Data(recipe, runs.Options(steps=1))
    net, method, seen = build(read), runs.Supervised(), []
    trained = method.compiled(net, read)
    monkeypatch.setattr(training, "fit", lambda *_, callbacks, **__: seen.extend(callbacks))
    method.fit(trained, net, read, tmp_path)
    monitors = {type(c).__name__: c.monitor for c in seen if hasattr(c, "monitor")}
    if validation is None:
        assert monitors == {"Plateau": f"{main}accuracy"}
    else:
        assert monitors == dict.fromkeys(("Plateau", "Best"), f"val_{main}accuracy")


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
