import itertools

import keras
import numpy as np
import pytest
from keras import ops

from kerasnets.blocks.conv import conv, depthwise, max_pool

RNG = np.random.default_rng(0)
# Shape of what comes in, kernel, strides, and zeros by hand: on both ends of each axis, or before and after.
ROWS = [
    ((7, 6), 2, 1, ((0, 1), (0, 1))),
    ((7, 6), 2, 2, ((0, 1), (0, 1))),
    ((7, 6), 4, 1, ((1, 2), (1, 2))),
    ((7, 6), 4, 3, ((1, 2), (1, 2))),
    ((7, 6), (2, 3), 2, ((0, 1), 1)),
    ((7, 6), (3, 2), 1, (1, (0, 1))),
    ((3, 3), 6, 1, ((2, 3), (2, 3))),
    ((5, 7, 6), 2, 2, ((0, 1), (0, 1), (0, 1))),
    ((5, 7, 6), (1, 4, 4), (1, 2, 2), (0, (1, 2), (1, 2))),
    ((7, 6), 3, 2, (1, 1)),
    ((7, 6), 1, 2, (0, 0)),
    ((7, 8), (1, 5), (1, 2), (0, 2)),
    ((5, 7, 6), 3, 1, (1, 1, 1)),
    ((5, 7, 6), 3, 2, (1, 1, 1)),
    ((5, 7, 6), (1, 3, 3), (1, 2, 2), (0, 1, 1)),
    ((5, 7, 6), (3, 1, 1), 1, (1, 0, 0)),
]
rows = pytest.mark.parametrize(("grid", "kernel", "strides", "zeros"), ROWS)


def windows(x, kernel, strides, zeros, beyond=0):
    """What lies under the kernel at each place, by place."""
    axes = len(zeros)
    kernel, strides = (v if isinstance(v, tuple) else (v,) * axes for v in (kernel, strides))
    x = np.pad(
        x, [(0, 0), *(n if isinstance(n, tuple) else (n, n) for n in zeros), (0, 0)], constant_values=beyond
    )
    counts = [(s - k) // step + 1 for s, k, step in zip(x.shape[1:-1], kernel, strides, strict=True)]
    for place in itertools.product(*map(range, counts)):
        corner = [slice(p * s, p * s + k) for p, s, k in zip(place, strides, kernel, strict=True)]
        yield place, x[(slice(None), *corner)]


@rows
def test_symmetric_convolution(grid, kernel, strides, zeros):
    inputs = keras.Input((*grid, 2))
    model = keras.Model(inputs, conv(inputs, 3, kernel, strides, use_bias=True, bias=0.5, name="c"))
    x = RNG.normal(size=(2, *grid, 2)).astype("float32")
    y = ops.convert_to_numpy(model(x))
    w = ops.convert_to_numpy(model.get_layer("c").kernel)
    places = dict(windows(x, kernel, strides, zeros))
    assert y[0, ..., 0].size == len(places)
    for place, under in places.items():
        expected = np.tensordot(under, w, w.ndim - 1) + 0.5
        np.testing.assert_allclose(y[(slice(None), *place)], expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("grid", "kernel", "strides", "zeros"), [row for row in ROWS if len(row[0]) == 2])
def test_symmetric_depthwise_convolution(grid, kernel, strides, zeros):
    # TensorFlow has no depthwise convolutions whose strides differ.
    if not isinstance(strides, int):
        strides, zeros = 2, (0, 2)
    inputs = keras.Input((*grid, 2))
    model = keras.Model(inputs, depthwise(inputs, kernel, strides, name="d"))
    x = RNG.normal(size=(2, *grid, 2)).astype("float32")
    y = ops.convert_to_numpy(model(x))
    w = ops.convert_to_numpy(model.get_layer("d").kernel)[..., 0]
    places = dict(windows(x, kernel, strides, zeros))
    assert y[0, ..., 0].size == len(places)
    for place, under in places.items():
        expected = (under * w).sum((1, 2))
        np.testing.assert_allclose(y[(slice(None), *place)], expected, rtol=1e-5, atol=1e-5)


@rows
def test_the_grid_is_divided_by_the_strides_and_rounded_up(grid, kernel, strides, zeros):
    strides = strides if isinstance(strides, tuple) else (strides,) * len(grid)
    y = max_pool(keras.Input((*grid, 3)), kernel, strides, name="p")
    assert y.shape[1:-1] == tuple(-(-n // s) for n, s in zip(grid, strides, strict=True))
    free = max_pool(keras.Input((*(None for _ in grid), 3)), kernel, strides, name="p")
    assert set(free.shape[1:-1]) == {None}


@rows
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_symmetric_pooling(grid, kernel, strides, zeros, dtype):
    x = RNG.uniform(0, 1, (2, *grid, 3)).astype(dtype)
    y = ops.convert_to_numpy(max_pool(ops.convert_to_tensor(x), kernel, strides, name="p"))
    places = dict(windows(x, kernel, strides, zeros))
    assert y[0, ..., 0].size == len(places)
    for place, under in places.items():
        np.testing.assert_array_equal(y[(slice(None), *place)], under.max(tuple(range(1, x.ndim - 1))))


@pytest.mark.parametrize(("grid", "kernel", "strides", "zeros"), [row for row in ROWS if len(row[0]) == 2])
def test_symmetric_pooling_of_negative_maps(grid, kernel, strides, zeros):
    x = RNG.uniform(-2, -1, (2, *grid, 3)).astype("float32")
    y = ops.convert_to_numpy(max_pool(ops.convert_to_tensor(x), kernel, strides, signed=True, name="p"))
    for place, under in windows(x, kernel, strides, zeros, beyond=-np.inf):
        np.testing.assert_array_equal(y[(slice(None), *place)], under.max((1, 2)))
