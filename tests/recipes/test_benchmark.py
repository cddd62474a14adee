import functools
import importlib
import importlib.util
import json
import time

import keras
import numpy as np
import pytest

import kerasnets
from benchmarks import agreement, data, digits, folders, formats, head, head_phase, measuring, serve, train
from kerasnets import runs
from kerasnets.assembly import registry
from kerasnets.serving import turns
from kerasnets.serving.formats import FORMATS


@pytest.mark.usefixtures("eagerly")
def test_digits(recipe, tmp_path, monkeypatch, capsys):
    """The net with a decoder, which reads labels too, is small."""
    tiny = dict(kerasnets.applications.CapsNet.spec.tiny) | {"decoder": True}
    monkeypatch.setitem(digits.NETS["CapsNet"], "options", tiny)
    out = tmp_path / "digits.json"
    recipe("digits", "--smoke", "--models", "LeNet5", "CapsNet", "--seed", 3, "--out", out)
    figures = json.loads(out.read_text())
    assert list(figures) == ["LeNet5", "CapsNet"]
    for name, figure in figures.items():
        assert (figure["epochs"], figure["seed"]) == (1, 3)
        assert 0 <= figure["accuracy"] <= 1
        assert figure["seconds"] > 0
        assert figure["rate"] == digits.NETS[name]["rate"]
    printed = capsys.readouterr().out
    for figure in figures.values():
        assert f"{figure['accuracy']:.2%}" in printed


@pytest.mark.parametrize(
    ("benchmark", "net"),
    [
        ("digits", "ResNet50"),
        ("build", "LeNet5"),
        ("serve", "LeNet5"),
        ("memory", "LeNet6"),
        ("head", "LeNet6"),
        ("train", "LeNet5"),
    ],
)
def test_an_unknown_net_ends_with_one_line_and_status_2(benchmark, net, recipe, capsys):
    with pytest.raises(SystemExit) as ended:
        recipe(benchmark, "--model" if benchmark == "head" else "--models", net)
    assert ended.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1].endswith(f"Received: {net}")


def test_contenders_take_turns():
    """The first turn of each does not count."""
    turns = []
    seconds = measuring.measure({"a": lambda: turns.append("a"), "b": lambda: turns.append("b")}, rounds=2)
    assert "".join(turns) == "ababab"
    assert [len(times) for times in seconds.values()] == [2, 2]


def test_ratios_are_those_of_each_round():
    header, first, second = measuring.rows({"one": [1.0, 2.0, 4.0], "other": [2.0, 6.0, 4.0]})
    assert header[-1] == "ratio to the first"
    assert first == ["one", "2.000", "1.000", "4.000", "1.000"]
    assert second == ["other", "4.000", "2.000", "6.000", "2.000"]


def test_serve_rows():
    """Without figures there is a dash, and int8 counts only where it may be chosen."""

    def figures(form, precision, *seconds, error=None):
        return {"format": form, "precision": precision, "error": error, "seconds": {"2": list(seconds)}}

    nets = {
        "A": {
            "keras_export": figures("keras_export", "float32", 0.012, 0.016),
            "onnx, float32": figures("onnx", "float32", 0.004, 0.004),
            "openvino, bfloat16": figures("openvino", "bfloat16", 0.002, 0.002),
            "openvino_int8, float32": figures("openvino_int8", "float32", 0.001, 0.001),
            "timm, float32": figures("timm", "float32", 0.0001, 0.0001),
        },
        "B": {
            "keras_export": figures("keras_export", "float32", 0.004, 0.004),
            "onnx, float32": figures("onnx", "float32", 0.004, 0.004),
            "openvino, bfloat16": figures("openvino", "bfloat16", error="killed by SIGFPE"),
        },
    }
    header, *table = serve.rows(nets, [2])
    assert header == ["contender", "A", "B", "times as fast as keras_export"]
    assert table[1] == ["onnx, float32", "2.0", "2.0", f"{3.5**0.5:.2f}"]
    assert table[2] == ["openvino, bfloat16", "1.0", "-", "-"]
    _, *table = serve.means(nets, [2])
    assert [row[1] for row in table] == [f"{best**0.5:.2f}" for best in (3.5, 7, 14)]
    assert [row[2].split("; ")[0] for row in table] == ["onnx, float32", *list(nets["A"])[2:4]]


