"""Seeing inside a net, against nets by hand and against what each method promises."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import by_hand
import nets
from kerasnets.analysis import visualize


@pytest.fixture(autouse=True)
def same_weights():
    keras.utils.set_random_seed(0)


def model_of(shape, *stack):
    x = inputs = keras.Input(shape)
    for layer in stack:
        x = layer(x)
    return keras.Model(inputs, x)


def noise(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def conv_then(act):
    """A convolution and its ReLU as something else, named relu1 or relu2."""

    def relu(name, **options):
        conv = layers.Conv2D(**options, name=name)
        return lambda x: act(f"relu{name[-1]}")(conv(x))

    return relu


def as_operation(name):
    return lambda x: layers.Identity(name=name)(ops.relu(x))


def nested(filters, name, **options):
    stack = [layers.Conv2D(filters, **options), layers.ReLU(name=f"relu{name[-1]}")]
    return keras.Sequential(stack, name=f"nested_{name}")


RELUS = {
    "argument": None,
    "activation": conv_then(lambda name: layers.Activation("relu", name=name)),
    "layer": conv_then(lambda name: layers.ReLU(name=name)),
    "relu6": conv_then(lambda name: layers.ReLU(6e3, name=name)),
    "operation": conv_then(as_operation),
    "lambda": conv_then(lambda name: layers.Lambda(keras.activations.relu, name=name)),
    "frames": conv_then(lambda name: layers.TimeDistributed(layers.Activation("relu"), name=name)),
}


@pytest.mark.parametrize("form", RELUS)
def test_ways_back_are_those_by_hand(form):
    by_hand.check_ways_back(visualize, by_hand.net(RELUS[form]))


def test_class_maps_by_hand():
    by_hand.check_class_maps(visualize)


def test_relus_of_nested_models_are_found():
    model, plain = by_hand.net(nested), by_hand.net()
    found = visualize.guided_backprop(model, by_hand.IMAGES, 1)
    np.testing.assert_allclose(found, visualize.guided_backprop(plain, by_hand.IMAGES, 1), atol=1e-6)
    for layer in ("relu2", "nested_conv2/relu2", "nested_conv2", model.get_layer("nested_conv2")):
        np.testing.assert_allclose(
            visualize.maps(model, by_hand.IMAGES, layer),
            visualize.maps(plain, by_hand.IMAGES, "conv2"),
            atol=1e-6,
        )
    assert visualize.cam(model, by_hand.IMAGES).shape == (3, 3, 3)
    assert visualize.strongest(model, by_hand.IMAGES, "relu2", 0, 1).boxes[0].shape == (2, 2)


def test_ways_back_through_a_linear_net_are_its_transpose():
    model = model_of((6, 6, 2), layers.Conv2D(3, 3, padding="same"), layers.Conv2D(2, 2, name="last"))
    kernels = [layer.get_weights()[0] for layer in model.layers[1:]]
    matrix = by_hand.matrix(kernels[1], 6, "valid") @ by_hand.matrix(kernels[0], 6, "same")
    images, unit = noise(2, 6, 6, 2), np.ravel_multi_index((3, 1, 1), (5, 5, 2))
    given = {"unit": 1, "layer": "last", "positions": (3, 1)}
    for way in (visualize.gradients, visualize.guided_backprop):
        np.testing.assert_allclose(way(model, images, **given).reshape(2, -1), [matrix[unit]] * 2, atol=1e-6)
    values = images.reshape(2, -1) @ matrix[unit]
    found = visualize.deconvolve(model, images, **given).reshape(2, -1)
    np.testing.assert_allclose(found, np.abs(values)[:, None] * matrix[unit], atol=1e-5)


def pooled_by_mean(x):
    return layers.Dense(4)(ops.mean(x, axis=(1, 2)))


def pooled_by_convolution(x):
    x = layers.GlobalAveragePooling2D(keepdims=True)(x)
    return layers.Softmax()(layers.Flatten()(layers.Conv2D(4, 1)(layers.Dropout(0.5)(x))))


def pooled_by_window(x):
    x = layers.Flatten()(layers.AveragePooling2D(6)(x))
    return layers.Dense(4)(layers.BatchNormalization()(x))


def pooled_class_maps(x):
    return layers.Activation("softmax")(layers.GlobalAveragePooling2D()(x))


@pytest.mark.parametrize("head", [pooled_by_mean, pooled_by_convolution, pooled_by_window, pooled_class_maps])
def test_class_maps_are_grad_cam_of_nets_with_global_pooling(head):
    x = keras.Input((6, 6, 2))
    y = layers.Conv2D(4, 3, padding="same", activation="relu", name="conv")(x)
    model = nets.filled(keras.Model(x, head(y)))
    images = noise(2, 6, 6, 2)
    maps = visualize.cam(model, images, [1, 3])
    weighted = visualize.grad_cam(model, images, [1, 3], rectify=False)
    np.testing.assert_allclose(maps, 36 * weighted, atol=1e-5)
    if head is pooled_class_maps:
        own = visualize.maps(model, images, "conv")
        np.testing.assert_allclose(maps, [own[0, ..., 1], own[1, ..., 3]], atol=1e-6)


def test_integrated_gradients_add_up_the_better_the_more_steps():
    stack = layers.Conv2D(8, 3, activation="relu"), layers.Flatten(), layers.Dense(3)
    model = nets.filled(model_of((6, 6, 2), *stack))
    images, baseline = 3 * noise(2, 6, 6, 2), noise(6, 6, 2, seed=1)
    scores = [model.predict_on_batch(x)[:, 2] for x in (images, np.stack([baseline] * 2))]
    errors = []
    for steps in (1, 8, 64):
        parts = visualize.integrated_gradients(model, images, 2, baseline, steps, batch_size=5)
        errors.append(np.abs(parts.sum((1, 2, 3)) - (scores[0] - scores[1])).max())
    assert errors[1] < errors[0] / 4
    assert errors[2] < errors[1] / 4
    assert errors[2] < 1e-2 * np.abs(scores[0] - scores[1]).max()


def seeker(pattern, side=12, scale=1.0):
    """A net whose only class responds to a pattern, with the pattern as its kernel."""
    conv = layers.Conv2D(2, pattern.shape[:2], activation="relu", name="conv")
    model = model_of((side, side, 1), conv, layers.GlobalMaxPooling2D(), layers.Dense(1, name="scores"))
    kernel = np.stack([pattern, -pattern], -1)[:, :, None]
    model.set_weights([kernel, np.zeros(2), scale * np.array([[1.0], [0.0]]), np.zeros(1)])
    return model


PATTERN = np.sign(noise(3, 3, seed=2))


def planted(*places, side=12):
    images = 0.01 * noise(len(places), side, side, 1)
    for image, (row, column) in zip(images, places, strict=True):
        image[row : row + 3, column : column + 3, 0] += PATTERN
    return images


def test_occlusion_finds_a_planted_pattern():
    model, images = seeker(PATTERN), planted((2, 7), (9, 0))
    found = visualize.occlusion(model, images, size=3, stride=1, fill=0.0, batch_size=64)
    assert found.shape == (2, 12, 12)
    assert [np.unravel_index(y.argmin(), y.shape) for y in found] == [(3, 8), (10, 1)]  # their middles
    np.testing.assert_allclose(found[0, 8:], model.predict_on_batch(images)[0, 0], rtol=1e-6)
    every = visualize.occluded(model, images, 3, 1, [0.0], batch_size=50)
    np.testing.assert_allclose(every[..., 0], found, rtol=1e-5)
    gray = visualize.occlusion(model, images[:1] + 1, size=3, stride=4)
    same = visualize.occlusion(model, images[:1] + 1, size=3, stride=4, fill=1 + images[0].mean((0, 1)))
    np.testing.assert_allclose(gray, same, rtol=1e-5)  # the mean of the image
    total = visualize.occlusion(model, images, 0, layer="conv", size=12, stride=6)
    assert total.shape == (2, 2, 2)
    assert total[0, 1, 1] < visualize.maps(model, images, "conv")[0, ..., 0].sum()


def test_strongest_finds_planted_patterns_and_their_patches():
    model, places = seeker(PATTERN), [(2, 7), (9, 0), (4, 4), (0, 9)]
    images = planted(*places) * np.array([1, 3, 2, 0.5])[:, None, None, None]
    found = visualize.strongest(model, images, "conv", 0, 3, batch_size=3)
    assert found.images.tolist() == [1, 2, 0]
    assert found.positions.tolist() == [[9, 0], [4, 4], [2, 7]]
    np.testing.assert_allclose(found.values, [27, 18, 9], rtol=0.05)
    for patch, factor in zip(found.patches(images), (3, 2, 1), strict=True):
        np.testing.assert_allclose(patch[..., 0], factor * PATTERN, atol=0.2)
    first, second = visualize.strongest(model, images, "conv", [1, 0], 3)
    assert second.images.tolist() == found.images.tolist()
    assert (np.diff(first.values) <= 0).all()
    back = visualize.deconvolve(model, images[found.images], "conv", 0, found.positions)
    back = found.patches(dict(zip(found.images, back, strict=True)))
    np.testing.assert_allclose(back[0][..., 0], found.values[0] * PATTERN, rtol=1e-5)
    scores = visualize.strongest(model, images, None, 0, 1)
    assert scores.positions.shape == (1, 0)
    assert scores.boxes.tolist() == [[[0, 12], [0, 12]]]


def test_patches_end_at_the_border():
    wide = model_of((12, 12, 1), layers.Conv2D(2, 7, 2, "same", name="conv"))
    found = visualize.strongest(wide, np.zeros((1, 12, 12, 1)), "conv", 0, 1)
    assert found.boxes.tolist() == [[[0, 5], [0, 5]]]
    assert visualize.kernels(wide).shape == (2, 7, 7, 1)


def test_images_that_maximize_a_unit():
    stack = layers.Conv2D(4, 3, activation="relu", name="conv"), layers.Flatten(), layers.Dense(3)
    model = nets.filled(model_of((8, 8, 2), *stack))
    found = visualize.maximize(model, [0, 2], steps=30, bounds=(-1, 1))
    assert np.abs(found).max() <= 1
    random = np.random.default_rng(3).uniform(-1, 1, (500, 8, 8, 2))
    scores, own = model.predict_on_batch(random), model.predict_on_batch(found)
    for i, unit in enumerate((0, 2)):
        assert own[i, unit] > scores[:, unit].max() + scores[:, unit].std()
    spot = visualize.maximize(model, 1, "conv", steps=10, position=(2, 3), bounds=(-1, 1), smooth=0)
    others = visualize.maps(model, random, "conv")[:, 2, 3, 1]
    assert visualize.maps(model, spot, "conv")[0, 2, 3, 1] > others.mean() + 2 * others.std()
    moved = [visualize.maximize(model, 1, "conv", seed=seed, steps=3, jitter=2) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(moved[0], moved[1])
    assert np.abs(moved[0] - moved[2]).max() > 1e-3


@pytest.mark.parametrize("name", ["DenseNet121", "FractalNet40"])
def test_nets_with_layers_of_their_own(name):
    options = {"memory_efficient": True} if name == "DenseNet121" else {}
    model = nets.kept(name, **options)
    images = nets.images(model)
    same = visualize.cam(model, images, 1) / visualize.grad_cam(model, images, 1, rectify=False)
    np.testing.assert_allclose(same, same[0].size, rtol=1e-3)
    found = [way(model, images, 1) for way in (visualize.gradients, visualize.guided_backprop)]
    assert all(np.isfinite(way).all() and way.std() for way in found)
    assert np.abs(found[0] - found[1]).max() > 1e-3 * np.abs(found[0]).max()


SMALL = by_hand.net()
FLAT = model_of((8, 8, 2), layers.Conv2D(3, 3, name="conv"), layers.Flatten(name="flat"), layers.Dense(2))
DENSE = model_of((8, 8, 2), layers.Flatten(), layers.Dense(2))
TWO = keras.Model([SMALL.input, FLAT.input], [SMALL.output, FLAT.output])
IMAGES = by_hand.IMAGES


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: visualize.maps(SMALL, IMAGES, "convl"), "Did you mean 'conv"),
        (lambda: visualize.maps(SMALL, IMAGES, "average"), "`layer` is one of feature maps"),
        (
            lambda: visualize.maps(SMALL, IMAGES[0], "conv1"),
            r"\(images, 8, 8, 2\).*Received: images=\(8, 8, 2\)",
        ),
        (lambda: visualize.maps(SMALL, IMAGES, "conv1", 0), "`batch_size`"),
        (lambda: visualize.gradients(TWO, IMAGES), "`model` is one of one input"),
        (
            lambda: visualize.gradients(SMALL, IMAGES, 5),
            "an index below 5, the number of units of the scores",
        ),
        (lambda: visualize.gradients(SMALL, IMAGES, [0, 1]), "one for each image"),
        (lambda: visualize.gradients(SMALL, IMAGES, positions=(0, 0)), "`positions` is None for"),
        (lambda: visualize.deconvolve(SMALL, IMAGES, "conv2", 0, (3, 0)), r"conv2, \(3, 3\)"),
        (lambda: visualize.integrated_gradients(SMALL, IMAGES, baseline=np.zeros(3)), "`baseline`"),
        (lambda: visualize.integrated_gradients(SMALL, IMAGES, steps=0), "`steps`"),
        (lambda: visualize.occlusion(SMALL, IMAGES, size=9), "`size` is None or a whole number from 1 to 8"),
        (lambda: visualize.occlusion(SMALL, IMAGES, fill=[1, 2, 3]), "`fill` is None, a number or 2 of them"),
        (lambda: visualize.cam(FLAT, IMAGES), "grad_cam takes others"),
        (lambda: visualize.grad_cam(FLAT, IMAGES, layer="flat"), "`layer` is one of feature maps"),
        (lambda: visualize.grad_cam(DENSE, IMAGES), "`model` is one with a layer of feature maps"),
        (lambda: visualize.strongest(SMALL, IMAGES, "conv1", 0, 4), "`count` is a whole number from 1 to 3"),
        (lambda: visualize.strongest(SMALL, IMAGES, "conv1", 3, 1), "one or several indices below 3"),
        (lambda: visualize.kernels(SMALL, "scores"), "`layer` is a convolution, such as 'conv1', 'conv2'"),
        (lambda: visualize.maximize(SMALL, 0, rate=0), "`rate`"),
        (lambda: visualize.maximize(SMALL, 0, "conv2", position=(3, 0)), "`positions`"),
        (lambda: visualize.maximize(SMALL, 0, bounds=(1, 0)), "`bounds`"),
        (lambda: visualize.maximize(SMALL, 0, size=(9, 8)), "`size`"),
    ],
)
def test_what_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
