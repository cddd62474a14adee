"""What travels with the weights of a net, through files and copies."""

import functools
import json
import zipfile

import h5py
import keras
import numpy as np
import pytest

import kerasnets
from kerasnets import distillation, surgery, weights
from kerasnets.applications import densenet
from kerasnets.assembly.preprocessing import preprocessing, taken
from kerasnets.scaling import MODES, Scaling
from kerasnets.weights import Card, card_of, describe
from nets import array, filled, kept, tiny

RNG = np.random.default_rng(0)
NAMES = ("cat", "dog", "gnu", "owl", "yak")
SUFFIXES = (".weights.h5", ".keras")
each_suffix = pytest.mark.parametrize("suffix", SUFFIXES)


def whitening(shape):
    """A scaling with every kind of field."""
    n = int(np.prod(shape))
    zca = Scaling("zca", mean=RNG.normal(size=n).astype("f4"), matrix=RNG.normal(size=(n, n)).astype("f4"))
    own = Scaling("own", mean=(1.5, 2.5, 3.5), std=RNG.uniform(1, 2, shape).astype("f4"), order="BGR")
    return own.after(zca.after(Scaling("contrast", contrast=55.0)))


def facts(model):
    shape = model.input_shape[1:]
    return {
        "scaling": whitening(shape),
        "class_names": NAMES,
        "shape": shape,
        "sizing": ("center_crop", {"shorter": 256}),
        "training": {"data": {"array": "own"}, "epochs": 3},
        "results": {"top1": 0.5},
    }


@pytest.fixture(scope="module")
def described():
    net = tiny("ResNet20", classifier_activation=None)
    describe(net, **facts(net))
    return net


@each_suffix
def test_files_keep_all(described, suffix, tmp_path):
    path = tmp_path / f"net{suffix}"
    kerasnets.save(described, path)
    net, card, before = kerasnets.load_model(path), weights.read_card(path), card_of(described)
    for found in (card, card_of(net)):
        assert (found.builder, found.family, found.changes) == ("ResNet20", "resnet", ())
        assert found.class_names == NAMES
        assert found.shape == described.input_shape[1:]
        assert (found.training, found.results) == (before.training, before.results)
        assert [*found.sizing] == [*before.sizing]
        pixels = RNG.uniform(0, 255, (3, *described.input_shape[1:])).astype("f4")
        np.testing.assert_array_equal(found.scaling(pixels), before.scaling(pixels))
    x = RNG.normal(size=(2, *described.input_shape[1:])).astype("f4")
    np.testing.assert_array_equal(net(x), described(x))


