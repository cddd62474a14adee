import keras
import numpy as np
import pytest
from keras import layers

from kerasnets import surgery
from kerasnets.distillation import specialist
from kerasnets.surgery.copies import Copies


def net():
    x = keras.Input((8, 8, 3))
    y = layers.Conv2D(4, 3, use_bias=False, name="conv")(x)
    y = layers.BatchNormalization(name="bn")(y)
    y = layers.ReLU(name="act")(y)
    y = layers.MaxPooling2D(name="pool")(y)
    y = layers.GlobalAveragePooling2D(name="mean")(layers.Dropout(0.1, name="drop")(y))
    return keras.Model(x, layers.Dense(5, "softmax", name="scores")(y))


@pytest.mark.parametrize(
    "change",
    [
        surgery.fold_batch_norm,
        lambda model: surgery.replace_head(model, 3),
        lambda model: surgery.widen(model, "conv", 6),
        lambda model: surgery.deepen(model, "conv"),
        lambda model: surgery.with_precision(model, "float32"),
    ],
    ids=["fold", "replace_head", "widen", "deepen", "precision"],
)
def test_layers_of_the_copy_are_its_own(change):
    model = net()
    changed = change(model)
    assert not {id(layer) for layer in model.layers} & {id(layer) for layer in changed.layers}
    for name in ("conv", "pool", "mean"):  # where a layer's output is in its own graph, a model can end there
        keras.Model(changed.input, changed.get_layer(name).output)
        keras.Model(model.input, model.get_layer(name).output)


def test_one_copy_of_each_layer_under_a_name_of_its_own():
    copies = Copies()
    one, two = layers.Dense(3, name="same"), layers.Dense(3, name="same")
    assert copies.of(one) is copies.of(one) is not one
    assert copies.of(two).name == "same_2"


def test_a_lambda_layer_is_its_own_copy():
    layer = layers.Lambda(lambda x: 2 * x)
    assert Copies().of(layer) is layer


@pytest.mark.parametrize(
    "change",
    [
        lambda model: surgery.replace_head(model, 3),
        lambda model: surgery.with_precision(model, "float32"),
        lambda model: specialist(model, [0, 1]),
    ],
    ids=["replace_head", "precision", "specialist"],
)
def test_a_copy_normalizes_by_what_the_layer_was_adapted_to(change):
    x = np.random.default_rng(0).normal(5, 2, (4, 6, 6, 3))
    normalization = layers.Normalization(name="norm")
    normalization.adapt(x)
    inputs = keras.Input((6, 6, 3))
    y = layers.GlobalAveragePooling2D()(normalization(inputs))
    changed = change(keras.Model(inputs, layers.Dense(5, name="scores")(y)))
    given = keras.Model(changed.inputs[0], changed.get_layer("norm").output)(x)
    expected = (x - x.mean((0, 1, 2))) / x.std((0, 1, 2))
    np.testing.assert_allclose(keras.ops.convert_to_numpy(given), expected, rtol=1e-4, atol=1e-5)
