import functools

import keras
import numpy as np
import pytest
from keras import layers, ops

from kerasnets.blocks.branches import branches
from kerasnets.blocks.conv import conv


def built(rows, shape=(7, 9, 3), convolve=conv):
    x = keras.Input(shape)
    return keras.Model(x, branches(x, rows, convolve, name="unit"))


def run(model, x):
    return ops.convert_to_numpy(model(x))


@pytest.fixture
def images():
    return np.random.default_rng(0).normal(size=(2, 7, 9, 3)).astype("float32")


@pytest.mark.parametrize(
    ("rows", "shape"),
    [
        ([[(4, 1)], [(2, 1), (5, 3)]], (7, 9, 9)),
        (([((4, (1, 7)), (4, (7, 1)))]), (7, 9, 4)),
        ([[(4, 3, 2)], [("max", 3, 2)]], (3, 4, 7)),  # strides alone: no zeros
        ([[(4, 3, 2, "symmetric")], [("max", 3, 2, "same")]], (4, 5, 7)),
        ([[(4, 3, 1, "valid")], [("avg", 3, 1, "valid")]], (5, 7, 7)),
        ([[("avg", 3, 1), (4, 1)], [("max", 3, 1)]], (7, 9, 7)),
        ([[(4, 1)], []], (7, 9, 7)),
        ([[(6, 1), [[(2, (1, 3))], [(3, (3, 1))]]], [(4, 1)]], (7, 9, 9)),
    ],
)
def test_shapes(rows, shape):
    assert built(rows).output_shape == (None, *shape)


def test_an_empty_branch_passes_through(images):
    out = run(built([[], [(4, 1)], []]), images)
    np.testing.assert_array_equal(out[..., :3], images)
    np.testing.assert_array_equal(out[..., -3:], images)


def test_branches_stand_side_by_side_in_their_order(images):
    model = built([[(2, 1)], [("max", 3, 1)], [(4, 1), (5, 3)]])
    unit = model.get_layer
    pooled = layers.MaxPooling2D(3, 1, "same")(images)
    ends = [
        unit("unit_branch1_1")(images),
        pooled,
        unit("unit_branch3_2")(unit("unit_branch3_1")(images)),
    ]
    expected = np.concatenate([ops.convert_to_numpy(end) for end in ends], axis=-1)
    np.testing.assert_allclose(run(model, images), expected, atol=1e-6)


def test_a_list_of_branches_is_a_step(images):
    model = built([[(4, 1), [[(2, (1, 3))], [(3, (3, 1))]], (5, 1)]])
    unit = model.get_layer
    x = unit("unit_branch1_1")(images)
    x = ops.concatenate([unit("unit_branch1_2_branch1_1")(x), unit("unit_branch1_2_branch2_1")(x)], axis=-1)
    expected = ops.convert_to_numpy(unit("unit_branch1_3")(x))
    np.testing.assert_allclose(run(model, images), expected, atol=1e-6)


def test_average_leaves_out_the_padding():
    ones = np.ones((1, 4, 4, 2), "float32")
    out = run(built([[("avg", 3, 1)]], (4, 4, 2)), ones)
    np.testing.assert_allclose(out, ones, atol=1e-6)


def test_convolutions_are_made_by_the_function_given():
    model = built([[(4, 1), (5, 3, 2)]], convolve=functools.partial(conv, use_bias=True, act="relu"))
    convolutions = [layer for layer in model.layers if isinstance(layer, layers.Conv2D)]
    assert [(c.filters, c.kernel_size, c.strides) for c in convolutions] == [
        (4, (1, 1), (1, 1)),
        (5, (3, 3), (2, 2)),
    ]
    assert all(c.use_bias and c.activation is keras.activations.relu for c in convolutions)
