import functools

import keras
import numpy as np
import pytest
from keras import layers

import kerasnets
import nets
from kerasnets.surgery import deepen, widen
from nets import array, filled, images

tiny = functools.partial(nets.tiny, classifier_activation=None)


def check_same(new, old, x=None, share=1e-5, training=False):
    """Checks that two nets compute the same, and that this does not depend on nothing at all."""
    x = images(old) if x is None else x
    a, b = (array(m(x, training=training)) for m in (new, old))
    scale = np.abs(b).max()
    assert np.ptp(b, axis=0).max() > 10 * share * scale, "all images score alike"
    np.testing.assert_allclose(a, b, rtol=0, atol=share * scale)


def stack(*middle, shape=(9, 9, 3)):
    """A net with a convolution "first" of 4 maps, some layers, and a dense layer."""
    x = y = keras.Input(shape)
    for layer in (
        layers.Conv2D(4, 3, activation="relu", name="first"),
        *middle,
        layers.Flatten(name="row"),
        layers.Dense(3, name="scores"),  # names that no layer of the parameters has by chance
    ):
        y = layer(y)
    return filled(keras.Model(x, y))


READERS = {
    "convolution": (layers.Conv2D(5, 3, strides=2),),
    "dense behind flattening": (),
    "dense behind pooling": (layers.GlobalMaxPooling2D(),),
    "dense at each pixel": (layers.Dense(5),),
    "normalization": (layers.BatchNormalization(), layers.ReLU(), layers.Dropout(0.5), layers.Conv2D(5, 1)),
    "depthwise": (layers.DepthwiseConv2D(3, depth_multiplier=2), layers.Conv2D(5, 1)),
    "depthwise, flattened": (layers.DepthwiseConv2D(3, depth_multiplier=2, activation="tanh"),),
    "separable": (layers.SeparableConv2D(5, 3, depth_multiplier=3),),
    "pooling and padding": (layers.ZeroPadding2D(1), layers.AveragePooling2D(2), layers.UpSampling2D(2)),
    "reshape": (layers.Reshape((-1,)), layers.Dense(4, "elu")),
}


@pytest.mark.parametrize("middle", READERS.values(), ids=READERS)
def test_wider_whatever_reads_it(middle):
    model = stack(*middle)
    wide = widen(model, "first", 7)
    assert wide.get_layer("first").kernel.shape == (3, 3, 3, 7)
    assert [layer.name for layer in wide.layers[1:]] == [layer.name for layer in model.layers[1:]]
    assert wide.output_shape == model.output_shape
    check_same(wide, model)


def test_joined_with_others_and_with_itself():
    x = keras.Input((8, 8, 3))
    a = layers.Conv2D(4, 3, padding="same", name="a")(x)
    b = layers.Conv2D(5, 3, padding="same", name="b")(x)
    y = layers.Concatenate()([a, x, b, a])
    y = layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2)(y)
    y = layers.Concatenate()([b, y])
    model = filled(keras.Model(x, layers.Dense(2)(layers.Flatten()(layers.Conv2D(4, 1)(y)))))
    for name in "ab":
        wide = widen(model, name, 9)
        check_same(wide, model)
        assert [wide.get_layer(n).filters for n in "ab"] == [
            9 if n == name else f for n, f in (("a", 4), ("b", 5))
        ]


def test_what_is_added_becomes_wider_together():
    model = tiny("ResNet18", input_shape=(33, 33, 3))
    tied = "stage1_unit1_2_conv"
    wide = widen(model, tied, 12)
    more = {c.name for c, o in zip(wide.layers, model.layers, strict=True) if getattr(c, "filters", 0) == 12}
    assert tied in more
    assert "stem_conv" in more  # an identity shortcut leads from the stem to the sum
    assert "stage1_unit1_1_conv" not in more  # inside of the unit nothing is added
    check_same(wide, model)


def test_attention_becomes_wider_with_what_it_weighs():
    x = keras.Input((6, 6, 3))
    y = layers.Conv2D(4, 3, padding="same", name="maps")(x)
    means = layers.GlobalAveragePooling2D(keepdims=True)(y)
    weights = layers.Conv2D(4, 1, activation="sigmoid", name="weights")(
        layers.Conv2D(2, 1, name="reduce")(means)
    )
    pixels = layers.Conv2D(1, 1, activation="sigmoid", name="pixels")(y)
    y = layers.Multiply()([layers.Multiply()([y, weights]), pixels])
    model = filled(keras.Model(x, layers.Dense(3)(layers.Flatten()(y))))
    wide = widen(model, "weights", 6)
    assert [wide.get_layer(n).filters for n in ("maps", "weights", "reduce", "pixels")] == [6, 6, 2, 1]
    check_same(wide, model)


