"""Checkpoints are measured under their own protocol, and compared with what is published of them.

The checkpoint is that of a small net, in a mirror; the images are in a folder that the test makes.
"""

import dataclasses
import importlib
import json

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import save_file

import kerasnets
from kerasnets import cli, runs, weights
from kerasnets.runs.evaluate import numbered, spellings
from kerasnets.weights.architectures import ARCHITECTURES
from kerasnets.weights.architectures.row import Architecture
from kerasnets.weights.checkpoints import Checkpoint, table
from kerasnets.weights.classes import classes
from kerasnets.weights.pairing import slots_of
from nets import array, filled

module = importlib.import_module("kerasnets.runs.evaluate")  # runs.evaluate is its function
ID, FILE = "made/small.one", "made.safetensors"
ROW = Architecture(net="ResNet20", options={"depth": 8}, order="layer fc")
PUBLISHED = Checkpoint(
    id=ID, net="ResNet20", data="cifar10", file=FILE, url=f"https://huggingface.co/{ID}", licence="mit",
    hash=None, megabytes=None, input=(32, 32), crop=0.8, interpolation="bicubic", mean=(90.0,) * 3,
    std=(60.0,) * 3, order="BGR", range=255, top1=91.5, top5=99.0,
)  # fmt: skip
NORM = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var"}
CLASSES = [name for _, name in classes()["cifar10"]]


@pytest.fixture(scope="module")
def peer():
    """The net of the checkpoint."""
    return filled(kerasnets.build("ResNet20", depth=8))


