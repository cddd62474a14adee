import keras
import numpy as np
import pytest
from keras import layers, ops

import kerasnets
from kerasnets.distillation import as_logits
from kerasnets.layers import FrozenBatchNormalization
from kerasnets.surgery import features, replace_head
from nets import EVERY_LAYER, kept, tiny


def spec_of(name):
    return getattr(kerasnets.applications, name).spec


def images(net, n=4):
    return np.random.default_rng(0).uniform(-1, 1, (n, *net.input_shape[1:])).astype("float32")


def predict(model, x):
    return ops.convert_to_numpy(model(x, training=False))


def values(model):
    return {w.path: ops.convert_to_numpy(w).copy() for w in model.weights}


def changed(model, before):
    return {
        path.rpartition("/")[2] for path, w in values(model).items() if not np.array_equal(w, before[path])
    }


def fit(model, x, epochs=1, rate=0.1):
    model.compile(keras.optimizers.SGD(rate), "sparse_categorical_crossentropy", run_eagerly=True)
    y = np.arange(len(x)) % model.output_shape[-1]
    return model.fit(x, y, epochs=epochs, verbose=0).history["loss"]


# A net of each way to end in classes, and all that may be copied.
@pytest.mark.parametrize("name", [*EVERY_LAYER, "MLP800", "SimpNet", "SqueezeNet11", "StridedCNNC"])
def test_every_family(name):
    net = kept(name)
    x = images(net)
    scores, before = predict(features(net), x), values(net)
    model = replace_head(net, 3)
    assert model.output_shape == (None, 3)
    assert model.name == net.name
    np.testing.assert_allclose(predict(model, x).sum(axis=1), 1, rtol=1e-5)
    # The body computes what it did, the head stands on it, and none of it is the old net's.
    np.testing.assert_allclose(predict(features(model), x), scores, rtol=1e-4, atol=1e-5)
    assert model.get_layer("logits").kernel.shape[0] == scores.shape[1]
    assert not {id(w) for w in model.weights} & {id(w) for w in net.weights}
    assert [w.path for w in model.trainable_weights] == ["logits/kernel", "logits/bias"]
    assert all(np.array_equal(w, before[path]) for path, w in values(net).items())


@pytest.mark.parametrize("name", ["DenseNet121", "CapsNet", "LeNet5"])
def test_saved_loaded_and_trained(name, tmp_path):
    model = replace_head(kept(name), 3, hidden=(4,), dropout=0.1, pooling="max")
    model.save(tmp_path / "net.keras")
    loaded = keras.saving.load_model(tmp_path / "net.keras")
    x = images(model, 12)
    np.testing.assert_allclose(predict(loaded, x), predict(model, x), atol=1e-6)
    before = values(loaded)
    fit(loaded, x)
    assert changed(loaded, before) == {"kernel", "bias"}
    body = {w.path for w in features(loaded).weights}
    moved = {path for path, w in values(loaded).items() if not np.array_equal(w, before[path])}
    assert moved == {f"{layer}/{w}" for layer in ("head_fc1", "logits") for w in ("kernel", "bias")}
    assert moved - body == {"logits/kernel", "logits/bias"}


def test_a_head_learns_on_frozen_features():
    net = kept("ResNet20")
    x = images(net, 30)
    x[::3] += 1
    x[1::3] -= 1
    losses = fit(replace_head(net, 3), x, epochs=15)
    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.parametrize("name", ["ResNet20", "MobileNetV2"])
def test_statistics_stay_where_all_is_trained(name):
    net = kept(name)
    assert any(w.name == "moving_mean" for w in net.weights)
    x = images(net, 8)
    for model in (replace_head(net, 3, freeze=False), unfrozen(replace_head(net, 3))):
        before = values(model)
        fit(model, x)
        # Biases of the head; gamma and beta of batch normalization; but no moving_mean and moving_variance.
        assert changed(model, before) == {"kernel", "bias", "gamma", "beta"}
    model = replace_head(net, 3, freeze=False, freeze_batch_norm=False)
    before = values(model)
    fit(model, x)
    assert changed(model, before) >= {"moving_mean", "moving_variance"}


def unfrozen(model):
    for layer in model.layers:  # to set that of the model does nothing on TensorFlow, for it is True already
        layer.trainable = True
    return model