# Joins, gates, masks, grids of several resolutions, units in a dense stack, clips, paths.
@pytest.mark.parametrize(
    ("name", "layer", "shape"),
    [
        ("Attention56", "stem_conv", (33, 33, 3)),
        ("C3D", "block3_conv1", (16, 32, 32, 3)),
        ("DenseNet121", "block1_layer1_grow_conv", (33, 33, 3)),
        ("FractalNet20", "block1_column1_1_conv", (16, 16, 3)),
        ("GoogLeNet", "inception_3a_branch2_1", (33, 33, 3)),
        ("HighwayNet19", "stage1_plain", (16, 16, 3)),
        ("HRNetV2W18", "stem1_conv", (33, 33, 3)),
        ("MobileNetV2", "stem_conv", (33, 33, 3)),
        ("SEResNet18", "stem_conv", (33, 33, 3)),
        ("VGG11", "block5_conv2", (33, 33, 3)),
        ("VGG11", "fc1", (33, 33, 3)),
        ("Xception", "stem1_conv", (39, 39, 3)),
    ],
)
def test_a_layer_of_a_net(name, layer, shape):
    model = tiny(name, input_shape=shape)
    size = model.get_layer(layer).kernel.shape[-1]
    wide = widen(model, layer, size + 3)
    assert wide.count_params() > model.count_params()
    check_same(wide, model)


def test_a_nested_model_and_a_layer_called_twice():
    x = keras.Input((6, 6, 3))
    shared = layers.Conv2D(4, 1, activation="relu", name="shared")
    base = keras.Model(x, layers.Conv2D(3, 1, name="inside")(shared(x)), name="base")
    y = keras.Input((6, 6, 3))
    model = filled(keras.Model(y, layers.Dense(2)(layers.Flatten()(shared(base(y))))))
    for name in ("shared", "inside"):
        if name == "inside":  # its maps are read by a layer that also reads the image
            with pytest.raises(ValueError, match="`layer` is one whose number of channels can grow.*inside"):
                widen(model, name, 6)
            continue
        wide = widen(model, name, 6)
        assert [w.shape for w in wide.get_layer("shared").weights] == [(1, 1, 3, 6), (6,)]
        check_same(wide, model)


def test_copies_share_alike_what_reads_them():
    x = keras.Input((3,))
    y = layers.Dense(2, name="hidden", activation="relu")(x)
    model = filled(keras.Model(x, layers.Dense(2, name="out")(y)))
    wide = widen(model, "hidden", 7, seed=3)
    old, new = (array(m.get_layer("hidden").kernel) for m in (model, wide))
    np.testing.assert_array_equal(new[:, :2], old)
    picks = [int(np.flatnonzero((old == column[:, None]).all(0))[0]) for column in new.T]
    counts = np.bincount(picks)
    assert counts.sum() == 7
    out = array(model.get_layer("out").kernel)
    expected = np.stack([out[p].astype("float64") / counts[p] for p in picks])
    np.testing.assert_allclose(array(wide.get_layer("out").kernel), expected, rtol=1e-6)


def test_the_seed_draws_maps_and_noise():
    model = stack(layers.Conv2D(5, 3))
    weights = [widen(model, "first", 9, noise=0.1, seed=seed).get_weights() for seed in (0, 0, 1)]
    same = [all(np.array_equal(a, b) for a, b in zip(weights[0], w, strict=True)) for w in weights]
    assert same == [True, True, False]


