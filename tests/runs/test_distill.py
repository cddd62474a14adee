import dataclasses
import json

import keras
import numpy as np
import pytest

import kerasnets
from kerasnets import runs
from kerasnets.distillation import Hint
from kerasnets.runs.data import Data
from kerasnets.runs.train import build
from kerasnets.training import Recipe


@pytest.fixture(scope="module")
def student():
    return Recipe(
        model="WRN16_8",
        options=dict(depth=10, width=1),
        size=8,
        data="generated",
        augmentation=(("flip", {}),),
        rate=0.1,
        batch=32,
        epochs=2,
    )


def layer(recipe):
    net = kerasnets.build(recipe.model, **recipe.options, input_shape=recipe.shape)
    return next(x.name for x in net.layers if isinstance(x, keras.layers.Add))


def test_hints_come_first_and_the_student_learns(student, finished, tmp_path):
    """The student of a trained teacher, guided by hints at first, learns more than chance."""
    hint = Hint(layer(student), layer(student))
    method = runs.Distillation(
        teacher=student, files=(str(finished / "best.keras"),), hints=(hint,), hint_epochs=1
    )
    results = runs.train(student, tmp_path, method=method)
    assert results["top1"] > 0.2  # 0.1 by chance
    hints = (tmp_path / "hints.csv").read_text().splitlines()
    assert len(hints) == 2
    assert "hint_loss" in hints[0]
    history = runs.history(tmp_path / "history.csv")
    assert {"hard_loss", "soft_loss", "val_accuracy"} <= set(history)
    assert "hint_loss" not in history


def test_settings_decide_whether_a_run_is_resumed(student):
    method = runs.Distillation(teacher=student, files=("file.h5",), temperature=2.0)
    assert method.settings() == {
        "teacher_model": "WRN16_8",
        "teacher_options": {"depth": 10, "width": 1},
        "files": ("file.h5",),
        "digests": [None],
        "method": "kl",
        "temperature": 2.0,
        "hard_weight": 0.1,
        "soft_weight": None,
        "standardize": False,
        "warm_up": 0,
        "hints": [],
        "maps": (),
        "hint_epochs": 0,
        "mean": "geometric",
        "shares": None,
        "earlier": (),
    }


def test_a_teacher_sees_images_on_its_own_scale(student, finished, tmp_path):
    data = Data(student, runs.Options(steps=1))
    files = (str(finished / "best.keras"),)
    same = runs.Distillation(teacher=student, files=files).teachers(data)
    scaled = dataclasses.replace(student, scaling="caffe")
    with pytest.raises(
        ValueError, match="`scaling` is None or that of .*, 'torch'. Received: scaling='caffe'"
    ):
        runs.Distillation(teacher=scaled, files=files).teachers(data)
    bare = tmp_path / "bare.weights.h5"  # says nothing of its scaling
    same.save_weights(bare)
    other = runs.Distillation(teacher=scaled, files=(str(bare),)).teachers(data)
    images = np.random.default_rng(0).uniform(0, 255, (2, 8, 8, 3)).astype("float32")
    expected = same.predict(scaled.scale(images), verbose=0)
    found = other.predict(student.scale(images), verbose=0)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)


def test_methods_bring_their_weights_and_find_their_layers(student, finished):
    fields = runs.published(["dkd", "attention"], epochs=24)
    method = runs.Distillation(teacher=student, files=(str(finished / "best.keras"),), **fields)
    data = Data(student, runs.Options(steps=1))
    made = method.distiller(build(data), data)
    assert (made.method, made.hard_weight, made.soft_weight, made.warm_up) == ("dkd", 1.0, 1.0, 2)
    assert [hint.weight for hint in made.hints] == [1000.0] * 3  # RepDistiller, for each of three stages
    shapes = [made.student.get_layer(hint.student_layer).output.shape[1] for hint in made.hints]
    assert shapes == [8, 4, 2]
    with pytest.raises(ValueError, match="`maps` is empty for several teachers"):
        runs.Distillation(files=("a.keras", "b.keras"), maps=("attention",))


def test_several_teachers_are_tested_together(student, finished):
    method = runs.Distillation(teacher=student, files=(str(finished / "best.keras"),) * 2)
    data = Data(student, runs.Options(steps=1))
    net = build(data)
    found, _ = method.test(net, data)
    assert found["ensemble"]["protocol"] == "center"
    assert found["ensemble"]["top1"] > 0.2


def test_settings_are_json_data_whatever_the_losses_are():
    """Runs keep them, and so compare them when they go on."""

    def loss(*_):
        return None

    hint = Hint("a", "b", np.float32(2.0), loss=loss)
    options = dict(method=loss, temperature=np.float32(2.0), hints=(hint,), warm_up=np.int64(3))
    found = json.loads(json.dumps(runs.Distillation(files=("a.keras",), **options).settings()))
    assert (found["method"], found["temperature"], found["warm_up"]) == ("loss", 2.0, 3)
    assert (found["hints"][0]["loss"], found["hints"][0]["weight"]) == ("loss", 2.0)
    for wrong in (dict(maps=("attenton",)), dict(maps="pkt"), dict(maps=("dkd",)), dict(files="a.keras")):
        with pytest.raises(ValueError, match=f"`{next(iter(wrong))}`"):
            runs.Distillation(**{"files": ("a.keras",), **wrong})
