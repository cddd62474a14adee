import functools
import json
import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops
from PIL import Image, ImageOps

import kerasnets
from kerasnets import distillation, serving
from kerasnets.data import augment
from kerasnets.serving import images, nets, versions
from kerasnets.serving.nets import net_of

NAMES = ["cat", "dog", "gnu"]
IMAGES = np.random.default_rng(1).integers(0, 256, (3, 8, 8, 3)).astype("float32")


def export(model, *place, preprocess="none", **options):
    """Exports a net, which takes values of 0..255 where a test does not say otherwise."""
    return serving.export(model, *place, preprocess=preprocess, **options)


def small(activation="softmax", classes=3, name="small"):
    """A net with a layer of each kind that is folded or left out, its statistics those of a trained one."""
    keras.utils.set_random_seed(3)
    net = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Conv2D(4, 3, use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.GlobalAveragePooling2D(),
            layers.Dropout(0.5),
            layers.Dense(classes, activation=activation, name="scores"),
        ],
        name=name,
    )
    net.layers[1].moving_mean.assign([0.5, -1.0, 0.2, 0.0])
    net.layers[1].moving_variance.assign([9.0, 4.0, 0.5, 1.0])
    return net


def plain():
    """A net of one layer, where it does not matter what is exported."""
    return keras.Sequential([keras.Input((8, 8, 3)), layers.Flatten(), layers.Dense(3)], name="plain")


def tiny(name, **options):
    builder = getattr(kerasnets.applications, name)
    return kerasnets.build(name, **{**builder.spec.tiny, **options})


def load(path):
    return tf.saved_model.load(str(path)).signatures


def serve(path, images=IMAGES, signature="serving_default"):
    given = load(path)[signature](images=tf.constant(images))
    return {name: x.numpy() for name, x in given.items()}


