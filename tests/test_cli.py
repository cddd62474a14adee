import csv
import io
import json
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kerasnets
from kerasnets import cli
from kerasnets.applications import ResNet34
from kerasnets.assembly import pretrained
from kerasnets.cli import options
from kerasnets.weights.checkpoints import checkpoints, unpublished


@pytest.fixture
def run(capsys):
    """Runs the command; gives what it prints."""

    def run(*words):
        assert cli.main([*words]) == 0
        out, err = capsys.readouterr()
        assert err == ""
        return out

    return run


@pytest.fixture
def refused(capsys):
    """Runs the command, which must fail; gives the line it prints to stderr."""

    def refused(*words):
        assert cli.main([*words]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        (line,) = err.splitlines()
        return line

    return refused


def first_column(text):
    return [line.split()[0] for line in text.splitlines()[2:] if line]


def test_list(run):
    assert first_column(run("list")) == kerasnets.list_models()
    text = run("list", "LeNet?")
    assert first_column(text) == ["LeNet1", "LeNet4", "LeNet5"]
    last = ["LeNet5", "LeCun", "et", "al.", "1998", "32x32x1", "60,806", "326,520"]
    words = text.splitlines()[-1].split()
    assert words[:6] + words[-2:] == last
    assert max(map(len, run("list").splitlines())) <= 110
    rows = checkpoints("ResNet34")
    last = run("list", "ResNet34").splitlines()[-2].split()
    assert last[6:8] == [f"{len(rows)},", f"{rows[0].top1:.2f}"]
    assert len(first_column(run("list", "--weights"))) >= 76


def test_a_word_is_how_names_begin_or_else_a_part_of_them(run):
    assert first_column(run("list", "lenet")) == ["LeNet1", "LeNet4", "LeNet5"]
    assert first_column(run("list", "dense")) == kerasnets.list_models("dense*")
    assert first_column(run("list", "netv2w1")) == ["HRNetV2W18"]


def test_list_by_family_and_weights(run):
    assert first_column(run("list", "--family", "vgg", "--weights")) == [
        *("VGG11", "VGG13", "VGG16", "VGG19")
    ]
    assert first_column(run("list", "*", "--family", "lenet", "--sort", "year", "--reverse"))[0] == "LeNet5"


def test_list_sorts_by_what_nets_cost(run):
    assert first_column(run("list", "mlp*", "--sort", "params", "--reverse")) == ["MLP1200", "MLP800"]
    rows = json.loads(run("list", "--sort", "mult_adds", "--json"))
    assert [r["mult_adds"] for r in rows] == sorted(r["mult_adds"] for r in rows)
    # 784 * 800 + 800 * 800 + 800 * 10, and biases
    mlp = next(r for r in rows if r["name"] == "MLP800")
    assert (mlp["params"], mlp["mult_adds"]) == (1_276_810, 1_275_200)


def test_show(run):
    text = run("show", "MobileNet")
    for words in (
        '"MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications", 2017',
        "https://arxiv.org/abs/1704.04861",
        "224x224x3",
        "4,231,976 trainable parameters, 568,740,352 multiply-adds",
        "(1, 2, 2, 6, 2)",
        "Width multiplier: fraction of the filters of each layer.",
        "keras.io",
    ):
        assert words in text
    assert max(map(len, text.splitlines()[5:])) <= 110


def test_show_lists_checkpoints_and_says_which_one_is_loaded(run):
    text = run("show", "ResNet34")
    best, *others = checkpoints("ResNet34")
    row = next(line for line in text.splitlines() if line.startswith(f"{best.id} "))
    facts = [best.licence, "224x224", best.interpolation, str(best.shorter)]
    figures = [f"{best.top1:.2f}", f"{best.top5:.2f}", f"{best.megabytes:.1f}"]
    assert row.split() == [best.id, *facts, *figures]
    places = [text.index(f"{row.id} ") for row in (best, *others)]
    assert places == sorted(places)
    chosen = pretrained.of_dataset("imagenet", "ResNet34", ResNet34.spec, {})
    assert f'weights="imagenet" loads {chosen.checkpoint.id}\n' in text
    assert max(map(len, text.splitlines()[5:])) <= 110
    for name in ("AllCNNA", "AllCNNC"):
        why = unpublished()[name]
        reason = f"{why['reason']}; {why['related']}, a related net, has some"
        assert reason in " ".join(run("show", name).split())


def test_nets_that_are_named_as_related_have_weights():
    assert [row["net"] for row in unpublished().values() if not checkpoints(row["related"])] == []


def test_show_as_json(run):
    data = json.loads(run("show", "LeNet5", "--json"))
    assert (data["params"], data["year"], data["classes"]) == (60_806, 1998, 10)
    assert data["weights"] == ["kerasnets"]
    assert data["options"][0]["default"] == [6, 16, 120]
    assert data["citation"]["title"] == "Gradient-Based Learning Applied to Document Recognition"


def test_profile(run):
    assert "60,806 parameters, 326,520 multiply-adds" in run("profile", "LeNet5")
    assert "c3_conv" not in run("profile", "LeNet5")
    assert "c3_conv" in run("profile", "LeNet5", "--layers")
    assert "32 pixels" in run("profile", "LeNet5", "--input", "99999999999x9999999")  # counted, not walked


def test_profile_as_csv_and_json(run):
    rows = list(csv.DictReader(io.StringIO(run("profile", "LeNet5", "--csv"))))
    c3 = next(row for row in rows if row["name"] == "c3_conv")
    assert (c3["output_shape"], c3["params"], c3["mult_adds"]) == ("10x10x16", "1516", "150000")
    data = json.loads(run("profile", "LeNet5", "--json", "--layers"))
    assert [row["name"] for row in data["layers"]] == [row["name"] for row in rows]
    assert data["mult_adds"] == sum(int(row["mult_adds"]) for row in rows) == 326_520
    assert data["input_shape"] == [32, 32, 1]


PROFILES = [
    ("MobileNet --alpha 0.25 --rho 128/224", dict(alpha=0.25, rho=128 / 224)),
    ("MobileNet --input 64x64 --alpha 0.25", dict(alpha=0.25, input_shape=(64, 64, 3))),
    ("MobileNet --input 64x96x1 --depths 1,1,1,1,1", dict(input_shape=(64, 96, 1), depths=(1,) * 5)),
    ("ResNet20 --shortcut project --classes 3", dict(shortcut="project", classes=3)),
    ("ResNet20 --shortcut none", dict(shortcut=None)),
    ("ResNet20 --include-top false --pooling avg", dict(include_top=False, pooling="avg")),
    ("FractalNet20 --filters 4 --columns 2", dict(filters=(4,), columns=2)),
    ("LeNet5 --trainable-pooling False", dict(trainable_pooling=False)),
    ("LeNet5 --connections (0,1),(2,3),(4,5) --filters 6,3,8", None),
    ("MobileNet --separable false --alpha 0.125", dict(separable=False, alpha=0.125)),
]


@pytest.mark.parametrize(("line", "options"), PROFILES)
def test_options_are_those_of_the_builder(line, options, run):
    name, *words = line.split()
    if options is None:
        options = dict(connections=((0, 1), (2, 3), (4, 5)), filters=(6, 3, 8))
    counts = kerasnets.analysis.profile(kerasnets.build(name, **options))
    data = json.loads(run("profile", name, *words, "--json"))
    assert (data["params"], data["mult_adds"]) == (counts.params, counts.mult_adds)
    assert data["input_shape"] == list(counts.input_shape)


def test_a_flag_needs_no_value(run):
    # Szegedy et al. 2015, table 1, with its auxiliary heads and biases.
    assert json.loads(run("profile", "GoogLeNet", "--aux-heads", "--json"))["params"] == 13_378_280


@pytest.mark.parametrize(
    ("text", "default", "value"),
    [
        ("7", 1, 7),
        ("7", (1, 2), (7,)),
        ("6,12", (1,), (6, 12)),
        ("(1,2),(3,4)", (), ((1, 2), (3, 4))),
        ("0.5", 1.0, 0.5),
        ("1/4", 1.0, 0.25),
        ("TRUE", False, True),
        ("none", "pad", None),
        ("1x1", "3x3", "1x1"),
        ("pad", None, "pad"),
        ("1/0", 1.0, "1/0"),
        # neither literals nor numbers: no tracebacks
        ("{[]:1}", "relu", "{[]:1}"),
        ("{[],}", "relu", "{[],}"),
        ("'", "relu", "'"),
        pytest.param("9" * 400 + "/1", 1.0, "9" * 400 + "/1", id="too large"),
        pytest.param("9" * 5000, 1.0, "9" * 5000, id="too long"),
        pytest.param("(" * 10_000, (), "(" * 10_000, id="too deep"),
    ],
)
def test_texts_and_their_values(text, default, value):
    found = options.parsed(text, default)
    assert found == value
    assert type(found) is type(value)


def test_compare(run, tmp_path):
    path = tmp_path / "x.svg"
    text = run("compare", "PlainNet20", "ResNet20", "MLP800", "--sort", "params", "--plot", str(path))
    assert first_column(text)[:3] == ["PlainNet20", "ResNet20", "MLP800"]
    assert text.splitlines()[-1] == f"wrote {path}, without PlainNet20"
    assert path.read_text().startswith("<?xml")
    own = "ResNet20(shortcut=None)"
    data = json.loads(run("compare", "ResNet20", own, "FitNet4", "--sort", "top1", "--json"))
    assert [row["name"] for row in data["models"]] == ["FitNet4", "ResNet20", own]
    assert data["models"][1]["weights"] == checkpoints("ResNet20")[0].id
    # He et al. 2016, table 6.
    assert [(row["result"] or {}).get("top1") for row in data["models"]] == [8.39, 8.75, None]
    assert data["protocol"] == data["protocols"][0] == data["models"][0]["result"]["protocol"]
    text = run("compare", "ResNet20", "--protocol", "cifar10 training not stated")
    assert "the trained weights" in text


def test_plot(run, tmp_path):
    path = tmp_path / "x.dot"
    assert run("plot", "ResNet20", "--out", str(path)) == f"wrote {path}: 10 blocks\n"
    assert "stage1_unit1 to stage1_unit3: 3 times" in path.read_text()
    deep = json.loads(
        run("plot", "ResNet20", "--depth", "2", "--shortcut", "none", "--out", str(path), "--json")
    )
    assert deep["file"] == str(path)
    assert deep["blocks"] > 5


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", "required: COMMAND"),
        ("prof LeNet5", "'list', 'show', 'profile', 'compare', 'plot'"),
        ("list lenett", "Did you mean 'LeNet5'"),
        ("list --family densnet", "Did you mean 'densenet'"),
        ("list MLP800 --weights", "of the models that match 'MLP800', none has trained weights: MLP800"),
        ("list lenet --family vgg", "none is of the family 'vgg': LeNet1, LeNet4, LeNet5"),
        ("list --sort size", "--sort: invalid choice: 'size'"),
        ("list --bogus", "unknown option or argument '--bogus'"),
        ("show lenet5", "Did you mean 'LeNet5'"),
        ("profile lenet5", "Did you mean 'LeNet5'"),
        ("profile MobileNet --alpa 0.5", "MobileNet has no option '--alpa'. Did you mean '--alpha'"),
        ("profile MobileNet extra", "MobileNet has no option 'extra'"),
        ("profile MobileNet --alpha -1", "`alpha` is a positive number. Received: alpha=-1"),
        ("profile MobileNet --alpha half", "`alpha` is a positive number. Received: alpha='half'"),
        ("profile MobileNet --alpha", "`alpha` is a positive number. Received: alpha=True"),
        ("profile LeNet5 --act {[]:1}", "`act` is the name of a Keras activation"),
        ("profile LeNet5 --act {'a':1}", "`act` is the name of a Keras activation"),
        ("profile MobileNet --depths 1,2", "`depths` is 5 whole numbers"),
        ("profile MobileNet --input 8x8x3", "`input_shape` is (height, width, channels)"),
        ("profile MobileNet --input large", "`--input` is a shape such as 224x224x3. Received: large"),
        ("profile ResNet20 --depth 21", "`depth` is 2 more than a multiple of 6"),
        ("profile ResNet20 --pooling foo", "`pooling` is"),
        ("compare LeNet5 lenet4", "Did you mean 'LeNet4'"),
        ("compare LeNet5 --sort parms", "Did you mean 'params'"),
        ("compare MobileNet(alpha=0.5 LeNet5", "`name` is a name, or a name with options"),
        ("compare PlainNet18 ResNet18 --protocol x", "`protocol` is one of 'imagenet ten crops 224'."),
        ("compare LeNet5 --plot x.jpg", "`path` is a file in a folder that exists, ending in one of .png"),
        ("plot LeNet5", "required: --out"),
        ("plot LeNet5 --out x.bmp", "`path` is a file in a folder that exists, ending in one of .svg"),
        ("plot LeNet5 --out x.dot --depth two", "--depth: invalid int value: 'two'"),
    ],
)
def test_mistakes_are_one_line(line, words, refused, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    message = refused(*line.split())
    assert message.startswith("kerasnets: ")
    assert words in message
    assert not list(tmp_path.iterdir())


def test_help_imports_no_keras():
    program = (
        "import sys; from kerasnets.cli import main\n"
        "try: main(['profile', '--help'])\n"
        "except SystemExit as end: assert end.code == 0\n"
        "assert 'keras' not in sys.modules and 'numpy' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "--input 224x224x3" in done.stdout
    assert "kerasnets show NAME" in done.stdout


@pytest.mark.parametrize(
    "line",
    [
        *("list", "list --sort params --weights", "weights list MobileNet"),
        *("show MobileNet", "show AllCNNA", "show lenet5"),
    ],
)
def test_what_is_shipped_is_read_without_keras(line):
    program = (
        f"import sys; from kerasnets.cli import main; main({line.split()})\n"
        "assert not {'keras', 'tensorflow', 'numpy'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "MobileNet" in done.stdout or "AllCNNA" in done.stdout or "Did you mean 'LeNet5'" in done.stderr


def test_nets_have_no_values_and_leave_nothing_behind(run, monkeypatch):
    seen, profile = [], kerasnets.analysis.profile
    monkeypatch.setattr(kerasnets.analysis, "profile", lambda net: seen.append(net) or profile(net))
    run("profile", "LeNet5")
    assert all(w._value is None for w in seen[0].weights)
    with keras.StatelessScope():
        pass  # Keras fills here what was made without values and is still known
    assert all(w._value is None for w in seen[0].weights)
    assert kerasnets.build("LeNet5").get_weights()[0].any()


def test_as_a_module():
    done = subprocess.run(
        [sys.executable, "-m", "kerasnets", "list", "lenet"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert first_column(done.stdout) == ["LeNet1", "LeNet4", "LeNet5"]
    done = subprocess.run(
        [sys.executable, "-m", "kerasnets", "lst"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1


def test_export(run, tmp_path):
    net = kerasnets.build("LeNet5", classes=3)
    kerasnets.save(net, tmp_path / "net.weights.h5", scaling="unit")
    (tmp_path / "names.txt").write_text("cat\ndog\ngnu\n")
    words = ["export", "LeNet5", "--weights", str(tmp_path / "net.weights.h5")]
    words += [
        "--out",
        str(tmp_path / "models"),
        "--as",
        "digits",
        "--class-names",
        str(tmp_path / "names.txt"),
    ]
    path = tmp_path / "models" / "digits" / "1"
    assert run(*words, "--image-bytes") == f"wrote {path}\n"
    expected = {"path": str(path.with_name("5")), "notes": []}
    assert json.loads(run(*words, "--as-version", "5", "--json")) == expected
    card = json.loads((path / "assets.extra" / "model_card.json").read_text())
    assert card["fingerprint"] == kerasnets.distillation.fingerprint(net)
    assert card["class_names"] == ["cat", "dog", "gnu"]
    assert card["input"]["scaling"] == "unit"
    assert "serving_bytes" in card["signatures"]


def test_export_of_weights_that_say_nothing(run, refused, tmp_path):
    """The command says what it takes for granted, and needs the name of the net."""
    kerasnets.build("LeNet5", classes=3).save_weights(tmp_path / "net.weights.h5")
    words = ["--weights", str(tmp_path / "net.weights.h5"), "--out", str(tmp_path / "models")]
    text = run("export", "LeNet5", "--classes", "3", *words)
    assert "is not recorded. Used is the scaling of its preprocess_input, 'lecun'" in text
    assert "which does not say which net it is for" in refused("export", *words)
    other = refused("export", "LeNet5", *words)  # of ten classes
    assert "value.shape=(84, 3)" in other
    assert "[[" not in other  # the weights themselves


def test_export_of_weights_that_say_all(run, refused, tmp_path):
    file = tmp_path / "net.weights.h5"
    net = kerasnets.build("LeNet5", classes=3, act="relu", input_shape=(32, 32, 3))
    kerasnets.save(net, file, scaling="unit", class_names=["cat", "dog", "gnu"])
    words = ["--weights", str(file), "--out", str(tmp_path / "models")]
    for order in (["LeNet5", *words], words, [*words, "LeNet5"]):
        path = run("export", *order).split()[-1]
        card = json.loads((pathlib.Path(path) / "assets.extra" / "model_card.json").read_text())
        assert card["class_names"] == ["cat", "dog", "gnu"]
        assert (card["builder"], card["input"]["scaling"]) == ("LeNet5", "unit")
    assert "which has those of LeNet5" in refused("export", "ResNet20", *words)
    assert "with act='tanh'" in refused("export", "LeNet5", "--act", "tanh", *words)
    assert "`preprocess` is None or 'unit'" in refused("export", *words, "--preprocess", "tf")
    assert "NAME" in refused("export", *words, "--classes", "3")


def test_export_in_another_format(run, refused, tmp_path):
    pytest.importorskip("ai_edge_litert")
    np.save(tmp_path / "images.npy", np.random.default_rng(0).integers(0, 256, (9, 32, 32, 1), "uint8"))
    kerasnets.build("LeNet5", classes=3).save_weights(tmp_path / "net.weights.h5")
    words = ["export", "LeNet5", "--classes", "3", "--weights", str(tmp_path / "net.weights.h5")]
    words += ["--out", str(tmp_path / "models"), "--format", "litert_int8"]
    calibration = ["--calibration", str(tmp_path / "images.npy")]
    path = tmp_path / "models" / "LeNet5" / "1-int8.tflite"
    assert "`calibration` is images of 0..255" in refused(*words)
    assert "--image-bytes is for --format saved_model" in refused(*words, *calibration, "--image-bytes")
    assert "--format" in refused(*words[:-1], "tflite")
    assert "--calibration is for --format fastest, litert_int8 and openvino_int8" in refused(
        *words[:-2], *calibration
    )
    assert not path.parent.exists()
    said = json.loads(run(*words, *calibration, "--json"))
    assert set(said) == {"path", "compared_images", "largest_difference", "top1_agreement", "notes"}
    assert (said["path"], said["compared_images"]) == (str(path), 9)
    assert path.exists()


def test_export_of_what_is_not_there(refused, tmp_path):
    out = ["--out", str(tmp_path / "models")]
    assert "--weights" in refused("export", "LeNet5", *out)
    assert "that exists" in refused("export", "LeNet5", *out, "--weights", "no.weights.h5")
    assert "--out: a folder. Received: the file" in refused(
        "export", "LeNet5", "--weights", __file__, "--out", __file__
    )
    assert "`weights` is None or a path" in refused("export", "MLP800", *out, "--weights", "imagenet")
    assert "NAME, one of" in refused("export", *out, "--weights", "imagenet")
    (tmp_path / "no.txt").write_bytes(b"\xff")
    for names in ("no.txt", "missing.txt", "."):
        words = ("--weights", __file__, "--class-names", str(tmp_path / names))
        assert "--class-names: a text file in UTF-8. Received:" in refused("export", "LeNet5", *out, *words)
    (tmp_path / "no.txt").unlink()
    assert not list(tmp_path.iterdir())


LITERALS = st.recursive(
    st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans() | st.none(),
    lambda inner: st.lists(inner).map(tuple),
)


@settings(deadline=None)
@given(LITERALS)
def test_literals_mean_themselves(value):
    assert options.parsed(repr(value), None) == value


@settings(deadline=None)
@given(st.text() | st.text("[](){},:'\"\\.-+/_0123456789eEjxabNone "))
def test_no_text_is_too_odd(text):
    options.parsed(text, None)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_tables_are_printed_where_their_lines_cannot_be(encoding, monkeypatch):
    """As into a pipe on Windows, or with LC_ALL=C."""
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding))
    assert cli.main(["list", "LeNet5"]) == 0
    assert "60,806" in raw.getvalue().decode(encoding)


@pytest.fixture
def config(tmp_path):
    """The path of a config for a tiny net."""
    fields = "model='MLP800', size=8, data='generated', rate=0.1, batch=32, epochs=4"
    path = tmp_path / "tiny.py"
    path.write_text(f"from kerasnets.training import Recipe\n\nRECIPE = Recipe({fields})\n")
    return path


def test_results_of_training_are_alone_on_stdout(config, tmp_path, monkeypatch, capsys):
    def stands_in(recipe, out, options, method=None):
        out.mkdir(parents=True)
        print("epoch 1")
        weights = "last.keras"
        return {"top1": 0.5, "top5": 1.0, "model": recipe.model, "out": out.name, "weights": weights}

    monkeypatch.setattr(kerasnets.runs, "train", stands_in)
    assert cli.main(["train", str(config), "--json", "--out", str(tmp_path / "run")]) == 0
    out, err = capsys.readouterr()
    assert (json.loads(out)["model"], err) == ("MLP800", "epoch 1\n")
    nets = f"--config {config} --teacher LeNet1 --student MLP800 --hidden 9".split()
    assert cli.main(["distill", *nets, "--json", "--out", str(tmp_path / "nets")]) == 0
    out, err = capsys.readouterr()
    assert [r["model"] for r in json.loads(out).values()] == ["LeNet1", "MLP800"]
    assert err.startswith("epoch 1\n" * 2 + "net ")


def test_a_config_is_a_file(refused):
    assert "`config`" in refused("train", "resnet20_cifar10")
    assert "--config" in refused("distill", "--teacher", "MLP800", "--student", "MLP800")


def test_a_stopped_run_says_how_it_goes_on(config, monkeypatch, capsys):
    def stopped(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(kerasnets.runs, "train", stopped)
    assert cli.main(["train", str(config)]) == 130
    assert "--resume" in capsys.readouterr().err
