"""Exports in the formats of other runtimes, read by these."""

import errno
import json
import os
import pathlib

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image

import kerasnets
from kerasnets import serving
from kerasnets.cli.export import FORMATS
from kerasnets.scaling import Scaling
from kerasnets.serving import calibration, export, export_file, formats, versions
from kerasnets.serving.versions import card_path

SIDES = (16, 16, 3)
IMAGES = np.random.default_rng(1).integers(0, 256, (5, *SIDES)).astype("uint8")


def small(name="small", **last):
    """A net with layers that converters find hard, and batch normalisation as training leaves it."""
    keras.utils.set_random_seed(3)
    net = keras.Sequential(
        [
            keras.Input(SIDES),
            layers.Conv2D(8, 3, use_bias=False),
            layers.BatchNormalization(momentum=0.0),
            layers.ReLU(),
            kerasnets.layers.LRN(alpha=0.1),
            layers.Conv2D(8, 3, groups=2, activation="relu"),
            layers.DepthwiseConv2D(3),
            layers.ReLU(6.0),
            layers.GlobalAveragePooling2D(),
            layers.Dropout(0.5),
            layers.Dense(**{"units": 4, "activation": "softmax", **last}),
        ],
        name=name,
    )
    net(caffe(IMAGES), training=True)
    return net


def plain():
    """A net of one layer, where it does not matter what is written."""
    return keras.Sequential([keras.Input(SIDES), layers.Flatten(), layers.Dense(2)], name="small")


def caffe(images):
    return kerasnets.applications.alexnet.preprocess_input(images)


def needs(form):
    for package in formats.FORMATS[form].packages:
        pytest.importorskip(package)


def options_of(form):
    return {"preprocess": "caffe"} | ({} if formats.FORMATS[form].exact else {"calibration": IMAGES})


def write(form, root, net=None, **options):
    needs(form)
    return export_file(net or small(), root, form, **{**options_of(form), **options})


