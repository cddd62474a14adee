import keras
import numpy as np
import pytest
from keras import layers

import kerasnets
from kerasnets.surgery import preinitialize

TINY = dict(kerasnets.applications.VGG16.spec.tiny, input_shape=(32, 32, 3), classes=5)


@pytest.fixture
def nets():
    """Net D, and net A to start it from."""
    keras.utils.set_random_seed(0)
    return kerasnets.build("VGG16", **TINY), kerasnets.build("VGG11", **TINY)


def weights(net):
    return {layer.name: [w.copy() for w in layer.get_weights()] for layer in net.layers if layer.weights}


def equal(a, b):
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


def test_first_four_convolutions_and_last_three_dense_layers(nets):
    deep, shallow = nets
    for w in shallow.weights:
        w.assign(w + 1)
    before, source = weights(deep), weights(shallow)
    names = preinitialize(deep, shallow)
    # Simonyan and Zisserman 2015, section 3.1, and the columns A and D of table 1.
    first = ["block1_conv1", "block2_conv1", "block3_conv1", "block3_conv2"]
    assert names == [*first, "fc1", "fc2", "logits"]
    for name, now in weights(deep).items():
        assert equal(now, source[name] if name in names else before[name]), name


def test_another_number_of_layers(nets):
    deep, shallow = nets
    assert preinitialize(deep, shallow, convs=1, dense=0) == ["block1_conv1"]
    assert preinitialize(deep, shallow, convs=0, dense=2) == ["fc2", "logits"]


def test_the_shallow_net_may_have_other_classes_if_they_are_left_out(nets):
    deep, _ = nets
    other = kerasnets.build("VGG11", **{**TINY, "classes": 9})
    before = weights(deep)
    with pytest.raises(ValueError, match="`model` is a net whose layer logits has weights"):
        preinitialize(deep, other)
    assert all(equal(now, before[name]) for name, now in weights(deep).items())
    assert preinitialize(deep, other, dense=0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"convs": 9}, "`convs` is a whole number up to the 8 of `source`"),
        ({"convs": -1}, "`convs`"),
        ({"dense": 4}, "`dense` is a whole number up to the 3 of `source`"),
        ({"dense": 1.5}, "`dense`"),
        ({"source": None}, "`source` is a keras.Model"),
        ({"model": None}, "`model` is a keras.Model"),
        ({"model": keras.Sequential([keras.Input((4,)), layers.Dense(3)])}, "Received: model=None"),
    ],
)
def test_bad_arguments_are_refused(nets, options, message):
    deep, shallow = nets
    with pytest.raises(ValueError, match=message):
        preinitialize(**{"model": deep, "source": shallow, **options})
