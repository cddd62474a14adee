"""What every registered model keeps to, on bodies small enough to build by the dozen."""

import inspect
import json
import re

import keras
import numpy as np
import pytest
from keras import ops

import kerasnets
from kerasnets.assembly.options import OPTIONS
from kerasnets.assembly.outputs import classifier
from kerasnets.graph import no_values
from nets import EVERY_LAYER, filled

MODELS = kerasnets.list_models()
SHARED = [
    "include_top",
    "weights",
    "input_tensor",
    "input_shape",
    "pooling",
    "classes",
    "classifier_activation",
    "name",
]


def spec_of(name):
    return getattr(kerasnets.applications, name).spec


def options_of(name):
    spec = spec_of(name)
    return {**spec.options, **spec.tiny}


def distinct(names):
    """Names of models whose tiny bodies differ: variants that differ in depth alone become equal."""
    keys = {}
    for name in names:
        spec = spec_of(name)
        key = (spec.body, spec.head, spec.size, spec.min_size, spec.channels, spec.classes)
        keys.setdefault((*key, repr(sorted(options_of(name).items()))), name)
    return list(keys.values())


BODIES = distinct(MODELS)
# One body for each function that makes bodies: the last, since later variants have what earlier ones have
# and more.
FUNCTIONS = {spec_of(name).body: name for name in BODIES}
# One body for each paper. Values and training are tried on these alone: functions of a paper share its units.
PAPERS = {spec_of(name).module: name for name in FUNCTIONS.values()}
# One body for each way to end in classes.
HEADS = {
    (spec_of(name).head, spec_of(name).classifier_activation): name for name in reversed(FUNCTIONS.values())
}
each_model = pytest.mark.parametrize("name", MODELS)
each_body = pytest.mark.parametrize("name", BODIES)
each_function = pytest.mark.parametrize("name", FUNCTIONS.values())
each_paper = pytest.mark.parametrize("name", PAPERS.values())
each_head = pytest.mark.parametrize("name", HEADS.values())


def tiny(name, **options):
    return kerasnets.build(name, **{**spec_of(name).tiny, **options})


def smallest(name, channels=None):
    spec = spec_of(name)
    return (*spec.min_grid, channels or spec.channels)


def needs_fixed_size(name, include_top):
    spec = spec_of(name)
    return spec.fixed_size or (include_top and spec.head.fixed_size)


def images(shape, n=2):
    return np.random.default_rng(0).uniform(-1, 1, (n, *shape)).astype("float32")


def check_scores(name, scores, **tolerance):
    """By default scores are shares of one, but where the paper's are not; those are from 0 to 1."""
    assert scores.min() >= 0
    assert scores.max() <= 1
    if spec_of(name).classifier_activation == "softmax":
        np.testing.assert_allclose(scores.sum(axis=1), 1, **tolerance)


def predict(model, x):
    return ops.convert_to_numpy(ops.cast(model(x, training=False), "float32"))


def free(name):
    """The shape of an input whose sides are free."""
    spec = spec_of(name)
    return (*[None] * len(spec.min_grid), spec.channels)


@pytest.fixture(scope="module")
def built():
    """Untrained models by name, with free sides where they can be, for tests that leave them as they are."""
    models = {}

    def get(name):
        if name not in models:
            keras.utils.set_random_seed(0)
            fixed = needs_fixed_size(name, include_top=True)
            models[name] = tiny(name, input_shape=smallest(name) if fixed else free(name))
        return models[name]

    return get


@pytest.fixture
def dtype_policy():
    before = keras.config.dtype_policy()
    yield keras.config.set_dtype_policy
    keras.config.set_dtype_policy(before)


def kinds(model):
    """Classes of the layers of a net, layers within layers too."""
    return {type(layer) for layer in model._flatten_layers()}


@pytest.fixture(scope="module")
def known_kinds():
    with no_values():
        return set().union(*(kinds(tiny(name)) for name in EVERY_LAYER))


