import dataclasses
import itertools
import sys
import xml.etree.ElementTree

import keras
import pytest
from keras import layers

import kerasnets
from kerasnets import weights
from kerasnets.analysis import Comparison, ModelRow, compare, profile
from kerasnets.assembly import protocols
from kerasnets.assembly.protocols import Protocol
from kerasnets.assembly.results import Result, named, results
from kerasnets.tables import count_text
from kerasnets.weights.checkpoints import checkpoints, chosen

NAMES = ["ResNet20", "PlainNet20(depth=8)", "MLP800"]


@pytest.fixture(scope="module")
def comparison():
    return compare(NAMES)


def test_rows_are_what_profile_counts(comparison):
    assert [row.name for row in comparison.rows] == NAMES
    for row in comparison.rows:
        name, options = named(row.name)
        counts = profile(kerasnets.build(name, **options))
        for field in ("input_shape", "params", "trainable_params", "mult_adds", "receptive_field"):
            assert getattr(row, field) == getattr(counts, field), field
        assert row.peak_activation_bytes == counts.peak_activation_bytes > 0


def test_published_errors_stand_beside_names(comparison):
    resnet, plain, mlp = comparison.rows
    # That of the trained weights, where there are some; Hinton et al. 2015: 146 errors of 10,000.
    best = chosen("ResNet20")["cifar10"]
    assert (resnet.top1, resnet.top5, resnet.result.dataset) == (round(100 - best.top1, 4), None, "CIFAR-10")
    assert (mlp.top1, mlp.result.dataset) == (1.46, "MNIST")
    assert (plain.top1, plain.top5, plain.result) == (None, None, None)
    assert [row.family for row in comparison.rows] == ["resnet", "resnet", "mlp"]


def test_a_model_that_is_handed_in_is_not_the_one_that_was_tested():
    own = keras.Sequential([keras.Input((7,)), layers.Dense(5)], name="ResNet20")
    row, named = compare([own, "PlainNet20"]).rows
    assert (row.params, row.mult_adds, row.result, row.family, row.weights) == (40, 35, None, None, None)
    assert (named.result, named.weights) == (None, None)


def test_trained_weights(comparison, monkeypatch):
    best = chosen("ResNet20")["cifar10"]
    assert [row.weights for row in comparison.rows] == [best.id, None, None]
    other = checkpoints("ResNet20")[-1]
    facts = {"weights": other.id, "data": "cifar10"}
    built = keras.Sequential([keras.Input((7,)), layers.Dense(5)])  # as a builder leaves it
    weights.describe(built, training=facts, results={"published": {"top-1 accuracy (%)": other.top1}})
    (row,) = compare([built]).rows
    assert (row.weights, row.top1) == (other.id, round(100 - other.top1, 4))
    unmeasured = dataclasses.replace(best, top1=None)  # then the paper's
    monkeypatch.setattr(sys.modules[ModelRow.__module__], "chosen", lambda name: {"cifar10": unmeasured})
    row, _ = compare(["ResNet20", "MLP800"]).rows
    assert (row.weights, row.result) == (best.id, results("ResNet20")[0])


@pytest.mark.parametrize(
    ("by", "descending", "order"),
    [
        ("name", False, "MLP800 PLAIN ResNet20"),
        ("params", False, "PLAIN ResNet20 MLP800"),
        ("mult_adds", True, "ResNet20 PLAIN MLP800"),
        ("top1", False, "MLP800 ResNet20 PLAIN"),
        ("top1", True, "ResNet20 MLP800 PLAIN"),  # what has none comes last either way
    ],
)
def test_orders(comparison, by, descending, order):
    assert [row.name for row in comparison.sorted(by, descending).rows] == order.replace(
        "PLAIN", NAMES[1]
    ).split()


def test_compare_sorts():
    found = compare(NAMES[1:], "params", descending=True)
    assert [row.name for row in found.rows] == ["MLP800", "PlainNet20(depth=8)"]


