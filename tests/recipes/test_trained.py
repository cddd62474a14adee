import keras
import numpy as np

import kerasnets
from kerasnets import weights

CONFIG = """
from kerasnets.training import Recipe

RECIPE = Recipe(model="LeNet1", data="generated", rate=0.1, batch=128, epochs=1)
"""


def test_half_the_bytes_with_the_same_classes(recipe, tmp_path, capsys):
    config = tmp_path / "lenet1.py"
    config.write_text(CONFIG)
    keras.utils.set_random_seed(0)
    net = kerasnets.build("LeNet1", classifier_activation=None)
    net.weights[-1].assign(np.eye(10)[3])  # decided outputs, so that float16 changes no class
    kerasnets.save(net, tmp_path / "last.keras")
    recipe(config, tmp_path / "last.keras", "--seed", "3", "--note", "a test", "--out", tmp_path / "out")
    stored = tmp_path / "out" / "lenet1-generated.weights.h5"
    assert stored.stat().st_size < (tmp_path / "last.keras").stat().st_size
    assert "float16" in capsys.readouterr().out

    expected = [w.astype("float16").astype("float32") for w in net.get_weights()]
    loaded = kerasnets.load_model(stored)
    net.load_weights(stored)  # plain Keras
    for model in (loaded, net):
        for value, wanted in zip(model.get_weights(), expected, strict=True):
            assert value.dtype == "float32"
            np.testing.assert_array_equal(value, wanted)
    card = weights.read_card(stored)
    assert (card.shape, card.scaling.mode) == ((28, 28, 1), "lecun")
    assert (card.training["seed"], card.training["note"]) == (3, "a test")
    assert card.training["command"].startswith("python recipes/train.py lenet1 --seed 3")
    assert card.results["test_examples"] > 0
    assert 0 <= card.results["top1"] <= card.results["top5"] <= 1
    assert loaded.layers[-1].activation is keras.activations.softmax
