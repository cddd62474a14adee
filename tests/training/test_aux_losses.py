import keras
import numpy as np
import pytest
from keras import layers

import kerasnets
from kerasnets.training import aux_loss_weights


def net(**outputs):
    x = keras.Input((4,))
    return keras.Model(x, {name: layers.Dense(units, name=name)(x) for name, units in outputs.items()})


def test_main_head_weighs_one_and_the_others_what_the_paper_says():
    assert aux_loss_weights(net(predictions=3, aux1=3, aux2=3)) == {
        "predictions": 1.0,
        "aux1": 0.3,  # Szegedy et al. 2014, section 5
        "aux2": 0.3,
    }


def test_another_weight():
    assert aux_loss_weights(net(predictions=3, side=3), aux=0.4) == {"predictions": 1.0, "side": 0.4}


@pytest.mark.parametrize(
    "model", [keras.Sequential([keras.Input((4,)), layers.Dense(3)]), net(main=3, aux1=3), None]
)
def test_a_model_without_heads_is_refused(model):
    with pytest.raises(ValueError, match="`model` is a functional model.*Received: model="):
        aux_loss_weights(model)


def test_loss_is_the_weighted_sum():
    keras.utils.set_random_seed(0)
    tiny = kerasnets.applications.GoogLeNet.spec.tiny
    model = kerasnets.build("GoogLeNet", aux_heads=True, input_shape=(65, 65, 3), classes=3, **tiny)
    loss = "sparse_categorical_crossentropy"
    model.compile(
        keras.optimizers.SGD(0.01),
        loss=dict.fromkeys(model.output, loss),
        loss_weights=aux_loss_weights(model),
        run_eagerly=True,
    )
    x = np.random.default_rng(0).uniform(-1, 1, (4, 65, 65, 3)).astype("float32")
    y = dict.fromkeys(model.output, np.array([0, 1, 2, 0]))
    before = model.get_weights()
    logs = model.test_on_batch(x, y, return_dict=True)
    expected = logs["predictions_loss"] + 0.3 * logs["aux1_loss"] + 0.3 * logs["aux2_loss"]
    np.testing.assert_allclose(logs["loss"], expected, rtol=1e-5)
    assert np.isfinite(model.train_on_batch(x, y)).all()
    assert any((a != b).any() for a, b in zip(before, model.get_weights(), strict=True))
