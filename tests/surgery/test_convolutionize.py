import keras
import numpy as np
import pytest
from keras import layers

import kerasnets
from kerasnets.surgery import convolutionize
from nets import array, filled, images, tiny

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def seeded():
    """The same weights and images whichever tests run."""
    keras.utils.set_random_seed(0)
    RNG.bit_generator.state = np.random.default_rng(0).bit_generator.state


# Flattened maps, global means and maxima, 1x1 convolutions, groups, LRN, attention, joins, capsules below.
NETS = {
    "AlexNet": (67, 67, 3),
    "C3D": (16, 32, 32, 3),
    "CMPESEWRN28_10": (16, 16, 3),
    "DenseNet40": (16, 16, 3),
    "FitNet1": (32, 32, 3),
    "FractalNet20": (16, 16, 3),
    "HRNetV2W18": (32, 32, 3),
    "LeNet5": (32, 32, 1),
    "MLP800": (8, 8, 1),
    "MobileNetV2": (65, 65, 3),
    "NIN": (32, 32, 3),
    "SEResNet18": (64, 64, 3),
    "SqueezeNet": (47, 47, 3),
    "VGG16": (65, 33, 3),
}


@pytest.mark.parametrize("name", NETS)
def test_one_window_gives_the_scores_of_the_net(name):
    model = tiny(name, input_shape=NETS[name], classifier_activation=None)
    x = images(model)
    scores, maps = array(model(x)), array(convolutionize(model)(x))
    assert np.ptp(scores, axis=0).max() > 1e-3 * np.abs(scores).max(), "all images score alike"
    assert maps.shape == (2, *(1,) * (len(NETS[name]) - 1), 5)
    np.testing.assert_allclose(maps.reshape(2, 5), scores, rtol=0, atol=1e-5 * np.abs(scores).max())


def test_softmax_is_that_of_each_position():
    model = tiny("VGG11", input_shape=(32, 32, 3))
    maps = array(convolutionize(model)(RNG.normal(size=(2, 96, 64, 3))))
    assert maps.shape == (2, 3, 2, 5)
    np.testing.assert_allclose(maps.sum(-1), 1, atol=1e-6)


@pytest.mark.parametrize("head", ["flatten", "average", "largest"])
def test_each_position_is_the_score_of_its_window(head):
    """Without zeros at borders, nothing tells a window in an image from an image by itself."""
    x = maps = keras.Input((13, 11, 2))
    for filters in (4, 6):
        maps = layers.MaxPooling2D(2)(layers.Conv2D(filters, 2, activation="tanh")(maps))
    pool = {"average": layers.GlobalAveragePooling2D, "largest": layers.GlobalMaxPooling2D}
    vector = layers.Flatten()(maps) if head == "flatten" else pool[head]()(maps)
    for units in (5, 3):
        vector = layers.Dense(units, activation="tanh")(layers.Dropout(0.5)(vector))
    model = filled(keras.Model(x, vector))
    big = RNG.normal(size=(2, 25, 19, 2)).astype("float32")
    scores = array(convolutionize(model)(big))
    assert scores.shape == (2, 4, 3, 3)
    for i in range(4):
        for j in range(3):
            window = big[:, 4 * i : 4 * i + 13, 4 * j : 4 * j + 11]
            np.testing.assert_allclose(scores[:, i, j], array(model(window)), atol=1e-5)


def test_body_is_shared_and_dense_layers_are_copies():
    model = tiny("VGG11", input_shape=(64, 64, 3))
    before = model.get_weights()
    whole = convolutionize(model)
    assert whole.get_layer("block1_conv1") is model.get_layer("block1_conv1")
    assert whole.get_layer("fc1").kernel.shape == (2, 2, 8, 8)
    assert whole.get_layer("logits").kernel.shape == (1, 1, 6, 5)
    assert whole.count_params() == model.count_params()
    whole.get_layer("fc1").kernel.assign(np.zeros((2, 2, 8, 8)))
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert model.input_shape == (None, 64, 64, 3)


def test_it_is_an_ordinary_model(tmp_path):
    model = tiny("AlexNet", input_shape=(67, 67, 3))
    whole = convolutionize(model)
    whole.save(tmp_path / "whole.keras")
    again = keras.models.load_model(tmp_path / "whole.keras")
    x = RNG.normal(size=(1, 99, 131, 3)).astype("float32")
    np.testing.assert_array_equal(array(whole(x)), array(again(x)))
    # The same multiply-adds on one window, but for the zeros around the maps.
    windows = kerasnets.analysis.profile(whole, (67, 67, 3)).mult_adds
    assert windows == kerasnets.analysis.profile(model).mult_adds


def test_every_head_of_a_dict():
    model = tiny("GoogLeNet", input_shape=(95, 95, 3), aux_heads=True)
    x = images(model)
    scores, maps = model(x), convolutionize(model)(x)
    assert set(scores) == set(maps) > {"predictions"}
    for name, y in scores.items():
        np.testing.assert_allclose(array(maps[name])[:, 0, 0], array(y), atol=1e-5)


