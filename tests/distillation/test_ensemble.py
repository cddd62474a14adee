import keras
import numpy as np
import pytest
from keras import layers

from kerasnets.analysis import profile
from kerasnets.distillation import Distiller, Ensemble, soft_loss

pytestmark = pytest.mark.usefixtures("eagerly")


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


@pytest.mark.parametrize("mean", ["arithmetic", "geometric"])
def test_members_have_weights(mean, tmp_path):
    models = [net(0), net(1), net(2)]
    ensemble = Ensemble(models, mean, weights=(5, 3, 2))
    w, ps = np.array([0.5, 0.3, 0.2]), [softmax(m.predict(X, verbose=0).astype("float64")) for m in models]
    want = np.average(ps, 0, w) if mean == "arithmetic" else softmax(np.average(np.log(ps), 0, w))
    got = ensemble.predict(X, verbose=0)
    np.testing.assert_allclose(softmax(got), want, atol=1e-6)
    ensemble.save(tmp_path / "e.keras")
    loaded = keras.saving.load_model(tmp_path / "e.keras")
    np.testing.assert_array_equal(loaded.predict(X, verbose=0), got)
    Distiller(net(5), ensemble)  # it gives logits
    assert not profile(ensemble).unknown


def test_the_arithmetic_mean_teaches_as_the_sum_of_the_losses_at_temperature_1():
    """KL(p1 || q) + KL(p2 || q) is 2 KL((p1 + p2) / 2 || q) and what does not depend on q."""
    models, z = [net(0), net(1)], np.random.default_rng(1).normal(size=(2, 6, 3)).astype("float32")
    logits = [m.predict(X, verbose=0) for m in models]
    both = Ensemble(models, "arithmetic").predict(X, verbose=0)
    summed, of_mean = ([sum(soft_loss(v, q, 1.0) for v in vs) for q in z] for vs in (logits, [both]))
    of_one = 2 * (of_mean[0] - of_mean[1])
    np.testing.assert_allclose(summed[0] - summed[1], of_one, atol=1e-5)


@pytest.mark.parametrize(
    "weights", [(1,), (1, 0), (1, -1), (1, float("nan")), (1, "a"), 0.5, (1e308, 1e308), (1e-320, 1e9)]
)
def test_weights_that_are_refused(weights):
    with pytest.raises(ValueError, match="`weights`"):
        Ensemble([net(), net(1)], weights=weights)


def test_members_share_weights_and_teach():
    models = [net(0), net(1)]
    ensemble = Ensemble(models)
    before = ensemble.predict(X, verbose=0)
    models[0].layers[-1].kernel.assign(models[0].layers[-1].kernel * 2)
    assert not np.allclose(ensemble.predict(X, verbose=0), before)

    student = net(5)
    distiller = Distiller(student, ensemble, hard_weight=0.0)
    distiller.compile(keras.optimizers.Adam(0.2))
    loss = distiller.fit(X, np.zeros(6, int), epochs=15, verbose=0).history["loss"]
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
