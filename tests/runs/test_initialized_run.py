"""Runs that start from the weights of a scheme."""

import dataclasses
import types

import keras
import numpy as np

import kerasnets
from kerasnets import runs, surgery
from kerasnets.cli import start
from kerasnets.runs.start import random_net
from kerasnets.runs.train import build
from kerasnets.training import Recipe

TINY = kerasnets.applications.VGG16.spec.tiny
RECIPE = Recipe(
    model="VGG16",
    options=dict(TINY, dropout=0.0),
    size=32,
    data="generated",
    init=("gaussian", dict(std=0.02)),
    rate=0.1,
    batch=8,
    epochs=1,
)


def equal(a, b):
    return all(np.array_equal(x, y) for x, y in zip(a.get_weights(), b.get_weights(), strict=True))


def test_a_run_starts_from_the_weights_of_its_seed():
    data = types.SimpleNamespace(recipe=RECIPE, start=None, classes=10, options=runs.Options(seed=3))
    net = build(data)
    assert equal(net, surgery.initialize(net, "gaussian", 3, std=0.02))
    assert not equal(net, surgery.initialize(net, "gaussian", 4, std=0.02))


def test_copied_layers_fill_a_net_of_the_scheme(tmp_path):
    """Simonyan and Zisserman 2015, section 3.1: the layers between those of net A are drawn."""
    shallow = kerasnets.build("VGG11", input_shape=(32, 32, 3), classes=10, **TINY)
    kerasnets.save(shallow, tmp_path / "a.keras")
    recipe = dataclasses.replace(
        RECIPE, init="paper", weights=str(tmp_path / "a.keras"), surgery=(("preinitialize", {}),)
    )
    net = runs.start.start_of(recipe).model(10, (), None, seed=5)
    drawn = random_net(recipe, 10, seed=5)
    copied = {"block1_conv1", "block2_conv1", "block3_conv1", "block3_conv2", "fc1", "fc2", "logits"}
    for layer in (x for x in net.layers if x.weights):
        source = shallow if layer.name in copied else drawn
        kernel, expected = (keras.ops.convert_to_numpy(m.get_layer(layer.name).kernel) for m in (net, source))
        assert np.array_equal(kernel, expected), layer.name


def test_the_scheme_of_a_command_line_and_of_another_net():
    assert start.scheme("paper") == ("paper", {})
    assert start.scheme("gaussian:std=0.05:truncated=true") == ("gaussian", {"std": 0.05, "truncated": True})
    recipe = dataclasses.replace(RECIPE, model="AlexNet", options={}, init="caffe")
    assert recipe.init_for("GoogLeNet") == "caffe"
    assert recipe.init_for("VGG16") is None
    assert RECIPE.init_for("LeNet1") == RECIPE.init
