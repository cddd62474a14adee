"""Loading of what was saved or exported: the same answers by every runtime, for arrays and for files."""

import io
import json
import pathlib
import shutil
import subprocess
import sys
import threading
import types
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from PIL import Image

import kerasnets
from kerasnets import files, weights
from kerasnets.serving import export, export_file, load, runtimes, signatures
from kerasnets.serving.load import Loaded, best, chosen_precision, predicted_labels, version_at

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (5, 16, 16, 3), "uint8")
NAMES = ["cat", "dog", "gnu", "owl", "yak", "emu", "fox"]
FILES = [
    (".keras", "keras", None),
    ("", "tensorflow", None),
    ("", "openvino", "openvino"),
    (".onnx", "onnxruntime", "tf2onnx"),
    (".onnx", "openvino", "tf2onnx"),
    (".tflite", "litert", "ai_edge_litert"),
    (".xml", "openvino", "openvino"),
]
PROGRAM = """
import sys
import numpy as np

for name in ("tensorflow", "keras", "jax", "torch", "filelock"):
    sys.modules[name] = None  # to import it is an error
from kerasnets import serving

expected, images, place, *paths = sys.argv[1:]
expected, images = np.load(expected), np.load(images)
assert not serving.runtimes.installed("tensorflow")
for path in paths:
    with serving.load(path, threads=1, batch=2) as net:
        content = open(f"{place}/0.png", "rb").read()
        np.testing.assert_allclose(net(images)["probabilities"], expected, atol=1e-5)
        answer = net([f"{place}/0.png", content, *images[2:]])
        np.testing.assert_allclose(answer["probabilities"][2:], expected[2:], atol=1e-5)
        np.testing.assert_allclose(*answer["probabilities"][:2], atol=1e-6)
        assert answer["classes"].shape == (len(images), 5), answer
for path, words in ((f"{place}/net.keras", "needs tensorflow"), (f"{place}/net.keras", "'keras' needs")):
    try:
        serving.load(path)
    except ModuleNotFoundError as error:
        assert words in str(error), error
    else:
        raise AssertionError(path)
"""


def importable(package):
    try:
        pytest.importorskip(package)
    except pytest.skip.Exception:
        return False
    return True


@pytest.fixture(scope="module")
def net():
    keras.utils.set_random_seed(0)
    parts = [layers.Conv2D(16, 3), layers.ReLU(), layers.Conv2D(16, 3), layers.GlobalAveragePooling2D()]
    inputs = keras.Input((16, 16, 3))
    net = keras.Sequential([inputs, *parts, layers.Dense(7, activation="softmax")], name="net")
    sizing = ("center_crop", {"shorter": 20, "interpolation": "bicubic"})
    weights.describe(net, scaling="unit", sizing=sizing, class_names=NAMES, shape=(16, 16, 3))
    return net


@pytest.fixture(scope="module")
def paths(net, tmp_path_factory):
    """The net as a file .keras and as an export in each format that can be written here, by its ending."""
    root = tmp_path_factory.mktemp("models")
    found = {".keras": root / "net.keras", "": export(net, root, image_bytes=True)}
    kerasnets.save(net, found[".keras"])
    for form, package in (("onnx", "tf2onnx"), ("litert", "ai_edge_litert"), ("openvino", "openvino")):
        if importable(package):
            path = export_file(net, root, form)
            found[path.suffix] = path
    return found


def path_of(paths, ending, package):
    if ending not in paths or (package and not importable(package)):
        pytest.skip("the runtime is not installed")
    return paths[ending]