@each_body
def test_default_shapes_are_the_papers(name, known_kinds):
    spec = spec_of(name)
    with no_values():
        model = tiny(name)
    assert kinds(model) <= known_kinds, "`EVERY_LAYER` needs another net"
    assert model.name == name
    assert model.input_shape == (None, *spec.grid(options_of(name)), spec.channels)
    assert model.output_shape == (None, spec.classes)


# No ReLU is behind the last module, but a 1x1 convolution and batch normalization, which takes a bias away.
NO_GRADIENT = {
    "HRNetV2W18": {"head_down2_conv/bias", "last_conv/bias"},  # the same, as the release has it
    "InceptionResNetV2": {"inception_c2_up/bias"},
    # Linear bottlenecks: what reads them, and the sums of them, is a 1x1 convolution that is normalized.
    "MobileNetV2": {f"stage{s}_unit{i}_project_bn/beta" for s in range(1, 8) for i in (1, 2)},
}


@each_paper
def test_probabilities_of_a_larger_grid_and_one_training_step_on_the_smallest(name):
    *grid, channels = smallest(name)
    fixed = needs_fixed_size(name, include_top=True)
    no_dropout = {option: 0.0 for option in options_of(name) if option.endswith(("dropout", "drop_path"))}
    model = tiny(name, input_shape=smallest(name) if fixed else free(name), classes=3, **no_dropout)
    more = 0 if fixed else 5
    preds = predict(model, images((*[side + more for side in grid], channels), n=3))
    assert preds.shape == (3, 3)
    check_scores(name, preds, rtol=1e-5)
    for w in model.trainable_weights:
        # Fresh scales of maps that are normalised again have no gradient: their shifts are zero.
        w.assign_add(keras.random.normal(w.shape, stddev=0.1))
    model.compile(keras.optimizers.SGD(0.01), "sparse_categorical_crossentropy", run_eagerly=True)
    before = [ops.convert_to_numpy(w) for w in model.trainable_weights]
    x, y = images(smallest(name), n=6), np.array([0, 1, 2, 0, 1, 2])
    first = model.train_on_batch(x, y)
    after = [ops.convert_to_numpy(w) for w in model.trainable_weights]
    still = [
        w.path for w, a, b in zip(model.trainable_weights, before, after, strict=True) if np.array_equal(a, b)
    ]
    assert not set(still) - NO_GRADIENT.get(name, set()), "no gradient reaches these"
    # A loss in training, where batch normalisation takes the statistics of the batch as before.
    scores = ops.convert_to_numpy(ops.cast(model(x, training=True), "float32"))
    again = keras.losses.sparse_categorical_crossentropy(y, scores)
    assert float(ops.mean(again)) + sum(map(float, model.losses)) < first


@each_body
@pytest.mark.parametrize("include_top", [True, False])
def test_sides_that_must_be_known(name, include_top):
    if needs_fixed_size(name, include_top):
        with pytest.raises(ValueError, match="`input_shape` is .*all known.*Received: input_shape="):
            tiny(name, include_top=include_top, input_shape=free(name))


@each_function
def test_without_a_top(name):
    """Without values: with a top, the smallest images and others go through the same body."""
    spec = spec_of(name)
    fixed = needs_fixed_size(name, include_top=False)
    with no_values():
        maps = tiny(name, include_top=False, input_shape=smallest(name) if fixed else free(name))
        options = dict(pooling="avg", input_shape=odd(name), classes=spec.classes)
        pooled = tiny(name, include_top=False, **options)
    assert maps.output.ndim in (2, len(spec.min_grid) + 2)
    assert pooled.output_shape == (None, maps.output_shape[-1])
    if not fixed:
        assert computed(maps) == computed(pooled)


@each_head
def test_a_head_on_free_sides_computes_what_it_does_on_fixed_ones(name, built):
    if not needs_fixed_size(name, include_top=True):
        with no_values():
            fixed = tiny(name, input_shape=odd(name))
        assert computed(fixed) == computed(built(name))


