import keras
import numpy as np
import pytest
from keras import layers, ops

import kerasnets
from kerasnets.surgery import fold_batch_norm, with_precision
from nets import images, tiny


def predict(model, x):
    return ops.convert_to_numpy(ops.cast(model(x, training=False), "float32"))


@pytest.mark.parametrize("name", ["DenseNet121", "FractalNet20", "AlexNet"])
def test_nets_in_bfloat16_and_back(name):
    spec = getattr(kerasnets.applications, name).spec
    shape = (*spec.min_grid, spec.channels)
    model = kerasnets.build(name, input_shape=shape, classes=4, classifier_activation=None, **spec.tiny)
    x = np.random.default_rng(0).uniform(-1, 1, (2, *shape)).astype("float32")
    low = with_precision(model, "mixed_bfloat16")
    inner = {layer.compute_dtype for layer in low.layers if layer.weights} - {"float32"}
    assert inner == {"bfloat16"}
    expected = predict(model, x)
    assert low.outputs[0].dtype == "float32"
    scale = np.abs(expected).max()
    assert 0 < np.abs(predict(low, x) - expected).max() < 0.1 * scale
    np.testing.assert_array_equal(predict(with_precision(low, "float32"), x), expected)


@pytest.mark.parametrize("name", ["DenseNet121", "SqueezeNet", "CapsNet", "FitNet1"])
def test_the_classifier_keeps_its_precision(name):
    model = tiny(name)
    low = with_precision(model, "mixed_bfloat16")
    # What the net would be, were it built under this policy.
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        built = tiny(name)
    finally:
        keras.config.set_dtype_policy("float32")
    assert [part.compute_dtype for part in low.layers[1:]] == [p.compute_dtype for p in built.layers[1:]]
    built.set_weights(model.get_weights())
    np.testing.assert_array_equal(predict(low, images(model)), predict(built, images(model)))


def test_the_last_layer_of_a_net_without_a_classifier_keeps_its_precision():
    model = tiny("VGG16", include_top=False, pooling="avg")
    low = with_precision(model, "mixed_bfloat16")
    full = [part.name for part in low.layers if part.compute_dtype == "float32"]
    assert full[1:] == ["avg_pool"]


def test_folded_nets():
    model = kerasnets.build("MobileNet", input_shape=(32, 32, 3), alpha=0.25, classes=3)
    x = np.ones((1, 32, 32, 3), "float32")
    low = with_precision(fold_batch_norm(model), "mixed_bfloat16")
    assert np.abs(predict(low, x) - predict(model, x)).max() < 0.02
    assert {w.dtype for w in low.weights} == {"float32"}


@pytest.mark.parametrize("policy", ["bfloat17", None, 16])
def test_an_unknown_policy_is_refused(policy):
    model = keras.Sequential([keras.Input((4,)), layers.Dense(2)])
    with pytest.raises(ValueError, match="`policy` is the name of a dtype policy.*Received: policy="):
        with_precision(model, policy)