def png(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    """Paths of files of several sizes."""
    folder, paths = tmp_path_factory.mktemp("photographs"), []
    for i, size in enumerate([(20, 30), (40, 25), (16, 16)]):
        paths.append(folder / f"{i}.{('png', 'jpg')[i % 2]}")
        Image.fromarray(RNG.integers(0, 256, (*size, 3), "uint8")).resize(size).save(paths[-1])
    return paths


@pytest.mark.parametrize(("ending", "runtime", "package"), FILES)
def test_every_runtime_gives_what_keras_and_the_signatures_give(
    ending, runtime, package, paths, net, photographs
):
    """Also where the processor has bfloat16, in which OpenVINO computes by itself."""
    path = path_of(paths, ending, package)
    expected = np.asarray(net(IMAGES / np.float32(255)))
    contents = [p.read_bytes() for p in photographs]
    served = tf.saved_model.load(str(paths[""])).signatures["serving_bytes"](
        image_bytes=tf.constant(contents)
    )
    kept = IMAGES.astype("float32")
    kept.flags.writeable = False
    with load(path, runtime, batch=2) as loaded:
        assert (loaded.path, loaded.runtime, loaded.precision) == (path, runtime, "float32")
        assert (loaded.shape, loaded.class_names) == ((16, 16, 3), tuple(NAMES))
        for images in (
            IMAGES[:1],
            IMAGES,
            kept,
            IMAGES.astype("float64"),
            IMAGES[:, ::-1][:, ::-1],
            IMAGES.tolist(),
        ):
            given = loaded(images)
            np.testing.assert_allclose(given["probabilities"], expected[: len(images)], atol=1e-5)
            shares = np.asarray(tf.nn.softmax(given["logits"]))
            np.testing.assert_allclose(shares, given["probabilities"], atol=1e-5)
            order = np.argsort(-expected[: len(images)])[:, :5]
            assert given["classes"].tolist() == np.array(NAMES)[order].tolist()
            np.testing.assert_allclose(given["scores"], -np.sort(-expected[: len(images)])[:, :5], atol=1e-5)
        given = loaded([photographs[0], contents[1], str(photographs[2])])
        for name in ("probabilities", "scores"):
            np.testing.assert_allclose(given[name], served[name].numpy(), atol=1e-4)
        assert given["classes"].tolist() == np.char.decode(served["classes"].numpy().astype("S")).tolist()
        mixed = loaded([IMAGES[0], contents[1]])["probabilities"]
        np.testing.assert_allclose(mixed, [expected[0], served["probabilities"][1]], atol=1e-4)
        np.testing.assert_allclose(loaded(photographs[0])["scores"], given["scores"][:1], atol=1e-6)


def test_neither_tensorflow_nor_keras_is_needed(paths, net, tmp_path):
    """Nor anything else that only exports need. A SavedModel is run by OpenVINO then."""
    given = [str(p) for ending, p in paths.items() if ending != ".keras" and (ending or ".xml" in paths)]
    np.save(tmp_path / "images.npy", IMAGES)
    np.save(tmp_path / "expected.npy", np.asarray(net(IMAGES / np.float32(255))))
    (tmp_path / "0.png").write_bytes(png(IMAGES[0]))
    shutil.copy(paths[".keras"], tmp_path / "net.keras")
    arguments = [str(tmp_path / "expected.npy"), str(tmp_path / "images.npy"), str(tmp_path), *given]
    done = subprocess.run([sys.executable, "-c", PROGRAM, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("ending", "runtime", "package"), FILES)
def test_threads_share_a_net_until_it_is_closed(ending, runtime, package, paths):
    """Each gets the answer for its own images, or hears that the net is closed."""
    net = load(path_of(paths, ending, package), runtime, batch=4)
    batches = [RNG.integers(0, 256, (1 + i % 5, 16, 16, 3), "uint8") for i in range(16)]
    expected = [net(batch)["probabilities"] for batch in batches]
    halfway = threading.Event()

    def ask(i):
        for turn in range(12):
            given = net(batches[i])["probabilities"]
            np.testing.assert_allclose(given, expected[i], atol=1e-6)
            if turn == 4:
                halfway.set()

    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(ask, i) for i in range(16)]
        halfway.wait()
        net.close()
        errors = [error for future in asked if (error := future.exception())]
    for error in errors:
        assert isinstance(error, RuntimeError), error
        assert "is closed" in str(error), error
    with pytest.raises(RuntimeError, match="is closed"):
        net(batches[0])
    net.close()


def test_the_precision_is_what_is_asked_for_or_was_exported(paths, net, tmp_path):
    """OpenVINO would compute in float32 in silence on a processor without bfloat16: it is refused there."""
    path = export(net, tmp_path, precision="bfloat16")
    assert load(path).precision == load(path, precision="bfloat16").precision == "bfloat16"
    with pytest.raises(ValueError, match="`precision` is None or 'bfloat16' for this folder; export the net"):
        load(path, precision="float32")
    lowered = load(paths[".keras"], precision="bfloat16")
    exact, fast = (x(IMAGES)["probabilities"] for x in (load(paths[".keras"]), lowered))
    assert lowered.precision == "bfloat16"
    assert 1e-6 < np.abs(exact - fast).max() < 0.05
    openvino = pytest.importorskip("openvino")
    if "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        lowered = load(paths[".xml"], precision="bfloat16")
        exact, fast = (x(IMAGES)["logits"] for x in (load(paths[".xml"]), lowered))
        assert lowered.precision == "bfloat16"
        assert 1e-4 < np.abs(exact - fast).max() / np.abs(exact).max() < 0.05
    else:
        with pytest.raises(ValueError, match="`precision` is 'float32' on a processor without bfloat16"):
            load(paths[".xml"], precision="bfloat16")


def test_the_best_classes_and_labels_are_those_of_the_signatures():
    """Among equal probabilities, the lower class comes first."""
    shares = RNG.integers(0, 5, (20, 9)).astype("float32") / 5
    names = np.array(list("abcdefghi"))
    keys = tf.lookup.KeyValueTensorInitializer(tf.range(9, dtype=tf.int64), tf.constant(names))
    table = tf.lookup.StaticHashTable(keys, "")
    for top in (1, 4, 9, 20):
        scores, places = tf.math.top_k(shares, min(top, 9))
        np.testing.assert_array_equal(best(shares, top)[0], places)
        np.testing.assert_array_equal(best(shares, top)[1], scores)
    for given, threshold in ((shares, 0.5), (shares, 0.8), (shares[:, :1], 0.3), (shares[:1] * 0, 0.9)):
        expected = signatures.predicted_labels(tf.constant(given), threshold, table).numpy().astype("U")
        np.testing.assert_array_equal(predicted_labels(given, threshold, names), expected)


def test_labels_and_a_net_of_one_score(tmp_path):
    """The signatures give the same."""
    keras.utils.set_random_seed(0)
    parts = [layers.Flatten(), layers.Dense(1, activation="sigmoid")]
    net = keras.Sequential([keras.Input((16, 16, 3)), *parts], name="net")
    weights.describe(net, scaling="unit", class_names=NAMES[:2], threshold=0.4)
    path = export(net, tmp_path, image_bytes=True)
    served = tf.saved_model.load(str(path)).signatures["serving_bytes"]
    expected = {k: v.numpy() for k, v in served(image_bytes=tf.constant([*map(png, IMAGES)])).items()}
    given = load(path)(IMAGES)
    assert set(given) == {*expected, "logits"}
    for name in ("classes", "labels"):
        assert given[name].tolist() == expected[name].astype("U").tolist()
    for name in ("probabilities", "scores"):
        np.testing.assert_allclose(given[name], expected[name], atol=1e-5)


def test_a_file_without_its_card_is_loaded(paths, tmp_path):
    """Classes are numbers then, but the shape is known of the file itself."""
    for ending, path in paths.items():
        if ending == "":
            shutil.copytree(path, tmp_path / "1")
            (tmp_path / "1" / "assets.extra" / "model_card.json").unlink()
            path = tmp_path / "1"
        elif ending != ".keras":
            for file in (path, path.with_suffix(".bin")) if ending == ".xml" else (path,):
                shutil.copy(file, tmp_path)
            path = tmp_path / path.name
        else:
            continue
        net = load(path, top=2)
        assert (net.shape, net.class_names, net.card) == ((16, 16, 3), None, None)
        answer = net(IMAGES)
        assert answer["classes"].shape == (5, 2)
        assert set(answer["classes"].ravel()) <= set("0123456")
        assert net.class_names == tuple("0123456")
        with pytest.raises(ValueError, match=r"`images` is an array of shape \(n, 16, 16, 3\)"):
            net(IMAGES[:, 1:])


@pytest.mark.parametrize(
    "content",
    [
        *([1], "card", None, 5),
        *({"classes": 0}, {"class_names": 7}, {"class_names": [None] * 7}, {"threshold": "high"}),
        *({"input": 5}, {"input": {"sizing": "zoom"}}, {"input": {"sizing": ["zoom", {"shorter": 5}]}}),
        {"input": {"sizing": ["center_crop", {"interpolation": "nearest"}]}},
    ],
)
def test_a_card_that_is_no_model_card_is_refused(tmp_path, content):
    path = tmp_path / "1.onnx"
    path.touch()
    (tmp_path / "1.onnx.json").write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r"1\.onnx\.json is damaged: it is no model card"):
        load(path)