def test_frozen_statistics_are_kept_by_further_steps(tmp_path):
    model = replace_head(kept("ResNet20"), 3, freeze=False)
    model.save(tmp_path / "net.keras")
    loaded = keras.saving.load_model(tmp_path / "net.keras")
    again = replace_head(loaded, 4, freeze=False)
    for net in (loaded, again):
        before = values(net)
        fit(net, images(net, 8))
        assert changed(net, before) == {"kernel", "bias", "gamma", "beta"}
    thawed = replace_head(loaded, 4, freeze=False, freeze_batch_norm=False)
    assert not [layer for layer in thawed.layers if isinstance(layer, FrozenBatchNormalization)]


def test_memory_efficient_nets():
    net = kept("DenseNet40", memory_efficient=True)
    x = images(net, 8)
    for frozen in (True, False):
        model = replace_head(net, 3, freeze=False, freeze_batch_norm=frozen)
        np.testing.assert_allclose(
            predict(features(model), x), predict(features(net), x), rtol=1e-4, atol=1e-5
        )
        before = values(model)
        fit(model, x)
        assert ("moving_mean" in changed(model, before)) is not frozen
    # The layers of a unit, which stand alone in the copy, are frozen with it.
    assert [w.path for w in replace_head(net, 3).trainable_weights] == ["logits/kernel", "logits/bias"]


def test_freeze_names_the_last_layer_that_is_frozen():
    net = kept("ResNet20", depth=14)
    model = replace_head(net, 3, freeze="stage2_unit1_add")
    trained = {w.path.split("/")[0] for w in model.trainable_weights}
    assert not [layer for layer in trained if layer.startswith(("stem", "stage1", "stage2_unit1"))]
    assert {"stage2_unit2_1_conv", "stage3_unit1_1_conv", "logits"} <= trained
    # What is computed beside it, not below it, is not frozen.
    side = replace_head(kept("GoogLeNet"), 3, freeze="inception_3a_branch3_2")
    trained = {w.path.split("/")[0] for w in side.trainable_weights}
    assert "inception_3a_branch2_1" in trained
    assert not trained & {"conv1", "inception_3a_branch3_1", "inception_3a_branch3_2"}


def test_false_leaves_layers_as_they_are():
    net = tiny("LeNet5")
    net.get_layer("c1_conv").trainable = False
    trained = {w.path.split("/")[0] for w in replace_head(net, 3, freeze=False).trainable_weights}
    assert "c1_conv" not in trained
    assert "c3_conv" in trained


def test_where_the_head_stands():
    net = kept("VGG16", hidden=(9, 7), dropout=0.5)
    names = [layer.name for layer in replace_head(net, 3).layers]
    assert names[-4:] == ["fc1_dropout", "fc2", "logits", "predictions"]
    names = [layer.name for layer in replace_head(net, 3, pooling="avg").layers]
    assert names[-4:] == ["block5_pool", "features_avg_pool", "logits", "predictions"]
    names = [layer.name for layer in replace_head(net, 3, layer="block4_pool", pooling="max").layers]
    assert names[-4:] == ["block4_pool", "features_max_pool", "logits", "predictions"]
    model = replace_head(net, 3, hidden=(6, 5), act="tanh", dropout=0.25, name="mine")
    head = [layer for layer in model.layers if layer.name.startswith("head_")]
    assert [layer.name for layer in head if isinstance(layer, layers.Dense)] == ["head_fc1", "head_fc2"]
    assert [layer.rate for layer in head if isinstance(layer, layers.Dropout)] == [0.25] * 3
    assert model.get_layer("head_fc1").activation is keras.activations.tanh
    assert model.name == "mine"


def test_a_head_upon_a_head():
    model = replace_head(kept("LeNet5"), 3, hidden=(6,))
    again = replace_head(model, 4, hidden=(5,))
    names = [layer.name for layer in again.layers]
    assert names[-4:] == ["head_fc1", "head2_fc1", "logits", "predictions"]
    on_scores = replace_head(model, 4, layer="logits")
    assert on_scores.output_shape == (None, 4)


@pytest.mark.parametrize("activation", [None, "sigmoid", "softmax"])
def test_classifier_activation(activation):
    model = replace_head(kept("LeNet5"), 3, classifier_activation=activation)
    x = images(model)
    logits = predict(keras.Model(model.input, model.get_layer("logits").output), x)
    expected = getattr(ops, activation or "array")(logits)
    np.testing.assert_allclose(predict(model, x), ops.convert_to_numpy(expected), rtol=1e-5, atol=1e-6)


def test_auxiliary_heads_are_left_out():
    net = kerasnets.build(
        "InceptionV3", aux_heads=True, input_shape=(107, 107, 3), **spec_of("InceptionV3").tiny
    )
    model = replace_head(net, 3)
    assert model.output_shape == (None, 3)
    assert not [layer for layer in model.layers if layer.name.startswith("aux")]