@each_suffix
def test_keras_alone_reads_the_files(described, suffix, tmp_path):
    path = tmp_path / f"net{suffix}"
    kerasnets.save(described, path)
    if suffix == ".keras":
        net = keras.saving.load_model(path)
    else:
        net = tiny("ResNet20", classifier_activation=None)
        net.load_weights(path)
    for a, b in zip(net.get_weights(), described.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@each_suffix
def test_files_of_keras_load(suffix, tmp_path):
    """As those of version 0.1, which have no card."""
    net, path = kept("LeNet5"), tmp_path / f"net{suffix}"
    net.save_weights(path) if suffix == ".weights.h5" else net.save(path)
    assert weights.read_card(path) is None
    found = tiny("LeNet5", weights=path)
    np.testing.assert_array_equal(found.get_weights()[0], net.get_weights()[0])
    assert card_of(found).builder == "LeNet5"
    assert card_of(found).scaling is None


@pytest.mark.parametrize("family", ["DenseNet121", "MobileNet", "GoogLeNet", "CapsNet"])
def test_weights_say_how_their_net_is_built(family, tmp_path):
    options = {"GoogLeNet": dict(aux_heads=True, input_shape=(65, 65, 3)), "CapsNet": dict(decoder=True)}
    net, path = tiny(family, **options.get(family, {})), tmp_path / "net.weights.h5"
    kerasnets.save(net, path)
    again = kerasnets.load_model(path)
    assert again.name == family
    assert keras.tree.map_structure(lambda x: x.shape, again.output) == keras.tree.map_structure(
        lambda x: x.shape, net.output
    )
    for a, b in zip(again.get_weights(), net.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_input_of_a_resolution_multiplier_is_that_of_its_net(tmp_path):
    net = kerasnets.build("MobileNet", alpha=0.1, rho=96 / 224, depths=(1,) * 5, classes=2)
    kerasnets.save(net, tmp_path / "net.weights.h5")
    assert kerasnets.load_model(tmp_path / "net.weights.h5").input_shape == (None, 96, 96, 3)


def test_an_activation_that_is_a_function_is_kept_by_its_name(tmp_path):
    net = tiny("LeNet5", act=keras.activations.relu, classifier_activation=keras.activations.sigmoid)
    kerasnets.save(net, tmp_path / "net.weights.h5")
    x = RNG.normal(size=(2, *net.input_shape[1:])).astype("f4")
    np.testing.assert_array_equal(kerasnets.load_model(tmp_path / "net.weights.h5")(x), net(x))


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("MobileNet", {"alpha": np.float32(0.25)}),
        ("DenseNet121", {"growth": np.int64(4), "depths": (np.int64(1), 1)}),
    ],
)
def test_options_may_be_numbers_of_numpy(name, options, tmp_path):
    net = tiny(name, **options)
    kerasnets.save(net, tmp_path / "net.weights.h5", shape=tuple(np.array(net.input_shape[1:])))
    assert kerasnets.load_model(tmp_path / "net.weights.h5").count_params() == net.count_params()


def half(x):
    return x / 2


@pytest.mark.parametrize("act", [half, functools.partial(keras.ops.leaky_relu, negative_slope=0.3)])
def test_an_activation_that_keras_cannot_rebuild_has_to_be_given(act, tmp_path):
    net, path = tiny("LeNet5", act=act), tmp_path / "net.weights.h5"
    kerasnets.save(net, path)
    with pytest.raises(ValueError, match="`act` is the name of a Keras activation, or a function"):
        kerasnets.load_model(path)
    x = RNG.normal(size=(2, *net.input_shape[1:])).astype("f4")
    np.testing.assert_array_equal(tiny("LeNet5", act=act, weights=path)(x), net(x))


OTHERS = [
    ("PlainNet20", {}, "ResNet20", {}, "shortcut"),
    ("ResNet20", {}, "PlainNet20", {}, "shortcut"),
    ("ResNet20", {}, "ResNet20", {"classes": 7}, "classes=7.*classes=5"),
    ("ResNet20", {}, "ResNet20", {"alpha": 0.5}, "alpha=0.5"),
    ("ResNet20", {}, "LeNet5", {}, "LeNet5.*ResNet20"),
    ("ResNet50V2", {}, "ResNet50V2", {"released": True}, "released=True.*released=False"),
    ("LeNet5", {"act": "relu"}, "LeNet5", {}, "act='tanh'.*act='relu'"),
]


@pytest.mark.parametrize(("name", "options", "other", "changes", "message"), OTHERS)
@each_suffix
def test_weights_of_another_net_are_refused_and_both_are_named(
    name, options, other, changes, message, suffix, tmp_path
):
    path = tmp_path / f"net{suffix}"
    kerasnets.save(kept(name, **options), path)
    with pytest.raises(ValueError, match=f"(?s)`weights`.*{message}"):
        tiny(other, weights=path, **changes)


@pytest.mark.parametrize(("name", "other"), [("PlainNet20", "ResNet20"), ("ResNet20", "PlainNet20")])
@each_suffix
def test_weights_without_a_card_of_another_net_are_refused(name, other, suffix, tmp_path):
    path, net = tmp_path / f"net{suffix}", kept(name)
    net.save_weights(path) if suffix == ".weights.h5" else net.save(path)
    with pytest.raises(ValueError, match=r"`weights` is a file.*\d layers of the kind add, the net \d"):
        tiny(other, weights=path)


