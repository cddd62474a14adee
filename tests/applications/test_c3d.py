import keras
import numpy as np
import pytest
from keras import ops
from scipy.signal import correlate

import kerasnets
from kerasnets.analysis import profile
from kerasnets.applications import c3d
from kerasnets.graph import no_values

# The lecture's table of C3D, layer by layer (seed 001): maps, and weights without biases.
LAYERS = [
    ("block1_conv1", (16, 112, 112, 64), 5_184),
    ("block1_pool", (16, 56, 56, 64), 0),
    ("block2_conv1", (16, 56, 56, 128), 221_184),
    ("block2_pool", (8, 28, 28, 128), 0),
    ("block3_conv1", (8, 28, 28, 256), 884_736),
    ("block3_conv2", (8, 28, 28, 256), 1_769_472),
    ("block3_pool", (4, 14, 14, 256), 0),
    ("block4_conv1", (4, 14, 14, 512), 3_538_944),
    ("block4_conv2", (4, 14, 14, 512), 7_077_888),
    ("block4_pool", (2, 7, 7, 512), 0),
    ("block5_conv1", (2, 7, 7, 512), 7_077_888),
    ("block5_conv2", (2, 7, 7, 512), 7_077_888),
    ("block5_pool", (1, 4, 4, 512), 0),
    ("fc1", (4096,), 33_554_432),
    ("fc2", (4096,), 16_777_216),
    ("logits", (101,), 413_696),
]


@pytest.fixture(scope="module")
@no_values()
def net():
    return kerasnets.build("C3D")


@pytest.mark.parametrize(("name", "maps", "weights"), LAYERS)
def test_layers_are_those_of_the_table(net, name, maps, weights):
    layer = net.get_layer(name)
    assert layer.output.shape[1:] == maps
    assert (ops.size(layer.kernel) if layer.weights else 0) == weights


def test_nothing_else_has_weights(net):
    assert {layer.name for layer in net.layers if layer.weights} == {n for n, _, w in LAYERS if w}


def test_multiply_adds_of_each_layer(net):
    rows = {row.name: row for row in profile(net).layers}
    for name, maps, weights in LAYERS:
        positions = np.prod(maps[:-1], dtype=int)  # 1 of a dense layer
        assert rows[name].mult_adds == positions * weights
        assert rows[name].output_shape == maps


@pytest.mark.parametrize("shape", [(8, 16, 16, 3), (17, 50, 35, 3)])
def test_outputs_are_those_of_plain_sums(shape):
    keras.utils.set_random_seed(0)
    small = kerasnets.build("C3D", input_shape=shape, include_top=False, filters=(2, 3, 2, 3, 4))
    for w in small.weights:
        w.assign(keras.random.uniform(w.shape, -0.5, 0.7))
    x = np.random.default_rng(0).uniform(-1, 1, (1, *shape)).astype("float32")
    y = x[0].astype("float64")
    for layer in small.layers:
        if "conv" in layer.name:
            kernel, bias = (ops.convert_to_numpy(w).astype("float64") for w in layer.weights)
            each = [
                sum(correlate(y[..., i], kernel[..., i, o], "same") for i in range(y.shape[-1]))
                for o in range(len(bias))
            ]
            y = np.maximum(np.stack(each, -1) + bias, 0)
        elif "pool" in layer.name:
            window = (1, 2, 2) if layer.name == "block1_pool" else (2, 2, 2)
            if layer.name == "block5_pool":  # of the last windows, what lies inside counts
                y = np.pad(y, [(0, -side % 2) for side in y.shape[:3]] + [(0, 0)])
            y = y[tuple(slice(s // w * w) for s, w in zip(y.shape, window, strict=False))]
            grid = [n for s, w in zip(y.shape, window, strict=False) for n in (s // w, w)]
            y = y.reshape(*grid, -1).max((1, 3, 5))
    np.testing.assert_allclose(ops.convert_to_numpy(small(x))[0], y, rtol=1e-4)


def test_preprocessing_of_clips():
    clips = np.random.default_rng(0).integers(0, 256, (2, 4, 6, 5, 3), dtype="uint8")
    scaled = c3d.preprocess_input(clips)
    assert scaled.shape == clips.shape
    for channel, mean in enumerate((90, 98, 102)):  # blue, green, red
        np.testing.assert_array_equal(scaled[..., channel], clips[..., 2 - channel] - np.float32(mean))


@pytest.mark.parametrize("shape", [(112, 112, 3), (16, 112, 112), (1, 16, 112, 112, 3), (16, 112, 112, None)])
def test_what_is_no_clip_is_refused(shape):
    with pytest.raises(ValueError, match=r"`input_shape` is \(frames, height, width, channels\).*Received: "):
        kerasnets.build("C3D", input_shape=shape)


def test_frames_and_sides_may_stay_free_without_dense_layers():
    features = kerasnets.build(
        "C3D", include_top=False, pooling="avg", input_shape=(None, None, None, 3), **c3d.TINY
    )
    assert features.output_shape == (None, 6)
    for shape in ((1, 8, 16, 16, 3), (1, 11, 40, 23, 3)):
        assert np.isfinite(ops.convert_to_numpy(features(np.ones(shape, "float32")))).all()
