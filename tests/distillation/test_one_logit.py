"""Nets of a single logit, whose sigmoid is the probability of the label 1."""

import keras
import numpy as np
import pytest
from keras import layers, ops
from scipy.special import expit, log_expit, logit

from kerasnets.distillation import (
    Distiller,
    Ensemble,
    Hint,
    add_biases,
    as_logits,
    combine,
    confusable_classes,
    correct_dustbin,
    hard_loss,
    match_frequencies,
    soft_loss,
    soft_targets,
    specialist,
)

pytestmark = pytest.mark.usefixtures("eagerly")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(32, 5)).astype("float32")
Y = RNG.integers(0, 2, 32)


def net(seed=0, activation=None):
    keras.utils.set_random_seed(seed)
    body = [layers.Dense(4, "relu", name="fc"), layers.Dense(1, activation, name="logits")]
    return keras.Sequential([keras.Input((5,)), *body])


def reference(y, z, v, temperature):
    """Both losses of each example in float64, straight from their formulas."""
    y, z, v = (np.asarray(a, "float64").reshape(-1) for a in (y, z, v))
    hard = -y * log_expit(z) - (1 - y) * log_expit(-z)
    z, v = z / temperature, v / temperature
    soft = expit(v) * (log_expit(v) - log_expit(z)) + expit(-v) * (log_expit(-v) - log_expit(-z))
    return hard, temperature**2 * soft


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0, 20.0])
@pytest.mark.parametrize("scale", [1.0, 5.0, 1000.0])
def test_losses_match_float64(temperature, scale):
    z, v = (scale * RNG.normal(size=(64, 1)).astype("float32") for _ in range(2))
    y = RNG.integers(0, 2, 64)
    hard, soft = reference(y, z, v, temperature)
    for labels in (y, y[:, None], y.astype(bool), y.astype("float64")):
        np.testing.assert_allclose(ops.convert_to_numpy(hard_loss(labels, z)), hard, rtol=1e-5, atol=1e-30)
    found = ops.convert_to_numpy(soft_loss(v, z, temperature))
    np.testing.assert_allclose(found, soft, rtol=1e-4, atol=1e-6 * temperature**2)
    assert found.shape == (64,)
    assert found.min() >= 0
    targets = ops.convert_to_numpy(soft_targets(v, temperature))
    np.testing.assert_allclose(targets, expit(v.astype("float64") / temperature), rtol=1e-4, atol=1e-30)


def test_labels_may_be_probabilities_and_not_rows():
    z, y = RNG.normal(size=(8, 1)).astype("float32"), RNG.random(8)
    np.testing.assert_allclose(hard_loss(y, z), reference(y, z, z, 1.0)[0], rtol=1e-5)
    with pytest.raises(ValueError, match="`labels` is 0, 1 or a probability"):
        hard_loss(np.eye(2)[Y[:8]], z)


def test_equals_and_extremes_cost_nothing_and_stay_finite():
    z = 10 * RNG.normal(size=(2000, 1)).astype("float32")
    found = ops.convert_to_numpy(soft_loss(z, z, 4.0))
    assert found.min() >= 0
    assert found.max() < 1e-4
    half = np.array([[6e4], [-6e4], [0.0]], "float16")
    assert np.isfinite(soft_loss(half, half[::-1], 0.01)).all()
    assert np.isfinite(hard_loss([0, 1, 1], half)).all()


@pytest.mark.parametrize("cached", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_distiller_counts_them(cached, weighted):
    student, teacher = net(0), net(1)
    z, v = (m.predict(X, verbose=0) for m in (student, teacher))
    hard, soft = reference(Y, z, v, 3.0)
    w = RNG.random(32).astype("float32") if weighted else np.ones(32, "float32")
    model = Distiller(student, None if cached else teacher, temperature=3.0, hard_weight=0.3)
    model.compile("sgd", metrics=["accuracy"], weighted_metrics=["acc", "mse"])
    y = {"labels": Y, "teacher_logits": v} if cached else Y
    logs = model.evaluate(X, y, sample_weight=w if weighted else None, verbose=0, return_dict=True)
    assert logs["loss"] == pytest.approx((w * (0.3 * hard + 0.7 * soft)).mean(), rel=1e-5)
    assert logs["hard_loss"] == pytest.approx(np.average(hard, weights=w), rel=1e-5)
    assert logs["soft_loss"] == pytest.approx(np.average(soft, weights=w), rel=1e-5)
    right = (z[:, 0] > 0) == Y
    assert logs["accuracy"] == pytest.approx(right.mean())
    assert logs["acc"] == pytest.approx(np.average(right, weights=w))
    assert ((z[:, 0] > 0.5) == Y).mean() != right.mean()


def test_the_student_comes_to_agree_with_the_teacher(tmp_path):
    student, teacher = net(0), net(1)
    model = Distiller(student, teacher, hard_weight=0.0, hints=[Hint("fc", "fc")])
    model.compile(keras.optimizers.Adam(0.05), metrics=["accuracy"])
    logs = model.fit(X, Y, epochs=15, verbose=0).history
    assert logs["soft_loss"][-1] < 0.3 * logs["soft_loss"][0]
    model.save(tmp_path / "d.keras")
    loaded = keras.saving.load_model(tmp_path / "d.keras")
    assert loaded.evaluate(X, Y, verbose=0) == model.evaluate(X, Y, verbose=0)


@pytest.mark.parametrize("mean", ["geometric", "arithmetic"])
def test_ensembles(mean):
    models = [net(0), net(1), net(2)]
    p = [expit(m.predict(X, verbose=0).astype("float64")) for m in models]
    if mean == "arithmetic":
        expected = logit(np.mean(p, 0))
    else:
        both = [np.exp(np.mean(np.log(q), 0)) for q in (p, 1 - np.array(p))]
        expected = np.log(both[0] / both[1])
    np.testing.assert_allclose(Ensemble(models, mean).predict(X, verbose=0), expected, rtol=1e-4, atol=1e-5)


def test_a_sigmoid_becomes_a_logit():
    probabilities = net(activation="sigmoid")
    with pytest.raises(ValueError, match="as_logits"):
        Distiller(probabilities)
    np.testing.assert_allclose(expit(as_logits(probabilities)(X)), probabilities(X), atol=1e-6)
    np.testing.assert_allclose(add_biases(net(), [0], [2.0])(X), net()(X) + 2, atol=1e-6)


@pytest.mark.parametrize(
    "refused",
    [
        lambda: specialist(net(), [0]),
        lambda: confusable_classes(np.ones((4, 1)), 1),
        lambda: correct_dustbin(net(), 2.0),
        lambda: match_frequencies(np.ones((4, 1)), [0], [0.5]),
        lambda: combine(np.ones((4, 1)), [np.ones((4, 2))], [[0]]),
        lambda: Distiller(keras.Sequential([keras.Input((5,)), layers.Dense(1), layers.Reshape(())])),
    ],
)
def test_what_has_no_meaning_is_refused(refused):
    with pytest.raises(ValueError, match="two (classes|logits)|\\(batch, classes\\)"):
        refused()
