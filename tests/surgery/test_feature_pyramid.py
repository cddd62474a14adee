import keras
import numpy as np
import pytest
from keras import layers, ops

import kerasnets
from kerasnets import analysis
from kerasnets.graph import no_values, producer
from kerasnets.surgery import feature_pyramid
from nets import kept

# Nets whose stages end in different ways: with sums, joined maps, poolings, strides, columns and masks.
WITH_MAPS = [
    *("Attention56", "C3D", "CapsNet", "DenseNet121", "FractalNet40", "GoogLeNet", "HighwayNet19"),
    *("HRNetV2W18", "InceptionResNetV2", "LeNet5", "MobileNetV2", "ResNet50", "ResNet50V2", "SENet154"),
    *("SqueezeNet11", "StridedCNNC", "VGG16", "Xception"),
]
MORE = 64  # pixels; every stride of the registry divides it


def spec_of(name):
    return getattr(kerasnets.applications, name).spec


def larger(name):
    spec = spec_of(name)
    shape = (*(side + MORE for side in spec.min_grid), spec.channels)
    with no_values():
        return kerasnets.build(name, input_shape=shape, include_top=False, **spec.tiny)


def predict(model, x):
    return keras.tree.map_structure(ops.convert_to_numpy, model(x, training=False))


def made_by(pyramid):
    return {level: producer(maps).operation.name for level, maps in pyramid.output.items()}


@pytest.mark.parametrize("name", WITH_MAPS)
def test_every_family(name):
    net = kept(name, include_top=False)
    pyramid = feature_pyramid(net, None)
    x = np.random.default_rng(0).uniform(-1, 1, (1, *net.input_shape[1:])).astype("float32")
    maps, last = predict(pyramid, x), predict(net, x)
    # A map has a pixel more for each stride that its input is larger, by what is computed of larger inputs.
    more = feature_pyramid(larger(name), None)
    for level, found in maps.items():
        stride = 2 ** int(level.removeprefix("P"))
        grown = [b - a for a, b in zip(found.shape[1:-1], more.output[level].shape[1:-1], strict=True)]
        assert min(grown) == MORE / stride
    np.testing.assert_array_equal(maps[f"P{spec_level(net, more)}"], last)
    weights = {id(w) for w in net.weights}
    assert all(id(w) in weights for w in pyramid.weights)