def test_serve(recipe, tmp_path, monkeypatch, capsys):
    """Tiny nets stand in for those of the two packages. Figures and exports are kept."""
    pytest.importorskip("openvino")
    theirs = [keras.Input((32, 32, 3)), keras.layers.Conv2D(2, 3), keras.layers.GlobalMaxPooling2D()]
    monkeypatch.setattr(keras.applications, "VGG16", lambda weights: keras.Sequential(theirs))
    ours = functools.partial(
        kerasnets.build, input_shape=(32, 32, 3), **kerasnets.applications.VGG16.spec.tiny
    )
    monkeypatch.setattr(kerasnets, "build", ours)
    out = tmp_path / "serve.json"
    words = (
        "--models",
        "VGG16",
        "--rounds",
        1,
        "--batch-size",
        2,
        "--exports",
        tmp_path / "nets",
        "--out",
        out,
    )
    recipe("serve", *words, "--formats", "keras_export", "openvino")
    (found,) = json.loads(out.read_text())["nets"].values()
    assert {"keras_export", "openvino, float32"} <= set(found)
    assert all(one["error"] is None and one["load"] > 0 for one in found.values())
    assert all(len(one["seconds"]["2"]) == 1 for one in found.values())
    printed = capsys.readouterr().out
    assert "openvino, float32" in printed
    assert "2 cores" in printed or "cores of" in printed
    monkeypatch.setattr(serve, "measured", None)
    recipe("serve", *words, "--formats", "keras_export", "openvino")  # nothing is measured again
    assert capsys.readouterr().out == printed
    with pytest.raises(SystemExit):
        recipe("serve", *words, "--formats", "onnx")
    assert "--out is a new file, or one of the same settings" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        recipe("serve", *words, "--formats", "caffe")
    assert "--formats are some of predict, keras_export, saved_model, onnx" in capsys.readouterr().err


def test_formats(recipe, tmp_path, monkeypatch, capsys):
    """An exact format and another one; tests/serving has all of them."""
    pytest.importorskip("ai_edge_litert")
    some = {name: FORMATS[name] for name in ("litert", "litert_int8")}
    monkeypatch.setattr("kerasnets.serving.formats.FORMATS", some)
    out = tmp_path / "formats.json"
    recipe("formats", "--models", "LeNet5", "--out", out)
    figures = json.loads(out.read_text())["LeNet5"]
    assert list(figures) == ["litert", "litert_int8"]
    assert figures["litert"]["largest_difference"] < 1e-5
    assert figures["litert_int8"]["bytes"] < figures["litert"]["bytes"] / 2
    assert f"{figures['litert_int8']['top1_agreement']:.0%}" in capsys.readouterr().out


def test_agreement(recipe, tmp_path, monkeypatch, capsys):
    """One of the rows; tests/serving has all formats."""
    pytest.importorskip("ai_edge_litert")
    monkeypatch.setattr(agreement, "ROWS", {"LiteRT": agreement.ROWS["LiteRT, int8"]})
    net = keras.Sequential(
        [keras.Input((4, 4, 1)), keras.layers.Flatten(), keras.layers.Dense(3)], name="net"
    )
    kerasnets.weights.describe(net, scaling="unit")
    kerasnets.save(net, tmp_path / "net.keras")
    images = np.random.default_rng(0).integers(0, 256, (20, 4, 4, 1), "uint8")
    labels = np.asarray(net(images / np.float32(255))).argmax(1)
    labels[:5] = (labels[:5] + 1) % 3
    np.savez(tmp_path / "images.npz", images=images, labels=labels)
    out, file = tmp_path / "figures.json", tmp_path / "images.npz"
    options = ("--images", file, "--calibration", file)
    recipe("agreement", "--models", tmp_path / "net.keras", *options, "--out", out)
    figures = json.loads(out.read_text())["net"]
    assert figures["float32"] == {"top1": 0.75, "agreement": 1.0}
    assert 0.5 < figures["LiteRT"]["agreement"] <= 1.0
    assert "75.00%" in capsys.readouterr().out


