import keras
import numpy as np
import pytest
import sklearn.metrics

from kerasnets.training import Crossentropy, label_metrics

LOGITS = np.random.default_rng(0).normal(size=(6, 5)).astype("float32")
CLASSES = np.array([0, 4, 2, 2, 1, 3])


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_classes_are_smoothed_as_shares_are(smoothing):
    """Szegedy et al. 2016, section 7: q' = (1 - epsilon) q + epsilon / K."""
    p = LOGITS - np.log(np.exp(LOGITS).sum(1, keepdims=True))
    target = (1 - smoothing) * np.eye(5)[CLASSES] + smoothing / 5
    expected = -(target * p).sum(1).mean()
    loss = Crossentropy(smoothing, from_logits=True)
    for y in (CLASSES, CLASSES[:, None], np.eye(5, dtype="float32")[CLASSES]):
        np.testing.assert_allclose(loss(y, LOGITS), expected, rtol=1e-5)
    probabilities = Crossentropy(smoothing)
    np.testing.assert_allclose(probabilities(CLASSES, np.exp(p)), expected, rtol=1e-5)


LABELS = np.array([[1, 0, 1, 0, 0], [0, 1, 0, 0, 0], [1, 1, 1, 0, 1]] * 2, "float32")


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_each_score_may_be_a_label_of_its_own(smoothing):
    mixed = 0.7 * LABELS + 0.3 * LABELS[::-1]
    p = 1 / (1 + np.exp(-LOGITS.astype("float64")))
    loss, of_probabilities = (Crossentropy(smoothing, from_logits=x, binary=True) for x in (True, False))
    for y in (LABELS, mixed):
        target = (1 - smoothing) * y + smoothing / 2
        expected = -(target * np.log(p) + (1 - target) * np.log(1 - p)).mean()
        np.testing.assert_allclose(loss(y, LOGITS), expected, rtol=1e-5)
        np.testing.assert_allclose(of_probabilities(y, p.astype("float32")), expected, rtol=1e-5)
    first, expected = LABELS[:, :1], loss(LABELS[:, :1], LOGITS[:, :1])
    for y in (first[:, 0], first.astype("int64")):
        np.testing.assert_allclose(loss(y, LOGITS[:, :1]), expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("y", "scores", "binary", "message"),
    [
        (CLASSES, LOGITS, True, r"`y_true` is 0 or 1 for each of 5 labels, \(batch, 5\)\."),
        (LABELS, LOGITS[:, :1], True, "`y_true` .* for each of 1 labels"),
        (LABELS[:, 0], LOGITS[:, :1], False, "`binary` is True for a net of one score"),
    ],
)
def test_labels_that_do_not_fit(y, scores, binary, message):
    with pytest.raises(ValueError, match=message):
        Crossentropy(binary=binary)(y, scores)


@pytest.mark.parametrize("count", [1, 5])
def test_metrics_of_labels(count):
    """scikit-learn's average precision has no area of a trapezium, so it differs a little."""
    rng = np.random.default_rng(0)
    y = (rng.random((400, count)) < 0.3).astype("float32")
    z = (2 * rng.normal(size=y.shape) + 2 * y - 1).astype("float32")
    found = {}
    for metric in label_metrics(count):
        metric = keras.metrics.deserialize(keras.metrics.serialize(metric))
        metric.update_state(0.6 * y if count > 1 else y[:, 0], z)  # mixed ones count too
        found[metric.name] = float(metric.result())
    assert found.pop("accuracy") == pytest.approx((y == (z > 0)).mean())
    if count > 1:
        assert found.pop("exact_match") == pytest.approx((y == (z > 0)).all(1).mean())
    [(name, area)] = found.items()
    assert name == ("average_precision" if count == 1 else "mean_average_precision")
    assert area == pytest.approx(sklearn.metrics.average_precision_score(y, z), abs=0.02)


def test_metrics_of_no_labels():
    with pytest.raises(ValueError, match="`labels` is a whole number, at least 1"):
        label_metrics(0)


def test_it_is_saved():
    given = Crossentropy(0.2, from_logits=True, binary=True)
    loss = keras.losses.deserialize(keras.losses.serialize(given))
    assert (loss.label_smoothing, loss.from_logits, loss.binary) == (0.2, True, True)


@pytest.mark.parametrize("value", [-0.1, 1, "0.1", True])
def test_bad_smoothing(value):
    with pytest.raises(ValueError, match="`label_smoothing`.*Received"):
        Crossentropy(value)


def test_binary_is_a_flag():
    with pytest.raises(ValueError, match="`binary` is True or False"):
        Crossentropy(binary=1)
