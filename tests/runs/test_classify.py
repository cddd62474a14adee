"""Images are classified as their nets were tested, whatever holds the net and the images."""

import csv
import io
import json
import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import kerasnets
from kerasnets import cli, data, runs, weights
from kerasnets.data import images as pictures
from kerasnets.runs import progress
from kerasnets.runs.classify import Classifier
from nets import array, filled

SIZING = ("center_crop", {"shorter": 12, "interpolation": "bicubic"})
NAMES = ("ant", "bee", "cat")
MODES = [("RGB", "jpg"), ("RGBA", "png"), ("I;16", "png"), ("P", "gif"), ("RGB", "webp"), ("L", "bmp")]
TURNED = 6  # the value of EXIF's orientation for images that were turned by 90 degrees


def net_of(outputs, shape=(10, 10, 3), seed=0, **facts):
    """A small net for these outputs, a function of its features."""
    keras.utils.set_random_seed(seed)
    inputs = keras.Input(shape)
    x = keras.layers.Conv2D(4, 3, activation="relu")(inputs)
    net = filled(keras.Model(inputs, outputs(keras.layers.GlobalAveragePooling2D()(x)), name="small"))
    weights.describe(net, **{"scaling": "unit", **facts})
    return net


@pytest.fixture(scope="module")
def net():
    return net_of(keras.layers.Dense(3), sizing=SIZING, class_names=NAMES)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A class folder with an image of each mode, and beside it files that are no images."""
    root = tmp_path_factory.mktemp("photos")
    (root / "some").mkdir()
    rng, exif = np.random.default_rng(0), Image.Exif()
    exif[0x112] = TURNED
    for i, (mode, ending) in enumerate(MODES):
        pixels = rng.integers(0, 256, (4, 6, 3), "uint8")
        image = Image.fromarray(pixels).resize((15 + 3 * i, 20), Image.Resampling.BILINEAR)
        if mode == "I;16":
            image = Image.fromarray(np.asarray(image.convert("L")).astype("uint16") * 257)
        image = image if mode == "I;16" else image.convert(mode)
        image.save(root / "some" / f"{i}.{ending}", exif=exif)
    (root / "some" / "notes.txt").write_text("no image")
    return root


def probabilities(found, names=NAMES):
    return np.array([[dict(image.labels)[name] for name in names] for image in found])


def test_the_net_sees_what_a_stream_of_tests_has(net, folder, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    paths = sorted((folder / "some").glob("[0-9]*"))
    stream = data.stream("some", "all", size=(10, 10, 3), batch_size=9, augment=(SIZING,), data_dir=folder)
    ((pixels, _),) = stream.dataset
    seen = [image for image, _ in pictures.sized(pictures.find(folder), (10, 10, 3), SIZING)]
    np.testing.assert_array_equal(seen, pixels)
    found = kerasnets.classify(net, folder)
    assert [image.path for image in found] == list(map(str, paths))
    expected = array(keras.ops.softmax(net(pixels / np.float32(255), training=False)))
    np.testing.assert_allclose(probabilities(found), expected, atol=1e-5)
    assert np.ptp(expected, 0).max() > 0.01
    assert found[0].labels == tuple(sorted(found[0].labels, key=lambda pair: -pair[1]))
    assert [image.chosen for image in found] == [(NAMES[i],) for i in expected.argmax(1)]

    opened = Image.open(paths[1])
    for image in (opened, np.asarray(opened.rotate(-90, expand=True))):  # upright
        (one,) = kerasnets.classify(net, image, top=1)
        assert (one.path, one.labels[0]) == (None, pytest.approx(found[1].labels[0], abs=1e-5))


def heads(x):
    return {"aux": keras.layers.Dense(3)(x), "predictions": keras.layers.Softmax()(keras.layers.Dense(3)(x))}


def half(x):
    return keras.layers.Dense(3, activation="softmax", dtype="float16")(x)


KINDS = {
    "logits": (keras.layers.Dense(3), {}, "softmax"),
    "heads": (heads, {}, None),
    "half": (half, {}, None),
    "sigmoids": (keras.layers.Dense(3, activation="sigmoid"), {}, None),
    "labels": (keras.layers.Dense(3), {"threshold": 0.5}, "sigmoid"),
    "one logit": (keras.layers.Dense(1), {}, "sigmoid"),
    "one score": (keras.layers.Dense(1, activation="sigmoid"), {}, None),
    "gray": (keras.layers.Dense(3), {"shape": (10, 10, 1)}, "softmax"),
    "free": (keras.layers.Dense(3), {"shape": (None, None, 3)}, "softmax"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_nets_of_all_kinds(kind, eagerly):
    outputs, options, squash = KINDS[kind]
    net, images = (
        net_of(outputs, **options),
        np.random.default_rng(0).integers(0, 256, (2, 10, 10, 3), "uint8"),
    )
    found = kerasnets.classify(net, list(images), batch_size=1)
    pixels = tf.image.rgb_to_grayscale(images) if kind == "gray" else images
    scores = net(np.array(pixels, "float32") / np.float32(255), training=False)
    scores = array(scores["predictions"] if kind == "heads" else scores).astype("float32")
    expected = scores if squash is None else array(getattr(keras.ops, squash)(scores))
    expected = expected if expected.shape[1] > 1 else np.concatenate([1 - expected, expected], 1)
    names = list(map(str, range(expected.shape[1])))
    tolerance = 1e-3 if kind == "half" else 1e-5
    np.testing.assert_allclose(probabilities(found, names), expected, atol=tolerance)
    if kind == "half":
        np.testing.assert_allclose(probabilities(found, names).sum(1), 1, rtol=1e-6)
    likely = np.argsort(-expected[1])
    chosen = likely[expected[1][likely] >= 0.5] if kind == "labels" else likely[:1]
    assert found[1].chosen == tuple(map(str, chosen))


def test_images_that_a_net_of_any_size_does_not_take(eagerly):
    net = net_of(keras.layers.Dense(3), (None, None, 3))
    found = kerasnets.classify(net, [np.zeros((2, 2)), np.zeros((7, 9))])
    assert [bool(image.labels) for image in found] == [False, True]
    assert found[0].error == "the net does not take 2x2x3"


def test_labels_of_their_own():
    several = Classifier("net", None, (1, 1, 3), None, NAMES, 0.4, None)
    found = several.prediction("a.png", np.array([0.4, 0.9, 0.1]), top=1)  # all that are chosen are named
    assert (found.labels, found.chosen) == ((("bee", 0.9), ("ant", 0.4)), ("bee", "ant"))
    assert several.prediction(None, np.array([0.3, 0.2, 0.1]), 5).chosen == ()
    one = Classifier("net", None, (1, 1, 3), None, ("not cat", "cat"), 0.2, None)
    assert one.prediction(None, np.array([0.25]), 5).chosen == ("cat",)
    assert one.prediction(None, np.array([0.15]), 5).chosen == ("not cat",)
    _, _, _, _, *rows = str(runs.Predictions("net", None, (found,), 0.4)).splitlines()
    assert [row.split() for row in rows] == [["a.png", "bee", "90.00%", "yes"], ["ant", "40.00%", "yes"]]


@pytest.fixture(scope="module")
def saved(net, tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "best.keras"
    kerasnets.save(net, path)
    return str(path)


def test_a_bad_file_is_named_and_passed_over(saved, folder, tmp_path, capfd, monkeypatch):
    monkeypatch.setattr(progress, "PAUSE", 0)
    monkeypatch.chdir(tmp_path)
    Image.open(folder / "some" / "1.png").save("good.png")
    pathlib.Path("bad.jpg").write_bytes((folder / "some" / "0.jpg").read_bytes()[:200])
    words = ["classify", "bad.jpg", "good.png", "no.png", "--model", saved, "--top", "2", "--batch-size", "2"]
    assert cli.main(words) == 1
    out, err = capfd.readouterr()
    assert "2/3 images" in err
    assert out.count("%") == 2
    assert "Passed over: bad.jpg (" in out
    assert cli.main([*words, "--json"]) == 1
    out, err = capfd.readouterr()
    first, second, third = json.loads(out)["images"]
    assert (first["path"], first["labels"], third["error"]) == ("bad.jpg", [], "No such file or directory")
    assert (second["path"], len(second["labels"]), second["error"]) == ("good.png", 2, None)
    assert "kerasnets: Passed over" in err
    assert cli.main([*words, "--csv"]) == 1
    rows = list(csv.DictReader(io.StringIO(capfd.readouterr().out)))
    assert [row["label"] for row in rows] == ["", *(label["name"] for label in second["labels"]), ""]
    assert [row["chosen"] for row in rows] == ["", "1", "0", ""]
    assert cli.main(["classify", "good.png", "--weights", saved]) == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "the following arguments are required: FILE"),
        (["nothing.jpg"], "`images` is files or folders that exist. Received: images='nothing.jpg'"),
        (["{empty}"], "`images` is a folder with images"),
        (["{png}", "--model", "ResNet5"], "Did you mean 'ResNet56' or 'ResNet50'"),
        (["{png}", "--model", "no.keras"], "`model` is the path of an existing file"),
        (["{png}", "--model", "{png}"], "`model` is the name of a model, a file"),
        (["{png}", "--model", "{empty}"], "`model` is the folder of a version, or a file"),
        (["{png}", "--model", "C3D"], "`model` is a net of images"),
        (["{png}", "--model", "FitNet1"], "which has no public trained weights"),
        (["{png}", "--model", "{saved}", "--weights", "imagenet"], "`weights` is None with a file or folder"),
        (["{png}", "--model", "{saved}", "--preprocess", "tf"], "`preprocess` is None or 'unit'"),
        (["{png}", "--weights", "no/such.one"], "a file of weights that exists"),
        (["{png}", "--weights", "mnist"], "`model` is the name of a model, since mnist does not say its own"),
        (["{png}", "--weights", "timm/resnet34.a1_in1k", "--model", "VGG16"], "a checkpoint of VGG16"),
        (["{png}", "--model", "VGG16", "--preprocess", "tff"], "Did you mean 'tf'"),
        (["{png}", "--top", "0"], "a whole number, at least 1"),
        (["{png}", "--batch-size", "x"], "a whole number, at least 1"),
        (["{png}", "--json", "--csv"], "--json and --csv exclude each other"),
    ],
)
def test_wrong_words_are_refused_in_a_line(words, message, saved, folder, capsys):
    places = {"saved": saved, "empty": pathlib.Path(saved).parent, "png": folder / "some" / "1.png"}
    assert cli.main(["classify", *(word.format(**places) for word in words)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("images", "message"),
    [
        ([], "`images` is files, folders"),
        (3, "`images` is files, folders"),
        (np.zeros((3, 8, 8)), "`images` is files, folders"),
        (np.full((8, 8), 300), r"arrays of values 0\.\.255"),
        (np.full((8, 8), np.nan), r"arrays of values 0\.\.255"),
        (np.full((8, 8), 0.5), r"not scaled to 0\.\.1"),
        (Image.new("F", (8, 8)), "pixels of 32 bits"),
    ],
)
def test_what_are_no_images_is_refused(images, message, net):
    with pytest.raises(ValueError, match=message):
        kerasnets.classify(net, images)


def test_nets_that_do_not_take_images_are_refused():
    clips = keras.Sequential([keras.Input((2, 4, 4, 3)), keras.layers.Flatten(), keras.layers.Dense(2)])
    pixel = np.zeros((4, 4))
    with pytest.raises(ValueError, match="`model` is a functional or sequential net of images"):
        kerasnets.classify(clips, pixel)
    with pytest.raises(ValueError, match="`model` is a keras.Model"):
        kerasnets.classify(3, pixel)
