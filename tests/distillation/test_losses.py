import keras
import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from kerasnets.distillation import hard_loss, soft_loss, soft_targets

RNG = np.random.default_rng(0)


def reference(labels, z, v, temperature, w):
    """The loss of each example in float64, straight from its formula."""
    z, v = z.astype("float64"), v.astype("float64")
    hard = -log_softmax(z, axis=1)[np.arange(len(z)), labels]
    p, log_p = softmax(v / temperature, axis=1), log_softmax(v / temperature, axis=1)
    soft = temperature**2 * (p * (log_p - log_softmax(z / temperature, axis=1))).sum(1)
    return hard, soft, w * hard + (1 - w) * soft


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0, 20.0])
@pytest.mark.parametrize("scale", [1.0, 5.0, 40.0])
def test_losses_match_float64(temperature, scale):
    z, v = (scale * RNG.normal(size=(64, 10)).astype("float32") for _ in range(2))
    labels = RNG.integers(0, 10, 64)
    hard, soft, _ = reference(labels, z, v, temperature, 0)
    one_hot = np.eye(10, dtype="float32")[labels]
    to_numpy = keras.ops.convert_to_numpy
    for given in (labels, labels[:, None], one_hot):
        np.testing.assert_allclose(to_numpy(hard_loss(given, z)), hard, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(to_numpy(soft_loss(v, z, temperature)), soft, rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(
        to_numpy(soft_targets(v, temperature)), softmax(v / temperature, axis=1), rtol=1e-4, atol=1e-7
    )


def test_soft_loss_is_never_negative_and_zero_for_equals():
    z = 10 * RNG.normal(size=(2000, 10)).astype("float32")
    losses = keras.ops.convert_to_numpy(soft_loss(z, z + RNG.normal(size=(2000, 1)).astype("float32"), 4.0))
    assert losses.min() >= 0
    assert losses.max() < 1e-4


def test_half_precision_logits_are_compared_in_full():
    z, v = (RNG.normal(size=(8, 10)).astype("float16") for _ in range(2))
    half = keras.ops.convert_to_numpy(soft_loss(v, z, 4.0))
    full = keras.ops.convert_to_numpy(soft_loss(v.astype("float32"), z.astype("float32"), 4.0))
    assert half.dtype == "float32"
    np.testing.assert_array_equal(half, full)