def test_a_savedmodel_is_computed_in_the_precision_of_its_export_on_openvino_too(tmp_path):
    for exported in ("bfloat16", "float32"):
        assert chosen_precision(None, tmp_path, "openvino", {"precision": exported}) == exported
        assert chosen_precision(None, tmp_path / "1.xml", "openvino", {"precision": exported}) is None


def test_the_card_of_another_net_is_refused(net):
    session = types.SimpleNamespace(shape=(4,), precision="float32", card={"classes": 3}, run=answers)
    loaded = Loaded("x", "onnxruntime", session, None, None, 32, 5)
    with pytest.raises(ValueError, match=r"another net: it has 7 classes, its card 3\. Received: path='x'"):
        loaded(np.zeros((2, 4)))


def answers(images):
    return {"probabilities": np.zeros((len(images), 7), "float32")}


def test_files_of_other_programs_are_refused(tmp_path):
    onnx = pytest.importorskip("onnx")
    floats, path = onnx.TensorProto.FLOAT, tmp_path / "other.onnx"

    def write(given, returned, kind=floats, shape=("n", 5)):
        names = [given] if isinstance(given, str) else given
        inputs = [onnx.helper.make_tensor_value_info(name, kind, shape) for name in names]
        output = onnx.helper.make_tensor_value_info(returned, kind, shape)
        nodes = [onnx.helper.make_node("Identity", names[:1], [returned])]
        graph = onnx.helper.make_graph(nodes, "g", inputs, [output])
        opset = onnx.helper.make_opsetid("", 13)
        onnx.save(onnx.helper.make_model(graph, opset_imports=[opset], ir_version=8), path)

    both = ["onnxruntime", "openvino"]
    for arguments, readers, words in (
        (("x", "probabilities"), both, r"its inputs are \['x'\], not 'images'"),
        ((["images", "y"], "probabilities"), both, r"its inputs are \['images', 'y'\], not"),
        (("images", "scores"), both, r"its outputs are \['scores'\], not 'probabilities'"),
        (("images", "probabilities", onnx.TensorProto.INT64), both, r"'images' is (i64|tensor\(int64\)) of"),
        (("images", "probabilities", floats, ("n",)), both, r"of shape \[.+\], not float32, \(n, \.\.\.\)"),
        (("images", "probabilities", floats, (3, 5)), both[:1], r"of shape \[3, 5\], not float32"),
    ):
        write(*arguments)
        for runtime in filter(importable, readers):
            with pytest.raises(ValueError, match=words):
                load(path, runtime)


