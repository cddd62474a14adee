"""Folders of models for OpenVINO Model Server and Triton."""

import dataclasses
import errno
import json
import os
import pathlib
import re

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image

from kerasnets.cli import main
from kerasnets.cli.export import SERVERS
from kerasnets.serving import export, export_file, formats, layouts, load
from kerasnets.serving.runtimes import RUNTIMES

NAMES = ["grey cat", "dog", "gnu"]
IMAGES = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3)).astype("float32")


def small(classes=3):
    """A net for which the order of the channels matters."""
    keras.utils.set_random_seed(0)
    parts = [layers.Conv2D(4, 3), layers.Flatten(), layers.Dense(classes, activation="softmax")]
    return keras.Sequential([keras.Input((8, 8, 3)), *parts], name="small")


@pytest.fixture
def quick(monkeypatch):
    """Exports without converters and runtimes, where it does not matter what is in a file."""

    def written(net, path, calibration):
        path.write_text("model")
        Opened.run = staticmethod(net.predict)

    class Opened:
        def __init__(self, path, precision, threads):
            assert path.exists()

    for rows, changes in ((formats.FORMATS, {"write": written}), (RUNTIMES, {"open": Opened})):
        for name, row in rows.items():
            monkeypatch.setitem(rows, name, dataclasses.replace(row, **changes))
    monkeypatch.setattr(layouts, "describe", lambda *_: None)


def write(root, server, format=None, net=None, **options):
    return export_file(net or small(), root, format, server=server, **{"preprocess": "unit", **options})


def tree(root):
    return sorted(str(p.relative_to(root)) for p in root.rglob("*") if p.is_file() and p.name != ".lock")


def entry(root, name="small"):
    (found,) = [
        row["config"]
        for row in json.loads((root / "config.json").read_text())["model_config_list"]
        if row["config"]["name"] == name
    ]
    return found


def pbtxt(text):
    """The fields of config.pbtxt: a dict of lists, in which messages are such dicts."""
    words = iter(re.findall(r'"[^"]*"|[{}\[\],]|[^\s{}\[\],:"]+', re.sub(r"#.*", "", text)))

    def fields(end):
        found = {}
        for key in words:
            if key == end:
                return found
            if key != ",":
                found.setdefault(key, []).extend(values())
        assert end is None
        return found

    def values():
        word = next(words)
        if word == "{":
            return [fields("}")]
        if word != "[":
            return [json.loads(word) if word[0] in '"-0123456789' else word]
        found = []
        for word in words:
            if word == "]":
                return found
            if word == "{":
                found.append(fields("}"))
            elif word != ",":
                found.append(json.loads(word))
        raise AssertionError("a list without an end")

    return fields(None)


def test_openvino_model_server(tmp_path, capsys):
    openvino = pytest.importorskip("openvino")
    net = small()
    path = write(tmp_path, "ovms", net=net, class_names=NAMES, image_bytes=True)
    files = ["config.json", *(f"small/1/model.{end}" for end in ("bin", "xml", "xml.json"))]
    assert tree(tmp_path) == files
    assert path == tmp_path / "small" / "1"
    options = entry(tmp_path)
    assert options["layout"] == {"images": "NHWC"}
    model = openvino.Core().read_model(path / "model.xml")
    count, *sides = re.findall(r"[\d:]+", options["shape"]["images"])
    low, high = map(int, count.split(":"))
    model.reshape({"images": [openvino.Dimension(low, high), *map(int, sides)]})
    compiled = openvino.Core().compile_model(model, "CPU", options["plugin_config"])
    expected = net.predict(IMAGES / 255, verbose=0)
    for n in (1, 3):
        given = compiled({"images": IMAGES[:n, ..., ::-1]})["probabilities"]  # BGR, as the server decodes
        np.testing.assert_allclose(given, expected[:n], atol=1e-6)
    assert np.abs(compiled({"images": IMAGES})["probabilities"] - expected).max() > 1e-3
    with load(tmp_path / "small", batch=2) as loaded:
        np.testing.assert_allclose(loaded(IMAGES)["probabilities"], expected, atol=1e-6)
        assert loaded.class_names == tuple(NAMES)
    Image.fromarray(IMAGES[0].astype("uint8")).save(tmp_path / "photo.png")
    capsys.readouterr()
    assert (
        main(["classify", str(tmp_path / "photo.png"), "--model", str(tmp_path / "small"), "--top", "1"]) == 0
    )
    assert NAMES[expected[0].argmax()] in capsys.readouterr().out
    assert sorted(output.any_name for output in model.outputs) == ["logits", "probabilities"]
    assert all(len(output.names) == 1 for output in model.outputs)
    assert model.get_rt_info(["model_info", "labels"]).value == "grey_cat dog gnu"


