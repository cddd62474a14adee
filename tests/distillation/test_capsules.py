import keras
import numpy as np
import pytest

from kerasnets.distillation import Distiller, Ensemble, add_biases, add_teacher_logits, as_logits
from nets import kept, tiny


def net_of_logits():
    caps = kept("CapsNet")
    flat = keras.layers.Flatten()
    return keras.Sequential([keras.Input(caps.input_shape[1:]), flat, keras.layers.Dense(5)])


@pytest.fixture(params=["CapsNet", "decoder", "nested"])
def lengths(request):
    if request.param == "decoder":
        return tiny("CapsNet", decoder=True)
    caps = kept("CapsNet")
    return keras.Sequential([keras.Input(caps.input_shape[1:]), caps]) if request.param == "nested" else caps


USES = {
    "student": lambda net: Distiller(net, net_of_logits()),
    "teacher": lambda net: Distiller(net_of_logits(), net),
    "models": lambda net: Ensemble([net_of_logits(), net]),
    "model": lambda net: add_biases(net, [0], [1.0]),
    "as_logits": as_logits,
}


@pytest.mark.parametrize("use", USES)
def test_lengths_of_capsules_are_no_logits(lengths, use):
    with pytest.raises(ValueError, match=f"`{use.replace('as_logits', 'model')}` is .*lengths of capsules"):
        USES[use](lengths)


def test_a_teacher_of_lengths_is_refused():
    tf = pytest.importorskip("tensorflow")
    caps = kept("CapsNet")
    x = np.zeros((2, *caps.input_shape[1:]), "float32")
    data = tf.data.Dataset.from_tensor_slices((x, [0, 1])).batch(2)
    with pytest.raises(ValueError, match="`teacher` is .*lengths of capsules"):
        add_teacher_logits(data, caps)


def test_a_softmax_of_lengths_has_logits():
    net = tiny("CapsNet", classifier_activation="softmax")
    x = np.random.default_rng(0).uniform(size=(2, *net.input_shape[1:])).astype("float32")
    z = keras.ops.convert_to_numpy(as_logits(net)(x)).astype("float64")
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(net(x)), p, atol=1e-6)
