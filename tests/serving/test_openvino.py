"""Exports read by OpenVINO, from the same folder."""

import keras
import numpy as np
import pytest

import kerasnets
from kerasnets.serving import export

openvino = pytest.importorskip("openvino")


@pytest.mark.parametrize(
    ("name", "optimize"),
    [("MobileNet", False), ("DenseNet121", None), ("LeNet5", None), ("SEResNet50", None)],
)
def test_openvino_gives_what_keras_gives(name, optimize, tmp_path):
    builder = getattr(kerasnets.applications, name)
    shape = (*builder.spec.min_grid, builder.spec.channels)
    net = kerasnets.build(name, input_shape=shape, classes=4, **builder.spec.tiny)
    for w in net.weights:  # random statistics, as of a trained net
        if w.name == "moving_variance":
            w.assign(keras.random.uniform(w.shape, 0.5, 1.5))
    path = export(net, tmp_path, optimize=optimize)
    exact = {"INFERENCE_PRECISION_HINT": "f32"}  # or it computes in bfloat16 where the processor has it
    compiled = openvino.Core().compile_model(path, "CPU", exact)
    images = np.random.default_rng(0).integers(0, 256, (3, *shape)).astype("float32")
    given = {key.any_name: value for key, value in compiled(images).items()}
    expected = keras.ops.convert_to_numpy(net(builder.preprocess_input(images), training=False))
    assert set(given) == {"probabilities", "logits"}
    np.testing.assert_allclose(given["probabilities"], expected, atol=1e-4)