def odd(name):
    """The shape of an input whose sides differ and divide nothing."""
    spec = spec_of(name)
    return (*(side + 5 + 2 * axis for axis, side in enumerate(spec.min_grid)), spec.channels)


def computed(model):
    """The layers of a model behind its input, and their settings.

    Those that a net chooses by the size of its input are left out; its own tests compare values.
    """
    config = json.loads(model.to_json())["config"]
    sized = {"InputLayer", "WindowPadding2D", "ZeroPadding2D"} if model.name == "AlexNet" else {"InputLayer"}
    return [
        (layer["class_name"], layer["config"])
        for layer in config["layers"]
        if layer["class_name"] not in sized and layer["name"] != "avg_pool"
    ]


# Vectors, maps, maps of a clip, and capsules.
@pytest.mark.parametrize("name", ["MLP800", "LeNet5", "C3D", "CapsNet"])
def test_pooling(name):
    maps = tiny(name, include_top=False, input_shape=smallest(name))
    x = images(smallest(name))
    out = predict(maps, x)
    axes = tuple(range(1, out.ndim - 1))
    for pooling, reduce in {"avg": np.mean, "max": np.max}.items():
        pooled = tiny(name, include_top=False, pooling=pooling, input_shape=smallest(name))
        pooled.set_weights(maps.get_weights())
        np.testing.assert_allclose(predict(pooled, x), reduce(out, axis=axes), rtol=1e-4, atol=1e-5)


@each_head
def test_logits_are_what_the_softmax_reads(name, built):
    logits_model = tiny(name, input_shape=smallest(name), classifier_activation=None)
    logits_model.set_weights(built(name).get_weights())
    model = built(name)
    if spec_of(name).classifier_activation != "softmax":
        model = tiny(name, input_shape=smallest(name), classifier_activation="softmax")
        model.set_weights(built(name).get_weights())
    x = images(smallest(name))
    logits = predict(logits_model, x)
    assert np.abs(logits.sum(axis=1) - 1).min() > 1e-4
    softmax = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(softmax, predict(model, x), rtol=1e-4, atol=1e-7)


@each_function
def test_graphs_in_half_precision(name, dtype_policy):
    """Each layer gives its own precision, which the graph shows before it computes anything."""
    dtype_policy("float16")
    shape = tuple(side + 1 for side in spec_of(name).min_grid) + (4,)
    with no_values():
        model = tiny(name, input_shape=list(shape), classes=5)
    assert model.input_shape == (None, *shape)
    assert model.output_shape == (None, 5)
    assert model.outputs[0].dtype == "float16"
    for layer in model.layers[1:]:
        assert {x.dtype for x in keras.tree.flatten(layer.output)} == {layer.compute_dtype}, layer.name


@each_head
def test_the_classifier_computes_in_full_precision(name, dtype_policy):
    policy = "mixed_bfloat16"
    dtype_policy(policy)
    model = filled(tiny(name, input_shape=smallest(name), classes=5, classifier_activation=None))
    call = classifier(model.outputs[0])
    last = keras.Model(call.input_tensors[0], model.outputs[0]).layers[1:]
    assert {layer.compute_dtype for layer in last} == {"float32"}
    read = keras.Model(model.inputs[0], call.input_tensors[0])(images(smallest(name)))
    assert f"mixed_{keras.backend.standardize_dtype(read.dtype)}" == policy
    if isinstance(call.operation, (keras.layers.Dense, keras.layers.Conv2D)):
        kernel, bias = (w.astype("float64") for w in call.operation.get_weights())
        scores = np.asarray(ops.cast(read, "float32"), "float64") @ kernel.reshape(-1, 5) + bias
        if scores.ndim == 4:
            scores = np.maximum(scores, 0).mean((1, 2))
        np.testing.assert_allclose(predict(model, images(smallest(name))), scores, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "options", "last"),
    [
        ("GoogLeNet", {"aux_heads": True}, ["logits", "aux1_logits", "aux2_logits"]),
        ("InceptionV3", {"aux_heads": True}, ["logits", "aux1_logits"]),
        ("CapsNet", {"decoder": True}, ["class_capsules", "lengths", "decoder_logits"]),
    ],
)
def test_all_heads_compute_in_full_precision(name, options, last, dtype_policy):
    dtype_policy("mixed_bfloat16")
    with no_values():
        model = tiny(name, **options)
    assert {x.dtype for x in model.outputs} == {"float32"}
    found = {layer.name: layer.compute_dtype for layer in model._flatten_layers()}
    assert {found[layer] for layer in last} == {"float32"}


