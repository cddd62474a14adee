"""From training to pictures of what the net sees, by the command and in Python."""

import json
import sys

import keras
import numpy as np
import pytest
from PIL import Image

import kerasnets
from kerasnets import cli, runs, weights
from kerasnets.analysis.visualize import drawing

NAMES = ("red spot", "blue spot")
SIDE = 20


def spots(count, rng):
    """Gray images with a red or a blue spot somewhere, their classes, and where the spots are."""
    images = rng.integers(100, 140, (count, SIDE, SIDE, 1)).repeat(3, -1)
    labels, corners = np.arange(count) % 2, rng.integers(0, SIDE - 6, (count, 2))
    for image, label, (y, x) in zip(images, labels, corners, strict=True):
        image[y : y + 6, x : x + 6] = (250, 20, 20) if label == 0 else (20, 20, 250)
    return images.astype("uint8"), labels, corners


pytestmark = [
    pytest.mark.usefixtures("eagerly"),
    pytest.mark.filterwarnings("ignore:Even though the `tf.config.experimental_run_functions"),
]


@pytest.fixture(scope="module")
def net(eagerly):
    """A net that tells the spots apart, and ends in global average pooling."""
    keras.utils.set_random_seed(0)
    images, labels, _ = spots(64, np.random.default_rng(0))
    inputs = keras.Input((SIDE, SIDE, 3))
    x = keras.layers.Conv2D(8, 3, padding="same", activation="relu", name="low")(inputs)
    x = keras.layers.MaxPooling2D(2, name="pool")(x)
    x = keras.layers.Conv2D(8, 3, padding="same", activation="relu", name="high")(x)
    x = keras.layers.GlobalAveragePooling2D(name="mean")(x)
    net = keras.Model(inputs, keras.layers.Dense(2, activation="softmax", name="scores")(x), name="spots")
    net.compile(keras.optimizers.Adam(0.02), "sparse_categorical_crossentropy", jit_compile=False)
    scale = np.float32(1 / 127.5)
    net.fit(images * scale - 1, labels, batch_size=16, epochs=8, verbose=0)
    weights.describe(net, scaling="tf", class_names=NAMES)
    return net


@pytest.fixture(scope="module")
def place(net, tmp_path_factory):
    """The net in a file, and a folder of images that it has not seen."""
    root = tmp_path_factory.mktemp("look")
    kerasnets.save(net, root / "spots.keras")
    (root / "images").mkdir()
    for i, image in enumerate(spots(10, np.random.default_rng(1))[0]):
        Image.fromarray(image).save(root / "images" / f"{i}.png")
    return root


def looked(capsys, *words):
    assert cli.main(["look", *map(str, words)]) == 0
    return capsys.readouterr().out


def test_one_photograph_with_everything(place, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys.modules["kerasnets.runs.look"], "CLIMB", dict(steps=3))
    image = place / "images" / "1.png"
    found = json.loads(looked(capsys, image, "--model", place / "spots.keras", "--what", "all", "--json"))
    assert found["images"][0]["labels"][0]["name"] == "blue spot"
    names = ["deconvolution.png", "kernels.png", "look.png", "maps.png", "maximize.png"]
    assert sorted(found["pictures"]) == names
    assert sorted(path.name for path in (tmp_path / found["out"]).iterdir()) == names
    assert found["left_out"] == {}
    for name in names:
        assert np.ptp(np.asarray(Image.open(tmp_path / found["out"] / name))) > 100
    # The command to go on with works as it is printed.
    command = next(words for words in found["commands"] if "--class" in words)
    assert "--class 'red spot'" in command
    text = looked(
        capsys, *command.replace("'red spot'", "red_spot").split()[2:-1], "red spot", "--out", "own"
    )
    assert "blue spot" in text
    assert {path.name for path in (tmp_path / "own").iterdir()} == {*names} - {"maximize.png"}


def test_a_folder_and_a_layer(place, tmp_path, capsys):
    words = ("--model", place / "spots.keras", "--layer", "low", "--unit", 3, "--out", tmp_path / "out")
    text = looked(capsys, place / "images", *words)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        *("look.png", "deconvolution.png", "kernels.png", "maps.png")
    }
    assert "Grad-CAM" in text
    assert "class map" not in text  # it is not of a layer


