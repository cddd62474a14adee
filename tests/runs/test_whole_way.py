"""From a recipe to a server: what is served for the pixels of images is what the trained net gives."""

import dataclasses
import pathlib

import keras
import numpy as np
import pytest

import kerasnets
import train
from kerasnets import data, runs, serving, weights
from kerasnets.cli.runs import read
from kerasnets.runs.data import Data
from kerasnets.runs.train import build
from kerasnets.training import write_weights
from nets import check_served

pytestmark = pytest.mark.usefixtures("eagerly")
CONFIGS = {path.stem: path for path in (pathlib.Path(train.__file__).parent / "configs").glob("*.py")}
# One config for each way that pixels and scores take. Files and exports of all families are compared with
# their nets in tests/assembly, tests/surgery and tests/serving.
WAYS = {
    "lenet5_mnist": "gray images on LeCun's scale, and padded",
    "capsnet_mnist": "lengths of capsules instead of logits, and values from 0 to 1",
    "nin_cifar10": "whitening, whose statistics are fitted to the images",
    "mobilenet_imagenet": "values from -1 to 1",
    "resnet50_imagenet": "means of BGR, and batch normalization that is folded",
    "resnet20_cifar10": "means and deviations of RGB",
    "googlenet_imagenet": "auxiliary heads, which are left out",
    "c3d_ucf101": "clips",
}
LEAST = {"googlenet_imagenet": 65}  # sides that auxiliary heads need


def small(path):
    """The recipe of a config for a tiny net of its family, on generated images."""
    recipe = read(path)
    spec = recipe.spec
    own = {name: value for name, value in spec.tiny.items() if name != "rho"}
    side = max(LEAST.get(path.stem, 8), spec.min_grid[0])
    size = spec.min_grid if len(spec.min_grid) == 3 else side
    # From small random weights, and biases of 1, all images would give a tiny net nearly the same scores.
    changes = dict(options={**recipe.options, **own}, size=size, classes=10, ema=None, init=None)
    return dataclasses.replace(runs.tiny(recipe), **changes)


def trained(net):
    """Gives batch normalization the statistics of a trained net."""
    rng = np.random.default_rng(0)
    for w in net.weights:
        if w.name in ("gamma", "moving_variance"):
            w.assign(rng.uniform(0.5, 1.5, w.shape))
        elif w.name in ("beta", "moving_mean"):
            w.assign(rng.normal(0, 0.3, w.shape))


def way(recipe):
    """What decides how pixels become scores."""
    changes = {row[0] for row in recipe.augmentation} & {"contrast", "zca"}
    return recipe.scale.mode, recipe.loss[0], len(recipe.image_size), recipe.spec.channels, bool(changes)


def test_a_config_of_each_way_is_tried():
    ways = {name: way(read(path)) for name, path in CONFIGS.items()}
    for name, found in ways.items():
        for i, value in enumerate(found):
            assert value in {ways[tried][i] for tried in WAYS}, name


@pytest.mark.parametrize("name", WAYS)
def test_each_way(name, tmp_path, monkeypatch):
    recipe = small(CONFIGS[name])
    source = Data(recipe, runs.Options(steps=2))
    keras.utils.set_random_seed(0)
    net = build(source)
    source.describe(net)
    trained(net)
    write_weights(net, tmp_path / "net.weights.h5")

    loaded = kerasnets.load_model(tmp_path / "net.weights.h5")
    monkeypatch.setitem(serving.export.__globals__, "check_written", lambda *_: None)  # done below
    exported = serving.export(loaded, tmp_path / "models", optimize=False)
    pixels = data.stream("generated", "test", size=recipe.shape, batch_size=2, classes=10, examples=4)
    scaled = recipe.scale(next(iter(source.testing.dataset))[0])
    check_served(exported, next(iter(pixels.dataset))[0], net, scaled, recipe.loss[0] == "crossentropy")
    names = (exported / "assets" / "class_names.txt").read_text().splitlines()
    assert tuple(names) == source.training.class_names
    assert weights.card_of(loaded).training["model"] == recipe.model
