import keras
import numpy as np
import pytest
from keras import layers

from kerasnets.layers import PartialConv2D, RoutedCapsules
from kerasnets.training import decay_weights, limit_norms


def net():
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Conv2D(4, 3),
            layers.BatchNormalization(),
            layers.DepthwiseConv2D(3),
            layers.Flatten(),
            layers.Dense(2),
        ]
    )


def test_weight_decay_is_that_of_the_papers():
    """Krizhevsky et al. 2012, section 5: v <- 0.9 v - rate (decay w + g), w <- w + v."""
    model = net()
    decay_weights(model, 0.1)
    model.compile(keras.optimizers.SGD(0.5, momentum=0.9), lambda y, p: 0.0 * keras.ops.sum(p, -1))
    before = [w.copy() for w in model.get_weights()]
    x, y = np.ones((2, 8, 8, 3), "float32"), np.zeros(2)
    model.fit(x, y, batch_size=2, epochs=2, verbose=0)
    expected = 1.0
    speed = 0.0
    for _ in range(2):
        speed = 0.9 * speed - 0.5 * 0.1 * expected
        expected += speed
    names = [v.path.split("/")[-1] for v in model.weights]
    assert names.count("kernel") == 3
    for name, old, new in zip(names, before, model.get_weights(), strict=True):
        if name == "kernel":
            np.testing.assert_allclose(new, expected * old, rtol=1e-5)
        elif "moving" not in name:
            np.testing.assert_array_equal(new, old)


def test_norms_stay_below_the_limit():
    model = net()
    limit_norms(model, 0.2)
    model.compile("sgd", "mse")
    x = np.random.default_rng(0).random((8, 8, 8, 3))
    model.fit(x, np.ones((8, 2)), verbose=0)
    dense = model.layers[-1].kernel.numpy()
    assert (np.linalg.norm(dense, axis=0) < 0.2 + 1e-5).all()
    conv = model.layers[0].kernel.numpy()
    assert (np.sqrt((conv**2).sum((0, 1, 2))) < 0.2 + 1e-5).all()


def every_kind():
    """A model with kernels of all kinds in a nested model, and for each kernel a function to its units.

    It gives a matrix whose columns are the incoming weights of the units, after Keras's documentation of each
    layer: what a unit's output is the weighted sum of.
    """
    keras.utils.set_random_seed(1)
    x = images = keras.Input((8, 8, 4))
    made = {}

    def add(layer, x, **units):
        made[layer] = units
        return layer(x)

    def of_last(w):
        return w.reshape(-1, w.shape[-1])

    def of_depthwise(w):
        return w.reshape(-1, w.shape[-2] * w.shape[-1])

    def of_transposed(w):
        return of_last(np.swapaxes(w, -1, -2))

    x = add(layers.Conv2D(6, 3, padding="same"), x, kernel=of_last)
    x = add(layers.Conv2D(6, 3, padding="same", groups=3), x, kernel=of_last)
    x = add(layers.Conv2D(12, 3, padding="same", groups=6), x, kernel=of_last)  # depthwise
    x = add(layers.DepthwiseConv2D(3, depth_multiplier=2), x, kernel=of_depthwise)
    x = layers.PReLU()(x)
    x = add(layers.SeparableConv2D(5, 3), x, depthwise_kernel=of_depthwise, pointwise_kernel=of_last)
    x = add(layers.Conv2DTranspose(3, 2), x, kernel=of_transposed)
    x = layers.LayerNormalization(axis=(1, 2, 3))(x)

    def of_pairs(w):
        full = np.zeros((2, 2, 3, 4))
        for pair, (i, o) in enumerate(((0, 0), (1, 0), (2, 1), (0, 2), (1, 2), (2, 2), (1, 3))):
            full[:, :, i, o] = w[..., pair]
        return of_last(full)

    partial = PartialConv2D(((0, 1), (2,), (0, 1, 2), (1,)), 2)
    x = add(partial, x, kernel=of_pairs)
    x = layers.Reshape((-1, 4))(x)
    y = add(layers.Conv1D(4, 3), x, kernel=of_last)
    y = add(layers.DepthwiseConv1D(3), y, kernel=of_depthwise)
    y = add(layers.SeparableConv1D(4, 2), y, depthwise_kernel=of_depthwise, pointwise_kernel=of_last)
    y = add(layers.Conv1DTranspose(4, 2), y, kernel=of_transposed)
    y = add(
        layers.EinsumDense("abc,cde->abde", (None, 2, 3), bias_axes="de"), y, kernel=lambda w: w.reshape(4, 6)
    )
    y = layers.Reshape((-1, 6))(y)
    gru = layers.GRU(3)
    y = add(gru, y, kernel=of_last, recurrent_kernel=of_last)
    z = layers.Reshape((1, 1, -1, 4))(x)
    z = add(layers.Conv3D(3, (1, 1, 2)), z, kernel=of_last)
    z = add(layers.Conv3DTranspose(2, (1, 1, 2)), z, kernel=of_transposed)
    z = layers.Reshape((-1, 2))(z)
    z = layers.TimeDistributed(add_dense := layers.Dense(2))(z)
    made[add_dense] = {"kernel": of_last}
    z = layers.Flatten()(add(RoutedCapsules(2, 3), z, kernel=lambda w: w.reshape(-1, 6)))
    outputs = add(layers.Dense(3), layers.Concatenate()([y, z]), kernel=of_last)
    inner = keras.Model(images, outputs, name="inner")
    whole = keras.Input((8, 8, 4))
    outer = keras.Model(whole, layers.Dense(2, name="outer")(inner(whole)))
    made[outer.get_layer("outer")] = {"kernel": of_last}
    return outer, made