def read(path, images):
    """What a runtime answers, called as its own documentation has it."""
    images = images.astype("float32")
    if path.suffix == ".onnx":
        import onnxruntime

        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        names = [x.name for x in session.get_outputs()]
        return dict(zip(names, session.run(None, {"images": images}), strict=True))
    if path.suffix == ".tflite":
        from ai_edge_litert.interpreter import Interpreter

        return Interpreter(str(path)).get_signature_runner()(images=images)
    import openvino

    compiled = openvino.Core().compile_model(str(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    given = compiled(images)
    return {name: given[name] for name in ("probabilities", "logits") if name in str(compiled.outputs)}


def names(folder):
    return sorted(p.name for p in pathlib.Path(folder).iterdir()) if pathlib.Path(folder).exists() else []


def card(path):
    return json.loads(card_path(path).read_text())


@pytest.mark.parametrize("form", formats.FORMATS)
def test_each_runtime_gives_what_keras_gives(form, tmp_path):
    net = small()
    path = write(form, tmp_path, net)
    assert path == tmp_path / "small" / f"1{formats.FORMATS[form].ending}"
    expected = net(caffe(IMAGES)).numpy()
    exact = formats.FORMATS[form].exact
    for n in (1, 5):  # the number of images is free
        given = read(path, IMAGES[:n])
        assert set(given) == {"probabilities", "logits"}
        np.testing.assert_allclose(given["probabilities"], expected[:n], atol=1e-5 if exact else 0.02)
    np.testing.assert_allclose(
        given["logits"] - given["logits"][:, :1], centred(net), atol=1e-4 if exact else 0.1
    )
    found = card(path)
    assert found["format"] == form
    assert found["optimized"]
    assert found["largest_difference"] < (1e-5 if exact else 0.02)
    assert ("top1_agreement" in found) != exact
    assert found["fingerprint"] == kerasnets.distillation.fingerprint(net)
    assert set(formats.FORMATS[form].packages) < set(found["versions"])


def centred(net):
    logits = kerasnets.distillation.as_logits(net)(caffe(IMAGES)).numpy()
    return logits - logits[:, :1]


@pytest.mark.parametrize(("name", "form"), [("CapsNet", "onnx"), ("C3D", "openvino")])
def test_nets_of_several_families(name, form, tmp_path):
    """Those whose layers are not in the net of the other tests: capsules, and clips."""
    needs(form)
    spec = getattr(kerasnets.applications, name).spec
    net = kerasnets.build(name, **{"input_shape": (*spec.min_grid, spec.channels), "classes": 4, **spec.tiny})
    images = np.random.default_rng(0).integers(0, 256, (3, *net.input_shape[1:]), "uint8")
    path = export_file(net, tmp_path, form)
    expected = np.asarray(net(getattr(kerasnets.applications, name).preprocess_input(images)))
    np.testing.assert_allclose(read(path, images)["probabilities"], expected, atol=1e-4)


def test_agreement_is_counted_by_class(tmp_path):
    from kerasnets.serving.files import agreement

    a = {"probabilities": np.array([[0.6, 0.4], [0.2, 0.8], [0.9, 0.1], [0.5, 0.5]])}
    b = {"probabilities": np.array([[0.4, 0.6], [0.1, 0.9], [0.7, 0.3], [0.5, 0.5]])}
    assert agreement(a, b) == 0.75
    single = [{"probabilities": np.array([[0.4], [0.6]])}, {"probabilities": np.array([[0.45], [0.4]])}]
    assert agreement(*single) == 0.5
    assert agreement(a, b, 0.45) == 0.75
    assert agreement(*single, 0.42) == 0.0


def test_layers_that_litert_lacks_are_refused_before_anything_is_written(tmp_path):
    needs("litert")
    clip = (4, 8, 8, 3)
    parts = [layers.MaxPooling3D(2), layers.GlobalAveragePooling3D(), layers.Dense(3)]
    net = keras.Sequential([keras.Input(clip), *parts])
    with pytest.raises(
        ValueError, match="`format` is one of 'onnx', 'openvino', .*for nets with MaxPooling3D"
    ):
        export_file(net, tmp_path, "litert", preprocess="none")
    assert names(tmp_path) == []


def test_numbers_count_on_over_all_formats(tmp_path):
    net = plain()
    folder = tmp_path / "small"
    first = write("litert", tmp_path, net)
    assert export(net, tmp_path, preprocess="caffe").name == "2"
    before = first.read_bytes()
    assert write("litert", tmp_path, net).name == "3.tflite"
    assert write("litert", tmp_path, net, version=2).name == "2.tflite"
    with pytest.raises(ValueError, match="`version` is one that does not exist yet.*Received: version=1"):
        write("litert", tmp_path, net, version=1)
    assert first.read_bytes() == before
    assert versions.versions(folder) == [2]
    assert names(folder) == [
        "1.tflite",
        "1.tflite.json",
        "2",
        "2.tflite",
        "2.tflite.json",
        "3.tflite",
        "3.tflite.json",
    ]
    assert "value: 2" in (tmp_path / "models.config").read_text()


@pytest.mark.parametrize("function", ["fsync", "rename"])
def test_what_fails_leaves_nothing_behind(function, tmp_path, monkeypatch):
    needs("litert")

    def fail(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os if function == "fsync" else pathlib.Path, function, fail)
    with pytest.raises(OSError, match="No space left"):
        write("litert", tmp_path, plain())
    assert names(tmp_path / "small") == []


def test_the_model_comes_last(tmp_path, monkeypatch):
    rename, seen = pathlib.Path.rename, []

    def watched(path, target):
        seen.append(target.name)
        return rename(path, target)

    monkeypatch.setattr(pathlib.Path, "rename", watched)
    folder = tmp_path / "net"
    with versions.staged(folder) as part:
        for ending in (".xml", ".bin", ".xml.json"):
            (part / f"{versions.STEM}{ending}").write_text(ending)
        path = versions.publish_files(part, ".xml", 12)
    assert seen[-1] == "12.xml"
    assert names(folder) == ["12.bin", "12.xml", "12.xml.json"]
    assert path.read_text() == ".xml"


def test_a_file_that_does_not_give_what_the_model_gives_is_removed(tmp_path):
    import tensorflow as tf

    with pytest.raises(RuntimeError, match="the outputs of litert differ from those of small"):
        write("litert", tmp_path, plain(), preprocess=lambda x: x * (1.0 if tf.executing_eagerly() else 2.0))
    assert names(tmp_path / "small") == []


@pytest.mark.parametrize("form", ["onnx", "litert_int8"])
def test_outputs_that_are_missing_or_no_numbers_are_refused_of_quantized_files_too(form):
    expected = {"probabilities": np.full((2, 3), 1 / 3), "logits": np.zeros((2, 3))}
    assert serving.files.compared(form, "small", expected, expected)["compared_images"] == 2
    for wrong in (None, np.full((2, 3), np.nan), np.zeros((2, 4))):
        with pytest.raises(RuntimeError, match=f"the outputs of {form} differ from those of small"):
            serving.files.compared(form, "small", expected, {**expected, "logits": wrong})


def test_a_missing_package_is_named_with_what_installs_it(tmp_path, monkeypatch):
    monkeypatch.setattr(formats.importlib.util, "find_spec", lambda package: None)
    with pytest.raises(ModuleNotFoundError, match=r"needs onnx: pip install 'kerasnets\[onnx\]'"):
        export_file(plain(), tmp_path, "onnx", preprocess="caffe")
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("format", "tflite"),
        ("format", None),
        ("name", "../out"),
        ("version", 0),
        ("preprocess", "tensorflow"),
        ("class_names", ["a"]),
        ("from_logits", "no"),
        ("optimize", 1),
        ("shorter", 7),
        ("interpolation", "cubic"),
        ("antialias", 1),
        ("results", {"loss": float("nan")}),
        ("results", [0.5]),
        ("root", None),
        ("root", __file__),
        ("calibration", IMAGES),
        ("model", None),
    ],
)
def test_misuse_is_refused_and_nothing_is_written(argument, value, tmp_path):
    needs("litert")
    arguments = {"model": plain(), "root": tmp_path / "models", "format": "litert", "preprocess": "caffe"}
    arguments[argument] = value
    with pytest.raises(ValueError, match=f"`{argument}` is .*Received: {argument}="):
        export_file(**arguments)
    assert names(tmp_path) == []