def files(root):
    """What is in a folder, but for the lock that stays in a root."""
    return sorted(
        p.relative_to(root).as_posix() for p in pathlib.Path(root).rglob("*") if p.name != versions.LOCK
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """An export with everything on."""
    root = tmp_path_factory.mktemp("models")
    options = dict(class_names=NAMES, image_bytes=True, warmup=2, features=True, top=2, preprocess="tf")
    return export(small(), root, results={"top1": 0.5, "epochs": 3}, **options)


def test_scores_of_images_of_0_to_255(whole):
    expected = small()(IMAGES / 127.5 - 1).numpy()
    given = serve(whole)
    assert set(given) == {"probabilities", "logits"}
    np.testing.assert_allclose(given["probabilities"], expected, atol=1e-6)
    np.testing.assert_allclose(tf.nn.softmax(given["logits"]), expected, atol=1e-6)
    assert np.abs(given["logits"].sum(1) - 1).min() > 1e-3
    for n in (1, 5):
        assert serve(whole, np.zeros((n, 8, 8, 3), "float32"))["probabilities"].shape == (n, 3)


def test_features(whole):
    net = small()
    expected = keras.Model(net.inputs[0], net.layers[-3].output)(IMAGES / 127.5 - 1)
    np.testing.assert_allclose(serve(whole, signature="features")["features"], expected, atol=1e-5)


def test_files_of_any_size(whole):
    rng = np.random.default_rng(2)
    arrays = [rng.integers(0, 256, shape, "uint8") for shape in ((8, 8, 3), (20, 9, 3), (5, 6, 1))]
    encoded = [tf.io.encode_png(a).numpy() for a in arrays] + [tf.io.encode_jpeg(arrays[1]).numpy()]
    given = load(whole)["serving_bytes"](image_bytes=tf.constant(encoded))
    resized = kerasnets.data.transforms.center_crop(arrays[1].astype("float32"), None, (8, 8))
    for i, image in enumerate((arrays[0], resized)):
        expected = small()(np.asarray(image, "float32")[None] / 127.5 - 1)[0].numpy()
        np.testing.assert_allclose(given["probabilities"][i], expected, atol=1e-6)
        best = np.argsort(-expected)[:2]
        assert [name.decode() for name in given["classes"][i].numpy()] == [NAMES[k] for k in best]
        np.testing.assert_allclose(given["scores"][i], expected[best], atol=1e-6)
    assert given["probabilities"].shape == (4, 3)


@pytest.mark.parametrize(
    ("channels", "interpolation", "antialias"), [(3, "bicubic", True), (1, "bilinear", False)]
)
def test_a_file_gives_what_it_gives_in_a_test(channels, interpolation, antialias, tmp_path):
    """A photo on its side, resized by any name: the served net sees what a stream has."""
    x = keras.Input((8, 8, channels))
    net = keras.Model(x, ops.reshape(x, (-1, 64 * channels)))  # its logits are the pixels
    tags = Image.Exif()
    tags[0x0112] = 6
    photo = np.kron(np.random.default_rng(2).integers(0, 256, (10, 12, 3)), np.ones((4, 4, 1))).astype(
        "uint8"
    )
    (tmp_path / "data/test/cat").mkdir(parents=True)
    file = tmp_path / "data/test/cat/photo.jpg"
    Image.fromarray(photo).save(file, exif=tags)
    named = {"shorter": 10, "interpolation": interpolation, "antialias": antialias}
    stream = kerasnets.data.stream(
        "pets",
        "test",
        size=(8, 8, channels),
        batch_size=1,
        augment=(("center_crop", named),),
        data_dir=tmp_path / "data",
    )
    expected = next(stream.dataset.as_numpy_iterator())[0]
    sizing = images.make_sizing(images.sizing_row((8, 8, channels), *named.values(), None))
    decoded = images.decoded(tf.constant([file.read_bytes()]), (8, 8, channels), sizing)
    np.testing.assert_allclose(decoded, expected, atol=1e-3)
    if not antialias:  # one export is enough, since each is compared with what is decoded
        return
    path = export(net, tmp_path, "net", image_bytes=True, from_logits=True, top=1, **named)
    given = load(path)["serving_bytes"](image_bytes=tf.constant([file.read_bytes()]))
    shares = np.exp(expected.ravel() - expected.max())
    np.testing.assert_allclose(given["probabilities"][0], shares / shares.sum(), atol=1e-5)
    (found,) = kerasnets.classify(tmp_path / "net", file, top=len(shares))
    assert found.labels[0] == (str(shares.argmax()), pytest.approx(shares.max() / shares.sum(), abs=1e-5))
    assert [dict(found.labels)[str(i)] for i in range(len(shares))] == pytest.approx(
        given["probabilities"][0].numpy().tolist(), abs=1e-6
    )
    upright = ImageOps.exif_transpose(Image.open(file)).resize((10, 12), Image.Resampling.BICUBIC)
    assert np.abs(expected[0] - np.asarray(upright.crop((1, 2, 9, 10)))).max() < 2


def test_what_tf_serving_reads_of_it(whole):
    from tensorflow.core.protobuf import saved_model_pb2

    saved = saved_model_pb2.SavedModel.FromString((whole / "saved_model.pb").read_bytes())
    (meta,) = saved.meta_graphs
    assert list(meta.meta_info_def.tags) == ["serve"]
    signatures = meta.signature_def
    names = {n for n in signatures if not n.startswith("__")}
    assert names == {"serving_default", "serving_bytes", "features"}
    for name, inputs, outputs in (
        ("serving_default", {"images": (1, [-1, 8, 8, 3])}, {"probabilities": [-1, 3], "logits": [-1, 3]}),
        (
            "serving_bytes",
            {"image_bytes": (7, [-1])},
            {"probabilities": [-1, 3], "classes": [-1, 2], "scores": [-1, 2]},
        ),
        ("features", {"images": (1, [-1, 8, 8, 3])}, {"features": [-1, 4]}),
    ):
        signature = signatures[name]
        assert signature.method_name == "tensorflow/serving/predict"
        shape = {n: (x.dtype, [d.size for d in x.tensor_shape.dim]) for n, x in signature.inputs.items()}
        assert shape == inputs
        given = {n: [d.size for d in x.tensor_shape.dim] for n, x in signature.outputs.items()}
        assert given == outputs


def test_class_names_are_an_asset(whole):
    assert (whole / "assets/class_names.txt").read_text().splitlines() == NAMES


def test_warmup_requests(whole):
    predictions = pytest.importorskip("tensorflow_serving.apis.prediction_log_pb2")
    file = whole / "assets.extra/tf_serving_warmup_requests"
    logs = [predictions.PredictionLog.FromString(r.numpy()) for r in tf.data.TFRecordDataset(str(file))]
    requests = [log.predict_log.request for log in logs]
    names = [r.model_spec.signature_name for r in requests]
    assert names == ["serving_default"] * 2 + ["serving_bytes"] * 2 + ["features"] * 2
    signatures = load(whole)
    for request in requests:
        assert request.model_spec.name == "small"
        inputs = {n: tf.constant(tf.make_ndarray(x)) for n, x in request.inputs.items()}
        assert signatures[request.model_spec.signature_name](**inputs)


def test_configs_follow_the_models(tmp_path):
    server = pytest.importorskip("tensorflow_serving.config.model_server_config_pb2")
    from google.protobuf import text_format

    def read():
        config = text_format.Parse((tmp_path / "models.config").read_text(), server.ModelServerConfig())
        return {c.name: c for c in config.model_config_list.config}

    export(plain(), tmp_path, "a")
    assert dict(read()["a"].version_labels) == {"stable": 1, "canary": 1}
    (tmp_path / "batching.config").write_text("max_batch_size { value: 4 }\n")
    export(plain(), tmp_path, "a", 7)
    export(plain(), tmp_path, "b")
    (tmp_path / "notes").mkdir()
    models = read()
    assert list(models) == ["a", "b"]
    assert dict(models["a"].version_labels) == {"stable": 1, "canary": 7}
    assert models["a"].base_path == "/models/a"
    assert models["a"].model_platform == "tensorflow"
    assert models["a"].model_version_policy.latest.num_versions == 2
    assert (tmp_path / "batching.config").read_text() == "max_batch_size { value: 4 }\n"


def test_probabilities_of_an_unknown_layer_are_served_as_they_are():
    net = small()
    squashed = keras.Sequential([distillation.as_logits(net), layers.Lambda(lambda z: ops.softmax(z))])
    served = net_of(squashed, "none")
    assert served.squash is None
    np.testing.assert_allclose(served.model(IMAGES)["probabilities"], net(IMAGES), atol=1e-6)


def test_model_card(whole):
    card = json.loads((whole / "assets.extra/model_card.json").read_text())
    net = small()
    assert card["parameters"] == net.count_params()
    assert card["mult_adds"] == kerasnets.analysis.profile(net).mult_adds
    taken = {"shape": [8, 8, 3], "dtype": "float32", "values": [0, 255], "scaling": "tf"}
    assert card["input"] == {**taken, "sizing": ["center_crop", {}]}
    assert card["results"] == {"top1": 0.5, "epochs": 3}
    assert card["fingerprint"] == distillation.fingerprint(net)
    assert card["class_names"] == NAMES
    assert card["versions"]["keras"] == keras.__version__


def test_versions_count_on(tmp_path):
    assert export(plain(), tmp_path) == tmp_path / "plain" / "1"
    assert export(plain(), str(tmp_path), version=9).name == "9"
    assert export(plain(), tmp_path).name == "10"
    assert export(plain(), tmp_path, "other").name == "1"
    ninth = tmp_path / "plain" / "9"
    before = {p: (ninth / p).stat().st_mtime_ns for p in files(ninth)}
    with pytest.raises(ValueError, match="`version` is one that does not exist yet.*Received: version=9"):
        export(plain(), tmp_path, version=9)
    assert before == {p: (ninth / p).stat().st_mtime_ns for p in files(ninth)}


def test_frozen_graphs_have_no_variables_and_others_have(tmp_path):
    def variables(path):
        return [name for name, _ in tf.train.list_variables(str(path / "variables/variables")) if "/" in name]

    frozen, plain = (export(small(), tmp_path, optimize=optimize) for optimize in (None, False))
    assert not variables(frozen)
    assert len(variables(plain)) >= len(small().weights)
    expected = small()(IMAGES).numpy()
    for path in (frozen, plain):
        np.testing.assert_allclose(serve(path)["probabilities"], expected, atol=1e-6)


@pytest.mark.parametrize(
    ("activation", "classes"), [("softmax", 3), (None, 3), ("sigmoid", 3), ("sigmoid", 1), (None, 1)]
)
def test_each_ending(activation, classes, tmp_path):
    net = small(activation, classes)
    given = serve(export(net, tmp_path))
    logits = distillation.as_logits(net)(IMAGES)
    softmax = activation == "softmax" or (activation is None and classes > 1)
    probabilities = tf.nn.softmax(logits) if softmax else tf.nn.sigmoid(logits)
    np.testing.assert_allclose(given["probabilities"], probabilities, atol=1e-6)
    np.testing.assert_allclose(given["logits"], logits, atol=1e-4)


@pytest.mark.parametrize("last", [layers.Softmax(), layers.Reshape((3,))], ids=["softmax", "reshape"])
def test_logits_of_an_inner_model(last, tmp_path):
    inner = small(None if isinstance(last, layers.Softmax) else "softmax")
    net = keras.Sequential([keras.Input((8, 8, 3)), inner, last])
    given = serve(export(net, tmp_path))
    logits = distillation.as_logits(net)(IMAGES)
    np.testing.assert_allclose(given["logits"], logits, atol=1e-4)
    np.testing.assert_allclose(given["probabilities"], net(IMAGES), atol=1e-6)


def test_scores_that_are_no_logits(tmp_path):
    net = small("relu")
    given = serve(export(net, tmp_path, from_logits=False))
    assert list(given) == ["probabilities"]
    np.testing.assert_allclose(given["probabilities"], net(IMAGES), atol=1e-4)


@pytest.mark.parametrize(
    "preprocess", [None, "unit", kerasnets.applications.lenet.preprocess_input, lambda x: x / 9]
)
def test_scaling_is_inside(preprocess, tmp_path):
    net = tiny("LeNet5", classes=3)
    images = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 1)).astype("float32")
    path = export(net, tmp_path, preprocess=preprocess)
    own = kerasnets.applications.lenet.preprocess_input
    scale = {None: own, "unit": lambda x: x / 255}.get(preprocess, preprocess)
    np.testing.assert_allclose(serve(path, images)["probabilities"], net(scale(images)), atol=1e-5)