def test_options_for_training_alone_may_differ(tmp_path):
    kerasnets.save(kept("MLP800", dropout=0.3), tmp_path / "net.weights.h5")
    tiny("MLP800", dropout=0.0, max_norm=2.0, weights=tmp_path / "net.weights.h5")
    kerasnets.save(kept("DenseNet121"), tmp_path / "net.keras")
    tiny("DenseNet121", memory_efficient=True, weights=tmp_path / "net.keras")


def test_a_variant_and_its_family_are_the_same_net(tmp_path):
    net = kept("DenseNet121")
    kerasnets.save(net, tmp_path / "net.weights.h5")
    spec = densenet.DenseNet121.spec
    options = {**spec.options, **spec.tiny}
    found = densenet.DenseNet(
        **options, input_shape=net.input_shape[1:], classes=5, weights=tmp_path / "net.weights.h5"
    )
    np.testing.assert_array_equal(found.get_weights()[0], net.get_weights()[0])


def damage_h5(path, **attributes):
    with h5py.File(path, "a") as file:
        for name, value in attributes.items():
            file["kerasnets"].attrs[name] = value


@pytest.mark.parametrize(
    "card",
    ["{", "[]", "3", '{"scaling": 3}', '{"scaling": {"mean": "x"}}', '{"scaling": {"mode": 3}}',
     '{"class_names": {"array": "nothing"}}', '{"shape": "ab"}', '{"class_names": [1]}'],
)  # fmt: skip
@each_suffix
def test_a_damaged_card_is_told(card, suffix, tmp_path):
    path = tmp_path / f"net{suffix}"
    kerasnets.save(kept("LeNet5"), path)
    if suffix == ".keras":
        with zipfile.ZipFile(path) as archive:
            content = {name: archive.read(name) for name in archive.namelist()}
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in (content | {"kerasnets/card.json": card}).items():
                archive.writestr(name, data)
    else:
        damage_h5(path, card=card)
    with pytest.raises(ValueError, match="`weights` is a file that can be read. Received: weights="):
        weights.read_card(path)


def test_arrays_in_other_files_are_not_read(tmp_path):
    path = tmp_path / "net.weights.h5"
    kerasnets.save(kept("LeNet5"), path, class_names=NAMES)
    with h5py.File(path, "a") as file:
        del file["kerasnets/class_names"]
        file["kerasnets/class_names"] = h5py.ExternalLink("other.h5", "names")
    with pytest.raises(ValueError, match="links to other files"):
        weights.read_card(path)