@pytest.mark.parametrize(
    ("build", "options", "width"),
    [
        (keras.applications.MobileNet, dict(alpha=0.25), 256),
        (keras.applications.MobileNetV2, dict(alpha=0.35), 1280),
        (keras.applications.MobileNetV3Small, dict(alpha=0.75, minimalistic=True), 1024),
    ],
)
def test_nets_of_keras_applications(build, options, width):
    net = build(weights=None, input_shape=(32, 32, 3), **options)
    model = replace_head(net, 3)
    assert model.get_layer("logits").kernel.shape == (width, 3)
    x = images(net, 2)
    np.testing.assert_allclose(predict(features(model), x), predict(features(net), x), rtol=1e-4, atol=1e-5)


def test_nested_and_sequential_nets():
    body = kept("ResNet20", include_top=False)
    net = keras.Sequential([body, layers.GlobalAveragePooling2D(), layers.Dropout(0.1), layers.Dense(7)])
    model = replace_head(net, 3, freeze=False)
    x = images(net, 8)
    np.testing.assert_allclose(
        predict(features(model), x), predict(body, x).mean(axis=(1, 2)), rtol=1e-4, atol=1e-5
    )
    before = values(model)
    fit(model, x)
    assert changed(model, before) == {"kernel", "bias", "gamma", "beta"}


def test_a_layer_used_twice_stays_one():
    inputs = keras.Input((4,))
    dense = layers.Dense(4, name="twice")
    net = keras.Model(inputs, layers.Dense(2)(dense(dense(inputs))))
    model = replace_head(net, 3)
    assert [w.path for w in model.weights] == ["twice/kernel", "twice/bias", "logits/kernel", "logits/bias"]
    x = images(net)
    np.testing.assert_allclose(predict(features(model), x), predict(features(net), x), rtol=1e-5)


@keras.saving.register_keras_serializable("tests")
class Block(layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.norm = layers.BatchNormalization()

    def build(self, shape):
        self.norm.build(shape)

    def call(self, x, training=None):
        return self.norm(x, training=training)


def test_batch_normalization_out_of_reach_is_refused():
    inputs = keras.Input((4,))
    net = keras.Model(inputs, layers.Dense(2)(Block(name="block")(inputs)))
    with pytest.raises(ValueError, match="`freeze_batch_norm` is False for a net with block"):
        replace_head(net, 3)
    assert replace_head(net, 3, freeze_batch_norm=False).output_shape == (None, 3)


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("classes", 0),
        ("classes", 2.0),
        ("pooling", "mean"),
        ("hidden", (0,)),
        ("hidden", 5),
        ("act", "relus"),
        ("dropout", 1),
        ("classifier_activation", "softmaxx"),
        ("freeze", "c1_con"),
        ("freeze", None),
        ("freeze", 3),
        ("freeze_batch_norm", None),
        ("layer", "c5_cat"),
        ("layer", 7),
    ],
)
def test_misuse(argument, value):
    options = {"classes": 3, argument: value}
    with pytest.raises(ValueError, match=rf"`{argument}` is [\s\S]* Received: {argument}="):
        replace_head(kept("LeNet5"), **options)


def test_nearest_names():
    with pytest.raises(ValueError, match="Did you mean 'c5_act'"):
        replace_head(kept("LeNet5"), 3, layer="c5_cat")
    with pytest.raises(ValueError, match="Did you mean 'c1_conv'"):
        replace_head(kept("LeNet5"), 3, freeze="c1_con")


def test_one_class_needs_no_softmax():
    with pytest.raises(ValueError, match="`classifier_activation` is 'sigmoid' or None for one class"):
        replace_head(kept("LeNet5"), 1)
    assert replace_head(kept("LeNet5"), 1, classifier_activation="sigmoid").output_shape == (None, 1)


def test_the_new_classifier_computes_in_full_precision():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        net = replace_head(kept("ResNet20"), 3, classifier_activation=None)
    finally:
        keras.config.set_dtype_policy("float32")
    assert net.outputs[0].dtype == net.get_layer("logits").compute_dtype == "float32"


@pytest.mark.parametrize("name", ["SqueezeNet", "NIN"])
def test_class_maps_are_replaced_in_nets_of_logits_too(name):
    net = tiny(name)
    expected, found = (replace_head(m, 3) for m in (net, as_logits(net)))
    assert [type(x) for x in found.layers] == [type(x) for x in expected.layers]
    assert found.count_params() == expected.count_params()
