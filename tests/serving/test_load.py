"""Loading of exports, with the precision that is asked for."""

import pathlib
import shutil
import types

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image

from kerasnets import files
from kerasnets.serving import export, export_file, load
from kerasnets.serving.load import Loaded, version_at

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), "uint8")


@pytest.fixture(scope="module")
def net():
    keras.utils.set_random_seed(0)
    parts = [layers.Conv2D(16, 3), layers.ReLU(), layers.Conv2D(16, 3), layers.GlobalAveragePooling2D()]
    return keras.Sequential([keras.Input((16, 16, 3)), *parts, layers.Dense(10)], name="net")


@pytest.fixture(scope="module")
def paths(net, tmp_path_factory):
    """An export in each format that can be written here, by the ending of its name."""
    root = tmp_path_factory.mktemp("models")
    found = {"": export(net, root, preprocess="none")}
    for form, package in (("onnx", "tf2onnx"), ("litert", "ai_edge_litert"), ("openvino", "openvino")):
        if importable(package):
            path = export_file(net, root, form, preprocess="none")
            found[path.suffix] = path
    return found


def importable(package):
    try:
        pytest.importorskip(package)
    except pytest.skip.Exception:
        return False
    return True


@pytest.mark.parametrize(
    ("ending", "runtime", "precision"),
    [
        ("", None, None),
        (".onnx", None, None),
        (".tflite", None, None),
        (".xml", None, None),
        ("", "openvino", None),
        (".onnx", "openvino", None),
        ("", "tensorflow", "float32"),
        (".onnx", "onnxruntime", "float32"),
        (".tflite", "litert", "float32"),
        (".xml", "openvino", "float32"),
    ],
)
def test_what_is_loaded_gives_what_keras_gives(ending, runtime, precision, paths, net):
    """Also where the processor has bfloat16, in which OpenVINO computes by itself."""
    if ending not in paths or (runtime == "openvino" and ".xml" not in paths):
        pytest.skip("the runtime is not installed")
    expected = np.asarray(net(IMAGES.astype("float32")))
    answer = load(paths[ending], runtime, precision)
    for n in (1, 3):
        given = answer(IMAGES[:n])
        assert set(given) == {"probabilities", "logits", "classes", "scores"}
        np.testing.assert_allclose(given["logits"], expected[:n], atol=1e-5 * np.abs(expected).max())


def test_bfloat16_is_asked_for(paths, net):
    """A processor without it computes in float32."""
    openvino = pytest.importorskip("openvino")
    exact, fast = (load(str(paths[".xml"]), precision=p)(IMAGES)["logits"] for p in ("float32", "bfloat16"))
    has = "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    assert (np.abs(exact - fast).max() > 1e-4 * np.abs(exact).max()) == has
    np.testing.assert_allclose(fast, exact, atol=0.05 * np.abs(exact).max())


def test_the_card_names_what_openvino_must_be_told(paths):
    for ending, path in paths.items():
        if ending:
            options = files.read_json(path.with_name(f"{path.name}.json"))["runtime_options"]
            assert options == ({"INFERENCE_PRECISION_HINT": "f32"} if ending == ".xml" else {})


def test_a_file_without_its_card_is_loaded(paths, tmp_path):
    shutil.copytree(paths[""], tmp_path / "1")
    (tmp_path / "1" / "assets.extra" / "model_card.json").unlink()
    assert load(tmp_path / "1")(IMAGES)["logits"].shape == (3, 10)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (dict(path=None), "`path` is a path"),
        (
            dict(path="none.onnx"),
            "`path` is the folder of a version, or a file .onnx, .* that exists",
        ),
        (
            dict(path="note.txt"),
            "`path` is the folder of a version, or a file .onnx, .* that exists",
        ),
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
    with pytest.raises(ValueError, match=words):
        load(**{"path": paths[""], **arguments})


@pytest.mark.parametrize(
    ("images", "words"),
    [
        ({"x"}, "an array of numbers"),
        ([[1], [2, 3]], "an array of numbers"),
        (None, r"an array of shape \(n, 16, 16, 3\)"),
        (IMAGES[:0], "one or more images of finite numbers"),
        (np.full(IMAGES.shape, np.nan), "one or more images of finite numbers"),
    ],
)
@pytest.mark.parametrize("ending", ["", ".onnx"])
def test_what_is_no_image_is_refused(ending, images, words, paths):
    if ending not in paths:
        pytest.skip("the runtime is not installed")
    with pytest.raises(ValueError, match=f"`images` is {words}"):
        load(paths[ending])(images)


@pytest.mark.parametrize("shape", [(16, 16, 3), (2, 16, 15, 3), (2, 16, 16, 1), (2, 768)])
def test_images_of_another_shape_are_refused(shape, paths):
    with pytest.raises(ValueError, match=r"`images` is an array of shape \(n, 16, 16, 3\)"):
        load(paths[""])(np.zeros(shape))


def test_the_images_of_files_are_contiguous_arrays(tmp_path):
    """OpenVINO takes no others, and resized images are in another order."""
    session = types.SimpleNamespace(shape=(5, 4, 1), precision="float32", card=None)
    loaded = Loaded(tmp_path, "openvino", session, {}, None, 8, 5)
    for name, mode in (("a.png", "L"), ("b.jpg", "RGB")):
        Image.new(mode, (9, 7), 99).save(tmp_path / name)
    (given,) = loaded.decoded([tmp_path / "a.png", tmp_path / "b.jpg"])
    assert given.shape == (2, 5, 4, 1)
    assert given.flags.c_contiguous


def test_the_folder_of_a_model_stands_for_its_newest_version(tmp_path):
    for number in (1, 9, 10):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "saved_model.pb").touch()
    assert version_at(tmp_path) == tmp_path / "10"
    assert version_at(tmp_path / "9") == tmp_path / "9"