def test_table(comparison):
    text = str(comparison)
    rows = {line.split()[0]: line for line in text.splitlines() if line}
    assert all(word in rows["ResNet20"] for word in ("32x32x3", "270k", "40.6M", "KiB", " 81", "[1]", "yes"))
    assert f"{comparison.rows[0].top1:.2f}" in rows["ResNet20"]
    assert "[" not in rows["PlainNet20(depth=8)"]
    best = chosen("ResNet20")["cifar10"]
    assert rows["[1]"].startswith(f"[1] the trained weights {best.id} (CIFAR-10, test images: whole images, ")
    assert rows["[2]"].endswith("(MNIST, test images: whole images, trained with no augmentation)")
    assert "share no protocol" in text
    assert max(map(len, text.splitlines())) <= 110


def test_models_of_a_generator(comparison):
    assert compare(name for name in NAMES).rows == comparison.rows


@pytest.mark.parametrize(
    ("number", "words"),
    [(0, "0"), (999, "999"), (1000, "1k"), (270_896, "271k"), (999_600, "1M"), (25_557_032, "25.6M")],
)
def test_short_numbers(number, words):
    assert count_text(number) == words


@pytest.mark.parametrize("models", ["LeNet5", keras.Sequential([keras.Input((3,))]), ["LeNet5", 3]])
def test_what_is_no_sequence_of_models(models):
    with pytest.raises(
        ValueError, match="`models` is a sequence of names and keras.Models. Received: models="
    ):
        compare(models)


def test_names_and_orders_are_checked_before_anything_is_built(monkeypatch):
    monkeypatch.setattr("kerasnets.assembly.registry.build", None)
    with pytest.raises(ValueError, match="Did you mean 'LeNet5'.*Received: name='lenet5'"):
        compare(["LeNet5", "lenet5"])
    with pytest.raises(
        ValueError, match="`sort` is one of name, .*Did you mean 'params'.*Received: sort='parms'"
    ):
        compare(["LeNet5"], sort="parms")
    with pytest.raises(ValueError, match="`alfa` is not an option of MobileNet. Did you mean 'alpha'"):
        compare(["LeNet5", "MobileNet(alfa=0.5)"])
    with pytest.raises(ValueError, match="`alpha` is a positive number. Received: alpha='x'"):
        compare(["LeNet5", "MobileNet(alpha='x')"])
    with pytest.raises(ValueError, match="`weights` is not an option of MobileNet"):
        compare(["MobileNet(weights='imagenet')"])
    for options in ("alpha=1, alpha=0.5", "alpha=1\n", f"alpha={10**400}/3", "alpha=1/0", "alpha=open('x')"):
        with pytest.raises(ValueError, match="`name` is a name, or a name with options such as"):
            compare([f"MobileNet({options})"])


ONE, TEN = (Protocol(protocols.IMAGENET, crops, 224) for crops in (protocols.ONE_CROP, protocols.TEN_CROPS))
IMAGES = protocols.small(protocols.CIFAR10, protocols.RAW)


UNSAID = Protocol(protocols.IMAGENET, protocols.UNSTATED)


def row(name, mult_adds, top1, params=10**6, protocol=ONE, family="resnet", top5=None, source="a table"):
    result = (top1 or top5) and Result(protocol, top1, top5, source)
    return ModelRow(name, family, (224, 224, 3), params, params, mult_adds, 1, (9, 9), None, result)


# Close together, so that names beside their markers would lie on one another.
CROWD = [row(f"AVeryLongName{i}", 10**9 * (1 + i % 3 / 50), 25 + i // 3 / 50) for i in range(12)]


@pytest.fixture
def drawn(monkeypatch):
    """Keeps the figures that are drawn."""
    from matplotlib.figure import Figure

    figures = []
    save = Figure.savefig
    monkeypatch.setattr(Figure, "savefig", lambda self, *a, **k: (figures.append(self), save(self, *a, **k)))
    return figures


def test_names_do_not_overlap(drawn, tmp_path):
    Comparison(tuple(CROWD)).plot(tmp_path / "x.png")
    (axis,) = drawn[0].axes
    boxes = [text.get_window_extent() for text in axis.texts if text.get_text().startswith("AVery")]
    assert len(boxes) == len(CROWD)
    assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))


