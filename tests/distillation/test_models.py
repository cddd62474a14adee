import keras
import numpy as np
import pytest
from keras import layers

import kerasnets
from kerasnets.distillation import Distiller, as_logits

X = np.random.default_rng(0).random((6, 8)).astype("float32")


def sequential(*last):
    return keras.Sequential([keras.Input((8,)), layers.Dense(5, "relu"), *last])


MODELS = {
    "dense": lambda: sequential(layers.Dense(3, "softmax")),
    "softmax": lambda: sequential(layers.Dense(3), layers.Softmax()),
    "activation": lambda: sequential(layers.Dense(3), layers.Activation("softmax")),
    "ours": lambda: kerasnets.applications.MLP((5,), input_shape=(2, 4, 1), classes=3),
}


def inputs(model):
    return X.reshape(-1, *model.input_shape[1:])


@pytest.mark.parametrize("kind", MODELS)
def test_as_logits_is_the_model_before_its_softmax(kind):
    model = MODELS[kind]()
    logits = as_logits(model)
    x = inputs(model)
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(keras.ops.softmax(logits.predict(x, verbose=0))),
        model.predict(x, verbose=0),
        atol=1e-6,
    )
    assert {id(w) for w in logits.weights} == {id(w) for w in model.weights}


@pytest.mark.parametrize("kind", MODELS)
def test_as_logits_trains_and_saves(kind, tmp_path):
    model = MODELS[kind]()
    logits, x = as_logits(model), inputs(model)
    before = model.predict(x, verbose=0)
    logits.compile("sgd", "mse")
    logits.fit(x, np.ones((6, 3)), verbose=0)
    after = model.predict(x, verbose=0)
    assert np.abs(after - before).max() > 1e-4  # the weights are shared
    logits.save(tmp_path / "logits.keras")
    loaded = keras.saving.load_model(tmp_path / "logits.keras")
    np.testing.assert_allclose(loaded.predict(x, verbose=0), logits.predict(x, verbose=0), atol=1e-6)


def test_as_logits_leaves_logits_alone():
    model = sequential(layers.Dense(3))
    assert as_logits(model) is model


def test_as_logits_refuses_what_has_no_single_output():
    x = keras.Input((8,))
    two = keras.Model(x, [layers.Dense(3, "softmax")(x), layers.Dense(3, "softmax")(x)])
    with pytest.raises(ValueError, match="`model`.*Received"):
        as_logits(two)


@pytest.mark.parametrize("kind", MODELS)
def test_distiller_refuses_a_softmax_and_names_the_way_out(kind):
    model = MODELS[kind]()
    for student, teacher in ((model, None), (as_logits(model), model)):
        with pytest.raises(ValueError, match=r"as_logits"):
            Distiller(student, teacher)
