"""Our nets against those of keras.applications, weights copied, moving statistics too."""

import fnmatch
import http.client
import math
import urllib.error

import keras
import numpy as np
import pytest
from keras import ops
from keras.src.utils import file_utils

import kerasnets
from kerasnets.graph import no_values
from kerasnets.weights import from_keras_applications
from kerasnets.weights.architectures import ARCHITECTURES

# Ranges of the random weights that keep activations near the size of the input.
RANGES = {
    "gamma": (0.8, 1.2),
    "beta": (-0.3, 0.3),
    "bias": (-0.3, 0.3),
    "moving_mean": (-0.3, 0.3),
    "moving_variance": (0.5, 1.5),
}


def peer_of(name, **options):
    """A net of keras.applications without trained weights, all filled at random."""
    rng = np.random.default_rng(0)
    keras.utils.set_random_seed(0)
    peer = getattr(keras.applications, name)(weights=None, **options)
    for w in peer.weights:
        if w.name in RANGES:
            w.assign(rng.uniform(*RANGES[w.name], w.shape))
        else:  # what it has already, but where nets are built with no values
            w.assign(keras.initializers.GlorotUniform()(w.shape))
    return peer


def form_of(name):
    """Options with which ours is the net that was trained."""
    return ARCHITECTURES[f"keras/{name}"].options


def outputs(model):
    x = np.random.default_rng(1).uniform(-1, 1, (2, *model.input_shape[1:])).astype("float32")
    return ops.convert_to_numpy(model(x, training=False))


def assert_equal(ours, peer):
    expected = outputs(peer)
    assert expected.std() > 1e-2, "outputs that differ by nothing show nothing"
    np.testing.assert_allclose(outputs(ours), expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())


@pytest.fixture
def clean():
    """Frees the memory of large nets."""
    yield
    keras.backend.clear_session()


@pytest.fixture(scope="module")
def quarter():
    """The convolutions of a narrow peer, for tests that leave it as it is."""
    return peer_of("MobileNet", alpha=0.25, input_shape=(128, 128, 3), include_top=False)


# The smallest net of each family that was trained. An odd and an even side show paddings of both kinds.
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("DenseNet121", {"input_shape": (65, 48, 3)}),
        # Padded as ours where 32 divides the sides.
        ("MobileNet", {"input_shape": (64, 96, 3), "alpha": 0.25}),
        ("MobileNet", {"input_shape": (64, 32, 3), "alpha": 0.5, "include_top": False}),
        ("MobileNetV2", {"input_shape": (65, 48, 3), "alpha": 0.35}),
        ("InceptionV3", {"input_shape": (75, 96, 3)}),
        ("InceptionResNetV2", {"input_shape": (75, 96, 3)}),
        ("Xception", {"input_shape": (71, 88, 3)}),
        ("VGG16", {"input_shape": (33, 64, 3)}),
        ("ResNet50", {"input_shape": (49, 64, 3)}),
        ("ResNet50V2", {"input_shape": (49, 64, 3)}),
    ],
)
@pytest.mark.usefixtures("clean")
def test_outputs_agree(name, options):
    if options.get("include_top", True):
        options = {**options, "classes": 10, "classifier_activation": None}
    with no_values():  # but those that are assigned here
        peer = peer_of(name, **options)
        ours = kerasnets.build(name, **options, **form_of(name))
        assert ours.output_shape == peer.output_shape
        assert from_keras_applications(ours, peer) is ours
        assert_equal(ours, peer)