@each_body
def test_one_pixel_less_than_the_smallest_is_refused(name):
    *grid, channels = smallest(name)
    for axis, side in enumerate(grid):
        shape = (*grid[:axis], side - 1, *grid[axis + 1 :], channels)
        least = ", ".join(map(str, grid))
        with pytest.raises(
            ValueError, match=rf"`input_shape`.*at least \({least}, 1\).*Received: input_shape="
        ):
            tiny(name, input_shape=shape)
        with pytest.raises(
            ValueError, match=rf"`input_tensor`.*at least \({least}, 1\).*Received: input_tensor="
        ):
            tiny(name, input_tensor=keras.Input(shape))


@each_body
def test_another_number_of_axes_is_refused(name):
    shape = smallest(name)
    for other in (shape[1:], (16, *shape)):
        with pytest.raises(ValueError, match="`input_shape` is .*channels last.*Received: input_shape="):
            tiny(name, input_shape=other)
        with pytest.raises(ValueError, match="`input_tensor` is .*channels last.*Received: input_tensor="):
            tiny(name, input_tensor=keras.Input(other))


@each_head
def test_input_tensor(name, built):
    shape = smallest(name)
    first = keras.Input(shape, name="pixels")
    model = tiny(name, input_tensor=first, input_shape=shape)
    assert model.inputs == [first] or model.inputs[0] is first
    model.set_weights(built(name).get_weights())
    x = images(shape)
    np.testing.assert_allclose(predict(model, x), predict(built(name), x), rtol=1e-5, atol=1e-7)


@each_head
def test_input_tensor_inside_a_graph(name, built):
    shape = smallest(name)
    pixels = keras.Input(shape, name="pixels")
    model = tiny(name, input_tensor=keras.layers.Rescaling(0.5)(pixels))
    assert model.inputs[0] is pixels
    model.set_weights(built(name).get_weights())
    x = images(shape)
    np.testing.assert_allclose(predict(model, x), predict(built(name), x / 2), rtol=1e-5, atol=1e-7)


@each_body
def test_input_tensor_and_input_shape_must_agree(name):
    shape = smallest(name)
    for other in ((shape[0] + 1, *shape[1:]), 5, shape[:-1]):
        with pytest.raises(
            ValueError, match="`input_shape` is None or that of `input_tensor`.*Received: input_shape="
        ):
            tiny(name, input_tensor=keras.Input(shape), input_shape=other)


# Grey images, odd sides and half precision, where numbers of each kind of layer stay within 65,504.
@pytest.mark.parametrize("name", EVERY_LAYER)
def test_channels_odd_sizes_and_precision(name, dtype_policy):
    dtype_policy("float16")
    shape = tuple(side + 6 for side in spec_of(name).min_grid) + (1,)
    model = tiny(name, input_shape=list(shape), classes=5)
    assert model.input_shape == (None, *shape)
    all_layers = keras.Model(model.inputs, [layer.output for layer in model.layers[1:]] + model.outputs)
    *maps, out = all_layers(images(shape), training=False)
    assert out.shape == (2, 5)
    assert keras.backend.standardize_dtype(out.dtype) == "float16"
    for layer, found in zip(model.layers[1:], maps, strict=True):  # graphs take a layer at its word
        dtypes = {keras.backend.standardize_dtype(x.dtype) for x in keras.tree.flatten(found)}
        assert dtypes == {layer.compute_dtype}, layer.name
    check_scores(name, ops.convert_to_numpy(ops.cast(out, "float32")), atol=0.01)