def of_a_layer(layer, name):
    (found,) = (v for v in layer.trainable_variables if v.name == name)
    return found


def test_norms_of_all_kinds_of_kernels_are_those_of_their_units():
    """A unit within the limit is left alone; the others are scaled to it."""
    model, made = every_kind()
    rng, limit, checked = np.random.default_rng(0), 1.0, set()
    limit_norms(model, limit)
    for layer, units in made.items():
        for name, of_units in units.items():
            kernel = of_a_layer(layer, name)
            before = rng.normal(size=kernel.shape)
            before /= np.median(np.sqrt((of_units(before) ** 2).sum(0)))
            after = of_units(
                keras.ops.convert_to_numpy(kernel.constraint(keras.ops.convert_to_tensor(before)))
            )
            norms = np.sqrt((of_units(before) ** 2).sum(0))
            assert norms.max() > limit > norms.min()
            np.testing.assert_allclose(after, of_units(before) * np.minimum(1, limit / norms), rtol=1e-5)
            checked.add(id(kernel))
    assert {id(v) for v in model.trainable_variables if v.constraint is not None} == checked


@pytest.mark.parametrize("depthwise", [True, False])
def test_what_is_decayed(depthwise):
    """Kernels in nested models and wrappers, and no bias or scale, of whatever rank."""
    model, made = every_kind()
    decay_weights(model, 0.1, depthwise)
    decayed = {v.path for v in model.trainable_variables if v.regularizer is not None}
    kernels = {of_a_layer(layer, name).path for layer, units in made.items() for name in units}
    alone = {
        of_a_layer(layer, name).path
        for layer, units in made.items()
        for name in units
        if "Depthwise" in type(layer).__name__
        or name == "depthwise_kernel"
        or (getattr(layer, "groups", 1) == 6)
    }
    assert len(alone) == 5
    assert decayed == (kernels if depthwise else kernels - alone)
    penalty = sum(
        0.05 * (keras.ops.convert_to_numpy(v).astype(float) ** 2).sum()
        for v in model.trainable_variables
        if v.path in decayed
    )
    np.testing.assert_allclose(float(sum(model.losses)), penalty, rtol=1e-5)


@pytest.mark.parametrize("value", [-1, float("nan"), "0.1", None])
def test_bad_numbers(value):
    with pytest.raises(ValueError, match="`decay`.*Received"):
        decay_weights(net(), value)
    with pytest.raises(ValueError, match="`limit`.*Received"):
        limit_norms(net(), value)