def test_what_config_json_says_is_kept(tmp_path, quick):
    write(tmp_path, "ovms", version=7)
    mine = json.loads((tmp_path / "config.json").read_text())
    mine["monitoring"] = {"metrics": {"enable": True}}
    mine["model_config_list"][0]["config"] |= {"nireq": 4, "plugin_config": {"NUM_STREAMS": "2"}}
    mine["model_config_list"].append({"config": {"name": "far", "base_path": "s3://far"}})
    mine["model_config_list"].append({"config": {"name": "gone", "base_path": "gone"}})
    (tmp_path / "config.json").write_text(json.dumps(mine))
    write(tmp_path, "ovms", "openvino_int8", name="other", precision="bfloat16", calibration=IMAGES)
    found = json.loads((tmp_path / "config.json").read_text())
    assert found["monitoring"] == mine["monitoring"]
    assert {row["config"]["name"] for row in found["model_config_list"]} == {"small", "far", "other"}
    kept = {"NUM_STREAMS": "2", "INFERENCE_PRECISION_HINT": "f32"}
    assert (entry(tmp_path)["nireq"], entry(tmp_path)["plugin_config"]) == (4, kept)
    assert entry(tmp_path, "other")["plugin_config"] == {"INFERENCE_PRECISION_HINT": "bf16"}
    assert entry(tmp_path, "other")["shape"] == {"images": "(1,8,8,3)"}
    assert write(tmp_path, "ovms", "onnx", name="other").name == "2"
    assert "shape" not in entry(tmp_path, "other")
    assert entry(tmp_path, "other")["plugin_config"] == {"INFERENCE_PRECISION_HINT": "f32"}
    layouts.update_ovms(tmp_path, options={"INFERENCE_NUM_THREADS": 2})
    assert entry(tmp_path)["plugin_config"] == kept | {"INFERENCE_NUM_THREADS": 2}
    assert entry(tmp_path, "other")["plugin_config"]["INFERENCE_NUM_THREADS"] == 2


def test_triton(tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("tf2onnx")
    net = small()
    path = write(tmp_path, "triton", net=net, class_names=NAMES)
    files = ["1/model.onnx", "1/model.onnx.json", "config.pbtxt", "labels.txt"]
    assert tree(tmp_path) == [f"small/{file}" for file in files]
    config = pbtxt((tmp_path / "small" / "config.pbtxt").read_text())
    assert (config["name"], config["backend"]) == (["small"], ["onnxruntime"])
    assert config["max_batch_size"][0] > 0
    assert config["dynamic_batching"] == [{}]
    assert config["instance_group"] == [{"kind": ["KIND_CPU"], "count": [1]}]
    with load(tmp_path / "small") as loaded:
        given = loaded(IMAGES)["probabilities"]
    np.testing.assert_allclose(given, net.predict(IMAGES / 255, verbose=0), atol=1e-6)
    session = onnxruntime.InferenceSession(path / "model.onnx")
    shapes = [{x["name"][0]: x["dims"] for x in config[kind]} for kind in ("input", "output")]
    for given, shape in zip((session.get_inputs(), session.get_outputs()), shapes, strict=True):
        assert {x.name: x.shape[1:] for x in given} == shape
        assert all(not isinstance(x.shape[0], int) for x in given)
    labels = {x["name"][0]: x.get("label_filename") for x in config["output"]}
    assert labels == {"logits": None, "probabilities": ["labels.txt"]}
    assert (tmp_path / "small" / "labels.txt").read_text().splitlines() == NAMES


def test_the_files_of_triton_are_those_of_the_newest_version(tmp_path, quick):
    write(tmp_path, "triton", class_names=NAMES)
    before = (tmp_path / "small" / "config.pbtxt").stat().st_mtime_ns
    write(tmp_path, "triton", class_names=NAMES)
    assert (tmp_path / "small" / "config.pbtxt").stat().st_mtime_ns == before  # or it loads the model again
    options = {"precision": "bfloat16", "calibration": IMAGES}
    assert write(tmp_path, "triton", "openvino_int8", small(classes=5), **options).name == "3"
    config = pbtxt((tmp_path / "small" / "config.pbtxt").read_text())
    assert (config["backend"], config["max_batch_size"]) == (["openvino"], [0])
    assert config["input"][0]["dims"] == [1, 8, 8, 3]
    assert {tuple(x["dims"]) for x in config["output"]} == {(1, 5)}
    parameters = {x["key"][0]: x["value"][0]["string_value"] for x in config["parameters"]}
    assert parameters["RESHAPE_IO_LAYERS"] == parameters["HINT_BF16"] == ["YES"]
    assert not (tmp_path / "small" / "labels.txt").exists()


@pytest.mark.parametrize("server", layouts.SERVERS)
@pytest.mark.parametrize("function", ["fsync", "rename"])
def test_whole_or_not_at_all(server, function, tmp_path, monkeypatch, quick):
    def fail(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os if function == "fsync" else pathlib.Path, function, fail)
    with pytest.raises(OSError, match="No space left"):
        write(tmp_path, server)
    assert tree(tmp_path) == []


def test_what_a_killed_export_left_out_is_written_by_the_next(tmp_path, monkeypatch, quick):
    with monkeypatch.context() as patch:
        patch.setattr(layouts, "update", lambda *_: None)
        write(tmp_path, "triton", class_names=NAMES)
    assert tree(tmp_path) == ["small/1/model.onnx", "small/1/model.onnx.json"]
    write(tmp_path, "triton", name="other")
    assert {"small/config.pbtxt", "small/labels.txt", "other/config.pbtxt"} < set(tree(tmp_path))


@pytest.mark.parametrize(
    ("server", "there"),
    [
        ("ovms", "models.config"),
        ("ovms", "net/1/saved_model.pb"),
        ("triton", "net/2-int8.tflite"),
        ("ovms", "net/config.pbtxt"),
        ("triton", "config.json"),
        (None, "config.json"),
        (None, "net/config.pbtxt"),
    ],
)
def test_models_of_another_server_are_refused(server, there, tmp_path, quick):
    (tmp_path / there).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / there).write_text("{}")
    with pytest.raises(ValueError, match="`root` is a folder without models of another server"):
        write(tmp_path, server, "onnx")
    if server is None:
        with pytest.raises(ValueError, match="`root` is a folder without models of another server"):
            export(small(), tmp_path, preprocess="unit")
    assert tree(tmp_path) == [there]