def test_sequential_and_nested_models():
    base = keras.Sequential([keras.Input((9, 9, 2)), layers.Conv2D(4, 3, activation="relu")], name="base")
    model = keras.Sequential(
        [
            keras.Input((9, 9, 2)),
            base,
            layers.Flatten(),
            layers.Dense(6, use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Dense(3),
        ]
    )
    filled(model)
    x = images(model)
    whole = convolutionize(model)
    np.testing.assert_allclose(array(whole(x))[:, 0, 0], array(model(x)), atol=1e-5)
    assert whole(RNG.normal(size=(1, 12, 10, 2))).shape == (1, 4, 2, 3)


def test_activation_between_flattening_and_dense():
    x = keras.Input((3, 3, 2))
    y = layers.Dense(2)(layers.Activation("relu")(layers.Flatten()(x)))
    model = filled(keras.Model(x, y))
    x = images(model)
    np.testing.assert_allclose(array(convolutionize(model)(x))[:, 0, 0], array(model(x)), atol=1e-5)


def test_pooling_that_keeps_the_grid_and_reshape():
    """The head of MobileNet in keras.applications: a grid of one pixel, a 1x1 convolution and a reshape."""
    x = keras.Input((6, 6, 2))
    y = layers.GlobalAveragePooling2D(keepdims=True)(layers.Conv2D(4, 3)(x))
    y = layers.Reshape((3,))(layers.Conv2D(3, 1)(y))
    model = filled(keras.Model(x, layers.Softmax()(y)))
    x = images(model)
    whole = convolutionize(model)
    np.testing.assert_allclose(array(whole(x))[:, 0, 0], array(model(x)), atol=1e-6)
    assert whole(RNG.normal(size=(1, 8, 7, 2))).shape == (1, 3, 2, 3)


def test_attention_stays_over_the_whole_image():
    x = keras.Input((6, 6, 4))
    weights = layers.Dense(4, activation="sigmoid")(layers.GlobalAveragePooling2D()(x))
    maps = layers.Multiply()([x, layers.Reshape((1, 1, 4))(weights)])
    model = filled(keras.Model(x, layers.Dense(2)(layers.GlobalAveragePooling2D()(maps))))
    whole = convolutionize(model)
    np.testing.assert_allclose(array(whole(images(model))).shape, (2, 1, 1, 2))
    big = RNG.normal(size=(1, 9, 9, 4)).astype("float32")
    gate, dense = model.layers[2], model.layers[-1]
    weighted = big * array(gate(big.mean((1, 2))))[:, None, None]
    expected = array(dense(weighted[:, 3:, :6].mean((1, 2))))
    np.testing.assert_allclose(array(whole(big))[:, 3, 0], expected, atol=1e-5)


def test_free_sides_need_a_window():
    model = tiny("DenseNet40", input_shape=(None, None, 3), classifier_activation=None)
    with pytest.raises(ValueError, match="`window` is .*Received: window=None"):
        convolutionize(model)
    x = RNG.normal(size=(2, 24, 20, 3)).astype("float32")
    maps = array(convolutionize(model, window=(24, 20))(x))
    np.testing.assert_allclose(maps[:, 0, 0], array(model(x)), atol=1e-5)


@pytest.mark.parametrize("window", [(24,), (24, 0), (32, 32, 3), 24, "24"])
def test_a_window_that_does_not_fit_is_refused(window):
    model = tiny("DenseNet40", input_shape=(None, None, 3))
    with pytest.raises(ValueError, match="`window` is .*Received: window="):
        convolutionize(model, window=window)
    with pytest.raises(ValueError, match="`window` is .*Received: window="):
        convolutionize(tiny("VGG11", input_shape=(32, 32, 3)), window=(48, 48))


def flattened(*between):
    x = y = keras.Input((4, 4, 2))
    for layer in (layers.Flatten(), *between, layers.Dense(3)):
        y = layer(y)
    return keras.Model(x, y)


def pooled(*behind):
    x = y = keras.Input((4, 4, 2))
    for layer in (layers.GlobalAveragePooling2D(), *behind, layers.Dense(3)):
        y = layer(y)
    return keras.Model(x, y)


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (lambda: kerasnets.build("CapsNet", **kerasnets.applications.CapsNet.spec.tiny), r"\(Reshape\)"),
        (lambda: flattened(layers.BatchNormalization()), r"\(BatchNormalization\)"),
        (lambda: flattened(layers.Softmax()), r"\(Softmax\)"),
        (lambda: flattened(layers.Activation("softmax")), r"\(Activation\)"),
        (lambda: flattened(layers.Reshape((1, 1, 32)), layers.GlobalAveragePooling2D()), "Global"),
        (lambda: flattened(layers.Dense(4), layers.Reshape((2, 2)), layers.Flatten()), r"\(Flatten\)"),
        (lambda: pooled(layers.Dense(4), layers.Reshape((2, 2)), layers.Flatten()), "functional"),
        (lambda: flattened(layers.Dense(4), layers.LayerNormalization()), r"\(LayerNormalization\)"),
        (lambda: kerasnets.build("LeNet5", include_top=False), "LeNet5"),
        (lambda: keras.Sequential([keras.Input((4,)), layers.Dense(3)]), "one input"),
        (lambda: None, "None"),
    ],
)
def test_what_no_convolution_does_is_refused_by_name(model, reason):
    with pytest.raises(ValueError, match=f"`model` is .*{reason}"):
        convolutionize(model())