@pytest.mark.parametrize("name", EVERY_LAYER)
def test_save_and_load(name, built, tmp_path):
    model, x = built(name), images(smallest(name))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.to_json() == model.to_json()
    assert [(w.path, w.shape) for w in loaded.weights] == [(w.path, w.shape) for w in model.weights]
    np.testing.assert_allclose(predict(loaded, x), predict(model, x), rtol=0, atol=1e-6)


@each_head
def test_one_class(name):
    keras.utils.set_random_seed(0)
    logits = predict(
        tiny(name, input_shape=smallest(name), classes=1, classifier_activation=None), images(smallest(name))
    )
    keras.utils.set_random_seed(0)
    model = tiny(name, input_shape=smallest(name), classes=1, classifier_activation="sigmoid")
    preds = predict(model, images(smallest(name)))
    assert preds.shape == (2, 1)
    np.testing.assert_allclose(preds, 1 / (1 + np.exp(-logits.astype("float64"))), rtol=1e-4, atol=1e-6)
    with pytest.raises(
        ValueError, match="`classifier_activation`.*Received: classifier_activation='softmax'$"
    ):
        tiny(name, input_shape=smallest(name), classes=1, classifier_activation="softmax")


MISUSE = {
    "include_top": [1, None, "yes"],
    "weights": ["imagenets", "missing.weights.h5", "weights.txt", 5],
    "input_tensor": [np.zeros((1, 64, 64, 3)), "x"],
    "input_shape": [
        (64, 64),
        (3,),
        64,
        "64x64x3",
        (64.0, 64.0, 3),
        (64, 64, 0),
        (64, 64, None),
        (-64, 64, 3),
    ],
    "pooling": ["foo", "AVG", 0, True],
    "classes": [0, -1, 2.0, "10", True, None],
    "classifier_activation": ["softmaxx", 3],
}


@each_model
@pytest.mark.parametrize("argument", MISUSE)
def test_misuse_of_a_shared_argument(name, argument):
    for value in MISUSE[argument]:
        with pytest.raises(ValueError, match=rf"`{argument}` (is|names) [\s\S]* Received: {argument}="):
            tiny(name, **{argument: value})


@each_model
def test_unknown_keyword_is_answered_with_the_nearest(name):
    with pytest.raises(TypeError, match="'includ_top'.* Did you mean 'include_top'"):
        tiny(name, includ_top=False)


