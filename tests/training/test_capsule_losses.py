import keras
import numpy as np
import pytest
from keras import ops

from kerasnets.training import MarginLoss, ReconstructionLoss

RNG = np.random.default_rng(0)
CONSTANTS = [dict(), dict(upper=0.8, lower=0.3, absent_weight=1.0)]


def margin(there, scores, upper=0.9, lower=0.1, absent_weight=0.5):
    """Sabour 2017, equation 4, class by class."""
    total = np.zeros(len(scores))
    for n, row in enumerate(scores):
        for c, score in enumerate(row):
            if there[n, c]:
                total[n] += max(0, upper - score) ** 2
            else:
                total[n] += absent_weight * max(0, score - lower) ** 2
    return total


@pytest.mark.parametrize("constants", CONSTANTS)
def test_margin_loss_is_the_papers(constants):
    scores, labels = RNG.random((50, 4)), RNG.integers(0, 4, 50)
    there = np.eye(4)[labels]
    loss = MarginLoss(reduction=None, dtype="float64", **constants)
    expected = margin(there, scores, **constants)
    for y in (labels, labels[:, None], labels.astype("int32"), there, there.astype("int64")):
        np.testing.assert_allclose(ops.convert_to_numpy(loss(y, scores)), expected, rtol=1e-12)


def test_several_classes_may_be_there():
    scores, there = RNG.random((50, 4)), RNG.integers(0, 2, (50, 4))
    loss = MarginLoss(reduction=None, dtype="float64")
    np.testing.assert_allclose(ops.convert_to_numpy(loss(there, scores)), margin(there, scores), rtol=1e-12)


def test_reconstruction_loss_is_the_weighted_sum_of_squares():
    x, y = RNG.random((2, 3, 28, 28, 1))
    expected = [
        0.0005 * sum((a - b) ** 2 for a, b in zip(x[n].flat, y[n].flat, strict=True)) for n in range(3)
    ]
    loss = ReconstructionLoss(reduction=None, dtype="float64")
    np.testing.assert_allclose(ops.convert_to_numpy(loss(x, y)), expected, rtol=1e-12)
    # The mean of 784 pixels, with the same weight
    np.testing.assert_allclose(expected, 0.392 * ((x - y) ** 2).mean(axis=(1, 2, 3)), rtol=1e-12)


@pytest.mark.parametrize("loss", [MarginLoss(0.8, 0.2, 0.3), ReconstructionLoss(0.1)])
def test_losses_can_be_saved(loss):
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert again.get_config() == loss.get_config()
    assert {type(v) for v in loss.get_config().values()} <= {str, float}
    x, y = RNG.random((2, 5, 3))
    assert float(again(x, y)) == float(loss(x, y))


@pytest.mark.parametrize(
    ("make", "word", "value"),
    [
        (MarginLoss, "upper", 1.1),
        (MarginLoss, "upper", "0.9"),
        (MarginLoss, "lower", -0.1),
        (MarginLoss, "lower", True),
        (MarginLoss, "absent_weight", -1),
        (MarginLoss, "absent_weight", float("nan")),
        (ReconstructionLoss, "weight", -1),
        (ReconstructionLoss, "weight", None),
    ],
)
def test_misuse(make, word, value):
    with pytest.raises(ValueError, match=rf"`{word}` is .* Received: {word}="):
        make(**{word: value})