def test_noise_is_on_new_maps_alone_and_parts_them_in_training():
    model = stack(layers.Conv2D(5, 3))
    old = array(model.get_layer("first").kernel)
    plain, noisy = (widen(model, "first", 400, noise=noise) for noise in (0.0, 0.05))
    kernels = [array(m.get_layer("first").kernel) for m in (plain, noisy)]
    np.testing.assert_array_equal(kernels[1][..., :4], old)
    change = (kernels[1] - kernels[0])[..., 4:]
    assert abs(np.std(change) / np.std(old) - 0.05) < 0.005
    for a, b in zip(plain.get_weights(), noisy.get_weights(), strict=True):
        if a.shape != old.shape[:3] + (400,):
            np.testing.assert_array_equal(a, b)
    x = images(model, 8)
    a, b = (array(m(x)) for m in (noisy, model))
    assert 0 < np.abs(a - b).max() < 0.1 * np.abs(b).max()

    for net, parts in ((plain, False), (noisy, True)):
        net.compile(keras.optimizers.SGD(0.01), "mse", jit_compile=False)
        net.fit(x, np.ones((8, 3)), epochs=2, verbose=0)
        kernel = array(net.get_layer("first").kernel).reshape(27, -1)
        unlike = [np.abs(kernel[:, 4:] - kernel[:, i : i + 1]).max(0) for i in range(4)]
        assert (np.min(unlike, axis=0) > 1e-5).all() == parts


