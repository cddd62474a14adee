import keras
import numpy as np
import pytest

from kerasnets.training import Crossentropy

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


def test_it_is_saved():
    loss = keras.losses.deserialize(keras.losses.serialize(Crossentropy(0.2, from_logits=True)))
    assert (loss.label_smoothing, loss.from_logits) == (0.2, True)


@pytest.mark.parametrize("value", [-0.1, 1, "0.1", True])
def test_bad_smoothing(value):
    with pytest.raises(ValueError, match="`label_smoothing`.*Received"):
        Crossentropy(value)