def test_fields_of_later_versions_are_ignored(tmp_path):
    path = tmp_path / "net.weights.h5"
    kerasnets.save(kept("LeNet5"), path)
    damage_h5(path, card=json.dumps({"builder": "LeNet5", "color": "red"}))
    assert weights.read_card(path).builder == "LeNet5"


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"scaling": "tensorflow"}, "`scaling` is a kerasnets.scaling.Scaling or one of"),
        ({"scaling": lambda x: x}, "`scaling` is a kerasnets.scaling.Scaling or one of"),
        ({"class_names": ["a"]}, "`class_names` is None or a list of 5 names"),
        ({"class_names": "abcde"}, "`class_names` is None or a list of names of one line each"),
        ({"class_names": ["a\nb", *"abcd"]}, "one line each"),
        ({"training": {"loss": float("nan")}}, "`training` is None or a dict that JSON can represent"),
        ({"results": 3}, "`results` is None or a dict that JSON can represent"),
        ({"scalling": "unit"}, "`scalling` is not a field of a Card. Did you mean 'scaling'"),
        ({"training": {"text": "x" * 60_000}}, "`training` is data of at most"),
    ],
)
def test_wrong_facts_are_refused_and_nothing_is_written(facts, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        kerasnets.save(tiny("LeNet5"), tmp_path / "net.weights.h5", **facts)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("path", ["net.h5", "net", 3])
def test_other_files_are_refused(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="`path` is the path of a .weights.h5 or .keras file"):
        kerasnets.save(kept("LeNet5"), path)
    with pytest.raises(ValueError, match="`path` is"):
        kerasnets.load_model(path)


def test_weights_of_a_changed_net_do_not_build_it(tmp_path):
    net = surgery.replace_head(kept("LeNet5"), 3)
    kerasnets.save(net, tmp_path / "net.weights.h5")
    with pytest.raises(ValueError, match="of a LeNet5 changed by replace_head"):
        kerasnets.load_model(tmp_path / "net.weights.h5")
    logits = distillation.as_logits(kept("LeNet5"))
    kerasnets.save(distillation.Distiller(logits), tmp_path / "both.weights.h5")
    with pytest.raises(ValueError, match="of a LeNet5 changed by Distiller"):
        kerasnets.load_model(tmp_path / "both.weights.h5")
    assert card_of(logits).changes == ()
    net.save_weights(tmp_path / "bare.weights.h5")
    with pytest.raises(ValueError, match="does not say which net it is for"):
        kerasnets.load_model(tmp_path / "bare.weights.h5")


# Copies.

COPIES = {
    "fold_batch_norm": surgery.fold_batch_norm,
    "with_precision": lambda net: surgery.with_precision(net, "mixed_bfloat16"),
    "convolutionize": surgery.convolutionize,
    "features": surgery.features,
    "replace_head": lambda net: surgery.replace_head(net, 3),
    "widen": lambda net: surgery.widen(net, "stage1_unit1_1_conv", 20),
    "deepen": lambda net: surgery.deepen(net, "stage1_unit1_1_conv", data=np.zeros((2, 8, 8, 3), "f4")),
    "as_logits": distillation.as_logits,
    "add_biases": lambda net: distillation.add_biases(distillation.as_logits(net), [0], [1.0]),
    "specialist": lambda net: distillation.specialist(distillation.as_logits(net), [3, 1]),
    "keras": lambda net: keras.Model(net.input, keras.layers.Dense(2)(net.layers[-2].output)),
    "ensemble": lambda net: distillation.Ensemble([distillation.as_logits(net)] * 2),
    "distiller": lambda net: distillation.Distiller(distillation.as_logits(net)),
}
NAMES_OF_COPIES = {
    "features": None, "replace_head": None, "keras": None, "specialist": ("owl", "dog", "other"),
}  # fmt: skip


@pytest.mark.parametrize("how", COPIES)
def test_copies_take_what_their_net_takes(how):
    net = tiny("ResNet20")
    describe(net, scaling="unit", class_names=NAMES)
    copy = COPIES[how](net)
    assert card_of(copy).scaling is MODES["unit"]
    assert card_of(copy).class_names == NAMES_OF_COPIES.get(how, NAMES)


def test_a_student_takes_what_its_teacher_takes():
    student, teacher = (tiny("LeNet5", classifier_activation=None) for _ in range(2))
    describe(teacher, scaling="unit", class_names=NAMES)
    distiller = distillation.Distiller(student, teacher)
    assert card_of(student).scaling is card_of(distiller).scaling is MODES["unit"]
    assert card_of(student).class_names == NAMES


def test_nets_that_see_other_images_are_refused_together():
    first, second = (
        kerasnets.build("LeNet5", classifier_activation=None, name=name) for name in ("first", "second")
    )
    describe(first, scaling="unit")
    describe(second, scaling="tf")
    message = "Received: first with scaling='unit' and second with scaling='tf'.*with_scaling.second, 'unit'"
    with pytest.raises(ValueError, match=f"`models`.*{message}"):
        distillation.Ensemble([first, second])
    with pytest.raises(ValueError, match=f"`teacher`.*{message}"):
        distillation.Distiller(first, second)
    adapted = surgery.with_scaling(second, "unit")
    distillation.Distiller(first, adapted)
    pixels = RNG.uniform(0, 255, (2, *first.input_shape[1:])).astype("f4")
    expected = array(second(MODES["tf"](pixels)))
    np.testing.assert_allclose(adapted(MODES["unit"](pixels)), expected, rtol=1e-4, atol=1e-4)


def test_a_distiller_and_its_student_are_loaded_with_their_card(tmp_path):
    student = tiny("LeNet5", classifier_activation=None)
    distiller = distillation.Distiller(student, tiny("LeNet5", classifier_activation=None))
    kerasnets.save(distiller, tmp_path / "distiller.keras", scaling="unit")
    loaded = kerasnets.load_model(tmp_path / "distiller.keras")
    assert card_of(loaded.student).scaling.name == "unit"


# What a model takes, as far as it says.

ON_TENSORS = [
    (keras.layers.Rescaling(1 / 127.5, -1.0), "layers", "none"),
    (keras.layers.Normalization(mean=1.0, variance=2.0), "layers", "none"),
    (kerasnets.applications.mobilenet.preprocess_input, "layers", "none"),
    (keras.applications.resnet.preprocess_input, "layers", "none"),
    (keras.applications.densenet.preprocess_input, "layers", "none"),
    (whitening((32, 32, 3)), "layers", "none"),
    (keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Rescaling(1 / 255)]), "layers", "none"),
    (keras.layers.Lambda(lambda x: x / 255), "unknown", None),
    (keras.layers.UnitNormalization(), "unknown", None),
    (lambda x: x[..., ::-1], "unknown", None),  # another order of channels
    (keras.layers.RandomFlip(), "builder", "tf"),
    (keras.layers.Resizing(32, 32), "builder", "tf"),
]


