import keras
import numpy as np
import pytest
from keras import layers

from kerasnets.graph import producer
from kerasnets.layers import FrozenBatchNormalization
from kerasnets.surgery import fold_batch_norm
from nets import EVERY_LAYER, array, filled, images, tiny

NORMS = (layers.BatchNormalization, FrozenBatchNormalization)


def predict(model):
    return keras.tree.map_structure(array, model(images(model), training=False))


def check_same(model, folded):
    keras.tree.map_structure(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5), predict(model), predict(folded)
    )


def norms(model):
    return [layer.name for layer in model.layers if isinstance(layer, layers.BatchNormalization)]


def sequential(*parts, shape=(9, 9, 4)):
    return filled(keras.Sequential([keras.Input(shape), *parts]))


# In these, batch normalization stands behind and before all that it stands behind and before in any net.
@pytest.mark.parametrize(
    "name", [*EVERY_LAYER, "DenseNet121", "HRNetV2W18", "MobileNet", "ResNet50V2", "ResNeXt29"]
)
def test_every_family_gives_what_it_gave(name):
    model = tiny(name, classifier_activation=None)
    folded = fold_batch_norm(model)
    check_same(model, folded)
    assert folded.name == name
    assert folded.output_shape == model.output_shape
    assert not [layer for layer in folded.layers if "Drop" in type(layer).__name__]
    # What is left stands behind a sum, joined or pooled maps, or maps that others read too.
    for layer in folded.layers:
        if isinstance(layer, layers.BatchNormalization):
            before = producer(layer.input).operation
            if isinstance(before, (layers.Conv2D, layers.SeparableConv2D, layers.DepthwiseConv2D)):
                assert len(before._outbound_nodes) > 1


@pytest.mark.parametrize("name", ["MobileNet", "ResNet50", "InceptionV3", "Xception"])
def test_nets_that_normalise_behind_convolutions_keep_no_batch_norm(name):
    assert norms(tiny(name))
    assert not norms(fold_batch_norm(tiny(name)))


def test_densenets_fold_the_squeezing_convolutions():
    model = tiny("DenseNet121")
    folded = fold_batch_norm(model)
    assert [n for n in norms(model) if n not in norms(folded)] == [
        "stem_bn", "block1_layer1_grow_bn", "block2_layer1_grow_bn", "block2_layer2_grow_bn"
    ]  # fmt: skip


def test_memory_efficient_nets_become_plain_ones():
    efficient, plain = (tiny("DenseNet121", memory_efficient=m) for m in (True, False))
    folded = fold_batch_norm(efficient)
    check_same(efficient, folded)
    assert sorted(norms(folded)) == sorted(norms(fold_batch_norm(plain)))
    assert {type(x).__module__.split(".")[0] for x in folded.layers} == {"keras"}