@pytest.mark.parametrize(
    ("argument", "options"),
    [
        ("server", {"server": "tfserving"}),
        ("server", {"server": ["ovms"]}),
        ("format", {"server": "ovms", "format": "litert"}),
        ("format", {"server": None, "format": None}),
        ("image_bytes", {"server": "ovms", "format": "onnx", "image_bytes": True}),
        ("image_bytes", {"server": "triton", "image_bytes": True}),
        ("image_bytes", {"server": None, "format": "onnx", "image_bytes": True}),
        ("image_bytes", {"server": "ovms", "image_bytes": 1}),
        ("precision", {"server": "ovms", "precision": "f32"}),
        ("precision", {"server": "triton", "precision": "bfloat16"}),
        ("precision", {"server": "triton", "format": "openvino"}),
        ("precision", {"server": None, "format": "onnx", "precision": "bfloat16"}),
        ("name", {"server": "ovms", "name": "net.."}),
    ],
)
def test_misuse_is_refused_and_nothing_is_written(argument, options, tmp_path, quick):
    root = tmp_path / "root"
    with pytest.raises(ValueError, match=f"`{argument}` is .*Received: {argument}="):
        write(root, **options)
    assert not root.exists()


def test_a_config_json_that_is_none_is_refused(tmp_path, quick):
    for text in ("[]", '{"model_config_list": [1]}', "{"):
        (tmp_path / "config.json").write_text(text)
        with pytest.raises(ValueError, match=r"`root` is a folder whose config.json is one of"):
            write(tmp_path, "ovms")
    assert tree(tmp_path) == ["config.json"]


def test_the_command_line_writes_them(tmp_path, capsys, quick):
    assert {"tfserving", *layouts.SERVERS} == set(SERVERS)
    assert all(layouts.SERVERS[server].formats[0] == SERVERS[server] for server in layouts.SERVERS)
    net, out = str(tmp_path / "net.keras"), str(tmp_path / "root")
    small().save(net)
    words = ["export", "--weights", net, "--out", out, "--preprocess", "unit"]
    assert main([*words, "--server", "triton", "--format", "saved_model"]) == 2
    assert "--format saved_model is for --server tfserving" in capsys.readouterr().err
    assert main([*words, "--server", "ovms", "--precision", "bfloat16"]) == 0
    assert "root/small/1" in capsys.readouterr().out
    assert entry(tmp_path / "root")["plugin_config"] == {"INFERENCE_PRECISION_HINT": "bf16"}