def check_export(net, path, predict, shape):
    images = np.random.default_rng(0).integers(0, 256, (2, *shape)).astype("float32")
    np.testing.assert_allclose(serve(path, images)["probabilities"], predict(images), atol=1e-5)


def test_auxiliary_heads_are_left_out(tmp_path):
    net = tiny("GoogLeNet", aux_heads=True, input_shape=(65, 65, 3), classes=5)
    path = export(net, tmp_path, preprocess="unit")
    check_export(net, path, lambda x: net(x / 255)["predictions"], (65, 65, 3))


def test_decoders_are_left_out_and_lengths_of_capsules_are_scores(tmp_path):
    net = tiny("CapsNet", decoder=True)
    path = export(net, tmp_path, preprocess="unit")
    check_export(net, path, lambda x: net(x / 255)["predictions"], (28, 28, 1))
    assert set(serve(path, np.zeros((1, 28, 28, 1), "float32"))) == {"probabilities"}


def test_distillers_export_their_student(tmp_path):
    student, teacher = small(None, name="student"), small(None, name="teacher")
    path = export(distillation.Distiller(student, teacher), tmp_path)
    assert path == tmp_path / "student" / "1"
    check_export(student, path, lambda x: tf.nn.softmax(student(x)), (8, 8, 3))


