"""Mended weights give on our nets what they give on nets of another form, which are built here."""

import keras
import numpy as np
import pytest
from keras import ops

import kerasnets
from kerasnets.layers import LRN
from kerasnets.weights import mends
from kerasnets.weights.architectures.row import Architecture
from kerasnets.weights.pairing import load_units, slots_of
from kerasnets.weights.units import Unit
from nets import array, filled, images, tiny

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


def test_batch_normalization_that_was_folded():
    options = dict(depths=(1, 1), alpha=0.0625, input_shape=(32, 32, 3), classifier_activation=None)
    ours = kerasnets.build("ResNet50", **options)
    units = []
    for slot in slots_of(ours):
        if hasattr(slot, "kernel"):
            values = {w.name: RNG.normal(0, 0.3, w.shape).astype("float32") for w in slot.weights}
            bias = RNG.normal(0, 0.3, slot.kernel.shape[-1]).astype("float32")
            kind = "conv" if slot.kernel.ndim == 4 else "dense"
            units.append(Unit(slot.name, kind, {**values, "bias": bias}))
    load_units(ours, units, Architecture(net="ResNet50", epsilon=0.0, adds=("norm",)))
    x, first = images(ours), ours.get_layer("stem_bn")
    kernel, bias = units[0].values["kernel"], units[0].values["bias"]
    padded = np.pad(x, ((0, 0), (3, 3), (3, 3), (0, 0)))
    expected = array(ops.conv(padded, kernel, 2, "valid")) + bias
    made = array(keras.Model(ours.input, first.output)(x, training=False))
    np.testing.assert_allclose(made, expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("name", ["AlexNet", "GoogLeNet", "ZFNet"])
def test_lrn(name):
    ours, theirs = (tiny(name, classifier_activation=None) for _ in range(2))
    theirs.set_weights(ours.get_weights())
    for layer in theirs.layers:
        if isinstance(layer, LRN):
            layer.k, layer.alpha = 1.0, 0.3
    fitted = weights_of(theirs)
    mends.lrn(ours, fitted, k=1.0, alpha=0.3)
    load(ours, fitted)
    check_equal(ours, theirs)


def test_separable_convolutions():
    ours, theirs = (tiny("Xception", classifier_activation=None) for _ in range(2))
    units = []
    for slot in slots_of(theirs):
        values = {w.name: array(w) for w in slot.weights}
        if "depthwise_kernel" in values:
            kernel = values["depthwise_kernel"]
            units.append(Unit(f"{slot.name}.dw", "conv", {"kernel": kernel.swapaxes(2, 3)}))
            units.append(Unit(f"{slot.name}.pw", "conv", {"kernel": values["pointwise_kernel"]}))
        else:
            kind = "norm" if "gamma" in values else "dense" if slot.name == "logits" else "conv"
            units.append(Unit(slot.name, kind, values))
    row = Architecture(net="Xception", epsilon=1e-3)
    ours.set_weights([0 * w for w in ours.get_weights()])
    load_units(ours, units, row)
    check_equal(ours, theirs)
    before = [array(w) for w in ours.weights]
    with pytest.raises(ValueError, match="left over"):
        load_units(ours, units[:-1], row)
    swapped = [units[1], units[0], *units[2:]]
    with pytest.raises(ValueError, match="has"):
        load_units(ours, swapped, row)
    for w, old in zip(ours.weights, before, strict=True):
        np.testing.assert_array_equal(array(w), old)
