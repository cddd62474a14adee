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
ALIKE = ("lenet1_mnist", "lenet4_mnist", "lenet5_mnist_jitter")  # take the same way as lenet5_mnist
CONFIGS = sorted((pathlib.Path(train.__file__).parent / "configs").glob("*.py"))
LEAST = {"googlenet_imagenet": 65}  # sides that auxiliary heads need


def small(path):
    """The recipe of a config for a tiny net of its family, on generated images."""
    recipe = read(path)
    spec = recipe.spec
    own = {name: value for name, value in spec.tiny.items() if name != "rho"}
    side = max(LEAST.get(path.stem, 8), spec.min_grid[0])
    size = spec.min_grid if len(spec.min_grid) == 3 else side
    changes = dict(options={**recipe.options, **own}, size=size, classes=10, ema=None)
    return dataclasses.replace(runs.tiny(recipe), **changes)


def trained(net):
    """Gives batch normalization the statistics of a trained net."""
    rng = np.random.default_rng(0)
    for w in net.weights:
        if w.name in ("gamma", "moving_variance"):
            w.assign(rng.uniform(0.5, 1.5, w.shape))
        elif w.name in ("beta", "moving_mean"):
            w.assign(rng.normal(0, 0.3, w.shape))


@pytest.mark.parametrize("path", [p for p in CONFIGS if p.stem not in ALIKE], ids=lambda path: path.stem)
def test_each_config(path, tmp_path, monkeypatch):
    recipe = small(path)
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