@pytest.mark.parametrize("mean", ["geometric", "arithmetic"])
def test_ensembles(mean, tmp_path):
    if not hasattr(distillation, "Ensemble"):
        pytest.skip("no ensembles")
    members = [small(None), small(None)]
    members[1].set_weights([w + 0.1 for w in members[1].get_weights()])
    net = distillation.Ensemble(members, mean)
    path = export(net, tmp_path, features=False)
    check_export(net, path, lambda x: tf.nn.softmax(net(x)), (8, 8, 3))


def test_nets_that_share_names_of_layers(tmp_path):
    inputs = keras.Input((8, 8, 3))
    members = [small(None), small(None, name="other")]
    members[1].set_weights([w + 0.1 for w in members[1].get_weights()])
    net = keras.Model(inputs, layers.Average()([member(inputs) for member in members]), name="both")
    path = export(net, tmp_path)
    check_export(net, path, lambda x: tf.nn.softmax(net(x)), (8, 8, 3))


def test_clips_and_free_sides(tmp_path):
    clips = tiny("C3D", input_shape=(16, 16, 16, 3), classes=4)
    path = export(clips, tmp_path, preprocess="unit")
    check_export(clips, path, lambda x: clips(x / 255), (16, 16, 16, 3))
    inputs = keras.Input((None, None, 3))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3)(inputs))
    free = keras.Model(inputs, layers.Dense(3)(x), name="free")
    path = export(free, tmp_path)
    check_export(free, path, lambda x: tf.nn.softmax(free(x)), (9, 12, 3))


