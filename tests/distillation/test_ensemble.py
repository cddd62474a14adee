import keras
import numpy as np
import pytest
from keras import layers

from kerasnets.analysis import profile
from kerasnets.distillation import Distiller, Ensemble


def net(seed=0, classes=3, units=4, name="net"):
    keras.utils.set_random_seed(seed)
    body = [layers.Dense(units, "relu", name="fc"), layers.Dense(classes, name="logits")]
    return keras.Sequential([keras.Input((5,)), *body], name=name)


def softmax(z):
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


X = np.random.default_rng(0).normal(size=(6, 5)).astype("float32")


@pytest.mark.parametrize(
    ("mean", "of"),
    [
        ("arithmetic", lambda ps: np.mean(ps, 0)),
        ("geometric", lambda ps: softmax(np.mean(np.log(ps), 0))),
    ],
)
def test_is_the_mean_of_probabilities(mean, of, tmp_path):
    models = [net(0), net(1, units=7), net(2)]
    ensemble = Ensemble(models, mean)
    want = of([softmax(m.predict(X, verbose=0).astype("float64")) for m in models])
    got = ensemble.predict(X, verbose=0)
    np.testing.assert_allclose(softmax(got), want, atol=1e-6)

    ensemble.save(tmp_path / "e.keras")
    loaded = keras.saving.load_model(tmp_path / "e.keras")
    assert isinstance(loaded, Ensemble)
    np.testing.assert_array_equal(loaded.predict(X, verbose=0), got)
    copy = keras.models.clone_model(loaded)
    copy.set_weights(loaded.get_weights())
    np.testing.assert_array_equal(copy.predict(X, verbose=0), got)
    assert profile(ensemble).params == sum(m.count_params() for m in models)
    assert not profile(ensemble).unknown


def test_members_share_weights_and_teach():
    models = [net(0), net(1)]
    ensemble = Ensemble(models)
    before = ensemble.predict(X, verbose=0)
    models[0].layers[-1].kernel.assign(models[0].layers[-1].kernel * 2)
    assert not np.allclose(ensemble.predict(X, verbose=0), before)

    student = net(5)
    distiller = Distiller(student, ensemble, hard_weight=0.0)
    distiller.compile(keras.optimizers.Adam(0.05))
    loss = distiller.fit(X, np.zeros(6, int), epochs=60, verbose=0).history["loss"]
    assert loss[-1] < loss[0] / 10


@pytest.mark.parametrize(
    ("models", "mean", "argument"),
    [
        (lambda: [net(), net()], "harmonic", "mean"),
        (lambda: [net()], "geometric", "models"),
        (lambda: [net(), net(classes=4)], "geometric", "models"),
        (lambda: [net(), keras.Sequential([net(), layers.Softmax()])], "geometric", "models"),
        (lambda: [net(), keras.Sequential([layers.Dense(3)])], "geometric", "models"),
        (lambda: [net(), "net"], "geometric", "models"),
    ],
)
def test_refused(models, mean, argument):
    with pytest.raises(ValueError, match=f"`{argument}`"):
        Ensemble(models(), mean)


def test_members_may_take_their_input_in_a_dict(recwarn):
    x = keras.Input((2,))
    member = keras.Model({"image": x}, layers.Dense(3)(x))
    ensemble = Ensemble([member, member])
    image = np.ones((1, 2), "float32")
    np.testing.assert_allclose(ensemble(image), member({"image": image}), rtol=1e-6)
    assert not [w for w in recwarn if "structure of `inputs`" in str(w.message)]