def test_protocols_share_no_axis_and_area_stands_for_parameters(drawn, tmp_path):
    rows = (
        row("Big", 10**9, 25.0, 4 * 10**6),
        row("Small", 10**8, 40.0, 10**6, family="vgg"),
        row("Ten", 10**8, None, protocol=TEN, top5=7.0),
        row("Digits", 10**6, 5.0, protocol=IMAGES),
        row("Nothing", 10**6, None),
        row("Only5", 10**6, None, top5=3.0),
        row("Unsaid", 10**6, 30.0, protocol=UNSAID, source="one"),
        row("Unknown", 10**6, 31.0, protocol=UNSAID, source="another"),
    )
    assert Comparison(rows).plot(tmp_path / "x.png") == ("Nothing", "Only5")
    one, ten, cifar, *unsaid = drawn[0].axes
    assert ["one" in axis.texts[0].get_text() for axis in unsaid] == [
        True,
        False,
    ]  # nor a panel of two sources
    points = {tuple(c.get_offsets()[0]): c for c in one.collections if len(c.get_offsets())}
    assert set(points) == {(10**9, 75.0), (10**8, 60.0)}
    big, small = points[10**9, 75.0], points[10**8, 60.0]
    assert big.get_sizes()[0] == 4 * small.get_sizes()[0]
    assert tuple(big.get_edgecolor()[0]) != tuple(small.get_edgecolor()[0])
    for axis, point in ((ten, (10**8, 93.0)), (cifar, (10**6, 95.0))):
        assert [tuple(c.get_offsets()[0]) for c in axis.collections if len(c.get_offsets())] == [point]
    shown = (one, ten, cifar)
    assert [axis.get_title().strip() for axis in shown] == ["ImageNet", "ImageNet", "CIFAR-10"]
    assert [axis.get_ylabel() for axis in shown] == [f"top-{k} accuracy, %" for k in (1, 5, 1)]
    for axis, protocol in zip(shown, (ONE, TEN, IMAGES), strict=True):
        assert protocol.text.partition(", ")[2] in {text.get_text() for text in axis.texts}


@pytest.fixture
def uncounted(monkeypatch):
    """Compares without building: only errors are looked at."""
    module = sys.modules[ModelRow.__module__]

    def model_row(model, result):
        return ModelRow(model, None, (), 0, 0, 0, None, None, None, result)

    monkeypatch.setattr(module, "model_row", model_row)


@pytest.mark.usefixtures("uncounted")
@pytest.mark.parametrize(
    ("names", "protocol", "errors"),
    [
        # He et al. 2016, table 2, as the lecture prints it.
        ("PlainNet18 ResNet18 PlainNet34 ResNet34", "imagenet ten crops 224", (27.94, 27.88, 28.54, 25.03)),
        # keras.io/api/applications.
        ("VGG16 ResNet50 DenseNet121 MobileNet", "imagenet one crop 224", (28.7, 25.1, 25.0, 29.6)),
        ("ResNet50 InceptionV3", "imagenet one crop", (25.1, 22.1)),
        # Simonyan, Zisserman 2015, table 3: VGG16C has been tested densely only.
        ("VGG16C VGG19 VGG16", "imagenet dense S256 Q256", (28.1, 27.3, 27.0)),
        # He et al. 2016, table 6.
        ("ResNet110 HighwayNet19", "cifar10 flips and shifts", (6.43, 7.54)),
        # Howard et al. 2017, tables 4 to 6.
        ("MobileNet(alpha=0.5) ConvMobileNet MobileNet", "imagenet not stated in Howard", (36.3, 28.3, 29.4)),
    ],
)
def test_one_protocol_of_several(names, protocol, errors):
    found = compare(names.split())
    assert tuple(row.top1 for row in found.rows) == errors
    assert found.protocol.startswith(protocol)
    assert all(found.protocol in row.result.names for row in found.rows)
    assert f'errors by "{protocol}' in str(found)
    assert found.protocol == found.protocols[0]
    same = {row.result.protocol for row in found.rows}
    assert ("each net at the size" in str(found)) == (len(same) > 1)