def test_calibration_images_from_everywhere(tmp_path):
    np.save(tmp_path / "images.npy", IMAGES)
    (tmp_path / "folder").mkdir()
    for i, image in enumerate(IMAGES):
        Image.fromarray(image).save(tmp_path / "folder" / f"{i}{('.png', '.bmp', '.TIF')[i % 3]}")
    batches = [IMAGES[:2], (IMAGES[2:], np.arange(3))]
    for given in (IMAGES, batches, iter(batches), str(tmp_path / "images.npy"), tmp_path / "folder"):
        found, labels = calibration.collect(given, SIDES)
        assert labels is None
        assert found.dtype == "float32"
        np.testing.assert_array_equal(found, IMAGES)
    found, _ = calibration.collect(tmp_path / "folder", (8, 12, 3))
    sized = [kerasnets.data.transforms.center_crop(image, None, (8, 12)) for image in IMAGES]
    np.testing.assert_allclose(found, np.asarray(sized, "float32"))


def endless():
    while True:
        yield IMAGES


@pytest.mark.parametrize(
    "value",
    [
        None,
        3,
        [],
        IMAGES[:0],
        IMAGES[0],
        IMAGES[..., :1],
        IMAGES / 255,
        IMAGES - 128.0,
        np.where(IMAGES > 9, IMAGES, np.nan),
        IMAGES.astype(str),
        [IMAGES, IMAGES[:, :8]],
        endless(),
        "no such folder",
        "text.npy",
        "broken",
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_calibration_is_refused(value, tmp_path, monkeypatch):
    needs("litert_int8")
    monkeypatch.chdir(tmp_path)
    pathlib.Path("text.npy").write_text("no numbers")
    pathlib.Path("broken").mkdir()
    pathlib.Path("broken/image.png").write_text("no image")
    with pytest.raises(ValueError, match="`calibration` is .*Received: calibration="):
        export_file(plain(), "models", "litert_int8", preprocess="caffe", calibration=value)
    assert not pathlib.Path("models").exists()


def test_the_command_line_knows_every_format():
    """It has names of its own, so that its help needs no TensorFlow."""
    assert ("saved_model", *formats.FORMATS) == FORMATS


@pytest.mark.parametrize("form", ["onnx", "litert", "openvino"])
def test_whitening_is_inside(form, tmp_path):
    net, n = small(), np.prod(SIDES)
    rng = np.random.default_rng(0)
    zca = Scaling("zca", mean=rng.normal(size=n), matrix=rng.normal(size=(n, n)))
    scaling = zca.after(Scaling("contrast", contrast=55.0))
    kerasnets.weights.describe(net, scaling=scaling)
    expected = np.asarray(net(scaling(IMAGES.astype("float32"))))
    assert np.ptp(expected, 0).max() > 1e-3
    np.testing.assert_allclose(
        read(write(form, tmp_path, net, preprocess=None), IMAGES)["probabilities"], expected, atol=1e-4
    )
