import keras
import numpy as np
import pytest
from keras import ops

import kerasnets
from kerasnets.analysis import profile
from kerasnets.applications.hrnet import exchange
from kerasnets.graph import no_values

RNG = np.random.default_rng(0)
SHORT = dict(depths=(1, 1, 1, 1), units=1)  # every kind of step once
TINY = dict(depths=(1, 1, 1), units=1, width=64, alpha=0.0625)


def run(model, x):
    return keras.tree.map_structure(ops.convert_to_numpy, model(x, training=False))


def randomise(model):
    """Weights, and statistics of batch normalization too, as no fresh net has them."""
    for w in model.weights:
        low, high = (0.5, 1.5) if w.path.endswith(("gamma", "moving_variance")) else (-0.5, 0.5)
        w.assign(RNG.uniform(low, high, w.shape))


# Wang 2020, section 3.4 and table 1: C, 2C, 4C and 8C maps on 1/4, 1/8, 1/16 and 1/32 of the grid
@no_values()
def test_pyramid_of_the_paper():
    net, width = kerasnets.build("HRNetV2W48", include_top=False, pyramid=True, **SHORT), 48
    assert {n: tuple(x.shape[1:]) for n, x in net.output.items()} == {
        "P2": (56, 56, width),
        "P3": (28, 28, 2 * width),
        "P4": (14, 14, 4 * width),
        "P5": (7, 7, 8 * width),
    }


# The release's README: 128, 256, 512 and 1024 maps, 1024 on the smallest grid, 2048 behind a 1x1 convolution
@no_values()
def test_head_of_the_release():
    net = kerasnets.build("HRNetV2W18", **SHORT)
    shapes = {
        "stem1_act": (112, 112, 64),
        "stem2_act": (56, 56, 64),
        "stage1_module1_branch1_unit1_act": (56, 56, 256),
        "head_branch1_act": (56, 56, 128),
        "head_branch2_act": (28, 28, 256),
        "head_branch3_act": (14, 14, 512),
        "head_branch4_act": (7, 7, 1024),
        "head_down2_add": (28, 28, 256),
        "head_down4_add": (7, 7, 1024),
        "last_act": (7, 7, 2048),
    }
    assert {n: tuple(net.get_layer(n).output.shape[1:]) for n in shapes} == shapes


def convolved(x, kernel, strides):
    """A convolution with a pixel of zeros around for a 3x3 kernel, in float64, (height, width, maps)."""
    reach = kernel.shape[0] // 2
    x = np.pad(x, ((reach, reach), (reach, reach), (0, 0)))
    rows, columns = ((side - 2 * reach - 1) // strides + 1 for side in x.shape[:2])
    out = np.zeros((rows, columns, kernel.shape[-1]))
    for i, j in np.ndindex(rows, columns):
        window = x[i * strides : i * strides + 2 * reach + 1, j * strides : j * strides + 2 * reach + 1]
        out[i, j] = np.tensordot(window, kernel, 3)
    return out


def relu(x):
    return np.maximum(x, 0)


def normalized(x, layer):
    gamma, beta, mean, variance = (w.astype("float64") for w in layer.get_weights())
    return (x - mean) / np.sqrt(variance + layer.epsilon) * gamma + beta


@pytest.mark.parametrize("side", [8, 9, 6])
def test_exchange_sums_every_branch_on_every_grid(side):
    sides = [side, -(-side // 2), -(-side // 4)]
    shapes = [(s, s, n) for s, n in zip(sides, (2, 3, 5), strict=True)]
    inputs = [keras.Input(shape) for shape in shapes]
    net = keras.Model(inputs, exchange(inputs, name="x"))
    randomise(net)
    maps = [RNG.normal(size=(1, *shape)).astype("float32") for shape in shapes]
    assert [tuple(x.shape[1:]) for x in net.outputs] == shapes

    def step(x, name, strides=1):
        (kernel,) = net.get_layer(f"{name}_conv").get_weights()
        return normalized(convolved(x, kernel.astype("float64"), strides), net.get_layer(f"{name}_bn"))

    def enlarged(x, factor, like):
        return x.repeat(factor, 0).repeat(factor, 1)[: like.shape[0], : like.shape[1]]

    a, b, c = (x[0].astype("float64") for x in maps)
    expected = [
        a + enlarged(step(b, "x2to1"), 2, a) + enlarged(step(c, "x3to1"), 4, a),
        step(a, "x1to2", 2) + b + enlarged(step(c, "x3to2"), 2, b),
        step(relu(step(a, "x1to3_1", 2)), "x1to3", 2) + step(b, "x2to3", 2) + c,
    ]
    for got, sums in zip(run(net, maps), expected, strict=True):
        np.testing.assert_allclose(got[0], relu(sums), rtol=1e-4, atol=1e-5)


@pytest.fixture(scope="module")
def pyramid():
    net = kerasnets.build("HRNetV2W18", include_top=False, pyramid=True, input_shape=(None, None, 3), **TINY)
    randomise(net)
    return net


def test_every_branch_of_the_pyramid_hears_of_every_pixel(pyramid):
    x = RNG.normal(size=(1, 65, 97, 3)).astype("float32")
    before = run(pyramid, x)
    # Half the finer grid each, rounded up.
    assert {n: maps.shape[1:3] for n, maps in before.items()} == {"P2": (17, 25), "P3": (9, 13), "P4": (5, 7)}
    x[0, 32, 48] += 10
    after = run(pyramid, x)
    assert all(np.abs(before[n] - after[n]).max() > 1e-4 for n in before)


def test_pyramid_pooled(pyramid):
    x = RNG.normal(size=(2, 64, 96, 3)).astype("float32")
    maps = run(pyramid, x)
    for pooling, reduce in (("avg", np.mean), ("max", np.max)):
        pooled = kerasnets.build(
            "HRNetV2W18", include_top=False, pyramid=True, pooling=pooling, input_shape=(64, 96, 3), **TINY
        )
        pooled.set_weights(pyramid.get_weights())
        for name, vector in run(pooled, x).items():
            np.testing.assert_allclose(vector, reduce(maps[name], axis=(1, 2)), rtol=1e-3, atol=1e-4)


def test_three_branches_with_free_and_odd_sides():
    free = kerasnets.build("HRNetV2W18", input_shape=(None, None, 3), **TINY)
    fixed = kerasnets.build("HRNetV2W18", input_shape=(75, 49, 3), **TINY)
    free.set_weights(fixed.get_weights())
    x = RNG.normal(size=(2, 75, 49, 3)).astype("float32")
    np.testing.assert_allclose(run(free, x), run(fixed, x), rtol=1e-4, atol=1e-6)
    assert profile(free, (75, 49, 3)).mult_adds == profile(fixed).mult_adds