def test_formats_say_what_is_refused():
    assert formats.cell({"refused": "why"}) == "no"
    assert formats.cell({"largest_difference": 3e-7}) == "3e-07"
    assert formats.cell({"largest_difference": 0.1, "top1_agreement": 0.97}) == "97%"


def test_finetune_compares_errors(recipe, tmp_path, monkeypatch, capsys):
    """Both ways see the same images and the same validation split; no run takes place."""
    from kerasnets import weights

    net = kerasnets.build("LeNet5", classes=10)
    weights.describe(net, shape=(32, 32, 1), scaling="lecun")
    weights.save(net, tmp_path / "source.keras")
    seen = []

    def stands_in(made, out, options):
        seen.append((made, options))
        errors = 100 + 10 * options.seed if made.weights else 200
        return {"top1": 1 - errors / 1000}

    monkeypatch.setattr(runs, "train", stands_in)
    monkeypatch.setattr(folders, "write_digits", lambda folder, count: folder)
    out = tmp_path / "errors.json"
    words = ("--weights", tmp_path / "source.keras", "--folder", tmp_path / "runs", "--counts", 10)
    recipe("finetune", *words, "--rate-from-scratch", 0.5, "--out", out)
    assert json.loads(out.read_text()) == {"10": {"fine-tuned": [100, 110, 120], "from scratch": [200] * 3}}
    assert "110.0 ± 10.0" in capsys.readouterr().out
    tuned, scratch = seen[0][0], seen[3][0]
    assert (tuned.weights, scratch.weights) == (str(tmp_path / "source.keras"), None)
    assert scratch.rate == 0.5
    same = ("model", "data", "size", "validation", "augmentation", "batch", "splits")
    assert all(getattr(tuned, name) == getattr(scratch, name) for name in same)
    assert [options.seed for _, options in seen] == [0, 1, 2] * 2


@pytest.fixture(scope="module")
def six_of_each(tmp_path_factory):
    return folders.write_digits(tmp_path_factory.mktemp("digits"), 6)


@pytest.mark.usefixtures("eagerly")
def test_head_phases_are_timed(recipe, six_of_each, tmp_path, monkeypatch, capsys):
    """In this process, with a tiny net of random weights."""
    monkeypatch.setattr(folders, "write_digits", lambda folder, count: six_of_each)
    tiny = dict(registry.find("SqueezeNet").spec.tiny)
    monkeypatch.setattr(kerasnets, "build", functools.partial(kerasnets.build, **tiny))
    monkeypatch.setattr(head, "phase", lambda who, **rest: head_phase.WAYS[who](**rest))
    out = tmp_path / "head.json"
    words = ("--model", "SqueezeNet", "--size", 32, "--epochs", 1, "--rounds", 1)
    recipe("head", *words, "--out", out)
    (turns,) = json.loads(out.read_text()).values()
    assert list(turns) == ["by hand", "features kept"]
    assert all(seconds > 0 for (seconds,) in turns.values())
    assert "times as fast" in capsys.readouterr().out


def test_digits_of_a_folder_are_those_of_a_larger_one(six_of_each, tmp_path):
    small, large = folders.write_digits(tmp_path, 5), six_of_each

    def images(folder):
        return {path.read_bytes() for path in folder.rglob("*.png")}

    assert images(small / "train") < images(large / "train")
    assert images(small / "test") == images(large / "test")
    assert len(list((large / "train" / "7").iterdir())) == 6
    assert len(list((large / "test").rglob("*.png"))) == 1000
    assert not images(large / "train") & images(large / "test")