@pytest.mark.parametrize(("function", "source", "scaling"), ON_TENSORS)
def test_layers_that_scale_are_seen(function, source, scaling):
    images = keras.Input((32, 32, 3))
    inner = kept("MobileNet", input_shape=(32, 32, 3))
    for net in (
        tiny("MobileNet", input_tensor=function(images)),
        keras.Model(images, inner(function(images))),
    ):
        assert taken(net).source == source
        assert getattr(taken(net).scaling, "name", None) == scaling


@pytest.mark.parametrize(
    ("function", "source", "scaling"),
    [
        (keras.layers.Rescaling(1 / 127.5, -1.0), "layers", "none"),
        (keras.layers.Resizing(32, 32), "recorded", "unit"),
        (keras.ops.tanh, "unknown", None),
    ],
)
def test_weights_behind_other_layers_take_what_these_leave(function, source, scaling, tmp_path):
    kerasnets.save(kept("LeNet5"), tmp_path / "net.weights.h5", scaling="unit")
    before = function(keras.Input((32, 32, 1)))
    net = tiny("LeNet5", input_shape=None, input_tensor=before, weights=tmp_path / "net.weights.h5")
    assert taken(net).source == source
    assert getattr(taken(net).scaling, "name", None) == scaling


def test_a_net_within_another_is_asked_first():
    images, inner = keras.Input((8, 8, 3)), tiny("ResNet20", input_shape=(8, 8, 3))
    scaled = keras.Model(images, inner(keras.layers.Rescaling(2.0)(images)))
    describe(scaled, scaling="unit")
    outer = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.RandomFlip(), scaled])
    assert taken(outer).scaling is MODES["unit"]


def test_what_a_net_takes_is_not_changed_by_models_that_share_its_input():
    net = kerasnets.build("LeNet5", name="mine")
    describe(keras.Model(net.input, net.layers[1].output), training={"data": "own"})
    assert taken(net).scaling is MODES["lecun"]


def nets_of_unknown_training():
    """Kinds of nets, a net of each, and its builder's scaling."""
    net = kept("MobileNet", input_shape=(32, 32, 3))
    yield "of another name", kerasnets.build("LeNet5", name="my_classifier"), "lecun"
    yield "cloned", keras.models.clone_model(net), "tf"
    yield "cloned with drop path", keras.models.clone_model(kept("FractalNet20")), "torch"
    yield "nested", keras.Sequential([keras.Input((32, 32, 3)), net, keras.layers.Dense(2)]), "tf"
    yield "with another head", keras.Model(net.input, keras.layers.Dense(2)(net.output)), "tf"
    yield "of a family", kerasnets.applications.MLP((3,), input_shape=(4, 4, 1)), "unit"