BAD = {
    "act": [None, 3, "relus"],
    "alpha": [0, -1.0, True, "1", float("inf"), float("nan")],
    "attention": [None, True, "mix"],
    "aux_heads": [1, None],
    "batch_norm": [1, None],
    "bottleneck": [1, None],
    "bypass": [True, "complicated", 0],
    "cardinality": [0, 32.0, None, True],
    "columns": [0, 3.0, None, True],
    "connections": [3, (0, 1), ((0, -1),), ((),), ((0.5,),)],
    "copies": [0, 1.0, True],
    "decoder": [1, None],
    "depth": [0, 40.0, None],
    "depths": [(), (0, 1), (1, True), 4, (1.5, 2)],
    "downsampling": [None, True, "max"],
    "dropout": [-0.1, 1, 1.5, None, True],
    "drop_path": [-0.1, 1, None, True],
    "dropout_at": [None, "start", 1],
    "dropout_first": [1, None],
    "expansion": [0, 6.0, True, None],
    "filters": [(), (0,), 6],
    "form": [None, True, "3x3"],
    "full_connection": [1, None],
    "gate_bias": [None, "-2", True, float("-inf")],
    "global_drop_path": [-0.1, 1.1, None, True],
    "growth": [0, 3.5, None],
    "groups": [0, 2.0, True],
    "hidden": [(0,), 84, (8.0,)],
    "hidden_pieces": [0, 2.0, True, None],
    "image_norm": [1, None],
    "input_dropout": [-0.1, 1, None],
    "iterations": [0, 3.0, True, None],
    "keep": [0, 1.1, None],
    "kernels": [(), (3, 3), ((),), ((0,),), 3],
    "lrn": [1, None],
    "mask_units": [0, 1.0, True, None],
    "max_norm": [0, -1, "3"],
    "memory_efficient": [1, None],
    "mixed": [1, None],
    "mlpconvs": [(), ((5, 1, (8,), "max"),), ((5, 1, (), "max", True),), ((5, 1, (8,), "min", True),), 5],
    "modules": [3, (3,), ((1, 2),), (("3a", -1),), (("3a", 1.5),), (("3a", True),)],
    "naive": [None, True, "3b", (3,)],
    "padding": [None, "valid", 1],
    "pieces": [0, 2.0, True, None],
    "pool_dropout": [-0.1, 1, None, True],
    "pool_first": [1, None],
    "pool_padding": [None, "same", 1],
    "pre_units": [0, 1.0, True, None],
    "project_raw": [1, None],
    "pyramid": [1, None],
    "reduction": [0, 16.0, None, True],
    "released": [1, None],
    "relu_before_se": [1, None],
    "removed": [1, 6, 2.0, True],
    "rho": [0, -1, None, float("inf")],
    "separable": [1, None],
    "separable_stem": [1, None],
    "shortcut": [True, "A", "C", "projection", 0],
    "squeeze_excite": [0, 16.0, True, "16"],
    "stem": [0, 24.0, True],
    "stem_form": [None, True, "twice"],
    "stride_in": [None, 1, "5x5"],
    "survival": [0, 1.1, None, True],
    "taper": [0, 1.1, None, True],
    "trainable_pooling": [1, None],
    "trunk_units": [0, 2.0, True, None],
    "units": [0, 4.0, True, None],
    "version": [0, 3, 1.0, None, True],
    "widen": ["pad", None, True],
    "window": [1, 4, 2.0, None],
    "width": [0, 4.5, None, True],
}


@each_model
def test_family_options_are_checked_and_documented(name):
    builder = getattr(kerasnets.applications, name)
    assert list(builder.spec.checks) == list(builder.spec.options)
    for option in builder.spec.options:
        assert builder.spec.checks[option] is OPTIONS.get(option, builder.spec.checks[option])
        assert f"    {option}: " in builder.__doc__
        for bad in (object(), *BAD.get(option, ())):
            with pytest.raises(ValueError, match=rf"`{option}` is [\s\S]* Received: {option}="):
                tiny(name, **{option: bad})


