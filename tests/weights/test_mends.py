"""Mended weights give on our nets what they give on nets of another form, which are built here."""

import keras
import numpy as np
import pytest
from keras import ops

import kerasnets
from kerasnets.weights import mends
from kerasnets.weights.architectures.row import Architecture
from kerasnets.weights.pairing import load_units, slots_of
from kerasnets.weights.units import Unit
from nets import array, filled, images

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def clean():
    yield
    keras.backend.clear_session()


def weights_of(net):
    """The weights of a net as the pairing gives them."""
    return {slot.name: {w.name: array(w) for w in slot.weights} for slot in slots_of(net)}


def check_equal(ours, theirs):
    x = images(ours)
    scores = array(theirs(x, training=False))
    assert np.ptp(scores) > 1e-3
    np.testing.assert_allclose(array(ours(x, training=False)), scores, atol=1e-5 * np.abs(scores).max())


def load(net, fitted):
    for slot in slots_of(net):
        slot.set_weights([fitted[slot.name][w.name] for w in slot.weights])


def test_zeros_on_both_sides(monkeypatch):
    options = dict(depth=14, alpha=0.25, input_shape=(8, 8, 3), classifier_activation=None)
    ours = filled(kerasnets.build("ResNet20", **options))
    behind = ops.pad

    def centered(x, widths):
        *others, (_, added) = widths
        return behind(x, (*others, (added // 2, added // 2)))

    with monkeypatch.context() as patch:
        patch.setattr(ops, "pad", centered)
        theirs = filled(kerasnets.build("ResNet20", **options))
    theirs.set_weights(ours.get_weights())
    fitted = weights_of(theirs)
    mends.zeros_on_both_sides(ours, fitted)
    load(ours, fitted)
    check_equal(ours, theirs)


def test_folded_norm():
    options = dict(depths=(1, 1), alpha=0.0625, input_shape=(32, 32, 3), classifier_activation=None)
    ours = kerasnets.build("ResNet50", **options)
    units = []
    for slot in slots_of(ours):
        if hasattr(slot, "kernel"):
            values = {w.name: RNG.normal(0, 0.3, w.shape).astype("float32") for w in slot.weights}
            bias = RNG.normal(0, 0.3, slot.kernel.shape[-1]).astype("float32")
            kind = "conv" if slot.kernel.ndim == 4 else "dense"
            units.append(Unit(slot.name, kind, {**values, "bias": bias}))
    load_units(ours, units, Architecture(net="ResNet50", epsilon=0.0, mends={"folded_norm": {}}))
    x, first = images(ours), ours.get_layer("stem_bn")
    kernel, bias = units[0].values["kernel"], units[0].values["bias"]
    padded = np.pad(x, ((0, 0), (3, 3), (3, 3), (0, 0)))
    expected = array(ops.conv(padded, kernel, 2, "valid")) + bias
    made = array(keras.Model(ours.input, first.output)(x, training=False))
    np.testing.assert_allclose(made, expected, atol=1e-5 * np.abs(expected).max())