@pytest.fixture
def mirror(peer, tmp_path, monkeypatch):
    """A mirror with the checkpoint, whose layers are named in their order."""
    tensors = {}
    for i, slot in enumerate(slots_of(peer)):
        name = "fc" if slot.name == "logits" else f"layer{i}"
        for w in slot.weights:
            axes = {4: (3, 2, 0, 1), 2: (1, 0), 1: (0,)}[len(w.shape)]
            weight = NORM.get(w.name, w.name.replace("kernel", "weight"))
            tensors[f"{name}.{weight}"] = np.ascontiguousarray(array(w).transpose(axes))
    monkeypatch.setitem(ARCHITECTURES, "made/small", ROW)
    monkeypatch.setitem(table(), ID, PUBLISHED)
    monkeypatch.setenv("KERASNETS_MIRROR", str(tmp_path / "mirror"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    path = tmp_path / "mirror" / ID / FILE
    path.parent.mkdir(parents=True)
    save_file(tensors, path)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two images of each class, of other sizes than the net's."""
    rng, root = np.random.default_rng(0), tmp_path_factory.mktemp("photos")
    for name in CLASSES:
        (root / name.upper()).mkdir()
        for i, sides in enumerate([(12, 16, 3), (18, 12, 3)]):
            image = Image.fromarray(rng.integers(0, 256, sides, "uint8")).resize((96 - 24 * i, 72))
            image.save(root / name.upper() / f"{i}.png")
    return root


def by_hand(path):
    """The pixels that the publisher of the checkpoint would see, by Pillow."""
    image = Image.open(path)
    scale = 40 / min(image.size)  # 32 / 0.8
    image = image.resize([round(side * scale) for side in image.size], Image.Resampling.BICUBIC)
    left, top = ((side - 32) // 2 for side in image.size)
    return np.asarray(image.crop((left, top, left + 32, top + 32)), "float32")


def test_the_protocol_is_that_of_the_checkpoint(mirror, folder, peer, monkeypatch, capsys):
    seen, evaluate = [], module.training.evaluate

    def spy(model, batches, **options):
        seen.extend(batches)
        return evaluate(model, seen, **options)

    monkeypatch.setattr(module.training, "evaluate", spy)
    words = ["evaluate", "ResNet20", "--weights", ID, "--data-dir", str(folder), "--json"]
    assert cli.main(words) == 1  # nobody would confirm these accuracies
    said = json.loads(capsys.readouterr().out)
    pixels = np.concatenate([array(images) for images, _ in seen])
    labels = np.concatenate([labels for _, labels in seen])
    expected = np.stack([by_hand(path) for path in sorted(folder.glob("*/*.png"))])
    assert np.abs(pixels - expected).max() <= 1.5  # Pillow rounds after each axis
    assert labels.tolist() == [c for c in range(10) for _ in range(2)]
    scores = array(peer((pixels[..., ::-1] - 90) / 60, training=False))
    ranks = (scores > scores[np.arange(20), labels][:, None]).sum(1)
    for k in (1, 5):
        assert said[f"top{k}"]["measured"] == pytest.approx(100 * np.mean(ranks < k))
    assert (said["top1"]["published"], said["images"], said["split"]) == (91.5, 20, "all")
    assert (said["agrees"], said["whole"]) == (False, False)  # CIFAR-10 has 10,000 for its test


@pytest.mark.parametrize(("off", "status"), [(0.5, 0), (0.51, 1)])
def test_the_tolerance_decides(off, status, mirror, folder, monkeypatch, capsys):
    monkeypatch.setitem(module.TEST_IMAGES, "cifar10", 20)
    monkeypatch.setattr(module.training, "evaluate", lambda *_, **__: {"top1": 0.7, "top5": 0.9})
    monkeypatch.setitem(table(), ID, dataclasses.replace(PUBLISHED, top1=70 + off, top5=None))
    assert cli.main(["evaluate", "ResNet20", "--weights", ID, "--data-dir", str(folder)]) == status
    text = capsys.readouterr().out
    assert f"-{off:.2f}" in text
    assert text.endswith(f"Measured and published accuracy {'differ' if status else 'agree'}.\n")


def test_samples_and_parts_of_the_classes_say_what_they_are():
    whole = module.Evaluation(
        "N", ID, "cifar10", "test", "", 10_000, True, 10, 10, {1: 70.0, 5: 90.0}, {1: 75.0}, 0.5, 1.0
    )
    assert whole.agrees is False
    sample = dataclasses.replace(whole, images=300, whole=False)
    assert sample.standard_error(1) == pytest.approx(2.5)  # 100 sqrt(0.75 * 0.25 / 300)
    assert sample.agrees
    assert "a sample of 300 images has a standard error of 2.50 points" in str(sample)
    assert dataclasses.replace(sample, images=301).agrees is False
    part = dataclasses.replace(whole, classes=3)
    assert part.agrees is None
    assert "3 of the 10 classes" in str(part)
    alone = dataclasses.replace(whole, published={})
    assert alone.agrees is None
    assert f"No accuracy of {ID} on cifar10 is published" in str(alone)


def test_class_folders_are_names_or_ids_of_wordnet(tmp_path, folder, capsys):
    known = spellings("imagenet")
    assert numbered(["n02124075", "Egyptian_cat", "espresso"], known).tolist() == [285, 285, 967]
    with pytest.raises(ValueError, match="of the 1,000 classes of the weights.*Received: data_dir='n2, dgo'"):
        numbered(["n02124075", "n2", "dgo"], known)
    # Refused before anything is fetched.
    words = ["evaluate", "ResNet34", "--weights", "timm/resnet34.a1_in1k", "--data-dir", str(folder)]
    assert cli.main(words) == 2
    assert "AIRPLANE, AUTOMOBILE, BIRD, CAT, DEER and 5 more" in capsys.readouterr().err


def test_a_net_of_ones_own(peer, tmp_path):
    path = tmp_path / "net.weights.h5"
    weights.describe(peer, scaling="unit")
    kerasnets.save(peer, path, results={"top1": 0.5, "top5": 0.75})
    found = runs.evaluate("ResNet20", path, "generated", limit=8)
    assert found.published == {1: 50.0, 5: 75.0}
    assert (found.images, found.whole, found.classes) == (8, False, 10)
    weights.describe(peer, training={"data": "cifar10"})
    kerasnets.save(peer, path, results={"top1": 0.5})
    assert runs.evaluate("ResNet20", path, "generated", limit=8).agrees is None  # other data
    with pytest.raises(ValueError, match="`net` is 'ResNet20'"):
        runs.evaluate("ResNet34", path, "generated")


def test_a_net_of_one_score_tells_a_class_from_the_rest(folder, tmp_path):
    path = tmp_path / "net.keras"
    options = dict(hidden=(4,), input_shape=(8, 8, 3), classifier_activation=None)
    net = kerasnets.build("MLP800", classes=1, **options)
    net.get_layer("logits").bias.assign([50.0])  # it says yes to all
    weights.describe(net, scaling="unit", class_names=("not FROG", "FROG"), threshold=0.3)
    kerasnets.save(net, path, results={"accuracy": 0.75})
    found = runs.evaluate("MLP800", path, data_dir=folder, dataset="photos")
    assert (found.measured, found.published, found.classes) == ({1: 10.0}, {1: 75.0}, 2)
    net = kerasnets.build("MLP800", classes=3, **options)
    kerasnets.save(net, path, threshold=0.3, scaling="unit")
    with pytest.raises(ValueError, match="`weights` is those of a net that gives one class to each image"):
        runs.evaluate("MLP800", path, data_dir=folder, dataset="photos")


def test_a_net_is_measured_on_the_split_that_its_run_tested_it_on(tmp_path):
    """A folder without splits also has the images that it was trained on."""
    card = kerasnets.weights.Card(training={"data_dir": str(tmp_path), "splits": ["train", "test"]})
    assert module.own_split(card, tmp_path / "." / "") == "test"
    assert module.own_split(card, tmp_path.parent) is None
    assert module.own_split(kerasnets.weights.Card(), tmp_path) is None
