import keras
import numpy as np
import pytest
from keras import layers, ops

import kerasnets
from kerasnets.surgery import drop_aux_heads


@pytest.fixture(scope="module")
def with_heads():
    keras.utils.set_random_seed(0)
    tiny = kerasnets.applications.GoogLeNet.spec.tiny
    return kerasnets.build("GoogLeNet", aux_heads=True, input_shape=(65, 65, 3), classes=5, **tiny)


def test_predictions_stay(with_heads):
    model = drop_aux_heads(with_heads)
    x = np.random.default_rng(0).uniform(-1, 1, (2, 65, 65, 3)).astype("float32")
    assert model.output_shape == (None, 5)
    assert model.name == with_heads.name
    np.testing.assert_array_equal(
        ops.convert_to_numpy(model(x)), ops.convert_to_numpy(with_heads(x)["predictions"])
    )


def test_weights_are_shared_and_the_heads_are_gone(with_heads):
    model = drop_aux_heads(with_heads)
    own = {id(w) for w in with_heads.weights}
    assert all(id(w) in own for w in model.weights)
    assert not [layer.name for layer in model.layers if layer.name.startswith("aux")]
    plain = kerasnets.build(
        "GoogLeNet",
        input_shape=(65, 65, 3),
        classes=5,
        **kerasnets.applications.GoogLeNet.spec.tiny,
    )
    assert [w.path for w in model.weights] == [w.path for w in plain.weights]


def test_training_without_the_heads_changes_the_net_that_had_them(with_heads):
    model = drop_aux_heads(with_heads)
    bias = with_heads.get_layer("logits").bias
    bias.assign(bias + 1)
    np.testing.assert_array_equal(model.get_layer("logits").bias, bias)


def test_several_inputs_and_nothing_of_a_family():
    a, b = keras.Input((3,), name="a"), keras.Input((3,), name="b")
    x = layers.Add()([a, b])
    model = keras.Model([a, b], {"predictions": layers.Dense(2)(x), "side": layers.Dense(4)(x)})
    dropped = drop_aux_heads(model)
    assert len(dropped.inputs) == 2
    assert dropped.output_shape == (None, 2)


@pytest.mark.parametrize("model", [keras.Sequential([keras.Input((4,)), layers.Dense(3)]), None])
def test_a_model_without_heads_is_refused(model):
    with pytest.raises(ValueError, match="`model` is a functional model.*Received: model="):
        drop_aux_heads(model)