def test_the_images_of_files_are_contiguous_arrays(tmp_path):
    """OpenVINO takes no others, and resized images are in another order."""
    session = types.SimpleNamespace(shape=(5, 4, 1), precision="float32", card=None)
    loaded = Loaded(tmp_path, "openvino", session, {}, None, 8, 5)
    for name, mode in (("a.png", "L"), ("b.jpg", "RGB")):
        Image.new(mode, (9, 7), 99).save(tmp_path / name)
    (given,) = loaded.decoded([tmp_path / "a.png", tmp_path / "b.jpg"])
    assert given.shape == (2, 5, 4, 1)
    assert given.flags.c_contiguous


def test_folders_stand_for_their_newest_version(paths, tmp_path):
    """A version may be a folder with a SavedModel or with a file in it, or a file."""
    for number in (1, 9):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "saved_model.pb").touch()
    assert version_at(tmp_path) == tmp_path / "9"
    (tmp_path / "10").mkdir()
    (tmp_path / "10" / "model.xml").touch()
    (tmp_path / "10" / "model.xml.json").touch()
    for name in ("9.onnx", "10-int8.tflite", "10.tflite", "10.tflite.json", "labels.txt", "config.pbtxt"):
        (tmp_path / name).touch()
    assert version_at(tmp_path) == version_at(tmp_path / "10") == tmp_path / "10" / "model.xml"
    assert version_at(tmp_path, "litert") == tmp_path / "10.tflite"
    assert version_at(tmp_path, "tensorflow") == version_at(tmp_path / "9") == tmp_path / "9"
    assert version_at(tmp_path, "onnxruntime") == tmp_path / "9.onnx"
    assert load(paths[""].parent, "tensorflow").path == paths[""]


def test_the_card_names_what_openvino_must_be_told(paths):
    for ending, path in paths.items():
        if ending not in ("", ".keras"):
            options = files.read_json(path.with_name(f"{path.name}.json"))["runtime_options"]
            assert options == ({"INFERENCE_PRECISION_HINT": "f32"} if ending == ".xml" else {})