def test_mixed_precision(tmp_path):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        net = small()
    finally:
        keras.config.set_dtype_policy(before)
    given = serve(export(net, tmp_path, optimize=False))
    assert given["probabilities"].dtype == "float32"
    np.testing.assert_allclose(given["probabilities"], np.asarray(net(IMAGES), "float32"), atol=0.02)


@pytest.mark.parametrize("optimize", [None, False])
def test_bfloat16(optimize, tmp_path):
    net, expected = small(), small()(IMAGES).numpy()
    path = export(net, tmp_path, precision="bfloat16", optimize=optimize)
    given = serve(path)["probabilities"]
    assert given.dtype == "float32"
    assert 0 < np.abs(given - expected).max() < 0.05
    card = json.loads((path / "assets.extra/model_card.json").read_text())
    assert card["precision"] == "bfloat16"
    assert 0 < card["largest_difference"] < 0.05
    for a, b in zip(net.get_weights(), small().get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", ["SqueezeNet", "NIN", "AllCNNC", "CapsNet", "ResNet20"])
def test_classifiers_of_every_head_compute_in_float32(name):
    net = tiny(name)
    low = nets.in_bfloat16(nets.net_of(net, "none")).model
    # What the net would be, were it built under this policy.
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        built = tiny(name)
    finally:
        keras.config.set_dtype_policy("float32")
    assert [x.compute_dtype for x in low.layers[1:]] == [x.compute_dtype for x in built.layers[1:]]


@pytest.mark.parametrize("squash", [layers.Softmax(), ops.softmax, None])
def test_class_maps_of_any_net_are_in_float32(squash):
    inputs = keras.Input((8, 8, 3))
    maps = layers.Conv2D(3, 1, activation="relu", name="maps")(layers.Conv2D(4, 3, name="body")(inputs))
    scores = layers.GlobalAveragePooling2D()(maps)
    net = keras.Model(inputs, squash(scores) if squash else scores)
    low = nets.in_bfloat16(nets.net_of(net, "none")).model
    found = {layer.name: layer.compute_dtype for layer in low.layers if layer.weights}
    assert found == {"body": "bfloat16", "maps": "float32"}


def test_a_net_of_one_score_tells_two_classes(tmp_path):
    net = small("sigmoid", classes=1)
    path = export(net, tmp_path, image_bytes=True, class_names=["cat", "dog"])
    files = [tf.io.encode_png(image.astype("uint8")).numpy() for image in IMAGES]
    given = load(path)["serving_bytes"](image_bytes=tf.constant(files))
    p = net(IMAGES).numpy()
    np.testing.assert_allclose(given["probabilities"], p, atol=1e-6)
    both = np.concatenate([1 - p, p], 1)
    order = np.argsort(-both, 1)
    found = kerasnets.classify(path, list(IMAGES))
    assert [dict(one.labels)["dog"] for one in found] == pytest.approx(p[:, 0].tolist(), abs=1e-6)
    assert given["classes"].numpy().astype(str).tolist() == np.array(["cat", "dog"])[order].tolist()
    np.testing.assert_allclose(given["scores"], np.take_along_axis(both, order, 1), atol=1e-6)
    with pytest.raises(ValueError, match="`class_names` is None or a list of 2 names"):
        export(net, tmp_path, class_names=["dog"])


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("precision", "float16"),
        ("name", "../out"),
        ("name", ".."),
        ("name", "a/b"),
        ("name", ""),
        ("name", ".hidden"),
        ("name", "/tmp/out"),
        ("version", 0),
        ("version", "1"),
        ("version", True),
        ("version", 2**63),
        ("preprocess", "tensorflow"),
        ("class_names", ["a", "b"]),
        ("class_names", ["a", "b", "c\nd"]),
        ("class_names", "abc"),
        ("image_bytes", 1),
        ("features", "yes"),
        ("optimize", "yes"),
        ("warmup", -1),
        ("warmup", 1001),
        ("top", 0),
        ("shorter", 7),
        ("from_logits", "no"),
        ("results", {"model": object()}),
        ("results", {"loss": float("nan")}),
        ("results", [0.5]),
        ("root", None),
        ("root", __file__),
        ("model", None),
        ("model", keras.Sequential([layers.Dense(3)])),
        ("model", keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(3, 3)])),
    ],
)
def test_misuse_is_refused_and_nothing_is_written(argument, value, tmp_path):
    arguments = {"model": small(), "root": tmp_path / "models", argument: value}
    with pytest.raises(ValueError, match=f"`{argument}` is .*Received: {argument}="):
        export(**arguments)
    assert files(tmp_path) == []


