"""What is fastest on a machine: what is measured, and what is chosen."""

import json
import shutil

import keras
import numpy as np
import pytest
from keras import layers

import kerasnets
from kerasnets import files, serving
from kerasnets.cli import main
from kerasnets.serving import bench, candidates, formats, runtimes, turns, versions
from kerasnets.serving.bench import Bench
from kerasnets.serving.candidates import Row

IMAGES = np.random.default_rng(0).integers(0, 256, (24, 12, 12, 3), "uint8")


def small(seed, name="small"):
    """A net whose classes depend on the images."""
    keras.utils.set_random_seed(seed)
    parts = [layers.Rescaling(1 / 64, -2), layers.Conv2D(8, 5), layers.Flatten(), layers.Dense(10)]
    return keras.Sequential([keras.Input((12, 12, 3)), *parts], name=name)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A net in three formats, and another net that claims to be the same."""
    pytest.importorskip("openvino")
    root = tmp_path_factory.mktemp("models")
    net = small(0)
    serving.export(net, root, preprocess="none")
    serving.export_file(net, root, "openvino", preprocess="none")
    serving.export_file(small(1), root, "openvino", "other", preprocess="none")
    return root


def test_what_is_fastest_agrees(root, tmp_path):
    """Of files, on images: a wrong file can be the fastest and is not chosen."""
    paths = [root / "small", root / "other" / "1.xml"]
    found = serving.fastest(paths, 4, 0.9, IMAGES, batches=[1], rounds=1)
    kinds = {(row.format, row.runtime, row.precision) for row in found.rows}
    assert {("saved_model", "tensorflow", "float32"), ("openvino", "openvino", "float32")} <= kinds
    assert all(row.error is None for row in found.rows)
    assert ("openvino", "openvino", "bfloat16") in kinds or not candidates.has_bfloat16()
    for row in found.rows:
        assert set(row.milliseconds) == {1, 4}
        assert row.load > 0
        assert row.size > 1000
        wrong = row.path.parent.name == "other"
        assert (row.agreement < 0.9) == (row.difference > 0.1) == wrong
        assert found.agrees(row) != wrong
    assert found.compared_with == "saved_model on tensorflow in float32"
    with found.load() as net:
        assert net.path == found.best.path != paths[1]
        given = net(IMAGES)["probabilities"]
    text = str(found)
    assert found.best.line in text
    assert "of 24 images" in text
    assert json.loads(json.dumps(found.as_data()))["best"].keys() == {"1", "4"}

    chosen = Bench(found.rows[1:2], 4, (1, 4), 0.9, 24, found.compared_with, found.processor)
    path = chosen.export(tmp_path, "named")
    assert chosen.rows[0].path.is_dir() or path.name == "1.xml"
    known = files.read_json(versions.card_path(path))
    assert known["name"] == "named"
    assert known["fastest"]["precision"] == chosen.rows[0].precision
    assert known["fastest"]["compared_images"] == 24
    np.testing.assert_allclose(serving.load(path)(IMAGES)["probabilities"], given, atol=0.02)
    (tmp_path / "ovms").mkdir()
    (tmp_path / "ovms" / "config.json").write_text("{}")
    with pytest.raises(ValueError, match="without models of another server"):
        chosen.export(tmp_path / "ovms")
    assert len(list((tmp_path / "ovms").iterdir())) == 1


def row(form, precision, time, agreement=None, difference=0.0, **more):
    return Row(form, None, "openvino", precision, None, {1: time}, 1, 1, 1, agreement, difference, **more)


EXACT = row("openvino", "float32", 3.0, 1.0, 1e-7)
FAST = row("openvino", "bfloat16", 2.0, 0.995, 0.01)
FASTER = row("openvino_int8", "float32", 1.0, 0.98, 0.05)


@pytest.mark.parametrize(
    ("rows", "images", "agree", "chosen"),
    [
        ([EXACT, FAST, FASTER], 1000, 0.99, FAST),
        ([EXACT, FAST, FASTER], 1000, 0.98, FASTER),
        ([EXACT, FAST, FASTER], 1000, 1, EXACT),
        ([EXACT, FAST, FASTER], 0, 0.5, EXACT),  # without images, it is not known whether others agree
        ([FAST, FASTER], 0, 0.5, None),
        ([FASTER], 1000, 0.99, None),
        ([row("onnx", "float32", 1.0, difference=0.2), EXACT], 0, 0.99, EXACT),  # another net
        ([row("openvino", "bfloat16", 2.95, 1.0, 0.01), EXACT], 1000, 0.99, EXACT),  # within the noise
        ([row("openvino", "bfloat16", 2.85, 1.0, 0.01), EXACT], 1000, 0.99, None),
        ([row("onnx", "float32", 0.1, error="killed by SIGSEGV"), EXACT], 1000, 0.99, EXACT),
        ([row("onnx", "float32", 0.1, difference=None), EXACT], 1000, 0.99, EXACT),  # of another shape
        ([], 1000, 0.99, None),
    ],
)
def test_what_is_chosen(rows, images, agree, chosen):
    rows = tuple(rows)
    found = Bench(rows, 1, (1,), agree, images, "Keras", "2 cores")
    if chosen is None and len(rows) == 2 and rows[1] is EXACT:
        chosen = rows[0]  # faster by more than the noise
    assert found.best is chosen
    assert ("nothing can be chosen" in found.choice(1)) == (chosen is None)
    if chosen is None:
        with pytest.raises(ValueError, match="nothing can be chosen at batch 1"):
            found.load()


def test_times_are_per_image_and_labels_are_those_from_the_threshold_on():
    outcome = turns.Outcome("net", seconds={"1": [0.003], "4": [0.008, 0.009, 0.002]})
    expected, given = np.array([[0.9, 0.45], [0.2, 0.8]]), np.array([[0.9, 0.35], [0.2, 0.8]])
    found = bench.with_figures(Row("onnx"), outcome, given, (1, 4), expected, 0.4, True)
    assert found.milliseconds == pytest.approx({1: 3.0, 4: 2.0})
    assert found.agreement == 0.5
    assert bench.with_figures(Row("onnx"), outcome, given, (1,), expected, None, True).agreement == 1.0


def test_a_savedmodel_in_bfloat16_is_measured_as_what_it_is(tmp_path):
    (tmp_path / "assets.extra").mkdir()
    (tmp_path / "saved_model.pb").touch()
    card = tmp_path / "assets.extra" / "model_card.json"
    for exported, readers in (("bfloat16", {"tensorflow"}), ("float32", {"tensorflow", "openvino"})):
        card.write_text(json.dumps({"precision": exported}))
        rows = candidates.of_files([tmp_path], [None])
        assert {row.runtime for row in rows} == readers
        assert {row.precision for row in rows if row.runtime == "tensorflow"} == {exported}


def test_what_fails_is_a_row_with_the_reason(root, monkeypatch):
    monkeypatch.setattr(runtimes, "installed", lambda name: name != "openvino")
    path = root / "small" / "2.xml"
    found = serving.fastest(path, rounds=1, batches=[])
    assert [row.error for row in found.rows] == ["not installed: pip install 'kerasnets[openvino]'"]
    assert "pip install 'kerasnets[openvino]'" in str(found)
    assert "nothing in float32 to compare with" in str(found)
    assert found.best is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (dict(model_or_paths=3), "`model_or_paths` is a keras.Model, a path, or a list of paths"),
        (dict(model_or_paths=[]), "`model_or_paths` is a keras.Model, a path, or a list of paths"),
        (dict(model_or_paths="none.onnx"), "`model_or_paths` is the folder of a version, or a file"),
        (dict(batch=0), "`batch` is a whole number, at least 1"),
        (dict(batches=[1, "8"]), "`batches` is a list of whole numbers"),
        (dict(agree=0), "`agree` is a number above 0 and at most 1"),
        (dict(rounds=1.5), "`rounds` is a whole number"),
        (dict(threads=[2, 0]), "`threads` is None, a whole number, at least 1, or a list of these"),
        (dict(images=IMAGES[:, :5]), "`images` is numbers of shape"),
        (dict(images=IMAGES / 255), "`images` is images of values 0..255"),
        (dict(preprocess="none"), "`options` is those of an export, for a model to be exported"),
    ],
)
def test_what_is_refused(arguments, words, root, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(bench, "measured", None)
    with pytest.raises(ValueError, match=words):
        serving.fastest(**{"model_or_paths": root / "small", **arguments})


def test_the_commands(root, tmp_path, monkeypatch, capsys):
    """The fastest export of a net is published with its figures, and measured again as a file."""
    some = {name: formats.FORMATS[name] for name in ("openvino",)}
    monkeypatch.setattr(formats, "FORMATS", some)
    monkeypatch.setattr(candidates, "written", only_openvino(candidates.written))
    kerasnets.save(small(0), tmp_path / "small.keras")
    np.save(tmp_path / "images.npy", IMAGES)
    shared = ("--weights", tmp_path / "small.keras", "--preprocess", "none", "--out", tmp_path / "out")
    words = ("export", *shared, "--format", "fastest", "--calibration", tmp_path / "images.npy", "--json")
    assert main(list(map(str, words))) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["path"] == str(tmp_path / "out" / "small" / "1.xml")
    assert files.read_json(f"{data['path']}.json")["fastest"]["runtime"] == "openvino"
    assert data["fastest"]["precision"] in data["line"]
    assert data["measured"]["images"] == len(IMAGES) // 2  # the others calibrate

    words = ("bench", data["path"], "--batch", 2, "--rounds", 1, "--json")
    assert main(list(map(str, words))) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["images"] == 0
    chosen = data["rows"][data["best"]["2"]]
    assert (chosen["precision"], chosen["format"]) == ("float32", "openvino")
    assert chosen["milliseconds"]["2"] > 0

    shutil.rmtree(tmp_path / "out")
    words = ("export", *shared, "--format", "fastest", "--server", "triton")
    assert main(list(map(str, words))) == 2
    assert "--format fastest is for --server tfserving" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()

    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "config.json").write_text("{}")
    assert main(list(map(str, words[:-2]))) == 2
    assert "those here are for OpenVINO Model Server" in capsys.readouterr().err


def only_openvino(written):
    """`written`, but a SavedModel, which takes a process with TensorFlow, fails."""

    def stand_in(name, precision, write):
        return written(name, precision, write) if name == "openvino" else Row(name, error="not tried")

    return stand_in