def test_probabilities_agree():
    options = {"alpha": 0.25, "input_shape": (32, 32, 3), "classes": 10}
    peer = peer_of("MobileNet", **options)
    ours = from_keras_applications(kerasnets.build("MobileNet", **options), peer)
    np.testing.assert_allclose(outputs(ours), outputs(peer), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "other",
    [
        {"alpha": 0.5},  # other shapes
        {"classes": 11},  # other shapes in the very last layer
        {"include_top": False},  # fewer layers
    ],
)
def test_another_net_is_refused_and_ours_left_as_it_was(other):
    options = {"alpha": 0.25, "input_shape": (32, 32, 3), "classes": 10}
    ours = kerasnets.build("MobileNet", **options)
    before = ours.get_weights()
    with pytest.raises(ValueError, match=r"`peer` [\s\S]*Received: "):
        from_keras_applications(ours, peer_of("MobileNet", **options | other))
    for a, b in zip(before, ours.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def small(use_bias, batch_norm):
    layers = [keras.Input((4, 4, 1)), keras.layers.Conv2D(3, 1, use_bias=use_bias)]
    layers += [keras.layers.BatchNormalization()] if batch_norm else []
    return keras.Sequential([*layers, keras.layers.Conv2D(2, 1)])


@pytest.mark.parametrize("batch_norm", [True, False])
def test_biases_go_into_the_batch_normalization_that_reads_them_and_nowhere_else(batch_norm):
    ours, peer = small(use_bias=False, batch_norm=batch_norm), small(use_bias=True, batch_norm=batch_norm)
    before = ours.get_weights()
    peer.layers[0].bias.assign([1.0, -2.0, 3.0])
    if batch_norm:
        assert_equal(from_keras_applications(ours, peer), peer)
        return
    with pytest.raises(ValueError, match="`peer` has .*bias.* Received: "):
        from_keras_applications(ours, peer)
    for a, b in zip(before, ours.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.fixture
def fetch(monkeypatch, tmp_path):
    """Puts a file of a peer where keras.applications looks for one; gives the names it looked for."""

    def serve(peer):
        peer.save_weights(tmp_path / "peer.weights.h5")
        asked = []

        def get_file(fname, *args, **kwargs):
            asked.append(fname)
            return str(tmp_path / "peer.weights.h5")

        monkeypatch.setattr(file_utils, "get_file", get_file)
        return asked

    return serve


@pytest.mark.parametrize(
    ("peer_options", "our_options", "file"),
    [
        (
            {"alpha": 0.25, "input_shape": (128, 128, 3)},
            {"alpha": 0.25, "rho": 128 / 224},
            "mobilenet_2_5_128_tf.h5",
        ),
        # No file is made for 96 pixels: that of the largest size serves.
        (
            {"alpha": 0.5, "include_top": False, "input_shape": (96, 96, 3)},
            {"alpha": 0.5, "include_top": False, "input_shape": (96, 96, 3)},
            "mobilenet_5_0_224_tf_no_top.h5",
        ),
    ],
)
def test_trained_weights(fetch, peer_options, our_options, file):
    peer = peer_of("MobileNet", **peer_options)
    asked = fetch(peer)
    ours = kerasnets.build("MobileNet", weights="keras/MobileNet", **our_options)
    assert asked == [file]
    np.testing.assert_allclose(outputs(ours), outputs(peer), rtol=1e-5, atol=1e-5)


def test_trained_weights_behind_another_layer(fetch, quarter):
    fetch(quarter)
    inputs, layer = keras.Input((128, 128, 3)), keras.layers.BatchNormalization()
    images = layer(inputs)
    before = layer.get_weights()
    ours = kerasnets.build(
        "MobileNet", weights="keras/MobileNet", alpha=0.25, include_top=False, input_tensor=images
    )
    for a, b in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert_equal(ours, keras.Model(inputs, quarter(images)))


def test_trained_weights_go_into_a_net_that_is_there(fetch, quarter):
    fetch(quarter)
    ours = kerasnets.build("MobileNet", alpha=0.25, input_shape=(128, 128, 3), include_top=False)
    assert not kerasnets.weights.load(ours, "keras/MobileNet").left
    assert_equal(ours, quarter)
    gray = kerasnets.build("MobileNet", alpha=0.25, input_shape=(64, 64, 1), include_top=False)
    assert not kerasnets.weights.load(gray, "keras/MobileNet", strict=False, gray=True).left
    np.testing.assert_allclose(gray.get_weights()[0][:, :, 0], quarter.get_weights()[0].sum(2), rtol=1e-5)
    assert gray.preprocess_input.name == "tf"


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
@pytest.mark.parametrize("include_top", [True, False])
def test_files_of_keras_applications(include_top, tmp_path):
    options = {"alpha": 0.25, "input_shape": (32, 32, 3)}
    peer = peer_of("MobileNet", **options, include_top=include_top)
    peer.save(tmp_path / "mobilenet.h5")
    options["weights"] = tmp_path / "mobilenet.h5"
    ours = kerasnets.build("MobileNet", **options, include_top=include_top)
    np.testing.assert_allclose(outputs(ours), outputs(peer), rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match=r"`weights` are those of MobileNet as built here.*mobilenet\.h5"):
        kerasnets.build("MobileNet", **options, include_top=not include_top)


@pytest.fixture
def numbered(monkeypatch):
    """Builds a net from a file that holds number 0 in its first array, 1 in the second, and so on.

    Gives our net, the peer that the file was read into, and the name of the file.
    """
    read = []

    def load_weights(model, path):
        read.append((model, path))
        for i, w in enumerate(model.weights):
            w.assign(np.full(w.shape, i, "float32"))

    def build(name, options):
        ours = kerasnets.build(name, weights=f"keras/{name}", **options)
        ((peer, path),) = read
        return ours, peer, path

    monkeypatch.setattr(file_utils, "get_file", lambda fname, *args, **kwargs: fname)
    monkeypatch.setattr(keras.Model, "load_weights", load_weights)
    with no_values():
        yield build


def places(model, grids):
    """Kernels by their numbers: their names and sizes, and the strides and grids of their layers."""
    found = {}
    for layer in model.layers:
        strides = max(keras.tree.flatten(getattr(layer, "strides", 1)))
        for w in layer.weights:
            if "kernel" in w.name:
                grid = [side for side in layer.output.shape[1:-1] if side != 1] if grids else None
                found[number(w)] = w.name, math.prod(w.shape), strides, grid
    return found


def number(w):
    return float(ops.convert_to_numpy(w).flat[0])


MOBILE = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels"


# As deep and as wide as those that were trained, but the deepest, whose siblings have numbers of two digits
# already; `test_outputs_agree` computes one of each family.
@pytest.mark.parametrize(
    ("name", "options", "file"),
    [
        ("MobileNet", {"alpha": 0.5, "rho": 160 / 224}, "mobilenet_5_0_160_tf.h5"),
        ("MobileNet", {"alpha": 0.75, "rho": 192 / 224}, "mobilenet_7_5_192_tf.h5"),
        ("MobileNet", {"alpha": 1.0}, "mobilenet_1_0_224_tf.h5"),
        ("MobileNetV2", {"alpha": 0.75, "include_top": False}, f"{MOBILE}_0.75_224_no_top.h5"),
        ("MobileNetV2", {"alpha": 1.3, "rho": 96 / 224, "dropout": 0.5}, f"{MOBILE}_1.3_96.h5"),
        ("MobileNetV2", {"alpha": 1.4}, f"{MOBILE}_1.4_224.h5"),
        ("InceptionV3", {"include_top": False, "dropout": 0.0}, "inception_v3_*_notop.h5"),
        ("Xception", {"include_top": False, "pooling": "max"}, "xception_*_notop.h5"),
        ("VGG16", {"include_top": False}, "vgg16_*_notop.h5"),
        ("VGG19", {"include_top": False}, "vgg19_*_notop.h5"),
        ("ResNet50", {"include_top": False}, "resnet50_*_notop.h5"),
        ("ResNet101", {}, "resnet101_*_kernels.h5"),
        ("ResNet50V2", {"include_top": False, "input_shape": (None, 64, 3)}, "resnet50v2_*_notop.h5"),
        ("ResNet101V2", {"released": True, "classifier_activation": None}, "resnet101v2_*_kernels.h5"),
    ],
)
@pytest.mark.usefixtures("clean")
def test_each_kernel_of_the_file_comes_to_its_place(numbered, name, options, file):
    ours, peer, path = numbered(name, options)
    assert fnmatch.fnmatchcase(path, file)
    fixed = None not in peer.input_shape[1:]  # that of a peer with a top
    assert places(ours, fixed) == places(peer, fixed)
    if fixed:
        assert ours.output_shape == peer.output_shape


@pytest.mark.parametrize("memory_efficient", [False, True])
def test_trained_weights_of_a_densenet(numbered, memory_efficient):
    ours, peer, path = numbered("DenseNet121", {"memory_efficient": memory_efficient})
    assert path == "densenet121_weights_tf_dim_ordering_tf_kernels.h5"
    assert [number(w) for w in ours.weights] == list(range(len(peer.weights)))


def test_a_fetch_that_fails_says_what_to_do(monkeypatch, tmp_path):
    def no_network(*args, **kwargs):
        raise urllib.error.URLError("no network")

    monkeypatch.setattr(file_utils, "urlretrieve", no_network)
    monkeypatch.setattr(file_utils.config, "keras_home", lambda: str(tmp_path))
    with pytest.raises(OSError, match="MobileNet could not be fetched.*no network") as raised:
        kerasnets.build("MobileNet", alpha=0.25, weights="keras/MobileNet")
    url = "https://storage.googleapis.com/tensorflow/keras-applications/mobilenet/mobilenet_2_5_224_tf.h5"
    todo = f"put mobilenet_2_5_224_tf.h5 of {url} into {tmp_path / 'models'}, or pass a .weights.h5 or .keras"
    assert todo in str(raised.value)


@pytest.mark.parametrize(
    "error",
    [
        urllib.error.ContentTooShortError("retrieval incomplete", None),
        urllib.error.HTTPError("https://example.com", 503, "busy", None, None),
        http.client.IncompleteRead(b""),
        ConnectionResetError("reset"),
        TimeoutError("timed out"),
    ],
)
def test_a_fetch_that_breaks_off_says_what_to_do(monkeypatch, tmp_path, error):
    def breaks(*args, **kwargs):
        raise error

    monkeypatch.setattr(file_utils, "urlretrieve", breaks)
    monkeypatch.setattr(file_utils.config, "keras_home", lambda: str(tmp_path))
    with no_values(), pytest.raises(OSError, match=f"MobileNet could not be .*into {tmp_path}"):
        kerasnets.build("MobileNet", alpha=0.25, weights="keras/MobileNet")


def test_a_file_in_the_cache_is_used_and_half_of_one_is_named(monkeypatch, tmp_path, quarter):
    def no_network(*args, **kwargs):
        raise urllib.error.URLError("no network")

    monkeypatch.setattr(file_utils, "urlretrieve", no_network)
    monkeypatch.setattr(file_utils.config, "keras_home", lambda: str(tmp_path))
    path = tmp_path / "models" / "mobilenet_2_5_128_tf_no_top.h5"
    path.parent.mkdir()
    options = {"alpha": 0.25, "input_shape": (128, 128, 3), "include_top": False}
    quarter.save(path)
    assert_equal(kerasnets.build("MobileNet", weights="keras/MobileNet", **options), quarter)
    path.write_bytes(path.read_bytes()[:20_000])
    with pytest.raises(OSError, match=f"The file {path} is damaged: remove it"):
        kerasnets.build("MobileNet", weights="keras/MobileNet", **options)


@pytest.mark.parametrize(
    ("name", "options", "argument"),
    [
        ("DenseNet121", {"growth": 16}, "growth"),
        ("DenseNet121", {"depths": (6, 12, 24)}, "depths"),
        ("DenseNet121", {"keep": 1.0}, "keep"),
        ("DenseNet121", {"input_shape": (224, 224, 1)}, "input_shape"),
        ("MobileNet", {"alpha": 0.3}, "alpha"),
        ("MobileNet", {"separable": False}, "separable"),
        ("MobileNet", {"squeeze_excite": 16}, "squeeze_excite"),
        ("MobileNetV2", {"alpha": 0.25}, "alpha"),
        ("MobileNetV2", {"expansion": 4}, "expansion"),
        ("MobileNetV2", {"filters": (32, 16, 24, 32, 64, 96, 160, 320, 640)}, "filters"),
        ("VGG16", {"batch_norm": True}, "batch_norm"),
        ("VGG16", {"hidden": (4096, 10)}, "hidden"),
        ("VGG19", {"filters": (64, 128, 256, 512, 256)}, "filters"),
        ("InceptionV3", {"aux_heads": True}, "aux_heads"),
        ("InceptionV3", {"alpha": 0.5}, "alpha"),
        ("InceptionV3", {"squeeze_excite": 16}, "squeeze_excite"),
        ("InceptionResNetV2", {"depths": (5, 10, 5)}, "depths"),
        ("Xception", {"depth": 4}, "depth"),
        ("ResNet50", {"stride_in": "3x3"}, "stride_in"),
        ("ResNet50", {"shortcut": "pad"}, "shortcut"),
        ("ResNet50V2", {"released": False}, "released"),
        ("ResNet50V2", {"released": 1}, "released"),
        ("ResNet50V2", {"depths": (3, 4, 6)}, "depths"),
        ("ResNet101V2", {"input_shape": (224, 224, 1)}, "input_shape"),
        ("ResNet152V2", {"released": True, "alpha": 0.5}, "alpha"),
        ("DenseNet264", {}, "weights"),
        ("VGG16C", {}, "weights"),
        ("ConvMobileNet", {}, "weights"),
    ],
)
def test_weights_that_nobody_trained_are_refused_at_once(monkeypatch, name, options, argument):
    def forbidden(*args, **kwargs):
        pytest.fail("the net was built, or a file fetched")

    monkeypatch.setattr(file_utils, "get_file", forbidden)
    monkeypatch.setattr(keras.layers.Conv2D, "__init__", forbidden)
    weights = "imagenet" if argument == "weights" else f"keras/{name}"
    with pytest.raises(ValueError, match=rf"`{argument}` is .* Received: {argument}="):
        kerasnets.build(name, weights=weights, **options)


def test_options_that_weights_do_not_depend_on_are_free(fetch):
    peer = peer_of("MobileNet", alpha=0.25, input_shape=(224, 224, 3), include_top=False)
    fetch(peer)
    ours = kerasnets.build(
        "MobileNet",
        weights="keras/MobileNet",
        alpha=0.25,
        include_top=False,
        classes=10,
        pooling="avg",
        dropout=0.5,
    )
    for a, b in zip(ours.weights, peer.weights, strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(a), ops.convert_to_numpy(b).reshape(a.shape))


def test_another_number_of_classes_leaves_the_last_layer_as_it_was(fetch, capsys):
    peer = peer_of("MobileNet", alpha=0.25, input_shape=(128, 128, 3))
    fetch(peer)
    ours = kerasnets.build(
        "MobileNet", weights="keras/MobileNet", alpha=0.25, input_shape=(128, 128, 3), classes=7
    )
    assert ours.output_shape == (None, 7)
    assert "1,000 classes" in capsys.readouterr().err
    for a, b in zip(ours.weights[:-2], peer.weights[:-2], strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(a), ops.convert_to_numpy(b).reshape(a.shape))