def test_what_is_drawn_is_where_the_spot_is(net, tmp_path, monkeypatch):
    images, labels, corners = spots(4, np.random.default_rng(2))
    drawn = []
    monkeypatch.setattr(drawing, "heat", lambda image, values: drawn.append(values) or image / 255)
    found = runs.look(net, list(images), tmp_path / "out", ["occlusion", "cam", "grad_cam"])
    assert [image.chosen for image in found.found] == [(NAMES[c],) for c in labels]
    for i, (y, x) in enumerate(np.repeat(corners, 3, 0)):
        assert drawn[i].shape == (SIDE, SIDE)
        inside = drawn[i][y : y + 6, x : x + 6].mean()
        assert inside > 2 * max(drawn[i].mean(), 0), i


def test_a_net_without_what_a_method_needs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    net = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(3)])
    weights.describe(net, scaling="unit")
    image = np.full((8, 8), 200, "uint8")
    found = runs.look(net, image, "out")
    assert list(found.pictures) == ["look.png"]
    assert {*found.left_out} == {"kernels", "maps", "deconvolution", "cam", "grad_cam"}
    with pytest.raises(ValueError, match="globally averaged"):
        runs.look(net, image, "other", "cam")
    assert not (tmp_path / "other").exists()


def test_colors():
    assert drawing.signed(np.array([[-2.0, 0.0, 2.0]])).round(1)[0, 1].tolist() == [1, 1, 1]
    below, _, above = drawing.signed(np.array([[-2.0, 0.0, 2.0]]))[0]
    assert below[2] > below[0]  # blue
    assert above[0] > above[2]  # red
    np.testing.assert_allclose(drawing.around_gray(np.array([[[-1.0], [0.0], [1.0]]]))[0, :, 0], [0, 0.5, 1])
    values = np.arange(35.0).reshape(5, 7)
    assert drawing.summed(values, 4).shape == (3, 4)
    assert drawing.summed(values, 4).sum() == values.sum()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--layer", "hihg"], "Did you mean 'high'"),
        (["--layer", "high", "--unit", "8"], "`unit` is below 8"),
        (["--unit", "1"], "`unit` is None, or with `layer`"),
        (["--class", "red spott"], "Did you mean 'red spot'"),
        (["--class", "2"], "below 2"),
        (["--what", "gradcam"], "Did you mean 'grad_cam'"),
        (["--what", "kernels", "--layer", "pool"], "`layer` is a convolution"),
        (["--model", "spots"], "`model` is the name of a model"),
        (["--weights", "none.keras"], "a file of weights that exists"),
        (["--out", "FILE"], "a folder. Received: the file"),
        (["--limit", "0"], "at least 1"),
        (["--image", "none.png"], "files or folders that exist"),
    ],
)
def test_wrong_input_leaves_nothing_written(words, message, place, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    model, image = ["--model", str(place / "spots.keras")], str(place / "images" / "1.png")
    if words[0] == "--out":
        words = ["--out", image]
    if words[0] == "--image":
        image, words = words[1], []
    if words and words[0] in ("--model", "--weights"):
        model = []
    assert cli.main(["look", image, *model, *words]) == 2
    out, err = capsys.readouterr()
    assert (out, len(err.splitlines())) == ("", 1)
    assert message in err
    assert list(tmp_path.iterdir()) == []


def test_images_of_few_pixels(tmp_path):
    inputs = keras.Input((None, None, 1))
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(2, 3)(inputs))
    free = keras.Model(inputs, keras.layers.Dense(2)(x), name="free")
    weights.describe(free, scaling="unit")
    for side in (1, 2):
        with pytest.raises(ValueError, match=f"`images` is images large enough for free. .*{side}x9"):
            runs.look(free, [np.zeros((side, 9, 1), "uint8")], tmp_path / "free")
    assert list(tmp_path.iterdir()) == []
    flat = keras.Model(
        inputs := keras.Input((1, 9, 1)), keras.layers.Dense(2)(keras.layers.Flatten()(inputs))
    )
    weights.describe(flat, scaling="unit")
    found = runs.look(flat, [np.zeros((1, 9, 1), "uint8")], tmp_path / "flat", "occlusion")
    assert list(found.pictures) == ["look.png"]