def test_the_old_net_stays_and_the_new_one_is_its_own(tmp_path):
    model = stack(layers.BatchNormalization(), layers.Conv2D(5, 3))
    before = [w.copy() for w in model.get_weights()]
    for new in (widen(model, "first", 6), deepen(model, "first")):
        assert not {id(w) for w in new.weights} & {id(w) for w in model.weights}
        x = images(model)
        new.save(tmp_path / "new.keras")
        again = keras.models.load_model(tmp_path / "new.keras")
        np.testing.assert_array_equal(array(new(x)), array(again(x)))
        new.set_weights([np.zeros_like(w) for w in new.get_weights()])
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_wider_and_deeper_one_after_another():
    model = stack(layers.BatchNormalization(), layers.Conv2D(5, 3, activation="relu", name="second"))
    net = widen(widen(model, "second", 8), "first", 11)
    net = deepen(deepen(net, "first"), "first_deeper")
    net = widen(net, "first_deeper_deeper", 13)
    check_same(net, model)
    net.compile("adam", "mse", jit_compile=False)
    losses = net.fit(images(model, 8), np.zeros((8, 3)), epochs=3, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


def lrn():
    return kerasnets.layers.LRN()


@pytest.mark.parametrize(
    ("model", "layer", "reason"),
    [
        (lambda: stack(lrn()), "first", r"read by lrn\w* \(LRN\)"),
        (lambda: stack(layers.Conv2D(4, 3, groups=2, name="g")), "first", r"in groups by g \(Conv2D\)"),
        (lambda: stack(layers.Conv2D(4, 3, groups=2, name="g")), "g", r"from g \(Conv2D\) in groups"),
        (lambda: stack(layers.Conv2D(4, 3, activation="softmax", name="s")), "s", "activation of s"),
        (lambda: stack(layers.Softmax(name="s")), "first", r"read by s \(Softmax\)"),
        (lambda: stack(layers.Activation("softmax", name="s")), "first", r"read by s \(Activation\)"),
        (lambda: stack(layers.Reshape((7, 28), name="r")), "first", r"read by r \(Reshape\)"),
        (lambda: stack(layers.Permute((3, 1, 2), name="p")), "first", r"read by p \(Permute\)"),
        (lambda: tiny("MLP800"), "logits", "outputs"),
        (lambda: tiny("SqueezeNet", bypass="complex"), "fire2_expand1x1", "Add"),
        (lambda: added_to_the_input(), "first", "input's"),
    ],
)
def test_maps_that_cannot_be_more_are_refused_with_the_reason(model, layer, reason):
    with pytest.raises(
        ValueError, match=f"`layer` is one whose number of channels can grow. Received: .*{reason}"
    ):
        widen(model(), layer, 64)


def added_to_the_input():
    x = keras.Input((6, 6, 3))
    y = layers.Add()([x, layers.Conv2D(3, 3, padding="same", name="first")(x)])
    return keras.Model(x, layers.Dense(2)(layers.Flatten()(y)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layer": "frist"}, "Did you mean 'first'"),
        ({"layer": "flatten"}, "convolution or dense layer"),
        ({"layer": None}, "Received: layer=None"),
        ({"width": 4}, "above the layer's 4"),
        ({"width": 6.0}, "Received: width=6.0"),
        ({"noise": -0.1}, "`noise` is a number, at least 0"),
        ({"noise": "much"}, "`noise`"),
        ({"seed": -1}, "`seed` is a whole number"),
        ({"model": None}, "`model` is a functional"),
        ({"model": keras.Sequential([layers.Dense(2)])}, "`model` is a functional"),
    ],
)
def test_bad_arguments_of_widen_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        widen(**{"model": stack(), "layer": "first", "width": 6, **options})


@pytest.mark.parametrize(
    ("name", "layer", "shape", "kernel"),
    [
        ("AlexNet", "conv2", (67, 67, 3), 5),
        ("C3D", "block2_conv1", (16, 32, 32, 3), 3),
        ("GoogLeNet", "inception_3a_branch1_1", (33, 33, 3), 1),
        ("MLP800", "fc2", (8, 8, 1), 3),
        ("MobileNetV2", "stem_conv", (33, 33, 3), 3),
        ("MobileNetV2", "stage2_unit1_depthwise_conv", (33, 33, 3), 2),
        ("ResNet18", "stage1_unit1_1_conv", (33, 33, 3), 3),
        ("VGG11", "fc1", (33, 33, 3), 3),
    ],
)
def test_deeper(name, layer, shape, kernel):
    model = tiny(name, input_shape=shape)
    deep = deepen(model, layer, kernel=kernel)
    new = deep.get_layer(f"{layer}_deeper")
    assert new.kernel.shape[:-2] == (kernel,) * (new.kernel.ndim - 2)
    check_same(deep, model)


def test_what_stands_behind_the_layer_stands_behind_the_new_one():
    x = keras.Input((8, 8, 3))
    y = layers.Conv2D(4, 3, use_bias=False, name="first")(x)
    y = layers.ReLU(max_value=6)(layers.BatchNormalization(scale=False, epsilon=0.1)(y))
    model = filled(keras.Model(x, layers.Dense(2)(layers.Flatten()(y))))
    deep = deepen(model, "first", name="second")
    kinds = [type(layer).__name__ for layer in deep.layers]
    unit = ["Conv2D", "BatchNormalization", "ReLU"]
    assert kinds == ["InputLayer", *unit, *unit, "Flatten", "Dense"]
    assert [layer.name for layer in deep.layers[4:7]] == ["second", "second_bn", "second_act"]
    assert not deep.get_layer("second").use_bias
    check_same(deep, model)


def test_statistics_of_data_keep_the_function_in_training_too():
    """Normalized by the statistics of the batch, the layer gives what it read if it was set by them."""
    x = keras.Input((12, 12, 3))
    y = layers.Conv2D(4, 3, name="first")(x)
    y = layers.ReLU()(layers.BatchNormalization()(y))
    model = filled(keras.Model(x, layers.Dense(2)(layers.GlobalAveragePooling2D()(y))))
    model.layers[2].trainable = False  # so that the first normalization does the same in both modes
    data = images(model, 64)
    with_data, without = deepen(model, "first", data=data), deepen(model, "first")
    check_same(with_data, model, data)
    check_same(with_data, model, data, share=1e-4, training=True)
    check_same(without, model, data)
    a, b = (array(m(data, training=True)) for m in (without, model))
    assert np.abs(a - b).max() > 1e-3 * np.abs(b).max()


@pytest.mark.parametrize(
    ("model", "layer", "reason"),
    [
        (lambda: tiny("LeNet5"), "fc1", "tanh"),
        (lambda: stack(layers.Conv2D(4, 3, name="gate", activation="sigmoid")), "gate", "sigmoid"),
        (lambda: stack(layers.Conv2D(4, 3, name="last", activation="softmax")), "last", "softmax"),
        (lambda: stack(layers.Conv2D(4, 3, name="linear")), "linear", "linear"),
        (lambda: tiny("ResNet18"), "stage1_unit1_2_conv", "linear"),  # nothing but the sum is activated
    ],
)
def test_a_layer_without_a_fit_activation_is_refused(model, layer, reason):
    with pytest.raises(ValueError, match=rf"`layer` is .*f\(f\(x\)\) = f\(x\).*{layer} with {reason}"):
        deepen(model(), layer)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layer": "fisrt"}, "Did you mean 'first'"),
        ({"kernel": 0}, "`kernel` is a whole number"),
        ({"kernel": (3, 3)}, "`kernel` is a whole number"),
        ({"name": "first"}, "`name` is one that no layer has"),
        ({"model": "net"}, "`model` is a functional"),
    ],
)
def test_bad_arguments_of_deepen_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        deepen(**{"model": stack(), "layer": "first", **options})