def test_files_for_nets_that_take_no_images_of_one_size(tmp_path):
    free = keras.Sequential([keras.Input((None, 8, 3)), layers.GlobalAveragePooling2D(), layers.Dense(3)])
    with pytest.raises(ValueError, match="`image_bytes` is False"):
        export(free, tmp_path, image_bytes=True)
    assert files(tmp_path) == []


def test_a_version_that_does_not_give_what_the_model_gives_is_removed(tmp_path):
    with pytest.raises(RuntimeError, match="the outputs of serving_default differ from those of small"):
        export(small(), tmp_path, preprocess=lambda x: x * (1.0 if tf.executing_eagerly() else 2.0))
    assert files(tmp_path) == []


@pytest.mark.parametrize("row", [("pad", {}), ("center_crop", {"shorter": 12, "interpolation": "bicubic"})])
def test_files_are_sized_as_the_images_of_the_test_were(row, tmp_path):
    """Of uint8 pixels that are not resized too."""
    net = small()
    kerasnets.weights.describe(net, sizing=row, class_names=NAMES)
    image = np.random.default_rng(0).integers(0, 256, (6, 5, 3), "uint8")
    loaded = tf.saved_model.load(str(export(net, tmp_path, image_bytes=True)))
    given = loaded.signatures["serving_bytes"](image_bytes=tf.constant([tf.io.encode_png(image).numpy()]))
    name, options = row
    sized = tf.cast(augment.SIZINGS[name](tf.constant(image), None, (8, 8), **options), "float32")
    np.testing.assert_allclose(given["probabilities"], net(sized[None]), atol=1e-5)
    assert given["classes"][0, 0].numpy().decode() == NAMES[int(np.argmax(net(sized[None])))]


def test_any_argument_takes_the_place_of_the_sizing_of_the_card():
    known = ("center_crop", {"shorter": 12, "interpolation": "bicubic"})
    row = functools.partial(images.sizing_row, (8, 8, 3), known=known)
    nothing = dict.fromkeys(("shorter", "interpolation", "antialias"))
    assert row(**nothing) == known
    for given in ({"shorter": 10}, {"interpolation": "bilinear"}, {"antialias": False}):
        assert row(**{**nothing, **given}) == ("center_crop", given)