@pytest.fixture
def in_this_process(monkeypatch):
    """Contenders run in this process. PyTorch's nets and data are left out."""

    def measure(contenders, rounds, least):
        outcomes = []
        for contender in contenders:
            module, name = contender.target.split(":")
            turn = getattr(importlib.import_module(module), name)(**contender.arguments)
            outcome = turns.Outcome(contender.name, 1.0, 2048.0, {"": []})
            for _ in range(rounds):
                started = time.perf_counter()
                outcome.figures[""] = turn()
                outcome.seconds[""].append(time.perf_counter() - started)
            outcomes.append(outcome)
        return outcomes

    monkeypatch.setattr(turns, "measure", measure)
    monkeypatch.setattr(importlib.util, "find_spec", lambda package: None)


@pytest.mark.usefixtures("in_this_process", "eagerly")
def test_train(recipe, tmp_path, monkeypatch, capsys):
    """Tiny nets stand in for those of the two packages."""
    theirs = [keras.Input((32, 32, 3)), keras.layers.Conv2D(2, 3), keras.layers.GlobalMaxPooling2D()]
    theirs.append(keras.layers.Softmax())
    monkeypatch.setattr(keras.applications, "ResNet50", lambda weights: keras.Sequential(theirs))
    tiny = functools.partial(
        kerasnets.build, input_shape=(32, 32, 3), **kerasnets.applications.ResNet50.spec.tiny
    )
    monkeypatch.setattr(kerasnets, "build", tiny)
    out = tmp_path / "train.json"
    recipe("train", "--models", "ResNet50", "--rounds", 2, "--batch-size", 2, "--out", out)
    ((title, found),) = json.loads(out.read_text()).items()
    assert title.startswith("ResNet50, batch 2, float32")
    assert list(found) == ["kerasnets", "keras.applications"]
    for figures in found.values():
        assert len(figures["milliseconds"]) == 2
        assert min(figures["milliseconds"]) > 0
    printed = capsys.readouterr().out
    assert "timm is left out: torch and timm not installed" in printed
    assert "2.00" in printed  # gigabytes


@pytest.mark.usefixtures("in_this_process", "eagerly")
def test_memory(recipe, tmp_path, monkeypatch, capsys):
    tiny = functools.partial(kerasnets.build, **kerasnets.applications.DenseNetBC100.spec.tiny)
    monkeypatch.setattr(kerasnets, "build", tiny)
    out = tmp_path / "memory.json"
    recipe("memory", "--models", "DenseNet40", "--rounds", 1, "--batch-size", 2, "--out", out)
    seconds, held = json.loads(out.read_text()).values()
    assert list(seconds) == list(held) == ["plain", "memory-efficient"]
    assert all(mb["before"] + mb["step"] == pytest.approx(2048) for mb in held.values())
    assert "MB added" in capsys.readouterr().out


@pytest.mark.usefixtures("in_this_process")
def test_data(recipe, tmp_path, capsys):
    """Real files, and batches read from them."""
    out = tmp_path / "data.json"
    recipe("data", "--images", 4, "--batch-size", 2, "--passes", 1, "--rounds", 2, "--out", out)
    rates = json.loads(out.read_text())
    assert list(rates) == ["kerasnets"]
    assert len(rates["kerasnets"]) == 2
    assert "torchvision is left out: torch and torchvision not installed" in capsys.readouterr().out


def test_a_contender_that_fails_is_named():
    failed = turns.Outcome("timm", error="killed by SIGKILL")
    done = turns.Outcome("kerasnets", 1.0, None, {"": [0.8, 0.4]})
    _, first, second = train.rows([done, failed], 4)
    assert first == ["kerasnets", "150.0", "1.00", ""]
    assert second[:2] == ["timm", "failed: killed by SIGKILL"]
    assert data.rows([done, failed], 60)[1:] == [["kerasnets", "100", "1.00"], ["timm", *second[1:3]]]