def spec_level(net, larger):
    """Level of the last map of a net, from how much larger that is of an input with `MORE` pixels."""
    name = producer(net.output).operation.name
    grown = min(
        b - a for a, b in zip(net.output.shape[1:-1], larger.get_layer(name).output.shape[1:-1], strict=True)
    )
    return (MORE // grown).bit_length() - 1


@pytest.mark.parametrize("name", WITH_MAPS)
def test_a_top_and_free_sides_change_nothing(name):
    spec = spec_of(name)
    shape = (*spec.min_grid, spec.channels)
    with no_values():
        bare, whole = (
            kerasnets.build(name, include_top=top, input_shape=shape, **spec.tiny) for top in (False, True)
        )
    expected = made_by(feature_pyramid(bare, None))
    assert made_by(feature_pyramid(whole, None)) == expected
    if not spec.fixed_size:
        shape = (*[None] * len(spec.min_grid), spec.channels)
        with no_values():
            free = kerasnets.build(name, include_top=False, input_shape=shape, **spec.tiny)
        # The padding of a free side may be another layer's work; the names of the maps are not.
        assert made_by(feature_pyramid(free, None)) == expected


@pytest.mark.parametrize("name", ["VGG16", "InceptionV3", "MobileNetV2", "Xception", "SEResNet50", "C3D"])
def test_strides_are_those_of_the_analysis(name):
    net = kept(name, include_top=False)
    strides = {row.name: row.stride for row in analysis.profile(net).layers}
    for level, layer in made_by(feature_pyramid(net, None)).items():
        assert max(strides[layer]) == 2 ** int(level.removeprefix("P"))


# What detectors and segmenters built on these nets read: keras.io, "Object Detection with RetinaNet";
# tensorflow.org, "Image segmentation", whose strides are 2, 4, 8 and 16.
@pytest.mark.parametrize(
    ("build", "strides", "expected"),
    [
        (
            keras.applications.ResNet50,
            (8, 16, 32),
            {"P3": "conv3_block4_out", "P4": "conv4_block6_out", "P5": "conv5_block3_out"},
        ),
        (
            keras.applications.MobileNetV2,
            (2, 4, 8, 16),
            {
                "P1": "block_1_expand_relu",
                "P2": "block_3_expand_relu",
                "P3": "block_6_expand_relu",
                "P4": "block_13_expand_relu",
            },
        ),
    ],
)
@pytest.mark.parametrize("include_top", [True, False])
def test_the_maps_that_others_take(build, strides, expected, include_top):
    with no_values():
        net = build(weights=None, include_top=include_top, input_shape=(64, 64, 3))
    assert made_by(feature_pyramid(net, strides)) == expected


def test_ends_of_stages_and_not_of_branches():
    # Behind the last unit of a stage, the next one computes on the same grid before it halves it.
    net = kept("ResNet50", depths=(2, 2), include_top=False)
    assert made_by(feature_pyramid(net, (4, 8))) == {"P2": "stage1_unit2_act", "P3": "stage2_unit2_act"}
    net = kept("FractalNet20", filters=(4, 4), columns=3, include_top=False)
    # Columns are pooled one by one; the deepest has computed most.
    assert made_by(feature_pyramid(net, (1,))) == {"P0": "block1_column2_4_act"}


def test_nets_that_give_a_pyramid_themselves():
    options = dict(depths=(1, 1, 1), include_top=False, pyramid=True)
    net = kept("HRNetV2W18", **options)
    x = np.random.default_rng(0).uniform(-1, 1, (2, *net.input_shape[1:])).astype("float32")
    own, found = predict(net, x), predict(feature_pyramid(net, (4, 8, 16)), x)
    assert list(found) == list(own) == ["P2", "P3", "P4"]
    for level in own:
        np.testing.assert_array_equal(found[level], own[level])


def test_auxiliary_heads_are_left_out():
    net = kerasnets.build("GoogLeNet", input_shape=(65, 65, 3), aux_heads=True, **spec_of("GoogLeNet").tiny)
    pyramid = feature_pyramid(net, (8, 16))
    assert made_by(pyramid) == made_by(feature_pyramid(drop(net), (8, 16)))
    assert not [layer for layer in pyramid.layers if layer.name.startswith("aux")]


def drop(net):
    return kerasnets.surgery.drop_aux_heads(net)


def toy(padding="same", sides=(19, 23)):
    inputs = keras.Input((*sides, 1))
    x = layers.Conv2D(2, 3, strides=2, padding=padding, name="a")(inputs)
    x = layers.Conv2D(2, 3, padding=padding, name="b")(x)
    x = layers.Conv2D(2, 3, strides=(2, 1), padding=padding, name="c")(x)
    return keras.Model(inputs, x, name="toy")


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("sides", [(19, 23), (None, None), (None, 20)])
def test_odd_valid_and_uneven_grids(padding, sides):
    pyramid = feature_pyramid(toy(padding, sides), None)
    assert made_by(pyramid) == {"P1": "b", "P2": "c"}


def test_nested_and_sequential_models():
    inner = toy()
    outer = keras.Sequential(
        [
            keras.Input((19, 23, 1)),
            layers.Rescaling(0.5),
            inner,
            layers.GlobalAveragePooling2D(),
            layers.Dense(2),
        ]
    )
    pyramid = feature_pyramid(outer, (2, 4))
    assert made_by(pyramid) == {"P1": "b", "P2": "c"}
    x = np.random.default_rng(0).uniform(-1, 1, (2, 19, 23, 1)).astype("float32")
    np.testing.assert_allclose(predict(pyramid, x)["P2"], predict(inner, x / 2), atol=1e-6)
    inner.get_layer("c").bias.assign([1.0, 1.0])
    np.testing.assert_allclose(predict(pyramid, x)["P2"], predict(inner, x / 2), atol=1e-6)


def test_what_comes_back_to_a_finer_grid_is_later():
    inputs = keras.Input((16, 16, 1))
    fine = layers.Conv2D(2, 3, padding="same", name="down1")(inputs)
    x = layers.Conv2D(2, 3, strides=2, padding="same", name="down2")(fine)
    x = layers.Concatenate(name="join")([layers.UpSampling2D(name="up")(x), fine])
    net = keras.Model(inputs, layers.Conv2D(2, 3, padding="same", name="mix")(x))
    assert made_by(feature_pyramid(net, None)) == {"P0": "mix", "P1": "down2"}


def test_a_layer_of_one_size_ends_the_maps():
    inputs = keras.Input((16, 16, 1))
    x = layers.Conv2D(4, 3, strides=2, padding="same", name="conv")(inputs)
    x = layers.Dense(4, name="mixed")(layers.Flatten()(x))
    net = keras.Model(inputs, layers.Conv2D(1, 1, name="late")(layers.Reshape((2, 2, 1))(x)))
    assert made_by(feature_pyramid(net, None)) == {"P1": "conv"}


def test_saved_and_loaded(tmp_path):
    net = kept("DenseNet121", include_top=False)
    pyramid = feature_pyramid(net, (4, 8))
    assert pyramid.name == "DenseNet121_pyramid"
    pyramid.save(tmp_path / "pyramid.keras")
    loaded = keras.saving.load_model(tmp_path / "pyramid.keras")
    x = np.random.default_rng(0).uniform(-1, 1, (1, *net.input_shape[1:])).astype("float32")
    first, again = predict(pyramid, x), predict(loaded, x)
    assert list(first) == list(again)
    for level in first:
        np.testing.assert_allclose(first[level], again[level], atol=1e-6)


def test_strides_that_a_net_lacks_are_refused_with_those_it_has():
    with pytest.raises(
        ValueError, match=r"`strides` is among those of ResNet20, \(1, 2, 4\)\. Received: strides=\(4, 8, 16"
    ):
        feature_pyramid(kept("ResNet20"))
    with pytest.raises(ValueError, match=r"among those of MLP1200, \(\)\. Received: strides=None"):
        feature_pyramid(kept("MLP1200"), None)


@pytest.mark.parametrize("strides", [(), 4, "4", (3,), (4, 0), (4.0,), (True,), (-4,), [4, None]])
def test_strides_that_are_none_are_refused(strides):
    with pytest.raises(ValueError, match="`strides` is None or powers of two.* Received: strides="):
        feature_pyramid(toy(), strides)


@pytest.mark.parametrize("model", [None, keras.Sequential([layers.Dense(2)]), "ResNet50"])
def test_what_has_no_graph_is_refused(model):
    with pytest.raises(ValueError, match="`model` is a functional keras.Model.* Received: model="):
        feature_pyramid(model)