def test_a_missing_runtime_is_named_with_what_installs_it(paths, monkeypatch):
    monkeypatch.setattr(runtimes, "installed", lambda name: False)
    with pytest.raises(ModuleNotFoundError, match=r"needs openvino: pip install 'kerasnets\[openvino\]'"):
        load(paths[""], "openvino")
    with pytest.raises(ModuleNotFoundError, match=r"the runtime 'tensorflow' needs tensorflow: pip install"):
        load(paths[""])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (dict(path=None), "`path` is a path"),
        (dict(path="none.onnx"), "`path` is the folder of a version, or a file .onnx, .* that exists"),
        (dict(path="note.txt"), "`path` is the folder of a version, or a file .onnx, .* that exists"),
        (dict(path="models"), r"`path` is a file that tensorflow can read \(.*\)\. Received"),
        (dict(path="empty"), r"`path` is the folder of a version, .* this folder has \[\]"),
        (dict(path="broken.tflite"), r"`path` is a file that litert can read \(.*\)\. Received"),
        (dict(path="broken.xml"), r"`path` is a file that openvino can read \(.*\)\. Received"),
        (dict(path="broken.onnx"), r"`path` is a file that onnxruntime can read \(.*\)\. Received"),
        (dict(path="models/1"), r"`path` is a file that tensorflow can read \(.*\)\. Received"),
        (dict(runtime="onnxruntime"), "`runtime` is None or one of 'tensorflow', 'openvino' for this file"),
        (dict(runtime=["tensorflow"]), "`runtime` is None or one of"),
        (dict(precision="bfloat16"), "`precision` is None or 'float32' for this folder; export the net with"),
        (dict(precision="bf16", runtime="openvino"), "`precision` is None or one of 'float32', 'bfloat16'"),
        (dict(threads=0), "`threads` is None or a whole number from 1 to 1024"),
        (dict(threads=77), "`threads` is None once TensorFlow runs in this process"),
        (dict(batch=0), "`batch` is a whole number, at least 1"),
        (dict(top=2.0), "`top` is a whole number, at least 1"),
    ],
)
def test_what_is_refused(arguments, words, paths, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pathlib.Path("empty").mkdir()
    for name in ("note.txt", "broken.tflite", "broken.xml", "broken.onnx", "models/1/saved_model.pb"):
        pathlib.Path(name).parent.mkdir(parents=True, exist_ok=True)
        pathlib.Path(name).write_text("no model")
        if name.startswith("broken") and name == arguments.get("path") and name[6:] not in paths:
            pytest.skip("the runtime is not installed")
    tf.constant(0)  # TensorFlow has been used
    with pytest.raises(ValueError, match=words):
        load(**{"path": paths[""], **arguments})


@pytest.mark.parametrize(
    ("images", "words"),
    [
        ({"x"}, "` is an array of numbers"),
        ([[1], [2, 3]], "` is an array of numbers"),
        (None, r"` is an array of shape \(n, 16, 16, 3\)"),
        (IMAGES[0], r"` is an array of shape \(n, 16, 16, 3\)"),
        (IMAGES[:, :, 1:], r"` is an array of shape \(n, 16, 16, 3\)"),
        (IMAGES[..., :1], r"` is an array of shape \(n, 16, 16, 3\)"),
        (IMAGES[:0], "` is one or more images of finite numbers"),
        (np.full(IMAGES.shape, np.nan), "` is one or more images of finite numbers"),
        (np.where(np.arange(3) == 2, np.inf, IMAGES), "` is one or more images of finite numbers"),
        ("none.png", r"`\[0\] is a file that cannot be read \(No such file.*Received: 'none.png'"),
        ([b"", png(IMAGES[0]), b"GIF"], r"`\[0 2\] is neither a JPEG nor a PNG file$"),
        ([png(IMAGES[0])[:90]], r"`\[0\] is a damaged file, which cannot be decoded$"),
        ([*IMAGES[:2], IMAGES[0, 1:], b""], r"`\[2\] is neither a file nor an array of shape"),
        ([png(IMAGES[0]), np.full((16, 16, 3), np.nan)], r"`\[1\] is an array with NaN or infinity"),
    ],
)
def test_what_is_no_image_is_refused(images, words, paths):
    net = load(paths[""], batch=2 if isinstance(images, np.ndarray) else 32)
    with pytest.raises(ValueError, match=f"^`images{words}"):
        net(images)
