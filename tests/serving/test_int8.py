"""Exports in int8 with labelled images, of a net of which one layer must stay in float32."""

import json

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image

import kerasnets
from kerasnets import cli, serving
from kerasnets.serving import calibration, export_file, files, load, nets
from kerasnets.serving.versions import card_path
from kerasnets.weights import describe

SIDES = (8, 8, 1)
rng = np.random.default_rng(0)
LEVELS = np.concatenate([rng.uniform(10, 90, 30), rng.uniform(160, 240, 30)])
IMAGES = np.clip(LEVELS[:, None, None, None] + rng.normal(0, 9, (60, *SIDES)), 0, 255).astype("uint8")
LABELS = (LEVELS > 125).astype(int)
NAMES = ["dark", "light"]


def net():
    """A net that tells light from dark images by one channel, whose range is small beside the others'."""
    net = keras.Sequential(
        [
            keras.Input(SIDES),
            layers.Conv2D(8, 1, activation="relu", name="first"),
            layers.Conv2D(8, 1, activation="relu", name="second"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(2, activation="softmax", name="third"),
        ],
        name="light",
    )
    first, second, bias = np.ones((1, 1, 1, 8)), np.zeros((1, 1, 8, 8)), np.full(8, 1000.0)
    bias[0], second[..., 0, :] = 0.0, 1.0
    third = np.tile([-4.0, 4.0], (8, 1))
    values = (first, bias, second, np.zeros(8), third, np.array([16.0, -16.0]))
    for weight, value in zip(net.weights, values, strict=True):
        weight.assign(value.reshape(weight.shape))
    describe(net, scaling="unit", class_names=NAMES)
    return net


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of images for each class."""
    folder = tmp_path_factory.mktemp("images")
    for i, (image, label) in enumerate(zip(IMAGES, LABELS, strict=True)):
        (folder / NAMES[label]).mkdir(exist_ok=True)
        Image.fromarray(image[..., 0]).save(folder / NAMES[label] / f"{i}.png")
    return folder


def test_the_layer_that_costs_accuracy_stays_in_float32(folder, tmp_path, capsys):
    """The whole way, from a folder of images to the answers of the file."""
    pytest.importorskip("nncf")
    plain = export_file(net(), tmp_path, "openvino_int8", calibration=IMAGES)
    card = json.loads(card_path(plain).read_text())
    assert card["top1_agreement"] < 0.9
    assert not {"top1", "float32_layers"} & set(card)
    kerasnets.save(net(), tmp_path / "light.keras")
    words = ["export", "--weights", str(tmp_path / "light.keras"), "--out", str(tmp_path)]
    words += ["--format", "openvino_int8", "--calibration", str(folder), "--max-drop", "0.02"]
    assert cli.main(words) == 0
    out, err = capsys.readouterr()
    path = tmp_path / "light" / "2-int8.xml"
    card = json.loads(card_path(path).read_text())
    assert card["float32_layers"][0] == "second"
    assert "first" not in card["float32_layers"]
    assert card["top1"]["float32"] == 1.0
    assert card["top1"]["int8"] >= 0.98
    assert (card["max_drop"], card["compared_images"]) == (0.02, 60)
    assert "layers that stay in float32: second" in out
    assert err == ""
    with load(path) as answer:
        for some in (slice(0, 1), slice(3, 60, 5)):  # sizes of batches that differ
            given = answer(IMAGES[some])
            assert set(given) >= {"probabilities", "logits", "classes"}
            assert list(given["classes"][:, 0]) == [NAMES[i] for i in LABELS[some]]


def test_litert_says_how_many_are_right(tmp_path):
    pytest.importorskip("ai_edge_litert")
    small = net()
    x = small.layers[-1](small.layers[-2](small.layers[0].output))
    small = keras.Model(small.inputs[0], x, name="small")
    describe(small, scaling="unit")
    labels = np.asarray(small(IMAGES / np.float32(255))).argmax(1)
    labels[:6] = 1 - labels[:6]
    path = export_file(small, tmp_path, "litert_int8", calibration=[(IMAGES[:30], labels[:30])])
    card = json.loads(card_path(path).read_text())
    assert card["top1"]["float32"] == 0.8
    assert card["top1_agreement"] > 0.9
    assert abs(card["top1"]["int8"] - 0.8) <= 1 - card["top1_agreement"]


def collected(given, **options):
    return calibration.collect(given, SIDES, **options)[1]


def test_labels_from_everywhere(folder):
    batches = [(IMAGES[:20], LABELS[:20]), (IMAGES[20:], LABELS[20:])]
    for given in ((IMAGES, LABELS), (IMAGES, LABELS.tolist()), batches, iter(batches)):
        np.testing.assert_array_equal(collected(given), LABELS)
    np.testing.assert_array_equal(np.sort(collected(folder, class_names=NAMES)), LABELS)
    assert collected(folder, class_names=["dark", "bright"]) is None
    assert collected([IMAGES[:9], batches[1]]) is None  # not all of them have labels
    assert collected([(IMAGES, {"labels": LABELS})]) is None
    assert collected((IMAGES, IMAGES)) is None  # two batches


def test_labels_in_every_form():
    marks = np.eye(3)[[0, 2, 1, 1]]
    for given in ([0, 2, 1, 1], [[0], [2], [1], [1]], np.float32([0, 2, 1, 1]), marks):
        np.testing.assert_array_equal(calibration.labels_of(given, 4, 3), [0, 2, 1, 1])
    several = np.array([[1, 1, 0], [0, 0, 0]])
    assert calibration.labels_of(several, 2, 3, 0.5).dtype == bool
    scores = {"probabilities": np.array([[0.6, 0.5, 0.1], [0.1, 0.7, 0.0]])}
    some = calibration.Calibration(IMAGES[:2], several.astype(bool), 0.5)
    assert some.accuracy(scores) == 0.5
    one = {"probabilities": np.array([[0.4], [0.6]])}  # a single score
    assert calibration.Calibration(IMAGES[:2], calibration.labels_of([[0], [1]], 2, 2)).accuracy(one) == 1.0


@pytest.mark.parametrize(
    ("labels", "threshold"),
    [
        ([0, 1, 2], None),
        ([0, 1, 2, 3], None),
        ([0, 1, -1, 2], None),
        ([0, 1, 0.5, 2], None),
        (list("abca"), None),
        (np.full((4, 3), 1 / 3), None),
        (np.ones((4, 3)), None),
        ([0, 1, 2, 1], 0.5),
        (np.full((4, 3), 0.5), 0.5),
    ],
)
def test_labels_that_are_none_are_refused(labels, threshold):
    with pytest.raises(ValueError, match="`calibration` is images with labels.*Received: calibration="):
        calibration.labels_of(labels, 4, 3, threshold)


@pytest.mark.parametrize(
    ("form", "given", "max_drop", "words"),
    [
        ("openvino_int8", (IMAGES, LABELS), 2, "a number from 0 to 1"),
        ("openvino_int8", (IMAGES, LABELS), True, "a number from 0 to 1"),
        ("openvino_int8", IMAGES, 0.01, "with labels"),
        ("litert_int8", (IMAGES, LABELS), 0.01, "except for 'openvino_int8'"),
        ("openvino", None, 0.01, "except for 'openvino_int8'"),
    ],
)
def test_a_drop_that_nothing_controls_is_refused(form, given, max_drop, words):
    with pytest.raises(ValueError, match=f"`max_drop` is .*{words}.*Received: max_drop="):
        files.calibrated(form, given, max_drop, nets.net_of(net()), None, NAMES)


def test_nothing_is_reported(monkeypatch):
    from kerasnets.serving import int8

    for before in (None, "0"):
        monkeypatch.delenv("CI", raising=False)
        if before:
            monkeypatch.setenv("CI", before)
        with int8.unreported():
            assert int8.os.environ["CI"] == "true"
        assert int8.os.environ.get("CI") == before


def test_the_command_line_refuses_a_drop_for_saved_models(tmp_path, capsys):
    words = ["export", "LeNet5", "--weights", "mnist", "--out", str(tmp_path), "--max-drop", "0.1"]
    assert cli.main(words) == 2
    assert "--max-drop is for --format openvino_int8" in capsys.readouterr().err
    assert serving.versions.versions(tmp_path / "LeNet5") == []