@pytest.mark.parametrize(
    "layer",
    [
        layers.Conv2D(6, 3, padding="same", use_bias=True),
        layers.Conv2D(6, 3, strides=2, groups=2, use_bias=False),
        layers.Conv2DTranspose(6, 3, use_bias=False),
        layers.DepthwiseConv2D(3, depth_multiplier=2, use_bias=False),
        layers.SeparableConv2D(6, 3, depth_multiplier=3),
        layers.Dense(5),
    ],
    ids=lambda layer: type(layer).__name__,
)
@pytest.mark.parametrize("options", [{}, {"scale": False}, {"center": False}, {"axis": 3}], ids=str)
def test_each_layer(layer, options):
    layer = type(layer).from_config(layer.get_config())
    model = sequential(layer, layers.BatchNormalization(**options), layers.ReLU())
    folded = fold_batch_norm(model)
    assert not norms(folded)
    check_same(model, folded)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (layers.Conv1D(3, 2), (7, 2)),
        (layers.Conv3D(3, 2), (4, 4, 4, 2)),
        (layers.DepthwiseConv1D(2), (7, 2)),
        (layers.SeparableConv1D(3, 2), (7, 2)),
        (layers.Dense(3), (4,)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_each_rank(layer, shape):
    model = sequential(type(layer).from_config(layer.get_config()), FrozenBatchNormalization(), shape=shape)
    assert not norms(fold_batch_norm(model))
    check_same(model, fold_batch_norm(model))


def test_what_would_not_be_exact_stays():
    conv, bn = layers.Conv2D, layers.BatchNormalization
    for parts in (
        (conv(4, 3, activation="relu"), bn()),
        (conv(4, 3), layers.ReLU(), bn()),
        (conv(4, 3), layers.MaxPooling2D(), bn()),
        (conv(4, 3), bn(axis=1)),
        (bn(), conv(4, 3)),
    ):
        model = sequential(*parts)
        assert len(norms(fold_batch_norm(model))) == 1
        check_same(model, fold_batch_norm(model))


def test_maps_that_others_read_and_layers_that_run_twice_stay():
    inputs = keras.Input((5, 5, 3))
    shared = layers.Conv2D(3, 3, padding="same")
    x = layers.Conv2D(3, 3, padding="same", name="read_twice")(inputs)
    x = layers.Add()([x, layers.BatchNormalization(name="a")(x)])
    x = layers.BatchNormalization(name="b")(shared(x))
    x = layers.BatchNormalization(name="c")(shared(x))
    y = layers.Conv2D(2, 3, name="output")(x)
    model = filled(keras.Model(inputs, [y, layers.BatchNormalization(name="d")(y)]))
    folded = fold_batch_norm(model)
    assert sorted(norms(folded)) == ["a", "b", "c", "d"]
    check_same(model, folded)


def test_layers_that_always_train_stay():
    inputs = keras.Input((5, 5, 3))
    x = layers.Conv2D(3, 3)(inputs)
    x = layers.BatchNormalization()(x, training=True)
    x = layers.Dropout(0.5)(x, training=True)
    folded = fold_batch_norm(filled(keras.Model(inputs, x)))
    kinds = [type(layer) for layer in folded.layers]
    assert layers.BatchNormalization in kinds
    assert layers.Dropout in kinds


def test_dropout_between_a_convolution_and_its_norm_goes():
    model = sequential(
        layers.Conv2D(3, 3), layers.Dropout(0.5), layers.GaussianNoise(1.0), layers.BatchNormalization()
    )
    folded = fold_batch_norm(model)
    assert [type(layer) for layer in folded.layers] == [layers.InputLayer, layers.Conv2D]
    check_same(model, folded)


def test_auxiliary_heads_and_decoders_stay_outputs():
    for name, option in (("GoogLeNet", "aux_heads"), ("InceptionV3", "aux_heads"), ("CapsNet", "decoder")):
        least = {"input_shape": (75, 75, 3), "classes": 5} if option == "aux_heads" else {}
        model = tiny(name, **{option: True}, **least)
        folded = fold_batch_norm(model)
        assert list(folded.output) == list(model.output)
        check_same(model, folded)


def test_nested_models_with_layers_of_one_name():
    members = [tiny("MobileNet", classes=4, classifier_activation=None) for _ in range(2)]
    members[1].set_weights([w * 0.9 for w in members[1].get_weights()])
    inputs = keras.Input(members[0].input_shape[1:])
    logits = [keras.Model(m.inputs[0], m.outputs[0], name=f"m{i}")(inputs) for i, m in enumerate(members)]
    model = keras.Model(inputs, layers.Average()(logits))
    folded = fold_batch_norm(model)
    assert not norms(folded)
    check_same(model, folded)


def test_weights_are_its_own_and_the_model_stays():
    model = sequential(layers.Conv2D(3, 3, name="conv"), layers.BatchNormalization(), layers.Dense(2))
    before = [w.copy() for w in model.get_weights()]
    folded = fold_batch_norm(model)
    assert [layer.name for layer in folded.layers][1:] == ["conv", model.layers[-1].name]
    for w in folded.weights:
        w.assign(w + 1)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_save_and_load(tmp_path):
    folded = fold_batch_norm(tiny("MobileNetV2"))
    folded.save(tmp_path / "net.keras")
    np.testing.assert_array_equal(predict(keras.saving.load_model(tmp_path / "net.keras")), predict(folded))


@pytest.mark.parametrize("model", [None, keras.Sequential([layers.Dense(2)])], ids=["None", "no input"])
def test_a_model_without_a_graph_is_refused(model):
    with pytest.raises(ValueError, match="`model` is a functional keras.Model.*Received: model="):
        fold_batch_norm(model)
