import json

import keras
import numpy as np
import pytest
from keras import layers, ops

from kerasnets.analysis import profile
from kerasnets.layers import WindowPadding2D

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("free", [(None, None), (None, 14), (15, None)])
@pytest.mark.parametrize(("kernel", "strides"), [(11, 4), (3, 2), (2, 3), (5, 1)])
def test_all_pixels_lie_under_a_window(kernel, strides, free):
    inputs = keras.Input((*free, 2))
    model = keras.Model(inputs, WindowPadding2D(kernel, strides)(inputs))
    for height in range(12, 17):
        grid = tuple(known or side for known, side in zip(free, (height, 14), strict=True))
        x = RNG.normal(size=(1, *grid, 2)).astype("float32")
        # The fewest zeros on both sides with which strides of whole windows reach the last pixel.
        zeros = [next(n for n in range(strides) if (side + n - kernel) % strides == 0) for side in grid]
        expected = np.pad(x, [(0, 0), *(((n + 1) // 2,) * 2 for n in zeros), (0, 0)])
        np.testing.assert_array_equal(ops.convert_to_numpy(model(x)), expected)
        if height in (12, 15):
            np.testing.assert_array_equal(model.predict(x, verbose=0), expected)
        for known, of_model, side in zip(free, model.output_shape[1:3], expected.shape[1:3], strict=True):
            assert of_model == (known and side)


def test_configuration():
    layer = WindowPadding2D(11, 4, name="pad")
    config = json.loads(json.dumps(layer.get_config()))
    assert WindowPadding2D.from_config(config).get_config() == layer.get_config()


@pytest.mark.parametrize("options", [{"kernel": 0}, {"kernel": 2.0}, {"strides": True}, {"strides": (2, 2)}])
def test_misuse(options):
    (word,) = options
    with pytest.raises(ValueError, match=f"`{word}` is .*Received: {word}="):
        WindowPadding2D(**{"kernel": 3, "strides": 2, **options})


def test_profile_of_a_free_grid():
    inputs = keras.Input((None, None, 2))
    free = layers.Conv2D(3, 11, 4)(WindowPadding2D(11, 4)(inputs))
    known = keras.Input((24, 25, 2))
    fixed = layers.Conv2D(3, 11, 4)(layers.ZeroPadding2D((2, 1))(known))
    free = profile(keras.Model(inputs, free), input_shape=(24, 25, 2))
    fixed = profile(keras.Model(known, fixed))
    assert free.mult_adds == fixed.mult_adds
    assert free.receptive_field == fixed.receptive_field
    assert free.activation_bytes == fixed.activation_bytes