@pytest.mark.usefixtures("uncounted")
def test_winners_of_the_challenge_are_no_single_nets():
    names = ["AlexNet", "ZFNet", "VGG16", "GoogLeNet", "ResNet152", "SENet154"]
    found = compare(names, protocol="imagenet challenge")
    # The figures of Das's and Labate's lectures.
    assert [row.top5 for row in found.rows] == [16.4, 11.7, 7.3, 6.7, 3.57, 2.25]
    text = " ".join(str(found).split())
    assert "ensembles, each of its own nets and crops" in text
    assert "ten crops of 224 pixels, an ensemble of 5 nets)" in text


@pytest.mark.usefixtures("uncounted")
def test_small_nets_do_not_have_the_errors_of_their_large_relatives():
    simple, alex = compare(["SimpleNet", "AlexNet"]).rows  # SimpleNet has checkpoints for both datasets
    assert (simple.result.dataset, alex.result.dataset) == ("CIFAR-10", "ImageNet")


@pytest.mark.usefixtures("uncounted")
def test_a_protocol_is_chosen_by_name():
    found = compare(["VGG16", "VGG19", "PlainNet20"], protocol="imagenet dense S256-512 Q384")
    assert [row.top1 for row in found.rows] == [25.6, 25.5, None]  # table 3
    few = compare(["PlainNet18", "VGG13"], protocol="imagenet ten crops 224")
    assert [row.top1 for row in few.rows] == [27.94, None]
    with pytest.raises(ValueError, match="is one of 'imagenet ten crops 224'.* Received: protocol='x'"):
        compare(["PlainNet18", "ResNet18"], protocol="x")
    with pytest.raises(ValueError, match="`protocol` is None: .* Received: protocol='imagenet ten"):
        compare(["PlainNet20"], protocol="imagenet ten crops 224")


@pytest.mark.usefixtures("uncounted")
def test_without_a_shared_protocol_those_that_share_one_are_compared_by_it():
    found = compare(["ResNet18", "LeNet5", "PlainNet18"])
    assert (found.protocol, found.protocols) == (None, ())
    resnet, lenet, plain = found.rows
    assert (resnet.top1, plain.top1) == (27.88, 27.94)
    assert lenet.result.dataset == "MNIST"
    lines = str(found).splitlines()
    assert any("share no protocol" in line for line in lines)
    assert sum("ten crops of 224 pixels)" in line or "MNIST, test images" in line for line in lines) == 2


@pytest.mark.parametrize(("suffix", "start"), [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF")])
def test_pictures_are_written_whole_and_alike(suffix, start, tmp_path):
    path = tmp_path / f"x{suffix}"
    first = (Comparison(tuple(CROWD[:2])).plot(path), path.read_bytes())[1]
    assert first.startswith(start)
    Comparison(tuple(CROWD[:2])).plot(path)
    assert path.read_bytes() == first
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    if suffix == ".svg":
        xml.etree.ElementTree.fromstring(first)


@pytest.mark.parametrize("path", ["x.jpg", "x", "nowhere/x.png"])
def test_paths_of_pictures(path, tmp_path):
    with pytest.raises(
        ValueError, match="`path` is a file in a folder that exists, ending in .*Received: path="
    ):
        Comparison(tuple(CROWD)).plot(tmp_path / path)


def test_nothing_to_draw(tmp_path):
    with pytest.raises(ValueError, match="published error. Received: models=.'Nothing'"):
        Comparison((row("Nothing", 10**6, None),)).plot(tmp_path / "x.png")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["matplotlib", "adjustText"])
def test_without_a_library(name, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ModuleNotFoundError, match=rf"Pictures need {name}: pip install 'kerasnets\[plots\]'"):
        Comparison(tuple(CROWD)).plot(tmp_path / "x.png")