def test_a_net_whose_training_is_not_known_takes_what_its_builder_says():
    for kind, net, scaling in nets_of_unknown_training():
        with pytest.warns(UserWarning, match=f"is not recorded.*preprocess_input, '{scaling}'"):
            assert preprocessing(net, None) == (scaling, MODES[scaling]), kind


@pytest.mark.parametrize(
    "net",
    [
        keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(2)]),
        tiny("ResNet20", input_shape=(8, 8, 1)),  # its own scaling is for three channels
        keras.models.clone_model(kerasnets.build("LeNet5", name="mine")),
    ],
    ids=["own", "gray", "cloned and renamed"],
)
def test_where_nothing_is_known_it_is_asked_for(net):
    with pytest.raises(ValueError, match=r"`preprocess` is a function or one of .*Received: preprocess=None"):
        preprocessing(net, None)


def test_what_is_recorded_is_not_contradicted():
    net = describe(model := tiny("ResNet20"), scaling="unit") and model
    assert preprocessing(net, None)[1] is MODES["unit"]
    preprocessing(net, lambda x: x / 255)
    with pytest.raises(ValueError, match="`preprocess` is None or 'unit'.*Received: preprocess='tf'"):
        preprocessing(net, "tf")
    with pytest.raises(ValueError, match="`preprocess` is None or 'unit'.*Received: preprocess='<lambda>'"):
        preprocessing(net, lambda x: x / 256 + 1)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: x[:, :4], r"returns float32, \(2, 4, "),
        (lambda x: x.no_such_thing, "no_such_thing"),
        (lambda x: x > 3, "returns bool"),
        (lambda: None, "positional argument"),
    ],
)
def test_a_function_that_scales_no_images_is_refused(function, message):
    with pytest.raises(ValueError, match=f"(?s)`preprocess` is a function of images.*Received: .*{message}"):
        preprocessing(kept("ResNet20"), function)


@pytest.mark.parametrize("preprocess", ["tensorflow", 3, ["unit"], True])
def test_what_is_no_scaling_is_refused(preprocess):
    with pytest.raises(ValueError, match="`preprocess` is None, a function or one of"):
        preprocessing(kept("ResNet20"), preprocess)


def test_a_scaling_of_other_channels_is_refused():
    net = tiny("ResNet20", input_shape=(8, 8, 1))
    with pytest.raises(
        ValueError, match="`preprocess` is a scaling of 1 channels .*Received: preprocess='torch'"
    ):
        preprocessing(net, "torch")


def test_nets_of_other_classes_are_refused_together():
    first, second = (keras.models.clone_model(kept("LeNet5", classifier_activation=None)) for _ in range(2))
    describe(first, class_names=list("abcde"))
    distillation.Distiller(first, second)  # nothing is known of the teacher's
    describe(second, class_names=list("abced"))
    with pytest.raises(
        ValueError, match="`models` are models that have the same classes .*'d', 'e'.*'e', 'd'"
    ):
        distillation.Ensemble([first, second])
    with pytest.raises(ValueError, match="`teacher` are models that have the same classes"):
        distillation.Distiller(first, second)


def test_trained_weights_know_what_they_were_trained_on(monkeypatch):
    """Those of keras.applications, whose download is random here."""
    real = keras.applications.MobileNetV2
    monkeypatch.setattr(
        keras.applications, "MobileNetV2", lambda weights, **rest: filled(real(weights=None, **rest))
    )
    net = kerasnets.build("MobileNetV2", weights="imagenet", input_shape=(96, 96, 3))
    assert taken(net).source == "recorded"
    assert taken(net).scaling is MODES["tf"]
    assert card_of(surgery.replace_head(net, 3)).scaling is MODES["tf"]


def test_a_card_is_empty_where_nothing_is_known():
    model = keras.Sequential([keras.layers.Dense(2)])
    assert card_of(model).as_data() == Card().as_data() == {}