@pytest.mark.parametrize(
    ("name", "options", "argument"),
    [
        ("DenseNet40", dict(depth=4), "depth"),
        ("DenseNet40", dict(depth=41), "depth"),
        ("DenseNetBC100", dict(depth=97), "depth"),
        ("ResNet20", dict(depth=2), "depth"),
        ("ResNet20", dict(depth=21), "depth"),
        ("ResNet164V2", dict(depth=165), "depth"),
        ("ResNet164V2", dict(depth=173, bottleneck=False), "depth"),
        ("WRN28_10", dict(depth=4), "depth"),
        ("WRN28_10", dict(depth=30), "depth"),
        ("ResNeXt29", dict(depth=30), "depth"),
        ("CMPESEWRN28_10", dict(depth=30), "depth"),
        ("CMPESEWRN28_10", dict(width=1), "width"),
        ("LeNet5", dict(filters=(6, 15, 120)), "connections"),
        ("LeNet5", dict(filters=(6,)), "connections"),
        ("LeNet5", dict(filters=(5, 16, 120)), "connections"),
        ("MobileNet", dict(depths=(1, 2, 2)), "depths"),
        ("AlexNet", dict(filters=(96, 256)), "filters"),
        ("AlexNet", dict(groups=5), "groups"),
        ("C3D", dict(depths=(1, 2)), "filters"),
        ("C3D", dict(filters=(64, 128)), "filters"),
        ("ZFNet", dict(filters=(96, 256)), "filters"),
        ("HighwayNet19", dict(filters=(32, 80, 128)), "filters"),
        ("SimpNet", dict(filters=(66, 128, 128)), "filters"),
        ("FitNet4", dict(depths=(5, 6, 5)), "filters"),
        ("VGG16", dict(filters=(64, 128)), "filters"),
        ("VGG16", dict(kernels=((3,), (3,))), "filters"),
        ("MobileNet", dict(alpha=0.01), "alpha"),
        ("CapsNet", dict(alpha=0.03), "alpha"),
        ("CapsNet", dict(decoder=True, include_top=False), "decoder"),
        ("HRNetV2W18", dict(depths=(1, 1, 4, 3, 1)), "depths"),
        ("HRNetV2W18", dict(pyramid=True), "pyramid"),
        ("InceptionV3", dict(depths=(3, 4)), "depths"),
        ("InceptionV3", dict(aux_heads=True, include_top=False), "aux_heads"),
        ("InceptionV3", dict(aux_heads=True, input_shape=(None, None, 3)), "input_shape"),
        ("InceptionV4", dict(depths=(4, 7, 3, 1)), "depths"),
        ("InceptionResNetV1", dict(depths=(5,)), "depths"),
        ("MobileNetV2", dict(depths=(1, 2, 3)), "depths"),
        ("MobileNetV2", dict(filters=(32, 16, 1280)), "filters"),
        ("MobileNetV2", dict(rho=0.5, input_shape=(96, 96, 3)), "rho"),
        ("SqueezeNet", dict(modules=(("fire2", 16),)), "modules"),
        ("SqueezeNet", dict(modules=(("conv1", 96, 7), ("fire2", 16, "64", 64))), "modules"),
        ("AllCNNC", dict(filters=(96, 192, 192)), "filters"),
        ("MobileNet", dict(rho=0.5, input_shape=(96, 96, 3)), "rho"),
    ],
)
def test_options_that_do_not_fit_one_another(name, options, argument):
    with pytest.raises(ValueError, match=rf"`{argument}` (is|names) [\s\S]* Received: {argument}="):
        kerasnets.build(name, **options)


@each_model
def test_signature(name):
    builder = getattr(kerasnets.applications, name)
    parameters = inspect.signature(builder).parameters
    assert list(parameters)[: len(SHARED)] == SHARED
    assert list(parameters)[len(SHARED) :] == list(builder.spec.options)
    defaults = [parameters[p].default for p in SHARED]
    spec = builder.spec
    assert defaults == [True, None, None, None, None, spec.classes, spec.classifier_activation, None]
    for word in SHARED:
        assert builder.__doc__.count(f"    {word}: ") == 1


@each_model
def test_every_argument_is_documented_in_its_own_words(name):
    builder = getattr(kerasnets.applications, name)
    assert not re.search("Likewise|As in", builder.__doc__.partition("Args:")[2])


@each_model
def test_tiny_options_are_the_familys(name):
    assert set(spec_of(name).tiny) <= set(spec_of(name).options)


@each_body
def test_channels_first_is_refused(name):
    keras.config.set_image_data_format("channels_first")
    try:
        with pytest.raises(
            ValueError, match="`image_data_format`.*Received: image_data_format='channels_first'$"
        ):
            tiny(name)
    finally:
        keras.config.set_image_data_format("channels_last")


@pytest.mark.parametrize("family", sorted({spec_of(name).body.__name__ for name in MODELS}))
def test_families_take_their_options_first(family):
    builder = getattr(kerasnets.applications, family)
    assert list(inspect.signature(builder).parameters) == [*builder.spec.options, *SHARED]
